// GIFD (Fang, Chen, Wang, Wang, Xia, ICCV 2023): after the latent vector, what passes between the layers of the generator, one place after
// the other, each within a small ball around what reached it.
import Autodiff
import Ground
import Networks
import Tensors

/// `gifd(prior: prior("digits"))`.
///
/// Stages: the latent vectors on the spheres they began on, then the features before each further layer with weights, from those
/// that the best of the stage before makes. After each step a feature map is put back into the ball of mean absolute change `radius` around its
/// beginning. The paper's radii, 1000 to 7500 for feature maps of BigGAN of tens of thousands of numbers, are changes of some hundredths. The images
/// of the stage with the smallest loss are the leak.
public struct GIFD: Attack {
  public var prior: Prior
  /// Of each stage.
  public var steps: Int
  public var rate: Double
  /// Mean absolute change of a feature.
  public var radius: Double
  public var restarts: Int
  public var variation: Double
  /// Weight of ‖x‖₂.
  public var size: Double
  public var distance: Distance
  public var adapt: Knowledge
  /// nil: `combined`, for differences of batches `yin`.
  public var labelRule: LabelRule?

  /// - Throws: `bad-argument`.
  public init(
    prior: Prior, steps: Int = 500, lr rate: Double = 0.1, radius: Double = 0.05, restarts: Int = 4,
    tv variation: Double = 1e-4, l2 size: Double = 1e-6, distance: Distance = .cosine, adapt: Knowledge = .known,
    labelRule: LabelRule? = nil
  ) throws {
    try requireArgument(steps >= 1 && restarts >= 1, "gifd: steps and restarts must be at least 1")
    try requireArgument(
      rate > 0 && radius > 0 && variation >= 0 && size >= 0,
      "gifd: the rate and the radius must be positive, tv and l2 not negative")
    self.prior = prior
    self.steps = steps
    self.rate = rate
    self.radius = radius
    self.restarts = restarts
    self.variation = variation
    self.size = size
    self.distance = distance
    self.adapt = adapt
    self.labelRule = labelRule
  }

  public var written: String {
    "gifd(steps: \(steps)" + (rate == 0.1 ? "" : ", lr: \(code(rate))")
      + (radius == 0.05 ? "" : ", radius: \(code(radius))") + (restarts == 4 ? "" : ", restarts: \(restarts)")
      + (variation == 1e-4 ? "" : ", tv: \(code(variation))") + (size == 1e-6 ? "" : ", l2: \(code(size))")
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
    terms.size = size
    let objective = try prior.objective(seen, model, labels, knowing: adapt, distance: distance, terms: terms)
    let places = try prior.generator.weightedLayers.dropFirst()
    let search = StagedSearch(written, total: steps * (places.count + 1), setting.progress)
    let reason = try untilStopped {
      let latent = GeneratorDescent(objective, steps: steps, rate: rate, schedule: .ramp)
      guard
        let z = try prior.searchLatent(
          latent, restarts: restarts, labels: labels, key: setting.key, keepsLength: true,
          { search.take($0, stage: "latent vector") })
      else { return "budget" }
      var (passing, rest) = (try prior.input(Variable(z), labels: labels).value, prior.generator)
      var cut = 0
      for (stage, place) in places.enumerated() {
        let (first, later) = try rest.split(at: place - cut)
        let reached = try withoutRecording { try first.forward(Variable(passing)).output.value }
        var descent = GeneratorDescent(objective, steps: steps, rate: rate, schedule: .ramp)
        descent.project = { [try nearestInBall($0[0], around: reached, radius: radius)] }
        var best: GeneratorDescent.Best?
        try descent.run(from: [reached], draw: { try later.forward($0[0]).output }) {
          best = $0
          search.take($0, stage: "features \(stage + 1)")
        }
        (passing, rest, cut) = (best?.values[0] ?? reached, later, place)
      }
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

/// `features` `[n] + shape`, each example's within the ball of mean absolute change `radius` around `centre`: the nearest point of the
/// ℓ1 ball (Duchi et al., ICML 2008).
public func nearestInBall(_ features: Tensor, around centre: Tensor, radius: Double) throws -> Tensor {
  let count = max(1, features.shape[0])
  let width = features.size / count
  let change = try Tensor.combine(.sub, features, centre)
  var moved = try change.doubles()
  let limit = radius * Double(width)
  var projected = false
  for row in 0..<count {
    let own = row * width..<(row + 1) * width
    let sizes = moved[own].map(abs)
    guard sizes.reduce(0, +) > limit else { continue }
    projected = true
    var (sum, threshold) = (0.0, 0.0)
    for (index, size) in sizes.sorted(by: >).enumerated() {
      sum += size
      let candidate = (sum - limit) / Double(index + 1)
      if candidate >= size { break }
      threshold = candidate
    }
    for i in own { moved[i] = moved[i] > 0 ? max(0, moved[i] - threshold) : min(0, moved[i] + threshold) }
  }
  if !projected { return features }
  return try Tensor.combine(.add, centre, Tensor(moved, shape: features.shape).converted(to: features.dtype))
}
