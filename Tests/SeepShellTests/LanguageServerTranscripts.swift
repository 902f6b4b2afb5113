// Tests/Snapshots/lsp/*.lsp: what an editor sends (`-> `) and what the server answers (`<- `), one message a line, without
// `"jsonrpc":"2.0"`. Lines that begin with `#` say what is shown.
//
// SEEP_WRITE_SNAPSHOTS=1 swift test --filter LanguageServerTranscripts writes what is answered now into the files: read the
// difference before it is committed.
import Foundation
import SeepLibrary
import SeepShell
import Testing

@Suite("transcripts of the language server", .serialized) struct LanguageServerTranscripts {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Snapshots/lsp")

  static let names: [String] = {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return all.filter { $0.hasSuffix(".lsp") }.sorted()
  }()

  /// The lines of a transcript with the answers that the server gives now.
  private static func play(_ lines: [String]) -> [String] {
    let server = LanguageServer(session: Commands.session(seed: 0))
    var result: [String] = []
    for line in lines where !line.hasPrefix("<- ") {
      result.append(line)
      guard line.hasPrefix("-> ") else { continue }
      for reply in server.receive([.body(Array(line.utf8.dropFirst(3)))]) {
        // Where the library lies depends on the machine.
        let text = String(decoding: reply.bytes, as: UTF8.self)
          .replacingOccurrences(of: "\"jsonrpc\":\"2.0\",", with: "")
          .replacingOccurrences(of: Home.folder ?? "SEEP_HOME", with: "SEEP_HOME")
        result.append("<- " + text)
      }
    }
    if let status = server.exitStatus { result.append("<- exit status \(status)") }
    return result
  }

  @Test("transcript", arguments: names) func transcript(name: String) throws {
    let file = LanguageServerTranscripts.folder.appendingPathComponent(name)
    let text = try String(contentsOf: file, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    let played = LanguageServerTranscripts.play(Array(lines))
    if ProcessInfo.processInfo.environment["SEEP_WRITE_SNAPSHOTS"] == "1" {
      try (played.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
      return
    }
    #expect(played.count == lines.count, "\(name)")
    for (now, then) in zip(played, lines) where now != then { Issue.record("\(name)\nwas: \(then)\nis:  \(now)") }
  }

  @Test("there are transcripts, with answers") func present() throws {
    #expect(LanguageServerTranscripts.names.count >= 12)
    for name in LanguageServerTranscripts.names {
      let text = try String(contentsOf: LanguageServerTranscripts.folder.appendingPathComponent(name), encoding: .utf8)
      #expect(text.contains("\n<- "), "\(name)")
    }
  }
}
