// Convolutions in two dimensions, with the conventions of PyTorch: cross-correlation, zero padding, weights [out, in, h, w].
import Autodiff
import Ground
import Tensors

/// `conv(12, kernel: 5, stride: 2, pad: 2)`.
public struct Conv: Layer {
  public var channels: Int
  public var kernel: Int
  public var stride: Int
  public var pad: Int
  public var dilation: Int
  public var groups: Int
  public var bias: Bool

  /// - Throws: `bad-argument` where a number makes no sense.
  public init(
    _ channels: Int, kernel: Int, stride: Int = 1, pad: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) throws {
    try require(
      "conv",
      positive: ["channels": channels, "kernel": kernel, "stride": stride, "dilation": dilation, "groups": groups])
    try require("conv", notNegative: ["pad": pad])
    guard channels % groups == 0 else {
      throw Fault("bad-argument", "conv: \(channels) channels cannot be split into \(groups) groups")
    }
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.pad = pad
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
  }

  public var kind: String { "conv" }
  public var exampleRank: Int? { 3 }
  public var written: String {
    "conv(\(channels), kernel: \(kernel)" + option("stride", stride, default: 1) + option("pad", pad, default: 0)
      + option("dilation", dilation, default: 1) + option("groups", groups, default: 1)
      + option("bias", bias, default: true)
      + ")"
  }

  var geometry: ConvGeometry {
    ConvGeometry(stride: stride, padding: pad, dilation: dilation, groups: groups)
  }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard input.count == 3 else { throw builder.refuse(input, needs: "[channels, height, width]") }
    guard input[0] % groups == 0, input[0] > 0 else {
      throw builder.refuse(input, needs: "a number of channels divisible by its \(groups) groups")
    }
    let reach = dilation * (kernel - 1) + 1
    guard input[1] + 2 * pad >= reach, input[2] + 2 * pad >= reach else {
      throw builder.refuse(input, needs: "at least \(max(reach - 2 * pad, 1)) pixels in height and width")
    }
    let inside = input[0] / groups
    let fanIn = inside * kernel * kernel
    builder.parameter(
      "weight", [channels, inside, kernel, kernel],
      .weight(fanIn: fanIn, fanOut: channels * kernel * kernel, convolution: true))
    if bias { builder.parameter("bias", [channels], .bias(fanIn: fanIn)) }
    return [channels] + input[1...].map { ($0 + 2 * pad - reach) / stride + 1 }
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try x.conv2d(scope.parameter(0), bias: bias ? scope.parameter(1) : nil, geometry)
  }

  public func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [Variable]
  {
    let weight = try input.conv2dWeightGradientPerExample(outputGradient, kernel: (kernel, kernel), geometry)
    return bias ? [weight, try outputGradient.sum(axes: [2, 3])] : [weight]
  }

  public func gradientSources(input: Tensor, outputGradient: Tensor, group: Int, _ scope: ParameterScope) throws
    -> [any GradientSource]
  {
    try convolutionSources(input, outputGradient, kernel, geometry, group, bias: bias ? outputGradient : nil)
  }
}

/// Sources for a convolution's weight and its bias, which sums `bias` over pixels.
private func convolutionSources(
  _ x: Tensor, _ gy: Tensor, _ kernel: Int, _ geometry: ConvGeometry, _ group: Int, bias: Tensor?
) throws -> [any GradientSource] {
  var sources: [any GradientSource] = []
  if x.dtype == .float32 {
    sources.append(try ConvolutionWeightGradients(x, gy, kernel: kernel, geometry, group: group))
  } else {
    let each = try Tensor.conv2dWeightGradientPerExample(x, gy, kernel: (kernel, kernel), geometry)
    sources.append(try KeptGradients(each, group: group))
  }
  if let bias { sources.append(try KeptGradients(bias.reduce(.sum, axes: [2, 3]), group: group)) }
  return sources
}

/// `conv_transpose(64, kernel: 4, stride: 2, pad: 1)`: the adjoint of a convolution, which enlarges. Weights [in, out, h, w].
public struct ConvTranspose: Layer {
  public var channels: Int
  public var kernel: Int
  public var stride: Int
  public var pad: Int
  public var outputPad: Int
  public var bias: Bool

  /// - Throws: `bad-argument`.
  public init(_ channels: Int, kernel: Int, stride: Int = 1, pad: Int = 0, outputPad: Int = 0, bias: Bool = true) throws
  {
    try require("conv_transpose", positive: ["channels": channels, "kernel": kernel, "stride": stride])
    try require("conv_transpose", notNegative: ["pad": pad, "output_pad": outputPad])
    guard outputPad < stride else {
      throw Fault("bad-argument", "conv_transpose: output_pad \(outputPad) must be smaller than the stride \(stride)")
    }
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.pad = pad
    self.outputPad = outputPad
    self.bias = bias
  }

  public var kind: String { "conv_transpose" }
  public var exampleRank: Int? { 3 }
  public var written: String {
    "conv_transpose(\(channels), kernel: \(kernel)" + option("stride", stride, default: 1)
      + option("pad", pad, default: 0)
      + option("output_pad", outputPad, default: 0) + option("bias", bias, default: true) + ")"
  }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard input.count == 3, input.allSatisfy({ $0 > 0 }) else {
      throw builder.refuse(input, needs: "[channels, height, width]")
    }
    let output = input[1...].map { ($0 - 1) * stride - 2 * pad + kernel + outputPad }
    guard output.allSatisfy({ $0 > 0 }) else {
      throw builder.refuse(input, needs: "more pixels than its padding of \(pad) takes away")
    }
    let fanIn = channels * kernel * kernel  // PyTorch takes the second axis of [in, out, h, w]
    builder.parameter(
      "weight", [input[0], channels, kernel, kernel],
      .weight(fanIn: fanIn, fanOut: input[0] * kernel * kernel, convolution: true))
    if bias { builder.parameter("bias", [channels], .bias(fanIn: fanIn)) }
    return [channels] + output
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try x.convTranspose2d(
      scope.parameter(0), bias: bias ? scope.parameter(1) : nil, ConvGeometry(stride: stride, padding: pad),
      outputPadding: (outputPad, outputPad))
  }

  /// The layer is the adjoint of a convolution from its output to its input, so the two change places.
  public func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [Variable]
  {
    let geometry = ConvGeometry(stride: stride, padding: pad)
    let weight = try outputGradient.conv2dWeightGradientPerExample(input, kernel: (kernel, kernel), geometry)
    return bias ? [weight, try outputGradient.sum(axes: [2, 3])] : [weight]
  }

  public func gradientSources(input: Tensor, outputGradient: Tensor, group: Int, _ scope: ParameterScope) throws
    -> [any GradientSource]
  {
    let geometry = ConvGeometry(stride: stride, padding: pad)
    return try convolutionSources(outputGradient, input, kernel, geometry, group, bias: bias ? outputGradient : nil)
  }
}

/// Throws `bad-argument` for the first number, by name, that is not positive.
func require(_ layer: String, positive numbers: KeyValuePairs<String, Int>) throws {
  for (name, value) in numbers where value < 1 || value > 1 << 30 {
    throw Fault("bad-argument", "\(layer): \(name) must be from 1 to \(1 << 30), not \(value)")
  }
}

func require(_ layer: String, notNegative numbers: KeyValuePairs<String, Int>) throws {
  for (name, value) in numbers where value < 0 || value > 1 << 30 {
    throw Fault("bad-argument", "\(layer): \(name) must be from 0 to \(1 << 30), not \(value)")
  }
}
