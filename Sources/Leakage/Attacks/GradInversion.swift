// See through gradients (Yin, Mallya, Vahdat, Alvarez, Kautz, Molchanov, CVPR 2021): batches, by the statistics that batch
// normalisation remembers and by several seeds that are kept together.
import Autodiff
import Ground
import Networks
import Tensors

/// `grad_inversion(steps: 2000, seeds: 8)`.
///
/// Minimises 0.001 Σ_l ‖g̃_l − y_l‖₂ + 1e-4 TV + 1e-6 ‖x‖₂ + 0.1 BN, every seed drawn to the seeds' mean with weight 0.01 (the paper's lazy
/// form, without registration) from a quarter of the steps on; Adam, 50 steps of warm-up, half a cosine down, and Langevin noise on
/// the pixels. Without batch normalisation in the model its term is left out.
public struct GradInversion: Attack {
  public var descent: PixelDescent
  public var terms: ImageTerms
  public var seeds: Int
  /// Multiplies the distance of gradients.
  public var gradient: Double
  public var distance: Distance
  public var adapt: Knowledge
  public var labelRule: LabelRule

  /// - Throws: `bad-argument`.
  public init(
    steps: Int = 2000, lr rate: Double = 0.1, seeds: Int = 8, gradient: Double = 1e-3, tv: Double = 1e-4,
    l2: Double = 1e-6, bn: Double = 0.1, group: Double = 0.01, langevin: Double = 0.2, distance: Distance = .l2norm,
    adapt: Knowledge = .known, labelRule: LabelRule = .yin
  ) throws {
    try requireArgument(steps >= 1 && seeds >= 1, "grad_inversion: steps and seeds must be at least 1")
    try requireArgument(seeds <= 10_000, "grad_inversion: at most 10000 seeds run side by side, not \(seeds)")
    try requireArgument(rate > 0 && gradient > 0, "grad_inversion: the rate and the gradient's weight must be positive")
    try requireArgument(
      [tv, l2, bn, group, langevin].allSatisfy { $0 >= 0 && $0.isFinite },
      "grad_inversion: the weights must not be negative")
    descent = PixelDescent(steps: steps, rate: rate)
    descent.schedule = .cosine
    descent.warmUp = min(50, steps / 10)
    descent.sign = .none
    descent.langevin = langevin
    descent.group = group
    descent.groupFrom = steps / 4
    terms = ImageTerms()
    terms.variation = tv
    terms.size = l2
    terms.statistics = bn
    self.seeds = seeds
    self.gradient = gradient
    self.distance = distance
    self.adapt = adapt
    self.labelRule = labelRule
  }

  public var written: String {
    func option(_ name: String, _ value: Double, _ standard: Double) -> String {
      value == standard ? "" : ", \(name): \(code(value))"
    }
    return "grad_inversion(steps: \(descent.steps)" + (seeds == 8 ? "" : ", seeds: \(seeds)")
      + option("lr", descent.rate, 0.1) + option("gradient", gradient, 1e-3) + option("tv", terms.variation, 1e-4)
      + option("l2", terms.size, 1e-6) + option("bn", terms.statistics, 0.1) + option("group", descent.group, 0.01)
      + option("langevin", descent.langevin, 0.2)
      + (distance == .l2norm ? "" : ", distance: \"\(distance.rawValue)\"")
      + (labelRule.name == "yin" ? "" : ", rule: \"\(labelRule.name)\"")
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
    let labels = try labels(seen, setting, labelRule, model)
    let rehearsal = try Rehearsal(seen, model, labels: labels, knowing: adapt, distance: distance)
    let found = try descent.run(
      PixelObjective(rehearsal, seen, terms: terms, scale: gradient), trials: seeds, shape: shape, key: setting.key,
      name: written, progress: setting.progress)
    return Leak(
      images: found.images, labels: labels, loss: found.loss, history: found.history, evaluations: found.evaluations,
      interrupted: found.interrupted)
  }
}
