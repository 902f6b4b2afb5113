// How well labels were inferred.
import Ground

/// Multiset overlap of recovered and true labels, 1 − Σ_c |n_c − n*_c| / 2K: 1 where each class was found as often as it was
/// there, in any order.
/// - Throws: `shape-mismatch` where the counts differ, `empty` for none.
public func labelAccuracy(_ recovered: [Int], _ truth: [Int]) throws -> Double {
  guard recovered.count == truth.count else {
    throw Fault(
      "shape-mismatch", "\(recovered.count) recovered labels cannot be compared with \(truth.count) true ones")
  }
  guard !truth.isEmpty else { throw Fault("empty", "there are no labels to compare") }
  var counts: [Int: Int] = [:]
  for label in recovered { counts[label, default: 0] += 1 }
  for label in truth { counts[label, default: 0] -= 1 }
  return 1 - Double(counts.values.reduce(0) { $0 + abs($1) }) / Double(2 * truth.count)
}
