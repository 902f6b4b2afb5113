// The thread that looks where the program stands. Each sample weighs the time since the one before, so the weights add up to the time
// that passed, however late the system wakes the thread.
import Ground
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Collects stacks of a running machine. `samples` belongs to its thread until that has ended.
final class ProfileSampler: @unchecked Sendable {
  struct Source: @unchecked Sendable {
    let machine: Machine
    let current: UnsafeMutablePointer<Int32>
    let open: UnsafeMutablePointer<Profile.OpenCall>
    let openCount: UnsafeMutablePointer<Int>
  }

  /// One entry of a stack.
  enum Entry: Hashable {
    case line(Int)
    case native(Int)
    case operation(EngineOperation)

    /// As a number: the kind in the upper bits.
    fileprivate static let nativeBit: Int32 = 1 << 28
    fileprivate static let operationBit: Int32 = 1 << 29

    init?(_ code: Int32) {
      if code & Entry.operationBit != 0 {
        guard let kind = EngineOperation(rawValue: code & ~Entry.operationBit) else { return nil }
        self = .operation(kind)
      } else if code & Entry.nativeBit != 0 {
        self = .native(Int(code & ~Entry.nativeBit))
      } else {
        self = .line(Int(code))
      }
    }
  }

  struct Samples {
    /// Different stacks, outermost first.
    var stacks: [[Int32]] = []
    /// Runs of one stack: which, and nanoseconds.
    var runs: [(stack: Int, weight: Int)] = []
    /// Looks at the program.
    var count = 0

    /// Nanoseconds by stack.
    var weights: [Int] {
      var sums = [Int](repeating: 0, count: stacks.count)
      for run in runs { sums[run.stack] += run.weight }
      return sums
    }
  }

  /// Deeper stacks are cut in the middle.
  private static let outermost = 128
  private static let innermost = 384
  /// Nanoseconds between two looks, at first; then a ten-thousandth of the time so far, up to 10 ms.
  private static let shortest = 200_000
  private static let longest = 10_000_000

  private(set) var samples = Samples()
  private var numbers: [[Int32]: Int] = [:]
  private let source: Source
  private let start: Int
  private var last: Int
  private var thread: pthread_t?
  private let isEnding = Atomic<Bool>(false)
  private let wake: UnsafeMutablePointer<sem_t>

  init(_ source: Source, start: Int) {
    self.source = source
    self.start = start
    last = start
    wake = .allocate(capacity: 1)
    sem_init(wake, 0, 0)
  }

  deinit {
    sem_destroy(wake)
    wake.deallocate()
  }

  func begin() {
    var made = pthread_t()
    let context = Unmanaged.passRetained(self)
    let failed = pthread_create(
      &made, nil,
      { context in
        #if canImport(Darwin)
          let sampler = Unmanaged<ProfileSampler>.fromOpaque(context).takeRetainedValue()
        #else
          guard let context else { return nil }
          let sampler = Unmanaged<ProfileSampler>.fromOpaque(context).takeRetainedValue()
        #endif
        // Signals belong to the main thread.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        sampler.work()
        return nil
      }, context.toOpaque())
    if failed == 0 { thread = made } else { context.release() }
  }

  /// Waits for the thread; the time since its last look goes to what it saw then.
  func stop(at end: Int) {
    isEnding.store(true, ordering: .sequentiallyConsistent)
    sem_post(wake)
    if let thread { pthread_join(thread, nil) }
    thread = nil
    guard end > last else { return }
    add(samples.runs.last.map { samples.stacks[$0.stack] } ?? [], weight: end - last)
  }

  private func work() {
    var turn: UInt32 = 2_463_534_242
    while true {
      let interval = min(ProfileSampler.longest, max(ProfileSampler.shortest, (last - start) / 10_000))
      // Between half and one and a half of it: a program with a beat of its own is met everywhere.
      turn ^= turn << 13
      turn ^= turn >> 17
      turn ^= turn << 5
      pause(interval / 2 + Int((UInt64(turn) * UInt64(interval)) >> 32))
      if isEnding.load(ordering: .sequentiallyConsistent) { return }
      look()
    }
  }

  private func pause(_ nanoseconds: Int) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let until = time.tv_nsec + nanoseconds
    time.tv_sec += until / 1_000_000_000
    time.tv_nsec = until % 1_000_000_000
    sem_timedwait(wake, &time)
  }

  private func look() {
    let now = MonotonicTime.nanoseconds
    var stack: [Int32] = []
    let depth = min(max(source.machine.frameCount, 0), Machine.frameCapacity)
    let openCount = min(max(source.openCount.pointee, 0), Profile.openCapacity)
    var next = 0
    /// Calls of the library that began at this depth, as the program's functions that they call come after them.
    func natives(upTo limit: Int) {
      while next < openCount, Int(source.open[next].depth) <= limit {
        stack.append(source.open[next].name | Entry.nativeBit)
        next += 1
      }
    }
    natives(upTo: 0)
    for level in stride(from: 1, through: depth, by: 1) {
      if level > ProfileSampler.outermost, level <= depth - ProfileSampler.innermost {
        while next < openCount, Int(source.open[next].depth) <= level { next += 1 }
        continue
      }
      let line = source.current[level]
      if line > 0 { stack.append(line) }
      natives(upTo: level)
    }
    OperationClock.running { stack.append($0 | Entry.operationBit) }
    samples.count += 1
    add(stack, weight: now - last)
    last = now
  }

  private func add(_ stack: [Int32], weight: Int) {
    let number: Int
    if let known = numbers[stack] {
      number = known
    } else {
      number = samples.stacks.count
      numbers[stack] = number
      samples.stacks.append(stack)
    }
    if let last = samples.runs.last, last.stack == number {
      samples.runs[samples.runs.count - 1].weight += weight
    } else {
      samples.runs.append((number, weight))
    }
  }
}
