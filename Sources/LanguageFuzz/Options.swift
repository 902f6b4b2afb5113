import Foundation

/// What was asked for, as arguments that a worker gets as well.
struct Options {
  var inputs = 100_000
  var seed: UInt64 = 1
  var seconds = Double.infinity
  var workers = 1
  /// Seconds of processor time after which an input counts as a hang.
  var limit = 1.0
  /// Where inputs that show something are written.
  var folder = "fuzz-findings"
  var root = "."
  /// On the monotonic clock.
  var deadline = Double.infinity
  var worker: Int?
  var one: String?
  let program: String

  func page(_ worker: Int) -> String { "\(folder)/.worker\(worker)" }

  static let usage = """
    usage: language-fuzz [--inputs N] [--seed N] [--seconds N] [--workers N] [--limit SECONDS] [--folder FOLDER]
           [--root FOLDER]
           language-fuzz --one FILE [--limit SECONDS]
    """

  /// nil if they cannot be read.
  init?(_ arguments: [String]) {
    program = arguments[0]
    var at = 1
    while at + 1 < arguments.count {
      let value = arguments[at + 1]
      switch arguments[at] {
      case "--inputs": inputs = Int(value) ?? -1
      case "--seed": seed = UInt64(value) ?? 0
      case "--seconds": seconds = Double(value) ?? -1
      case "--workers": workers = Int(value) ?? -1
      case "--limit": limit = Double(value) ?? -1
      case "--folder": folder = value
      case "--root": root = value
      case "--deadline": deadline = Double(value) ?? .infinity
      case "--worker": worker = Int(value)
      case "--one": one = value
      default: return nil
      }
      at += 2
    }
    guard at == arguments.count, inputs > 0, workers > 0, seconds > 0, limit > 0 else { return nil }
    if deadline == .infinity { deadline = Watchdog.seconds(CLOCK_MONOTONIC) + seconds }
  }

  func arguments(ofWorker number: Int) -> [String] {
    [
      "--inputs", "\(inputs)", "--seed", "\(seed)", "--workers", "\(workers)", "--limit", "\(limit)",
      "--folder", folder, "--root", root,
      "--deadline", "\(deadline)", "--worker", "\(number)",
    ]
  }
}
