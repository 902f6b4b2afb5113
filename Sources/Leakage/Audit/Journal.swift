// The journal of an audit: one SQLite file that knows every cell, who computes it, and what came out, the moment it is done. A
// process that is killed loses the cell it was at; several processes may share one file.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What came out of a cell.
public struct CellResult: Sendable, Equatable {
  /// Why there is nothing else, where the cell failed.
  public var problem: String?
  /// By the plan's metrics; utilities by their own names.
  public var scores: [String: Double] = [:]
  public var labels: [Int] = []
  /// Share of labels that were right.
  public var hit = Double.nan
  public var loss = Double.nan
  public var evaluations = 0
  public var seconds = 0.0
  /// Norm of the client's gradient, and of what it sent.
  public var cleanNorm = Double.nan
  public var sentNorm = Double.nan
  /// Whether clipping changed it; nil without clipping.
  public var binds: Bool?
  /// ‖g(x) − g(x′)‖ / σ with the nearest image of the same class; nil without noise.
  public var mu: Double?
  /// Of the victim on the data, whether it was trained on the target, and the round it is from.
  public var accuracy: Double?
  public var trainedOn: Bool?
  public var round: Int?
  /// What was recovered: `[k, c, h, w]` in 0…1.
  public var shape: [Int] = []
  public var pixels: [Float] = []

  public init() {}
}

/// An audit's file, or the same in memory.
public final class Journal {
  public enum Claim: Equatable {
    /// This process is to compute it.
    case cell(Int)
    /// Nothing is left to begin, and others are at work on this many.
    case wait(Int)
    case finished
  }

  let database: Database
  /// Marks SQLite files that are ours ("Seep").
  static let mark = 0x5365_6570
  /// Of the tables and of what cells mean.
  static let version = 2

  /// Opens a journal, or begins one.
  /// - Throws: `changed-audit` naming what differs from the audit the file holds, `bad-file`, `file-unwritable`.
  public init(_ path: String?, manifest: [(name: String, value: String)], cells: [AuditCell]) throws {
    database = try Database(path)
    try database.run("PRAGMA journal_mode = DELETE")
    try database.run("PRAGMA synchronous = FULL")
    try database.transaction {
      let mark = try database.run("PRAGMA application_id").first?.first?.int
      let tables = try database.run("SELECT count(*) FROM sqlite_master").first?.first?.int ?? 0
      if tables == 0 {
        try begin(manifest, cells)
      } else if mark == Journal.mark {
        let version = try database.run("PRAGMA user_version").first?.first?.int ?? 0
        guard version == Journal.version else {
          throw Fault(
            "changed-audit",
            "\(database.path) was written by \(version < Journal.version ? "an older" : "a newer") Seep, whose cells mean something else (version \(version), and this one writes \(Journal.version))",
            help: "another path, or the Seep that wrote it")
        }
        try compare(with: manifest)
      } else {
        throw Fault("bad-file", "\(database.path) is a database of something else", help: "another path")
      }
    }
  }

  private func begin(_ manifest: [(name: String, value: String)], _ cells: [AuditCell]) throws {
    try database.run("PRAGMA application_id = \(Journal.mark)")
    try database.run("PRAGMA user_version = \(Journal.version)")
    try database.run("CREATE TABLE manifest(name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    try database.run(
      """
      CREATE TABLE cells(
        id INTEGER PRIMARY KEY, seed INTEGER NOT NULL, image INTEGER, defense INTEGER NOT NULL, attack INTEGER, needs INTEGER,
        state TEXT NOT NULL DEFAULT 'open', owner TEXT, since INTEGER, begun INTEGER NOT NULL DEFAULT 0,
        finished INTEGER NOT NULL DEFAULT 0, problem TEXT, labels TEXT, hit REAL, loss REAL,
        evaluations INTEGER, seconds REAL, clean_norm REAL, sent_norm REAL, binds INTEGER, mu REAL, accuracy REAL, trained_on INTEGER,
        round INTEGER, shape TEXT, pixels BLOB)
      """)
    try database.run("CREATE INDEX by_state ON cells(state, id)")
    try database.run(
      "CREATE TABLE scores(cell INTEGER, name TEXT, value REAL, PRIMARY KEY(cell, name)) WITHOUT ROWID")
    for (name, value) in manifest {
      try database.run("INSERT INTO manifest VALUES(?, ?)", [.text(name), .text(value)])
    }
    for cell in cells {
      try database.run(
        "INSERT INTO cells(id, seed, image, defense, attack, needs) VALUES(?, ?, ?, ?, ?, ?)",
        [
          .integer(cell.id), .integer(cell.seed), Field(cell.image), .integer(cell.defense), Field(cell.attack),
          Field(cell.needs),
        ])
    }
  }

