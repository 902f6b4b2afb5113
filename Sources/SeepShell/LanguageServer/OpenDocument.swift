// A text that an editor has open: its bytes, its lines, and places as the protocol counts them.
import SeepLanguage

/// What a column counts.
package enum PositionEncoding: String, Sendable {
  case utf8 = "utf-8"
  case utf16 = "utf-16"
}

/// A place as the protocol has it: from 0, the column in units of the encoding.
package struct Position: Equatable {
  package var line: Int
  package var character: Int

  package init(line: Int, character: Int) {
    self.line = line
    self.character = character
  }

  init?(_ json: JSON) {
    guard let line = json["line"].int, let character = json["character"].int else { return nil }
    self.init(line: line, character: character)
  }

  var json: JSON { ["line": .integer(line), "character": .integer(character)] }
}

/// A text and its lines. `\n`, `\r\n` and a lone `\r` end a line.
package struct LinedText {
  package let bytes: [UInt8]
  let encoding: PositionEncoding
  private let starts: [Int]

  package init(_ bytes: [UInt8], _ encoding: PositionEncoding) {
    self.bytes = bytes
    self.encoding = encoding
    var starts = [0]
    for (index, byte) in bytes.enumerated() {
      if byte == 10 || byte == 13 && (index + 1 == bytes.count || bytes[index + 1] != 10) { starts.append(index + 1) }
    }
    self.starts = starts
  }

  /// The offset of a place; what lies outside counts as the end of its line, or of the text. Never inside of a character.
  package func offset(_ position: Position) -> Int {
    guard position.line >= 0 else { return 0 }
    guard position.line < starts.count else { return bytes.count }
    let start = starts[position.line]
    var end = position.line + 1 < starts.count ? starts[position.line + 1] : bytes.count
    while end > start, bytes[end - 1] == 10 || bytes[end - 1] == 13 { end -= 1 }
    var at = start
    var column = 0
    while at < end {
      let (length, units) = character(at)
      if column + units > position.character { break }
      column += units
      at = min(end, at + length)
    }
    return at
  }

  package func position(_ offset: Int) -> Position {
    let end = min(max(0, offset), bytes.count)
    var (low, high) = (0, starts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= end { low = middle } else { high = middle }
    }
    var at = starts[low]
    var column = 0
    while at < end {
      let (length, units) = character(at)
      if at + length > end { break }
      column += units
      at += length
    }
    return Position(line: low, character: column)
  }

  /// How many bytes and units the character at an offset has.
  private func character(_ at: Int) -> (length: Int, units: Int) {
    let length = bytes[at] < 0x80 ? 1 : bytes[at] < 0xE0 ? 2 : bytes[at] < 0xF0 ? 3 : 4
    return (length, encoding == .utf8 ? length : (length == 4 ? 2 : 1))
  }

  func range(_ span: Span) -> JSON {
    ["start": position(span.start).json, "end": position(max(span.start, span.end)).json]
  }

  func span(_ range: JSON) -> Span? {
    guard let start = Position(range["start"]), let end = Position(range["end"]) else { return nil }
    let from = offset(start)
    return Span(from, max(from, offset(end)))
  }

  func text(_ span: Span) -> String {
    let from = min(max(0, span.start), bytes.count)
    return String(decoding: bytes[from..<min(max(from, span.end), bytes.count)], as: UTF8.self)
  }

  /// The text with a part replaced.
  func replacing(_ span: Span, with text: String) -> [UInt8] {
    bytes[..<span.start] + Array(text.utf8) + bytes[span.end...]
  }
}

/// A file that is open in the editor.
final class OpenDocument {
  let uri: String
  private(set) var version: Int?
  private(set) var text: LinedText
  private var known: SourceAnalysis?

  init(uri: String, version: Int?, text: String, encoding: PositionEncoding) {
    self.uri = uri
    self.version = version
    self.text = LinedText(Array(text.utf8), encoding)
  }

  /// The folder of the file, where `use "x.seep"` begins; nil for a text that is no file.
  var folder: String? {
    guard let path = FileURI.path(uri) else { return nil }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return parts.count <= 1 ? "/" : parts.joined(separator: "/")
  }

  /// The changes of one notification, in order: with a range a part, without one the whole text.
  func change(_ changes: [JSON], version: Int?) {
    self.version = version ?? self.version
    for change in changes {
      guard let new = change["text"].text else { continue }
      let bytes = text.span(change["range"]).map { text.replacing($0, with: new) } ?? Array(new.utf8)
      text = LinedText(bytes, text.encoding)
    }
    known = nil
  }

  /// What can be said of the present text.
  func analysis(_ session: Session) -> SourceAnalysis {
    if let known { return known }
    let made = session.analysis(of: text.bytes, name: uri)
    known = made
    return made
  }
}

/// `file:///a%20b.seep` and `/a b.seep`.
enum FileURI {
  static func path(_ uri: String) -> String? {
    guard uri.hasPrefix("file://") else { return nil }
    var rest = Array(uri.utf8.dropFirst(7))
    guard let slash = rest.firstIndex(of: 47) else { return nil }
    rest.removeFirst(slash)  // a host: only `localhost` means anything
    var bytes: [UInt8] = []
    var at = 0
    while at < rest.count {
      if rest[at] == 37, at + 2 < rest.count,
        let value = UInt8(String(decoding: rest[(at + 1)...(at + 2)], as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        at += 3
      } else {
        bytes.append(rest[at])
        at += 1
      }
    }
    return bytes.contains(0) ? nil : String(decoding: bytes, as: UTF8.self)
  }

  static func uri(_ path: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out = Array("file://".utf8)
    for byte in path.utf8 {
      let isPlain =
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        || [45, 46, 47, 95, 126].contains(byte)
      out += isPlain ? [byte] : [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: out, as: UTF8.self)
  }
}
