// The reverse sweep.
import Ground
import Tensors

nonisolated(unsafe) private var sweeps = 0

/// Derivatives of `output` with respect to each of `inputs`.
///
/// - Parameters:
///   - output: one element, unless `cotangent` is given.
///   - inputs: leaves made by `watched()`, or any variables computed on the way.
///   - cotangent: weights of the elements of `output`, of its shape; by default 1.
///   - recording: whether the results can be differentiated again.
/// - Returns: one gradient per input, of its shape; nil where `output` does not depend on it.
/// - Throws: `non-scalar-gradient`, or what an operation throws.
public func gradients(
  of output: Variable, wrt inputs: [Variable], cotangent: Variable? = nil, recording: Bool
) throws -> [Variable?] {
  if let cotangent {
    guard cotangent.shape == output.shape else {
      throw Fault(
        "shape-mismatch",
        "the cotangent has shape \(shapeText(cotangent.shape)) and the output \(shapeText(output.shape))")
    }
  } else if output.size != 1 {
    throw Fault(
      "non-scalar-gradient", "a gradient is taken of one number, and the output has shape \(shapeText(output.shape))",
      help: "sum(…) or mean(…) of it")
  }
  guard let root = output.node else { return inputs.map { _ in nil } }
  sweeps &+= 1
  let sweep = sweeps
  let oldest = inputs.compactMap { $0.node?.sequence }.min() ?? Int.max

  // Everything the output depends on that is not older than all inputs.
  var nodes: [Node] = []
  var pending = [root]
  root.sweep = sweep
  while let node = pending.popLast() {
    nodes.append(node)
    for edge in node.edges {
      if let parent = edge.parent, parent.sweep != sweep, parent.sequence >= oldest {
        parent.sweep = sweep
        pending.append(parent)
      }
    }
  }
  nodes.sort { $0.sequence < $1.sequence }
  for (place, node) in nodes.enumerated() { node.place = place }

  // Which of them lead to an input.
  var leads = [Bool](repeating: false, count: nodes.count)
  for input in inputs {
    if let node = input.node, node.sweep == sweep { leads[node.place] = true }
  }
  for (place, node) in nodes.enumerated() where !leads[place] {
    for edge in node.edges {
      if let parent = edge.parent, parent.sweep == sweep, leads[parent.place] {
        leads[place] = true
        break
      }
    }
  }

  var found = [Variable?](repeating: nil, count: nodes.count)
  found[root.place] = try cotangent ?? Variable(Tensor.full(output.shape, 1, output.dtype))
  var isInput = [Bool](repeating: false, count: nodes.count)
  for input in inputs {
    if let node = input.node, node.sweep == sweep { isInput[node.place] = true }
  }
  try Recording.paused(!recording) {
    for place in stride(from: nodes.count - 1, through: 0, by: -1) where leads[place] {
      guard let gradient = found[place] else { continue }
      let node = nodes[place]
      if !isInput[place] { found[place] = nil }
      let y = node.output.map { Variable($0, recording ? node : nil) } ?? gradient
      for edge in node.edges {
        guard let parent = edge.parent, let pull = edge.pull, parent.sweep == sweep, leads[parent.place] else {
          continue
        }
        let part = try pull(gradient, y)
        found[parent.place] = try found[parent.place].map { try $0 + part } ?? part
      }
    }
  }
  return inputs.map { input in
    guard let node = input.node, node.sweep == sweep else { return nil }
    return found[node.place]
  }
}

/// The value and the gradients of a scalar function of several tensors.
public func valueAndGradients(
  at points: [Tensor], _ function: ([Variable]) throws -> Variable
) throws -> (value: Tensor, gradients: [Tensor]) {
  let leaves = points.map { Variable($0).watched() }
  let output = try function(leaves)
  let found = try gradients(of: output, wrt: leaves, recording: false)
  return (
    output.value,
    try zip(leaves, found).map { leaf, gradient in try gradient?.value ?? Tensor.zeros(leaf.shape, leaf.dtype) }
  )
}

/// The largest relative difference |a - b| / max(1, |a|, |b|) between the gradient of a scalar function and central
/// differences of step `eps`, in float64.
public func checkGradient(
  at points: [Tensor], eps: Double = 1e-5, _ function: ([Variable]) throws -> Variable
) throws -> Double {
  let start = try points.map { try $0.converted(to: .float64) }
  let exact = try valueAndGradients(at: start, function).gradients.map { try $0.doubles() }
  var worst = 0.0
  for which in start.indices {
    let numbers = try start[which].doubles()
    for index in numbers.indices {
      try Interrupt.check()
      func value(_ shift: Double) throws -> Double {
        var moved = start
        var shifted = numbers
        shifted[index] += shift
        moved[which] = try Tensor(shifted, shape: start[which].shape)
        return try withoutRecording { try function(moved.map { Variable($0) }).value.item() }
      }
      let numeric = try (value(eps) - value(-eps)) / (2 * eps)
      let a = exact[which][index]
      let difference = abs(a - numeric) / max(1, abs(a), abs(numeric))
      worst = difference.isNaN ? .infinity : max(worst, difference)
    }
  }
  return worst
}
