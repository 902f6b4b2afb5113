// Seep's own threads. Work is split by whoever has it, by a rule that does not look at the number of threads, into pieces of
// at most about 20 ms; so results have the same bits for any number, and Ctrl-C is answered promptly.
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

/// The worker pool of the engine.
public enum Threads {
  /// Threads that take part, the caller included: `SEEP_THREADS`, or the number of processors.
  public static let count: Int = {
    if let text = getenv("SEEP_THREADS"), let number = Int(String(cString: text)), number >= 1 {
      return min(number, 64)
    }
    return max(1, min(64, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
  }()

  /// Runs `body(0)` … `body(pieces - 1)`, in no particular order, on all threads, and waits. The first error is thrown
  /// after all running pieces have ended. Nested calls run in place.
  public static func run(pieces: Int, _ body: (Int) throws -> Void) throws {
    // One job at a time: where another thread of the program has the pool, this one works alone.
    if pieces <= 1 || count == 1 || Pool.isInside || !Pool.shared.take() {
      for piece in 0..<pieces {
        try Interrupt.check()
        try body(piece)
      }
      return
    }
    defer { Pool.shared.giveBack() }
    try withoutActuallyEscaping(body) { try Pool.shared.run(pieces, $0) }
  }

  /// The same for work that cannot fail and must not be cut short: `body` gets ranges of at most `grain`.
  static func always(pieces count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let pieces = (count + grain - 1) / grain
    if pieces <= 1 || Threads.count == 1 || Pool.isInside || !Pool.shared.take() {
      body(0..<count)
      return
    }
    defer { Pool.shared.giveBack() }
    withoutActuallyEscaping(body) { body in
      // Nothing throws: neither the body nor, with `interruptible` false, the pool.
      try? Pool.shared.run(pieces, interruptible: false) { body($0 * grain..<min(count, ($0 + 1) * grain)) }
    }
  }

  /// For loops over elements: pieces of `grain` elements, in place where there is only one.
  static func forRanges(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) throws {
    if count <= grain {
      body(0..<count)
      return
    }
    try run(pieces: (count + grain - 1) / grain) { piece in body(piece * grain..<min(count, (piece + 1) * grain)) }
  }
}

/// One job at a time, its pieces handed out by an atomic counter.
private final class Pool: @unchecked Sendable {
  static let shared = Pool()
  /// True on workers, and on the caller while its job runs.
  nonisolated(unsafe) private static var insideKey: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()
  static var isInside: Bool {
    get { pthread_getspecific(insideKey) != nil }
    set { pthread_setspecific(insideKey, newValue ? UnsafeRawPointer(bitPattern: 1) : nil) }
  }

  private let taken = Atomic<Bool>(false)
  private let next = Atomic<Int>(0)
  private let busy = Atomic<Int>(0)
  private let failed = Atomic<Bool>(false)
  private var pieces = 0
  private var interruptible = true
  private var body: ((Int) throws -> Void)?
  private let failure = Mutex<(any Error)?>(nil)
  private let wake: UnsafeMutablePointer<sem_t>
  private let workers: Int

  private init() {
    workers = Threads.count - 1
    wake = .allocate(capacity: 1)
    sem_init(wake, 0, 0)
    for _ in 0..<workers {
      var thread = pthread_t()
      var attributes = pthread_attr_t()
      pthread_attr_init(&attributes)
      pthread_attr_setstacksize(&attributes, 4 << 20)
      pthread_create(
        &thread, &attributes,
        { _ in
          Pool.isInside = true
          seep_single_threaded()
          // Signals belong to the main thread.
          var all = sigset_t()
          sigfillset(&all)
          pthread_sigmask(SIG_BLOCK, &all, nil)
          Pool.shared.work()
          return nil
        }, nil)
      pthread_detach(thread)
    }
  }

  private func work() {
    while true {
      // The next job often comes at once: a short spin (some 20 µs) saves the trip through the system.
      var spins = 0
      while sem_trywait(wake) != 0 {
        spins += 1
        if spins < 2000 {
          seep_relax()
        } else {
          while sem_wait(wake) != 0 {}
          break
        }
      }
      takePieces()
      busy.subtract(1, ordering: .acquiringAndReleasing)
    }
  }

  private func takePieces() {
    guard let body else { return }
    while !failed.load(ordering: .relaxed) {
      let piece = next.add(1, ordering: .relaxed).oldValue
      if piece >= pieces { return }
      do {
        if interruptible { try Interrupt.check() }
        try body(piece)
      } catch {
        failure.withLock { if $0 == nil { $0 = error } }
        failed.store(true, ordering: .relaxed)
      }
    }
  }

  /// Whether the caller may use the pool until it gives it back.
  func take() -> Bool { !taken.exchange(true, ordering: .acquiring) }
  func giveBack() { taken.store(false, ordering: .releasing) }

  func run(_ pieces: Int, interruptible: Bool = true, _ body: @escaping (Int) throws -> Void) throws {
    OperationClock.share()
    self.pieces = pieces
    self.interruptible = interruptible
    self.body = body
    next.store(0, ordering: .relaxed)
    failed.store(false, ordering: .relaxed)
    failure.withLock { $0 = nil }
    let helpers = min(workers, pieces - 1)
    busy.store(helpers, ordering: .releasing)
    for _ in 0..<helpers { sem_post(wake) }
    Pool.isInside = true
    takePieces()
    Pool.isInside = false
    var spins = 0
    while busy.load(ordering: .acquiring) > 0 {
      spins += 1
      if spins < 20_000 { seep_relax() } else { sched_yield() }
    }
    self.body = nil
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// Called once before the first use of a library on this thread.
enum Libraries {
  static let prepared: Void = {
    seep_single_threaded()
    seep_blas_single_threaded()
  }()
}
