// From tokens to the tree, by precedence climbing.
import Ground

struct QuickParser {
  let text: [UInt8]
  private var tokens: [Token]
  private var at = 0
  /// Inside ( or [ newlines mean nothing.
  private var openBrackets = 0
  /// In the head of `if`, `for` … a brace opens the body.
  private var isHead = false
  let nativeLimit: UInt

  static func parse(_ text: [UInt8], nativeLimit: UInt) throws -> [Statement] {
    var tokenizer = Tokenizer(text)
    var parser = QuickParser(text: text, tokens: try tokenizer.all(), nativeLimit: nativeLimit)
    return try parser.program()
  }

  init(text: [UInt8], tokens: [Token], nativeLimit: UInt) {
    self.text = text
    self.tokens = tokens
    self.nativeLimit = nativeLimit
  }

  private func error(_ message: String, _ span: Span) -> CompileError {
    CompileError(
      fault: Fault("syntax", message), site: Site(from: Int32(span.start), to: Int32(max(span.end, span.start + 1))),
      isAtEnd: token.kind == .end)
  }

  // MARK: Tokens

  private var token: Token { tokens[at] }
  private var previousEnd: Int { at > 0 ? tokens[at - 1].span.end : 0 }
  private mutating func advance() -> Token {
    defer { if at < tokens.count - 1 { at += 1 } }
    return tokens[at]
  }
  private func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }
  private func isKeyword(_ word: String) -> Bool { token.kind == .keyword(word) }
  private mutating func take(_ symbol: String) -> Bool {
    if isSymbol(symbol) {
      _ = advance()
      return true
    }
    return false
  }
  private mutating func takeWord(_ word: String) -> Bool {
    if isKeyword(word) {
      _ = advance()
      return true
    }
    return false
  }
  private mutating func need(_ symbol: String, _ why: String) throws {
    if !take(symbol) { throw error("`\(symbol)` is expected \(why)", token.span) }
  }
  private mutating func needName() throws -> (String, Span) {
    let here = token
    if case .name(let name) = here.kind {
      _ = advance()
      return (name, here.span)
    }
    throw error("a name is expected", here.span)
  }
  /// Whether the expression may go on with the present token.
  private var goesOn: Bool {
    if !token.newlineBefore || openBrackets > 0 { return true }
    switch token.kind {
    case .symbol("|>"), .symbol(">>"), .symbol("."): return true
    default: return false
    }
  }

  // MARK: Statements

  private mutating func program() throws -> [Statement] {
    var statements: [Statement] = []
    while token.kind != .end {
      if isSymbol("}") { throw error("this `}` closes nothing", token.span) }
      if let one = try statementOrNothing() { statements.append(one) }
    }
    return statements
  }

  private mutating func statementOrNothing() throws -> Statement? {
    var documentation: String?
    while case .doc(let words) = token.kind {
      documentation = documentation.map { $0 + "\n" + words } ?? words
      _ = advance()
    }
    while take(";") {}
    if token.kind == .end || isSymbol("}") { return nil }
    let start = token.span.start
    let kind = try statementKind(documentation)
    if token.kind != .end, !isSymbol("}"), !take(";"), !token.newlineBefore {
      throw error("a statement ends here, but something follows", token.span)
    }
    return Statement(kind: kind, span: Span(start, previousEnd))
  }

  private mutating func statementKind(_ documentation: String?) throws -> StatementKind {
    if case .keyword(let word) = token.kind {
      switch word {
      case "let", "var":
        _ = advance()
        let pattern = try pattern()
        try need("=", "after the name")
        return .binding(pattern, isMutable: word == "var", try expression())
      case "fn":
        if case .name = tokens[min(at + 1, tokens.count - 1)].kind {
          let start = advance().span.start
          let (name, span) = try needName()
          return .function(try function(name, start, documentation), nameSpan: span)
        }
      case "for":
        _ = advance()
        let pattern = try pattern()
        if !takeWord("in") { throw error("`in` is expected after the loop's variable", token.span) }
        let items = try head()
        return .forIn(pattern, items, try block())
      case "while":
        _ = advance()
        let condition = try head()
        return .whileTrue(condition, try block())
      case "break":
        _ = advance()
        return .breakLoop
      case "continue":
        _ = advance()
        return .continueLoop
      case "return":
        _ = advance()
        if token.newlineBefore || token.kind == .end || isSymbol("}") || isSymbol(";") { return .returnValue(nil) }
        return .returnValue(try expression())
      case "raise":
        _ = advance()
        return .raise(try expression())
      case "assert":
        _ = advance()
        let condition = try expression()
        return .assert(condition, take(",") ? try expression() : nil)
      case "use": return try use()
      default: break
      }
    }
    // `test` is a name like others, save before a text.
    if case .name("test") = token.kind, case .text(let parts) = tokens[min(at + 1, tokens.count - 1)].kind {
      _ = advance()
      guard case .text(let name)? = parts.first, parts.count == 1 else {
        throw error("a test has a name in quotes", token.span)
      }
      _ = advance()
      return .test(name, try block())
    }
    let target = try expression()
    guard case .symbol(let symbol) = token.kind, symbol.hasSuffix("="), !["==", "!=", "<=", ">="].contains(symbol)
    else {
      return .expression(target)
    }
    let operation = Operator.allCases.first { $0.symbol + "=" == symbol }
    guard symbol == "=" || operation != nil, goesOn else { return .expression(target) }
    _ = advance()
    return .assignment(target, operation, try expression())
  }

  private mutating func use() throws -> StatementKind {
    _ = advance()
    if case .text(let parts) = token.kind, case .text(let path)? = parts.first {
      _ = advance()
      var name = String(path.split(separator: "/").last?.split(separator: ".").first ?? "")
      if takeWord("as") { name = try needName().0 }
      return .use(path: path, isFile: true, name: name)
    }
    var parts = [try needName().0]
    while take(".") { parts.append(try needName().0) }
    var name = parts[parts.count - 1]
    if takeWord("as") { name = try needName().0 }
    return .use(path: parts.joined(separator: "."), isFile: false, name: name)
  }

  /// An expression that a body in braces follows.
  private mutating func head() throws -> Expression {
    let (oldHead, oldOpen) = (isHead, openBrackets)
    isHead = true
    openBrackets = 0
    defer { (isHead, openBrackets) = (oldHead, oldOpen) }
    return try expression()
  }

  private mutating func block() throws -> Expression {
    let start = token.span.start
    try need("{", "to begin the body")
    return try blockBody(start)
  }

  private mutating func blockBody(_ start: Int) throws -> Expression {
    let (oldHead, oldOpen) = (isHead, openBrackets)
    isHead = false
    openBrackets = 0
    defer { (isHead, openBrackets) = (oldHead, oldOpen) }
    var statements: [Statement] = []
    while !isSymbol("}") {
      if token.kind == .end { throw error("this block has no end", Span(start, start + 1)) }
      if let one = try statementOrNothing() { statements.append(one) }
    }
    _ = advance()
    return Expression(kind: .block(statements), span: Span(start, previousEnd))
  }

  // MARK: Functions and patterns

  private mutating func function(_ name: String?, _ start: Int, _ documentation: String?) throws -> FunctionSyntax {
    let parameters = try parameters()
    let body: Expression
    if isSymbol("{") {
      body = try block()
    } else {
      try need("=>", "or `{` to begin the body")
      body = try expression()
    }
    return FunctionSyntax(
      name: name, parameters: parameters, body: body, documentation: documentation, span: Span(start, previousEnd))
  }

  private mutating func parameters() throws -> [ParameterSyntax] {
    try need("(", "to begin the parameters")
    openBrackets += 1
    defer { openBrackets -= 1 }
    var list: [ParameterSyntax] = []
    while !isSymbol(")") {
      let start = token.span.start
      let pattern = try pattern()
      let isVariadic = take("...")
      let value = take("=") || take(":") ? try expression() : nil
      list.append(
        ParameterSyntax(pattern: pattern, defaultValue: value, isVariadic: isVariadic, span: Span(start, previousEnd)))
      if !take(",") { break }
    }
    try need(")", "to end the parameters")
    return list
  }

  private mutating func pattern() throws -> Pattern {
    let first = try onePattern()
    guard isSymbol("|") else { return first }
    var all = [first]
    while take("|") { all.append(try onePattern()) }
    return Pattern(kind: .either(all), span: Span(first.span.start, previousEnd))
  }

  private mutating func onePattern() throws -> Pattern {
    let start = token.span.start
    func made(_ kind: PatternKind) -> Pattern { Pattern(kind: kind, span: Span(start, previousEnd)) }
    switch token.kind {
    case .name("_"):
      _ = advance()
      return made(.anything)
    case .name(let name):
      _ = advance()
      return made(.name(name))
    case .symbol("["), .symbol("("):
      let isList = advance().kind == .symbol("[")
      openBrackets += 1
      defer { openBrackets -= 1 }
      var items: [Pattern] = []
      var rest: Int?
      var comma = false
      while !isSymbol(isList ? "]" : ")") {
        if take("...") { rest = items.count }
        items.append(try pattern())
        comma = take(",")
        if !comma { break }
      }
      try need(isList ? "]" : ")", "to end the pattern")
      if !isList, items.count == 1, !comma, rest == nil { return items[0] }
      return made(isList ? .list(items, rest: rest) : .tuple(items, rest: rest))
    case .symbol("{"):
      _ = advance()
      openBrackets += 1
      defer { openBrackets -= 1 }
      var fields: [(name: String, pattern: Pattern)] = []
      while !isSymbol("}") {
        let (name, span) = try needName()
        fields.append((name, take(":") ? try pattern() : Pattern(kind: .name(name), span: span)))
        if !take(",") { break }
      }
      try need("}", "to end the pattern")
      return made(.record(fields))
    default:
      let value = try binary(6)
      return made(.value(value))
    }
  }

  // MARK: Expressions

  /// Operators and calls that may follow each other in one chain: the tree of a chain is as deep as it is long.
  private static let chainLimit = 5000

  private func tooDeep() -> CompileError {
    CompileError(
      fault: Fault("nested-too-deep", "this is nested too deeply"),
      site: Site(from: Int32(token.span.start), to: Int32(token.span.end)))
  }

  /// Refuses to go on where the stack of the thread comes to its end.
  private func checkNesting() throws {
    var here = 0
    if withUnsafeMutablePointer(to: &here, { UInt(bitPattern: $0) }) < nativeLimit { throw tooDeep() }
  }

  mutating func expression() throws -> Expression {
    try checkNesting()
    if let lambda = try lambda() { return lambda }
    return try binary(0)
  }

  private mutating func lambda() throws -> Expression? {
    let start = token.span.start
    if case .name(let name) = token.kind, tokens[min(at + 1, tokens.count - 1)].kind == .symbol("=>") {
      let span = advance().span
      _ = advance()
      let parameter = ParameterSyntax(pattern: Pattern(kind: .name(name), span: span), defaultValue: nil, span: span)
      return try lambdaBody([parameter], start)
    }
    guard isSymbol("("), let close = matchingParenthesis(),
      tokens[min(close + 1, tokens.count - 1)].kind == .symbol("=>")
    else { return nil }
    let list = try parameters()
    _ = advance()
    return try lambdaBody(list, start)
  }

  private mutating func lambdaBody(_ parameters: [ParameterSyntax], _ start: Int) throws -> Expression {
    let body = isSymbol("{") && !bracesAreRecord ? try block() : try expression()
    let span = Span(start, previousEnd)
    return Expression(
      kind: .function(FunctionSyntax(name: nil, parameters: parameters, body: body, documentation: nil, span: span)),
      span: span)
  }

  private func matchingParenthesis() -> Int? {
    var depth = 0
    for i in at..<tokens.count {
      switch tokens[i].kind {
      case .symbol("("), .symbol("["), .symbol("{"): depth += 1
      case .symbol(")"), .symbol("]"), .symbol("}"):
        depth -= 1
        if depth == 0 { return i }
      default: break
      }
    }
    return nil
  }

  private static let levels: [String: Int] = [
    "|>": 0, ">>": 1, "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5, "..": 6, "..=": 6, "+": 7, "-": 7, "*": 8,
    "/": 8, "//": 8, "%": 8, "@": 8,
  ]

  private func infix() -> (name: String, level: Int)? {
    guard goesOn else { return nil }
    switch token.kind {
    case .symbol(let symbol): return QuickParser.levels[symbol].map { (symbol, $0) }
    case .keyword("or"): return ("or", 2)
    case .keyword("and"): return ("and", 3)
    case .keyword("in"): return ("in", 5)
    case .keyword("not") where tokens[min(at + 1, tokens.count - 1)].kind == .keyword("in"): return ("not in", 5)
    default: return nil
    }
  }

  private mutating func binary(_ lowest: Int) throws -> Expression {
    if isKeyword("not"), lowest <= 4 {
      let start = advance().span.start
      let inner = try binary(4)
      let value = Expression(kind: .unary(.not, inner), span: Span(start, inner.span.end))
      return try climb(value, lowest)
    }
    return try climb(try unary(), lowest)
  }

  private mutating func climb(_ first: Expression, _ lowest: Int) throws -> Expression {
    var left = first
    var length = 0
    while let (name, level) = infix(), level >= lowest {
      length += 1
      if length > QuickParser.chainLimit { throw tooDeep() }
      let here = advance().span
      if name == "not in" { _ = advance() }
      if name == ".." || name == "..=" {
        let ends = token.newlineBefore && openBrackets == 0
        let isOpen = ends || isSymbol("]") || isSymbol(",") || isSymbol(")") || token.kind == .end
        let right = isOpen ? nil : try binary(level + 1)
        left = Expression(kind: .range(left, right, inclusive: name == "..="), span: Span(left.span.start, previousEnd))
        continue
      }
      let right: Expression
      if level <= 1, let function = try lambda() { right = function } else { right = try binary(level + 1) }
      let span = Span(left.span.start, right.span.end)
      switch name {
      case "|>": left = Expression(kind: .pipe(left, right), span: span)
      case ">>": left = Expression(kind: .compose(left, right), span: span)
      case "and": left = Expression(kind: .and(left, right), span: span)
      case "or": left = Expression(kind: .or(left, right), span: span)
      case "not in": left = Expression(kind: .notIn(left, right), span: span)
      default:
        guard let operation = Operator.allCases.first(where: { $0.symbol == name }) else { throw error("?", here) }
        left = Expression(kind: .binary(operation, left, right), span: span)
        if level == 5, let next = infix(), next.level == 5 {
          throw error("comparisons are not chained: write `a < b and b < c`", token.span)
        }
      }
    }
    return left
  }

  private mutating func unary() throws -> Expression {
    try checkNesting()
    if isSymbol("-") {
      let start = advance().span.start
      let inner = try unary()
      let span = Span(start, inner.span.end)
      switch inner.kind {
      case .int(let value): return Expression(kind: .int(-value), span: span)
      case .float(let value): return Expression(kind: .float(-value), span: span)
      default: return Expression(kind: .unary(.negate, inner), span: span)
      }
    }
    let base = try postfix()
    if goesOn, isSymbol("^") {
      _ = advance()
      let exponent = try unary()
      return Expression(
        kind: .binary(.power, base, exponent), span: Span(base.span.start, exponent.span.end))
    }
    return base
  }

  private mutating func postfix() throws -> Expression {
    var value = try primary()
    var length = 0
    while goesOn {
      length += 1
      if length > QuickParser.chainLimit { throw tooDeep() }
      let start = value.span.start
      if isSymbol("("), !token.newlineBefore || openBrackets > 0 {
        let given = try arguments()
        value = Expression(kind: .call(value, given), span: Span(start, previousEnd))
      } else if isSymbol("["), !token.newlineBefore || openBrackets > 0 {
        value = Expression(kind: .index(value, try indexItems()), span: Span(start, previousEnd))
      } else if isSymbol(".") {
        _ = advance()
        let name: String
        let span = token.span
        if case .keyword(let word) = token.kind {
          name = word
          _ = advance()
        } else {
          name = try needName().0
        }
        if isSymbol("("), !token.newlineBefore {
          let given = try arguments()
          value = Expression(
            kind: .method(value, name: name, nameSpan: span, given), span: Span(start, previousEnd))
        } else {
          value = Expression(kind: .field(value, name: name, nameSpan: span), span: Span(start, previousEnd))
        }
      } else if isKeyword("with") {
        _ = advance()
        let brace = token.span.start
        try need("{", "after `with`")
        let record = try recordBody(brace)
        guard case .record(let fields) = record.kind else { break }
        value = Expression(kind: .with(value, fields), span: Span(start, previousEnd))
      } else {
        break
      }
    }
    return value
  }

  private mutating func arguments() throws -> [ArgumentSyntax] {
    try need("(", "to begin the arguments")
    let oldHead = isHead
    isHead = false
    openBrackets += 1
    defer {
      openBrackets -= 1
      isHead = oldHead
    }
    var list: [ArgumentSyntax] = []
    while !isSymbol(")") {
      if case .name(let name) = token.kind, tokens[min(at + 1, tokens.count - 1)].kind == .symbol(":") {
        let span = advance().span
        _ = advance()
        list.append(ArgumentSyntax(name: name, nameSpan: span, value: try expression()))
      } else {
        list.append(ArgumentSyntax(name: nil, nameSpan: nil, value: try expression()))
      }
      if !take(",") { break }
    }
    try need(")", "to end the arguments")
    return list
  }

  private mutating func indexItems() throws -> [Expression?] {
    _ = advance()
    let oldHead = isHead
    isHead = false
    openBrackets += 1
    defer {
      openBrackets -= 1
      isHead = oldHead
    }
    var items: [Expression?] = []
    while !isSymbol("]") {
      if take(":") { items.append(nil) } else { items.append(try expression()) }
      if !take(",") { break }
    }
    try need("]", "to end the index")
    return items
  }

  private mutating func primary() throws -> Expression {
    try checkNesting()
    let here = token
    func made(_ kind: ExpressionKind) -> Expression { Expression(kind: kind, span: here.span) }
    switch here.kind {
    case .int(let value):
      _ = advance()
      return made(.int(value))
    case .float(let value):
      _ = advance()
      return made(.float(value))
    case .text(let parts):
      _ = advance()
      return made(try string(parts))
    case .name(let name):
      _ = advance()
      return made(.name(name))
    case .keyword(let word): return try keywordExpression(word, here)
    case .symbol("("): return try parenthesis(here)
    case .symbol("["):
      _ = advance()
      let oldHead = isHead
      isHead = false
      openBrackets += 1
      defer {
        openBrackets -= 1
        isHead = oldHead
      }
      var items: [Expression] = []
      while !isSymbol("]") {
        items.append(try expression())
        if !take(",") { break }
      }
      try need("]", "to end the list")
      return Expression(kind: .list(items), span: Span(here.span.start, previousEnd))
    case .symbol("{") where !isHead:
      if bracesAreRecord {
        _ = advance()
        return try recordBody(here.span.start)
      }
      return try block()
    case .symbol("..") where openBrackets > 0, .symbol("..=") where openBrackets > 0:
      let inclusive = advance().kind == .symbol("..=")
      let right = isSymbol("]") || isSymbol(",") ? nil : try binary(7)
      return Expression(kind: .range(nil, right, inclusive: inclusive), span: Span(here.span.start, previousEnd))
    default: throw error("an expression is expected", here.span)
    }
  }

  private var bracesAreRecord: Bool {
    guard isSymbol("{") else { return false }
    let next = tokens[min(at + 1, tokens.count - 1)].kind
    if next == .symbol("}") { return true }
    let after = tokens[min(at + 2, tokens.count - 1)].kind
    switch next {
    case .name, .text: return after == .symbol(":")
    default: return false
    }
  }

  private mutating func recordBody(_ start: Int) throws -> Expression {
    let oldHead = isHead
    isHead = false
    openBrackets += 1
    defer {
      openBrackets -= 1
      isHead = oldHead
    }
    var fields: [FieldSyntax] = []
    while !isSymbol("}") {
      let here = token
      var name = ""
      if case .text(let parts) = here.kind, case .text(let text)? = parts.first {
        name = text
        _ = advance()
      } else {
        name = try needName().0
      }
      try need(":", "after the field's name")
      fields.append(FieldSyntax(name: name, nameSpan: here.span, value: try expression()))
      if !take(",") { break }
    }
    try need("}", "to end the record")
    return Expression(kind: .record(fields), span: Span(start, previousEnd))
  }

  private mutating func parenthesis(_ here: Token) throws -> Expression {
    _ = advance()
    let oldHead = isHead
    isHead = false
    openBrackets += 1
    defer {
      openBrackets -= 1
      isHead = oldHead
    }
    var items: [Expression] = []
    var comma = false
    while !isSymbol(")") {
      items.append(try expression())
      comma = take(",")
      if !comma { break }
    }
    try need(")", "to close this")
    let span = Span(here.span.start, previousEnd)
    if items.count == 1, !comma { return Expression(kind: items[0].kind, span: span) }
    return Expression(kind: .tuple(items), span: span)
  }

  private mutating func keywordExpression(_ word: String, _ here: Token) throws -> Expression {
    func made(_ kind: ExpressionKind) -> Expression { Expression(kind: kind, span: Span(here.span.start, previousEnd)) }
    _ = advance()
    switch word {
    case "none": return made(.none)
    case "true": return made(.bool(true))
    case "false": return made(.bool(false))
    case "fn": return made(.function(try function(nil, here.span.start, nil)))
    case "if":
      let condition = try head()
      let yes = try block()
      if takeWord("else") {
        let no = isKeyword("if") ? try primary() : try block()
        return made(.ifElse(condition, yes, no))
      }
      return made(.ifElse(condition, yes, nil))
    case "match":
      let subject = try head()
      try need("{", "to begin the cases")
      let (oldHead, oldOpen) = (isHead, openBrackets)
      isHead = false
      openBrackets = 0
      defer { (isHead, openBrackets) = (oldHead, oldOpen) }
      var cases: [CaseSyntax] = []
      while !isSymbol("}") {
        let pattern = try pattern()
        let condition = takeWord("if") ? try expression() : nil
        try need("=>", "after the pattern")
        let body = isSymbol("{") && !bracesAreRecord ? try block() : try expression()
        cases.append(CaseSyntax(pattern: pattern, condition: condition, body: body))
        _ = take(",")
      }
      _ = advance()
      return made(.match(subject, cases))
    case "try":
      let body = try block()
      guard takeWord("catch") else { return made(.tryCatch(body, nil, nil)) }
      let pattern = isSymbol("{") ? nil : try pattern()
      return made(.tryCatch(body, pattern, try block()))
    default: throw error("an expression is expected", here.span)
    }
  }

  private func string(_ parts: [RawPart]) throws -> ExpressionKind {
    if parts.count == 1, case .text(let text) = parts[0] { return .string(text) }
    return .interpolation(
      try parts.map { part in
        switch part {
        case .text(let text): return .text(text)
        case .value(let span, let format):
          var tokenizer = Tokenizer(text, from: span.start, to: span.end)
          var inner = QuickParser(text: text, tokens: try tokenizer.all(), nativeLimit: nativeLimit)
          inner.openBrackets = 1
          let value = try inner.expression()
          if inner.token.kind != .end { throw error("something is left over here", inner.token.span) }
          return .value(value, format: format)
        }
      })
  }
}
