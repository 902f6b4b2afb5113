// The editors' grammars know the words of the language: docs/language.md lists them.
import Foundation
import SeepLanguage
import Testing

@Suite("editors") struct EditorTests {
  private static let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("docs")

  private func read(_ path: String) throws -> String {
    try TextFile.read(EditorTests.docs.appendingPathComponent(path).path)
  }

  /// What stands between quotes in the production KEYWORD.
  private func keywords() throws -> Set<String> {
    let language = try read("language.md")
    let production = try #require(
      language.components(separatedBy: "KEYWORD        =").last?.components(separatedBy: ";").first)
    return Set(production.components(separatedBy: "\"").filter { !$0.isEmpty && $0.allSatisfy(\.isLetter) })
  }

  @Test("the TextMate grammar colours every keyword") func textMate() throws {
    let json = try JSONSerialization.jsonObject(with: Data(read("editors/vscode/seep.tmLanguage.json").utf8))
    let repository = try #require((json as? [String: Any])?["repository"] as? [String: Any])
    let group = try #require((repository["keywords"] as? [String: Any])?["patterns"] as? [[String: String]])
    let words = group.flatMap { rule -> [String] in
      let match = rule["match"] ?? ""
      return match.components(separatedBy: CharacterSet(charactersIn: "()|")).filter { $0.allSatisfy(\.isLetter) }
    }
    #expect(try Set(words.filter { !$0.isEmpty }) == keywords())
  }

  @Test("the Vim syntax colours every keyword") func vim() throws {
    let words = try read("editors/vim/syntax/seep.vim").split(separator: "\n")
      .filter { $0.hasPrefix("syntax keyword") }
      .flatMap { $0.split(separator: " ").dropFirst(3).map(String.init) }
    #expect(try Set(words) == keywords())
  }

  @Test("the files of the extension are JSON") func json() throws {
    for name in ["package", "language-configuration", "seep-in-markdown.tmLanguage"] {
      #expect(throws: Never.self, "\(name)") {
        try JSONSerialization.jsonObject(with: Data(read("editors/vscode/\(name).json").utf8))
      }
    }
  }
}
