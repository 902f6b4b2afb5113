// A thread that looks at the time the main thread spends on one input: interrupts it after a while, and ends the process if
// that does not help. The time is that of the processor, so that a busy machine makes no hangs.
import Glibc
import Ground
import Synchronization

enum Watchdog {
  /// The exit status of a process whose input did not end.
  static let hang: Int32 = 70
  /// Interrupted after this.
  private static let patience = 0.02

  private static let turn = Atomic<Int>(0)

  /// A new input begins.
  static func next() {
    turn.add(1, ordering: .relaxed)
    Interrupt.clear()
  }

  static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Processor time of the processes that this one started and that ended.
  static func secondsOfChildren() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
  }

  private struct Watched {
    var clock: clockid_t
    var limit: Double
  }

  /// Watches the thread that calls this: an input that takes more processor time than the limit is a hang.
  static func start(limit: Double) {
    var clock = clockid_t()
    guard pthread_getcpuclockid(pthread_self(), &clock) == 0 else { return }
    let box = UnsafeMutablePointer<Watched>.allocate(capacity: 1)
    box.initialize(to: Watched(clock: clock, limit: limit))
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { box in
        if let box { Watchdog.watch(box.load(as: Watched.self)) }
        return nil
      }, box)
  }

  private static func watch(_ watched: Watched) {
    var seen = -1
    var begun = 0.0
    while true {
      usleep(4000)
      let (now, time) = (turn.load(ordering: .relaxed), seconds(watched.clock))
      if now != seen { (seen, begun) = (now, time) }
      if time - begun > patience { Interrupt.request() }
      if time - begun > watched.limit { _exit(hang) }
    }
  }
}
