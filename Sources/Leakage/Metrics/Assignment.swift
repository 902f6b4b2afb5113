// The assignment problem: which reconstruction belongs to which image of a batch.
import Ground

/// For each row the column it is given, each column once, so that the summed cost is least. As many rows as columns.
///
/// Kuhn and Munkres' method in the O(n³) form with potentials (Jonker, Volgenant 1987 describe it). NaN costs count as
/// larger than all others.
/// - Throws: `shape-mismatch` for a cost table that is not square.
public func leastCostAssignment(_ cost: [[Double]]) throws -> [Int] {
  let n = cost.count
  guard cost.allSatisfy({ $0.count == n }) else {
    throw Fault("shape-mismatch", "an assignment needs as many columns as rows; the table of costs has \(n) rows")
  }
  let finite = cost.joined().filter(\.isFinite)
  let largest = (finite.map(abs).max() ?? 1) * Double(n + 1) + 1
  // Row and column 0 are a sentinel; `owner[j]` is the row that has column j.
  var rowPotential = [Double](repeating: 0, count: n + 1)
  var columnPotential = rowPotential
  var owner = [Int](repeating: 0, count: n + 1)
  var before = owner
  for row in 1..<(n + 1) {
    owner[0] = row
    var column = 0
    var least = [Double](repeating: .infinity, count: n + 1)
    var used = [Bool](repeating: false, count: n + 1)
    repeat {
      used[column] = true
      let current = owner[column]
      var step = Double.infinity
      var next = 0
      for j in 1...n where !used[j] {
        let price = cost[current - 1][j - 1]
        let reduced = (price.isFinite ? price : largest) - rowPotential[current] - columnPotential[j]
        if reduced < least[j] { (least[j], before[j]) = (reduced, column) }
        if least[j] < step { (step, next) = (least[j], j) }
      }
      for j in 0...n {
        if used[j] {
          rowPotential[owner[j]] += step
          columnPotential[j] -= step
        } else {
          least[j] -= step
        }
      }
      column = next
    } while owner[column] != 0
    while column != 0 {
      owner[column] = owner[before[column]]
      column = before[column]
    }
  }
  var result = [Int](repeating: 0, count: n)
  for j in stride(from: 1, through: n, by: 1) { result[owner[j] - 1] = j - 1 }
  return result
}
