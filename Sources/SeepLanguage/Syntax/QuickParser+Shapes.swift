// Mistakes of form: what stands in a declaration, in brackets or in braces as other languages write it, or is left out.
import Ground

extension QuickParser {
  // MARK: Declarations

  /// `let a, b = …`, `for i, x in …`, `let x 3`, `fn f x {`, `for x of xs`.
  func byDeclaration(_ start: Int, _ place: Int) -> Habit? {
    guard place > start, case .keyword(let first) = tokens[start].kind else { return nil }
    let here = tokens[place]
    let end = tokens[lineEnd(place)].span.end
    switch first {
    case "let" where isSymbol(",", at: place), "var" where isSymbol(",", at: place),
      "for" where isSymbol(",", at: place):
      guard let (names, behind) = nameList(start + 1), behind > place else { return nil }
      let tuple = "(\(names.joined(separator: ", ")))"
      if first == "for", tokens[behind].kind == .keyword("in") {
        return Habit(
          "several loop variables stand in parentheses in Seep", here.span, "for \(tuple) in … { … }")
      }
      guard isSymbol("=", at: behind), behind + 1 < tokens.count - 1 else { return nil }
      let value = source(tokens[behind + 1].span.start, end)
      let isList = values(behind + 1, lineEnd(place)) == names.count
      return Habit(
        "several names stand in parentheses in Seep", here.span,
        "\(first) \(tuple) = " + (isList ? "(\(value))" : value))
    case "let" where place == start + 2 && word(start + 1) != nil,
      "var" where place == start + 2 && word(start + 1) != nil:
      guard beginsValue(place), !here.newlineBefore else { return nil }
      return Habit(
        "`=` is expected after the name", here.span,
        "\(first) \(word(start + 1) ?? "x") = \(source(here.span.start, end))", code: "syntax")
    case "for":
      guard let name = word(place), name == "of", word(place - 1) != nil else { return nil }
      return Habit(
        "Seep writes `in`, not `of`", here.span,
        "\(source(tokens[start].span.start, tokens[place - 1].span.end)) in … { … }")
    case "fn":
      guard let name = word(start + 1), place == start + 2, word(place) != nil else { return nil }
      var parameters: [String] = []
      var at = place
      while let parameter = word(at), !tokens[at].newlineBefore {
        parameters.append(parameter)
        at += 1
      }
      return Habit(
        "parameters stand in parentheses", here.span, "fn \(name)(\(parameters.joined(separator: ", "))) { … }")
    case "use":
      guard word(place) == "from", !here.newlineBefore else { return nil }
      return Habit("`use` has no `from`: it names the module", here.span, "use \(word(start + 1) ?? "stats")")
    default: return nil
    }
  }

  /// Names with commas between them, and the token behind.
  func nameList(_ first: Int) -> (names: [String], behind: Int)? {
    var names: [String] = []
    var at = first
    while case .name(let name) = tokens[min(at, tokens.count - 1)].kind {
      names.append(name)
      at += 1
      guard isSymbol(",", at: at) else { return (names, min(at, tokens.count - 1)) }
      at += 1
    }
    return nil
  }

  /// How many values stand between commas outside of brackets.
  func values(_ first: Int, _ last: Int) -> Int {
    var (count, depth) = (1, 0)
    for index in first...max(first, last) {
      if ["(", "[", "{"].contains(where: { isSymbol($0, at: index) }) { depth += 1 }
      if [")", "]", "}"].contains(where: { isSymbol($0, at: index) }) { depth -= 1 }
      if depth == 0, isSymbol(",", at: index) { count += 1 }
    }
    return count
  }

  private func beginsValue(_ index: Int) -> Bool {
    switch tokens[min(index, tokens.count - 1)].kind {
    case .int, .float, .text, .name: true
    case .keyword(let word): ["none", "true", "false"].contains(word)
    default: false
    }
  }

  private func endsValue(_ index: Int) -> Bool {
    switch tokens[min(max(0, index), tokens.count - 1)].kind {
    case .int, .float, .text, .name, .symbol(")"), .symbol("]"), .symbol("}"): true
    case .keyword(let word): ["none", "true", "false"].contains(word)
    default: false
    }
  }

  // MARK: Symbols

