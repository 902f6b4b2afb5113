// The file of what was typed: damaged, too long, written by two sessions.
import Foundation
import SeepShell
import Testing

@Suite("history") final class HistoryTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  private var path: String { folder.appendingPathComponent("history").path }
  private var said: [String] = []

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func history() -> History { History(path: path) { self.said.append($0) } }
  private func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
  private func lines() throws -> [String] {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self).split(separator: "\n").map(
      String.init)
  }

  @Test("entries come back whole, lines and backslashes among them") func roundTrip() {
    var first = history()
    let entries = ["1 + 1", "fn f(x) {\n  \"a\\nb\"\n}", "\"é\""]
    for entry in entries { #expect(first.append(entry)) }
    #expect(!first.append(entries[2]), "a repetition is kept once")
    var second = history()
    #expect(second.load() == entries)
    #expect(said.isEmpty)
  }

  @Test("a byte that is no UTF-8 spoils its own entry alone") func damaged() throws {
    try write(Array("first\nse".utf8) + [0xFF] + Array("cond\nthird\n".utf8))
    var history = history()
    #expect(history.load() == ["first", "se\u{FFFD}cond", "third"])
    #expect(said.isEmpty)
  }

  @Test("a file that cannot be read is said, once; none is not said") func unreadable() throws {
    var missing = history()
    #expect(missing.load().isEmpty && said.isEmpty)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    var history = history()
    #expect(history.load().isEmpty)
    #expect(said == ["the history cannot be read from \(path): is a directory"])
    _ = history.append("x")
    #expect(said.count == 1)
  }

  @Test("a file of more than twice the limit is shortened, others are not") func shortened() throws {
    let limit = History.limit
    let many = (0..<(2 * limit)).map { "entry \($0)" }
    try write(Array(many.joined(separator: "\n").utf8) + [10])
    var history = history()
    #expect(history.load() == Array(many.suffix(limit)))
    #expect(try lines().count == 2 * limit)
    _ = history.append("one more")
    chmod(path, 0o640)
    // A session that opened the file before keeps its entries in the one that replaces it.
    var other = self.history()
    let kept = many.suffix(limit - 1) + ["one more"]
    #expect(other.load() == Array(kept))
    #expect(try lines() == Array(kept))
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o640)
    _ = history.append("from the first")
    _ = other.append("from the second")
    #expect(try lines().suffix(3) == ["one more", "from the first", "from the second"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["history"])
    #expect(said.isEmpty)
  }

  @Test("sessions that append while others shorten lose nothing") func together() async throws {
    let (path, limit) = (path, History.limit)
    let many = (0..<(2 * limit + 1)).map { "entry \($0)" }
    try write(Array(many.joined(separator: "\n").utf8) + [10])
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          var history = History(path: path) { Issue.record("\($0)") }
          for turn in 0..<200 { _ = history.append("writer \(writer) turn \(turn)") }
        }
      }
      group.addTask {
        for _ in 0..<5 {
          var history = History(path: path) { Issue.record("\($0)") }
          _ = history.load()
        }
      }
    }
    let found = Set(try lines())
    for writer in 0..<4 {
      for turn in 0..<200 where !found.contains("writer \(writer) turn \(turn)") {
        Issue.record("writer \(writer) turn \(turn) is lost")
      }
    }
  }
}
