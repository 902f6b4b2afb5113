// What people write who come from Python, C or JavaScript. Nothing here runs unless the text cannot be read: then the
// mistake is looked at once more, and where it is a habit of another language the diagnostic says what Seep writes.
import Ground

extension QuickParser {
  /// The code of all these mistakes.
  static let habitCode = "other-language"

  /// The mistake of the statement that begins at token `start`, said better where it is known.
  func improved(_ mistake: CompileError, from start: Int) -> CompileError {
    guard mistake.fault.code == "syntax" else { return mistake }
    let place = mistake.token ?? index(of: mistake.site)
    guard let found = habit(from: start, at: place, mistake.fault.message) else { return mistake }
    var better = mistake
    better.fault = Fault(
      found.code, found.message, notes: found.note.map { [$0] } ?? [],
      help: found.help.flatMap { canBeRead($0) ? $0 : nil })
    better.site = Site(from: Int32(found.span.start), to: Int32(max(found.span.end, found.span.start + 1)))
    better.isAtEnd = false
    return better
  }

  struct Habit {
    var message: String
    var span: Span
    var help: String?
    var note: String?
    var code: String
    init(
      _ message: String, _ span: Span, _ help: String? = nil, note: String? = nil, code: String = QuickParser.habitCode
    ) {
      self.code = code
      self.message = message
      self.span = span
      self.help = help
      self.note = note
    }
  }

  private func index(of site: Site) -> Int {
    tokens.firstIndex { $0.span.end > Int(site.from) } ?? tokens.count - 1
  }

  /// Suggestions are checked: `…` stands for anything.
  private func canBeRead(_ help: String) -> Bool {
    let text = help.split(separator: "…", omittingEmptySubsequences: false).joined(separator: " 1 ")
    return QuickParser.read(Array(text.utf8), nativeLimit: nativeLimit, improves: false).errors.isEmpty
  }

  func source(_ from: Int, _ to: Int) -> String {
    from < to && to <= text.count ? String(decoding: text[from..<to], as: UTF8.self) : ""
  }

  func word(_ index: Int) -> String? {
    guard tokens.indices.contains(index) else { return nil }
    switch tokens[index].kind {
    case .name(let name): return name
    case .keyword(let name): return name
    default: return nil
    }
  }

  func isSymbol(_ symbol: String, at index: Int) -> Bool {
    tokens.indices.contains(index) && tokens[index].kind == .symbol(symbol)
  }

  func isAdjacent(_ first: Int) -> Bool {
    tokens.indices.contains(first) && tokens.indices.contains(first + 1)
      && tokens[first].span.end == tokens[first + 1].span.start
  }

  /// The last token of the line of token `index`.
  func lineEnd(_ index: Int) -> Int {
    var last = index
    while last + 1 < tokens.count - 1, !tokens[last + 1].newlineBefore { last += 1 }
    return last
  }

  private func habit(from start: Int, at place: Int, _ message: String) -> Habit? {
    if let found = lonelyElse(start, place) ?? byFirstWord(start, place) { return found }
    if let found = byDeclaration(start, place) ?? byWord(start, place) { return found }
    if let found = byPunctuation(start, place, message) ?? slice(start, place) { return found }
    if let found = bySymbol(start, place) ?? valuesWithoutParentheses(start, place) { return found }
    if message.hasSuffix("to begin the body"), let found = bodyWithoutBraces(start, place) { return found }
    return missingComma(start, place) ?? callWithoutParentheses(start, place)
  }

  // MARK: Words that begin a statement

