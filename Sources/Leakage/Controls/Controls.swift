// What an attack must beat before a picture counts as a leak: the same picture may come from the prior and the label alone.
import Autodiff
import Ground
import Networks
import Tensors

/// An update that holds no image: Gaussian with the norm of each tensor received. What it says about itself stays.
public func nullGradient(_ update: Update, key: RandomKey) throws -> Update {
  try update.with(
    tensors: update.tensors.enumerated().map { index, t in
      let draws = try Tensor.normal(t.shape, key: key.derive(index), dtype: t.dtype)
      let length = try squaredNorm(draws).squareRoot()
      return try Tensor.combine(.mul, draws, length > 0 ? squaredNorm(t).squareRoot() / length : 0)
    })
}

/// As `nullGradient`, with the zeros of each tensor at as many random places: no image, but the look of a pruned update.
public func nullGradientWithZeros(_ update: Update, key: RandomKey) throws -> Update {
  try update.with(
    tensors: update.tensors.enumerated().map { index, t in
      var stream = RandomStream(key.derive(index).derive("places"))
      let values = try t.doubles()
      let draws = try Tensor.normal([t.size], key: key.derive(index), dtype: .float64).doubles()
      var result = [Double](repeating: 0, count: t.size)
      for place in stream.permutation(t.size).prefix(values.lazy.filter { $0 != 0 }.count) {
        result[place] = draws[place]
      }
      let length = result.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let scale = length > 0 ? try squaredNorm(t).squareRoot() / length : 0
      return try Tensor(result.map { $0 * scale }, shape: t.shape).converted(to: t.dtype)
    })
}

/// `retrieval(images)`: of the public images with the inferred label, the one whose gradient, defended alike, is nearest.
public struct Retrieval: Attack {
  public let images: Tensor
  public let imageLabels: [Int]
  public var adapt: Knowledge
  public var distance: Distance
  public var labelRule: LabelRule

  /// - Throws: `shape-mismatch` where there are not as many labels as images.
  public init(
    _ images: Tensor, labels: [Int], adapt: Knowledge = .known, distance: Distance = .l2,
    labelRule: LabelRule = .combined
  ) throws {
    try checkPublic(images, labels)
    self.images = images
    imageLabels = labels
    self.adapt = adapt
    self.distance = distance
    self.labelRule = labelRule
  }

  public var written: String { "retrieval(\(imageLabels.count) images)" }
  public var threatModel: ThreatModel {
    ThreatModel(knows: [.exampleCount, .publicImages] + ThreatModel.facts(for: adapt))
  }
  public var isControl: Bool { true }
  public var ingredients: [Tensor] { [images] }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    try requireOneExample(seen, written)
    let label = try labels(seen, setting, labelRule)[0]
    let candidates = try ofClass(images, imageLabels, label)
    try model.build(for: Array(images.shape.dropFirst()))
    let model = try adapted(model, to: seen, knowing: adapt)
    let matching = try Matching(seen, knowing: adapt, distance: distance, perTensor: true)
    var best: (place: Int, loss: Double) = (0, .infinity)
    var history: [Double] = []
    let batch = max(1, min(100, (64 << 20) / max(1, seen.size)))
    for start in stride(from: 0, to: candidates.shape[0], by: batch) {
      let part = try candidates.slice(axis: 0, from: start, to: min(candidates.shape[0], start + batch))
      let classes = [Int](repeating: label, count: part.shape[0])
      let losses = try matching(model.perExampleGradients(Variable(part), .classes(labelTensor(classes)))).value
        .doubles()
      for (i, loss) in losses.enumerated() where loss < best.loss { best = (start + i, loss) }
      history.append(best.loss)
      setting.progress.report(ProgressReport(written, done: start + part.shape[0], total: candidates.shape[0]))
    }
    let found = try candidates.slice(axis: 0, from: best.place, to: best.place + 1)
    return Leak(
      images: found, labels: [label], loss: best.loss, history: history, evaluations: candidates.shape[0])
  }
}

/// `prior_only(prior, samples: 50)`: draws of the inferred class, whatever the gradient says. `images` has them all.
public struct PriorOnly: Attack {
  public let prior: Prior
  public let samples: Int
  public var labelRule: LabelRule

