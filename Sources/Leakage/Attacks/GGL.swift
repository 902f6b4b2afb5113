// Generative gradient leakage (Li, Zhang, Liu, Liu: "Auditing privacy defenses in federated learning via generative gradient
// leakage", CVPR 2022): search a generator's latent space for an image whose gradient, defended alike, is the one received.
// A population is one batch: the generator runs once on it, and the victim model gives every candidate's gradient in one pass.
import Autodiff
import Ground
import Networks
import Tensors

/// GGL's loss over latent vectors: Σ_l w_l ‖T̂(g̃)_l − y_l‖² / L + 0.1 · KLD(z).
public struct GGLObjective {
  public let model: Model
  public let matching: Matching
  /// One for each example of the update.
  public let labels: [Int]
  /// Coordinates of one latent vector; a point has as many for each example.
  public let latent: Int
  /// Weight of KLD; 0 with `squash`.
  public let regularisation: Double
  /// tanh before the generator, which keeps latents in ±1 (GGL for ImageNet).
  public let squash: Bool
  /// `[m, latent]` and m labels to images.
  public let generate: (Variable, [Int]) throws -> Variable

  public init(
    model: Model, matching: Matching, labels: [Int], latent: Int, regularisation: Double = 0.1, squash: Bool = false,
    generate: @escaping (Variable, [Int]) throws -> Variable
  ) {
    self.model = model
    self.matching = matching
    self.labels = labels
    self.latent = latent
    self.regularisation = regularisation
    self.squash = squash
    self.generate = generate
  }

  /// The loss of each of n points `z` `[n, examples · latent]`, with the images: `[n]`, `[n · examples, c, h, w]`.
  public func callAsFunction(_ z: Variable) throws -> (losses: Variable, images: Variable) {
    let (count, batch) = (z.shape[0], labels.count)
    let rows = try z.reshape([count * batch, latent])
    let classes = (0..<count).flatMap { _ in labels }
    let images = try generate(squash ? rows.tanh() : rows, classes)
    let targets = Labels.classes(try labelTensor(classes))
    var losses: Variable
    if batch == 1, z.isTracked {
      losses = try matching(model.trackedGradients(images, targets))
    } else {
      losses = try matching(
        model.perExampleGradients(images, targets, recording: z.isTracked).map {
          batch == 1 ? $0 : try $0.reshape([count, batch] + $0.shape.dropFirst()).mean(axes: [1])
        })
    }
    if regularisation > 0, !squash {
      let penalty = try latentDivergence(rows).reshape([count, batch]).mean(axes: [1])
      losses = try losses + regularisation * penalty
    }
    return (losses, images)
  }

  /// The same for points that need no slopes: gradients are summed up as they are found, not kept.
  public func values(_ z: Tensor) throws -> (losses: Tensor, images: Tensor) {
    guard let plan = matching.streamPlan, z.dtype == .float32 else {
      let (losses, images) = try self(Variable(z))
      return (losses.value, images.value)
    }
    let batch = labels.count
    var losses: [Double] = []
    var parts: [Tensor] = []
    for start in stride(from: 0, to: z.shape[0], by: chunk) {
      let points = try z.slice(axis: 0, from: start, to: min(z.shape[0], start + chunk))
      let count = points.shape[0]
      let rows = Variable(try points.reshape([count * batch, latent]))
      let classes = (0..<count).flatMap { _ in labels }
      let images = try withoutRecording { try generate(squash ? rows.tanh() : rows, classes) }
      let sources = try model.gradientSources(images, .classes(labelTensor(classes)), group: batch)
      var own = try matching.distances(sources, plan)
      if regularisation > 0, !squash {
        let penalty = try latentDivergence(rows).reshape([count, batch]).mean(axes: [1]).value.doubles()
        for i in 0..<count { own[i] += regularisation * penalty[i] }
      }
      losses += own
      parts.append(images.value)
    }
    let images = parts.count == 1 ? parts[0] : try Tensor.concat(parts, axis: 0)
    return (try Tensor(losses.map { Float($0) }, shape: [losses.count]), images)
  }

  /// Candidates that go through the model at once: enough to fill it, few enough that what its layers make (some 200 MB) fits.
  private var chunk: Int {
    let numbers = model.plan?.slots.reduce(0) { $0 + $1.output.reduce(1, *) } ?? 0
    return max(1, min(256, (50 << 20) / max(1, numbers * labels.count)))
  }

  /// Losses, images, and the slope of each loss with respect to its point: `[n]`, `[n · examples, c, h, w]`, the shape of `z`.
  public func withSlopes(_ z: Tensor) throws -> (losses: Tensor, images: Tensor, slopes: Tensor) {
    let watched = Variable(z).watched()
    let (losses, images) = try self(watched)
    let slope = try gradients(of: losses.sum(), wrt: [watched], recording: false)[0]
    return (losses.value, images.value, try slope?.value ?? Tensor.zeros(z.shape))
  }
}

/// KLD(z) = −½ (1 + ln(s² + 1e-10) − m² − s²) with mean m and biased variance s² of each row's coordinates: `[n]`. 0 where the
/// coordinates look standard normal; z = 0 gives 11.0129255.
public func latentDivergence(_ z: Variable) throws -> Variable {
  let mean = try z.mean(axes: [1])
  let variance = try z.variance(axes: [1], biased: true)
  return try -0.5 * (1 + (variance + 1e-10).log() - mean.square() - variance)
}

