// First-order optimisers: values with an explicit state, so that they can be saved and resumed. Formulas and defaults are
// PyTorch's (torch.optim), so that published settings mean the same here.
import Ground
import Tensors

/// Everything an optimiser remembers between steps.
public struct OptimiserState: Sendable {
  /// Steps taken.
  public var steps = 0
  /// Tensors by what they are (`m`, `v`, …), one for each parameter.
  public var slots: [String: [Tensor]] = [:]

  public init() {}
}

/// Turns parameters and their gradient into the next parameters.
public protocol Optimiser: Sendable {
  /// As Seep code: `adam(lr: 0.001)`.
  var written: String { get }
  /// Learning rate; may be set between steps.
  var rate: Double { get set }
  var state: OptimiserState { get set }

  /// The parameters after one step. Shapes and order must stay the same from step to step.
  /// - Throws: `shape-mismatch`.
  mutating func step(_ parameters: [Tensor], _ gradients: [Tensor]) throws -> [Tensor]
}

extension Optimiser {
  /// Runs `update` on every parameter: it gets parameter, gradient and the old slots, element by element, and returns
  /// the new parameter and changes the slots. One pass over memory, whatever the formula.
  mutating func advance(
    _ parameters: [Tensor], _ gradients: [Tensor], slots names: [String],
    float: (_ p: Float, _ g: Float, _ slots: inout (Float, Float, Float)) -> Float,
    double: (_ p: Double, _ g: Double, _ slots: inout (Double, Double, Double)) -> Double
  ) throws -> [Tensor] {
    guard parameters.count == gradients.count else {
      throw Fault("shape-mismatch", "\(gradients.count) gradients were given for \(parameters.count) parameters")
    }
    var old: [[Tensor]] = []
    for name in names {
      let slot = try state.slots[name] ?? parameters.map { try Tensor.zeros($0.shape, $0.dtype) }
      guard slot.count == parameters.count else {
        throw Fault("shape-mismatch", "\(written) remembers \(slot.count) parameters and was given \(parameters.count)")
      }
      old.append(slot)
    }
    var result: [Tensor] = []
    var new = [[Tensor]](repeating: [], count: names.count)
    for (index, (p, g)) in zip(parameters, gradients).enumerated() {
      try Interrupt.check()
      let slots = old.map { $0[index] }
      guard p.shape == g.shape, slots.allSatisfy({ $0.shape == p.shape && $0.dtype == p.dtype }) else {
        throw Fault("shape-mismatch", "parameter \(index + 1) has shape \(p.shape) and its gradient \(g.shape)")
      }
      let (value, changed) =
        p.dtype == .float64
        ? try updated(p, g.converted(to: .float64), slots, Double.self, double)
        : try updated(p.converted(to: .float32), g.converted(to: .float32), slots, Float.self, float)
      result.append(value)
      for slot in names.indices { new[slot].append(changed[slot]) }
    }
    for (name, slot) in zip(names, new) { state.slots[name] = slot }
    return result
  }
}

/// Float and Double, as the optimisers see them.
protocol OptimiserScalar: BinaryFloatingPoint, TensorScalar {
  static func read<R>(_ tensor: Tensor, _ body: (UnsafeBufferPointer<Self>) throws -> R) throws -> R
  static func make(_ shape: [Int], _ fill: (UnsafeMutableBufferPointer<Self>) throws -> Void) throws -> Tensor
}

extension Float: OptimiserScalar {
  static func read<R>(_ tensor: Tensor, _ body: (UnsafeBufferPointer<Float>) throws -> R) throws -> R {
    try tensor.withFloats(body)
  }
  static func make(_ shape: [Int], _ fill: (UnsafeMutableBufferPointer<Float>) throws -> Void) throws -> Tensor {
    try Tensor.make(shape, fill: fill)
  }
}

extension Double: OptimiserScalar {
  static func read<R>(_ tensor: Tensor, _ body: (UnsafeBufferPointer<Double>) throws -> R) throws -> R {
    try tensor.withDoubles(body)
  }
  static func make(_ shape: [Int], _ fill: (UnsafeMutableBufferPointer<Double>) throws -> Void) throws -> Tensor {
    try Tensor.makeDoubles(shape, fill: fill)
  }
}

private func updated<S: OptimiserScalar>(
  _ p: Tensor, _ g: Tensor, _ slots: [Tensor], _: S.Type, _ update: (S, S, inout (S, S, S)) -> S
) throws -> (Tensor, [Tensor]) {
  let count = p.size
  var kept = try slots.map { try S.read($0) { Array($0) } }
  while kept.count < 3 { kept.append([]) }
  let used = slots.count
  let value = try S.make(p.shape) { out in
    try S.read(p) { p in
      try S.read(g) { g in
        for i in 0..<count {
          var values = (used > 0 ? kept[0][i] : 0, used > 1 ? kept[1][i] : 0, used > 2 ? kept[2][i] : 0)
          out[i] = update(p[i], g[i], &values)
          if used > 0 { kept[0][i] = values.0 }
          if used > 1 { kept[1][i] = values.1 }
          if used > 2 { kept[2][i] = values.2 }
        }
      }
    }
  }
  return (value, try (0..<used).map { try Tensor(kept[$0], shape: p.shape) })
}