  private func byFirstWord(_ start: Int, _ place: Int) -> Habit? {
    guard case .name(let first) = tokens[start].kind, place > start else { return nil }
    let span = tokens[start].span
    let follows = tokens[min(start + 1, tokens.count - 1)]
    guard !follows.newlineBefore, follows.kind != .end else { return nil }
    switch first {
    case "def", "function", "func", "fun", "proc":
      guard case .name(let name) = follows.kind else { return nil }
      return Habit(
        "a function begins with `fn` in Seep, not `\(first)`", span,
        "fn \(name)\(parametersWithoutTypes(start + 2) ?? "(…)") { … }")
    case "class", "struct":
      return Habit(
        "Seep has no `\(first)`: a record holds the fields, and functions take it as an argument", span,
        "let \(word(start + 1) ?? "thing") = {name: …, size: …}")
    case "import", "from":
      return Habit(
        "a module is brought in with `use` in Seep, not `\(first)`", span, moduleHelp(start),
        note: "Tensors, models, attacks and files need no module; `seep doc` lists what there is.")
    case "const":
      return Habit("a value is bound with `let` in Seep, not `const`", span, "let \(word(start + 1) ?? "x") = …")
    case "elif", "elseif", "elsif":
      return Habit("Seep writes `else if`, not `\(first)`", span, "if … { … } else if … { … }")
    case "finally": return finally(span)
    case "del", "global", "nonlocal", "yield", "async", "await", "new", "switch", "case", "do", "end", "loop",
      "unless", "until":
      return Habit("there is no `\(first)` in Seep", span, other[first], note: otherNotes[first])
    case "except": return Habit("Seep writes `catch`, not `except`", span, "try { … } catch e { … }")
    case "print":
      if case .symbol = follows.kind { return nil }
      let last = lineEnd(start)
      return Habit(
        "`print` is a function in Seep: its arguments stand in parentheses", span,
        "print(\(source(follows.span.start, tokens[last].span.end)))")
    default: return nil
    }
  }

  private func finally(_ span: Span) -> Habit {
    Habit(
      "there is no `finally` in Seep: `defer` says beforehand what runs when its block is left", span, "defer { … }")
  }

  private var other: [String: String] {
    [
      "switch": "match … { 1 => …, _ => … }", "case": "match … { 1 => …, _ => … }", "do": "while … { … }",
      "loop": "while true { … }", "until": "while not … { … }", "unless": "if not … { … }",
    ]
  }

  private var otherNotes: [String: String] {
    let scope = "A function may assign what is bound by `var` around it."
    return [
      "global": scope, "nonlocal": scope, "del": "A name lasts as long as the block that binds it.",
      "yield": "A function gives a list: `map(xs, x => …)`, or a `var items = []` that grows by `items += [x]`.",
      "async": "Statements run one after the other.", "await": "Statements run one after the other.",
    ]
  }

  /// The `else:` of an `if` that was not read.
  private func lonelyElse(_ start: Int, _ place: Int) -> Habit? {
    guard place == start, tokens[start].kind == .keyword("else"), isSymbol(":", at: start + 1) else { return nil }
    return Habit(
      "the body of `else` stands in braces in Seep, not behind a `:`", tokens[start + 1].span,
      "if … { … } else { … }")
  }

  private func moduleHelp(_ start: Int) -> String? {
    let python: Set<String> = [
      "numpy", "torch", "np", "math", "os", "sys", "random", "matplotlib", "pandas", "scipy", "time", "json", "re",
    ]
    guard let name = word(start + 1), !python.contains(name) else { return nil }
    return "use \(name)"
  }

  // MARK: Words inside of a statement