/// `ggl(prior: prior("digits"), search: cma_es(budget: 5000))`.
public struct GGL: Attack {
  public var prior: Prior
  public var search: any Search
  /// How it adapts to the defense.
  public var adapt: Knowledge
  public var labelRule: LabelRule
  public var distance: Distance
  public var weights: TensorWeights
  /// Weight of the divergence of the latent vector from a standard normal one.
  public var regularisation: Double
  /// tanh before the generator.
  public var squash: Bool

  public init(
    prior: Prior, search: (any Search)? = nil, adapt: Knowledge = .known, labelRule: LabelRule = .combined,
    distance: Distance = .l2, weights: TensorWeights = .equal, regularisation: Double = 0.1, squash: Bool = false
  ) throws {
    try requireArgument(
      regularisation >= 0, "ggl: the weight of the regulariser must not be negative, and it is \(regularisation)")
    self.prior = prior
    self.search = if let search { search } else { try CMAES() }
    self.adapt = adapt
    self.labelRule = labelRule
    self.distance = distance
    self.weights = weights
    self.regularisation = regularisation
    self.squash = squash
  }

  public var written: String {
    "ggl(search: \(search.written)" + (adapt == .known ? "" : ", adapt: \"\(adapt.rawValue)\"")
      + (labelRule.name == "combined" ? "" : ", rule: \"\(labelRule.name)\"")
      + (distance == .l2 ? "" : ", distance: \"\(distance.rawValue)\"") + (squash ? ", squash: true" : "")
      + (regularisation == 0.1 ? "" : ", regularisation: \(code(regularisation))") + ")"
  }

  public var threatModel: ThreatModel {
    ThreatModel(knows: [.exampleCount, .prior] + ThreatModel.facts(for: adapt))
  }
  public var ingredients: [Tensor] { (try? prior.generator.parameters.tensors) ?? [] }
  public func adapting(_ knowledge: Knowledge) -> (any Attack)? {
    var other = self
    other.adapt = knowledge
    return other
  }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    let labels = try labels(seen, setting, labelRule, model)
    try prior.prepare(model)
    try seen.check(against: model)
    let objective = GGLObjective(
      model: model,
      matching: try Matching(seen, knowing: adapt, distance: distance, weights: weights, perTensor: true),
      labels: labels, latent: prior.latent, regularisation: regularisation, squash: squash,
      generate: { try prior.images($0, labels: $1) })
    let run = LatentRun(objective, numbers: seen.size)
    let name = written
    let found = try search.minimise(run.objective(), key: setting.key.derive("search")) { done, total, best in
      setting.progress.report(
        ProgressReport(
          name, done: done, total: total, remark: "loss \(short(best))",
          preview: run.bestImages.map { Preview(of: $0) }))
    }
    guard let images = run.bestImages else {
      throw diverged(written, step: 1) {
        let objective = run.objective()
        _ = try objective.values([[Double](repeating: 0, count: objective.dimension)])
      }
    }
    return Leak(
      images: images, labels: labels, loss: found.value, history: found.history, evaluations: found.evaluations,
      interrupted: found.interrupted)
  }
}

/// Evaluates populations of latent vectors in batches that fit in memory, and keeps the images of the best.
private final class LatentRun {
  let loss: GGLObjective
  private let batch: Int
  private var best = Double.infinity
  private(set) var bestImages: Tensor?

  init(_ loss: GGLObjective, numbers: Int) {
    self.loss = loss
    // At most 64 M numbers of per-example gradients at a time (256 MB).
    batch = max(1, (64 << 20) / max(1, numbers * loss.labels.count))
  }

  func objective() -> Objective {
    Objective(
      dimension: loss.latent * loss.labels.count,
      slopes: { points in
        try self.inBatches(points) { z in
          let (losses, images, slopes) = try self.loss.withSlopes(z)
          return (losses, images, slopes)
        }
      },
      values: { points in
        try self.inBatches(points) { z in
          let (losses, images) = try self.loss.values(z)
          return (losses, images, nil)
        }.values
      })
  }

  private func inBatches(
    _ points: [[Double]], _ evaluate: (Tensor) throws -> (losses: Tensor, images: Tensor, slopes: Tensor?)
  ) throws -> (values: [Double], gradients: [[Double]]) {
    var values: [Double] = []
    var slopes: [[Double]] = []
    for start in stride(from: 0, to: points.count, by: batch) {
      let part = points[start..<min(points.count, start + batch)]
      let width = part.first?.count ?? 0
      let z = try Tensor(part.flatMap { $0.map { Float($0) } }, shape: [part.count, width])
      let result = try evaluate(z)
      let losses = try result.losses.doubles()
      if let place = losses.indices.filter({ losses[$0].isFinite }).min(by: { losses[$0] < losses[$1] }),
        losses[place] < best || bestImages == nil
      {
        best = losses[place]
        let k = loss.labels.count
        bestImages = try result.images.slice(axis: 0, from: place * k, to: (place + 1) * k).contiguous()
      }
      values += losses
      if let tensor = result.slopes {
        let flat = try tensor.doubles()
        slopes += (0..<part.count).map { Array(flat[$0 * width..<($0 + 1) * width]) }
      }
    }
    return (values, slopes)
  }
}
