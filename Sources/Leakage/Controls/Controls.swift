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

/// `retrieval(images)`: of the public images with the inferred label, the one whose gradient, defended alike, is nearest. Of a batch, one for each
/// label: chosen one after the other, then each once more beside the rest. Where no public image has the label, all are tried with it.
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
    let found = try labels(seen, setting, labelRule)
    try model.build(for: Array(images.shape.dropFirst()))
    let model = try adapted(model, to: seen, knowing: adapt)
    let matching = try Matching(seen, knowing: adapt, distance: distance, perTensor: true)
    var picks = [Pick?](repeating: nil, count: found.count)
    var history: [Double] = []
    var evaluations = 0
    for sweep in 0..<(found.count == 1 ? 1 : 2) {
      for slot in found.indices {
        picks[slot] = nil
        let others = picks.compactMap { $0 }
        let taken = others.filter { $0.label == found[slot] }.map(\.place)
        let places = ofClass(imageLabels, found[slot]).filter { !taken.contains($0) }
        let pick = try best(
          of: places.isEmpty ? ofClass(imageLabels, found[slot]) : places, found[slot], beside: others, model, matching
        ) { done, loss in
          history.append(min(loss, history.last ?? .infinity))
          setting.progress.report(
            ProgressReport(
              written, done: done, total: places.count,
              remark: found.count == 1 ? "" : "image \(slot + 1), sweep \(sweep + 1)"))
        }
        evaluations += places.count
        picks[slot] = pick
      }
    }
    let chosen = picks.compactMap { $0 }
    return Leak(
      images: try images.indexSelect(axis: 0, labelTensor(chosen.map(\.place))), labels: found,
      loss: chosen.last?.loss ?? .nan, history: history, evaluations: evaluations)
  }

  /// A public image taken for an example, with its gradient.
  private struct Pick {
    var place: Int
    var label: Int
    var loss: Double
    var gradient: [Tensor]
  }

  /// The image with which the mean of the gradients comes nearest to what was received.
  private func best(
    of places: [Int], _ label: Int, beside others: [Pick], _ model: Model, _ matching: Matching,
    tell: (Int, Double) -> Void
  ) throws -> Pick {
    var sum = others.first?.gradient
    for other in others.dropFirst() {
      sum = try sum.map { try zip($0, other.gradient).map { try Tensor.combine(.add, $0, $1) } }
    }
    func gradients(_ part: [Int]) throws -> [Variable] {
      let classes = [Int](repeating: label, count: part.count)
      return try model.perExampleGradients(
        Variable(images.indexSelect(axis: 0, labelTensor(part))), .classes(labelTensor(classes)))
    }
    let count = Double(others.count + 1)
    let batch = max(1, min(100, (64 << 20) / max(1, matching.target.reduce(0) { $0 + $1.size })))
    var best: (place: Int, loss: Double) = (places.first ?? 0, .infinity)
    for start in stride(from: 0, to: places.count, by: batch) {
      try Interrupt.check()
      let part = Array(places[start..<min(places.count, start + batch)])
      var candidates = try gradients(part)
      if let sum { candidates = try zip(candidates, sum).map { try ($0 + Variable($1.unsqueeze(axis: 0))) / count } }
      for (i, loss) in try matching(candidates).value.doubles().enumerated() where loss < best.loss {
        best = (part[i], loss)
      }
      tell(start + part.count, best.loss)
    }
    let own = try gradients([best.place]).map { try $0.value.select(axis: 0, index: 0) }
    return Pick(place: best.place, label: label, loss: best.loss, gradient: own)
  }
}

/// `prior_only(prior, samples: 50)`: draws of the inferred class, whatever the gradient says. `images` has them all; of a batch, one for
/// each label.
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
    let found = try labels(seen, setting, labelRule)
    let key = setting.key.derive("samples")
    let images =
      try found.count == 1
      ? prior.samples(samples, label: found[0], key: key)
      : Tensor.concat(found.enumerated().map { try prior.samples(1, label: $1, key: key.derive($0)) }, axis: 0)
    return Leak(images: images, labels: found, loss: .nan, evaluations: 0)
  }
}

/// `class_mean(images)`: the mean of the public images with the inferred label; where there are none, of all.
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
    let means = try found.map { label in
      try images.indexSelect(axis: 0, labelTensor(ofClass(imageLabels, label))).reduce(.mean, axes: [0], keep: true)
    }
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

/// Where the images of a label are; of all, where it has none.
private func ofClass(_ labels: [Int], _ label: Int) -> [Int] {
  let places = labels.indices.filter { labels[$0] == label }
  return places.isEmpty ? Array(labels.indices) : places
}
