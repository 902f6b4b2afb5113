// A library call that cannot be interrupted. A long one runs on a thread of its own; on Ctrl-C the caller leaves, and the call goes on
// unseen until it ends, with the memory it works on kept alive by its closure.
import CBLAS
import COneDNN
import Ground
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum LongCall {
  /// Calls that take this many floating-point operations last some 10 ms at most and stay on the caller's thread.
  private static let short = 20_000_000

  /// - Parameters:
  ///   - cost: about how many floating-point operations the call takes.
  ///   - body: touches nothing but memory that nobody else uses until it has ended.
  static func run(cost: Int, _ body: @escaping () -> Int32) throws -> Int32 {
    if cost <= short { return body() }
    let job = Job(body)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(job)
    let failed = pthread_create(
      &thread, nil,
      { context in
        #if canImport(Darwin)
          let job = Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
        #else
          guard let context else { return nil }
          let job = Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
        #endif
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        seep_single_threaded()
        job.result.store(Int(job.body()), ordering: .releasing)
        return nil
      }, context.toOpaque())
    if failed != 0 {
      context.release()
      return body()
    }
    pthread_detach(thread)
    while true {
      let result = job.result.load(ordering: .acquiring)
      if result != Int.min { return Int32(truncatingIfNeeded: result) }
      try Interrupt.check()
      usleep(2000)
    }
  }

  private final class Job: @unchecked Sendable {
    let body: () -> Int32
    let result = Atomic<Int>(Int.min)
    init(_ body: @escaping () -> Int32) { self.body = body }
  }
}
