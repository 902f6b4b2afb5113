// How far an audit is, read from its file by somebody who does not know what it is about.
import Ground

/// The state of a journal at one moment.
public struct JournalStatus: Sendable, Equatable {
  public var total = 0
  public var done = 0
  public var failed = 0
  /// Cells at which processes are now, or were when they ended.
  public var running = 0
  /// How often a cell was begun in all, and the most often that one was finished.
  public var begun = 0
  public var mostFinished = 0
  public var manifest: [String: String] = [:]

  /// Reads a journal without changing it.
  /// - Throws: `file-not-found`, `bad-file`.
  public init(_ path: String) throws {
    let database = try Database(path, isNew: false)
    guard try database.run("PRAGMA application_id").first?.first?.int == Journal.mark else {
      throw Fault("bad-file", "\(path) is not the journal of an audit")
    }
    let counts = try database.run(
      """
      SELECT count(*), sum(state = 'done'), sum(state = 'failed'), sum(state = 'claimed'), sum(begun), max(finished) FROM cells
      """)
    let numbers = (counts.first ?? []).map { $0.int ?? 0 }
    if numbers.count == 6 {
      (total, done, failed, running) = (numbers[0], numbers[1], numbers[2], numbers[3])
      (begun, mostFinished) = (numbers[4], numbers[5])
    }
    for row in try database.run("SELECT name, value FROM manifest") {
      if let name = row[0].string { manifest[name] = row[1].string }
    }
  }
}
