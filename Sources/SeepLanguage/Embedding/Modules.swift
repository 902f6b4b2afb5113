// Sources and modules: `use attacks.dlg` looks for attacks/dlg.seep on the module path, `use "x.seep" as m` beside the
// file that says it. A module runs once per session; its value is the record of its names.
import Ground

/// A text that is run, with the name that diagnostics use.
public final class SourceHandle: Sendable {
  public let name: String
  public let text: [UInt8]
  /// Where `use "x.seep"` looks first.
  public let folder: String?

  public init(name: String, text: [UInt8], folder: String? = nil) {
    self.name = name
    self.text = text
    self.folder = folder
  }
}

extension Session {
  /// What `use` binds: the record of a module's names; for `use attacks.dlg` its function `dlg`, if it has one.
  ///
  /// - Parameter reference: `file:path`, `name:dotted.name`, or `main:dotted.name` where no other name was given by `as`.
  func loadModule(_ reference: Slot, _ user: SourceHandle) throws -> Slot {
    let text = Heap.text(reference.string)
    let record = try findModule(text, user)
    guard text.hasPrefix("main:"), let name = text.split(separator: ".").last?.split(separator: ":").last else {
      return record.retainedSlot
    }
    guard let own = record.asRecord?[String(name)], own.isCallable else { return record.retainedSlot }
    return own.retainedSlot
  }

  /// The record of the names of the module in this file, which runs once in a session.
  public func module(at path: String) throws -> Record {
    let value = try findModule("file:" + path, SourceHandle(name: "", text: []))
    return value.asRecord ?? Record()
  }

  private func findModule(_ text: String, _ user: SourceHandle) throws -> Value {
    let isFile = text.hasPrefix("file:")
    let written = String(text.dropFirst(5))
    let path = isFile ? written : written.split(separator: ".").joined(separator: "/") + ".seep"
    var tried: [String] = []
    var folders = path.hasPrefix("/") ? [""] : [user.folder ?? "."]
    if !path.hasPrefix("/") { folders += modulePath }
    for folder in folders {
      let full = folder.isEmpty || folder == "." ? path : "\(folder)/\(path)"
      tried.append(full)
      if let known = modules[full] {
        guard let value = known else {
          throw Fault(
            "module-cycle", "the module \"\(written)\" is being loaded already: modules use each other in a circle")
        }
        return value
      }
      guard let contents = try? TextFile.read(full) else { continue }
      return try load(full, contents)
    }
    throw Fault(
      "module-not-found", "there is no module \"\(written)\"", notes: ["Looked for \(tried.joined(separator: ", "))."])
  }

  private func load(_ path: String, _ contents: String) throws -> Value {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let file = SourceHandle(name: path, text: Array(contents.utf8), folder: folder.isEmpty ? "." : folder)
    let moduleNames = GlobalNames(moduleOf: names)
    modules[path] = .some(nil)
    let (oldLast, oldTests) = (lastValue, tests.count)
    defer {
      lastValue = oldLast
      tests.removeLast(tests.count - oldTests)  // its tests are run when it is the script
    }
    do {
      _ = try run(file, moduleNames)
    } catch {
      modules[path] = nil
      throw error
    }
    var fields: [(name: String, value: Value)] = []
    for name in moduleNames.own where !name.hasPrefix("_") {
      guard let index = moduleNames.find(name), machine.globals[index].tag != Tag.absent else { continue }
      fields.append((name, Value(copying: machine.globals[index])))
    }
    let value = Value(record: fields)
    modules[path] = value
    return value
  }
}
