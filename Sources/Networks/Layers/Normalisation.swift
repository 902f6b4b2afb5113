// Normalisations with scale and shift, as in PyTorch. Batch normalisation uses its running statistics unless training.
import Autodiff
import Ground
import Tensors

/// `batch_norm`: each channel (the first axis of an example) over the batch and all positions (Ioffe and Szegedy 2015).
public struct BatchNorm: Layer {
  /// Weight of the new batch in the running statistics.
  public var momentum: Double
  public var eps: Double

  public init(momentum: Double = 0.1, eps: Double = 1e-5) {
    self.momentum = momentum
    self.eps = eps
  }

  public var kind: String { "batch_norm" }
  public var written: String {
    call("batch_norm", option("momentum", momentum, default: 0.1) + option("eps", eps, default: 1e-5))
  }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard let channels = input.first, channels > 0 else { throw builder.refuse(input, needs: "at least one axis") }
    builder.parameter("weight", [channels], .scale)
    builder.parameter("bias", [channels], .shift)
    builder.buffer("running_mean", [channels], .shift)
    builder.buffer("running_var", [channels], .scale)
    return input
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    let (weight, bias) = (scope.parameter(0), scope.parameter(1))
    guard scope.mode == .train else {
      return try x.batchNorm(weight: weight, bias: bias, mean: mean(scope, x), variance: variance(scope, x), eps: eps)
    }
    let count = x.size / max(x.shape[1], 1)
    guard count > 1 else {
      throw Fault(
        "bad-batch",
        "batch_norm needs more than one value per channel to train, and a batch of shape \(x.shape) has one",
        help: "a batch of at least two examples, or eval mode")
    }
    let (y, batchMean, batchVariance) = try x.batchNormTrain(weight: weight, bias: bias, eps: eps)
    let unbiased = Double(count) / Double(count - 1)
    try scope.setBuffer(0, blend(scope.buffer(0), batchMean.value, 1))
    try scope.setBuffer(1, blend(scope.buffer(1), batchVariance.value, unbiased))
    return y
  }

  /// In eval mode the statistics are constants: Σ over positions of d·x̂, and of d.
  public func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [Variable]
  {
    guard scope.mode == .eval else {
      throw Fault(
        "other-mode",
        "in train mode batch_norm mixes the examples of a batch, so that none has its own gradient")
    }
    let (mean, variance) = (try mean(scope, input), try variance(scope, input))
    if input.rank == 4 {
      // Σ d·x̂ = (Σ d·x − mean · Σ d) / √(variance + eps)
      let total = try outputGradient.sum(axes: [2, 3])
      return [try (outputGradient.pixelProducts(input) - total * mean) * (variance + eps).rsqrt(), total]
    }
    let normalised = try input.batchNorm(weight: nil, bias: nil, mean: mean, variance: variance, eps: eps)
    return [try overPositions(outputGradient * normalised), try overPositions(outputGradient)]
  }

  private func mean(_ scope: ParameterScope, _ x: Variable) throws -> Variable {
    try Variable(scope.buffer(0).converted(to: x.dtype))
  }

  private func variance(_ scope: ParameterScope, _ x: Variable) throws -> Variable {
    try Variable(scope.buffer(1).converted(to: x.dtype))
  }

  /// (1 - momentum)·old + momentum·scale·new.
  private func blend(_ old: Tensor, _ new: Tensor, _ scale: Double) throws -> Tensor {
    try Tensor.combine(.mul, old, 1 - momentum).multiplyAdd(
      momentum * scale, new.converted(to: old.dtype).reshape(old.shape))
  }
}

/// Sum over every axis after batch and channel: `[n, c, …]` to `[n, c]`.
private func overPositions(_ x: Variable) throws -> Variable {
  x.rank > 2 ? try x.sum(axes: Array(2..<x.rank)) : x
}

/// `group_norm(8)`: each example, in groups of channels (Wu and He 2018). `group_norm(1)` takes all channels together.
public struct GroupNorm: Layer {
  public var groups: Int
  public var eps: Double

  /// - Throws: `bad-argument`.
  public init(_ groups: Int, eps: Double = 1e-5) throws {
    try require("group_norm", positive: ["groups": groups])
    self.groups = groups
    self.eps = eps
  }

  public var kind: String { "group_norm" }
  public var written: String { "group_norm(\(groups)\(option("eps", eps, default: 1e-5)))" }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard let channels = input.first, channels > 0, channels % groups == 0 else {
      throw builder.refuse(input, needs: "a number of channels divisible by its \(groups) groups")
    }
    builder.parameter("weight", [channels], .scale)
    builder.parameter("bias", [channels], .shift)
    return input
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try x.groupNorm(groups: groups, weight: scope.parameter(0), bias: scope.parameter(1), eps: eps)
  }

  public func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [Variable]
  {
    let normalised = try input.groupNorm(groups: groups, weight: nil, bias: nil, eps: eps)
    return [try overPositions(outputGradient * normalised), try overPositions(outputGradient)]
  }
}

/// `layer_norm`: each example over all its axes, with a scale and a shift for every element (Ba et al. 2016).
public struct LayerNorm: Layer {
  public var eps: Double
  public init(eps: Double = 1e-5) { self.eps = eps }

  public var kind: String { "layer_norm" }
  public var written: String { call("layer_norm", option("eps", eps, default: 1e-5)) }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    builder.parameter("weight", input, .scale)
    builder.parameter("bias", input, .shift)
    return input
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try x.layerNorm(weight: scope.parameter(0), bias: scope.parameter(1), axes: x.rank - 1, eps: eps)
  }

  public func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [Variable]
  {
    [try outputGradient * input.layerNorm(weight: nil, bias: nil, axes: input.rank - 1, eps: eps), outputGradient]
  }
}

/// `instance_norm`: each example and channel over its positions, without scale and shift (Ulyanov et al. 2016).
public struct InstanceNorm: Layer {
  public var eps: Double
  public init(eps: Double = 1e-5) { self.eps = eps }

  public var kind: String { "instance_norm" }
  public var written: String { call("instance_norm", option("eps", eps, default: 1e-5)) }
  public var exampleRank: Int? { 3 }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard input.count == 3, input[1] * input[2] > 1 else {
      throw builder.refuse(input, needs: "[channels, height, width] with more than one pixel")
    }
    return input
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try x.instanceNorm(weight: nil, bias: nil, eps: eps)
  }
}
