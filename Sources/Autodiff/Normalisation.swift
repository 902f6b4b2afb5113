// Normalisation layers, composed from differentiable operations.
import Ground
import Tensors

extension Variable {
  /// The shape in which a vector of channels broadcasts over [n, c, …].
  private func channelShape() -> [Int] {
    [1, rank > 1 ? shape[1] : 1] + [Int](repeating: 1, count: Swift.max(0, rank - 2))
  }

  /// (x - mean) / √(variance + eps) · weight + bias per channel, with given statistics: one scale and one shift.
  public func batchNorm(
    weight: Variable?, bias: Variable?, mean: Variable, variance: Variable, eps: Double = 1e-5
  ) throws -> Variable {
    let channels = channelShape()
    var scale = try (variance + eps).rsqrt()
    if let weight { scale = try scale * weight }
    var shift = try -(mean * scale)
    if let bias { shift = try shift + bias }
    return try self * scale.reshape(channels) + shift.reshape(channels)
  }

  /// With the statistics of the batch itself, which are returned (the variance biased, as it was used).
  public func batchNormTrain(
    weight: Variable?, bias: Variable?, eps: Double = 1e-5
  ) throws -> (y: Variable, mean: Variable, variance: Variable) {
    let channels = channelShape()
    let axes = [0] + Array(2..<Swift.max(2, rank))
    let mean = try mean(axes: axes, keep: true)
    let centred = try self - mean
    let variance = try centred.square().mean(axes: axes, keep: true)
    var y = try centred * (variance + eps).rsqrt()
    if let weight { y = try y * weight.reshape(channels) }
    if let bias { y = try y + bias.reshape(channels) }
    return (y, try mean.reshape([channels[1]]), try variance.reshape([channels[1]]))
  }

  /// Over the last axes, whose sizes are those of `weight`, or `count` of them.
  public func layerNorm(weight: Variable?, bias: Variable?, axes count: Int, eps: Double = 1e-5) throws -> Variable {
    var y = try normalised(axes: Array(Swift.max(0, rank - count)..<rank), eps)
    if let weight { y = try y * weight }
    if let bias { y = try y + bias }
    return y
  }

  /// Over the channels of each group and all positions.
  public func groupNorm(groups: Int, weight: Variable?, bias: Variable?, eps: Double = 1e-5) throws -> Variable {
    guard rank >= 2, groups > 0, shape[1] % groups == 0 else {
      throw Fault("shape-mismatch", "\(groups) groups do not divide the channels of shape \(shapeText(shape))")
    }
    let grouped = try reshape([shape[0], groups, -1])
    var y = try grouped.normalised(axes: [2], eps).reshape(shape)
    if let weight { y = try y * weight.reshape(channelShape()) }
    if let bias { y = try y + bias.reshape(channelShape()) }
    return y
  }

  /// Over the positions of each channel of each example.
  public func instanceNorm(weight: Variable?, bias: Variable?, eps: Double = 1e-5) throws -> Variable {
    try groupNorm(groups: Swift.max(1, rank > 1 ? shape[1] : 1), weight: weight, bias: bias, eps: eps)
  }

  private func normalised(axes: [Int], _ eps: Double) throws -> Variable {
    let centred = try self - mean(axes: axes, keep: true)
    return try centred * (centred.square().mean(axes: axes, keep: true) + eps).rsqrt()
  }
}
