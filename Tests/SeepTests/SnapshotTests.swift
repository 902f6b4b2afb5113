// Every diagnostic as a person reads it: Tests/Snapshots/*/*.txt hold a program, a line `----`, and all that is printed.
//
//     run/      the program as a script, under the name of the file
//     check/    what `seep check` says of it
//     prompt/   entries, each after `seep> `, in one session; the last one fails
//
// SEEP_WRITE_SNAPSHOTS=1 swift test --filter SnapshotTests writes what is printed now into the files: read the
// difference before it is committed.
import Foundation
import SeepLanguage
import SeepLibrary
import Testing

@Suite("snapshots of diagnostics", .serialized) struct SnapshotTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Snapshots")

  static let files: [String] = {
    let all = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".txt") }.sorted()
  }()

  private static func session() -> Session {
    let session = Session(library: SeepLibrary.library)
    session.refuseInput(in: "a snapshot")
    if let home = Home.folder { session.modulePath.append(home) }
    return session
  }

  /// All diagnostics of a program, in the way of its folder.
  private static func failures(_ source: String, _ path: String) -> [Failure] {
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent + ".seep"
    let session = session()
    if path.hasPrefix("check/") { return session.findings(in: source, name: name) }
    guard path.hasPrefix("prompt/") else {
      if case .failure(let failure) = session.evaluate(source, name: name) { return [failure] }
      return []
    }
    for entry in ("\n" + source).components(separatedBy: "\nseep> ").dropFirst() {
      if case .failure(let failure) = session.evaluate(entry, name: "prompt") { return [failure] }
    }
    return []
  }

  /// What a program writes goes to a folder of its own, where `Tests` is ours.
  private static func inScratch<R>(_ body: () throws -> R) throws -> R {
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("seep-snapshot-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      at: scratch.appendingPathComponent("Tests"), withDestinationURL: folder.deletingLastPathComponent())
    let before = FileManager.default.currentDirectoryPath
    #expect(FileManager.default.changeCurrentDirectoryPath(scratch.path))
    defer {
      _ = FileManager.default.changeCurrentDirectoryPath(before)
      try? FileManager.default.removeItem(at: scratch)
    }
    return try body()
  }

  @Test("diagnostic", arguments: files) func snapshot(path: String) throws {
    let file = SnapshotTests.folder.appendingPathComponent(path)
    let text = try String(contentsOf: file, encoding: .utf8)
    let parts = text.components(separatedBy: "\n----\n")
    let source = parts[0]
    let failures = try SnapshotTests.inScratch { SnapshotTests.failures(source, path) }
    #expect(!failures.isEmpty, "\(path) runs")
    // What depends on the machine: where the library lies, and how much memory there is.
    let printed = (failures.map(\.text).joined(separator: "\n") + "\n")
      .replacingOccurrences(of: Home.folder ?? "SEEP_HOME", with: "SEEP_HOME")
      .replacing(#/= [0-9.]+ [A-Za-z]+ are in use of the [0-9.]+ [A-Za-z]+ that/#) { _ in
        "= SOME are in use of ALL that"
      }
    if ProcessInfo.processInfo.environment["SEEP_WRITE_SNAPSHOTS"] == "1" {
      try (source + "\n----\n" + printed).write(to: file, atomically: true, encoding: .utf8)
      return
    }
    #expect(parts.count == 2, "\(path) has no line ----")
    #expect(printed == parts.last, "\(path)")
    for failure in failures {
      // The rules: short, one line that stands alone, an object that can be read.
      var alone = failure
      alone.others = []
      #expect(alone.text.split(separator: "\n").count <= 12, "\(path) is longer than 12 lines")
      #expect(!failure.fault.message.contains("\n"), "\(path): the message is not one line")
      #expect(!failure.fault.message.hasSuffix("."), "\(path): the message ends in a full stop")
      let object = try JSONSerialization.jsonObject(with: Data(failure.json.utf8)) as? [String: Any]
      #expect(object?["code"] as? String == failure.fault.code)
      #expect(object?["line"] as? Int != nil)
    }
  }

  @Test("there are snapshots") func present() { #expect(SnapshotTests.files.count >= 60) }
}
