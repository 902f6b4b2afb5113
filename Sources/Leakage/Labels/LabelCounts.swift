// Labels as counts: how many examples of each class a batch has, from the last layer's gradient and what the model answers to noise.
import Autodiff
import Ground
import Networks
import Tensors

/// What a model answers on the average: enough to solve the last layer's gradient for the numbers of examples of each class.
public struct ProbedOutputs: Sendable {
  /// Mean softmax, `[classes]`.
  public var softmax: [Double]
  /// Mean sum of the last layer's input.
  public var featureSum: Double

  public init(softmax: [Double], featureSum: Double) {
    self.softmax = softmax
    self.featureSum = featureSum
  }

  /// Of `count` images of uniform noise.
  public init(_ model: Model, parameters: Parameters? = nil, count: Int = 100, key: RandomKey) throws {
    guard let shape = model.inputShape else {
      throw Fault("model-not-built", "\(model.written) has not met an example, so it cannot be asked about noise")
    }
    let probes = Variable(try Tensor.uniform([count] + shape, key: key, dtype: model.dtype))
    let pass = try withoutRecording { try model.forward(probes, parameters: parameters, taps: true) }
    guard let last = pass.taps.last(where: { $0.layer is Dense }) else {
      throw Fault("no-last-layer", "labels are read off the last dense layer, and \(model.written) has none")
    }
    softmax = try pass.output.value.softmax(axis: 1).reduce(.mean, axes: [0]).doubles()
    featureSum = try last.input.value.reduce(.sum).item() / Double(count)
  }

  /// The mean of several.
  init(mean parts: [ProbedOutputs]) {
    let n = Double(max(parts.count, 1))
    let classes = parts.first?.softmax.count ?? 0
    softmax = (0..<classes).map { c in parts.reduce(0) { $0 + $1.softmax[c] } / n }
    featureSum = parts.reduce(0) { $0 + $1.featureSum } / n
  }
}

extension LastLayer {
  /// How many of `count` examples are of each class: K (p̄ − g_b), or K (p̄ − Σ_j g_W[·, j] / Ō) where there is no bias. Exact where p̄ is
  /// the batch's own mean softmax.
  public func counts(of count: Int, _ probed: ProbedOutputs) -> [Double] {
    let k = Double(count)
    if let bias { return bias.indices.map { k * (probed.softmax[$0] - bias[$0]) } }
    let scale = probed.featureSum == 0 ? 1 : probed.featureSum
    return rowSums.enumerated().map { k * (probed.softmax[$0.offset] - $0.element / scale) }
  }
}

/// Whole numbers that sum to `total`, from numbers that about do: rounded down, the rest to the largest remainders.
public func wholeCounts(_ values: [Double], total: Int) -> [Int] {
  let kept = values.map { max(0, $0.isFinite ? $0 : 0) }
  var result = kept.map { Int(min($0, Double(total)).rounded(.down)) }
  func remainder(_ c: Int) -> Double { kept[c] - Double(result[c]) }
  while result.reduce(0, +) > total,
    let most = result.indices.filter({ result[$0] > 0 }).min(by: { remainder($0) < remainder($1) })
  {
    result[most] -= 1
  }
  var order = result.indices.sorted { (-remainder($0), $0) < (-remainder($1), $1) }
  while result.reduce(0, +) < total, !result.isEmpty {
    if order.isEmpty { order = Array(result.indices) }
    result[order.removeFirst()] += 1
  }
  return result
}

private func repeated(_ counts: [Int]) -> [Int] {
  counts.enumerated().flatMap { [Int](repeating: $0.offset, count: $0.element) }
}

extension LabelRule {
  /// Repeats allowed, without a bias: m = (1 + 1/C) Σ⁻/K of the row sums; each negative class once, then the most negative
  /// after subtracting m for each found.
  public static let llg = LabelRule(
    "llg", about: "row sums in two stages; repeats allowed",
    layer: { layer, count in
      let share = (1 + 1 / Double(layer.classes)) * negativeShare(layer.rowSums, count)
      return twoStages(layer.rowSums, count, share: share)
    })

  /// Counts from the mean softmax on noise: exact if that is the batch's, very good for untrained models.
  public static let countSoftmax = LabelRule(
    "count_softmax", about: "counts from the mean softmax on noise; repeats allowed", needsModel: true
  ) { evidence in
    guard let model = evidence.model else { return [] }
    let probed = try ProbedOutputs(model, key: evidence.key)
    return repeated(wholeCounts(evidence.layer.counts(of: evidence.count, probed), total: evidence.count))
  }

  /// The same for differences: the mean softmax along the way from the server's weights to the client's.
  public static let countFedAvg = LabelRule(
    "count_fedavg", about: "counts along the way of a FedAvg client; repeats allowed",
    needsModel: true
  ) { evidence in
    guard let model = evidence.model, let update = evidence.update else { return [] }
    guard case .difference(let steps, _) = update.kind, steps > 1 else {
      return try countSoftmax.infer(update, model: model, key: evidence.key)
    }
    let before = try model.parameters
    // Where the client was at each of its steps, on a straight way; 20 points say it for long ways.
    let points = min(steps, 20)
    let probed = try (0..<points).map { point in
      let part = Double(point) / Double(points)
      let now = try before.with(
        values: zip(before.values, update.tensors).map { Variable(try $0.value.multiplyAdd(part, $1)) })
      return try ProbedOutputs(model, parameters: now, key: evidence.key)
    }
    let counts = evidence.layer.counts(of: evidence.count, ProbedOutputs(mean: probed))
    return repeated(wholeCounts(counts, total: evidence.count))
  }

  /// A control: labels that do not look at the gradient.
  public static let random = LabelRule("random", about: "random labels, as a control") { evidence in
    var stream = RandomStream(evidence.key.derive("random"))
    return (0..<evidence.count).map { _ in stream.below(max(1, evidence.layer.classes)) }
  }
}
