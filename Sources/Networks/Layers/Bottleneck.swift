// PRECODE's variational bottleneck (Scheliga, Mäder, Seeland, "PRECODE – a generic model extension to prevent deep gradient
// leakage", WACV 2022): random latent features between two dense layers, with the divergence from a normal distribution in the loss.
import Autodiff
import Ground
import Tensors

/// `bottleneck(256)`: h = dense(2k); μ = first k, s = softplus(rest); z = μ + s · N(0, 1); dense(d) back to the d features it got.
/// beta · KL / ln 2 joins the loss, with KL = −½ Σ (1 + 2 ln s − μ² − s²) averaged over the batch. A pass without a key (an attacker's,
/// or `net(x)` in eval mode) takes z = μ.
public struct Bottleneck: Layer {
  public let size: Int
  public let beta: Double

  /// - Throws: `bad-argument`.
  public init(_ size: Int, beta: Double = 1e-3) throws {
    try require("bottleneck", positive: ["size": size])
    guard beta >= 0, beta.isFinite else {
      throw Fault("bad-argument", "bottleneck: beta must not be negative, and it is \(beta)")
    }
    self.size = size
    self.beta = beta
  }

  public var kind: String { "bottleneck" }
  public var exampleRank: Int? { 1 }
  public var written: String { "bottleneck(\(size)\(option("beta", beta, default: 1e-3)))" }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard input.count == 1, input[0] > 0 else {
      throw builder.refuse(input, needs: "a vector of features", help: input.count > 1 ? "flatten >> \(written)" : nil)
    }
    let inside = try builder.visit(Dense(2 * size), input: input)
    guard inside == [2 * size] else { throw builder.refuse(input, needs: "a vector of features") }
    return try builder.visit(Dense(input[0]), input: [size])
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    let h = try scope.apply(Dense(2 * size), x)
    let mean = try h.slice(axis: 1, from: 0, to: size)
    let spread = try h.slice(axis: 1, from: size, to: 2 * size).softplus()
    let terms = try 1 + 2 * (spread + 1e-30).log() - mean.square() - spread.square()
    try scope.addPenalty(terms.sum(axes: [1]).mean() * (-0.5 * beta / 0.6931471805599453))
    guard let key = scope.optionalRandomKey else { return try scope.apply(Dense(x.shape[1]), mean) }
    let draws = try Tensor.normal(mean.shape, key: key, dtype: mean.dtype)
    return try scope.apply(Dense(x.shape[1]), mean + spread * Variable(draws))
  }
}

extension Model {
  /// The model with a bottleneck before its last dense layer. Parameters keep their names and values.
  /// - Throws: `no-last-layer`.
  public func withBottleneck(_ size: Int, beta: Double = 1e-3, key: RandomKey) throws -> Model {
    guard let last = layers.last as? Dense else {
      throw Fault("no-last-layer", "precode goes before the last dense layer, and \(written) does not end in one")
    }
    let model = Model(
      layers.dropLast() + [try Bottleneck(size, beta: beta), last], key: key, initialiser: initialiser, dtype: dtype)
    guard let shape = inputShape else { return model }
    try model.build(for: shape)
    let own = try Dictionary(uniqueKeysWithValues: zip(parameters.names, parameters.values))
    let values = try model.parameters
    return try model.with(
      values: zip(values.names, values.values).map { (own[$0] ?? $1).value }, buffers: buffers.tensors)
  }
}
