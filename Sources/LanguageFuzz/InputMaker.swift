// Inputs: programs of the grammar, parts of the repository's scripts, and both after mutations.
import Foundation
import LanguageGrammar

struct InputMaker {
  enum Origin: Int { case grammar, script, mutatedGrammar }

  private let generator: ProgramGenerator
  /// The lines of every script, and all of their tokens.
  private let scripts: [[[UInt8]]]
  private let words: [[UInt8]]

  var productions: [String] { generator.productions }

  init(root: String) throws {
    func text(_ path: String) throws -> String { try String(contentsOfFile: root + "/" + path, encoding: .utf8) }
    generator = ProgramGenerator(try Grammar.ofPage(text("docs/language.md")), names: Examiner.names)
    let files = FileManager.default.enumerator(atPath: root + "/Tests/Scripts")?.compactMap { $0 as? String } ?? []
    let texts = try files.filter { $0.hasSuffix(".seep") }.sorted().map { Array(try text("Tests/Scripts/" + $0).utf8) }
    scripts = texts.map { $0.split(separator: 10, omittingEmptySubsequences: false).map(Array.init) }
    words = Array(Set(texts.flatMap { text in InputMaker.tokens(text).map { Array(text[$0]) } }))
      .sorted { $0.lexicographicallyPrecedes($1) }
    if scripts.isEmpty { throw CocoaError(.fileNoSuchFile) }
  }

  /// The input of a number; the same one every time for one seed and one state of the scripts.
  func input(_ index: Int, seed: UInt64) -> (text: [UInt8], origin: Origin, used: ProgramGenerator.Productions) {
    var numbers = SeededNumbers(seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(index))
    let turn = numbers.below(20)
    if turn < 9 {
      let (text, used) = generator.program(&numbers, depth: 16 + numbers.below(numbers.below(8) == 0 ? 22 : 8))
      return (text, .grammar, used)
    }
    var text: [UInt8]
    if turn < 11 {
      text = generator.program(&numbers, depth: 16 + numbers.below(numbers.below(8) == 0 ? 22 : 8)).text
    } else {
      let script = numbers.pick(scripts)
      let from = numbers.below(script.count)
      text = Array(script[from..<min(script.count, from + 1 + numbers.below(8))].joined(separator: [10]))
    }
    for _ in 0...numbers.below(4) { mutate(&text, &numbers) }
    return (text, turn < 11 ? .mutatedGrammar : .script, .init())
  }

  // MARK: Mutations

  private func mutate(_ text: inout [UInt8], _ numbers: inout SeededNumbers) {
    let tokens = InputMaker.tokens(text)
    func place() -> Range<Int> { tokens.isEmpty ? text.count..<text.count : tokens[numbers.below(tokens.count)] }
    switch numbers.below(20) {
    case 0, 1, 2: text.replaceSubrange(place(), with: numbers.pick(words))
    case 3, 4: text.removeSubrange(place())
    case 5, 6:
      let token = place()
      text.insert(contentsOf: [32] + Array(text[token]), at: token.upperBound)
    case 7, 8:
      let (a, b) = (place(), place())
      let (first, second) = a.lowerBound < b.lowerBound ? (a, b) : (b, a)
      guard first.upperBound <= second.lowerBound else { return }
      let (one, two) = (Array(text[first]), Array(text[second]))
      text.replaceSubrange(second, with: one)
      text.replaceSubrange(first, with: two)
    case 9, 10: text.insert(contentsOf: [32] + numbers.pick(words) + [32], at: place().lowerBound)
    case 11:
      let script = numbers.pick(scripts)
      text.insert(contentsOf: [10] + script[numbers.below(script.count)] + [10], at: place().upperBound)
    case 12: if !text.isEmpty { text[numbers.below(text.count)] ^= 1 << UInt8(numbers.below(8)) }
    case 13:
      let odd: [[UInt8]] = [
        [0], [0xFF], [0xC3], [0xEF, 0xBB, 0xBF], [13], [13, 10], [10], [0xE2, 0x80, 0xA8], [9], [27],
      ]
      text.insert(contentsOf: numbers.pick(odd), at: numbers.below(text.count + 1))
    case 14: text.removeSubrange(numbers.below(text.count + 1)...)
    case 15: text.insert(UInt8(numbers.below(256)), at: numbers.below(text.count + 1))
    case 16: text.replaceSubrange(place(), with: InputMaker.extreme(&numbers))
    case 17: if numbers.below(20) == 0 { nest(&text, place(), &numbers) }
    case 18:
      let (first, second) = (place(), place())
      if first.lowerBound < second.upperBound { text += [10] + Array(text[first.lowerBound..<second.upperBound]) }
    default:
      text.replaceSubrange(
        place(), with: Array(numbers.pick(["{", "}", "(", ")", "[", "]", "\"", "\"\"\"", "=>"]).utf8))
    }
    // Ropes of insertions stay short: many inputs are worth more than long ones.
    if text.count > 1 << 18 { text.removeSubrange((1 << 18)...) }
  }

