// Runs every annotated script under Tests/Scripts/language and every example of the core library.
import SeepLanguage
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

private let scripts = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "Scripts/language")

private func allScripts() -> [String] {
  let paths = (try? FileManager.default.subpathsOfDirectory(atPath: scripts.path)) ?? []
  return paths.filter { $0.hasSuffix(".seep") }.sorted()
}

extension LanguageTests {
  @Suite("Language scripts", .serialized)
  struct ScriptTests {
    @Test("script", arguments: allScripts())
    func script(_ path: String) throws {
      let file = scripts.appending(path: path)
      let text = try TextFile.read(file.path)
      let report = ScriptRunner.run(text, name: path, folder: file.deletingLastPathComponent().path) {
        Session(library: CoreLibrary.library)
      }
      #expect(report.problems.isEmpty, "\(report.problems.joined(separator: "\n"))")
      #expect(report.passed > 0 || report.skipped != nil, "the script checks nothing")
    }

    @Test("there are scripts") func present() { #expect(allScripts().count > 50) }

    @Test("example", arguments: CoreLibrary.library.builtins.map(\.name))
    func example(_ name: String) throws {
      let builtin = try #require(CoreLibrary.library.builtins.first { $0.name == name })
      #expect(!builtin.documentation.isEmpty)
      #expect(!builtin.example.isEmpty)
      // What examples write goes to a folder of its own.
      let scratch = FileManager.default.temporaryDirectory.appending(path: "seep-core-examples-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
      let before = FileManager.default.currentDirectoryPath
      #expect(FileManager.default.changeCurrentDirectoryPath(scratch.path))
      defer {
        _ = FileManager.default.changeCurrentDirectoryPath(before)
        try? FileManager.default.removeItem(at: scratch)
      }
      let report = ScriptRunner.run(builtin.example, name: name) { Session(library: CoreLibrary.library) }
      #expect(report.problems.isEmpty, "\(report.problems)")
    }

    @Test(
      "the runner finds what is wrong",
      arguments: [
        ("print(1)  # expect: 2", "expected \"2\", got \"1\""),
        ("print(1)  # expect: 1\nprint(2)", "printed more"),
        ("let x = 1  # expect: 1", "nothing more was printed"),
        ("let x = 1  # expect error: type-mismatch", "there was none"),
        ("1 / 0  # expect error: type-mismatch", "got division-by-zero"),
        ("\n1 / 0\n# expect error: division-by-zero", "came in line 2"),
        ("0.5  # expect near: 0.6 ± 0.01", "got \"0.5\""),
        ("test \"t\" { assert 1 == 2 }", "does not hold"),
        ("1 / 0", "division-by-zero"),
      ])
    func runnerFails(_ text: String, _ problem: String) {
      let report = ScriptRunner.run(text, name: "x") { Session(library: CoreLibrary.library) }
      #expect(report.problems.contains { $0.contains(problem) }, "\(report.problems)")
    }
  }
}
