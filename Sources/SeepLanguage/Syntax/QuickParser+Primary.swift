// What an expression begins with: literals, names, brackets, keywords.
import Ground

extension QuickParser {
  mutating func primary() throws -> Expression {
    try checkNesting()
    let here = token
    func made(_ kind: ExpressionKind) -> Expression { Expression(kind: kind, span: here.span) }
    switch here.kind {
    case .int(let value):
      if value == Int.min { throw error("\(value.magnitude) does not fit into a 64-bit integer", here.span) }
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
      try close("]", here.span, "to end the list")
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

  var bracesAreRecord: Bool {
    guard isSymbol("{") else { return false }
    let next = tokens[min(at + 1, tokens.count - 1)].kind
    if next == .symbol("}") { return true }
    let after = tokens[min(at + 2, tokens.count - 1)].kind
    switch next {
    case .name, .text: return after == .symbol(":")
    default: return false
    }
  }

  mutating func recordBody(_ start: Int) throws -> Expression {
    places.recordBraces.insert(start)
    let oldHead = isHead
    isHead = false
    openBrackets += 1
    defer {
      openBrackets -= 1
      isHead = oldHead
    }
    var fields: [FieldSyntax] = []
    var names: Set<String> = []
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
      if !names.insert(name).inserted {
        refuse(Fault("duplicate-name", "this record has the field `\(name)` twice"), here.span)
      }
      fields.append(FieldSyntax(name: name, nameSpan: here.span, value: try expression()))
      if !take(",") { break }
    }
    try close("}", Span(start, start + 1), "to end the record")
    return Expression(kind: .record(fields), span: Span(start, previousEnd))
  }

  mutating func parenthesis(_ here: Token) throws -> Expression {
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
    try close(")", here.span, "to close the `(`")
    let span = Span(here.span.start, previousEnd)
    if items.count == 1, !comma { return Expression(kind: items[0].kind, span: span) }
    return Expression(kind: .tuple(items), span: span)
  }

  mutating func keywordExpression(_ word: String, _ here: Token) throws -> Expression {
    func made(_ kind: ExpressionKind) -> Expression { Expression(kind: kind, span: Span(here.span.start, previousEnd)) }
    let isArrowFunction = isArrowFunction
    _ = advance()
    switch word {
    case "none": return made(.none)
    case "true": return made(.bool(true))
    case "false": return made(.bool(false))
    case "fn":
      let function = made(.function(try function(nil, here.span.start, nil)))
      if isArrowFunction { refuseAsOperand(function.span) }
      return function
    case "if":
      return try ifElse(here.span.start)
    case "match":
      let subject = try head()
      let brace = token.span.start
      try need("{", "to begin the cases")
      let (oldHead, oldOpen) = (isHead, openBrackets)
      isHead = false
      openBrackets = 0
      defer { (isHead, openBrackets) = (oldHead, oldOpen) }
      var cases: [CaseSyntax] = []
      while !isSymbol("}") {
        if token.kind == .end { throw unclosed(brace) }
        places.starts.insert(token.span.start)
        let pattern = try bindingPattern()
        let condition = takeWord("if") ? try binary(0) : nil  // `if a => b` is no function
        try need("=>", "after the pattern")
        let body = try expression()
        cases.append(CaseSyntax(pattern: pattern, condition: condition, body: body))
        if !take(",") { _ = take(";") }
      }
      _ = advance()
      return made(.match(subject, cases))
    case "try":
      let body = try block()
      guard takeWord("catch") else { return made(.tryCatch(body, nil, nil)) }
      let pattern = try isSymbol("{") && !isRecordPatternOfCatch ? nil : bindingPattern()
      return made(.tryCatch(body, pattern, try block()))
    default:
      at -= 1  // it may begin the next statement
      throw error("an expression is expected", here.span)
    }
  }

  /// What follows `=>` reaches as far as it can: such a function is no operand.
  private mutating func refuseAsOperand(_ span: Span) {
    let written = source(span.start, span.end)
    let isShort = written.utf8.count <= 60 && !written.utf8.contains(10)
    refuse(
      Fault(
        "syntax", "as an operand a function with `=>` stands in parentheses",
        help: isShort ? "(\(written))" : "(fn (x) => …)"), Span(span.start, span.start + 2))
  }

  /// Behind an `if`; those behind `else` are gone through one after another, however many they are.
  private mutating func ifElse(_ start: Int) throws -> Expression {
    var arms: [(start: Int, condition: Expression, body: Expression)] = []
    var last: Expression?
    var next = start
    while true {
      if arms.count > QuickParser.elseLimit { throw tooDeep() }
      let condition = try head()
      arms.append((next, condition, try block()))
      guard takeWord("else") else { break }
      next = token.span.start
      if !takeWord("if") {
        last = try block()
        break
      }
    }
    let end = previousEnd
    while let arm = arms.popLast() {
      last = Expression(kind: .ifElse(arm.condition, arm.body, last), span: Span(arm.start, end))
    }
    return last ?? Expression(kind: .none, span: Span(start, end))
  }

  /// `catch {code, message} {`: a block would not be followed by another one on its line.
  private var isRecordPatternOfCatch: Bool {
    guard let close = closing, close + 1 < tokens.count else { return false }
    let behind = close + 1
    if tokens[behind].kind == .symbol("|") { return true }
    return tokens[behind].kind == .symbol("{") && !tokens[behind].newlineBefore
  }

  func string(_ parts: [RawPart]) throws -> ExpressionKind {
    if parts.count == 1, case .text(let text) = parts[0] { return .string(text) }
    return .interpolation(
      try parts.map { part in
        switch part {
        case .text(let text): return .text(text)
        case .value(let span, let format):
          return .value(try hole(span), format: format)
        }
      })
  }

  /// The expression between the braces of a string.
  func hole(_ span: Span) throws -> Expression {
    var tokenizer = Tokenizer(text, from: span.start, to: span.end)
    let tokens = tokenizer.all()
    if let first = tokenizer.errors.first { throw first }
    var inner = QuickParser(text: text, tokens: tokens, nativeLimit: nativeLimit)
    inner.openBrackets = 1
    do {
      if tokens.count == 1 {
        var mistake = inner.error("nothing stands between these braces", Span(span.start - 1, span.end + 1))
        mistake.fault.help = "\"{value}\""
        throw mistake
      }
      let value = try inner.expression()
      if inner.token.kind != .end { throw inner.error("something is left over here", inner.token.span) }
      if let first = inner.errors.first { throw first }
      return value
    } catch var mistake as CompileError {
      mistake.isAtEnd = false  // another line would not mend it
      mistake.token = nil  // counted in the hole, not in the text around it
      throw mistake
    }
  }
}
