// The tokens of a text for tools outside of the language: highlighting, and the test of the grammar.
import Ground

/// A token as it stands in a text.
public struct SourceToken: Sendable {
  public enum Kind: Sendable {
    case int, float, name, keyword, symbol
    /// A string; without values in braces it is plain.
    case text(isPlain: Bool)
  }

  public var kind: Kind
  /// As it was written.
  public var text: String
  /// A line break stands before it.
  public var isFirstOfLine: Bool
  /// It is a brace of a record or of a record's pattern, not of a block.
  public var isRecordBrace: Bool
}

extension Session {
  /// The tokens of a text without comments; nil if it has syntax errors.
  public func tokens(of text: String) -> [SourceToken]? {
    let bytes = Array(text.utf8)
    let parsed = QuickParser.read(bytes, nativeLimit: machine.stackFloor())
    guard parsed.errors.isEmpty else { return nil }
    let spacing = Spacing(parsed)
    var isAfterBreak = false
    return parsed.tokens.enumerated().compactMap { index, token -> SourceToken? in
      let kind: SourceToken.Kind
      switch token.kind {
      case .int: kind = .int
      case .float: kind = .float
      case .name: kind = .name
      case .keyword: kind = .keyword
      case .symbol: kind = .symbol
      case .text(let parts):
        let isPlain = parts.allSatisfy { if case .text = $0 { true } else { false } }
        kind = .text(isPlain: isPlain)
      case .doc:
        isAfterBreak = true
        return nil
      case .end: return nil
      }
      defer { isAfterBreak = false }
      return SourceToken(
        kind: kind, text: String(decoding: bytes[token.span.start..<token.span.end], as: UTF8.self),
        isFirstOfLine: token.newlineBefore || isAfterBreak, isRecordBrace: spacing.isRecordBrace(index))
    }
  }
}
