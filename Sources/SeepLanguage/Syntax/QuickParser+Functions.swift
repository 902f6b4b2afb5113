// Functions, their parameters, and patterns.
import Ground

extension QuickParser {
  mutating func function(_ name: String?, _ start: Int, _ documentation: String?) throws -> FunctionSyntax {
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

  mutating func parameters() throws -> [ParameterSyntax] {
    let opener = token.span
    try need("(", "to begin the parameters")
    let oldHead = isHead
    isHead = false
    openBrackets += 1
    defer {
      openBrackets -= 1
      isHead = oldHead
    }
    var list: [ParameterSyntax] = []
    var names: Set<String> = []
    while !isSymbol(")") {
      let start = token.span.start
      let pattern = try pattern()
      refuseDuplicates(pattern, &names)
      let isVariadic = take("...")
      let value = take("=") || take(":") ? try expression() : nil
      list.append(
        ParameterSyntax(pattern: pattern, defaultValue: value, isVariadic: isVariadic, span: Span(start, previousEnd)))
      if !take(",") { break }
    }
    try close(")", opener, "to end the parameters")
    return list
  }

  /// A pattern that binds no name twice.
  mutating func bindingPattern() throws -> Pattern {
    let made = try pattern()
    var names: Set<String> = []
    refuseDuplicates(made, &names)
    return made
  }

  private mutating func refuseDuplicates(_ pattern: Pattern, _ names: inout Set<String>) {
    switch pattern.kind {
    case .anything, .value: break
    case .name(let name):
      if !names.insert(name).inserted {
        refuse(Fault("duplicate-name", "`\(name)` is bound twice here", help: "_"), pattern.span)
      }
    case .list(let items, _), .tuple(let items, _): for item in items { refuseDuplicates(item, &names) }
    case .record(let fields, let rest):
      for field in fields { refuseDuplicates(field.pattern, &names) }
      if let rest { refuseDuplicates(rest, &names) }
    case .either(let items):
      // Each alternative binds them all.
      let outer = names
      for item in items {
        names = outer
        refuseDuplicates(item, &names)
      }
    }
  }

  mutating func pattern() throws -> Pattern {
    let first = try onePattern()
    guard isSymbol("|") else { return first }
    var all = [first]
    while take("|") { all.append(try onePattern()) }
    return Pattern(kind: .either(all), span: Span(first.span.start, previousEnd))
  }

  mutating func onePattern() throws -> Pattern {
    try checkNesting()
    if openPatterns >= QuickParser.patternLimit { throw tooDeep() }
    openPatterns += 1
    defer { openPatterns -= 1 }
    let start = token.span.start
    func made(_ kind: PatternKind) -> Pattern { Pattern(kind: kind, span: Span(start, previousEnd)) }
    switch token.kind {
    case .name("_"):
      _ = advance()
      return made(.anything)
    case .name(let name):
      _ = advance()
      return made(.name(name))
    case .keyword(let word) where !["none", "true", "false"].contains(word): throw reserved(word, token.span)
    case .symbol("["), .symbol("("):
      let isList = advance().kind == .symbol("[")
      openBrackets += 1
      defer { openBrackets -= 1 }
      var items: [Pattern] = []
      var rest: Int?
      var comma = false
      while !isSymbol(isList ? "]" : ")") {
        if isSymbol("...") {
          let dots = advance().span
          if rest != nil { throw error("a pattern has one `...`", dots) }
          rest = items.count
          let isBare = isSymbol(",") || isSymbol("]") || isSymbol(")")
          items.append(isBare ? Pattern(kind: .anything, span: dots) : try onePattern())
        } else {
          items.append(try pattern())
        }
        comma = take(",")
        if !comma { break }
      }
      try close(isList ? "]" : ")", Span(start, start + 1), "to end the pattern")
      if !isList, items.count == 1, !comma, rest == nil { return items[0] }
      return made(isList ? .list(items, rest: rest) : .tuple(items, rest: rest))
    case .symbol("{"):
      places.recordBraces.insert(start)
      _ = advance()
      openBrackets += 1
      defer { openBrackets -= 1 }
      var fields: [FieldPattern] = []
      var rest: Pattern?
      while !isSymbol("}") {
        if take("...") {
          rest = isSymbol("}") || isSymbol(",") ? nil : try onePattern()
          _ = take(",")
          break
        }
        fields.append(try fieldPattern())
        if !take(",") { break }
      }
      try close("}", Span(start, start + 1), "to end the pattern")
      return made(.record(fields, rest: rest))
    case .symbol(".."), .symbol("..="):
      let inclusive = advance().kind == .symbol("..=")
      let end = try binary(7)
      let range = Expression(
        kind: .range(nil, end, inclusive: inclusive), span: Span(start, previousEnd))
      return made(.value(range))
    default:
      let wasPattern = isPattern
      isPattern = true
      defer { isPattern = wasPattern }
      let value = try binary(6)
      return made(.value(value))
    }
  }

  /// `name`, `name: pattern`, `"any text": pattern`, each with `= default`.
  private mutating func fieldPattern() throws -> FieldPattern {
    if case .text(let parts) = token.kind, parts.count == 1, case .text(let name) = parts[0] {
      _ = advance()
      try need(":", "after the field's name")
      let pattern = try pattern()
      return FieldPattern(name: name, pattern: pattern, defaultValue: take("=") ? try expression() : nil)
    }
    let (name, span) = try needName()
    let pattern = take(":") ? try pattern() : Pattern(kind: .name(name), span: span)
    return FieldPattern(name: name, pattern: pattern, defaultValue: take("=") ? try expression() : nil)
  }

  /// The index of the bracket that closes the one here.
  var closing: Int? { closings[at] < 0 ? nil : closings[at] }

  mutating func lambda() throws -> Expression? {
    let start = token.span.start
    if case .name(let name) = token.kind, tokens[min(at + 1, tokens.count - 1)].kind == .symbol("=>") {
      let span = advance().span
      _ = advance()
      let parameter = ParameterSyntax(pattern: Pattern(kind: .name(name), span: span), defaultValue: nil, span: span)
      return try lambdaBody([parameter], start)
    }
    if isArrowFunction {
      _ = advance()
      let made = try function(nil, start, nil)
      return Expression(kind: .function(made), span: made.span)
    }
    guard isSymbol("("), let close = closing,
      tokens[min(close + 1, tokens.count - 1)].kind == .symbol("=>")
    else { return nil }
    let list = try parameters()
    _ = advance()
    return try lambdaBody(list, start)
  }

  /// `fn (a) => e`
  var isArrowFunction: Bool {
    guard isKeyword("fn"), at + 1 < tokens.count, tokens[at + 1].kind == .symbol("(") else { return false }
    let close = closings[at + 1]
    return close > 0 && tokens[min(close + 1, tokens.count - 1)].kind == .symbol("=>")
  }

  mutating func lambdaBody(_ parameters: [ParameterSyntax], _ start: Int) throws -> Expression {
    let body = isHead && isSymbol("{") && !bracesAreRecord ? try block() : try expression()
    let span = Span(start, previousEnd)
    return Expression(
      kind: .function(FunctionSyntax(name: nil, parameters: parameters, body: body, documentation: nil, span: span)),
      span: span)
  }
}
