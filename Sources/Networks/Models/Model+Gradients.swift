// What federated learning shares: gradients of the cross-entropy with respect to a model's parameters; of the mean over a
// batch, or for every example of a batch by itself in one pass.
import Autodiff
import Ground
import Tensors

/// What examples should have been recognised as.
public enum Labels {
  /// int64 `[n]`, or one number for a lone example.
  case classes(Tensor)
  /// Probabilities `[n, classes]`, or `[classes]`: mixed or learned labels.
  case soft(Variable)
}

/// A loss with its derivatives.
public struct LossAndGradient {
  /// One number: the mean over the batch.
  public let loss: Variable
  public let gradient: Parameters
  /// Running statistics after the pass (train mode), else as before.
  public let buffers: [Tensor]
  public let logits: Variable
}

/// Per-example quantities of one pass over a batch.
public struct TappedGradients {
  /// `[n]`.
  public let losses: Variable
  /// Every layer with parameters, in order, with the derivative of the summed losses with respect to its output.
  public let layers: [(tap: Tap, outputGradient: Variable)]
  public let pass: Model.Pass
}

extension Model {
  /// Cross-entropy of logits: `.none` gives `[n]`.
  public static func loss(_ logits: Variable, _ labels: Labels, reduction: LossReduction = .mean) throws -> Variable {
    switch labels {
    case .classes(let tensor):
      let flat = tensor.rank == 0 ? try tensor.reshape([1]) : tensor
      return try logits.crossEntropy(labels: flat, reduction: reduction)
    case .soft(let probabilities):
      let batch = probabilities.rank == 1 ? try probabilities.unsqueeze(axis: 0) : probabilities
      return try logits.crossEntropy(soft: batch, reduction: reduction)
    }
  }

  /// Mean cross-entropy of a batch (or a lone example) and its gradient with respect to the parameters.
  /// - Parameter recording: whether the gradient can be differentiated again, with respect to a tracked `x`, tracked
  ///   `parameters` or soft labels.
  public func lossAndGradient(
    _ x: Variable, _ labels: Labels, parameters: Parameters? = nil, mode: Mode = .eval, key: RandomKey? = nil,
    recording: Bool = false
  ) throws -> LossAndGradient {
    let (batch, _) = try batched(x)
    try build(for: Array(batch.shape.dropFirst()))
    let watched = try (parameters ?? self.parameters).map { $0.watched() }
    let pass = try forward(batch, parameters: watched, mode: mode, key: key)
    let plain = try Model.loss(pass.output, labels)
    let loss = try pass.penalty.map { try plain + $0 } ?? plain
    let gradients = try Autodiff.gradients(of: loss, wrt: watched.values, recording: recording)
    let filled = try zip(gradients, watched.values).map { try $0 ?? Variable(Tensor.zeros($1.shape, $1.dtype)) }
    return LossAndGradient(
      loss: loss, gradient: try watched.with(values: filled), buffers: pass.buffers, logits: pass.output)
  }

  /// Gradient of the mean cross-entropy: what a FedSGD client shares.
  public func gradient(_ x: Variable, _ labels: Labels, mode: Mode = .eval, recording: Bool = false) throws
    -> Parameters
  {
    try lossAndGradient(x, labels, mode: mode, recording: recording).gradient
  }

  /// One pass over a batch that leaves, for every layer with parameters, its input and the derivative of the summed losses
  /// with respect to its output: all that is needed for per-example gradients, their norms, and their inner products.
  public func tappedGradients(
    _ x: Variable, _ labels: Labels, parameters: Parameters? = nil, recording: Bool = false
  ) throws -> TappedGradients {
    let (batch, _) = try batched(x)
    let pass = try forward(batch, parameters: parameters, taps: true)
    let losses = try Model.loss(pass.output, labels, reduction: .none)
    let total = try pass.penalty.map { try losses.sum() + $0 * Double(batch.shape[0]) } ?? losses.sum()
    let derivatives = try Autodiff.gradients(of: total, wrt: pass.taps.map(\.output), recording: recording)
    let layers = try zip(pass.taps, derivatives).map { tap, derivative in
      (tap: tap, outputGradient: try derivative ?? Variable(Tensor.zeros(tap.output.shape, tap.output.dtype)))
    }
    return TappedGradients(losses: losses, layers: layers, pass: pass)
  }

  /// The gradient of every example's own cross-entropy: for each parameter, in order, `[n] + its shape`. Batch
  /// normalisation runs in eval mode (in train mode examples have no gradients of their own).
  /// - Parameter recording: whether the result can be differentiated, with respect to a tracked `x`.
  public func perExampleGradients(
    _ x: Variable, _ labels: Labels, parameters: Parameters? = nil, recording: Bool = false
  ) throws -> [Variable] {
    let tapped = try tappedGradients(x, labels, parameters: parameters, recording: recording)
    var result = [Variable?](repeating: nil, count: try self.parameters.count)
    for (tap, outputGradient) in tapped.layers {
      // The pass itself was recorded for the taps' sake; the products need not be.
      let own =
        try recording
        ? tapped.pass.perExampleGradients(tap, outputGradient: outputGradient)
        : withoutRecording { try tapped.pass.perExampleGradients(tap, outputGradient: outputGradient) }
      for (index, gradient) in zip(tap.slot.parameters, own) { result[index] = gradient }
    }
    return result.compactMap { $0 }
  }
}
