// Who computes a cell: a process, told apart from a later one with the same number, on this machine or another.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A process as a journal names it: `place/pid/start`. The place is the boot of the machine and the set of processes that see each
/// other; the start is in ticks after the boot.
struct Owner: Equatable {
  let place: String
  let process: Int
  let start: String

  var text: String { "\(place)/\(process)/\(start)" }

  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let process = Int(parts[1]) else { return nil }
    (place, self.process, start) = (parts[0], process, parts[2])
  }

  private init(place: String, process: Int, start: String) {
    (self.place, self.process, self.start) = (place, process, start)
  }

  /// This process.
  static let own: Owner = {
    let boot = smallFile("/proc/sys/kernel/random/boot_id") ?? "unknown"
    return Owner(
      place: "\(boot)+\(link("/proc/self/ns/pid"))", process: Int(getpid()), start: started(Int(getpid())) ?? "")
  }()

  /// Whether it may still be at work. Of a process that cannot be seen from here, only its last sign of life tells.
  /// - Parameter silent: seconds since that.
  func isAlive(silent: Double) -> Bool {
    if place != Owner.own.place { return silent < Owner.patience }
    if kill(pid_t(truncatingIfNeeded: process), 0) != 0, errno == ESRCH { return false }
    return Owner.started(process).map { $0 == start } ?? false
  }

  /// Seconds without a sign of life after which a process on another machine is taken for dead.
  static let patience = 600.0

  /// When a process began: field 22 of /proc/…/stat, counted after the name in brackets. A process that has ended and was not yet
  /// waited for (state Z) is none.
  private static func started(_ process: Int) -> String? {
    guard let text = smallFile("/proc/\(process)/stat"), let name = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: name)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
    return String(fields[19])
  }

  private static func smallFile(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = fread(&buffer, 1, 2047, file)
    let text = String(decoding: buffer[0..<count], as: UTF8.self)
    return text.last == "\n" ? String(text.dropLast()) : text
  }

  private static func link(_ path: String) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    let count = readlink(path, &buffer, 255)
    return count > 0 ? String(cString: Array(buffer[0..<count]) + [0]).filter { $0 != "/" } : ""
  }
}
