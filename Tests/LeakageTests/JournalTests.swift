import CSQLite
import Foundation
import Ground
import Leakage
import Testing

private let threeCells = (0..<3).map {
  AuditCell(id: $0, seed: 0, defense: 0, kind: .attack(0, image: $0), needs: $0 == 2 ? 0 : nil)
}

private func scratch() -> String {
  FileManager.default.temporaryDirectory.appendingPathComponent("seep-\(UUID().uuidString).audit").path
}

private func result(_ score: Double) -> CellResult {
  var result = CellResult()
  result.scores = ["ssim": score, "psnr": .infinity, "odd": .nan]
  result.labels = [3, 7]
  result.hit = 0.5
  result.binds = true
  result.shape = [1, 1, 1, 3]
  result.pixels = [0, 0.1, 1]
  return result
}

/// Another hand on the file.
private func sql(_ path: String, _ statement: String) throws {
  var handle: OpaquePointer?
  defer { sqlite3_close(handle) }
  try #require(sqlite3_open(path, &handle) == SQLITE_OK)
  try #require(sqlite3_exec(handle, statement, nil, nil, nil) == SQLITE_OK)
}

private func text(_ path: String, _ query: String) throws -> String {
  var handle: OpaquePointer?
  var statement: OpaquePointer?
  defer {
    sqlite3_finalize(statement)
    sqlite3_close(handle)
  }
  try #require(sqlite3_open(path, &handle) == SQLITE_OK)
  try #require(sqlite3_prepare_v2(handle, query, -1, &statement, nil) == SQLITE_OK)
  try #require(sqlite3_step(statement) == SQLITE_ROW)
  return String(cString: sqlite3_column_text(statement, 0))
}

@Suite struct JournalTests {
  @Test("a cell is taken once, kept when done, and there after reopening")
  func claims() throws {
    let path = scratch()
    defer { unlink(path) }
    let journal = try Journal(path, manifest: [("model", "a")], cells: threeCells)
    #expect(try journal.claim() == .cell(0))
    #expect(try journal.claim() == .cell(1))
    // Cell 2 needs cell 0.
    #expect(try journal.claim() == .wait(2))
    try journal.finish(0, result(0.25))
    let second = try Journal(path, manifest: [("model", "a")], cells: threeCells)
    #expect(try second.claim() == .cell(2))
    #expect(try second.claim() == .wait(2))
    var failed = CellResult()
    failed.problem = "no"
    try journal.finish(1, failed)
    try second.finish(2, result(1))
    #expect(try journal.claim() == .finished)
    let found = try journal.results()
    #expect(found.count == 3)
    let kept = try #require(found[0])
    #expect(kept.scores["ssim"] == 0.25)
    #expect(kept.scores["psnr"] == .infinity)
    #expect(kept.scores["odd"]?.isNaN == true)
    #expect(kept.labels == [3, 7] && kept.hit == 0.5 && kept.binds == true && kept.mu == nil)
    #expect(kept.shape == [1, 1, 1, 3] && kept.pixels == [0, 0.1, 1])
    #expect(found[1]?.problem == "no")
    try journal.reopenFailures()
    #expect(try journal.claim() == .cell(1))
  }

  @Test("a cell that is done, or another's, is not written again")
  func once() throws {
    let journal = try Journal(nil, manifest: [], cells: threeCells)
    #expect(try journal.claim() == .cell(0))
    try journal.finish(0, result(0.5))
    try journal.finish(0, result(0.75))
    #expect(try journal.result(of: 0)?.scores["ssim"] == 0.5)
    try journal.finish(1, result(0.75))
    #expect(try journal.result(of: 1) == nil)
    try journal.release(0)
    #expect(try journal.result(of: 0) != nil)
  }

