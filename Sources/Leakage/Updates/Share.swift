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
  let flat = labels.rank == 0 ? try labels.reshape([1]) : labels
  var batch = images
  if flat.size == 1, model.inputShape.map({ $0.count == images.rank }) ?? (images.rank != 4 && images.rank != 2) {
    batch = try images.unsqueeze(axis: 0)
  }
  guard batch.rank > 1, batch.shape[0] == flat.size else {
    throw Fault(
      "shape-mismatch", "\(flat.size) labels were given for images of shape \(shapeText(images.shape))",
      operands: [1: shapeText(images.shape), 2: shapeText(labels.shape)])
  }
  var round = ClientRound(model: model, images: batch, labels: try flat.converted(to: .int64), mode: mode)
  if let defense { round = try Chain([defense]).prepare(round, key: key.derive("batch")) }
  try round.model.build(for: Array(round.images.shape.dropFirst()))

  let gradient = try round.gradient(
    0..<flat.size, defense: defense, parameters: round.model.parameters, key: key.derive("forward"))
  let update = try Update(
    names: round.model.parameters.names, tensors: gradient, examples: flat.size, mode: mode)
  return try defense?.defend(update, round: round, key: key.derive("defense")) ?? update
}
