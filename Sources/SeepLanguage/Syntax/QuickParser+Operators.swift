// Operators by precedence climbing, calls, fields and indexing.
import Ground

extension QuickParser {
  /// Operators and calls that may follow each other in one chain: the tree of a chain is as deep as it is long.
  static let chainLimit = 5000
  /// `else if`s of one `if`: the tree is as deep as there are of them, but no walk through it is.
  static let elseLimit = 10_000
  /// Patterns that may lie in one another.
  static let patternLimit = 200

  func tooDeep() -> CompileError {
    CompileError(
      fault: Fault("nested-too-deep", "this is nested too deeply"),
      site: Site(from: Int32(token.span.start), to: Int32(token.span.end)))
  }

  /// Refuses to go on where the stack of the thread comes to its end.
  func checkNesting() throws {
    var here = 0
    if withUnsafeMutablePointer(to: &here, { UInt(bitPattern: $0) }) < nativeLimit { throw tooDeep() }
  }

  mutating func expression() throws -> Expression {
    try checkNesting()
    if let lambda = try lambda() { return lambda }
    return try binary(0)
  }

  static let levels: [String: Int] = [
    "|>": 0, ">>": 1, "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5, "..": 6, "..=": 6, "+": 7, "-": 7, "*": 8,
    "/": 8, "//": 8, "%": 8, "@": 8,
  ]

  func infix() -> (name: String, level: Int)? {
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

  mutating func binary(_ lowest: Int) throws -> Expression {
    try checkNesting()
    if isKeyword("not"), lowest <= 4 {
      let start = advance().span.start
      let inner = try binary(4)
      let value = Expression(kind: .unary(.not, inner), span: Span(start, inner.span.end))
      return try climb(value, lowest)
    }
    return try climb(try unary(), lowest)
  }

  mutating func climb(_ first: Expression, _ lowest: Int) throws -> Expression {
    var left = first
    var length = 0
    while let (name, level) = infix(), level >= lowest {
      length += 1
      if length > QuickParser.chainLimit { throw tooDeep() }
      let here = advance().span
      if name == "not in" { _ = advance() }
      if name == ".." || name == "..=" {
        let ends = token.newlineBefore && openBrackets == 0
        let isOpen =
          ends || isSymbol("]") || isSymbol(":") || isSymbol(",") || isSymbol(")") || isSymbol("}") || isSymbol("=>")
          || isSymbol("|") || isSymbol("=") || isPattern && (isSymbol("{") || isKeyword("if")) || isKeyword("in")
          || token.kind == .end
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

  mutating func unary() throws -> Expression {
    try checkNesting()
    if isSymbol("-") {
      let start = advance().span.start
      places.prefixes.insert(start)
      // The least int: its digits alone are one too many.
      if token.kind == .int(Int.min), !isOperandOfPostfix(at + 1) {
        return Expression(kind: .int(Int.min), span: Span(start, advance().span.end))
      }
      let inner = try unary()
      let span = Span(start, inner.span.end)
      switch inner.kind {
      case .int(let value) where value != Int.min: return Expression(kind: .int(-value), span: span)
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

  /// Whether the token goes on with what stands before it, closer than a minus does.
  private func isOperandOfPostfix(_ index: Int) -> Bool {
    guard tokens.indices.contains(index), !tokens[index].newlineBefore else { return false }
    return ["^", ".", "(", "["].contains { tokens[index].kind == .symbol($0) }
  }

  mutating func postfix() throws -> Expression {
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

  mutating func arguments() throws -> [ArgumentSyntax] {
    let opener = token.span
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
    try close(")", opener, "to end the arguments")
    return list
  }

  mutating func indexItems() throws -> [Expression?] {
    let opener = advance().span
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
    try close("]", opener, "to end the index")
    return items
  }
}