  @Test("cells of processes that ended are free again, those of the living are not")
  func dead() throws {
    let path = scratch()
    defer { unlink(path) }
    let journal = try Journal(path, manifest: [], cells: threeCells)
    #expect(try journal.claim() == .cell(0))
    let own = try text(path, "SELECT owner FROM cells WHERE id = 0")
    let place = String(own.prefix { $0 != "/" })
    let process = try Process.run(URL(fileURLWithPath: "/bin/true"), arguments: [])
    process.waitUntilExit()
    let now = Int(Date().timeIntervalSince1970)
    // One that ended; the number of one that ended, taken by a later one; this one.
    let owners = ["\(place)/\(process.processIdentifier)/123", "\(place)/\(getpid())/1", own]
    for (id, owner) in owners.enumerated() {
      try sql(
        path, "UPDATE cells SET state = 'claimed', owner = '\(owner)', since = \(now), needs = NULL WHERE id = \(id)")
    }
    #expect(try journal.claim() == .cell(0))
    #expect(try journal.claim() == .cell(1))
    #expect(try journal.claim() == .wait(3))
  }

  @Test("of a process that cannot be seen from here, silence is what counts")
  func elsewhere() throws {
    let path = scratch()
    defer { unlink(path) }
    let journal = try Journal(path, manifest: [], cells: threeCells)
    let now = Int(Date().timeIntervalSince1970)
    for (id, age) in [(0, 10), (1, 10_000)] {
      try sql(
        path, "UPDATE cells SET state = 'claimed', owner = 'other\(id)/1/1', since = \(now - age) WHERE id = \(id)")
    }
    #expect(try journal.claim() == .cell(1))
    #expect(try journal.claim() == .wait(2))
  }

  @Test("another audit in the file, and another kind of file, are refused by name")
  func strangers() throws {
    let path = scratch()
    defer { unlink(path) }
    _ = try Journal(path, manifest: [("model", "a"), ("seeds", "0")], cells: threeCells)
    let fault = #expect(throws: Fault.self) {
      try Journal(path, manifest: [("model", "b"), ("batch", "1")], cells: threeCells)
    }
    #expect(fault?.code == "changed-audit")
    #expect(fault?.message.contains("model was a, and is now b") == true)
    #expect(fault?.notes == ["batch was not there, and is now 1.", "seeds was 0, and is now not there."])

    let text = scratch()
    defer { unlink(text) }
    try "not a database, but long enough to have a header of some kind in it".write(
      toFile: text, atomically: true, encoding: .utf8)
    #expect(#expect(throws: Fault.self) { try Journal(text, manifest: [], cells: []) }?.code == "bad-file")
    let foreign = scratch()
    defer { unlink(foreign) }
    try sql(foreign, "CREATE TABLE notes(text TEXT)")
    #expect(#expect(throws: Fault.self) { try Journal(foreign, manifest: [], cells: []) }?.code == "bad-file")
    #expect(
      #expect(throws: Fault.self) { try Journal("/nowhere/at/all.audit", manifest: [], cells: []) }?.code
        == "file-unwritable")
  }

  @Test("the bootstrap over clusters: one value each is the bootstrap over values; equal clusters have no width")
  func clusters() throws {
    let values = [0.1, 0.4, 0.35, 0.8, 0.2]
    let key = RandomKey(seed: 4)
    let plain = try Interval(bootstrap: values, key: key)
    #expect(try Interval(bootstrapClusters: values.map { [$0] }, key: key) == plain)
    let same = try Interval(bootstrapClusters: [[1, 2], [1, 2], [2, 1]], key: key)
    #expect(same.low == 1.5 && same.high == 1.5 && same.count == 6)
  }

  @Test("what SQLite refuses has a code by its kind") func refused() {
    let codes = [
      SQLITE_BUSY: "journal-busy", SQLITE_FULL: "disk-full", SQLITE_IOERR: "journal-failed",
      SQLITE_CORRUPT: "bad-file", SQLITE_CANTOPEN: "file-unwritable", SQLITE_IOERR | (3 << 8): "journal-failed",
    ]
    for (status, code) in codes {
      let fault = Fault.journal(status, "a.audit", "no reason")
      #expect(fault.code == code && fault.message.contains("a.audit"))
    }
  }
}