  private func byWord(_ start: Int, _ place: Int) -> Habit? {
    let here = tokens[place]
    if case .name(let name) = here.kind, ["elif", "elseif", "elsif"].contains(name) {
      return Habit("Seep writes `else if`, not `\(name)`", here.span, "if … { … } else if … { … }")
    }
    if case .name("then") = here.kind, let head = headWord(start, place) {
      let condition = source(tokens[head].span.start, tokens[place - 1].span.end)
      return Habit("there is no `then` in Seep: the body stands in braces", here.span, "\(condition) { … }")
    }
    if case .name("except") = here.kind {
      return Habit("Seep writes `catch`, not `except`", here.span, "try { … } catch e { … }")
    }
    if case .name("finally") = here.kind { return finally(here.span) }
    if case .name("is") = here.kind { return identity(start, place) }
    if let near = (max(start, place - 3)..<(place + 1)).first(where: { word($0) == "lambda" }) {
      var names: [String] = []
      var at = near + 1
      while let name = word(at) {
        names.append(name)
        at += isSymbol(",", at: at + 1) ? 2 : 1
      }
      let parameters = names.count == 1 ? names[0] : "(\(names.joined(separator: ", ")))"
      let written = isSymbol(":", at: at) && at < lineEnd(at) ? inSeep(at + 1, expressionEnd(at + 1)) : "…"
      return Habit(
        "a function without a name is written `x => …` in Seep, not with `lambda`", tokens[near].span,
        "\(parameters) => \(canBeRead(written) ? written : "…")")
    }
    // f"…": every string has braces.
    if case .text = here.kind, place > start, let prefix = word(place - 1), isAdjacent(place - 1),
      ["f", "r", "b", "rf", "fr", "F"].contains(prefix)
    {
      let text = source(here.span.start, here.span.end)
      let what = prefix == "f" || prefix == "F" ? "every string takes `{…}` in Seep, without an `f` before it" : nil
      return Habit(
        what ?? "strings have no `\(prefix)` before them in Seep", Span(tokens[place - 1].span.start, here.span.end),
        text)
    }
    if case .keyword("if") = here.kind, place > start, !here.newlineBefore {
      if let found = conditionBehind(start, place) { return found }
    }
    if case .keyword("for") = here.kind, place > start, !here.newlineBefore, openBracket(start, place) != nil {
      return comprehension(start, place)
    }
    return nil
  }

  /// The innermost bracket that is open at a token.
  func openBracket(_ start: Int, _ place: Int) -> Int? {
    var open: [Int] = []
    for index in start..<place {
      if ["(", "[", "{"].contains(where: { isSymbol($0, at: index) }) { open.append(index) }
      if [")", "]", "}"].contains(where: { isSymbol($0, at: index) }) { _ = open.popLast() }
    }
    return open.last
  }

  // MARK: Symbols

