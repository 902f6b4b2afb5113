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

/// The formula of an optimiser for one element; a type rather than a closure, so that the loop over it is compiled whole.
protocol ElementRule {
  associatedtype Scalar: OptimiserScalar
  /// The new parameter from parameter and gradient; changes the slots (unused ones are 0).
  func next(_ p: Scalar, _ g: Scalar, _ slots: inout (Scalar, Scalar, Scalar)) -> Scalar
}

extension Optimiser {
  /// Runs the rule of the parameters' dtype over every parameter, its gradient and its slots: one pass over memory.
  mutating func advance<F: ElementRule, D: ElementRule>(
    _ parameters: [Tensor], _ gradients: [Tensor], slots names: [String], float: F, double: D
  ) throws -> [Tensor] where F.Scalar == Float, D.Scalar == Double {
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
      guard p.dtype.isFloat, p.shape == g.shape, slots.allSatisfy({ $0.shape == p.shape && $0.dtype == p.dtype }) else {
        throw Fault(
          "shape-mismatch", "parameter \(index + 1) has shape \(p.shape) and its gradient \(g.shape)",
          notes: ["An optimiser is for one list of float parameters, step after step."])
      }
      let gradient = try g.converted(to: p.dtype)
      let (value, changed) =
        try p.dtype == .float64 ? updated(p, gradient, slots, double) : updated(p, gradient, slots, float)
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

private func updated<Rule: ElementRule>(
  _ p: Tensor, _ g: Tensor, _ slots: [Tensor], _ rule: Rule
) throws -> (Tensor, [Tensor]) {
  typealias S = Rule.Scalar
  // Slots that are not used have no elements.
  func copy(_ index: Int) throws -> [S] { index < slots.count ? try S.read(slots[index]) { Array($0) } : [] }
  var (first, second, third) = (try copy(0), try copy(1), try copy(2))
  let value = try S.make(p.shape) { out in
    try S.read(p) { p in
      try S.read(g) { g in
        first.withUnsafeMutableBufferPointer { first in
          second.withUnsafeMutableBufferPointer { second in
            third.withUnsafeMutableBufferPointer { third in
              sweep(rule, p, g, out, first, second, third)
            }
          }
        }
      }
    }
  }
  return (value, try zip([first, second, third], slots).map { try Tensor($0, shape: $1.shape) })
}

private func sweep<Rule: ElementRule>(
  _ rule: Rule, _ p: UnsafeBufferPointer<Rule.Scalar>, _ g: UnsafeBufferPointer<Rule.Scalar>,
  _ out: UnsafeMutableBufferPointer<Rule.Scalar>, _ first: UnsafeMutableBufferPointer<Rule.Scalar>,
  _ second: UnsafeMutableBufferPointer<Rule.Scalar>, _ third: UnsafeMutableBufferPointer<Rule.Scalar>
) {
  let (has1, has2, has3) = (!first.isEmpty, !second.isEmpty, !third.isEmpty)
  for i in out.indices {
    var slots = (has1 ? first[i] : 0, has2 ? second[i] : 0, has3 ? third[i] : 0)
    out[i] = rule.next(p[i], g[i], &slots)
    if has1 { first[i] = slots.0 }
    if has2 { second[i] = slots.1 }
    if has3 { third[i] = slots.2 }
  }
}
