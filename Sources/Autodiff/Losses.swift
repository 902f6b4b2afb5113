// Losses.
import Ground
import Tensors

/// How the losses of a batch become one number.
public enum LossReduction: String, Sendable { case mean, sum, none }

extension Variable {
  func reduced(_ reduction: LossReduction) throws -> Variable {
    switch reduction {
    case .mean: try mean()
    case .sum: try sum()
    case .none: self
    }
  }

  /// -log softmax(logits)[label], logits [n, classes], labels int64 [n].
  public func crossEntropy(labels: Tensor, reduction: LossReduction = .mean) throws -> Variable {
    try checkLogits(labels.shape)
    let places = try labels.converted(to: .int64).reshape([shape[0], 1])
    for label in try places.integers() where label < 0 || label >= shape[1] {
      throw Fault("out-of-range", "label \(label) is outside 0..\(shape[1])")
    }
    let picked = try logSoftmax(axis: 1).gather(axis: 1, places).reshape([shape[0]])
    return try (-picked).reduced(reduction)
  }

  /// -Σ targets · log softmax(logits), with a distribution per row.
  public func crossEntropy(soft targets: Variable, reduction: LossReduction = .mean) throws -> Variable {
    guard shape == targets.shape, rank == 2 else {
      throw Variable.unfit(targets: shapeText(targets.shape), logits: shapeText(shape))
    }
    return try (-(targets * logSoftmax(axis: 1)).sum(axes: [1])).reduced(reduction)
  }

  private func checkLogits(_ labels: [Int]) throws {
    guard rank == 2, labels == [shape[0]] else {
      throw Variable.unfit(labels: shapeText(labels), logits: shapeText(shape))
    }
  }

  // MARK: Words, about shapes as they are written

  public static func unfit(labels: String, logits: String) -> Fault {
    Fault(
      "shape-mismatch", "cross entropy needs logits [n, classes] and labels [n], not \(logits) and \(labels)",
      operands: [0: logits, 1: labels])
  }

  public static func unfit(targets: String, logits: String) -> Fault {
    Fault(
      "shape-mismatch", "logits of shape \(logits) and target distributions of shape \(targets)",
      operands: [0: logits, 1: targets])
  }

  /// Mean of squared differences.
  public func meanSquaredError(_ other: Variable) throws -> Variable { try (self - other).square().mean() }
}
