// What was typed, one entry a statement, kept in a file across sessions. An entry is appended before it is run, so that a crash
// loses nothing, and two sessions may write at once.
import Ground
import SeepLanguage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

package struct History {
  /// `SEEP_HISTORY`, or `.seep_history` in the home folder; nil where there is none.
  let path: String?
  /// Entries read at the start: the last of this many. A file of more than twice as many is shortened to them.
  package static let limit = 5000
  private var last = ""
  private var hasWarned = false
  private let warn: (String) -> Void

  init() {
    if let given = getenv("SEEP_HISTORY") {
      self.init(path: given.pointee == 0 ? nil : String(cString: given))
    } else {
      self.init(path: getenv("HOME").map { String(cString: $0) + "/.seep_history" })
    }
  }

  /// - Parameter warn: takes the one sentence about a file that cannot be read or written.
  package init(path: String?, warn: @escaping (String) -> Void = { Console.writeError("seep: \($0)\n") }) {
    self.path = path
    self.warn = warn
  }

  /// Newlines inside an entry are stored as `\n`, backslashes doubled.
  static func stored(_ entry: String) -> String {
    var text = ""
    for character in entry { text += character == "\\" ? "\\\\" : character == "\n" ? "\\n" : String(character) }
    return text
  }

  static func restored(_ line: Substring) -> String {
    var text = ""
    var isEscaped = false
    for character in line {
      if isEscaped {
        text.append(character == "n" ? "\n" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        text.append(character)
      }
    }
    return text
  }

  /// Entries of earlier sessions, oldest first. Bytes that are no UTF-8 spoil their entry alone: each shows as `�`.
  package mutating func load() -> [String] {
    guard let path else { return [] }
    var (lines, reason) = HistoryFile.lines(path)
    if let reason {
      if reason != ENOENT { say("cannot be read from \(path)", reason) }
      return []
    }
    if lines.count > 2 * History.limit, let reason = HistoryFile.shorten(path, to: History.limit) {
      say("in \(path) cannot be shortened", reason)
    }
    lines = lines.suffix(History.limit)
    let entries = lines.map { History.restored(String(decoding: $0, as: UTF8.self)[...]) }
    last = entries.last ?? ""
    return entries
  }

  /// Keeps an entry unless it repeats the last one; says once if that is not possible.
  package mutating func append(_ entry: String) -> Bool {
    guard entry != last, !entry.isEmpty else { return false }
    last = entry
    guard let path else { return true }
    if let reason = HistoryFile.append(Array((History.stored(entry) + "\n").utf8), to: path) {
      say("cannot be kept in \(path)", reason)
    }
    return true
  }

  private mutating func say(_ what: String, _ reason: Int32) {
    if hasWarned { return }
    hasWarned = true
    warn("the history \(what): \(String(cString: strerror(reason)).lowercased())")
  }
}

/// The file: sessions that append share its lock, one that shortens it has it alone. It is replaced by renaming, so that a
/// session that waited for the lock looks whether its file is still the one at the path. Functions give `errno`, nil if all went well.
private enum HistoryFile {
  static func lines(_ path: String) -> (lines: [ArraySlice<UInt8>], reason: Int32?) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return ([], errno) }
    defer { close(descriptor) }
    return lines(of: descriptor)
  }

  private static func lines(of descriptor: Int32) -> (lines: [ArraySlice<UInt8>], reason: Int32?) {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &block, block.count)
      if count < 0 {
        if errno == EINTR { continue }
        return ([], errno)
      }
      if count == 0 { return (bytes.split(separator: 10), nil) }
      bytes += block[..<count]
    }
  }

  static func append(_ bytes: [UInt8], to path: String) -> Int32? {
    while true {
      let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { return errno }
      defer { close(descriptor) }
      // Where files have no locks, appending is still one write.
      if lock(descriptor, LOCK_SH), !isCurrent(descriptor, path) { continue }
      return Console.write(bytes, to: descriptor) ? nil : errno
    }
  }

  /// Keeps the last lines. Does nothing where another session is writing just now: the next start comes.
  static func shorten(_ path: String, to count: Int) -> Int32? {
    // The file itself where the path is a link.
    guard let resolved = realpath(path, nil) else { return errno }
    defer { free(resolved) }
    let path = String(cString: resolved)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    guard lock(descriptor, LOCK_EX | LOCK_NB), isCurrent(descriptor, path) else { return nil }
    let (lines, reason) = lines(of: descriptor)
    if let reason { return reason }
    let temporary = path + ".\(getpid())"
    let new = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard new >= 0 else { return errno }
    var info = stat()
    if fstat(descriptor, &info) == 0 { _ = fchmod(new, info.st_mode & 0o777) }
    let isWhole = Console.write(Array(lines.suffix(count).joined(separator: [10])) + [10], to: new)
    let failed = isWhole ? nil : errno
    close(new)
    if failed == nil, rename(temporary, path) == 0 { return nil }
    defer { unlink(temporary) }
    return failed ?? errno
  }

  private static func lock(_ descriptor: Int32, _ kind: Int32) -> Bool {
    while flock(descriptor, kind) != 0 { if errno != EINTR { return false } }
    return true
  }

  /// Whether the path still leads to the open file.
  private static func isCurrent(_ descriptor: Int32, _ path: String) -> Bool {
    var (mine, there) = (stat(), stat())
    return fstat(descriptor, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino
      && mine.st_dev == there.st_dev
  }
}
