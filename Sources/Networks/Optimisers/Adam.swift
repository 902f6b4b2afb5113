// Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), AMSGrad (Reddi et al. 2018), as in torch.optim.
import Ground
import Tensors

/// `adam(lr: 0.001)`; with `decoupled` weight decay it is AdamW.
public struct Adam: Optimiser {
  public var rate: Double
  public var beta1: Double
  public var beta2: Double
  public var eps: Double
  public var weightDecay: Double
  /// Weight decay shrinks the parameters themselves (AdamW) instead of entering the gradient.
  public var decoupled: Bool
  public var amsgrad: Bool
  public var state = OptimiserState()

  public init(
    rate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, eps: Double = 1e-8, weightDecay: Double = 0,
    decoupled: Bool = false, amsgrad: Bool = false
  ) {
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.eps = eps
    self.weightDecay = weightDecay
    self.decoupled = decoupled
    self.amsgrad = amsgrad
  }

  /// AdamW with PyTorch's weight decay of 0.01.
  public static func adamW(rate: Double = 0.001, weightDecay: Double = 0.01) -> Adam {
    Adam(rate: rate, weightDecay: weightDecay, decoupled: true)
  }

  public var written: String {
    "\(decoupled ? "adamw" : "adam")(lr: \(rate)" + option("beta1", beta1, default: 0.9)
      + option("beta2", beta2, default: 0.999)
      + option("eps", eps, default: 1e-8) + option("weight_decay", weightDecay, default: decoupled ? 0.01 : 0)
      + option("amsgrad", amsgrad, default: false) + ")"
  }

  public mutating func step(_ parameters: [Tensor], _ gradients: [Tensor]) throws -> [Tensor] {
    state.steps += 1
    let correction1 = 1 - pow(beta1, state.steps)
    let correction2 = (1 - pow(beta2, state.steps)).squareRoot()
    let names = amsgrad ? ["m", "v", "v_max"] : ["m", "v"]
    return try advance(
      parameters, gradients, slots: names, float: AdamRule<Float>(self, rate / correction1, correction2),
      double: AdamRule<Double>(self, rate / correction1, correction2))
  }
}

private struct AdamRule<S: OptimiserScalar>: ElementRule {
  private let (shrink, decay, left1, beta2, left2, size, correction, eps): (S, S, S, S, S, S, S, S)
  private let amsgrad: Bool

  init(_ adam: Adam, _ stepSize: Double, _ correction2: Double) {
    (shrink, decay) = adam.decoupled ? (S(1 - adam.rate * adam.weightDecay), 0) : (1, S(adam.weightDecay))
    (left1, beta2, left2) = (S(1 - adam.beta1), S(adam.beta2), S(1 - adam.beta2))
    (size, correction, eps, amsgrad) = (S(stepSize), S(correction2), S(adam.eps), adam.amsgrad)
  }

  func next(_ p: S, _ g: S, _ slots: inout (S, S, S)) -> S {
    let p = p * shrink
    let g = g + decay * p
    slots.0 += left1 * (g - slots.0)
    slots.1 = beta2 * slots.1 + left2 * g * g
    if amsgrad { slots.2 = Swift.max(slots.2, slots.1) }
    return p - size * slots.0 / ((amsgrad ? slots.2 : slots.1).squareRoot() / correction + eps)
  }
}

/// base to a whole power, by repeated squaring.
func pow(_ base: Double, _ exponent: Int) -> Double {
  var (result, square, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
