// Gradients of one parameter for many examples at once that can be differentiated: as tensors, or only as the sums that distances are
// made of, where those cost much less.
import Autodiff
import Ground
import Tensors

/// One parameter's gradients, one for each example.
public struct TrackedGradient {
  /// `[n] + shape of the parameter`.
  public let gradients: () throws -> Variable
  /// ‖gᵢ‖² and ⟨gᵢ, target⟩ of each example, without the gradients; nil where they are no cheaper.
  public let sums: ((_ target: Tensor) throws -> (squares: Variable, products: Variable))?

  public init(
    gradients: @escaping () throws -> Variable,
    sums: ((_ target: Tensor) throws -> (squares: Variable, products: Variable))? = nil
  ) {
    self.gradients = gradients
    self.sums = sums
  }
}

extension Conv {
  public func trackedGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [TrackedGradient]
  {
    let (x, gy, size, geometry) = (input, outputGradient, (height: kernel, width: kernel), geometry)
    let positions = gy.shape[2] * gy.shape[3]
    let patch = x.shape[1] * kernel * kernel
    let isCheap = groups == 1 && 2 * positions * (patch + channels) < patch * channels
    let weight = TrackedGradient(
      gradients: { try x.conv2dWeightGradientPerExample(gy, kernel: size, geometry) },
      sums: isCheap
        ? { target in
          (
            try x.conv2dWeightGradientSquares(gy, kernel: size, geometry),
            try x.conv2dWeightGradientProducts(gy, Variable(target), geometry)
          )
        } : nil)
    return bias ? [weight, TrackedGradient(gradients: { try gy.sum(axes: [2, 3]) })] : [weight]
  }
}

extension Dense {
  public func trackedGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws
    -> [TrackedGradient]
  {
    let (a, d) = (input, outputGradient)
    let weight = TrackedGradient(
      gradients: { try d.unsqueeze(axis: 2) * a.unsqueeze(axis: 1) },
      sums: { target in
        (
          try d.square().sum(axes: [1]) * a.square().sum(axes: [1]),
          try (a.matmul(Variable(target.transposed())) * d).sum(axes: [1])
        )
      })
    return bias ? [weight, TrackedGradient(gradients: { d })] : [weight]
  }
}

extension Model {
  /// The gradient of every example's own cross-entropy, for each parameter in order, differentiable with respect to a tracked `x`. Batch
  /// normalisation runs in eval mode.
  public func trackedGradients(_ x: Variable, _ labels: Labels) throws -> [TrackedGradient] {
    try trackedGradients(tappedGradients(x, labels, recording: true))
  }

  /// The same from a recorded pass, which has more to tell.
  public func trackedGradients(_ tapped: TappedGradients) throws -> [TrackedGradient] {
    var result = [TrackedGradient?](repeating: nil, count: try parameters.count)
    for (tap, outputGradient) in tapped.layers {
      let own = try tapped.pass.at(tap) {
        try tap.layer.trackedGradients(input: tap.input, outputGradient: outputGradient, $0)
      }
      for (index, gradient) in zip(tap.slot.parameters, own) { result[index] = gradient }
    }
    return result.compactMap { $0 }
  }
}
