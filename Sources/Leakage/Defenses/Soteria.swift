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
  public let method: Method

  public enum Method: String, Sendable, CaseIterable {
    /// Zeroes columns of the last layer's gradient, as the published code does; everything else is as it was.
    case mask
    /// Zeroes the features themselves before the last layer, as the paper describes it: the whole gradient is of the smaller
    /// representation.
    case backprop
  }

  /// - Throws: `bad-argument` outside of 0…1.
  public init(_ rate: Double, eps: Double = 1e-10, method: Method = .mask) throws {
    try requireArgument(
      rate >= 0 && rate <= 1, "soteria: the rate is the share of features to hide, from 0 to 1, not \(rate)")
    try requireArgument(eps >= 0 && eps.isFinite, "soteria: eps must not be negative, and it is \(eps)")
    self.rate = rate
    self.eps = eps
    self.method = method
  }

  public var written: String {
    "soteria(\(code(rate))\(eps == 1e-10 ? "" : ", eps: \(code(eps))")\(method == .mask ? "" : ", mode: \"backprop\""))"
  }
  public var privacy: [PrivacyEffect] { [.looksAtBatch] }
  public var keepsZeros: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    guard let round else {
      throw Fault(
        "needs-batch", "soteria looks at the model and the batch, so it cannot be applied to an update alone",
        help: "share(model, x, y, defense: \(written))")
    }
    if method == .backprop { return update }
    let mask = try self.mask(round.model, round.images)
    var tensors = update.tensors
    guard let place = lastWeight(tensors.map(\.shape)), tensors[place].shape[1] == mask.size else {
      throw Fault("no-last-layer", "soteria needs a model that ends in a dense layer")
    }
    tensors[place] = try Tensor.combine(
      .mul, tensors[place], mask.converted(to: tensors[place].dtype).unsqueeze(axis: 0))
    return try update.with(tensors: tensors)
  }

  public func prepare(_ round: ClientRound, key: RandomKey) throws -> ClientRound {
    if method == .mask { return round }
    var result = round
    result.model = try round.model.hidingFeatures(mask(round.model, round.images))
    return result
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

  /// Columns that arrived without a number are hidden in candidates too; published: those without one for class 0. Where later
  /// noise fills them, the last layer's weight is left out (the known way around Soteria): candidates get what was received.
  public func adapt(_ observed: Observed) throws -> Imitation {
    guard observed.knowledge != .none, let place = lastWeight(observed.update.tensors.map(\.shape)) else {
      return .none
    }
    guard observed.showsZeros else {
      if observed.knowledge == .published { return .none }
      let weight = Variable(try observed.update.tensors[place].unsqueeze(axis: 0))
      return Imitation { candidates in
        var result = candidates
        result[place] = try weight.broadcast(to: candidates[place].shape)
        return result
      }
    }
    let mask = try received(observed, place)
    let columns = Variable(try mask.reshape([1, 1, mask.size]))
    return Imitation { candidates in
      var result = candidates
      result[place] = try result[place] * columns
      return result
    }
  }

  /// The features that were hidden are hidden in candidates' passes.
  public func adapt(_ model: Model, _ observed: Observed) throws -> Model {
    guard method == .backprop, observed.knowledge != .none, observed.showsZeros,
      let place = lastWeight(observed.update.tensors.map(\.shape))
    else { return model }
    return try model.hidingFeatures(received(observed, place))
  }

  /// 1 for columns of the last weight that arrived with a number.
  private func received(_ observed: Observed, _ place: Int) throws -> Tensor {
    let weight = observed.update.tensors[place]
    let marks = try Tensor.compare(.notEqual, weight, 0).converted(to: weight.dtype)
    return try observed.knowledge == .published ? marks.select(axis: 0, index: 0) : marks.reduce(.max, axes: [0])
  }
}

/// The place of the last layer's weight: the last tensor with two axes.
func lastWeight(_ shapes: [[Int]]) -> Int? { shapes.lastIndex { $0.count == 2 } }

extension Model {
  /// The model with some features before the last dense layer multiplied by a mask; parameters keep their names.
  /// - Throws: `no-last-layer`, `model-not-built`.
  func hidingFeatures(_ mask: Tensor) throws -> Model {
    guard layers.last is Dense else {
      throw Fault("no-last-layer", "soteria needs a model that ends in a dense layer, and \(written) does not")
    }
    return try inserting(
      FunctionLayer(written: "features => mask * features") { try $0 * Variable(mask.converted(to: $0.dtype)) },
      at: layers.count - 1)
  }
}
