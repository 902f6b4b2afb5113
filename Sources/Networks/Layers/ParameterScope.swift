// One pass through a model: gives each layer its parameters, collects what training changes, and, where asked, taps the
// input and output of every layer with parameters.
import Autodiff
import Ground
import Tensors

/// What a layer with parameters saw and gave in one pass: enough for the gradients of its parameters, example by example.
public struct Tap {
  public let layer: any Layer
  public let slot: LayerSlot
  /// Indices of its parameters in the model's order are `slot.parameters`.
  public let input: Variable
  /// A fresh node: differentiate with respect to it.
  public let output: Variable
}

/// The surroundings of a layer while it runs.
public final class ParameterScope {
  public let mode: Mode
  let plan: Plan
  let parameters: [Variable]
  /// For random layers; nil where a pass must not draw.
  private let key: RandomKey?
  private(set) var buffers: [Tensor]
  private(set) var taps: [Tap] = []
  private let wantsTaps: Bool
  private var next = 0
  private var current: LayerSlot?

  init(_ plan: Plan, parameters: [Variable], buffers: [Tensor], mode: Mode, key: RandomKey?, taps: Bool) {
    self.plan = plan
    self.parameters = parameters
    self.buffers = buffers
    self.mode = mode
    self.key = key
    wantsTaps = taps
  }

  /// Runs a sub-layer: the one that was visited at this point when the model was built.
  public func apply(_ layer: any Layer, _ x: Variable) throws -> Variable {
    try Interrupt.check()
    precondition(next < plan.slots.count, "a layer ran that was not built")
    let slot = plan.slots[next]
    next += 1
    let outer = current
    current = slot
    defer { current = outer }
    let y = try layer(x, self)
    guard wantsTaps, !slot.parameters.isEmpty else { return y }
    let tapped = y.watched()
    taps.append(Tap(layer: layer, slot: slot, input: x, output: tapped))
    return tapped
  }

  /// Makes `slot` current, for a layer asked about its gradients after the pass.
  func at<R>(_ slot: LayerSlot, _ body: () throws -> R) rethrows -> R {
    let outer = current
    current = slot
    defer { current = outer }
    return try body()
  }

  /// The current layer's parameter number `index`, in the order it declared them.
  public func parameter(_ index: Int) -> Variable { parameters[slot.parameters[index]] }

  /// The current layer's buffer number `index`.
  public func buffer(_ index: Int) -> Tensor { buffers[slot.buffers[index]] }

  /// A new value of a buffer, which the pass hands back.
  public func setBuffer(_ index: Int, _ value: Tensor) { buffers[slot.buffers[index]] = value }

  /// The current layer's own stream of random numbers.
  /// - Throws: `no-key` where the pass was given none.
  public func randomKey() throws -> RandomKey {
    guard let key else {
      throw Fault("no-key", "\(slot.written) draws random numbers in training, and this pass has no key for them")
    }
    return key.derive(slot.path)
  }

  /// The same; nil where the pass was given no key.
  public var optionalRandomKey: RandomKey? { key?.derive(slot.path) }

  /// What layers add to the loss of a batch.
  private(set) var penalty: Variable?

  public func addPenalty(_ term: Variable) throws { penalty = try penalty.map { try $0 + term } ?? term }

  private var slot: LayerSlot {
    guard let current else { preconditionFailure("a scope was asked outside of a layer") }
    return current
  }
}
