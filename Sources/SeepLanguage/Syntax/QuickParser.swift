// From tokens to the tree, by precedence climbing.
import Ground

/// What the tokens alone do not say of their places; the formatter asks.
struct SyntaxPlaces {
  /// Braces that open a record or its pattern, not a block.
  var recordBraces: Set<Int> = []
  /// A minus before its only operand.
  var prefixes: Set<Int> = []
  /// Where statements and the cases of a `match` begin.
  var starts: Set<Int> = []
}

/// A text after parsing: nothing in it is to be run if there are errors.
struct ParsedText {
  var statements: [Statement]
  var tokens: [Token]
  var errors: [CompileError]
  var places: SyntaxPlaces
}

struct QuickParser {
  /// Mistakes reported of one text.
  static let errorLimit = 20

  let text: [UInt8]
  var tokens: [Token]
  var at = 0
  /// Inside ( or [ newlines mean nothing.
  var openBrackets = 0
  /// In the head of `if`, `for` … a brace opens the body.
  var isHead = false
  /// In a constant of a pattern, where `4.. {` begins the body of a `catch`.
  var isPattern = false
  let nativeLimit: UInt

  /// Mistakes met so far; the parser goes on at the next statement.
  var errors: [CompileError] = []
  var places = SyntaxPlaces()
  var improves = true

  /// The statements of a text; throws the first mistake, which carries the others.
  static func parse(_ text: [UInt8], nativeLimit: UInt) throws -> [Statement] {
    let parsed = read(text, nativeLimit: nativeLimit)
    guard var first = parsed.errors.first else { return parsed.statements }
    first.others = Array(parsed.errors.dropFirst())
    throw first
  }

  /// What can be read of a text, and its mistakes in order: at most `errorLimit`.
  ///
  /// - Parameter improves: says of habits of other languages what Seep writes.
  static func read(_ text: [UInt8], nativeLimit: UInt, improves: Bool = true) -> ParsedText {
    var tokenizer = Tokenizer(text)
    let tokens = tokenizer.all()
    var parser = QuickParser(text: text, tokens: tokens, nativeLimit: nativeLimit)
    parser.improves = improves
    let statements = parser.program()
    let errors = parser.allErrors(tokenizer.errors)
    return ParsedText(statements: statements, tokens: tokens, errors: errors, places: parser.places)
  }

  init(text: [UInt8], tokens: [Token], nativeLimit: UInt) {
    self.text = text
    self.tokens = tokens
    self.nativeLimit = nativeLimit
  }

  func error(_ message: String, _ span: Span) -> CompileError {
    CompileError(
      fault: Fault("syntax", message), site: Site(from: Int32(span.start), to: Int32(max(span.end, span.start + 1))),
      isAtEnd: token.kind == .end)
  }

  // MARK: Tokens

  var token: Token { tokens[at] }
  var previousEnd: Int { at > 0 ? tokens[at - 1].span.end : 0 }
  mutating func advance() -> Token {
    defer { if at < tokens.count - 1 { at += 1 } }
    return tokens[at]
  }
  func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }
  func isKeyword(_ word: String) -> Bool { token.kind == .keyword(word) }
  mutating func take(_ symbol: String) -> Bool {
    if isSymbol(symbol) {
      _ = advance()
      return true
    }
    return false
  }
  mutating func takeWord(_ word: String) -> Bool {
    if isKeyword(word) {
      _ = advance()
      return true
    }
    return false
  }
  mutating func need(_ symbol: String, _ why: String) throws {
    if !take(symbol) { throw error("`\(symbol)` is expected \(why)", token.span) }
  }
  mutating func needName() throws -> (String, Span) {
    let here = token
    if case .name(let name) = here.kind {
      _ = advance()
      return (name, here.span)
    }
    throw error("a name is expected", here.span)
  }
  /// Whether the expression may go on with the present token.
  var goesOn: Bool {
    if !token.newlineBefore || openBrackets > 0 { return true }
    switch token.kind {
    case .symbol("|>"), .symbol(">>"), .symbol("."): return true
    default: return false
    }
  }
}
