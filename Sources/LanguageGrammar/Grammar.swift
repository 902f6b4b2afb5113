// The grammar of docs/language.md, read from its EBNF: programs are generated and derived from it.
import Foundation

/// What stands on the right of a rule.
public indirect enum GrammarNode {
  case sequence([GrammarNode])
  case choice([GrammarNode])
  case optional(GrammarNode)
  case many(GrammarNode)
  case literal(String)
  case rule(String)
  /// Between question marks: in words.
  case special(String)
}

/// The text is no grammar.
public struct GrammarError: Error {
  public let message: String
}

/// A grammar in EBNF.
public struct Grammar {
  public private(set) var rules: [String: GrammarNode] = [:]
  public private(set) var order: [String] = []

  /// Tokens are written with a capital letter.
  public static func isToken(_ name: String) -> Bool { name.first?.isUppercase == true }

  public init(_ text: String) throws {
    var reader = GrammarReader(text)
    while let (name, node) = try reader.rule() {
      if rules[name] != nil { throw GrammarError(message: "\(name) stands twice") }
      rules[name] = node
      order.append(name)
    }
    for name in order { try check(rules[name], name) }
  }

  /// The grammar in the fenced block `ebnf` of a page.
  public static func ofPage(_ page: String) throws -> Grammar {
    guard let opening = page.range(of: "```ebnf\n"), let closing = page[opening.upperBound...].range(of: "```") else {
      throw GrammarError(message: "the page has no block of EBNF")
    }
    return try Grammar(String(page[opening.upperBound..<closing.lowerBound]))
  }

  private func check(_ node: GrammarNode?, _ owner: String) throws {
    switch node {
    case .sequence(let parts), .choice(let parts): for part in parts { try check(part, owner) }
    case .optional(let part), .many(let part): try check(part, owner)
    case .rule(let name):
      if rules[name] == nil { throw GrammarError(message: "\(owner) uses \(name), which is no rule") }
    case .literal, .special, nil: break
    }
  }

  /// Every rule made of tokens, and of a rule that is a choice each alternative: what a program can exercise.
  public var productions: [String] {
    order.filter { !Grammar.isToken($0) }.flatMap { name -> [String] in
      guard case .choice(let parts) = rules[name] else { return [name] }
      return parts.indices.map { "\(name)#\($0 + 1)" }
    }
  }
}

private struct GrammarReader {
  let text: [Character]
  var at = 0

  init(_ text: String) { self.text = Array(text) }

  mutating func skipSpace() { while at < text.count, text[at].isWhitespace { at += 1 } }

  mutating func word() -> String? {
    skipSpace()
    let start = at
    while at < text.count, text[at].isLetter || text[at] == "_" { at += 1 }
    return at > start ? String(text[start..<at]) : nil
  }

  mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard at < text.count, text[at] == character else { return false }
    at += 1
    return true
  }

  mutating func rule() throws -> (String, GrammarNode)? {
    guard let name = word() else {
      skipSpace()
      if at < text.count { throw GrammarError(message: "a rule is expected at \(String(text[at...].prefix(30)))") }
      return nil
    }
    guard take("=") else { throw GrammarError(message: "`=` is expected after \(name)") }
    let node = try choice()
    guard take(";") else { throw GrammarError(message: "`;` is expected at the end of \(name)") }
    return (name, node)
  }

  mutating func choice() throws -> GrammarNode {
    var parts = [try sequence()]
    while take("|") { parts.append(try sequence()) }
    return parts.count == 1 ? parts[0] : .choice(parts)
  }

  mutating func sequence() throws -> GrammarNode {
    var parts: [GrammarNode] = []
    while let part = try term() { parts.append(part) }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  mutating func until(_ end: Character) throws -> String {
    let start = at
    while at < text.count, text[at] != end { at += 1 }
    guard at < text.count else { throw GrammarError(message: "`\(end)` is missing") }
    defer { at += 1 }
    return String(text[start..<at])
  }

  mutating func term() throws -> GrammarNode? {
    if take("\"") { return .literal(try until("\"")) }
    if take("'") { return .literal(try until("'")) }
    if take("?") { return .special(try until("?")) }
    for (open, close) in [("[", "]"), ("{", "}"), ("(", ")")] as [(Character, Character)] where take(open) {
      let inner = try choice()
      guard take(close) else { throw GrammarError(message: "`\(close)` is missing") }
      return open == "[" ? .optional(inner) : open == "{" ? .many(inner) : inner
    }
    return word().map { .rule($0) }
  }
}
