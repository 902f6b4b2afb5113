// What a script under Tests/Scripts shows when it runs. Each runs once in a process, for the suite of scripts and for that of coverage.
import Foundation
import SeepLanguage
import SeepLibrary
import Synchronization

struct ScriptEvidence: Sendable {
  let report: ScriptReport
  /// Errors of the language and the library that ended the script where it says so, or that a `catch` of it took and the script
  /// names: in a string of its own, or as a word of the output that it expects.
  let codes: Set<String>
  /// Functions of the library that were called, and whose name stands in the script for the library's.
  let names: Set<String>

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Scripts")

  /// All scripts, by their paths in the folder.
  static let scripts: [String] = {
    let all = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".seep") }.sorted()
  }()

  static func text(_ script: String) throws -> String { try TextFile.read(folder.appendingPathComponent(script).path) }

  private static let known = Mutex<[String: ScriptEvidence]>([:])

  static func of(_ script: String) throws -> ScriptEvidence {
    if let found = known.withLock({ $0[script] }) { return found }
    let found = ScriptEvidence(
      try text(script), name: script, folder: folder.appendingPathComponent(script).deletingLastPathComponent().path)
    known.withLock { $0[script] = found }
    return found
  }

  private final class Collection: Sendable {
    private let words = Mutex<Set<String>>([])
    var all: Set<String> { words.withLock { $0 } }
    func insert(_ word: String) { words.withLock { _ = $0.insert(word) } }
  }

  init(_ text: String, name: String, folder: String?) {
    let (called, caught) = (Collection(), Collection())
    report = ScriptRunner.run(text, name: name, folder: folder) {
      var library = SeepLibrary.library
      library.builtins = library.builtins.map { builtin in
        let name = builtin.name
        return builtin.watched { called.insert(name) }
      }
      let session = Session(library: library)
      session.onCatch = { caught.insert($0.code) }
      if let home = Home.folder { session.modulePath.append(home) }
      return session
    }
    guard report.isSuccess, report.skipped == nil else {
      (codes, names) = ([], [])
      return
    }
    let session = Session(library: SeepLibrary.library)
    codes = report.codes.union(caught.all.intersection(ScriptEvidence.words(text, session)))
    names = LibraryUses(text, session).names.intersection(called.all)
  }

  /// The strings of a script and the words of the output that it expects.
  private static func words(_ text: String, _ session: Session) -> Set<String> {
    var words: Set<String> = []
    for token in session.tokens(of: text) ?? [] {
      if case .text(isPlain: true) = token.kind { words.insert(String(token.text.dropFirst().dropLast())) }
    }
    for line in text.split(separator: "\n") {
      guard let mark = line.range(of: "# expect: ", options: .backwards) else { continue }
      words.formUnion(line[mark.upperBound...].split { !($0.isLetter || $0 == "-") }.map(String.init))
    }
    return words
  }
}
