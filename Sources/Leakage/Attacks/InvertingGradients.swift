// Inverting gradients (Geiping, Bauermeister, Dröge, Moeller, NeurIPS 2020): cosine distance of gradients plus total
// variation over pixels, signed Adam, pixels kept in their range. Batches, and FedAvg by rehearsing the client's steps.
import Autodiff
import Ground
import Networks
import Tensors

/// `inverting_gradients(steps: 4800, tv: 1e-4)`.
public struct InvertingGradients: Attack {
  /// Settings from the literature.
  public enum Preset: String, Sendable, CaseIterable {
    /// The paper's.
    case original
    /// breaching's "modern" (Geiping et al.): patterned beginning, soft signs, cosine decay after 50 steps of warm-up, isotropic total
    /// variation of opponent colours, and the last layer's input as far as the gradient tells it.
    case modern
    /// breaching's "legacy": as `modern` from a grey beginning, with the statistics of batch normalisation (5e-5).
    case legacy
    /// breaching's "clsattack": as `modern`, with a variation of 0.2 and without features.
    case clsattack
    /// Wei et al., "A Framework for Evaluating Client Privacy Leakages in Federated Learning", ESORICS 2020, as breaching has it: squared distance and
    /// the model's own loss, from a pattern, by L-BFGS.
    case wei
    /// Wang et al., "Beyond Inferring Class Representatives", INFOCOM 2019, as breaching has it: squared distance and steep variation, by L-BFGS.
    case beyondInferring = "beyond_inferring"

    /// What the other settings are unless they are given.
    fileprivate var standard:
      (
        steps: Int, rate: Double, variation: Double, features: Double, distance: Distance, sign: SlopeSign,
        start: PixelStart
      )
    {
      switch self {
      case .original: (4800, 0.1, 1e-4, 0, .cosine, .hard, .normal)
      case .modern: (4800, 0.1, 0.1, 0.1, .cosine, .soft, .patterned)
      case .legacy: (4800, 0.1, 0.1, 0.1, .cosine, .soft, .grey)
      case .clsattack: (4800, 0.1, 0.2, 0, .cosine, .soft, .patterned)
      case .wei: (300, 1, 0, 0, .l2, .none, .patterned16)
      case .beyondInferring: (400, 1, 0.2352, 0, .l2, .none, .normal)
      }
    }
  }

  public var preset: Preset
  /// How pixels are moved.
  public var descent: PixelDescent
  public var terms: ImageTerms
  public var restarts: Int
  public var distance: Distance
  public var weights: TensorWeights
  public var adapt: Knowledge
  /// nil: `combined`, for differences of batches `yin`.
  public var labelRule: LabelRule?

  public var steps: Int { descent.steps }
  /// Weight of the total variation.
  public var variation: Double { terms.variation }
  public var low: Double { descent.low }
  public var high: Double { descent.high }

  /// - Parameters:
  ///   - variation: weight of the total variation.
  ///   - features: weight of the distance of the last layer's input.
  ///   - steps, rate, variation, distance, sign, start, features: nil: the preset's.
  /// - Throws: `bad-argument`.
  public init(
    steps: Int? = nil, lr rate: Double? = nil, tv variation: Double? = nil, restarts: Int = 1,
    preset: Preset = .original, distance: Distance? = nil, weights: TensorWeights = .equal, sign: SlopeSign? = nil,
    start: PixelStart? = nil, features: Double? = nil, boxed: Bool = true, low: Double = 0, high: Double = 1,
    adapt: Knowledge = .known, labelRule: LabelRule? = nil
  ) throws {
    let standard = preset.standard
    let (steps, rate) = (steps ?? standard.steps, rate ?? standard.rate)
    try requireArgument(steps >= 1 && restarts >= 1, "inverting_gradients: steps and restarts must be at least 1")
    try requireArgument(
      restarts <= 10_000, "inverting_gradients: at most 10000 restarts run side by side, not \(restarts)")
    try requireArgument(
      rate > 0 && variation ?? 0 >= 0 && features ?? 0 >= 0,
      "inverting_gradients: the rate must be positive, tv and features not negative")
    try requireArgument(low < high, "inverting_gradients: the range of pixels \(low)…\(high) is empty")
    self.preset = preset
    descent = PixelDescent(steps: steps, rate: rate)
    descent.boxed = boxed
    descent.low = low
    descent.high = high
    descent.sign = sign ?? standard.sign
    descent.start = start ?? standard.start
    terms = ImageTerms()
    terms.variation = variation ?? standard.variation
    terms.features = features ?? standard.features
    switch preset {
    case .original: break
    case .modern, .legacy, .clsattack:
      terms.variationForm = .isotropic
      terms.statistics = preset == .legacy ? 5e-5 : 0
      descent.schedule = .cosine
      descent.warmUp = min(50, steps / 10)
    case .wei:
      terms.task = 1
      descent.isQuasiNewton = true
    case .beyondInferring:
      terms.variationForm = .steep
      descent.isQuasiNewton = true
    }
    self.restarts = restarts
    self.distance = distance ?? standard.distance
    self.weights = weights
    self.adapt = adapt
    self.labelRule = labelRule
  }

