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

  @Test("scripts exercise every production, every diagnostic and every name of the library") func coverage() throws {
    let grammar = try grammar()
    let session = Session()
    var productions: Set<String> = []
    var names: Set<String> = []
    var codes: Set<String> = []
    for script in ScriptEvidence.scripts {
      let evidence = try ScriptEvidence.of(script)
      if !evidence.report.isSuccess { Issue.record("\(script) fails: \(evidence.report.problems)") }
      names.formUnion(evidence.names)
      codes.formUnion(evidence.codes)
      guard let tokens = session.tokens(of: try ScriptEvidence.text(script)) else { continue }
      let derivation = Derivation(grammar, tokens)
      if derivation.run() { productions.formUnion(derivation.used) }
    }
    let declared = try declaredCodes()
    let shown = try shownCodes()
    let checked = CoverageTests.ofTheCheck.intersection(shown)
    let other = Set(CoverageTests.provokedElsewhere.keys)
    try list(
      "productions without a script", grammar.productions.filter { !productions.contains($0) })
    try list("names without a script", Set(SeepLibrary.library.builtins.map(\.name)).subtracting(names))
    try list("codes without a script", declared.subtracting(codes).subtracting(checked).subtracting(other))
    try list("codes without a snapshot", declared.subtracting(shown).subtracting(other))
    try list("codes that have a script now", other.intersection(codes))
    let explained = Set(SeepLibrary.explanations.all.map(\.code))
    try list("codes without an explanation", declared.subtracting(explained))
    try list("codes explained, but never raised", explained.subtracting(declared))
    print("codes that no script can provoke: \(other.sorted().joined(separator: " "))")
  }

  @Test("what no script can provoke is provoked by a test") func elsewhere() throws {
    for (code, file) in CoverageTests.provokedElsewhere {
      let text = try TextFile.read(CoverageTests.root.appendingPathComponent(file).path)
      #expect(text.contains(code), "\(file) does not speak of \(code)")
    }
  }

  /// Findings of `seep check`, which no script can catch: a snapshot of the check shows each.
  private static let ofTheCheck: Set = ["hides-builtin", "unreachable-case", "unreachable-code", "unused-name"]

  /// Codes of accidents outside of every script, and the test that provokes each.
  private static let provokedElsewhere = [
    "disk-full": "Tests/NetworksTests/FileTests.swift",
    "engine-failure": "Tests/AutodiffTests/FactorisationTests.swift",
    "function-too-large": "Tests/SeepLanguageTests/SessionTests.swift",
    "gnuplot-failed": "Tests/SeepTests/PlotTests.swift", "gnuplot-missing": "Tests/SeepTests/PlotTests.swift",
    "internal-error": "Tests/SeepLanguageTests/SessionTests.swift", "interrupted": "Tests/Shell/run",
    "journal-busy": "Tests/LeakageTests/JournalTests.swift", "journal-failed": "Tests/LeakageTests/JournalTests.swift",
    "missing-library": "Tests/Shell/command", "no-connection": "Tests/SeepShellTests/KernelTests.swift",
    "not-positive-definite": "Tests/AutodiffTests/FactorisationTests.swift",
  ]

  private func list<S: Sequence<String>>(_ title: String, _ missing: S) throws {
    let missing = missing.sorted()
    print("\(title): \(missing.joined(separator: " "))")
    #expect(missing.isEmpty, "\(title): \(missing.joined(separator: " "))")
  }

  /// The codes that the snapshots of programs show, each of which is compared with what is printed.
  private func shownCodes() throws -> Set<String> {
    let pattern = try NSRegularExpression(pattern: "(?m)^(?:error|warning|note)\\[([a-z-]+)\\]: ")
    var codes: Set<String> = []
    for file in SnapshotTests.files {
      let text = try TextFile.read(SnapshotTests.folder.appendingPathComponent(file).path)
      guard let printed = text.components(separatedBy: "\n----\n").last else { continue }
      codes.formUnion(matches(of: pattern, in: printed))
    }
    return codes
  }

  @Test("what counts as a use of a name, and as a code") func strictness() {
    func evidence(_ text: String) -> ScriptEvidence { ScriptEvidence(text, name: "script", folder: nil) }
    #expect(evidence("print(sqrt(4.0))  # expect: 2.0").names == ["print", "sqrt"])
    #expect(evidence("print(\"{sqrt(4.0)}\")  # expect: 2.0").names == ["print", "sqrt"])
    #expect(evidence("print(4.0.sqrt())  # expect: 2.0").names == ["print", "sqrt"])
    #expect(evidence("print(4.0 |> sqrt)  # expect: 2.0").names == ["print", "sqrt"])
    for text in [
      "print(1)  # expect: 1\n# sqrt", "print(\"sqrt\")  # expect: sqrt", "let sqrt = 1\nprint(sqrt)  # expect: 1",
      "print({sqrt: 1}.sqrt)  # expect: 1", "fn never() => sqrt(4.0)\nprint(1)  # expect: 1",
      "fn f(sqrt) => sqrt\nprint(f(1))  # expect: 1", "print({f: 1, sqrt: x => x}.sqrt(1))  # expect: 1",
    ] {
      #expect(evidence(text).names == ["print"], "\(text)")
    }
    #expect(evidence("print(sqrt(4.0))  # expect: 3.0").names.isEmpty, "a script that fails shows nothing")
    #expect(evidence("1 / 0  # expect error: division-by-zero").codes == ["division-by-zero"])
    #expect(
      evidence("try { 1 / 0 } catch e { print(e.code) }  # expect: division-by-zero").codes == ["division-by-zero"])
    #expect(
      evidence("assert (try { 1 / 0 } catch {code} { code }) == \"division-by-zero\"").codes == ["division-by-zero"])
    #expect(evidence("assert not try_call(() => 1 / 0)[0]  # division-by-zero").codes.isEmpty)
    #expect(evidence("raise error(\"x\", code: \"bad-file\")  # expect error: bad-file").codes.isEmpty)
    #expect(evidence("raise \"x\"  # expect error: raised").codes == ["raised"])
    #expect(evidence("try { raise {code: \"bad-file\"} } catch e { print(e.code) }  # expect: bad-file").codes.isEmpty)
    #expect(evidence("print(\"bad-file\")  # expect: bad-file").codes.isEmpty)
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
