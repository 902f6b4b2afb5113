// Differentially private SGD (Abadi et al., "Deep learning with differential privacy", CCS 2016).
import Autodiff
import Ground
import Networks
import Tensors

/// `dp(sigma: 1, clip: 1)`: each example's gradient is clipped to the norm `clip`, they are summed, N(0, (σ · clip)²) is added
/// once to every entry of the sum, and the sum is divided by the number of examples.
public struct DifferentialPrivacy: Defense, Equatable {
  /// The noise multiplier z: standard deviation of the noise on the sum, in units of the clipping bound.
  public let sigma: Double
  public let bound: Double
  let clip: Clip

  /// - Throws: `bad-argument` for a negative σ or a bound that is not positive.
  public init(sigma: Double, clip bound: Double) throws {
    try requireArgument(sigma >= 0 && sigma.isFinite, "dp: sigma must not be negative, and it is \(sigma)")
    try requireArgument(bound > 0 && bound.isFinite, "dp: clip must be positive, not \(bound)")
    self.sigma = sigma
    self.bound = bound
    clip = try Clip(bound, per: .example)
  }

  public var written: String { "dp(sigma: \(code(sigma)), clip: \(code(bound)))" }
  public var keepsZeros: Bool { sigma == 0 }
  public var keepsScale: Bool { false }
  public var privacy: [PrivacyEffect] { clip.privacy + [.noiseOnSum(sigma * bound)] }

  public func noiseVariance(_ examples: Int) -> Double {
    let deviation = sigma * bound / Double(max(examples, 1))
    return deviation * deviation
  }

  public var needsExamples: Bool { true }
  public func examples(_ gradients: [Tensor], names: [String], key: RandomKey) throws -> [Tensor] {
    try clip.examples(gradients, names: names, key: key)
  }

  public func mean(_ gradient: [Tensor], examples: Int, key: RandomKey) throws -> [Tensor] {
    if sigma == 0 { return gradient }
    let deviation = sigma * bound / Double(max(examples, 1))
    return try gradient.enumerated().map { index, t in
      try t.multiplyAdd(deviation, .normal(t.shape, key: key.derive(index), dtype: t.dtype))
    }
  }

  /// With a batch at hand everything happened before. The gradient of a lone example can be defended by itself.
  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    if round != nil { return update }
    let clipped = try clip.update(update, nil, key: key)
    return try clipped.with(tensors: mean(clipped.tensors, examples: 1, key: key))
  }

  /// Clipping as `clip(…, per: "example")` is imitated; the noise is white, and the squared distance is its likelihood.
  public func adapt(_ observed: Observed) throws -> Imitation {
    var own = observed
    if sigma > 0 { own.later.insert(try Noise(sigma * bound), at: 0) }
    return try clip.adapt(own)
  }
}
