// The reverse sweep.
import Ground
import Synchronization
import Tensors

/// Numbers the sweeps. A graph belongs to one thread at a time: a sweep leaves its marks in the nodes.
private let sweeps = Atomic<Int>(0)

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
  guard cotangent != nil || output.size == 1 else {
    throw Fault(
      "non-scalar-gradient", "a gradient is taken of one number, and the output has shape \(shapeText(output.shape))",
      help: "sum(…) or mean(…) of it")
  }
  let weights = try cotangent ?? Variable(Tensor.full(output.shape, 1, output.dtype))
  return try gradients(of: [output], cotangents: [weights], wrt: inputs, recording: recording)
}

/// Derivatives of Σᵢ ⟨outputᵢ, cotangentᵢ⟩, as above, in one sweep.
/// - Throws: `shape-mismatch` for a cotangent of another shape than its output's.
public func gradients(
  of outputs: [Variable], cotangents: [Variable], wrt inputs: [Variable], recording: Bool
) throws -> [Variable?] {
  guard outputs.count == cotangents.count else {
    throw Fault("shape-mismatch", "\(cotangents.count) cotangents for \(outputs.count) outputs")
  }
  for (output, cotangent) in zip(outputs, cotangents) where output.shape != cotangent.shape {
    throw Fault(
      "shape-mismatch",
      "the cotangent has shape \(shapeText(cotangent.shape)) and the output \(shapeText(output.shape))")
  }
  let sweep = Sweep(outputs.compactMap(\.node), inputs.compactMap(\.node))
  return try Recording.paused(!recording) {
    let found = try sweep.run(outputs, cotangents)
    return inputs.map { input in input.node.flatMap { sweep.place(of: $0) }.flatMap { found[$0] } }
  }
}

/// The part of a graph that one call walks: what the outputs depend on, operands before results.
private struct Sweep {
  private let number = sweeps.wrappingAdd(1, ordering: .relaxed).newValue
  private var nodes: [Node] = []
  /// Whether a node leads to an input; only those get gradients.
  private var leads: [Bool]
  private var isInput: [Bool]

  init(_ roots: [Node], _ inputs: [Node]) {
    // Nothing older than all inputs depends on them.
    let oldest = inputs.map(\.sequence).min() ?? Int.max
    var pending: [Node] = []
    for root in roots where root.sweep != number && root.sequence >= oldest {
      root.sweep = number
      pending.append(root)
    }
    while let node = pending.popLast() {
      nodes.append(node)
      for edge in node.edges {
        if let parent = edge.parent, parent.sweep != number, parent.sequence >= oldest {
          parent.sweep = number
          pending.append(parent)
        }
      }
    }
    nodes.sort { $0.sequence < $1.sequence }
    for (place, node) in nodes.enumerated() { node.place = place }
    isInput = [Bool](repeating: false, count: nodes.count)
    leads = isInput
    for input in inputs where input.sweep == number { isInput[input.place] = true }
    for (index, node) in nodes.enumerated() {
      leads[index] = isInput[index] || node.edges.contains { place(of: $0.parent).map { leads[$0] } ?? false }
    }
  }

  func place(of node: Node?) -> Int? {
    guard let node, node.sweep == number else { return nil }
    return node.place
  }

  /// From the newest node to the oldest: every gradient is complete before it is passed on.
  func run(_ outputs: [Variable], _ cotangents: [Variable]) throws -> [Variable?] {
    var found = [Variable?](repeating: nil, count: nodes.count)
    func add(_ part: Variable, at place: Int) throws {
      found[place] = try found[place].map { try $0 + part } ?? part
    }
    for (output, cotangent) in zip(outputs, cotangents) {
      if let place = self.place(of: output.node), leads[place] { try add(cotangent, at: place) }
    }
    for place in nodes.indices.reversed() where leads[place] {
      guard let gradient = found[place] else { continue }
      let node = nodes[place]
      if !isInput[place] { found[place] = nil }
      let y = node.output.map { Variable($0, Recording.isPaused ? nil : node) } ?? gradient
      for edge in node.edges {
        guard let pull = edge.pull, let parent = self.place(of: edge.parent), leads[parent] else { continue }
        try add(pull(gradient, y), at: parent)
      }
    }
    return found
  }
}
