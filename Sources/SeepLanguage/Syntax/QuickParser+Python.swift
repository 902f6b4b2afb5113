// Python's expressions in Seep's way, for suggestions: slices, comprehensions, conditions behind a value, tuples without parentheses.
import Ground

extension QuickParser {
  // MARK: Parts of a line

  private func opens(_ index: Int) -> Bool { ["(", "[", "{"].contains { isSymbol($0, at: index) } }
  private func closes(_ index: Int) -> Bool { [")", "]", "}"].contains { isSymbol($0, at: index) } }

  /// A token that no expression has outside of brackets; `tight` are the operands of a comparison.
  private func separates(_ index: Int, tight: Bool) -> Bool {
    switch tokens[index].kind {
    case .keyword(let word):
      !["none", "true", "false", "not"].contains(word) && (tight || !["and", "or", "in"].contains(word))
    case .symbol(let symbol): [",", ";", "=", "=>", "|>", ":", "+=", "-=", "*=", "/="].contains(symbol)
    default: false
    }
  }

  /// The first token of the expression that ends before `place`, in its brackets and its statement.
  private func expressionStart(_ start: Int, before place: Int, tight: Bool = false) -> Int {
    var (at, depth) = (place, 0)
    while at > start {
      let before = at - 1
      if closes(before) {
        depth += 1
      } else if opens(before) {
        if depth == 0 { return at }
        depth -= 1
      } else if depth == 0, separates(before, tight: tight) {
        return at
      }
      at = before
    }
    return at
  }

  /// The last token of the expression that begins at `first`, in its brackets and its line.
  func expressionEnd(_ first: Int, tight: Bool = false) -> Int {
    let last = lineEnd(first)
    var (at, depth) = (first, 0)
    while at <= last {
      if depth == 0, at > first, isSymbol("{", at: at) || separates(at, tight: tight) { return at - 1 }
      if opens(at) {
        depth += 1
      } else if closes(at) {
        if depth == 0 { return at - 1 }
        depth -= 1
      }
      at += 1
    }
    return last
  }

  /// The bracket that closes the one at `open`, in the same line.
  private func closing(_ open: Int) -> Int? {
    let last = lineEnd(open)
    var (at, depth) = (open, 0)
    while at <= last {
      if opens(at) { depth += 1 }
      if closes(at) { depth -= 1 }
      if depth == 0 { return at }
      at += 1
    }
    return nil
  }

  /// The tokens `first...last` as Seep writes them: `x is None` as `x == none`, `range(n)` as `0..n`, `2 ** 3` as `2 ^ 3`.
  func inSeep(_ first: Int, _ last: Int) -> String {
    guard first <= last, last < tokens.count else { return "" }
    var text = ""
    var end = tokens[first].span.start
    var at = first
    func put(_ word: String, _ count: Int = 1) {
      text += word
      at += count
      end = tokens[at - 1].span.end
    }
    while at <= last {
      text += source(end, tokens[at].span.start)
      switch tokens[at].kind {
      case .name("True"): put("true")
      case .name("False"): put("false")
      case .name("None"): put("none")
      case .name("is") where at > first && tokens[min(at + 1, last)].kind == .keyword("not"): put("!=", 2)
      case .name("is") where at > first: put("==")
      case .name("range"):
        if isSymbol("(", at: at + 1), let close = closing(at + 1), close <= last, expressionEnd(at + 2) == close - 1 {
          put("0..\(inSeep(at + 2, close - 1))", close - at + 1)
        } else {
          put("range")
        }
      case .symbol("*") where at < last && isSymbol("*", at: at + 1) && isAdjacent(at): put("^", 2)
      default: put(source(tokens[at].span.start, tokens[at].span.end))
      }
    }
    return text
  }

  // MARK: Expressions

