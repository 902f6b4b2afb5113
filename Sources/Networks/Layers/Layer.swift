// What a layer is: it says what it makes of an example's shape, which parameters it needs for that, and what it computes.
// Parameters live outside of layers, so that a model is a function of them and they can be replaced or differentiated.
import Autodiff
import Ground
import Tensors

/// Whether batch normalisation and dropout behave as in use (the default everywhere) or as in training.
public enum Mode: String, Sendable, CaseIterable { case eval, train }

/// One step of a model. Layers are immutable descriptions without parameters.
///
/// `build` and `callAsFunction` of a layer with sub-layers must visit them in the same order.
public protocol Layer: Sendable {
  /// Names its parameters (`conv` gives `conv1.weight`, `conv2.weight`, …).
  var kind: String { get }

  /// The layer as Seep code: `conv(64, kernel: 3)`.
  var written: String { get }

  /// Axes of one example, where the layer fixes them: 3 for images, 1 for vectors.
  var exampleRank: Int? { get }

  /// Declares parameters and buffers for an example of shape `input` (no batch axis) and returns the shape of its output.
  /// - Throws: `shape-mismatch` where the layer cannot take such an example.
  func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int]

  /// What the layer computes for a batch: `[n] + input` to `[n] + output`.
  func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable

  /// Gradients of the layer's own parameters, one per example, in the order they were declared.
  ///
  /// - Parameters:
  ///   - input: the batch the layer saw, `[n] + …`.
  ///   - outputGradient: derivative of the summed losses with respect to its output, same batch.
  ///   - scope: gives the layer's parameters and buffers.
  /// - Returns: one `[n] + parameter shape` for each parameter; differentiable where the arguments are tracked.
  func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws -> [Variable]

  /// The same without derivatives, for candidates of `group` examples each, to be summed or looked at one by one. A layer
  /// whose gradients are large says how without keeping them.
  func gradientSources(input: Tensor, outputGradient: Tensor, group: Int, _ scope: ParameterScope) throws
    -> [any GradientSource]

  /// `perExampleGradients`, each to be asked for as a whole or, where that is cheaper, for sums only.
  func trackedGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws -> [TrackedGradient]
}

extension Layer {
  public var exampleRank: Int? { nil }

  public func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [Variable]
  {
    throw Fault("internal-error", "\(written) does not say the gradients of its parameters example by example")
  }

  public func trackedGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [TrackedGradient]
  {
    try perExampleGradients(input: input, outputGradient: outputGradient, scope).map { gradient in
      TrackedGradient(gradients: { gradient })
    }
  }

  public func gradientSources(input: Tensor, outputGradient: Tensor, group: Int, _ scope: ParameterScope) throws
    -> [any GradientSource]
  {
    try perExampleGradients(input: Variable(input), outputGradient: Variable(outputGradient), scope).map {
      try KeptGradients($0.value, group: group)
    }
  }
}

/// A keyword argument as written, or nothing where it has its default.
func option<T: Equatable>(_ name: String, _ value: T, default standard: T) -> String {
  value == standard ? "" : ", \(name): \(value)"
}

/// `name` alone, or `name(options)`; `options` begin with `, ` each.
func call(_ name: String, _ options: String) -> String {
  options.isEmpty ? name : "\(name)(\(options.dropFirst(2)))"
}
