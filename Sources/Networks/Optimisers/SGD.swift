// Stochastic gradient descent with momentum (Sutskever et al. 2013 for Nesterov's), and RMSprop (Hinton's lecture 6e of 2012),
// as in torch.optim.
import Ground
import Tensors

/// `sgd(lr: 0.1, momentum: 0.9)`.
public struct SGD: Optimiser {
  public var rate: Double
  public var momentum: Double
  public var dampening: Double
  public var weightDecay: Double
  public var nesterov: Bool
  public var state = OptimiserState()

  public init(
    rate: Double = 0.001, momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0, nesterov: Bool = false
  ) {
    self.rate = rate
    self.momentum = momentum
    self.dampening = dampening
    self.weightDecay = weightDecay
    self.nesterov = nesterov
  }

  public var written: String {
    "sgd(lr: \(rate)" + option("momentum", momentum, default: 0) + option("dampening", dampening, default: 0)
      + option("weight_decay", weightDecay, default: 0) + option("nesterov", nesterov, default: false) + ")"
  }

  public mutating func step(_ parameters: [Tensor], _ gradients: [Tensor]) throws -> [Tensor] {
    state.steps += 1
    let names = momentum == 0 ? [] : ["momentum"]
    return try advance(
      parameters, gradients, slots: names, float: SGDRule<Float>(self), double: SGDRule<Double>(self))
  }
}

private struct SGDRule<S: OptimiserScalar>: ElementRule {
  private let (rate, decay, momentum, share): (S, S, S, S)
  private let nesterov: Bool

  /// The first step takes the gradient as the momentum, undamped.
  init(_ sgd: SGD) {
    (rate, decay, momentum, nesterov) = (S(sgd.rate), S(sgd.weightDecay), S(sgd.momentum), sgd.nesterov)
    share = sgd.state.steps == 1 ? 1 : S(1 - sgd.dampening)
  }

  func next(_ p: S, _ g: S, _ slots: inout (S, S, S)) -> S {
    let g = g + decay * p
    guard momentum != 0 else { return p - rate * g }
    slots.0 = momentum * slots.0 + share * g
    return p - rate * (nesterov ? g + momentum * slots.0 : slots.0)
  }
}

/// `rmsprop(lr: 0.01)`.
public struct RMSprop: Optimiser {
  public var rate: Double
  public var alpha: Double
  public var eps: Double
  public var momentum: Double
  public var weightDecay: Double
  public var centred: Bool
  public var state = OptimiserState()

  public init(
    rate: Double = 0.01, alpha: Double = 0.99, eps: Double = 1e-8, momentum: Double = 0, weightDecay: Double = 0,
    centred: Bool = false
  ) {
    self.rate = rate
    self.alpha = alpha
    self.eps = eps
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.centred = centred
  }

  public var written: String {
    "rmsprop(lr: \(rate)" + option("alpha", alpha, default: 0.99) + option("eps", eps, default: 1e-8)
      + option("momentum", momentum, default: 0) + option("weight_decay", weightDecay, default: 0)
      + option("centred", centred, default: false) + ")"
  }

  public mutating func step(_ parameters: [Tensor], _ gradients: [Tensor]) throws -> [Tensor] {
    state.steps += 1
    return try advance(
      parameters, gradients, slots: ["square", "mean", "momentum"], float: RMSpropRule<Float>(self),
      double: RMSpropRule<Double>(self))
  }
}

private struct RMSpropRule<S: OptimiserScalar>: ElementRule {
  private let (rate, decay, momentum, eps, keep, take): (S, S, S, S, S, S)
  private let centred: Bool

  init(_ rmsprop: RMSprop) {
    (rate, decay, momentum, eps) = (S(rmsprop.rate), S(rmsprop.weightDecay), S(rmsprop.momentum), S(rmsprop.eps))
    (keep, take, centred) = (S(rmsprop.alpha), S(1 - rmsprop.alpha), rmsprop.centred)
  }

  func next(_ p: S, _ g: S, _ slots: inout (S, S, S)) -> S {
    let g = g + decay * p
    slots.0 = keep * slots.0 + take * g * g
    if centred { slots.1 += take * (g - slots.1) }
    let spread = (centred ? slots.0 - slots.1 * slots.1 : slots.0).squareRoot() + eps
    guard momentum != 0 else { return p - rate * g / spread }
    slots.2 = momentum * slots.2 + g / spread
    return p - rate * slots.2
  }
}
