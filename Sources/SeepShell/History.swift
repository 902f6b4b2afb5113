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

struct History {
  /// `SEEP_HISTORY`, or `.seep_history` in the home folder; nil where there is none.
  let path: String?
  /// Entries read at the start: the last of this many.
  static let limit = 5000
  private var last = ""
  private var hasWarned = false

  init() {
    if let given = getenv("SEEP_HISTORY") {
      path = given.pointee == 0 ? nil : String(cString: given)
    } else {
      path = getenv("HOME").map { String(cString: $0) + "/.seep_history" }
    }
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

  /// Entries of earlier sessions, oldest first.
  mutating func load() -> [String] {
    guard let path, let text = try? TextFile.read(path) else { return [] }
    let entries = text.split(separator: "\n").suffix(History.limit).map(History.restored)
    last = entries.last ?? ""
    return entries
  }

  /// Keeps an entry unless it repeats the last one; says once if that is not possible.
  mutating func append(_ entry: String) -> Bool {
    guard entry != last, !entry.isEmpty else { return false }
    last = entry
    guard let path else { return true }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    let isKept = descriptor >= 0 && Console.write(Array((History.stored(entry) + "\n").utf8), to: descriptor)
    if descriptor >= 0 { close(descriptor) }
    if !isKept, !hasWarned {
      hasWarned = true
      Console.writeError("seep: the history cannot be kept in \(path): \(String(cString: strerror(errno)))\n")
    }
    return true
  }
}