  private func compare(with manifest: [(name: String, value: String)]) throws {
    let rows = try database.run("SELECT name, value FROM manifest")
    let old = Dictionary(
      rows.compactMap { row in row[0].string.flatMap { name in row[1].string.map { (name, $0) } } },
      uniquingKeysWith: { first, _ in first })
    var notes: [String] = []
    for (name, value) in manifest where old[name] != value {
      notes.append("\(name) was \(old[name] ?? "not there"), and is now \(value).")
    }
    let names = Set(manifest.map(\.name))
    for (name, value) in old.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
      notes.append("\(name) was \(value), and is now not there.")
    }
    if notes.isEmpty { return }
    let first = notes[0].dropLast()
    throw Fault(
      "changed-audit", "\(database.path) holds another audit: \(first)", notes: Array(notes.dropFirst()),
      help: "another path, or remove the file to begin anew")
  }

  // MARK: Cells

  /// Takes a cell that nobody computes: of the image that is at hand, else of one that nobody is at (its victim may take long to make), else the
  /// first. Cells of processes that have ended are free again.
  public func claim(near last: AuditCell? = nil) throws -> Claim {
    try database.transaction {
      try freeCellsOfTheDead()
      let open = try database.run(
        """
        SELECT id FROM cells AS c WHERE state = 'open'
          AND (needs IS NULL OR (SELECT state FROM cells WHERE id = c.needs) IN ('done', 'failed'))
        ORDER BY seed IS NOT ?1 OR image IS NOT ?2,
          EXISTS (SELECT 1 FROM cells AS o WHERE o.state = 'claimed' AND o.seed = c.seed AND o.image IS c.image), id
        LIMIT 1
        """, [Field(last?.seed), Field(last?.image)])
      if let id = open.first?.first?.int {
        try database.run(
          "UPDATE cells SET state = 'claimed', owner = ?, since = ?, begun = begun + 1 WHERE id = ?",
          [.text(Owner.own.text), .integer(time(nil)), .integer(id)])
        return .cell(id)
      }
      let others = try database.run("SELECT count(*) FROM cells WHERE state = 'claimed'").first?.first?.int ?? 0
      return others > 0 ? .wait(others) : .finished
    }
  }

  private func freeCellsOfTheDead() throws {
    for row in try database.run("SELECT owner, max(since) FROM cells WHERE state = 'claimed' GROUP BY owner") {
      let silent = Double(time(nil) - (row[1].int ?? 0))
      guard let text = row[0].string, Owner(text)?.isAlive(silent: silent) != true else { continue }
      try database.run(
        "UPDATE cells SET state = 'open', owner = NULL, since = NULL WHERE state = 'claimed' AND owner = ?",
        [.text(text)])
    }
  }

  /// A sign of life for processes on other machines.
  func beat(_ id: Int) throws {
    try database.run(
      "UPDATE cells SET since = ? WHERE id = ? AND owner = ?",
      [.integer(time(nil)), .integer(id), .text(Owner.own.text)])
  }

  /// Gives a cell back.
  public func release(_ id: Int) throws {
    try database.run(
      "UPDATE cells SET state = 'open', owner = NULL, since = NULL WHERE id = ? AND state = 'claimed' AND owner = ?",
      [.integer(id), .text(Owner.own.text)])
  }

  /// Opens the cells that failed again.
  public func reopenFailures() throws {
    try database.transaction {
      try database.run("DELETE FROM scores WHERE cell IN (SELECT id FROM cells WHERE state = 'failed')")
      try database.run(
        "UPDATE cells SET state = 'open', finished = 0, owner = NULL, problem = NULL WHERE state = 'failed'")
    }
  }

  /// Writes what came out of a cell of this process; of a cell that is another's by now, nothing.
  public func finish(_ id: Int, _ result: CellResult) throws {
    try database.transaction {
      try database.run(
        """
        UPDATE cells SET state = ?, finished = finished + 1, since = ?, problem = ?, labels = ?, hit = ?, loss = ?, evaluations = ?, seconds = ?,
          clean_norm = ?, sent_norm = ?, binds = ?, mu = ?, accuracy = ?, trained_on = ?, round = ?, shape = ?, pixels = ?
        WHERE id = ? AND state = 'claimed' AND owner = ?
        """,
        [
          .text(result.problem == nil ? "done" : "failed"), .integer(time(nil)), Field(result.problem),
          .text(result.labels.map(String.init).joined(separator: " ")), Field(result.hit), Field(result.loss),
          .integer(result.evaluations), Field(result.seconds), Field(result.cleanNorm), Field(result.sentNorm),
          Field(result.binds.map { $0 ? 1 : 0 }), Field(result.mu), Field(result.accuracy),
          Field(result.trainedOn.map { $0 ? 1 : 0 }), Field(result.round),
          .text(result.shape.map(String.init).joined(separator: " ")), .blob(bytes(result.pixels)), .integer(id),
          .text(Owner.own.text),
        ])
      if database.changes == 0 { return }
      for (name, value) in result.scores {
        try database.run("INSERT INTO scores VALUES(?, ?, ?)", [.integer(id), .text(name), Field(value)])
      }
    }
  }

  /// Means of a score so far by defense and attack, with the number of cells behind each.
  func means(of score: String) throws -> [(defense: Int, attack: Int, mean: Double, count: Int)] {
    try database.run(
      """
      SELECT c.defense, c.attack, avg(s.value), count(s.value) FROM cells AS c JOIN scores AS s ON s.cell = c.id
      WHERE s.name = ? AND c.attack IS NOT NULL GROUP BY c.defense, c.attack
      """, [.text(score)]
    ).map { ($0[0].int ?? 0, $0[1].int ?? 0, $0[2].double ?? .nan, $0[3].int ?? 0) }
  }

  /// What came out so far, by cell.
  public func results() throws -> [Int: CellResult] { try read("state IN ('done', 'failed')", []) }

  /// What came out of one cell.
  public func result(of id: Int) throws -> CellResult? {
    try read("id = ? AND state IN ('done', 'failed')", [.integer(id)])[id]
  }

  /// A control's result on the same update with the same labels, of another attack.
  func sibling(of cell: AuditCell) throws -> CellResult? {
    guard let needs = cell.needs, let attack = cell.attack else { return nil }
    let found = try database.run(
      """
      SELECT c.id FROM cells AS c JOIN cells AS b ON b.id = c.needs
      WHERE c.state = 'done' AND c.seed = ? AND c.image IS ? AND c.defense = ? AND c.attack = ?
        AND b.labels = (SELECT labels FROM cells WHERE id = ?) LIMIT 1
      """, [.integer(cell.seed), Field(cell.image), .integer(cell.defense), .integer(attack), .integer(needs)])
    return try found.first?.first?.int.flatMap { try result(of: $0) }
  }

  /// Cells that are not done.
  public func remaining() throws -> Int {
    try database.run("SELECT count(*) FROM cells WHERE state NOT IN ('done', 'failed')").first?.first?.int ?? 0
  }

  private func read(_ condition: String, _ values: [Field]) throws -> [Int: CellResult] {
    var results: [Int: CellResult] = [:]
    let columns =
      "id, problem, labels, hit, loss, evaluations, seconds, clean_norm, sent_norm, binds, mu, accuracy, trained_on, round, shape, pixels"
    for row in try database.run("SELECT \(columns) FROM cells WHERE \(condition)", values) {
      guard let id = row[0].int else { continue }
      var result = CellResult()
      result.problem = row[1].string
      result.labels = ints(row[2])
      result.hit = row[3].double ?? .nan
      result.loss = row[4].double ?? .nan
      result.evaluations = row[5].int ?? 0
      result.seconds = row[6].double ?? 0
      result.cleanNorm = row[7].double ?? .nan
      result.sentNorm = row[8].double ?? .nan
      result.binds = row[9].int.map { $0 != 0 }
      result.mu = row[10].double
      result.accuracy = row[11].double
      result.trainedOn = row[12].int.map { $0 != 0 }
      result.round = row[13].int
      result.shape = ints(row[14])
      result.pixels = floats(row[15].bytes ?? [])
      results[id] = result
    }
    let scores = try database.run(
      "SELECT cell, name, value FROM scores WHERE cell IN (SELECT id FROM cells WHERE \(condition))", values)
    for row in scores {
      if let id = row[0].int, let name = row[1].string { results[id]?.scores[name] = row[2].double ?? .nan }
    }
    return results
  }

  private func ints(_ field: Field) -> [Int] { (field.string ?? "").split(separator: " ").compactMap { Int($0) } }
}

/// float32, the low byte first.
private func bytes(_ values: [Float]) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(values.count * 4)
  for value in values {
    let bits = value.bitPattern
    for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
  }
  return bytes
}

private func floats(_ bytes: [UInt8]) -> [Float] {
  (0..<bytes.count / 4).map { i in
    var bits: UInt32 = 0
    for place in 0..<4 { bits |= UInt32(bytes[4 * i + place]) << UInt32(8 * place) }
    return Float(bitPattern: bits)
  }
}
