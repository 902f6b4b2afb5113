// The grammar's rules in a program.
import LanguageGrammar
import SeepLanguage

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
