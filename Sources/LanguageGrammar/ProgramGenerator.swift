// Programs from the grammar. The grammar is laid out as an array of nodes first: millions of programs are asked for.

/// Makes programs that the grammar derives.
public final class ProgramGenerator {
  /// Which productions a program was derived by: their numbers in `productions`.
  public struct Productions: Sendable {
    public private(set) var words = SIMD4<UInt64>()
    public init() {}
    mutating func insert(_ index: Int) { words[index >> 6] |= 1 << UInt64(index & 63) }
    public func contains(_ index: Int) -> Bool { words[index >> 6] >> UInt64(index & 63) & 1 == 1 }
  }

  private enum Kind { case sequence, choice, optional, many, literal, rule, token, newline, head, special }

  private struct Node {
    var kind: Kind
    /// Its parts: a range of `parts`; of a literal its bytes: a range of `bytes`.
    var range = 0..<0
    /// Of a rule: its node. Of a choice: the alternatives of least depth, a range of `parts`.
    var target = 0
    var least = 0..<0
    /// The production it is, or of a choice that is a rule its first; -1 for none.
    var production = -1
    var token = Token.other
    /// Of a special: what else it may be, beside each of its bytes: a range of `accents`.
    var accents = 0..<0
  }

  private enum Token { case other, name, text, keyword, hole, hex }

  public let productions: [String]
  private var nodes: [Node] = []
  private var parts: [Int] = []
  private var bytes: [UInt8] = []
  private var accents: [[UInt8]] = []
  private var rules: [String: Int] = [:]
  private var cost: [String: Int] = [:]
  private let names: [[UInt8]]

  // The program in the making.
  private var numbers = SeededNumbers(0)
  private var text: [UInt8] = []
  private var used = Productions()
  /// Tokens made so far.
  private var made = 0
  /// Below this many nested rules the shortest way is taken.
  private var limit = 22
  /// Whether a head is in the making; its open parentheses and brackets, and whether a brace stood outside of them: then
  /// it is of no use, and nothing more is made of it.
  private var isHead = false
  private var open = 0
  private var hasBareBrace = false

