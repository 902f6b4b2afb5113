// Whether a blank stands between two tokens of a line.
import Ground

struct Spacing {
  let tokens: [Token]
  let places: SyntaxPlaces
  /// Of each `{` and `}`: it belongs to a record or a pattern of one.
  private var isRecord: Set<Int> = []

  init(_ parsed: ParsedText) {
    tokens = parsed.tokens
    places = parsed.places
    var open: [Bool] = []
    for (index, token) in tokens.enumerated() {
      if token.kind == .symbol("{") {
        let record = places.recordBraces.contains(token.span.start)
        open.append(record)
        if record { isRecord.insert(index) }
      } else if token.kind == .symbol("}"), open.popLast() == true {
        isRecord.insert(index)
      }
    }
  }

  func isRecordBrace(_ index: Int) -> Bool { isRecord.contains(index) }

  func symbol(_ index: Int) -> String? {
    guard tokens.indices.contains(index), case .symbol(let symbol) = tokens[index].kind else { return nil }
    return symbol
  }

  func isPrefix(_ index: Int) -> Bool { places.prefixes.contains(tokens[index].span.start) }

  /// A value may end with this token: a bracket that follows calls or indexes it.
  private func endsValue(_ index: Int) -> Bool {
    switch tokens[index].kind {
    case .int, .float, .text, .name: return true
    case .symbol(let symbol): return symbol == ")" || symbol == "]" || symbol == "}"
    case .keyword(let word):
      return ["none", "true", "false", "fn"].contains(word) || (index > 0 && symbol(index - 1) == ".")
    case .doc, .end: return false
    }
  }

  /// A blank between a token and the next one.
  func isSpace(_ before: Int, _ after: Int) -> Bool {
    let (left, right) = (symbol(before), symbol(after))
    if let right, [",", ";", ")", "]"].contains(right) { return false }
    if let left, left == "(" || left == "[" { return false }
    if right == "}" { return !isRecord.contains(after) && left != "{" }
    if left == "{" { return !isRecord.contains(before) }
    if let left, left == "," || left == ";" { return true }
    if left == "." || right == "." { return false }
    if left == "-", isPrefix(before) { return false }
    if right == "..." { return !endsValue(before) }
    if left == "..." { if case .name = tokens[after].kind { return false } }
    if left == ".." || left == "..=" {  // `4.. => x`: an open end; `.. ..2` is no `....`
      if let right, ["=>", "|", "=", "{", "..", "..="].contains(right) { return true }
      if case .keyword(let word) = tokens[after].kind { return word == "if" || word == "in" }
      return false
    }
    if left == "^" { return false }
    if let right, right == ".." || right == "..=" || right == "^" { return !endsValue(before) }
    if let right, right == "(" || right == "[" { return !endsValue(before) }
    if right == ":" { return false }
    return true
  }

  /// What goes on with the line before it, at the beginning of a line, or wants another line after it, at the end of one.
  func joins(_ index: Int) -> Bool {
    switch tokens[index].kind {
    case .keyword(let word): return ["and", "or", "in", "not", "with", "as"].contains(word)
    case .symbol(let symbol):
      if symbol == "-" { return !isPrefix(index) }
      return !["(", ")", "[", "]", "{", "}", ",", ";", "..."].contains(symbol)
    case .int, .float, .text, .name, .doc, .end: return false
    }
  }
}
