// Where the time of the engine's operations goes, while a profile asks for it. Off, an operation reads one flag twice.
//
// An operation's time is its own: what another kind of operation takes within it counts there. Times are those of the thread that
// started the clock, so their sum is at most the time that passed. Pieces of an operation that run on other threads are part of it;
// operations that other threads begin by themselves are counted apart.
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Times the engine's operations.
public enum OperationClock {
  /// What one kind of operation took.
  public struct Total: Sendable {
    public var calls = 0
    public var nanoseconds = 0
    /// Floating-point operations, where a kind says them.
    public var flops = 0
  }

  /// An operation that has begun.
  public struct Running {
    fileprivate enum Place { case nowhere, own, elsewhere }
    fileprivate var place = Place.nowhere
    fileprivate var start = 0

    /// The operation has ended.
    @inline(__always)
    public func stop() {
      if place != .nowhere { OperationClock.close(self) }
    }
  }

  private static let flag = Atomic<Bool>(false)
  /// Of the thread that started the clock.
  nonisolated(unsafe) private static let state = UnsafeMutablePointer<State>.allocate(capacity: 1)
  private static let elsewhere = Mutex(Total())
  /// Set on another thread while an operation runs there.
  private static let nested: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  private struct State {
    var owner: pthread_t
    var depth = 0
    /// Whether the pieces that other threads work on belong to an operation.
    var piecesBelong = false
    /// When the innermost operation began or went on.
    var since = 0
    let kinds: UnsafeMutablePointer<Int32>
    let totals: UnsafeMutablePointer<Total>
  }
  private static let capacity = 32

  /// Whether operations are timed.
  @inline(__always) public static var isOn: Bool { flag.load(ordering: .relaxed) }

  /// Begins an operation: `let timed = OperationClock.start(.matmul)`, then `defer { timed.stop() }`.
  @inline(__always)
  public static func start(_ kind: EngineOperation) -> Running { isOn ? open(kind) : Running() }

  /// Adds to the innermost running operation what it computes.
  @inline(__always)
  public static func note(flops: @autoclosure () -> Int) {
    if isOn { add(flops()) }
  }

  @inline(never)
  private static func open(_ kind: EngineOperation) -> Running {
    let now = MonotonicTime.nanoseconds
    guard pthread_equal(pthread_self(), state.pointee.owner) != 0 else {
      // A piece of the owner's operation, or of one of this thread's.
      if state.pointee.piecesBelong || pthread_getspecific(nested) != nil { return Running() }
      pthread_setspecific(nested, UnsafeRawPointer(bitPattern: 1))
      return Running(place: .elsewhere, start: now)
    }
    let depth = state.pointee.depth
    if depth >= capacity { return Running() }
    if depth > 0 { settle(now) }
    if depth == 0 || state.pointee.kinds[depth - 1] != kind.rawValue {
      state.pointee.totals[Int(kind.rawValue)].calls += 1
    }
    state.pointee.kinds[depth] = kind.rawValue
    state.pointee.since = now
    state.pointee.depth = depth + 1
    return Running(place: .own, start: now)
  }

  @inline(never)
  private static func close(_ running: Running) {
    let now = MonotonicTime.nanoseconds
    if running.place == .elsewhere {
      pthread_setspecific(nested, nil)
      elsewhere.withLock {
        $0.calls += 1
        $0.nanoseconds += now - running.start
      }
      return
    }
    if state.pointee.depth == 0 { return }
    settle(now)
    state.pointee.depth -= 1
  }

  /// Gives the innermost operation the time until now.
  private static func settle(_ now: Int) {
    let kind = Int(state.pointee.kinds[state.pointee.depth - 1])
    state.pointee.totals[kind].nanoseconds += now - state.pointee.since
    state.pointee.since = now
  }

  @inline(never)
  private static func add(_ flops: Int) {
    guard pthread_equal(pthread_self(), state.pointee.owner) != 0, state.pointee.depth > 0 else { return }
    let kind = Int(state.pointee.kinds[state.pointee.depth - 1])
    state.pointee.totals[kind].flops &+= flops
  }

  /// This thread shares out pieces of work among others.
  @inline(__always)
  public static func share() {
    if isOn { noteShare() }
  }

  @inline(never)
  private static func noteShare() {
    let isOwner = pthread_equal(pthread_self(), state.pointee.owner) != 0
    state.pointee.piecesBelong = isOwner ? state.pointee.depth > 0 : pthread_getspecific(nested) != nil
  }

  // MARK: For the profile

  /// Times what this thread does from now on. One clock at a time.
  public static func begin() {
    let kinds = UnsafeMutablePointer<Int32>.allocate(capacity: capacity)
    kinds.initialize(repeating: 0, count: capacity)
    let totals = UnsafeMutablePointer<Total>.allocate(capacity: EngineOperation.allCases.count)
    totals.initialize(repeating: Total(), count: EngineOperation.allCases.count)
    state.initialize(to: State(owner: pthread_self(), kinds: kinds, totals: totals))
    elsewhere.withLock { $0 = Total() }
    flag.store(true, ordering: .sequentiallyConsistent)
  }

  /// Ends what `begin` began.
  ///
  /// - Returns: what each kind took that ran at all, and what other threads did by themselves.
  public static func end() -> (kinds: [(EngineOperation, Total)], elsewhere: Total) {
    guard flag.exchange(false, ordering: .sequentiallyConsistent) else { return ([], Total()) }
    let totals = EngineOperation.allCases.map { ($0, state.pointee.totals[Int($0.rawValue)]) }
    // Not freed: a thread that an interrupt left behind may still look.
    return (totals.filter { $0.1.calls > 0 }, elsewhere.withLock { $0 })
  }

  /// The operations that the owner has begun, outermost first, as seen from another thread.
  public static func running(_ visit: (Int32) -> Void) {
    for i in 0..<min(max(state.pointee.depth, 0), capacity) { visit(state.pointee.kinds[i]) }
  }
}