  /// `a is None`
  func identity(_ start: Int, _ place: Int) -> Habit {
    let isNot = tokens[min(place + 1, tokens.count - 1)].kind == .keyword("not")
    let from = expressionStart(start, before: place, tight: true)
    let to = expressionEnd(min(place + (isNot ? 2 : 1), tokens.count - 1), tight: true)
    return Habit(
      "Seep compares with `\(isNot ? "!=" : "==")`, not `is\(isNot ? " not" : "")`", tokens[place].span,
      from < place && to > place ? inSeep(from, to) : nil)
  }

  /// `a if condition else b`
  func conditionBehind(_ start: Int, _ place: Int) -> Habit? {
    guard let other = (place..<lineEnd(place)).first(where: { tokens[$0].kind == .keyword("else") }) else { return nil }
    let left = inSeep(expressionStart(start, before: place), place - 1)
    let right = inSeep(other + 1, expressionEnd(other + 1))
    return Habit(
      "the condition stands first in Seep: `if` is an expression", tokens[place].span,
      "if \(inSeep(place + 1, other - 1)) { \(left) } else { \(right) }")
  }

  /// `[e for x in xs if c]`; `place` is its `for`.
  func comprehension(_ start: Int, _ place: Int) -> Habit? {
    guard let open = openBracket(start, place) else { return nil }
    return Habit(
      "Seep has no comprehensions: `map` and `filter` make lists", tokens[place].span,
      mapped(open, place) ?? "map([1, 2], x => x + 1)")
  }

  private func mapped(_ open: Int, _ place: Int) -> String? {
    guard isSymbol("[", at: open) || isSymbol("(", at: open), let close = closing(open),
      let (names, behind) = nameList(place + 1), tokens[behind].kind == .keyword("in")
    else { return nil }
    let end = expressionEnd(behind + 1)
    let items = inSeep(behind + 1, end)
    let name = names.count == 1 ? names[0] : "((\(names.joined(separator: ", "))))"
    let value = inSeep(open + 1, place - 1)
    if end + 1 == close { return "map(\(items), \(name) => \(value))" }
    guard tokens[end + 1].kind == .keyword("if"), expressionEnd(end + 2) + 1 == close else { return nil }
    let kept = "filter(\(items), \(name) => \(inSeep(end + 2, close - 1)))"
    return value == name ? kept : "map(\(kept), \(name) => \(value))"
  }

  /// `xs[1:3]`, `xs[:2]`, `xs[::2]`
  func slice(_ start: Int, _ place: Int) -> Habit? {
    guard let open = openBracket(start, place), isSymbol("[", at: open), let close = closing(open) else { return nil }
    var from = open + 1
    var colons: [Int] = []
    var (at, depth) = (open + 1, 0)
    while at < close, !(depth == 0 && isSymbol(",", at: at) && at >= place) {
      if opens(at) { depth += 1 }
      if closes(at) { depth -= 1 }
      if depth == 0, isSymbol(",", at: at) { (from, colons) = (at + 1, []) }
      if depth == 0, isSymbol(":", at: at) { colons.append(at) }
      at += 1
    }
    guard let colon = colons.first, at > from + 1 else { return nil }
    let message = "a part of a tensor or list is taken with a range in Seep, not with `:`"
    if colons.count > 1 {
      return Habit(
        message, tokens[colon].span,
        note: "Ranges have no step: `map(range(0, len(xs), step: 2), i => xs[i])` takes every second item.")
    }
    let (first, last) = (inSeep(from, colon - 1), inSeep(colon + 1, at - 1))
    return Habit(
      message, tokens[colon].span, first.isEmpty ? "\(word(open - 1) ?? "xs")[..\(last)]" : "\(first)..\(last)")
  }

  // MARK: Statements

