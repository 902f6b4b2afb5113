// The label of one example, by what the last layer's gradient must be without noise: u vᵀ with u = p − e_y, whose only negative
// entry is the label's and undoes all others, and with v = [r, 1], the layer's input and the bias's 1.
import Tensors

/// The class y for which a matrix (p − e_y)[r, 1]ᵀ comes nearest to the gradient's rows of weights and bias.
///
/// White noise makes the nearest such matrix the most likely one. Where the rows are of rank one almost exactly, r may have any sign;
/// otherwise r is taken to be even, as it about is after a ReLU or a sigmoid.
func rankOneLabel(_ layer: LastLayer) throws -> Int {
  var rows = layer.weight
  if let bias = layer.bias { for c in rows.indices { rows[c].append(bias[c]) } }
  let width = rows[0].count
  let energy = rows.reduce(0.0) { $0 + $1.reduce(0) { $0 + $1 * $1 } }
  guard energy > 0, energy.isFinite else { return smallest(layer.rowSums, 1).first ?? 0 }

  let flat = try Tensor(rows.flatMap { $0 }, shape: [rows.count, width])
  let (sizes, vectors) = try Tensor.matmul(flat, flat.transposed()).symmetricEigen()
  var u = try vectors.select(axis: 1, index: rows.count - 1).doubles()
  // vᵀ = uᵀA points where features are; they and the bias's 1 are mostly not negative.
  let sums = rows.map { $0.reduce(0, +) }
  if u.indices.reduce(0.0, { $0 + u[$1] * sums[$1] }) < 0 { u = u.map { -$0 } }
  let exact = try sizes.doubles().last ?? 0 > 0.999 * energy
  if exact {
    let bySize = u.indices.sorted { (-abs(u[$0]), $0) < (-abs(u[$1]), $1) }
    if bySize.count > 2, abs(u[bySize[1]]) < 0.8 * abs(u[bySize[0]]) { return bySize[0] }
    return smallest(u, 1).first ?? 0
  }
  // With v = 1 for the direction of features that are not negative: one fitted to the rows fits their noise too, and found fewer
  // labels behind noise (scripts/bench/label_rules.seep).
  let fits = rows.indices.map { label in nearestResidual(sums, label: label).reduce(0) { $0 + $1 * $1 } }
  return smallest(fits.map { -$0 }, 1).first ?? 0
}

/// The vector nearest to `w` whose entries are not negative but the label's, which is minus their sum.
private func nearestResidual(_ w: [Double], label: Int) -> [Double] {
  // Σ a_j (e_j − e_label) with a_j = max(0, w_j − t) and t = w_label + Σ a_j: the left side rises with t and the right one falls.
  let others = w.indices.filter { $0 != label }
  func excess(_ t: Double) -> Double { w[label] + others.reduce(0) { $0 + max(0, w[$1] - t) } - t }
  var (low, high) = (w[label], max(w.max() ?? 0, w[label]))
  if excess(low) <= 0 { return [Double](repeating: 0, count: w.count) }
  for _ in 0..<60 {
    let middle = (low + high) / 2
    if excess(middle) > 0 { low = middle } else { high = middle }
  }
  var result = w.map { max(0, $0 - low) }
  result[label] = 0
  result[label] = -result.reduce(0, +)
  return result
}