  private static func extreme(_ numbers: inout SeededNumbers) -> [UInt8] {
    let words = [
      "9223372036854775807", "-9223372036854775808", "9223372036854775808", "0x7fffffffffffffff", "1e308", "1e999",
      "0.0000001e-320", "4294967296", "65536", "inf", "nan", "none", "[]", "{}", "()", "\"\"", "0", "-1", "0..0",
      "9223372036854775806..=9223372036854775807", "\"{\"", "\"\\u{10ffff}\"", "1_0", "...", "0x", "1e",
    ]
    if numbers.below(8) == 0 {
      return [UInt8](repeating: 49 + UInt8(numbers.below(9)), count: 20 + numbers.below(2000))
    }
    return Array(numbers.pick(words).utf8)
  }

  /// The same opening many times before a token, with or without what closes it.
  private func nest(_ text: inout [UInt8], _ place: Range<Int>, _ numbers: inout SeededNumbers) {
    let (open, close) = numbers.pick([
      ("(", ")"), ("[", "]"), ("{a: ", "}"), ("not ", ""), ("-", ""), ("if true { ", " }"), ("x => ", ""), ("f(", ")"),
      ("\"{", "}\""), ("match 1 { _ => ", " }"), ("try { ", " }"), ("fn q() { ", " }\n"), ("a[", "]"),
      ("defer { ", " }"),
      ("[", ""), ("{", ""), ("(", ""), ("let [", "] = x"), ("while false { ", "}"), ("test \"t\" { ", " }"),
      ("1 ^ ", ""),
      ("1 + ", ""), ("x |> ", ""), ("x.", ""), ("{...", "}"),
    ])
    let times = numbers.pick([3, 10, 60, 300, 1000, numbers.below(5000)])
    let (before, after) = (Array(open.utf8), Array(close.utf8))
    text.insert(contentsOf: repeatElement(after, count: times).joined(), at: place.upperBound)
    text.insert(contentsOf: repeatElement(before, count: times).joined(), at: place.lowerBound)
  }

  /// Where words, numbers, strings, comments and single symbols stand, roughly.
  static func tokens(_ text: [UInt8]) -> [Range<Int>] {
    func isWord(_ c: UInt8) -> Bool {
      c >= 97 && c <= 122 || c >= 65 && c <= 90 || c == 95 || c >= 128 || c >= 48 && c <= 57
    }
    var found: [Range<Int>] = []
    var at = 0
    while at < text.count {
      let start = at
      let c = text[at]
      at += 1
      if c == 32 || c == 9 || c == 10 || c == 13 { continue }
      if isWord(c) {
        while at < text.count, isWord(text[at]) { at += 1 }
      } else if c == 34 {
        while at < text.count, text[at] != 34, text[at] != 10 { at += text[at] == 92 ? 2 : 1 }
        at = min(text.count, at + 1)
      } else if c == 35 {
        while at < text.count, text[at] != 10 { at += 1 }
      }
      found.append(start..<at)
    }
    return found
  }
}
