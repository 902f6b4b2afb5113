// Work that cannot be interrupted and may take long, on a thread of its own: at Ctrl-C the caller leaves, and the work goes on unseen until it ends.
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum LongWait {
  /// The result of `body`, or nil where there is no thread for it.
  ///
  /// - Parameter body: touches nothing but what nobody else uses until it has ended, and keeps that alive.
  /// - Throws: `interrupted`.
  public static func run(_ body: @escaping () -> Int32) throws -> Int32? {
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
        // Signals belong to the main thread.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        job.result.store(Int(job.body()), ordering: .releasing)
        return nil
      }, context.toOpaque())
    if failed != 0 {
      context.release()
      return nil
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

/// Work whose end nobody waits for.
public enum Background {
  /// Whether there is a thread for it.
  public static func run(_ body: @escaping @Sendable () -> Void) -> Bool {
    let context = Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let failed = pthread_create(
      &thread, nil,
      { context in
        #if canImport(Darwin)
          let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
        #else
          guard let context else { return nil }
          let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
        #endif
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        work.body()
        return nil
      }, context.toOpaque())
    if failed != 0 {
      context.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
