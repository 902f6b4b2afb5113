// A library call that cannot be interrupted. A long one runs on a thread of its own; on Ctrl-C the caller leaves, and the call goes on
// unseen until it ends, with the memory it works on kept alive by its closure.
import CBLAS
import COneDNN
import Ground

enum LongCall {
  /// Calls that take this many floating-point operations last some 10 ms at most and stay on the caller's thread.
  private static let short = 20_000_000

  /// - Parameters:
  ///   - cost: about how many floating-point operations the call takes.
  ///   - body: touches nothing but memory that nobody else uses until it has ended.
  static func run(cost: Int, _ body: @escaping () -> Int32) throws -> Int32 {
    if cost <= short { return body() }
    let result = try LongWait.run {
      seep_single_threaded()
      return body()
    }
    return result ?? body()
  }
}
