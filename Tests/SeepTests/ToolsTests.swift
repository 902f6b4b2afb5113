// `seep check` and `seep fmt` on every script of the repository.
import Foundation
import SeepLanguage
import SeepLibrary
import Testing

@Suite("tools on the repository's scripts", .serialized) struct ToolsTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static let files: [String] = ["docs", "scripts", "stdlib", "Tests"].flatMap { folder -> [String] in
    let all =
      FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)?.compactMap { $0 as? String }
      ?? []
    return all.filter { $0.hasSuffix(".seep") }.sorted().map { folder + "/" + $0 }
  }

  private func text(_ name: String) throws -> String {
    try TextFile.read(ToolsTests.root.appendingPathComponent(name).path)
  }

  @Test("there are scripts") func present() { #expect(ToolsTests.files.count > 150) }

  @Test("a script that runs without error is checked without error") func check() throws {
    let session = Session(library: SeepLibrary.library)
    session.add(Library(constants: [("args", Value(list: []))]))
    for name in ToolsTests.files {
      let text = try text(name)
      // `# expect error` outside of the examples in doc comments.
      let fails = text.split(separator: "\n").contains { !$0.hasPrefix("##") && $0.contains("# expect error") }
      let errors = session.findings(in: text, name: name).filter { $0.severity == .error }
      if !fails { #expect(errors.isEmpty, "\(errors.map(\.text).joined(separator: "\n"))") }
    }
  }

  @Test("all names of the library have signatures that a check can read") func signatures() {
    let session = Session(library: SeepLibrary.library)
    let names = Set(SeepLibrary.library.builtins.map(\.name))
    for name in names {
      let found = session.findings(in: "print(\(name)(no_such_keyword: 1))", name: "test")
      #expect(found.map(\.fault.code) == ["unknown-argument"], "\(name)")
    }
  }

  @Test("formatting keeps the program, and twice is once") func format() throws {
    let session = Session()
    var count = 0
    for name in ToolsTests.files {
      let text = try text(name)
      guard let tree = session.syntaxTree(of: text) else { continue }  // a syntax error on purpose
      let once = try session.formatted(text, name: name).get()
      #expect(session.syntaxTree(of: once) == tree, "\(name)")
      #expect(try session.formatted(once, name: name).get() == once, "\(name)")
      func comments(_ text: String) -> [Substring] {
        text.split(separator: "\n").compactMap { line in line.firstIndex(of: "#").map { line[$0...] } }
      }
      func trimmed(_ line: Substring) -> String { line.trimmingCharacters(in: .whitespaces) }
      #expect(comments(once).map(trimmed) == comments(text).map(trimmed), "\(name)")
      count += 1
    }
    #expect(count > 150)
  }
}
