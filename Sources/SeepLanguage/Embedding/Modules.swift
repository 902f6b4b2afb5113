// Sources and modules: `use attacks.dlg` looks for attacks/dlg.seep on the module path, `use "x.seep" as m` beside the
// file that says it. A module runs once per session; its value is the record of its names.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A text that is run, with the name that diagnostics use.
public final class SourceHandle: Sendable {
  public let name: String
  public let text: [UInt8]
  /// Where `use "x.seep"` looks first.
  public let folder: String?
  /// Where lines begin.
  private let lineStarts: [Int]

  public init(name: String, text: [UInt8], folder: String? = nil) {
    self.name = name
    self.text = text
    self.folder = folder
    lineStarts = [0] + text.indices.lazy.filter { text[$0] == 10 }.map { $0 + 1 }
  }

  /// The line of an offset, from 0, and where it begins.
  func lineStart(around offset: Int) -> (line: Int, start: Int) {
    var (low, high) = (0, lineStarts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return (low, lineStarts[low])
  }

  /// Where a line begins, from 1; the end of the text where there is none.
  func start(of line: Int) -> Int { lineStarts.indices.contains(line - 1) ? lineStarts[line - 1] : text.count }
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

  /// Whether a record holds the names of a module.
  func isModule(_ slot: Slot) -> Bool {
    modules.values.contains { $0.map { $0.slot.tag == slot.tag && $0.slot.bits == slot.bits } ?? false }
  }

  /// The record of the names of the module in this file, which runs once in a session.
  public func module(at path: String) throws -> Record {
    let value = try findModule("file:" + path, SourceHandle(name: "", text: []))
    return value.asRecord ?? Record()
  }

  private func findModule(_ text: String, _ user: SourceHandle) throws -> Value {
    let written = String(text.dropFirst(5))
    let isFile = text.hasPrefix("file:")
    let tried = modulePlaces(written, isFile: isFile, folder: user.folder)
    for full in tried {
      guard let file = Session.canonical(full) else { continue }
      if let known = modules[file] {
        guard let value = known else {
          let start = loading.firstIndex { $0.file == file } ?? 0
          let circle = loading[start...].map(\.written) + [written]
          throw Fault(
            "module-cycle", "the module \"\(written)\" is being loaded already: modules use each other in a circle",
            notes: ["The circle is \(circle.joined(separator: " → "))."])
        }
        return value
      }
      let contents = try TextFile.read(full)
      loading.append((file, written))
      defer { loading.removeLast() }
      return try load(full, contents, as: file)
    }
    let path = Session.modulePath(written, isFile: isFile)
    let near = nearestName(to: Session.moduleName(path), among: tried.flatMap(Session.modules(beside:)))
    let help = near.map { near in
      isFile
        ? "use \"\(path.dropLast(Session.moduleName(path).utf8.count + 5))\(near).seep\""
        : "use " + (written.split(separator: ".").dropLast() + [near[...]]).joined(separator: ".")
    }
    throw Fault(
      "module-not-found", "there is no module \"\(written)\"", notes: ["Looked for \(tried.joined(separator: ", "))."],
      help: help)
  }

  /// `attacks/dlg.seep` of `attacks.dlg`.
  private static func modulePath(_ written: String, isFile: Bool) -> String {
    isFile ? written : written.split(separator: ".").joined(separator: "/") + ".seep"
  }

  /// `dlg` of `attacks/dlg.seep`.
  private static func moduleName(_ path: String) -> String {
    let file = path.split(separator: "/").last ?? ""
    return String(file.hasSuffix(".seep") ? file.dropLast(5) : file)
  }

  /// The modules in the folder of a path.
  private static func modules(beside path: String) -> [String] {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    guard let open = opendir(folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder) else { return [] }
    defer { closedir(open) }
    var names: [String] = []
    while let entry = readdir(open) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".seep") { names.append(moduleName(name)) }
    }
    return names
  }

  /// Where a module may be, in the order in which it is looked for.
  private func modulePlaces(_ written: String, isFile: Bool, folder: String?) -> [String] {
    let path = Session.modulePath(written, isFile: isFile)
    let folders = path.hasPrefix("/") ? [""] : [folder ?? "."] + modulePath
    return folders.map { $0.isEmpty || $0 == "." ? path : "\($0)/\(path)" }
  }

  /// The file that `use` in a file of this folder would run; nil if there is none.
  package func moduleFile(_ written: String, isFile: Bool, folder: String?) -> String? {
    modulePlaces(written, isFile: isFile, folder: folder).lazy.compactMap(Session.canonical).first
  }

  /// One name for a file however it is written; nil if there is none.
  private static func canonical(_ path: String) -> String? {
    var info = stat()
    guard stat(path, &info) == 0, info.st_mode & S_IFMT != S_IFDIR, let resolved = realpath(path, nil) else {
      return nil
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private func load(_ path: String, _ contents: String, as key: String) throws -> Value {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let file = SourceHandle(name: path, text: Array(contents.utf8), folder: folder.isEmpty ? "." : folder)
    let moduleNames = GlobalNames(moduleOf: names)
    modules[key] = .some(nil)
    let (oldLast, oldTests) = (lastValue, tests.count)
    defer {
      lastValue = oldLast
      tests.removeLast(tests.count - oldTests)  // its tests are run when it is the script
    }
    do {
      _ = try run(file, moduleNames)
    } catch {
      modules[key] = nil
      throw error
    }
    var fields: [(name: String, value: Value)] = []
    for name in moduleNames.own where !name.hasPrefix("_") {
      guard let index = moduleNames.find(name), machine.globals[index].tag != Tag.absent else { continue }
      fields.append((name, Value(copying: machine.globals[index])))
    }
    let value = Value(record: fields)
    modules[key] = value
    return value
  }
}
