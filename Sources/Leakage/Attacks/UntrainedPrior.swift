// A network that was never trained as the prior: its form alone prefers images to noise (Ulyanov, Vedaldi, Lempitsky, "Deep image
// prior", CVPR 2018); for gradients as in CI-Net and GI-NAS. It needs no public data.
import Autodiff
import Ground
import Networks
import Tensors

/// `untrained_prior(steps: 1000)`.
///
/// An image is what a small decoder makes of fixed noise: two times convolution, instance normalisation and upsampling, then a
/// sigmoid. Adam moves the decoder's weights so that the gradient of its image comes near to the one received, with a total
/// variation. Images of a batch share the decoder and have noise of their own. Restarts begin anew, one after the other.
public struct UntrainedPrior: Attack {
  public var steps: Int
  public var rate: Double
  /// Channels inside the decoder.
  public var channels: Int
  public var restarts: Int
  public var variation: Double
  public var distance: Distance
  public var adapt: Knowledge
  /// nil: `combined`, for differences of batches `yin`.
  public var labelRule: LabelRule?

  /// - Throws: `bad-argument`.
  public init(
    steps: Int = 1000, lr rate: Double = 0.01, channels: Int = 32, restarts: Int = 1, tv variation: Double = 1e-4,
    distance: Distance = .cosine, adapt: Knowledge = .known, labelRule: LabelRule? = nil
  ) throws {
    try requireArgument(
      steps >= 1 && restarts >= 1 && (1...1024).contains(channels),
      "untrained_prior: steps and restarts must be at least 1, channels 1…1024")
    try requireArgument(
      rate > 0 && variation >= 0, "untrained_prior: the rate must be positive, tv not negative")
    self.steps = steps
    self.rate = rate
    self.channels = channels
    self.restarts = restarts
    self.variation = variation
    self.distance = distance
    self.adapt = adapt
    self.labelRule = labelRule
  }

  public var written: String {
    "untrained_prior(steps: \(steps)" + (rate == 0.01 ? "" : ", lr: \(code(rate))")
      + (channels == 32 ? "" : ", channels: \(channels)") + (restarts == 1 ? "" : ", restarts: \(restarts)")
      + (variation == 1e-4 ? "" : ", tv: \(code(variation))")
      + (distance == .cosine ? "" : ", distance: \"\(distance.rawValue)\"")
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
    guard shape.count == 3 else {
      throw Fault(
        "shape-mismatch", "\(written) makes images [c, h, w], and the model takes examples \(shapeText(shape))",
        help: "inverting_gradients()")
    }
    let labels = try labels(seen, setting, labelRule ?? .usual(for: seen), model)
    let rehearsal = try Rehearsal(seen, model, labels: labels, knowing: adapt, distance: distance)
    var terms = ImageTerms()
    terms.variation = variation
    let objective = try PixelObjective(rehearsal, seen, terms: terms)

    let search = StagedSearch(written, total: steps * restarts, setting.progress)
    func descend(_ restart: Int, steps: Int, _ report: (GeneratorDescent.Best?) -> Void) throws {
      let key = setting.key.derive("restart").derive(restart)
      try self.descend(objective, shape: shape, examples: labels.count, steps: steps, key: key, report)
    }
    let reason = try untilStopped {
      for restart in 0..<restarts {
        try descend(restart, steps: steps) { search.take($0, stage: "restart \(restart + 1)") }
      }
      return "budget"
    }
    return try search.leak(labels, reason: reason, evaluations: search.history.count) {
      try descend(0, steps: 1) { _ in }
    }
  }

  /// From weights and noise of `key`.
  private func descend(
    _ objective: PixelObjective, shape: [Int], examples: Int, steps: Int, key: RandomKey,
    _ report: (GeneratorDescent.Best?) -> Void
  ) throws {
    let dtype = objective.rehearsal.model.dtype
    let decoder = try decoder(to: shape[0], key: key.derive("weights"), dtype: dtype)
    let (h, w) = ((shape[1] + 3) / 4, (shape[2] + 3) / 4)
    let noise = Variable(
      try .normal([examples, channels, h, w], key: key.derive("noise"), dtype: dtype))
    try decoder.build(for: Array(noise.shape.dropFirst()))
    let parameters = try decoder.parameters
    try GeneratorDescent(objective, steps: steps, rate: rate).run(
      from: parameters.tensors,
      draw: {
        try decoder.forward(noise, parameters: parameters.with(values: $0), mode: .train).output
          .slice(axis: 2, from: 0, to: shape[1]).slice(axis: 3, from: 0, to: shape[2])
      }, report: report)
  }

  private func decoder(to colours: Int, key: RandomKey, dtype: DType) throws -> Model {
    let slope = Activation.leakyRelu(slope: 0.2)
    func stage() throws -> [any Layer] {
      [try Conv(channels, kernel: 3, pad: 1), InstanceNorm(), slope, try Upsample(2, mode: .bilinear)]
    }
    let layers: [any Layer] =
      try stage() + stage() + [
        try Conv(channels, kernel: 3, pad: 1), InstanceNorm(), slope, try Conv(colours, kernel: 1), Activation.sigmoid,
      ]
    return Model(layers, key: key, dtype: dtype)
  }
}
