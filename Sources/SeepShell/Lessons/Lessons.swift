// The lessons of the manual: where they are, and where the reader stopped.
import Ground
import SeepLanguage
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum Lessons {
  /// A lesson's number, file and title.
  struct Entry {
    var number: Int
    var path: String
    var title: String
  }

  /// Whether the blocks of a page are one program: those of the lessons.
  public static func isLesson(_ path: String) -> Bool {
    path.hasPrefix("lessons/") || path.contains("/lessons/")
  }

  /// `SEEP_LESSONS`, `lessons` in the library, or `docs/lessons` beside it.
  static var folder: String? {
    var candidates: [String] = []
    if let given = getenv("SEEP_LESSONS") { candidates.append(String(cString: given)) }
    if let home = Home.folder { candidates += [home + "/lessons", home + "/../docs/lessons"] }
    return candidates.first { access($0, R_OK) == 0 }
  }

  /// The numbers of the lessons that are there.
  public static var numbers: [Int] { all().map(\.number) }

  /// In order.
  static func all() -> [Entry] {
    guard let folder, let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var found: [Entry] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasSuffix(".md"), let number = Int(name.prefix { $0.isNumber }),
        let text = try? TextFile.read(folder + "/" + name)
      else { continue }
      found.append(Entry(number: number, path: folder + "/" + name, title: Page(text).title ?? name))
    }
    return found.sorted { $0.number < $1.number }
  }
}

/// Where a reader is in a lesson, kept in a file.
struct Bookmark {
  /// Pieces that were shown.
  var place = 0
  /// Blocks that were run, in order, as the reader changed them, and what was typed in between.
  var ran: [String] = []
  private let path: String

  /// Of lesson `number`; its folder is where its blocks write their files.
  init(_ number: Int) throws {
    path = try Bookmark.folder(of: number) + "/place"
    guard let text = try? TextFile.read(path) else { return }
    var entries = text.split(separator: "\n", omittingEmptySubsequences: false).map(History.restored)
    guard let first = entries.first, let place = Int(first) else { return }
    entries.removeFirst()
    self.place = place
    ran = entries.filter { !$0.isEmpty }
  }

  /// `SEEP_STATE`, else `seep` in the folder that the system keeps for such things.
  static func folder(of number: Int) throws -> String {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    guard
      let base = variable("SEEP_STATE") ?? variable("XDG_STATE_HOME").map({ $0 + "/seep" })
        ?? variable("HOME").map({ $0 + "/.local/state/seep" })
    else {
      throw Fault(
        "file-unwritable", "there is no home folder to keep the place in the lesson", help: "SEEP_STATE=folder")
    }
    let folder = base + "/lessons/\(number)"
    var part = folder.hasPrefix("/") ? "" : "."
    for name in folder.split(separator: "/") {
      part += "/" + name
      if mkdir(part, 0o755) != 0, errno != EEXIST {
        throw Fault("file-unwritable", "the folder \(part) cannot be made: \(String(cString: strerror(errno)))")
      }
    }
    return folder
  }

  /// Whether the place could be kept; written beside and renamed, so that a crash leaves the old one.
  func keep() -> Bool {
    let text = ([String(place)] + ran.map(History.stored)).joined(separator: "\n") + "\n"
    let beside = path + ".new"
    let descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return false }
    let isWritten = Console.write(Array(text.utf8), to: descriptor)
    close(descriptor)
    return isWritten && rename(beside, path) == 0
  }

  mutating func forget() {
    (place, ran) = (0, [])
    _ = keep()
  }
}
