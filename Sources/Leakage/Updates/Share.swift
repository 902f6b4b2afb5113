// A client's round in federated SGD (McMahan et al. 2017): the gradient of its batch, defended.
import Autodiff
import Ground
import Networks
import Tensors

/// What a client sends: the gradient of the mean cross-entropy of its batch with respect to the model's parameters, after
/// the defense.
///
/// - Parameters:
///   - images: a batch `[n] + example`, or one example.
///   - labels: int64 `[n]`, or one number.
///   - mode: how batch normalisation runs; train mode uses the statistics of the batch.
///   - key: the defense's source of randomness, and the model's in train mode.
/// - Throws: `shape-mismatch`, `bad-label`, and what the defense throws.
public func share(
  _ model: Model, _ images: Tensor, _ labels: Tensor, defense: (any Defense)? = nil, mode: Mode = .eval, key: RandomKey
) throws -> Update {
  try ClientRound(checking: model, images, labels, mode: mode).gradientUpdate(defense: defense, key: key)
}

extension ClientRound {
  /// A round on a batch, or on one example.
  /// - Throws: `shape-mismatch` where there are not as many labels as images.
  init(checking model: Model, _ images: Tensor, _ labels: Tensor, mode: Mode) throws {
    let flat = labels.rank == 0 ? try labels.reshape([1]) : labels
    var batch = images
    if flat.size == 1, model.inputShape.map({ $0.count == images.rank }) ?? (images.rank != 4 && images.rank != 2) {
      batch = try images.unsqueeze(axis: 0)
    }
    guard batch.rank > 1, flat.rank == 1, batch.shape[0] == flat.size, flat.size > 0 else {
      throw ClientRound.unfit(labels: labels.shape, count: flat.size, images: images.shape)
    }
    self.init(model: model, images: batch, labels: try flat.converted(to: .int64), mode: mode)
  }

  /// The words for labels that are not as many as the images.
  package static func unfit(labels: [Int], count: Int, images: [Int]) -> Fault {
    if count == 0, images.first == 0 {
      return Fault("empty", "a client needs at least one image, and these are \(shapeText(images))", argument: 1)
    }
    return Fault(
      "shape-mismatch", "\(count) labels were given for images of shape \(shapeText(images))",
      operands: [1: shapeText(images), 2: shapeText(labels)])
  }

  /// The round after the hooks of a defense on batch and model.
  func prepared(by defense: (any Defense)?, key: RandomKey) throws -> ClientRound {
    var round = self
    if let defense, round.images.shape[0] > 0 {
      round = try Chain([defense]).prepare(round, key: key.derive("batch"))
    }
    try round.model.build(for: Array(round.images.shape.dropFirst()))
    return round
  }

  /// What a client of federated SGD sends.
  func gradientUpdate(defense: (any Defense)?, key: RandomKey) throws -> Update {
    let round = try prepared(by: defense, key: key)
    let count = round.images.shape[0]
    let gradient = try round.gradient(
      0..<count, defense: defense, parameters: round.model.parameters, key: key.derive("forward"))
    let update = try Update(
      names: round.model.parameters.names, tensors: gradient, examples: round.expected ?? count, mode: mode)
    return try defense?.defend(update, round: round, key: key.derive("defense")) ?? update
  }
}
