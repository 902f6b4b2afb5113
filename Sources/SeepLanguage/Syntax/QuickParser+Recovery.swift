// Going on after a mistake, so that one run reports several: the parser takes up again at the next statement.
import Ground

extension QuickParser {
  /// Words that only a statement begins with: at the beginning of a line they end an open `(` or `[`.
  private static let openers: Set<String> = [
    "let", "var", "fn", "for", "while", "return", "use", "break", "continue", "raise", "assert", "defer",
  ]

  /// Notes a mistake in the statement that begins at token `start`, and goes to the beginning of the next one: the next
  /// line outside of brackets, or the `}` of the block around it.
  mutating func recover(_ mistake: any Error, from start: Int) {
    guard !hasGivenUp, var mistake = mistake as? CompileError else { return }
    // At the end of the text everything that is open complains; the innermost says it best.
    if mistake.isAtEnd, errors.contains(where: \.isAtEnd) {
      at = tokens.count - 1
      return
    }
    if improves { mistake = improved(mistake, from: start) }
    errors.append(mistake)
    if hasGivenUp {
      at = tokens.count - 1
      return
    }
    if at >= tokens.count - 1, at > start { return }
    var open: [String] = []
    for token in tokens[start..<at] { _ = QuickParser.follow(token, &open) }
    if at == start { at = min(at + 1, tokens.count - 1) }
    while at < tokens.count - 1 {
      if token.newlineBefore, mayBegin(open) { return }
      if isSymbol(";"), open.isEmpty { return }
      if !QuickParser.follow(token, &open) { return }
      at += 1
    }
  }

  /// What follows is not read: what is open only closes.
  var hasGivenUp: Bool { errors.last?.fault.code == "nested-too-deep" || errors.count >= QuickParser.errorLimit }

  private func mayBegin(_ open: [String]) -> Bool {
    guard case .keyword(let word) = token.kind else { return open.isEmpty }
    if word == "else" || word == "catch" { return false }
    return open.isEmpty || (!open.contains("{") && QuickParser.openers.contains(word))
  }

  /// Counts brackets; false at a `}` that closes what is around.
  private static func follow(_ token: Token, _ open: inout [String]) -> Bool {
    guard case .symbol(let symbol) = token.kind else { return true }
    switch symbol {
    case "(", "[", "{": open.append(symbol)
    case ")", "]": if let last = open.last, last != "{" { open.removeLast() }
    case "}":
      guard let brace = open.lastIndex(of: "{") else { return false }
      open.removeSubrange(brace...)
    default: break
    }
    return true
  }

  /// The mistakes of the tokens and of the parser in order, without those that only follow from others.
  func allErrors(_ inTokens: [CompileError]) -> [CompileError] {
    if inTokens.isEmpty, errors.count < 2 { return errors }
    func line(_ error: CompileError) -> Int {
      self.line(max(0, Int(error.site.from))) - 1
    }
    let known = Set(inTokens.prefix(QuickParser.errorLimit).map(line))
    var all =
      inTokens.prefix(QuickParser.errorLimit)
      + errors.filter { error in
        !known.contains(line(error)) && !known.contains(error.opener.map { self.line($0) - 1 } ?? -1)
      }
    all.sort { $0.site.from < $1.site.from }
    return Array(all.prefix(QuickParser.errorLimit))
  }
}
