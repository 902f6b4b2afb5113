// The one flag a signal handler sets. Everything that may run long asks it between pieces of at most 20 ms.
import Synchronization

/// Whether the person asked the running evaluation to stop.
public enum Interrupt {
  private static let flag = Atomic<Bool>(false)

  /// Safe to call from a signal handler and from any thread.
  public static func request() { flag.store(true, ordering: .relaxed) }
  public static func clear() { flag.store(false, ordering: .relaxed) }
  public static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Throws `Fault.interrupted` if a stop was asked for; the flag stays set until the session clears it.
  @inline(__always)
  public static func check() throws {
    if isRequested { throw Fault.interrupted }
  }
}
