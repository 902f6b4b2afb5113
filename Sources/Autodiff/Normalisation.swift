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
    return rank == 4 ? try scaled(scale, shift) : try self * scale.reshape(channels) + shift.reshape(channels)
  }

  /// x · scale + shift with one of each for every channel of images, in one pass.
  func scaled(_ scale: Variable, _ shift: Variable) throws -> Variable {
    let x = self
    return .many([x, scale, shift], try value.scaledAndShifted(scale.value, shift.value)) { operand, g in
      switch operand {
      case 0: try g * scale.reshape([1, x.shape[1], 1, 1])
      case 1: try g.pixelProducts(x).sum(axes: [0])
      default: try g.sum(axes: [0, 2, 3])
      }
    }
  }

  /// Σ over pixels of self · other for every image and channel: `[n, c]`.
  public func pixelProducts(_ other: Variable) throws -> Variable {
    let (a, b) = (self, other)
    func widened(_ u: Variable) throws -> Variable { try u.reshape([a.shape[0], a.shape[1], 1, 1]) }
    return .binary(
      a, b, try a.value.pixelProducts(b.value), { u, _ in try b * widened(u) }, { u, _ in try a * widened(u) })
  }

  /// With the statistics of the batch itself, which are returned (the variance biased, as it was used).
  public func batchNormTrain(
    weight: Variable?, bias: Variable?, eps: Double = 1e-5
  ) throws -> (y: Variable, mean: Variable, variance: Variable) {
    let x = self
    let channels = channelShape()
    let axes = [0] + Array(2..<Swift.max(2, rank))
    let statistics = try Statistics(value, axes)
    var y = try standardised(statistics, axes, eps)
    if let weight { y = try y * weight.reshape(channels) }
    if let bias { y = try y + bias.reshape(channels) }
    let share = Double(channels[1]) / Double(Swift.max(1, size))
    let mean = Variable.unary(x, try statistics.mean.reshape([channels[1]])) { g, _ in
      try (g.reshape(channels) * share).broadcast(to: x.shape)
    }
    let variance = Variable.unary(x, try statistics.variance.reshape([channels[1]])) { g, _ in
      try (g.reshape(channels) * (2 * share)) * (x - x.mean(axes: axes, keep: true))
    }
    return (y, mean, variance)
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

  /// (x - mean) / √(biased variance + eps) over `axes`, in one operation.
  ///
  /// With r = 1/√(variance + eps) and the result y: dx = r·(g - mean(g) - y·mean(g·y)).
  private func normalised(axes: [Int], _ eps: Double) throws -> Variable {
    try standardised(Statistics(value, axes), axes, eps)
  }

  private func standardised(_ statistics: Statistics, _ axes: [Int], _ eps: Double) throws -> Variable {
    let x = self
    let scale = try Tensor.combine(.add, statistics.variance, eps).map(.rsqrt)
    let y = try Tensor.combine(.mul, statistics.centred, scale)
    return .unary(x, y, keepsOutput: true) { g, y in
      let factor =
        Recording.isPaused
        ? Variable(scale) : try (x.variance(axes: axes, keep: true, biased: true) + eps).rsqrt()
      let weighted = try y * (g * y).mean(axes: axes, keep: true)
      return try (g - g.mean(axes: axes, keep: true) - weighted) * factor
    }
  }

  /// Mean and biased variance over axes, kept, and the distances from the mean.
  private struct Statistics {
    let mean: Tensor
    let variance: Tensor
    let centred: Tensor

    init(_ x: Tensor, _ axes: [Int]) throws {
      mean = try x.reduce(.mean, axes: axes, keep: true)
      centred = try Tensor.combine(.sub, x, mean)
      variance = try centred.map(.square).reduce(.mean, axes: axes, keep: true)
    }
  }
}
