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
  /// Patterns that are open around the present one.
  var openPatterns = 0
  /// For each opening bracket among the tokens the index of the one that closes it, -1 if none does.
  let closings: [Int]

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
    closings = QuickParser.closings(tokens)
  }

  private static func closings(_ tokens: [Token]) -> [Int] {
    var found = [Int](repeating: -1, count: tokens.count)
    var open: [Int] = []
    for (i, token) in tokens.enumerated() {
      guard case .symbol(let symbol) = token.kind else { continue }
      switch symbol {
      case "(", "[", "{": open.append(i)
      case ")", "]", "}": if let last = open.popLast() { found[last] = i }
      default: break
      }
    }
    return found
  }

  func error(_ message: String, _ span: Span) -> CompileError {
    CompileError(
      fault: Fault("syntax", message), site: Site(from: Int32(span.start), to: Int32(max(span.end, span.start + 1))),
      isAtEnd: token.kind == .end)
  }

  /// Notes a mistake that does not keep the parser from going on.
  mutating func refuse(_ fault: Fault, _ span: Span) {
    if hasGivenUp { return }
    errors.append(CompileError(fault: fault, site: Site(from: Int32(span.start), to: Int32(span.end))))
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
    if case .keyword(let word) = here.kind { throw reserved(word, here.span) }
    throw error("a name is expected", here.span)
  }
  /// A word of the language where a name should stand.
  func reserved(_ word: String, _ span: Span) -> CompileError {
    var mistake = error("`\(word)` is a word of the language and cannot be a name", span)
    mistake.fault.help = "\(word)_"
    return mistake
  }

  /// The bracket that closes what `opener` opened. Where the line, or the text, ends without it, the mistake is shown at
  /// the opener.
  mutating func close(_ symbol: String, _ opener: Span, _ why: String) throws {
    if take(symbol) { return }
    let written = String(decoding: text[opener.start..<min(opener.end, text.count)], as: UTF8.self)
    var mistake = error("`\(symbol)` is expected \(why)", token.span)
    if token.kind == .end || token.newlineBefore {
      mistake.token = at
      mistake.fault.message = "this `\(written)` has no `\(symbol)`"
      mistake.site = Site(from: Int32(opener.start), to: Int32(opener.end))
      if token.kind != .end {
        mistake.fault.notes = ["`,` or `\(symbol)` is expected before line \(line(token.span.start))."]
      }
    } else if line(opener.start) != line(token.span.start) {
      mistake.fault.notes = ["It was opened in line \(line(opener.start))."]
    }
    mistake.opener = opener.start
    throw mistake
  }

  func line(_ offset: Int) -> Int { text[..<min(offset, text.count)].count { $0 == 10 } + 1 }

  /// Whether the expression may go on with the present token.
  var goesOn: Bool {
    if !token.newlineBefore || openBrackets > 0 { return true }
    switch token.kind {
    case .symbol("|>"), .symbol(">>"), .symbol("."): return true
    default: return false
    }
  }
}