  /// - Throws: `bad-argument`.
  public init(_ prior: Prior, samples: Int = 50, labelRule: LabelRule = .combined) throws {
    try requireArgument(samples >= 1, "prior_only: samples must be at least 1, not \(samples)")
    self.prior = prior
    self.samples = samples
    self.labelRule = labelRule
  }

  public var written: String { "prior_only(samples: \(samples))" }
  public var threatModel: ThreatModel { ThreatModel(knows: [.exampleCount, .prior]) }
  public var isControl: Bool { true }
  public var ingredients: [Tensor] { (try? prior.generator.parameters.tensors) ?? [] }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    try requireOneExample(seen, written)
    let label = try labels(seen, setting, labelRule)[0]
    let images = try prior.samples(samples, label: label, key: setting.key.derive("samples"))
    return Leak(images: images, labels: [label], loss: .nan, evaluations: 0)
  }
}

/// `class_mean(images)`: the mean of the public images with the inferred label.
public struct ClassMean: Attack {
  public let images: Tensor
  public let imageLabels: [Int]
  public var labelRule: LabelRule

  /// - Throws: `shape-mismatch` where there are not as many labels as images.
  public init(_ images: Tensor, labels: [Int], labelRule: LabelRule = .combined) throws {
    try checkPublic(images, labels)
    self.images = images
    imageLabels = labels
    self.labelRule = labelRule
  }

  public var written: String { "class_mean(\(imageLabels.count) images)" }
  public var threatModel: ThreatModel { ThreatModel(knows: [.exampleCount, .publicImages]) }
  public var isControl: Bool { true }
  public var ingredients: [Tensor] { [images] }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    let found = try labels(seen, setting, labelRule)
    let means = try found.map { try ofClass(images, imageLabels, $0).reduce(.mean, axes: [0], keep: true) }
    return Leak(images: try Tensor.concat(means, axis: 0), labels: found, loss: .nan)
  }
}

/// The best the prior can do for an image: the latent vector whose picture is nearest to it. It needs the secret, so it is an upper
/// bound and not an attack.
public func priorInversion(
  _ prior: Prior, _ image: Tensor, label: Int, search: any Search, key: RandomKey,
  report: @escaping SearchReport = { _, _, _ in }
) throws -> (image: Tensor, result: SearchResult) {
  let target = image.rank == 4 ? image : try image.unsqueeze(axis: 0)
  func images(_ points: [[Double]], watched: Bool) throws -> (z: Variable, images: Variable) {
    let z = Variable(try Tensor(points.flatMap { $0.map { Float($0) } }, shape: [points.count, prior.latent]))
    let own = watched ? z.watched() : z
    return (own, try prior.images(own, labels: [Int](repeating: label, count: points.count)))
  }
  func errors(_ images: Variable) throws -> Variable {
    try mse(images, Variable(target).broadcast(to: images.shape))
  }
  let objective = Objective(
    dimension: prior.latent,
    slopes: { points in
      let (z, made) = try images(points, watched: true)
      let loss = try errors(made)
      let flat = try gradients(of: loss.sum(), wrt: [z], recording: false)[0]?.value.doubles() ?? []
      let slopes = points.indices.map { Array(flat[$0 * prior.latent..<($0 + 1) * prior.latent]) }
      return (try loss.value.doubles(), slopes)
    },
    values: { try errors(images($0, watched: false).images).value.doubles() })
  let found = try search.minimise(objective, key: key, report: report)
  return (try images([found.best], watched: false).images.value.select(axis: 0, index: 0), found)
}

private func checkPublic(_ images: Tensor, _ labels: [Int]) throws {
  guard images.rank == 4, images.shape[0] == labels.count, !labels.isEmpty else {
    throw Fault(
      "shape-mismatch",
      "public images are a batch [n, c, h, w] with n labels, not \(shapeText(images.shape)) with \(labels.count)")
  }
}

private func ofClass(_ images: Tensor, _ labels: [Int], _ label: Int) throws -> Tensor {
  let places = labels.indices.filter { labels[$0] == label }
  guard !places.isEmpty else { throw Fault("no-such-class", "none of the public images has the label \(label)") }
  return try images.indexSelect(axis: 0, labelTensor(places))
}

private func requireOneExample(_ update: Update, _ name: String) throws {
  if update.examples != 1 {
    throw Fault(
      "too-many-examples", "\(name) compares with the gradient of one example, and the update is of \(update.examples)")
  }
}
