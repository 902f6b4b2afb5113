// Annotated scripts and the examples of every name, run as a person would run them.
import Foundation
import Ground
import SeepLanguage
import SeepLibrary
import Testing

private func session() -> Session {
  let session = Session(library: SeepLibrary.library)
  if let home = Home.folder { session.modulePath.append(home) }
  return session
}

@Suite("scripts", .serialized) struct ScriptTests {
  /// The library's own scripts; those of Tests/Scripts/language run with the language alone in SeepLanguageTests.
  static let scripts = ScriptEvidence.scripts.filter { !$0.hasPrefix("language/") }

  @Test("annotated script", arguments: scripts) func script(name: String) throws {
    let report = try ScriptEvidence.of(name).report
    for problem in report.problems { Issue.record("\(name): \(problem)") }
    #expect(report.passed > 0 || report.skipped != nil || !report.problems.isEmpty, "\(name) checks nothing")
  }

  @Test("there are scripts") func thereAreScripts() { #expect(ScriptTests.scripts.count > 20) }
}

@Suite("library", .serialized) struct LibraryTests {
  @Test("every name has help and an example that runs") func examples() throws {
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("seep-examples-\(getpid())")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    let before = FileManager.default.currentDirectoryPath
    #expect(FileManager.default.changeCurrentDirectoryPath(scratch.path))
    defer {
      _ = FileManager.default.changeCurrentDirectoryPath(before)
      try? FileManager.default.removeItem(at: scratch)
    }
    var seen: [String: Builtin] = [:]
    for builtin in SeepLibrary.library.builtins { seen[builtin.name] = builtin }
    for (name, builtin) in seen.sorted(by: { $0.key < $1.key }) {
      #expect(!builtin.documentation.isEmpty, "\(name) has no documentation")
      #expect(!builtin.example.isEmpty, "\(name) has no example")
      let report = ScriptRunner.run(builtin.example, name: name, folder: nil, session: session)
      for problem in report.problems { Issue.record("example of \(name): \(problem)") }
    }
    print("examples of \(seen.count) names run")
  }
}
