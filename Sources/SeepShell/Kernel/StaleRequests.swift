// Which cells were asked for before a failure could be known: a front-end that runs all cells sends them at once, and those behind a
// failing one must not run, however late they arrive.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Compares the dates of messages with the moment of the last failure. The smallest difference seen between a session's dates and their
/// arrival bounds how far its clock is from ours, so that what was asked after the reply is never taken for older, whatever the clocks show.
package struct StaleRequests {
  private var offsets: [String: Double] = [:]
  private var failure: Double?
  private var latest = 0.0
  /// Cells that waited arrive within this many seconds of the failure; later ones run whatever their date.
  package static let horizon = 2.0
  /// A front-end takes up to this many seconds to send cells that are run together.
  package static let burst = 0.05

  package init() {}

  /// A message with this header arrived.
  package mutating func note(_ header: JSON, at now: Double) {
    latest = now
    guard let date = StaleRequests.seconds(header["date"].text ?? "") else { return }
    let session = header["session"].text ?? ""
    offsets[session] = min(offsets[session] ?? .infinity, now - date)
  }

  /// A cell failed, and its reply leaves now.
  package mutating func fail(at now: Double) { failure = now }

  /// A cell failed; returns when its reply may leave: a cell that fails at once may do so before the next of its burst is sent.
  mutating func fail() {
    let rest = latest + StaleRequests.burst - StaleRequests.now()
    if rest > 0 { usleep(UInt32(min(rest, StaleRequests.burst) * 1e6)) }
    fail(at: StaleRequests.now())
  }

  /// Whether a message that arrives now was sent before the reply to the cell that failed. A message without a date is not.
  package func contains(_ header: JSON, at now: Double) -> Bool {
    guard let failure, now - failure < StaleRequests.horizon, let offset = offsets[header["session"].text ?? ""],
      let date = StaleRequests.seconds(header["date"].text ?? "")
    else { return false }
    return date + offset < failure
  }

  /// Seconds of a date such as `2026-01-31T23:59:59.123456Z`, counted from any one moment: the zone is the same in all messages of a session.
  package static func seconds(_ date: String) -> Double? {
    let parts = date.split(whereSeparator: { !$0.isNumber && $0 != "." }).prefix(6).map(String.init)
    guard parts.count == 6, let second = Double(parts[5]) else { return nil }
    let numbers = parts.prefix(5).compactMap { Int32($0) }
    guard numbers.count == 5, (1000...9999).contains(numbers[0]), numbers.dropFirst().allSatisfy({ $0 < 100 }) else {
      return nil
    }
    var time = tm()
    (time.tm_year, time.tm_mon, time.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
    (time.tm_hour, time.tm_min) = (numbers[3], numbers[4])
    return Double(timegm(&time)) + second
  }

  /// Seconds on our clock.
  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
