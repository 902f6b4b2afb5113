// Inverting gradients (Geiping, Bauermeister, Dröge, Moeller, NeurIPS 2020): cosine distance of gradients plus total
// variation over pixels, signed Adam, pixels kept in their range.
import Autodiff
import Ground
import Networks
import Tensors

/// `inverting_gradients(steps: 4800, tv: 1e-4)`.
public struct InvertingGradients: Attack {
  public var steps: Int
  public var rate: Double
  /// Weight of the total variation.
  public var variation: Double
  public var restarts: Int
  public var distance: Distance
  public var weights: TensorWeights
  public var signed: Bool
  /// Pixels are kept in `low...high`.
  public var boxed: Bool
  public var low: Double
  public var high: Double
  public var adapt: Knowledge
  public var labelRule: LabelRule

  /// - Throws: `bad-argument`.
  public init(
    steps: Int = 4800, lr rate: Double = 0.1, tv variation: Double = 1e-4, restarts: Int = 1,
    distance: Distance = .cosine,
    weights: TensorWeights = .equal, signed: Bool = true, boxed: Bool = true, low: Double = 0, high: Double = 1,
    adapt: Knowledge = .none, labelRule: LabelRule = .combined
  ) throws {
    try requireArgument(steps >= 1 && restarts >= 1, "inverting_gradients: steps and restarts must be at least 1")
    try requireArgument(
      rate > 0 && variation >= 0, "inverting_gradients: the rate must be positive and tv not negative")
    try requireArgument(low < high, "inverting_gradients: the range of pixels \(low)…\(high) is empty")
    self.steps = steps
    self.rate = rate
    self.variation = variation
    self.restarts = restarts
    self.distance = distance
    self.weights = weights
    self.signed = signed
    self.boxed = boxed
    self.low = low
    self.high = high
    self.adapt = adapt
    self.labelRule = labelRule
  }

  public var written: String {
    "inverting_gradients(steps: \(steps)" + (variation == 1e-4 ? "" : ", tv: \(code(variation))")
      + (restarts == 1 ? "" : ", restarts: \(restarts)") + (adapt == .none ? "" : ", adapt: \"\(adapt.rawValue)\"")
      + ")"
  }

  public var threatModel: ThreatModel {
    ThreatModel(knows: [.exampleCount, .imageShape] + ThreatModel.facts(for: adapt))
  }
  public func adapting(_ knowledge: Knowledge) -> (any Attack)? {
    var other = self
    other.adapt = knowledge
    return other
  }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    guard let shape = model.inputShape else {
      throw Fault("model-not-built", "\(written) needs the shape of an example, and \(model.written) has not met one")
    }
    let labels = try labels(seen, setting, labelRule)
    let model = try adapted(model, to: seen, knowing: adapt)
    let matching = try Matching(seen, knowing: adapt, distance: distance, weights: weights)
    var best: (images: Tensor, loss: Double)?
    var history: [Double] = []
    let reason = try untilStopped {
      for restart in 0..<restarts {
        // Noise of the scale of normalised images: half the range around its middle, as N(0, 1) is for images in ±1.
        let start = try Tensor.normal([seen.examples] + shape, key: setting.key.derive(restart))
        let half = (high - low) / 2
        let pixels = try Tensor.combine(.add, Tensor.combine(.mul, start, half), low + half)
        try descend(from: pixels, matching, labels, model) { images, loss in
          if loss < best?.loss ?? .infinity { best = (images, loss) }
          history.append(best?.loss ?? .infinity)
          if history.count % 10 == 0 {
            setting.progress.report(
              ProgressReport(
                written, done: history.count, total: steps * restarts, remark: "loss \(short(best?.loss ?? .infinity))")
            )
          }
        }
      }
      return "budget"
    }
    guard let best else { throw reason == "interrupted" ? Fault.interrupted : Fault("diverged", "\(written) diverged") }
    return Leak(
      images: best.images, labels: labels, loss: best.loss, history: history, evaluations: history.count,
      interrupted: reason == "interrupted")
  }

  /// The steps of one beginning; `report` gets each point and its loss before the step.
  /// - Returns: the images after the last step.
  @discardableResult public func descend(
    from start: Tensor, _ matching: Matching, _ labels: [Int], _ model: Model,
    _ report: (_ images: Tensor, _ loss: Double) -> Void
  ) throws -> Tensor {
    var optimiser = Adam(rate: rate)
    var images = start
    let targets = Labels.classes(try labelTensor(labels))
    for step in 0..<steps {
      try Interrupt.check()
      let x = Variable(images).watched()
      let gradient = try model.gradient(x, targets, recording: true)
      var loss = try matching(gradient.values.map { try $0.unsqueeze(axis: 0) }).sum()
      if variation > 0 { loss = try loss + variation * totalVariation(x) }
      guard let slope = try gradients(of: loss, wrt: [x], recording: false)[0]?.value else { return images }
      let value = try loss.value.item()
      guard value.isFinite else { return images }
      report(images, value)
      optimiser.rate = Schedule.decay(steps: steps).rate(rate, at: step)
      images = try optimiser.step([images], [signed ? slope.map(.sign) : slope])[0]
      if boxed { images = try images.clamp(low, high) }
    }
    return images
  }
}
