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
  /// A job that has not ended; those after it in the list began within it.
  private struct Job {
    var last: ProgressReport
    let started: Double
    var lastTenth = 0
    var lastLine = 0.0
  }

  private let isTerminal: Bool
  private var jobs: [Job] = []
  private var lastDrawn = 0.0
  private var isShown = false

  public init() { isTerminal = isatty(2) == 1 && !Console.isDumb }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  public func report(_ report: ProgressReport) {
    let now = ProgressDisplay.now()
    let place = jobs.firstIndex { $0.last.name == report.name } ?? jobs.count
    if place == jobs.count {
      jobs.append(Job(last: report, started: now))
    } else {
      jobs[place].last = report
      jobs.removeSubrange((place + 1)...)
    }
    // A job shorter than half a second shows nothing.
    guard now - jobs[0].started > 0.5 else { return }
    if isTerminal {
      draw(now)
    } else if place == 0 {
      line(now)
    }
  }

  /// The outermost job, with how far the one within it is.
  private func draw(_ now: Double) {
    let report = jobs[0].last
    guard now - lastDrawn > 0.1 || jobs.count == 1 && report.done == report.total else { return }
    lastDrawn = now
    isShown = true
    var text = "\(report.name) "
    if report.total > 0 {
      let width = 24
      let filled = min(width, max(0, report.done * width / report.total))
      text += String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      text += " \(report.done)/\(report.total)" + left(jobs[0], now)
    } else {
      text += "\(report.done)"
    }
    if !report.remark.isEmpty { text += "  \(report.remark)" }
    for job in jobs.dropFirst() {
      text += "  \(job.last.name) \(job.last.done)" + (job.last.total > 0 ? "/\(job.last.total)" : "")
    }
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

  private func line(_ now: Double) {
    let report = jobs[0].last
    let tenth = report.total > 0 ? report.done * 10 / report.total : 0
    let isDue = report.total > 0 ? tenth > jobs[0].lastTenth : now - jobs[0].lastLine > 30
    guard isDue else { return }
    jobs[0].lastTenth = tenth
    jobs[0].lastLine = now
    let place = report.total > 0 ? "\(report.done)/\(report.total)" : "\(report.done)"
    Console.writeError(
      "\(report.name) \(place)\(left(jobs[0], now))\(report.remark.isEmpty ? "" : "  \(report.remark)")\n")
  }

  private func left(_ job: Job, _ now: Double) -> String {
    let report = job.last
    guard report.done > 0, report.done < report.total else { return "" }
    let seconds = Int((now - job.started) / Double(report.done) * Double(report.total - report.done) + 0.5)
    if seconds >= 3600 { return ", \(seconds / 3600) h \(seconds % 3600 / 60) min left" }
    return seconds >= 60 ? ", \(seconds / 60) min \(seconds % 60) s left" : ", \(seconds) s left"
  }

  /// Ends the job and those within it; without a name, all.
  public func finish(_ name: String) {
    let place = name.isEmpty ? 0 : jobs.firstIndex { $0.last.name == name } ?? jobs.count
    jobs.removeSubrange(min(place, jobs.count)...)
    guard jobs.isEmpty, isShown else { return }
    Console.writeError("\r\u{1B}[J")
    isShown = false
  }
}
