// The grammar of the documentation against the parser, and what no script under Tests/Scripts exercises.
import Foundation
import LanguageGrammar
import SeepLanguage
import SeepLibrary
import Testing

@Suite("grammar and coverage", .serialized) struct CoverageTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func grammar() throws -> Grammar {
    let page = try TextFile.read(CoverageTests.root.appendingPathComponent("docs/language.md").path)
    return try Grammar.ofPage(page)
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
    let generator = ProgramGenerator(grammar)
    for seed in 0..<3000 as Range<UInt64> {
      let text = generator.program(seed: seed)
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
    let missingNames = Set(SeepLibrary.library.builtins.map(\.name)).subtracting(names).sorted()
    // Examples in the index of diagnostics run like scripts, and snapshots pin what `seep check` reports.
    for folder in ["docs/diagnostics.md", "Tests/Snapshots"] { codes.formUnion(try reported(in: folder)) }
    let explanations = SeepLibrary.explanations.all
    let cannotBeProvoked = Set(explanations.filter { $0.example == nil }.map(\.code))
    let declared = try declaredCodes()
    let missingCodes = declared.subtracting(codes).subtracting(cannotBeProvoked).sorted()
    let unexplained = declared.subtracting(explanations.map(\.code)).sorted()
    print("productions without a script: \(missingProductions.joined(separator: " "))")
    print("names without a script: \(missingNames.joined(separator: " "))")
    print("codes without a script: \(missingCodes.joined(separator: " "))")
    #expect(missingProductions.isEmpty)
    print(
      "codes that no script provokes by itself: \(cannotBeProvoked.subtracting(codes).sorted().joined(separator: " "))")
    print("codes without an explanation: \(unexplained.joined(separator: " "))")
    #expect(missingNames.isEmpty)
    #expect(missingCodes.isEmpty)
    #expect(unexplained.isEmpty)
    #expect(Set(explanations.map(\.code)).subtracting(declared).isEmpty, "explained, but never raised")
  }

  /// Codes as `expect error: CODE` in a page, or `[CODE]` in the snapshots of a folder.
  private func reported(in path: String) throws -> Set<String> {
    let place = CoverageTests.root.appendingPathComponent(path)
    let files =
      path.hasSuffix(".md")
      ? [] : FileManager.default.enumerator(atPath: place.path)?.compactMap { $0 as? String } ?? []
    let texts =
      path.hasSuffix(".md")
      ? [try TextFile.read(place.path)]
      : try files.filter { $0.hasSuffix(".txt") }.map { try TextFile.read(place.appendingPathComponent($0).path) }
    let pattern = try NSRegularExpression(
      pattern: path.hasSuffix(".md") ? "expect error: ([a-z-]+)" : "(?:error|warning|note)\\[([a-z-]+)\\]")
    return Set(texts.flatMap { text in matches(of: pattern, in: text) })
  }

  private func matches(of pattern: NSRegularExpression, in text: String) -> [String] {
    pattern.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap {
      Range($0.range(at: 1), in: text).map { String(text[$0]) }
    }
  }

  /// The codes of all faults in the sources.
  private func declaredCodes() throws -> Set<String> {
    let folder = CoverageTests.root.appendingPathComponent("Sources")
    let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    let pattern = try NSRegularExpression(
      pattern: "(?:(?:Fault|\\.fault|failure)\\(\\s*|code: |Code = |ENOENT \\? \"file-not-found\" : )\"([a-z][a-z-]+)\""
    )
    var codes: Set<String> = []
    for file in files where file.hasSuffix(".swift") && !file.hasPrefix("EngineBench") {
      codes.formUnion(matches(of: pattern, in: try TextFile.read(folder.appendingPathComponent(file).path)))
    }
    return codes
  }
}