  /// - Parameter names: what most names are spelled; none: any letters.
  public init(_ grammar: Grammar, names: [String] = []) {
    productions = grammar.productions
    self.names = names.map { Array($0.utf8) }
    precondition(productions.count <= 256, "a set of productions holds 256")
    for name in grammar.order { cost[name] = 1000 }
    for _ in 0..<60 {
      for name in grammar.order { if let node = grammar.rules[name] { cost[name] = min(1000, 1 + cost(of: node)) } }
    }
    for (index, name) in grammar.order.enumerated() {
      rules[name] = index
      nodes.append(Node(kind: .special))
    }
    for (index, name) in grammar.order.enumerated() {
      guard let tree = grammar.rules[name] else { continue }
      var node = nodes[add(tree)]
      node.production = productions.firstIndex { $0 == name || $0 == "\(name)#1" } ?? -1
      nodes[index] = node
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

  private func add(_ tree: GrammarNode) -> Int {
    var node = Node(kind: .special)
    func group(_ kind: Kind, _ trees: [GrammarNode]) {
      let made = trees.map(add)
      node.kind = kind
      node.range = parts.count..<(parts.count + made.count)
      parts += made
      guard kind == .choice else { return }
      let least = trees.map(cost(of:)).min() ?? 0
      let short = zip(trees, made).filter { cost(of: $0.0) == least }.map(\.1)
      node.least = parts.count..<(parts.count + short.count)
      parts += short
    }
    func spelled(_ word: String) {
      node.range = bytes.count..<(bytes.count + word.utf8.count)
      bytes += Array(word.utf8)
    }
    switch tree {
    case .sequence(let trees): group(.sequence, trees)
    case .choice(let trees): group(.choice, trees)
    case .optional(let part): group(.optional, [part])
    case .many(let part): group(.many, [part])
    case .literal(let word):
      node.kind = .literal
      spelled(word)
    case .special(let words):
      // Only a character of a string may be a bracket: in a name or in a format it would mean something.
      let more = words.contains("accent") ? ["\u{301}"] : words.contains("bracket") ? ["é"] : ["λ", "é"]
      node.accents = accents.count..<(accents.count + more.count)
      accents += more.map { Array($0.utf8) }
      spelled(
        words.contains("accent")
          ? "" : words.contains("letter") ? "abcxyz_" : words.contains("bracket") ? "a*.:-" : "ab c.:,(]}")
    case .rule(let name):
      node.kind = name == "NEWLINE" ? .newline : name == "head" ? .head : Grammar.isToken(name) ? .token : .rule
      node.target = rules[name] ?? 0
      node.token = ["NAME": .name, "TEXT": .text, "KEYWORD": .keyword, "HOLE": .hole, "HEX": .hex][name] ?? .other
    }
    nodes.append(node)
    return nodes.count - 1
  }

  /// The program of a seed; the same one every time.
  public func program(seed: UInt64) -> String {
    var numbers = SeededNumbers(seed)
    return String(decoding: program(&numbers, depth: 22).text, as: UTF8.self)
  }

  /// - Parameter depth: from this many nested rules on the shortest way is taken; 22 gives programs of some lines.
  public func program(_ source: inout SeededNumbers, depth: Int) -> (text: [UInt8], productions: Productions) {
    numbers = source
    text = []
    used = Productions()
    made = 0
    limit = depth
    (isHead, open, hasBareBrace) = (false, 0, false)
    if let root = rules["program"] { enter(root, 0) }
    source = numbers
    return (text, used)
  }

  // MARK: Rules

  private func enter(_ rule: Int, _ depth: Int) {
    let production = nodes[rule].production
    if production >= 0, nodes[rule].kind != .choice { used.insert(production) }
    make(rule, depth)
  }

  private func make(_ index: Int, _ depth: Int) {
    if isHead, hasBareBrace { return }
    let node = nodes[index]
    switch node.kind {
    case .literal: word(node.range)
    case .special: break
    case .sequence: for part in node.range { make(parts[part], depth) }
    case .optional: if depth < limit, numbers.below(3) == 0 { make(parts[node.range.lowerBound], depth) }
    case .many:
      if depth < limit {
        let turn = numbers.below(9)
        for _ in 0..<(turn < 6 ? 0 : turn < 8 ? 1 : 2) { make(parts[node.range.lowerBound], depth) }
      }
    case .choice:
      let range = depth < limit ? node.range : node.least
      let chosen = range.lowerBound + numbers.below(range.count)
      if node.production >= 0 {
        let part = parts[chosen]
        for (turn, place) in node.range.enumerated() where parts[place] == part { used.insert(node.production + turn) }
      }
      make(parts[chosen], depth)
    case .newline: text.append(10)
    case .token: token(node, depth)
    case .head: head(depth)
    case .rule: enter(node.target, depth + 1)
    }
  }

  /// No bare brace in a head.
  private func head(_ depth: Int) {
    guard let expression = rules["expression"] else { return }
    let outer = (isHead, open, hasBareBrace)
    let (start, before) = (text.count, used)
    for attempt in 0..<20 {
      (isHead, open, hasBareBrace) = (true, 0, false)
      enter(expression, attempt < 19 ? depth + 1 : limit + 1)
      if !hasBareBrace { break }
      text.removeLast(text.count - start)
      used = before
    }
    if hasBareBrace { word("x") }
    (isHead, open, hasBareBrace) = outer
    if let head = rules["head"], nodes[head].production >= 0 { used.insert(nodes[head].production) }
  }

  private func space() {
    if let last = text.last, last != 10 { text.append(32) }
  }

  private func word(_ range: Range<Int>) {
    space()
    text += bytes[range]
    if range.count == 1 {
      switch bytes[range.lowerBound] {
      case 40, 91: open += 1
      case 41, 93: open -= 1
      case 123 where open == 0: hasBareBrace = true
      default: break
      }
    }
  }

  private func word(_ word: String) {
    space()
    text += Array(word.utf8)
  }

  // MARK: Tokens

  private func token(_ node: Node, _ depth: Int) {
    space()
    if node.token == .name, !names.isEmpty, numbers.below(8) > 0 {
      text += numbers.pick(names)
      return
    }
    spell(node.target, depth)
    // With a number behind it: no pattern binds such a name twice, no record has such a field twice, and no word of the
    // language is one.
    made += 1
    if node.token == .name { text += Array(String(made).utf8) }
    if node.token == .text {
      text.removeLast()
      text += Array("\(made)\"".utf8)
    }
  }

  private func spell(_ index: Int, _ depth: Int) {
    let node = nodes[index]
    switch node.kind {
    case .literal: text += bytes[node.range]
    case .special:
      let turn = numbers.below(node.range.count + node.accents.count)
      if turn < node.range.count {
        text.append(bytes[node.range.lowerBound + turn])
      } else {
        text += accents[node.accents.lowerBound + turn - node.range.count]
      }
    case .sequence: for part in node.range { spell(parts[part], depth) }
    case .optional: if numbers.below(2) == 0 { spell(parts[node.range.lowerBound], depth) }
    case .many: for _ in 0..<numbers.below(4) { spell(parts[node.range.lowerBound], depth) }
    case .choice: spell(parts[node.range.lowerBound + numbers.below(node.range.count)], depth)
    case .newline: text.append(10)
    case .token where node.token == .hex && text.last == 123: text.append(49)  // `\u{1`: a number that is a character's
    case .token where node.token == .hole: hole(depth)
    case .token, .rule, .head: spell(node.target, depth + 1)
    }
  }

  /// `{expression:format}` of a string: on one line, without quotes, and not a brace first.
  private func hole(_ depth: Int) {
    guard let expression = rules["expression"] else { return }
    let outer = (isHead, open, hasBareBrace, text, used)
    (isHead, text) = (false, [])
    enter(expression, max(depth, limit - 6))
    let inner = text
    (isHead, open, hasBareBrace, text) = (outer.0, outer.1, outer.2, outer.3)
    let isPlain = !inner.contains(10) && !inner.contains(34) && inner.first != 123
    if !isPlain { used = outer.4 }
    text.append(123)
    text += isPlain ? inner : [120]
    if let format = rules["FORMAT"], numbers.below(2) == 0 {
      text.append(58)
      spell(format, depth)
    }
    text.append(125)
  }
}
