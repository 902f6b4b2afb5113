// Progress on standard error: a bar with the time left on a terminal, a plain line at every tenth elsewhere.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public final class ProgressDisplay: ProgressSink {
  private let isTerminal: Bool
  private var name = ""
  private var started = 0.0
  private var lastDrawn = 0.0
  private var lastTenth = 0
  private var isShown = false

  public init() { isTerminal = isatty(2) == 1 && !Console.isDumb }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  public func report(_ report: ProgressReport) {
    let now = ProgressDisplay.now()
    if report.name != name {
      finish(name)
      name = report.name
      started = now
      lastDrawn = 0
      lastTenth = 0
    }
    // A job shorter than half a second shows nothing.
    guard now - started > 0.5 else { return }
    isTerminal ? draw(report, now) : line(report, now)
  }

  private func draw(_ report: ProgressReport, _ now: Double) {
    guard now - lastDrawn > 0.1 || report.done == report.total else { return }
    lastDrawn = now
    isShown = true
    var text = "\(report.name) "
    if report.total > 0 {
      let width = 24
      let filled = min(width, max(0, report.done * width / report.total))
      text += String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      text += " \(report.done)/\(report.total)" + left(report, now)
    } else {
      text += "\(report.done)"
    }
    if !report.remark.isEmpty { text += "  \(report.remark)" }
    Console.writeError("\r\u{1B}[J" + lines([text] + report.details))
  }

  /// Lines of the terminal's width, the cursor back at the start of the first.
  private func lines(_ all: [String]) -> String {
    var size = winsize()
    let known = ioctl(2, UInt(TIOCGWINSZ), &size) == 0
    let width = max(20, known && size.ws_col > 0 ? Int(size.ws_col) - 1 : 79)
    let height = max(1, (known && size.ws_row > 0 ? Int(size.ws_row) : 24) - 1)
    let shown = all.prefix(height).map { String($0.prefix(width)) }
    return shown.joined(separator: "\n") + (shown.count > 1 ? "\u{1B}[\(shown.count - 1)A" : "") + "\r"
  }

  private func line(_ report: ProgressReport, _ now: Double) {
    let tenth = report.total > 0 ? report.done * 10 / report.total : 0
    let isDue = report.total > 0 ? tenth > lastTenth : now - lastDrawn > 30
    guard isDue else { return }
    lastTenth = tenth
    lastDrawn = now
    let place = report.total > 0 ? "\(report.done)/\(report.total)" : "\(report.done)"
    Console.writeError(
      "\(report.name) \(place)\(left(report, now))\(report.remark.isEmpty ? "" : "  \(report.remark)")\n")
  }

  private func left(_ report: ProgressReport, _ now: Double) -> String {
    guard report.done > 0, report.done < report.total else { return "" }
    let seconds = Int((now - started) / Double(report.done) * Double(report.total - report.done) + 0.5)
    if seconds >= 3600 { return ", \(seconds / 3600) h \(seconds % 3600 / 60) min left" }
    return seconds >= 60 ? ", \(seconds / 60) min \(seconds % 60) s left" : ", \(seconds) s left"
  }

  public func finish(_ name: String) {
    if isShown { Console.writeError("\r\u{1B}[J") }
    isShown = false
    self.name = ""
  }
}
