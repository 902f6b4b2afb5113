// What an attack prefers of images besides that their gradient matches: smoothness, size, statistics, features. Each for the
// images of several trials, one number for each trial.
import Autodiff
import Ground
import Networks
import Tensors

/// How roughness is measured.
public enum Variation: String, Sendable, CaseIterable {
  /// mean |dx| + mean |dy| (Inverting Gradients).
  case anisotropic
  /// mean √(dx² + dy²), for colours with the differences of channels as further channels ("double opponents", as in breaching's
  /// "modern").
  case isotropic
  /// mean (dx² + dy²)^1.25 (Wang et al., "Beyond Inferring Class Representatives", INFOCOM 2019, as breaching has it).
  case steep
}

/// Weights of the terms; 0 leaves one out.
public struct ImageTerms: Sendable, Equatable {
  public var variation = 0.0
  public var variationForm = Variation.anisotropic
  /// ‖x‖₂ of each image.
  public var size = 0.0
  /// Distance of the statistics at batch normalisations from the running ones (DeepInversion), where the model has any.
  public var statistics = 0.0
  /// Distance of the last layer's input from g_W[c] / g_b[c], what the gradient says it was.
  public var features = 0.0
  /// The model's own loss of the images with their labels (Wei et al., "A Framework for Evaluating Client Privacy Leakages", ESORICS 2020).
  public var task = 0.0

  public init() {}

  var needsPass: Bool { statistics > 0 || features > 0 || task > 0 }

  /// The weighted sum for each of `trials`: `[trials]`; nil where all weights are 0.
  /// - Parameters:
  ///   - labels: of the images of one trial.
  ///   - pass: with taps, of the images in eval mode; needed where `needsPass`.
  func callAsFunction(
    _ images: Variable, trials: Int, labels: [Int], _ pass: Model.Pass?, _ wanted: ExpectedFeatures?
  ) throws -> Variable? {
    var total: Variable?
    func add(_ weight: Double, _ term: Variable) throws {
      let own = try term * weight
      total = try total.map { try $0 + own } ?? own
    }
    if variation > 0, images.rank == 4 {
      let roughness =
        switch variationForm {
        case .anisotropic: try anisotropic(images, trials)
        case .isotropic: try lengths(opponents(images), trials, power: 0.5)
        case .steep: try lengths(images, trials, power: 1.25)
        }
      try add(variation, roughness)
    }
    if size > 0 {
      let rows = try images.reshape([trials, images.shape[0] / trials, images.size / images.shape[0]])
      try add(size, rows.norm(axes: [2]).mean(axes: [1]))
    }
    if statistics > 0, let pass {
      let layers = try batchNormDivergences(pass, trials: trials)
      for (index, layer) in layers.enumerated() { try add(index == 0 ? 10 * statistics : statistics, layer) }
    }
    if features > 0, let wanted, let tap = pass?.taps.last(where: { $0.layer is Dense }) {
      try add(features, wanted.distance(tap.input, trials: trials))
    }
    if task > 0, let pass {
      let targets = Labels.classes(try labelTensor((0..<trials).flatMap { _ in labels }))
      try add(task, Model.loss(pass.output, targets, reduction: .none).reshape([trials, labels.count]).mean(axes: [1]))
    }
    return total
  }

  private func anisotropic(_ x: Variable, _ trials: Int) throws -> Variable {
    var total: Variable?
    for axis in [3, 2] where x.shape[axis] > 1 {
      let n = x.shape[axis]
      let steps = try (x.slice(axis: axis, from: 1, to: n) - x.slice(axis: axis, from: 0, to: n - 1)).abs()
      let part = try steps.reshape([trials, steps.size / trials]).mean(axes: [1])
      total = try total.map { try $0 + part } ?? part
    }
    return try total ?? Variable(Tensor.zeros([trials], x.dtype))
  }

  /// Colours with their differences behind them.
  private func opponents(_ x: Variable) throws -> Variable {
    guard x.shape[1] == 3 else { return x }
    let channels = try (0..<3).map { try x.slice(axis: 1, from: $0, to: $0 + 1) }
    return try Variable.concat(
      [x, channels[0] - channels[1], channels[0] - channels[2], channels[1] - channels[2]], axis: 1)
  }

  /// mean (dx² + dy²)^power.
  private func lengths(_ x: Variable, _ trials: Int, power: Double) throws -> Variable {
    let (h, w) = (x.shape[2], x.shape[3])
    guard h > 1, w > 1 else { return try anisotropic(x, trials) }
    let across = try (x.slice(axis: 3, from: 1, to: w) - x.slice(axis: 3, from: 0, to: w - 1))
      .pad([(0, 0), (0, 0), (0, 0), (0, 1)])
    let down = try (x.slice(axis: 2, from: 1, to: h) - x.slice(axis: 2, from: 0, to: h - 1))
      .pad([(0, 0), (0, 0), (0, 1), (0, 0)])
    let squares = try (across.abs() + 1e-6).square() + (down.abs() + 1e-6).square()
    let length = try power == 0.5 ? squares.sqrt() : squares.pow(power)
    return try length.reshape([trials, length.size / trials]).mean(axes: [1])
  }
}

/// The input of the last layer that the gradient tells for each label, as far as its entries arrived.
struct ExpectedFeatures {
  /// `[1, examples, features]` both: values, and 1 where they are known.
  let values: Variable
  let known: Variable

  /// nil where the last layer has no bias, or its gradient says nothing.
  init?(_ seen: Update, labels: [Int], dtype: DType) throws {
    let layer = try LastLayer(seen)
    guard let bias = layer.bias, let width = layer.weight.first?.count, !labels.isEmpty else { return nil }
    let least = 1e-3 * (bias.map(abs).max() ?? 0)
    var (rows, marks): ([Double], [Double]) = ([], [])
    for label in labels {
      let usable = bias.indices.contains(label) && abs(bias[label]) > least
      for j in 0..<width {
        let entry = usable ? layer.weight[label][j] : 0
        rows.append(usable ? entry / bias[label] : 0)
        marks.append(entry == 0 ? 0 : 1)
      }
    }
    if !marks.contains(1) { return nil }
    let shape = [1, labels.count, width]
    values = Variable(try Tensor(rows, shape: shape).converted(to: dtype))
    known = Variable(try Tensor(marks, shape: shape).converted(to: dtype))
  }

  func distance(_ found: Variable, trials: Int) throws -> Variable {
    let split = try found.reshape([trials, found.shape[0] / trials, found.size / found.shape[0]])
    return try ((split - values) * known).square().mean(axes: [1, 2])
  }
}
