// A budget on live tensor bytes, so that an allocation that cannot succeed is a sentence and not a killed process.
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Counts live bytes of large buffers against a limit taken from the machine's memory and the control group.
public enum MemoryBudget {
  private static let live = Atomic<Int>(0)
  private static let highest = Atomic<Int>(0)

  /// Bytes that may be live at once: nine tenths of the smaller of physical memory and the control group's limit;
  /// the number of bytes in the environment's `SEEP_MEMORY_LIMIT` goes before both.
  public static let limit: Int = {
    if let given = getenv("SEEP_MEMORY_LIMIT"), let bytes = Int(String(cString: given)), bytes > 0 { return bytes }
    var bytes = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
      if let text = readSmallFile(path), let value = Int(text.filter(\.isNumber)), value > 0 {
        bytes = min(bytes, value)
      }
    }
    return bytes / 10 * 9
  }()

  public static var liveBytes: Int { live.load(ordering: .relaxed) }
  public static var peakBytes: Int { highest.load(ordering: .relaxed) }

  /// Reserves `bytes`, or throws `out-of-memory` naming the size asked for. `what` ends "cannot allocate …".
  public static func reserve(_ bytes: Int, for what: @autoclosure () -> String) throws {
    let now = live.add(bytes, ordering: .relaxed).newValue
    if bytes < 0 || now > limit || now < 0 {
      live.subtract(bytes, ordering: .relaxed)
      throw Fault(
        "out-of-memory", "cannot allocate \(what()): \(describe(bytes)) asked for",
        notes: ["\(describe(liveBytes)) are in use of the \(describe(limit)) that this machine allows."])
    }
    var peak = highest.load(ordering: .relaxed)
    while now > peak {
      let (done, current) = highest.weakCompareExchange(expected: peak, desired: now, ordering: .relaxed)
      if done { break }
      peak = current
    }
  }

  /// Counts `bytes` that were taken whatever the limit says.
  public static func reserveAnyway(_ bytes: Int) { live.add(bytes, ordering: .relaxed) }

  public static func release(_ bytes: Int) { live.subtract(bytes, ordering: .relaxed) }

  /// `3.73 TiB`, `512 B`.
  public static func describe(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if value < 1024 { return unit == "B" ? "\(bytes) B" : "\((value * 100).rounded() / 100) \(unit)" }
      value /= 1024
    }
    return "\((value * 100).rounded() / 100) TiB"
  }

  private static func readSmallFile(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = fread(&buffer, 1, 63, file)
    return String(decoding: buffer[0..<count], as: UTF8.self)
  }
}
