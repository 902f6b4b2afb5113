// Where the first NaN or Inf comes from: a computation that ended in one is run once more, and every operation is looked at.
import CTape
import Ground
import Synchronization
import Tensors

/// Finds the first operation of a computation whose result is not finite although its operands are. Costs nothing but a
/// look at a flag while none is watching.
public final class FiniteWatch: Sendable {
  /// An operation, and what is in its result.
  public struct Finding: Sendable {
    /// As it is called: `log`, `/`, `conv2d`.
    public let operation: String
    /// `nan` or `inf`.
    public let value: String
  }

  private let first = Mutex<Finding?>(nil)

  public init() {}

  /// The first such operation so far.
  public var finding: Finding? { first.withLock { $0 } }

  /// Runs `body` with every operation of this thread looked at.
  public func watching<R>(_ body: () throws -> R) rethrows -> R {
    let before = seep_tape_watch()
    seep_tape_set_watch(Unmanaged.passUnretained(self).toOpaque())
    defer { seep_tape_set_watch(before) }
    return try withExtendedLifetime(self) { try body() }
  }

  /// What is looked at after an operation, if somebody watches.
  @inline(__always)
  static func look(_ value: Tensor, _ operands: [Variable], _ operation: StaticString) {
    guard let watch = seep_tape_watch() else { return }
    Unmanaged<FiniteWatch>.fromOpaque(watch).takeUnretainedValue().look(value, operands, operation)
  }

  @inline(never)
  private func look(_ value: Tensor, _ operands: [Variable], _ operation: StaticString) {
    guard finding == nil, let strange = FiniteWatch.strange(value) else { return }
    guard operands.allSatisfy({ FiniteWatch.strange($0.value) == nil }) else { return }
    let called = "\(operation)".prefix { $0 != "(" }
    first.withLock { $0 = Finding(operation: String(called), value: strange) }
  }

  /// `nan` or `inf`, if there is one among the elements.
  private static func strange(_ value: Tensor) -> String? {
    guard value.dtype.isFloat, let numbers = try? value.doubles() else { return nil }
    guard let found = numbers.first(where: { !$0.isFinite }) else { return nil }
    return found.isNaN ? "nan" : "inf"
  }
}

/// A sentence that names the operation which first gave a NaN or Inf when `body` is run; nil if none did.
public func firstNotFinite(_ body: () throws -> Void) -> String? {
  let watch = FiniteWatch()
  try? watch.watching(body)
  return watch.finding.map {
    "The first operation with a result that is not finite is `\($0.operation)`: it gives \($0.value)."
  }
}
