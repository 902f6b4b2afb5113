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
  }

  public var preset: Preset
  /// How pixels are moved.
  public var descent: PixelDescent
  public var terms: ImageTerms
  public var restarts: Int
  public var distance: Distance
  public var weights: TensorWeights
  public var adapt: Knowledge
  /// nil: `combined`, for differences of batches `count_fedavg`.
  public var labelRule: LabelRule?

  public var steps: Int { descent.steps }
  /// Weight of the total variation.
  public var variation: Double { terms.variation }
  public var low: Double { descent.low }
  public var high: Double { descent.high }

  /// - Parameters:
  ///   - variation: weight of the total variation; nil: the preset's, 1e-4 or 0.1.
  ///   - features: weight of the distance of the last layer's input; nil: the preset's, 0 or 0.1.
  ///   - start: nil: the preset's.
  /// - Throws: `bad-argument`.
  public init(
    steps: Int = 4800, lr rate: Double = 0.1, tv variation: Double? = nil, restarts: Int = 1,
    preset: Preset = .original, distance: Distance = .cosine, weights: TensorWeights = .equal, sign: SlopeSign? = nil,
    start: PixelStart? = nil, features: Double? = nil, boxed: Bool = true, low: Double = 0, high: Double = 1,
    adapt: Knowledge = .known, labelRule: LabelRule? = nil
  ) throws {
    try requireArgument(steps >= 1 && restarts >= 1, "inverting_gradients: steps and restarts must be at least 1")
    try requireArgument(
      rate > 0 && variation ?? 0 >= 0 && features ?? 0 >= 0,
      "inverting_gradients: the rate must be positive, tv and features not negative")
    try requireArgument(low < high, "inverting_gradients: the range of pixels \(low)…\(high) is empty")
    self.preset = preset
    descent = PixelDescent(steps: steps, rate: rate)
    descent.boxed = boxed
    descent.low = low
    descent.high = high
    terms = ImageTerms()
    switch preset {
    case .original: terms.variation = variation ?? 1e-4
    case .modern:
      terms.variation = variation ?? Standard.variation
      terms.variationForm = .isotropic
      terms.features = Standard.features
      descent.sign = .soft
      descent.start = .patterned
      descent.schedule = .cosine
      descent.warmUp = min(50, steps / 10)
    }
    if let features { terms.features = features }
    if let sign { descent.sign = sign }
    if let start { descent.start = start }
    self.restarts = restarts
    self.distance = distance
    self.weights = weights
    self.adapt = adapt
    self.labelRule = labelRule
  }

  /// Weights of the "modern" preset.
  private enum Standard {
    static let variation = 0.1
    static let features = 0.1
  }

  public var written: String {
    let standard = preset == .modern ? (Standard.variation, Standard.features) : (1e-4, 0)
    let signs = (descent.sign, preset == .modern ? SlopeSign.soft : .hard)
    let starts = (descent.start, preset == .modern ? PixelStart.patterned : .normal)
    return "inverting_gradients(" + (preset == .original ? "" : "preset: \"\(preset.rawValue)\", ") + "steps: \(steps)"
      + (descent.rate == 0.1 ? "" : ", lr: \(code(descent.rate))")
      + (variation == standard.0 ? "" : ", tv: \(code(variation))")
      + (terms.features == standard.1 ? "" : ", features: \(code(terms.features))")
      + (restarts == 1 ? "" : ", restarts: \(restarts)")
      + (distance == .cosine ? "" : ", distance: \"\(distance.rawValue)\"")
      + (signs.0 == signs.1 ? "" : ", sign: \"\(signs.0.rawValue)\"")
      + (starts.0 == starts.1 ? "" : ", start: \"\(starts.0.rawValue)\"")
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
  /// What serves best without knowing more: `combined`; for batches of a FedAvg client, whose last layer moves, `count_fedavg`.
  static func usual(for seen: Update) -> LabelRule {
    seen.kind != .gradient && seen.examples > 1 ? .countFedAvg : .combined
  }
}
