// Labels from the gradient of the last layer. For the mean cross-entropy of K examples with softmax outputs p_k and last
// features r_k: g_b[c] = Σ_k (p_kc − [y_k = c]) / K and g_W[c] = Σ_k (p_kc − [y_k = c]) r_k / K.
import Ground
import Networks
import Tensors

/// The gradient of the last layer.
public struct LastLayer: Sendable {
  /// `[classes][features]`.
  public let weight: [[Double]]
  /// `[classes]`, where the layer has a bias.
  public let bias: [Double]?

  public init(weight: Tensor, bias: Tensor?) throws {
    guard weight.rank == 2, weight.shape[0] > 0, bias.map({ $0.shape == [weight.shape[0]] }) ?? true else {
      throw Fault("no-last-layer", "a last layer has a weight [classes, features] and a bias [classes]")
    }
    let values = try weight.doubles()
    let width = weight.shape[1]
    self.weight = (0..<weight.shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) }
    self.bias = try bias?.doubles()
  }

  /// Of a difference, which points the other way, the mean gradient along the way.
  /// - Throws: `no-last-layer` where the update's model does not end in a dense layer.
  public init(_ update: Update) throws {
    guard let place = lastWeight(update.tensors.map(\.shape)) else {
      throw Fault("no-last-layer", "labels are read off the last dense layer, and the update has none")
    }
    let next = place + 1 < update.tensors.count ? update.tensors[place + 1] : nil
    let bias = next.flatMap { $0.shape == [update.tensors[place].shape[0]] ? $0 : nil }
    guard case .difference(let steps, let rate) = update.kind else {
      try self.init(weight: update.tensors[place], bias: bias)
      return
    }
    let scale = -1 / (rate * Double(max(steps, 1)))
    try self.init(
      weight: Tensor.combine(.mul, update.tensors[place], scale), bias: bias.map { try Tensor.combine(.mul, $0, scale) }
    )
  }

  public var classes: Int { weight.count }
  public var rowSums: [Double] { weight.map { $0.reduce(0, +) } }
  public var rowMinima: [Double] { weight.map { $0.min() ?? 0 } }
}

/// What a rule may look at.
public struct LabelEvidence {
  public let layer: LastLayer
  public let count: Int
  /// The update and the model it is of, where the rule is asked about a whole update.
  public var update: Update?
  public var model: Model?
  public var key: RandomKey

  public init(_ layer: LastLayer, count: Int, update: Update? = nil, model: Model? = nil, key: RandomKey) {
    self.layer = layer
    self.count = count
    self.update = update
    self.model = model
    self.key = key
  }
}

/// A rule that infers the labels of K examples.
public struct LabelRule: Sendable {
  public let name: String
  /// What it looks at and when it is exact; where it is from, `infer_labels` says.
  public let about: String
  /// Whether it runs the model.
  public let needsModel: Bool
  /// Whether it draws random numbers.
  public var draws: Bool { needsModel || name == "random" }
  private let body: @Sendable (_ evidence: LabelEvidence) throws -> [Int]

  public init(
    _ name: String, about: String, needsModel: Bool = false, _ body: @escaping @Sendable (LabelEvidence) throws -> [Int]
  ) {
    self.name = name
    self.about = about
    self.needsModel = needsModel
    self.body = body
  }

  /// A rule that looks at the last layer alone.
  init(_ name: String, about: String, layer: @escaping @Sendable (LastLayer, Int) throws -> [Int]) {
    self.init(name, about: about) { try layer($0.layer, $0.count) }
  }

  /// Labels in ascending order; fewer than `count` only from `bias_sign`.
  public func infer(_ layer: LastLayer, count: Int) throws -> [Int] {
    try body(LabelEvidence(layer, count: count, key: RandomKey(seed: 0))).sorted()
  }

  /// One label for each example of the update. A rule that finds fewer is filled up from `argsort_sum`.
  /// - Parameter key: for rules that draw.
  /// - Throws: `no-last-layer`, `needs-model`.
  public func infer(_ update: Update, model: Model? = nil, key: RandomKey = RandomKey(seed: 0)) throws -> [Int] {
    if needsModel, model == nil {
      throw Fault(
        "needs-model", "the rule \"\(name)\" asks the model what it answers to noise, and no model was given",
        help: "infer_labels(shared, rule: \"\(name)\", model: net)")
    }
    let layer = try LastLayer(update)
    var found = try body(LabelEvidence(layer, count: update.examples, update: update, model: model, key: key))
    if found.count < update.examples {
      let others = smallest(layer.rowSums, layer.classes).filter { !found.contains($0) }
      found += others.prefix(update.examples - found.count)
      while found.count < update.examples { found.append(found.first ?? 0) }
    }
    return found.prefix(update.examples).sorted()
  }
}

