// A client's round in federated averaging (McMahan et al. 2017): several steps of SGD, and what they changed.
import Autodiff
import Ground
import Networks
import Tensors

/// Parameters after `steps` steps of plain SGD on the client's examples, minus those before, after the defense. What a defense
/// does to single examples and to their mean it does in every step; what it does to the update, once.
///
/// - Parameters:
///   - batch: examples of a step; step i takes the slice i mod (n / batch) in the order given. 0: all examples in each step.
/// - Throws: `bad-argument`, `shape-mismatch`.
public func localUpdate(
  _ model: Model, _ images: Tensor, _ labels: Tensor, steps: Int, lr rate: Double, batch: Int = 0,
  defense: (any Defense)? = nil, mode: Mode = .eval, key: RandomKey
) throws -> Update {
  try requireArgument(steps >= 1, "local_update: steps must be at least 1, not \(steps)")
  try requireArgument(rate > 0 && rate.isFinite, "local_update: the rate must be positive, not \(rate)")
  try requireArgument(batch >= 0, "local_update: the batch must not be negative, and it is \(batch)")
  let flat = labels.rank == 0 ? try labels.reshape([1]) : labels
  let all = flat.size == 1 && images.rank == 3 ? try images.unsqueeze(axis: 0) : images
  var round = ClientRound(model: model, images: all, labels: try flat.converted(to: .int64), mode: mode)
  if let defense { round = try Chain([defense]).prepare(round, key: key.derive("batch")) }
  guard round.images.rank > 1, round.images.shape[0] == flat.size, flat.size > 0 else {
    throw Fault("shape-mismatch", "\(flat.size) labels were given for images of shape \(shapeText(images.shape))")
  }
  let count = flat.size
  let size = batch == 0 || batch > count ? count : batch
  try round.model.build(for: Array(round.images.shape.dropFirst()))
  let before = try round.model.parameters
  var now = before
  for step in 0..<steps {
    try Interrupt.check()
    let start = (step % max(1, count / size)) * size
    let gradient = try round.gradient(
      start..<start + size, defense: defense, parameters: now, key: key.derive("forward").derive(step))
    now = try now.with(values: zip(now.values, gradient).map { Variable(try $0.value.multiplyAdd(-rate, $1)) })
  }
  let update = try Update(
    names: before.names, tensors: (now - before).tensors, kind: .difference(steps: steps, rate: rate), examples: count,
    mode: mode)
  return try defense?.defend(update, round: round, key: key.derive("defense")) ?? update
}
