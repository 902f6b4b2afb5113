// Gradient inversion with a generative image prior (Jeon, Kim, Lee, Oh, Ok, NeurIPS 2021): first the latent vector, then the weights of
// the generator itself, which leaves the images it was trained to make.
import Autodiff
import Ground
import Networks
import Tensors

/// `gias(prior: prior("digits"))`.
///
/// Adam on latent vectors from `restarts` beginnings side by side, at a rate that falls in steps; then, with the best of them held still, on
/// the weights of a copy of the generator. Both on the distance of gradients with a total variation.
public struct GIAS: Attack {
  public var prior: Prior
  /// Of the latent vector, and of the weights.
  public var steps: Int
  public var rate: Double
  public var weightSteps: Int
  public var weightRate: Double
  public var restarts: Int
  public var variation: Double
  public var distance: Distance
  public var adapt: Knowledge
  /// nil: `combined`, for differences of batches `yin`.
  public var labelRule: LabelRule?

  /// - Throws: `bad-argument`.
  public init(
    prior: Prior, steps: Int = 500, lr rate: Double = 0.03, weightSteps: Int = 1000, weightRate: Double = 1e-3,
    restarts: Int = 4, tv variation: Double = 1e-4, distance: Distance = .cosine, adapt: Knowledge = .known,
    labelRule: LabelRule? = nil
  ) throws {
    try requireArgument(
      steps >= 1 && weightSteps >= 0 && restarts >= 1,
      "gias: steps and restarts must be at least 1, weight_steps not negative")
    try requireArgument(
      rate > 0 && weightRate > 0 && variation >= 0, "gias: the rates must be positive, tv not negative")
    self.prior = prior
    self.steps = steps
    self.rate = rate
    self.weightSteps = weightSteps
    self.weightRate = weightRate
    self.restarts = restarts
    self.variation = variation
    self.distance = distance
    self.adapt = adapt
    self.labelRule = labelRule
  }

  public var written: String {
    "gias(steps: \(steps), weight_steps: \(weightSteps)" + (rate == 0.03 ? "" : ", lr: \(code(rate))")
      + (weightRate == 1e-3 ? "" : ", weight_lr: \(code(weightRate))")
      + (restarts == 4 ? "" : ", restarts: \(restarts)")
      + (variation == 1e-4 ? "" : ", tv: \(code(variation))")
      + (distance == .cosine ? "" : ", distance: \"\(distance.rawValue)\"")
      + (labelRule.map { ", rule: \"\($0.name)\"" } ?? "")
      + (adapt == .known ? "" : ", adapt: \"\(adapt.rawValue)\"") + ")"
  }

  public var threatModel: ThreatModel {
    ThreatModel(knows: [.exampleCount, .prior] + ThreatModel.facts(for: adapt))
  }
  public var accepts: Accepted { [.differences, .trainMode] }
  public var ingredients: [Tensor] { (try? prior.generator.parameters.tensors) ?? [] }

  public func adapting(_ knowledge: Knowledge) -> (any Attack)? {
    var other = self
    other.adapt = knowledge
    return other
  }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    let labels = try labels(seen, setting, labelRule ?? .usual(for: seen), model)
    var terms = ImageTerms()
    terms.variation = variation
    let objective = try prior.objective(seen, model, labels, knowing: adapt, distance: distance, terms: terms)
    let search = StagedSearch(written, total: steps + weightSteps, setting.progress)
    let reason = try untilStopped {
      let latent = GeneratorDescent(objective, steps: steps, rate: rate, schedule: .decay)
      guard
        let found = try prior.searchLatent(
          latent, restarts: restarts, labels: labels, key: setting.key, { search.take($0, stage: "latent vector") })
      else { return "budget" }
      let input = try prior.input(Variable(found), labels: labels)
      let weights = try prior.generator.parameters
      try GeneratorDescent(objective, steps: weightSteps, rate: weightRate).run(
        from: weights.tensors,
        draw: { try prior.generator.forward(input, parameters: weights.with(values: $0)).output },
        report: { search.take($0, stage: "weights") })
      return "budget"
    }
    let latentSteps = min(steps, search.history.count)
    return try search.leak(
      labels, reason: reason, evaluations: latentSteps * restarts + search.history.count - latentSteps
    ) {
      let once = GeneratorDescent(objective, steps: 1, rate: rate)
      _ = try prior.searchLatent(once, restarts: 1, labels: labels, key: setting.key, { _ in })
    }
  }
}

extension Prior {
  /// What attacks that search by way of this generator minimise.
  func objective(
    _ seen: Update, _ model: Model, _ labels: [Int], knowing: Knowledge, distance: Distance, terms: ImageTerms
  ) throws -> PixelObjective {
    try prepare(model)
    try seen.check(against: model)
    return try PixelObjective(
      Rehearsal(seen, model, labels: labels, knowing: knowing, distance: distance), seen, terms: terms)
  }

  /// Adam on latent vectors from normal beginnings side by side.
  /// - Parameter keepsLength: each stays on the sphere it began on.
  /// - Returns: the latent vectors of the best images, `[examples, latent]`; nil where no loss was finite.
  func searchLatent(
    _ descent: GeneratorDescent, restarts: Int, labels: [Int], key: RandomKey,
    keepsLength: Bool = false, _ report: (GeneratorDescent.Best?) -> Void
  ) throws -> Tensor? {
    let start = try Tensor.normal(
      [restarts * labels.count, latent], key: key.derive("latent"), dtype: generator.dtype)
    let classes = (0..<restarts).flatMap { _ in labels }
    func lengths(_ rows: Tensor) throws -> Tensor {
      try rows.map(.square).reduce(.sum, axes: [1], keep: true).map(.sqrt)
    }
    var descent = descent
    if keepsLength {
      let radii = try lengths(start)
      descent.project = {
        let now = try Tensor.combine(.maximum, lengths($0[0]), 1e-12)
        return [try Tensor.combine(.mul, $0[0], Tensor.combine(.div, radii, now))]
      }
    }
    var best: GeneratorDescent.Best?
    try descent.run(from: [start], draw: { try images($0[0], labels: classes) }) {
      best = $0
      report($0)
    }
    return try best.map {
      try $0.values[0].slice(axis: 0, from: $0.trial * labels.count, to: ($0.trial + 1) * labels.count).contiguous()
    }
  }
}