extension LabelRule {
  /// iDLG's, the class with the smallest row sum: exact for one example with features that are not negative.
  public static let idlg = LabelRule(
    "idlg", about: "smallest row sum; one example",
    layer: { layer, _ in smallest(layer.rowSums, 1) })

  /// GGL's, the K classes with the smallest row sums: for distinct labels.
  public static let argsortSum = LabelRule(
    "argsort_sum", about: "K smallest row sums; distinct labels",
    layer: { smallest($0.rowSums, $1) })

  /// Classes with a negative bias gradient: never wrong without noise, may miss some.
  public static let biasSign = LabelRule(
    "bias_sign", about: "negative entries of the bias gradient; may find fewer than K",
    layer: { layer, _ in
      let signs = layer.bias ?? layer.rowSums
      return signs.indices.filter { signs[$0] < 0 }
    })

  /// GradInversion's, the K classes with the smallest entry anywhere in their row: for distinct labels.
  public static let yin = LabelRule(
    "yin", about: "K smallest row minima; distinct labels",
    layer: { smallest($0.rowMinima, $1) })

  /// Repeats allowed: each negative class once, then the most negative after subtracting an example's share m = Σ⁻/K.
  public static let biasCorrected = LabelRule(
    "bias_corrected", about: "bias gradient in two stages; repeats allowed",
    layer: { layer, count in
      let scores = layer.bias ?? layer.rowSums
      return twoStages(scores, count, share: negativeShare(scores, count))
    })

  /// One example: `rankOneLabel`, which uses weights and bias together, so that what noise or pruning took from one the other still says.
  /// More examples: `bias_corrected` on row sums and bias together.
  public static let combined = LabelRule(
    "combined",
    about:
      "the rank-one matrix (p − e_y)[r, 1]ᵀ nearest to weight and bias rows (one example); two stages on both otherwise",
    layer: { layer, count in
      if count == 1 { return [try rankOneLabel(layer)] }
      let scores = jointScores(layer)
      return twoStages(scores, count, share: negativeShare(scores, count))
    })

  public static let all: [LabelRule] = [
    .combined, .idlg, .argsortSum, .biasSign, .yin, .llg, .biasCorrected, .countSoftmax, .countFedAvg, .random,
  ]

  /// - Throws: `unknown-option`, with the nearest name.
  public static func named(_ name: String) throws -> LabelRule {
    guard let rule = all.first(where: { $0.name == name }) else {
      throw Fault(
        "unknown-option", "there is no label rule \"\(name)\"",
        notes: ["Known are \(all.map(\.name).joined(separator: ", "))."],
        help: nearestName(to: name, among: all.map(\.name)))
    }
    return rule
  }

  /// The truth, as a control: what an attack does with the right labels.
  public static func oracle(_ labels: [Int]) -> LabelRule {
    LabelRule("oracle", about: "the true labels, as a control", layer: { _, _ in labels })
  }
}

/// Places of the `count` smallest values.
func smallest(_ values: [Double], _ count: Int) -> [Int] {
  Array(values.indices.sorted { (values[$0], $0) < (values[$1], $1) }.prefix(count))
}

/// Each class with a negative score once; then, with an example's `share` (negative) taken off each found, the smallest again and again.
func twoStages(_ scores: [Double], _ count: Int, share: Double) -> [Int] {
  var rest = scores
  var found: [Int] = []
  for label in smallest(scores, count) where scores[label] < 0 {
    found.append(label)
    rest[label] -= share
  }
  while found.count < count, let label = smallest(rest, 1).first {
    found.append(label)
    rest[label] -= share == 0 ? -.infinity : share
  }
  return found
}

/// Σ of the negative scores over the number of examples.
func negativeShare(_ scores: [Double], _ count: Int) -> Double {
  scores.filter { $0 < 0 }.reduce(0, +) / Double(max(count, 1))
}

/// Row · mean direction of the rows (not negative), plus the bias.
private func jointScores(_ layer: LastLayer) -> [Double] {
  let width = layer.weight.first?.count ?? 0
  var mean = [Double](repeating: 0, count: width)
  for row in layer.weight { for j in 0..<width { mean[j] += abs(row[j]) / Double(layer.classes) } }
  let length = max(mean.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-300)
  return layer.weight.indices.map { c in
    let row = layer.weight[c]
    let along = mean.indices.reduce(0.0) { $0 + row[$1] * mean[$1] }
    return along / length + (layer.bias?[c] ?? 0)
  }
}
