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
  try requireArgument(batch >= 0, "local_update: the batch must not be negative, and it is \(batch)")
  let round = try ClientRound(checking: model, images, labels, mode: mode).prepared(by: defense, key: key)
  let count = round.images.shape[0]
  let size = batch == 0 || batch > count ? count : batch
  let ranges = (0..<steps).map { step in
    let start = (step % max(1, count / size)) * size
    return start..<start + size
  }
  return try round.difference(ranges, lr: rate, defense: defense, key: key)
}

extension ClientRound {
  /// What a client of federated averaging sends after one step on each of the ranges of its (prepared) examples.
  func difference(_ ranges: [Range<Int>], lr rate: Double, defense: (any Defense)?, key: RandomKey) throws -> Update {
    try requireArgument(rate > 0 && rate.isFinite, "local_update: the rate must be positive, not \(rate)")
    let before = try model.parameters
    var now = before
    for (step, range) in ranges.enumerated() {
      try Interrupt.check()
      let gradient = try gradient(range, defense: defense, parameters: now, key: key.derive("forward").derive(step))
      now = try now.with(values: zip(now.values, gradient).map { Variable(try $0.value.multiplyAdd(-rate, $1)) })
    }
    var update = try Update(
      names: before.names, tensors: (now - before).tensors, kind: .difference(steps: ranges.count, rate: rate),
      examples: images.shape[0], mode: mode)
    update.slices = ranges
    return try defense?.defend(update, round: self, key: key.derive("defense")) ?? update
  }
}

extension Update {
  /// The gradient that a difference stands for, −Δ / (rate · steps): exact for one step, the mean over the way else.
  public var asGradient: Update {
    get throws {
      guard case .difference(let steps, let rate) = kind else { return self }
      var result = try (-1 / (rate * Double(steps))) * self
      result.kind = .gradient
      result.slices = nil
      return result
    }
  }
}

extension Model {
  /// The model after a server's step: θ − rate · g for a gradient, θ + rate · Δ for a parameter difference.
  /// - Throws: `shape-mismatch` where the update is of another model, `not-finite`.
  public func stepped(by update: Update, rate: Double = 1) throws -> Model {
    let own = try parameters
    guard own.names == update.names, zip(own.values, update.tensors).allSatisfy({ $0.shape == $1.shape }) else {
      throw Fault("shape-mismatch", "the update is not one of \(written): its tensors have other names or shapes")
    }
    guard try update.norm.isFinite else {
      throw Fault("not-finite", "the update holds numbers that are not finite", help: "a smaller learning rate")
    }
    let scale = update.kind == .gradient ? -rate : rate
    return try with(
      values: zip(own.values, update.tensors).map { try $0.value.multiplyAdd(scale, $1) }, buffers: buffers.tensors)
  }
}
