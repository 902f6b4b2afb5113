// The lines of a text for the formatter: tokens and comments as their author broke them, and how deep each line stands.
import Ground

/// A line as it was written.
struct WrittenLine {
  /// The first and the last token, if it has any.
  var tokens: ClosedRange<Int>?
  /// A comment at its end, or all of it; without blanks at its end.
  var comment: String?
  /// Where the comment began, in characters.
  var column = 0
  /// At least one empty line stood before it.
  var isAfterBlank = false

  /// The lines of a text; empty ones only as `isAfterBlank`.
  static func all(_ text: [UInt8], _ tokens: [Token]) -> [WrittenLine] {
    var lines: [WrittenLine] = []
    var line = WrittenLine()
    var isEmpty = true
    var blank = false
    var lineStart = 0
    func begin() {
      if isEmpty { line.isAfterBlank = blank && !lines.isEmpty }
      isEmpty = false
      blank = false
    }
    func comment(_ from: Int, _ to: Int) {
      begin()
      line.comment = trimmed(text[from..<to])
      line.column = String(decoding: text[lineStart..<from], as: UTF8.self).count
    }
    var at = 0
    for (index, token) in tokens.enumerated() {
      while at < token.span.start {
        if text[at] == 10 {
          if isEmpty { blank = true } else { lines.append(line) }
          line = WrittenLine()
          isEmpty = true
          lineStart = at + 1
        } else if text[at] == 35 {
          let from = at
          while at < token.span.start, text[at] != 10 { at += 1 }
          comment(from, at)
          continue
        }
        at += 1
      }
      at = token.span.end
      switch token.kind {
      case .end: break
      case .doc: comment(token.span.start, token.span.end)
      default:
        begin()
        line.tokens = (line.tokens?.lowerBound ?? index)...index
      }
    }
    if !isEmpty { lines.append(line) }
    return lines
  }

  static func trimmed(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: withoutBlanks(bytes), as: UTF8.self) }

  /// Without the blanks at the end.
  static func withoutBlanks(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var end = bytes.endIndex
    while end > bytes.startIndex, bytes[end - 1] == 32 || bytes[end - 1] == 9 || bytes[end - 1] == 13 { end -= 1 }
    return bytes[bytes.startIndex..<end]
  }
}

/// How deep lines stand: two blanks for an open bracket, two for the continuation of a statement or an item.
struct Indentation {
  private struct Bracket {
    /// Statements or cases stand in it.
    var isBlock: Bool
    /// Of the line that begins with its end, and of the lines in it.
    var closing: Int
    var content: Int
    /// The next token begins an item.
    var isAtItem = true
    /// The present item began a line.
    var itemBeganLine = false
  }

  private let spacing: Spacing
  private var open = [Bracket(isBlock: true, closing: 0, content: 0)]

  init(_ spacing: Spacing) { self.spacing = spacing }

  private var inner: Bracket { open[open.count - 1] }

  /// Of a line that begins with this token.
  func indent(_ first: Int) -> Int {
    if let symbol = spacing.symbol(first), [")", "]", "}"].contains(symbol) { return inner.closing }
    if case .keyword(let word) = spacing.tokens[first].kind, word == "else" || word == "catch" { return inner.content }
    if inner.isBlock {
      return spacing.places.starts.contains(spacing.tokens[first].span.start) ? inner.content : inner.content + 2
    }
    return !inner.isAtItem && inner.itemBeganLine ? inner.content + 2 : inner.content
  }

  /// Of a line with only a comment, before the line that begins with this token.
  func indentOfComment(before first: Int?) -> Int {
    guard let first else { return inner.content }
    if let symbol = spacing.symbol(first), [")", "]", "}"].contains(symbol) { return inner.content }
    return indent(first)
  }

  /// Goes through the tokens of a line.
  mutating func pass(_ tokens: ClosedRange<Int>, indent: Int) {
    for index in tokens {
      let symbol = spacing.symbol(index)
      if symbol == ")" || symbol == "]" || symbol == "}" {
        if open.count > 1 { open.removeLast() }
        continue
      }
      if symbol == "," {
        open[open.count - 1].isAtItem = true
      } else if inner.isAtItem {
        open[open.count - 1].isAtItem = false
        open[open.count - 1].itemBeganLine = index == tokens.lowerBound
      }
      if symbol == "(" || symbol == "[" || symbol == "{" {
        let isBlock = symbol == "{" && !spacing.isRecordBrace(index)
        open.append(Bracket(isBlock: isBlock, closing: indent, content: indent + 2))
      }
    }
  }
}
