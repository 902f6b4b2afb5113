// What the processor can do at most, measured: the limit that speeds are held against.
import CBLAS
import Ground

public enum Processor {
  /// Fused multiply-adds in registers on all of Seep's threads at once, in GFLOP/s.
  public static func measuredPeak() throws -> Double {
    let rounds = 20_000_000
    let clock = ContinuousClock()
    var best = 0.0
    for _ in 0..<5 {
      let spent = try clock.measure {
        try Threads.run(pieces: Threads.count) { _ in
          // The sum is finite by construction; testing it keeps the loop from being dropped.
          guard seep_peak_loop(rounds).isFinite else { throw Fault("engine-failure", "the peak loop overflowed") }
        }
      }
      let seconds = Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18
      best = max(best, 2 * 12 * 8 * Double(rounds) * Double(Threads.count) / seconds / 1e9)
    }
    return best
  }
}
