// Programs from the grammar, and the grammar's rules in a program.
import SeepLanguage

/// Numbers of a fixed sequence (SplitMix64), so that a failure can be repeated.
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

struct ProgramGenerator {
  let grammar: Grammar
  var numbers: SeededNumbers
  private var cost: [String: Int] = [:]
  /// Tokens made so far.
  private var made = 0
  private let keywords: Set<String> = [
    "let", "var", "fn", "if", "else", "for", "in", "while", "break", "continue", "return", "match", "try", "catch",
    "raise", "use", "as", "assert", "defer", "with", "and", "or", "not", "none", "true", "false", "test", "_",
  ]
  /// Below this many nested rules the shortest way is taken.
  private let limit = 22

  init(_ grammar: Grammar, seed: UInt64) {
    self.grammar = grammar
    numbers = SeededNumbers(state: seed)
    for name in grammar.order { cost[name] = 1000 }
    for _ in 0..<60 {
      for name in grammar.order { if let node = grammar.rules[name] { cost[name] = min(1000, 1 + cost(of: node)) } }
    }
  }

  private func cost(of node: GrammarNode) -> Int {
    switch node {
    case .sequence(let parts): parts.map(cost(of:)).max() ?? 0
    case .choice(let parts): parts.map(cost(of:)).min() ?? 0
    case .optional, .many, .literal, .special: 0
    case .rule(let name): cost[name] ?? 1000
    }
  }

  mutating func program() -> String {
    var words: [String] = []
    make(.rule("program"), 0, &words)
    return ProgramGenerator.joined(words)
  }

  private static func joined(_ words: [String]) -> String {
    words.reduce(into: "") { text, word in
      if !text.isEmpty, !text.hasSuffix("\n"), word != "\n" { text += " " }
      text += word
    }
  }

  private mutating func make(_ node: GrammarNode, _ depth: Int, _ words: inout [String]) {
    switch node {
    case .literal(let word): words.append(word)
    case .special: break
    case .sequence(let parts): for part in parts { make(part, depth, &words) }
    case .optional(let part):
      if depth < limit, Int.random(in: 0..<3, using: &numbers) == 0 { make(part, depth, &words) }
    case .many(let part):
      if depth < limit {
        for _ in 0..<[0, 0, 0, 0, 0, 0, 1, 1, 2][Int.random(in: 0..<9, using: &numbers)] { make(part, depth, &words) }
      }
    case .choice(let parts):
      let least = parts.map(cost(of:)).min() ?? 0
      let open = depth < limit ? parts : parts.filter { cost(of: $0) == least }
      make(open[Int.random(in: 0..<open.count, using: &numbers)], depth, &words)
    case .rule("NEWLINE"): words.append("\n")
    case .rule(let name) where Grammar.isToken(name): words.append(token(name, depth))
    case .rule("head"):
      // No bare brace in a head.
      for attempt in 0..<20 {
        var inner: [String] = []
        make(.rule("expression"), attempt < 19 ? depth + 1 : limit + 1, &inner)
        if !ProgramGenerator.hasBareBrace(inner) {
          words += inner
          return
        }
      }
      words.append("x")
    case .rule(let name): if let node = grammar.rules[name] { make(node, depth + 1, &words) }
    }
  }

  private static func hasBareBrace(_ words: [String]) -> Bool {
    var depth = 0
    for word in words {
      if word == "(" || word == "[" { depth += 1 }
      if word == ")" || word == "]" { depth -= 1 }
      if word == "{", depth == 0 { return true }
    }
    return false
  }

  private mutating func token(_ name: String, _ depth: Int) -> String {
    while true {
      var text = ""
      spell(.rule(name), depth, &text)
      // No pattern binds a name twice, and no record has a field twice.
      made += 1
      if name == "NAME" { text += "\(made)" }
      if name == "TEXT" { text = "\(text.dropLast())\(made)\"" }
      if name == "KEYWORD" || !keywords.contains(text) { return text }
    }
  }

