// Fully connected layer: y = x Wᵀ + b, weights [out, in] as in PyTorch.
import Autodiff
import Ground
import Tensors

/// `dense(10)`.
public struct Dense: Layer {
  public var features: Int
  public var bias: Bool
  /// Features of an example, where the maker of the model states them; otherwise whatever comes.
  public var expected: Int?

  /// - Throws: `bad-argument`.
  public init(_ features: Int, bias: Bool = true, expecting expected: Int? = nil) throws {
    try require("dense", positive: ["features": features])
    self.features = features
    self.bias = bias
    self.expected = expected
  }

  public var kind: String { "dense" }
  public var exampleRank: Int? { 1 }
  public var written: String { "dense(\(features)\(option("bias", bias, default: true)))" }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard input.count == 1, input[0] > 0 else {
      throw builder.refuse(
        input, needs: "a vector of features", help: input.count > 1 ? "flatten >> \(written)" : nil)
    }
    if let expected, expected != input[0] { throw builder.refuse(input, needs: "\(expected) features") }
    builder.parameter("weight", [features, input[0]], .weight(fanIn: input[0], fanOut: features, convolution: false))
    if bias { builder.parameter("bias", [features], .bias(fanIn: input[0])) }
    return [features]
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    let product = try x.matmul(scope.parameter(0).transposed())
    return bias ? try product + scope.parameter(1) : product
  }

  /// dᵢ ⊗ aᵢ.
  public func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [Variable]
  {
    let weight = try outputGradient.unsqueeze(axis: 2) * input.unsqueeze(axis: 1)
    return bias ? [weight, outputGradient] : [weight]
  }

  public func gradientSources(input: Tensor, outputGradient: Tensor, group: Int, _ scope: ParameterScope) throws
    -> [any GradientSource]
  {
    let weight = try OuterGradients(outputGradient, input, group: group)
    return bias ? [weight, try KeptGradients(outputGradient, group: group)] : [weight]
  }
}
