// The grammar of the documentation against the parser, and what no script under Tests/Scripts exercises.
import Foundation
import SeepLanguage
import SeepLibrary
import Testing

@Suite("grammar and coverage", .serialized) struct CoverageTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func grammar() throws -> Grammar {
    let page = try TextFile.read(CoverageTests.root.appendingPathComponent("docs/language.md").path)
    let block = page.components(separatedBy: "```ebnf\n").dropFirst().first?.components(separatedBy: "```").first
    return try Grammar(#require(block))
  }

  private func scripts(_ folder: String) throws -> [(name: String, text: String)] {
    let all =
      FileManager.default.enumerator(atPath: CoverageTests.root.appendingPathComponent(folder).path)?
      .compactMap { $0 as? String } ?? []
    return try all.filter { $0.hasSuffix(".seep") }.sorted().map {
      (folder + "/" + $0, try TextFile.read(CoverageTests.root.appendingPathComponent(folder + "/" + $0).path))
    }
  }

  @Test("the parser takes what the grammar generates") func generated() throws {
    let grammar = try grammar()
    let session = Session()
    var longest = 0
    var failing: [String] = []
    for seed in 0..<3000 as Range<UInt64> {
      var generator = ProgramGenerator(grammar, seed: seed)
      let text = generator.program()
      longest = max(longest, text.utf8.count)
      if session.syntaxTree(of: text) == nil {
        failing.append(text)
      }
    }
    for shortest in failing.sorted(by: { $0.utf8.count < $1.utf8.count }).prefix(8) {
      let failure = session.check(shortest, name: "generated")
      Issue.record(
        "\(failure?.fault.message ?? "") in line \(failure?.line ?? 0), column \(failure?.column ?? 0) of\n\(shortest)")
    }
    #expect(longest > 200)
  }

  @Test("the grammar derives every script of the repository") func derived() throws {
    let grammar = try grammar()
    let session = Session()
    for folder in ["Tests/Scripts", "stdlib", "scripts"] {
      for (name, text) in try scripts(folder) {
        guard let tokens = session.tokens(of: text) else { continue }  // a syntax error on purpose
        let derivation = Derivation(grammar, tokens)
        if !derivation.run() { Issue.record("\(name) is no program by the grammar, near \(derivation.stuckAt)") }
      }
    }
  }

  @Test("scripts exercise every production and every name of the library") func coverage() throws {
    let grammar = try grammar()
    let session = Session()
    var productions: Set<String> = []
    var names: Set<String> = []
    var codes: Set<String> = []
    for (_, text) in try scripts("Tests/Scripts") {
      codes.formUnion(text.split(whereSeparator: { !($0.isLetter || $0 == "-") }).map(String.init))
      guard let tokens = session.tokens(of: text) else { continue }
      for token in tokens { if case .name = token.kind { names.insert(token.text) } }
      // Names between the braces of strings.
      for token in tokens {
        if case .text(isPlain: false) = token.kind {
          names.formUnion(
            token.text.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "_") }).map(String.init))
        }
      }
      let derivation = Derivation(grammar, tokens)
      if derivation.run() { productions.formUnion(derivation.used) }
    }
    let missingProductions = grammar.productions.filter { !productions.contains($0) }
    // `read_line` waits for a person.
    let missingNames = Set(SeepLibrary.library.builtins.map(\.name)).subtracting(names).subtracting(["read_line"])
      .sorted()
    let missingCodes = try declaredCodes().subtracting(codes).sorted()
    print("productions without a script: \(missingProductions.joined(separator: " "))")
    print("names without a script: \(missingNames.joined(separator: " "))")
    print("codes without a script: \(missingCodes.joined(separator: " "))")
    #expect(missingProductions.isEmpty)
    #expect(missingNames.isEmpty)
  }

  /// The codes of all faults in the sources.
  private func declaredCodes() throws -> Set<String> {
    let folder = CoverageTests.root.appendingPathComponent("Sources")
    let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    let pattern = try NSRegularExpression(pattern: "(?:Fault|\\.fault|failure)\\(\\s*\"([a-z][a-z-]+)\"")
    var codes: Set<String> = []
    for file in files where file.hasSuffix(".swift") {
      let text = try TextFile.read(folder.appendingPathComponent(file).path)
      for match in pattern.matches(in: text, range: NSRange(text.startIndex..., in: text)) {
        if let range = Range(match.range(at: 1), in: text) { codes.insert(String(text[range])) }
      }
    }
    return codes
  }
}
