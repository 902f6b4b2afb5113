// SQLite, as far as a journal needs it: statements with values, and transactions that take the write lock at once.
import CSQLite
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A number, text or bytes in a table.
enum Field: Equatable {
  case null
  case integer(Int)
  case real(Double)
  case text(String)
  case blob([UInt8])

  init(_ value: Int?) { self = value.map { .integer($0) } ?? .null }
  /// SQLite has no nan: it is kept as NULL.
  init(_ value: Double?) { self = value.flatMap { $0.isNaN ? nil : .real($0) } ?? .null }
  init(_ value: String?) { self = value.map { .text($0) } ?? .null }

  var int: Int? { if case .integer(let value) = self { value } else { nil } }
  var double: Double? {
    switch self {
    case .real(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }
  var string: String? { if case .text(let value) = self { value } else { nil } }
  var bytes: [UInt8]? { if case .blob(let value) = self { value } else { nil } }
}

/// An open database.
final class Database {
  let path: String
  private var handle: OpaquePointer?

  /// Opens a file, or makes it; nil keeps everything in memory.
  /// - Parameter isNew: whether a file that is not there is made.
  /// - Throws: `file-unwritable`, `file-not-found`, `bad-file` where the file is something else.
  init(_ path: String?, isNew: Bool = true) throws {
    self.path = path ?? "memory"
    if let path, !isNew, access(path, F_OK) != 0 { throw Fault("file-not-found", "there is no file \(path)") }
    let flags = SQLITE_OPEN_READWRITE | (isNew ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_FULLMUTEX
    let status = sqlite3_open_v2(path ?? ":memory:", &handle, flags, nil)
    guard status == SQLITE_OK else {
      let problem = failure(status)
      sqlite3_close_v2(handle)
      handle = nil
      throw problem
    }
    // Another process writes for milliseconds at a time; a minute is somebody who stopped in the middle.
    sqlite3_busy_timeout(handle, 60_000)
  }

  deinit { sqlite3_close_v2(handle) }

  private func failure(_ status: Int32) -> Fault {
    .journal(status, path, handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory")
  }

  /// Runs one statement and gives its rows.
  @discardableResult
  func run(_ statement: String, _ values: [Field] = []) throws -> [[Field]] {
    var prepared: OpaquePointer?
    var status = sqlite3_prepare_v2(handle, statement, -1, &prepared, nil)
    defer { sqlite3_finalize(prepared) }
    guard status == SQLITE_OK else { throw failure(status) }
    for (index, value) in values.enumerated() {
      let place = Int32(index + 1)
      status =
        switch value {
        case .null: sqlite3_bind_null(prepared, place)
        case .integer(let int): sqlite3_bind_int64(prepared, place, Int64(int))
        case .real(let double): sqlite3_bind_double(prepared, place, double)
        case .text(let text): seep_bind_text(prepared, place, text, Int32(text.utf8.count))
        case .blob(let bytes): seep_bind_blob(prepared, place, bytes, Int32(clamping: bytes.count))
        }
      guard status == SQLITE_OK else { throw failure(status) }
    }
    var rows: [[Field]] = []
    while true {
      status = sqlite3_step(prepared)
      if status == SQLITE_DONE { return rows }
      guard status == SQLITE_ROW else { throw failure(status) }
      rows.append((0..<sqlite3_column_count(prepared)).map { Database.field(prepared, $0) })
    }
  }

  private static func field(_ row: OpaquePointer?, _ column: Int32) -> Field {
    switch sqlite3_column_type(row, column) {
    case SQLITE_INTEGER: return .integer(Int(sqlite3_column_int64(row, column)))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(row, column))
    case SQLITE_TEXT: return .text(sqlite3_column_text(row, column).map { String(cString: $0) } ?? "")
    case SQLITE_BLOB:
      let count = Int(sqlite3_column_bytes(row, column))
      return .blob(Array(UnsafeRawBufferPointer(start: sqlite3_column_blob(row, column), count: count)))
    default: return .null
    }
  }

  /// Rows that the last statement changed.
  var changes: Int { Int(sqlite3_changes(handle)) }

  /// All of it or nothing, alone among the processes that write.
  func transaction<T>(_ body: () throws -> T) throws -> T {
    try run("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try run("COMMIT")
      return result
    } catch {
      _ = try? run("ROLLBACK")
      throw error
    }
  }
}

extension Fault {
  /// What SQLite refused.
  package static func journal(_ status: Int32, _ path: String, _ reason: String) -> Fault {
    switch status & 0xFF {
    case SQLITE_NOTADB, SQLITE_CORRUPT:
      return Fault("bad-file", "\(path) is not the journal of an audit: \(reason)", help: "another path")
    case SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM:
      return Fault("file-unwritable", "cannot write the journal \(path): \(reason)")
    case SQLITE_FULL: return Fault("disk-full", "cannot write the journal \(path): \(reason)")
    case SQLITE_BUSY:
      return Fault("journal-busy", "another process has kept the journal \(path) locked for a minute")
    default: return Fault("journal-failed", "the journal \(path) cannot be used: \(reason)")
    }
  }
}