  /// Arguments, records, numbers and lists as other languages write them.
  func byPunctuation(_ start: Int, _ place: Int, _ message: String) -> Habit? {
    let here = tokens[place]
    if here.kind == .keyword("with"), place == start { return withBlock(place) }
    if word(place) == "case", place > start, isSymbol("{", at: place - 1) || here.newlineBefore {
      return Habit("the cases of a `match` begin with their pattern, without `case`", here.span, "match … { 1 => … }")
    }
    if case .name("case") = tokens[max(start, place - 1)].kind, place > start, openBracket(start, place) != nil {
      return Habit(
        "the cases of a `match` begin with their pattern, without `case`", tokens[place - 1].span,
        "match … { 1 => … }")
    }
    if let found = dotBehindNumber(place) ?? recordOfNumbers(start, place) { return found }
    guard case .symbol(let symbol) = here.kind else { return nil }
    let open = openBracket(start, place)
    switch symbol {
    case "=":
      guard let open, isSymbol("(", at: open), open > start, case .name = tokens[open - 1].kind,
        word(place - 1) != nil, isSymbol("(", at: place - 2) || isSymbol(",", at: place - 2)
      else { return nil }
      return namedByEquals(open, place)
    case "*":
      guard isSymbol("(", at: place - 1) || isSymbol(",", at: place - 1), let open, isSymbol("(", at: open) else {
        return nil
      }
      let isTwice = isSymbol("*", at: place + 1)
      let name = word(place + (isTwice ? 2 : 1)) ?? "rest"
      if word(open - 2) == "fn" || word(open - 1) == "fn" || word(open - 2) == "def" {
        return Habit(
          "the further arguments of a function are written `\(isTwice ? "rest" : name)...` in Seep", here.span,
          "fn f(\(isTwice ? "rest" : name)...) { … }",
          note: isTwice ? "Arguments by name have parameters of their own, with defaults: `fn f(a, rate = 0.1)`." : nil)
      }
      return spread(here.span)
    case "..." where message == "an expression is expected":
      guard let open else { return nil }
      if isSymbol("(", at: open), open > start, endsValue(open - 1) { return spread(here.span) }
      let next = word(place + 1) ?? "r"
      if isSymbol("{", at: open) || isSymbol("(", at: open) {
        return Habit("a record with other fields is made with `with` in Seep", here.span, "\(next) with {name: …}")
      }
      return Habit("lists are joined with `+` in Seep", here.span, "\(next) + […]")
    case "{":
      guard let head = headOf(start, place), closings[place] > 0, isRecord(place) else { return nil }
      let record = source(here.span.start, tokens[closings[place]].span.end)
      return Habit(
        "behind `\(word(head) ?? "if")` a brace opens the body: a record stands in parentheses there", here.span,
        record.utf8.count <= 60 ? "(\(record))" : "({name: …})")
    case ".":
      if place + 1 < tokens.count, case .int = tokens[place + 1].kind, isAdjacent(place),
        !endsValue(place - 1) || place == start
      {
        return Habit(
          "a number begins with a digit in Seep", Span(here.span.start, tokens[place + 1].span.end),
          "0.\(source(tokens[place + 1].span.start, tokens[place + 1].span.end))")
      }
      return nil
    case ">" where isSymbol("<", at: place - 1) && isAdjacent(place - 1):
      return Habit(
        "Seep writes `!=`, not `<>`", Span(tokens[place - 1].span.start, here.span.end), "… != …")
    case "@" where place == start:
      return Habit(
        "there are no decorators in Seep: a function takes the other one as its argument", here.span,
        "let f = \(word(place + 1) ?? "decorate")(x => …)")
    default: return nil
    }
  }

  private func isRecord(_ index: Int) -> Bool {
    if isSymbol("}", at: index + 1) { return true }
    switch tokens[min(index + 1, tokens.count - 1)].kind {
    case .name, .text: return isSymbol(":", at: index + 2)
    default: return false
    }
  }

  private func spread(_ span: Span) -> Habit {
    Habit(
      "a list is not spread over the arguments in Seep: they are written one by one", span, "f(xs[0], xs[1])",
      note: "A function with `rest...` takes any number of arguments; one of a single list takes the list.")
  }