  private mutating func spell(_ node: GrammarNode, _ depth: Int, _ text: inout String) {
    switch node {
    case .literal(let part): text += part
    case .special(let words):
      // Only a character of a string may be a bracket: in a name or in a format it would mean something.
      let characters =
        words.contains("letter") ? "abcxyzλé_" : words.contains("bracket") ? "a*.:-é" : "ab c.:,(]}é"
      if words.contains("accent") {
        text += "\u{301}"
      } else {
        text += String(characters.randomElement(using: &numbers) ?? "x")
      }
    case .sequence(let parts): for part in parts { spell(part, depth, &text) }
    case .optional(let part): if Bool.random(using: &numbers) { spell(part, depth, &text) }
    case .many(let part): for _ in 0..<Int.random(in: 0..<4, using: &numbers) { spell(part, depth, &text) }
    case .choice(let parts): spell(parts[Int.random(in: 0..<parts.count, using: &numbers)], depth, &text)
    case .rule("NEWLINE"): text += "\n"
    case .rule("HEX") where text.hasSuffix("\\u{"): text += "1"  // a number that is a character's
    case .rule("HOLE"):
      var words: [String] = []
      make(.rule("expression"), max(depth, limit - 6), &words)
      let inner = ProgramGenerator.joined(words)
      var format = ""
      if Bool.random(using: &numbers) {
        format = ":"
        spell(.rule("FORMAT"), depth, &format)
      }
      text += "{" + (inner.contains("\n") || inner.contains("\"") || inner.hasPrefix("{") ? "x" : inner) + format + "}"
    case .rule(let name): if let node = grammar.rules[name] { spell(node, depth + 1, &text) }
    }
  }
}

/// Derives a program by the grammar.
final class Derivation {
  private enum Symbol: Hashable {
    case newline
    case word(String)
    case token(String, String)
  }

  private struct Place: Hashable {
    let rule: String
    let at: Int
  }

  private let grammar: Grammar
  private let symbols: [Symbol]
  private var known: [Place: Set<Int>] = [:]
  private(set) var used: Set<String> = []
  /// The last symbol that something fitted.
  private(set) var furthest = 0

  init(_ grammar: Grammar, _ tokens: [SourceToken]) {
    self.grammar = grammar
    symbols = Derivation.symbols(tokens)
  }

  /// Whether all of the program is a `program`; then `used` holds the productions.
  func run() -> Bool {
    guard ends(.rule("program"), 0).contains(symbols.count) else { return false }
    mark(.rule("program"), 0, symbols.count)
    return true
  }

  var stuckAt: String {
    symbols[min(furthest, max(0, symbols.count - 1))...].prefix(6).map { "\($0)" }.joined(separator: " ")
  }

  private static func symbols(_ tokens: [SourceToken]) -> [Symbol] {
    var symbols: [Symbol] = []
    var open: [Bool] = []  // whether line breaks count
    let goOn: Set<String> = ["|>", ">>", ".", "else", "catch", "}"]
    let wants: Set<String> = [
      "=", "+=", "-=", "*=", "/=", "//=", "%=", "^=", "@=", ",", ";", "=>", "(", "[", "{", "|>", ">>", "or", "and",
      "not", "==", "!=", "<",
      "<=", ">", ">=", "in", "+", "-", "*", "/", "//", "%", "@", "^", "|", ":", ".", "with", "let", "var", "if", "else",
      "raise", "assert", "defer", "match", "while", "for", "use", "as",
    ]
    for (i, token) in tokens.enumerated() {
      if i > 0, token.isFirstOfLine, open.last ?? true, !goOn.contains(token.text), !wants.contains(tokens[i - 1].text)
      {
        symbols.append(.newline)
      }
      switch token.kind {
      case .int: symbols.append(.token("INT", token.text))
      case .float: symbols.append(.token("FLOAT", token.text))
      case .name: symbols.append(.token("NAME", token.text))
      case .text(let isPlain): symbols.append(.token(isPlain ? "TEXT" : "STRING", token.text))
      case .keyword: symbols.append(.word(token.text))
      case .symbol:
        symbols.append(.word(token.text))
        if token.text == "(" || token.text == "[" { open.append(false) }
        if token.text == "{" { open.append(!token.isRecordBrace) }
        if [")", "]", "}"].contains(token.text), !open.isEmpty { open.removeLast() }
      }
    }
    return symbols
  }

