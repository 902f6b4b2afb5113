// Statements, blocks, and going on after a mistake.
import Ground

extension QuickParser {
  mutating func program() -> [Statement] {
    var statements: [Statement] = []
    while token.kind != .end {
      if isSymbol("}") {
        // After a mistake it may be the end of what was skipped.
        if errors.isEmpty { errors.append(error("this `}` closes nothing", token.span)) }
        _ = advance()
      }
      if let one = statementOrMistake() { statements.append(one) }
    }
    return statements
  }

  /// A statement; after a mistake in it nil, and the next statement is the next.
  mutating func statementOrMistake() -> Statement? {
    let start = at
    do {
      return try statementOrNothing()
    } catch {
      recover(error, from: start)
      return nil
    }
  }

  mutating func statementOrNothing() throws -> Statement? {
    var documentation: String?
    while case .doc(let words) = token.kind {
      documentation = documentation.map { $0 + "\n" + words } ?? words
      _ = advance()
    }
    while take(";") {}
    if token.kind == .end || isSymbol("}") { return nil }
    let start = token.span.start
    places.starts.insert(start)
    let kind = try statementKind(documentation)
    if token.kind != .end, !isSymbol("}"), !take(";"), !token.newlineBefore {
      throw error("a statement ends here, but something follows", token.span)
    }
    return Statement(kind: kind, span: Span(start, previousEnd))
  }

  mutating func statementKind(_ documentation: String?) throws -> StatementKind {
    try checkNesting()
    if case .keyword(let word) = token.kind {
      switch word {
      case "let", "var":
        _ = advance()
        let pattern = try bindingPattern()
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
        let pattern = try bindingPattern()
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
      case "defer":
        _ = advance()
        let start = token.span.start
        let isBlock = isSymbol("{") && !bracesAreRecord
        let kind = try statementKind(nil)
        if isBlock, case .expression(let body) = kind, case .block = body.kind { return .deferred(body) }
        let one = Statement(kind: kind, span: Span(start, previousEnd))
        return .deferred(Expression(kind: .block([one]), span: one.span))
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

  mutating func use() throws -> StatementKind {
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
  mutating func head() throws -> Expression {
    let (oldHead, oldOpen) = (isHead, openBrackets)
    isHead = true
    openBrackets = 0
    defer { (isHead, openBrackets) = (oldHead, oldOpen) }
    return try expression()
  }

  mutating func block() throws -> Expression {
    let start = token.span.start
    try need("{", "to begin the body")
    return try blockBody(start)
  }

  mutating func blockBody(_ start: Int) throws -> Expression {
    let (oldHead, oldOpen) = (isHead, openBrackets)
    isHead = false
    openBrackets = 0
    defer { (isHead, openBrackets) = (oldHead, oldOpen) }
    var statements: [Statement] = []
    while !isSymbol("}") {
      if token.kind == .end {
        if hasGivenUp { throw tooDeep() }
        throw unclosed(start)
      }
      if let one = statementOrMistake() { statements.append(one) }
    }
    _ = advance()
    return Expression(kind: .block(statements), span: Span(start, previousEnd))
  }
}