  /// `a, b = 1, 2`, `let (a, b) = 1, 2` and `return a, b`
  func valuesWithoutParentheses(_ start: Int, _ place: Int) -> Habit? {
    guard isSymbol(",", at: place), place > start, openBracket(start, place) == nil else { return nil }
    let last = lineEnd(place)
    let message = "several values stand in parentheses in Seep"
    if let (names, behind) = nameList(start), isSymbol("=", at: behind), behind < last {
      let value = inSeep(behind + 1, last)
      let isList = values(behind + 1, last) == names.count
      return Habit(
        "several names stand in parentheses in Seep", tokens[place].span,
        "let (\(names.joined(separator: ", "))) = " + (isList ? "(\(value))" : value))
    }
    if tokens[start].kind == .keyword("return") {
      return Habit(message, tokens[place].span, "return (\(inSeep(start + 1, last)))")
    }
    guard let equals = (start..<place).first(where: { isSymbol("=", at: $0) }) else { return nil }
    return Habit(
      message, tokens[place].span,
      "\(source(tokens[start].span.start, tokens[equals].span.end)) (\(inSeep(equals + 1, last)))")
  }

  /// `f(1, rate=0.1)`: the whole call, where it ends in its line.
  func namedByEquals(_ open: Int, _ place: Int) -> Habit {
    var from = open - 1
    if isSymbol(".", at: open - 2), word(open - 3) != nil { from = open - 3 }
    var help = source(tokens[from].span.start, tokens[open].span.end)
    if let close = closing(open) {
      var end = tokens[open].span.end
      var depth = 0
      for at in (open + 1)..<close {
        if opens(at) { depth += 1 }
        if closes(at) { depth -= 1 }
        let isName = depth == 0 && isSymbol("=", at: at) && word(at - 1) != nil
        help += isName ? ": " : source(end, tokens[at].span.start) + source(tokens[at].span.start, tokens[at].span.end)
        end = isName && isAdjacent(at) ? tokens[at].span.end : isName ? tokens[at + 1].span.start : tokens[at].span.end
      }
      help += source(end, tokens[close].span.end)
    } else {
      let next = min(place + 1, tokens.count - 1)
      help += "\(word(place - 1) ?? "name"): \(source(tokens[next].span.start, tokens[next].span.end)))"
    }
    return Habit("arguments are named with `:` in Seep, not with `=`", tokens[place].span, help)
  }

  /// The parameters of a `def` without their types; nil where they have another form.
  func parametersWithoutTypes(_ open: Int) -> String? {
    guard isSymbol("(", at: open), let close = closing(open) else { return nil }
    var parts: [String] = []
    var at = open + 1
    while at < close {
      guard case .name(let name) = tokens[at].kind else { return nil }
      at += 1
      // A type may hold brackets: `dict[str, int]`.
      if isSymbol(":", at: at) { at = expressionEnd(at + 1) + 1 }
      if isSymbol("=", at: at) {
        let end = expressionEnd(at + 1)
        parts.append("\(name) = \(inSeep(at + 1, end))")
        at = end + 1
      } else {
        parts.append(name)
      }
      guard isSymbol(",", at: at) || at == close else { return nil }
      at += 1
    }
    return "(\(parts.joined(separator: ", ")))"
  }

  /// `with open(path) as f:` and its relatives.
  func withBlock(_ place: Int) -> Habit {
    let span = tokens[place].span
    switch word(place + 1) {
    case "torch":
      return Habit("there is no `with` block in Seep: what stands outside of `grad` is not recorded", span)
    case "open":
      return Habit(
        "there is no `with … as` in Seep: `read_text` and `load` read a whole file and close it", span,
        "let text = read_text(…)")
    default:
      return Habit(
        "there is no `with … as` in Seep: `defer` says beforehand what runs when its block is left", span,
        "defer { … }")
    }
  }

  /// `if __name__ == "__main__":`
  func mainGuard(_ head: Int, _ place: Int) -> Habit? {
    guard word(head + 1) == "__name__", place + 1 < tokens.count - 1 else { return nil }
    return Habit(
      "a script runs from its top in Seep: there is no `__name__`", tokens[head + 1].span,
      source(tokens[place + 1].span.start, tokens[lineEnd(place + 1)].span.end))
  }
}