  /// `{1: 2}` and `{...r}`: the brace was taken for that of a block.
  private func recordOfNumbers(_ start: Int, _ place: Int) -> Habit? {
    guard isSymbol("{", at: start - 1) else { return nil }
    if place == start, isSymbol("...", at: place) {
      return Habit(
        "a record with other fields is made with `with` in Seep", tokens[place].span,
        "\(word(place + 1) ?? "r") with {name: …}")
    }
    guard place == start + 1, isSymbol(":", at: place) else { return nil }
    switch tokens[start].kind {
    case .int, .float: break
    default: return nil
    }
    let name = source(tokens[start].span.start, tokens[start].span.end)
    return Habit(
      "the names of a record's fields are words or texts, not numbers", tokens[start].span, "{\"\(name)\": …}")
  }

  /// `5.`: the mistake shows at what follows the dot.
  private func dotBehindNumber(_ place: Int) -> Habit? {
    guard place > 1, isSymbol(".", at: place - 1), case .int = tokens[place - 2].kind, isAdjacent(place - 2) else {
      return nil
    }
    let number = source(tokens[place - 2].span.start, tokens[place - 2].span.end)
    return Habit(
      "a digit follows the dot of a number in Seep", Span(tokens[place - 2].span.start, tokens[place - 1].span.end),
      "\(number).0")
  }

  // MARK: What is left out

  /// `if (x) print(1)`
  func bodyWithoutBraces(_ start: Int, _ place: Int) -> Habit? {
    guard let head = headOf(start, place), place > head, tokens[place].kind != .end else { return nil }
    let condition = source(tokens[head].span.start, tokens[place - 1].span.end)
    let body = source(tokens[place].span.start, tokens[lineEnd(place)].span.end)
    return Habit(
      "the body of `\(word(head) ?? "if")` stands in braces in Seep", tokens[place].span,
      tokens[place].newlineBefore || body.contains("{") ? "\(condition) { … }" : "\(condition) { \(body) }")
  }

  /// Two values follow each other inside of brackets.
  func missingComma(_ start: Int, _ place: Int) -> Habit? {
    guard place > start, let open = openBracket(start, place), endsValue(place - 1), beginsValue(place),
      !tokens[place].newlineBefore
    else { return nil }
    if isSymbol("{", at: open), !isRecord(open) { return nil }
    // `print(len xs)`
    if isSymbol("(", at: open), word(place - 1) != nil { return nil }
    let (left, right) = (tokens[place - 1], tokens[place])
    let what =
      isSymbol("[", at: open)
      ? "[\(source(left.span.start, left.span.end)), \(source(right.span.start, right.span.end))]" : nil
    return Habit("a comma is missing between these values", right.span, what, code: "syntax")
  }
}

extension QuickParser {
  /// A block without its `}`: by the indentation, where it should stand.
  func unclosed(_ start: Int) -> CompileError {
    func indent(_ offset: Int) -> Int {
      var at = offset
      while at > 0, text[at - 1] != 10 { at -= 1 }
      var width = 0
      while at + width < text.count, text[at + width] == 32 || text[at + width] == 9 { width += 1 }
      return width
    }
    func line(_ offset: Int) -> Int { text[..<offset].count { $0 == 10 } + 1 }
    var mistake = error("this block has no end", Span(start, start + 1))
    let own = indent(start)
    if let inner = closedTooEarly(start, indent) {
      mistake = error("this block has no end", Span(inner.open, inner.open + 1))
      mistake.fault.help = "a `}` before line \(line(inner.close))"
      return mistake
    }
    let later = tokens.first {
      $0.span.start > start && $0.newlineBefore && $0.kind != .end && indent($0.span.start) <= own
    }
    if let later, later.kind != .symbol("}") {
      mistake.fault.help = "a `}` before line \(line(later.span.start))"
    } else {
      mistake.fault.help = "a `}` at the end"
    }
    return mistake
  }
  /// A block whose `}`, by its indentation, belongs to one around it: where both stand.
  private func closedTooEarly(_ start: Int, _ indent: (Int) -> Int) -> (open: Int, close: Int)? {
    var open: [Int] = []
    for token in tokens where token.span.start >= start {
      if token.kind == .symbol("{") { open.append(token.span.start) }
      guard token.kind == .symbol("}"), let last = open.popLast() else { continue }
      if token.newlineBefore, indent(token.span.start) < indent(last) { return (last, token.span.start) }
    }
    return nil
  }
}
