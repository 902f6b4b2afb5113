// Perturbation of the representation before the last layer (Sun et al., "Soteria", CVPR 2021), in the form GGL evaluates:
// the columns of the last layer's weight gradient for features that say much about the input become 0.
import Autodiff
import Ground
import Networks
import Tensors

/// `soteria(0.8)`: prunes the features with the smallest Σ ‖∂r/∂x‖ / (r + ε), as a share of all.
public struct Soteria: Defense, Equatable {
  /// Share of features to hide, 0…1.
  public let rate: Double
  /// Added to the feature in the ratio; 1e-10 in GGL.
  public let eps: Double

  /// - Throws: `bad-argument` outside of 0…1.
  public init(_ rate: Double, eps: Double = 1e-10) throws {
    try requireArgument(
      rate >= 0 && rate <= 1, "soteria: the rate is the share of features to hide, from 0 to 1, not \(rate)")
    self.rate = rate
    self.eps = eps
  }

  public var written: String { "soteria(\(code(rate)))" }
  public var privacy: [PrivacyEffect] { [.looksAtBatch] }
  public var keepsZeros: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    guard let round else {
      throw Fault(
        "needs-batch", "soteria looks at the model and the batch, so it cannot be applied to an update alone",
        help: "share(model, x, y, defense: \(written))")
    }
    let mask = try self.mask(round.model, round.images)
    var tensors = update.tensors
    guard let place = lastWeight(tensors.map(\.shape)), tensors[place].shape[1] == mask.size else {
      throw Fault("no-last-layer", "soteria needs a model that ends in a dense layer")
    }
    tensors[place] = try Tensor.combine(
      .mul, tensors[place], mask.converted(to: tensors[place].dtype).unsqueeze(axis: 0))
    return try update.with(tensors: tensors)
  }

  /// The ratio of each feature: Σ over the batch of ‖∂rᵢ/∂x‖₂ / (rᵢ + ε); costs one backward pass a feature.
  public func ratios(_ model: Model, _ images: Tensor) throws -> Tensor {
    let x = Variable(images).watched()
    let pass = try model.forward(x, taps: true)
    guard let last = pass.taps.last, last.input.rank == 2 else {
      throw Fault("no-last-layer", "soteria needs a model that ends in a dense layer, and \(model.written) does not")
    }
    let features = try last.input.value.converted(to: .float64).doubles()
    let (count, width) = (last.input.shape[0], last.input.shape[1])
    var result = [Double](repeating: 0, count: width)
    for feature in 0..<width {
      try Interrupt.check()
      let slope = try gradients(
        of: last.input.select(axis: 1, index: feature).sum(), wrt: [x], recording: false)[0]
      guard let slope else { continue }
      let norms = try squaresPerCandidate(Variable(slope.value.converted(to: .float64))).value.doubles()
      for n in 0..<count { result[feature] += norms[n].squareRoot() / (features[n * width + feature] + eps) }
    }
    return try Tensor(result, shape: [width])
  }

  /// 1 for features that stay: those whose |ratio| is at least the percentile of the (signed) ratios.
  public func mask(_ model: Model, _ images: Tensor) throws -> Tensor {
    let values = try ratios(model, images).doubles()
    let threshold = percentile(sorted: values.sorted(), rate * 100)
    return try Tensor(values.map { abs($0) < threshold ? 0.0 : 1.0 }, shape: [values.count])
  }

  /// Columns that arrived without a number are hidden in candidates too; published: those without one for class 0.
  public func adapt(_ observed: Observed) throws -> Imitation {
    let received = observed.update.tensors
    guard observed.knowledge != .none, observed.showsZeros, let place = lastWeight(received.map(\.shape)) else {
      return .none
    }
    let marks = try Tensor.compare(.notEqual, received[place], 0).converted(to: received[place].dtype)
    let mask =
      observed.knowledge == .published ? try marks.select(axis: 0, index: 0) : try marks.reduce(.max, axes: [0])
    let columns = Variable(try mask.reshape([1, 1, mask.size]))
    return Imitation { candidates in
      var result = candidates
      result[place] = try result[place] * columns
      return result
    }
  }
}

/// The place of the last layer's weight: the last tensor with two axes.
func lastWeight(_ shapes: [[Int]]) -> Int? { shapes.lastIndex { $0.count == 2 } }
