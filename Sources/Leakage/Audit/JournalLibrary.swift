// The library that keeps journals.
import CSQLite

extension Journal {
  /// SQLite's version.
  public static var libraryVersion: String { String(cString: sqlite3_libversion()) }
}