  public var written: String {
    let standard = preset.standard
    return "inverting_gradients(" + (preset == .original ? "" : "preset: \"\(preset.rawValue)\", ") + "steps: \(steps)"
      + (descent.rate == standard.rate ? "" : ", lr: \(code(descent.rate))")
      + (variation == standard.variation ? "" : ", tv: \(code(variation))")
      + (terms.features == standard.features ? "" : ", features: \(code(terms.features))")
      + (restarts == 1 ? "" : ", restarts: \(restarts)")
      + (distance == standard.distance ? "" : ", distance: \"\(distance.rawValue)\"")
      + (descent.sign == standard.sign ? "" : ", sign: \"\(descent.sign.rawValue)\"")
      + (descent.start == standard.start ? "" : ", start: \"\(descent.start.rawValue)\"")
      + (labelRule.map { ", rule: \"\($0.name)\"" } ?? "")
      + (adapt == .known ? "" : ", adapt: \"\(adapt.rawValue)\"") + ")"
  }

  public var threatModel: ThreatModel {
    ThreatModel(knows: [.exampleCount, .imageShape] + ThreatModel.facts(for: adapt))
  }
  public var accepts: Accepted { [.differences, .trainMode] }

  public func adapting(_ knowledge: Knowledge) -> (any Attack)? {
    var other = self
    other.adapt = knowledge
    return other
  }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    let shape = try exampleShape(model)
    let labels = try labels(seen, setting, labelRule ?? .usual(for: seen), model)
    let rehearsal = try Rehearsal(
      seen, model, labels: labels, knowing: adapt, distance: distance, weights: weights)
    let found = try descent.run(
      PixelObjective(rehearsal, seen, terms: terms), trials: restarts, shape: shape, key: setting.key, name: written,
      progress: setting.progress)
    return Leak(
      images: found.images, labels: labels, loss: found.loss, history: found.history, evaluations: found.evaluations,
      interrupted: found.interrupted)
  }

  /// The steps of one beginning; `report` gets each point and its loss before the step.
  /// - Returns: the images after the last step.
  @discardableResult public func descend(
    from start: Tensor, _ matching: Matching, _ labels: [Int], _ model: Model,
    _ report: (_ images: Tensor, _ loss: Double) -> Void
  ) throws -> Tensor {
    let objective = try PixelObjective(Rehearsal(matching, model, labels: labels), nil, terms: terms)
    return try descent.descend(from: start, objective, key: RandomKey(seed: 0)) { report($0, $1[0]) }
  }
}

extension Attack {
  /// Shape of the examples an attack makes.
  /// - Throws: `model-not-built`.
  func exampleShape(_ model: Model) throws -> [Int] {
    guard let shape = model.inputShape else {
      throw Fault("model-not-built", "\(written) needs the shape of an example, and \(model.written) has not met one")
    }
    return shape
  }
}

extension LabelRule {
  /// What serves best without knowing more, by `scripts/bench/label_rules.seep`: `combined`; for batches of a FedAvg client, whose last
  /// layer moves, `yin`.
  static func usual(for seen: Update) -> LabelRule {
    seen.kind != .gradient && seen.examples > 1 ? .yin : .combined
  }
}