  private func bySymbol(_ start: Int, _ place: Int) -> Habit? {
    let here = tokens[place]
    guard case .symbol(let symbol) = here.kind else { return nil }
    let previous = place > start ? place - 1 : place
    switch symbol {
    case "=" where headWord(start, place) != nil:
      let head = headWord(start, place) ?? start
      let last = headEnd(place)
      let condition =
        source(tokens[head + 1].span.start, here.span.start) + "== " + (place < last ? inSeep(place + 1, last) : "…")
      return Habit(
        "`=` binds a name; two values are compared with `==`", here.span,
        "\(word(head) ?? "if") \(condition)" + (word(head) == "assert" ? "" : " { … }"))
    case ":" where headOf(start, place) != nil:
      let head = headOf(start, place) ?? start
      if let found = mainGuard(head, place) { return found }
      return Habit(
        "the body of `\(word(head) ?? "")` stands in braces in Seep, not behind a `:`", here.span,
        word(head) == "else"
          ? "if … { … } else { … }"
          : "\(inSeep(head, previous)) { … }")
    case ":" where place > start && (word(start) == "let" || word(start) == "var"):
      return Habit("names have no types in Seep", here.span, "\(word(start) ?? "let") \(word(start + 1) ?? "x") = …")
    case "*" where isSymbol("*", at: previous) && isAdjacent(previous) && previous < place:
      return power(previous)
    case "*" where isSymbol("*", at: place + 1) && isAdjacent(place): return power(place)
    case "+" where isSymbol("+", at: place + 1) && isAdjacent(place), "+" where isSymbol("+", at: previous):
      return increment(start, "+")
    case "-" where isSymbol("-", at: previous): return increment(start, "-")
    case "}", ")":
      if isSymbol("+", at: previous), isSymbol("+", at: previous - 1) { return increment(start, "+") }
      return nil
    case "*=" where isSymbol("*", at: previous) && isAdjacent(previous) && previous < place:
      let next = min(place + 1, tokens.count - 1)
      return Habit(
        "a power is written `^` in Seep, not `**`", Span(tokens[previous].span.start, here.span.end),
        "\(source(tokens[start].span.start, tokens[previous - 1].span.end)) ^= "
          + source(tokens[next].span.start, tokens[next].span.end))
    case "//" where place == start, "/" where place == start:
      return Habit(
        "a comment begins with `#` in Seep, not `\(isSymbol("*", at: place + 1) ? "/*" : symbol)`", here.span, "# …")
    case "|" where isSymbol("|", at: place + 1):
      return Habit("Seep writes `or`, not `||`", Span(here.span.start, here.span.end + 1), "… or …")
    case "|" where word(place + 1) != nil && isSymbol("|", at: place + 2):
      return Habit(
        "a function without a name is written `x => …` in Seep", Span(here.span.start, tokens[place + 2].span.end),
        "\(word(place + 1) ?? "x") => …")
    case "|": return Habit("`|` stands between patterns only; Seep writes `or`", here.span, "… or …")
    case ">" where isSymbol("-", at: previous) && isAdjacent(previous):
      return Habit(
        "functions have no types in Seep, and their body follows the parameters",
        Span(tokens[previous].span.start, here.span.end), "fn f(x) { … }")
    case "-" where isSymbol(">", at: place + 1) && isAdjacent(place):
      return Habit(
        "functions have no types in Seep, and their body follows the parameters",
        Span(here.span.start, here.span.end + 1), "fn f(x) { … }")
    case ":" where isSymbol("=", at: place + 1) && isAdjacent(place):
      return Habit(
        "a name is bound with `let` in Seep, not with `:=`", Span(here.span.start, here.span.end + 1),
        "let \(word(start) ?? "x") = …")
    default: return nil
    }
  }

  /// A token `if`, `while`, `assert` or `elif` whose condition goes on to `place`.
  func headWord(_ start: Int, _ place: Int) -> Int? {
    var at = place - 1
    while at >= start {
      if let word = word(at), ["if", "while", "assert", "elif"].contains(word) { return at }
      if ["{", "}", ";", "=>"].contains(where: { isSymbol($0, at: at) }) { return nil }
      at -= 1
    }
    return nil
  }

  func headOf(_ start: Int, _ place: Int) -> Int? {
    var at = place - 1
    while at >= start {
      if let word = word(at), ["if", "while", "for", "else", "try", "fn", "match", "catch"].contains(word) {
        return at
      }
      if ["{", "}", ";", "=>"].contains(where: { isSymbol($0, at: at) }) { return nil }
      at -= 1
    }
    return nil
  }

  /// The last token before the body of a condition, or before the end of the line.
  private func headEnd(_ place: Int) -> Int {
    var at = place
    while at + 1 < tokens.count - 1, !tokens[at + 1].newlineBefore, !isSymbol("{", at: at + 1),
      !isSymbol(":", at: at + 1)
    { at += 1 }
    return at
  }

  private func power(_ first: Int) -> Habit {
    let span = Span(tokens[first].span.start, tokens[first].span.end + 1)
    guard first > 0, first + 2 < tokens.count else { return Habit("Seep writes `^`, not `**`", span, nil) }
    let (left, right) = (tokens[first - 1], tokens[first + 2])
    return Habit(
      "a power is written `^` in Seep, not `**`", span,
      "\(source(left.span.start, left.span.end))^\(source(right.span.start, right.span.end))")
  }

  private func increment(_ start: Int, _ sign: String) -> Habit? {
    guard case .name(let name) = tokens[start].kind, isSymbol(sign, at: start + 1), isSymbol(sign, at: start + 2) else {
      return nil
    }
    return Habit(
      "there is no `\(sign)\(sign)` in Seep", Span(tokens[start + 1].span.start, tokens[start + 2].span.end),
      "\(name) \(sign)= 1")
  }

  /// `len xs`: a name, and behind it in the same line what could be its argument.
  private func callWithoutParentheses(_ start: Int, _ place: Int) -> Habit? {
    guard place > start, case .name(let name) = tokens[place - 1].kind, !tokens[place].newlineBefore else { return nil }
    switch tokens[place].kind {
    case .int, .float, .text, .name: break
    default: return nil
    }
    // Where a value begins, not where a name is bound.
    if place - 1 > start {
      guard case .symbol(let before) = tokens[place - 2].kind, before != ".", before != ")", before != "]" else {
        return nil
      }
    }
    let argument = source(tokens[place].span.start, tokens[place].span.end)
    return Habit(
      "two values follow each other; a call has parentheses", tokens[place].span, "\(name)(\(argument))")
  }
}