  private func fits(_ name: String, _ at: Int) -> Bool {
    guard at < symbols.count else { return false }
    switch symbols[at] {
    case .newline: return name == "NEWLINE"
    case .token(let kind, let text):
      return kind == name || kind == "TEXT" && name == "STRING" || name == text && kind == "NAME"
    case .word(let text): return name == "KEYWORD" && text.first?.isLetter == true
    }
  }

  private func ends(_ node: GrammarNode, _ at: Int) -> Set<Int> {
    switch node {
    case .literal(let word):
      guard at < symbols.count else { return [] }
      furthest = max(furthest, at)
      // `test` and `_` are names that have a meaning in their place.
      return symbols[at] == .word(word) || symbols[at] == .token("NAME", word) ? [at + 1] : []
    case .special: return []
    case .optional(let part): return ends(part, at).union([at])
    case .many(let part):
      var found: Set<Int> = [at]
      var next: Set<Int> = [at]
      while !next.isEmpty {
        next = next.reduce(into: Set()) { $0.formUnion(ends(part, $1)) }.subtracting(found)
        found.formUnion(next)
      }
      return found
    case .choice(let parts): return parts.reduce(into: Set()) { $0.formUnion(ends($1, at)) }
    case .sequence(let parts):
      var here: Set<Int> = [at]
      for part in parts { here = here.reduce(into: Set()) { $0.formUnion(ends(part, $1)) } }
      return here
    case .rule(let name) where Grammar.isToken(name): return fits(name, at) ? [at + 1] : []
    case .rule(let name):
      let place = Place(rule: name, at: at)
      if let result = known[place] { return result }
      known[place] = []
      guard let node = grammar.rules[name] else { return [] }
      let result = ends(node, at)
      known[place] = result
      return result
    }
  }

  /// Notes the productions of one derivation from `at` to `end`, which exists.
  private func mark(_ node: GrammarNode, _ at: Int, _ end: Int) {
    switch node {
    case .literal, .special: break
    case .optional(let part): if end > at { mark(part, at, end) }
    case .many(let part): if end > at { markMany(part, at, end) }
    case .choice(let parts): if let part = parts.first(where: { ends($0, at).contains(end) }) { mark(part, at, end) }
    case .sequence(let parts): markSequence(parts[...], at, end)
    case .rule(let name):
      guard !Grammar.isToken(name), let inner = grammar.rules[name] else { return }
      if case .choice(let parts) = inner {
        for (i, part) in parts.enumerated() where ends(part, at).contains(end) {
          used.insert("\(name)#\(i + 1)")
          mark(part, at, end)
          break
        }
      } else {
        used.insert(name)
        mark(inner, at, end)
      }
    }
  }

  private func markSequence(_ parts: ArraySlice<GrammarNode>, _ at: Int, _ end: Int) {
    guard let first = parts.first else { return }
    let rest = parts.dropFirst()
    for middle in ends(first, at).sorted(by: >) where ends(.sequence(Array(rest)), middle).contains(end) {
      mark(first, at, middle)
      markSequence(rest, middle, end)
      return
    }
  }

  private func markMany(_ part: GrammarNode, _ at: Int, _ end: Int) {
    var at = at
    while at < end {
      guard let next = ends(part, at).filter({ $0 > at && ends(.many(part), $0).contains(end) }).max() else { return }
      mark(part, at, next)
      at = next
    }
  }
}
