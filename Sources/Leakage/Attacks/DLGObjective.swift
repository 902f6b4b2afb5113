// The objective of Deep leakage from gradients (Zhu, Liu, Han, NeurIPS 2019); the attack itself is stdlib/attacks/dlg.seep.
import Autodiff
import Networks
import Tensors

/// DLG's objective Σ_l ‖g̃_l − y_l‖² over pixels, and label logits where they are sought.
public struct DLGObjective {
  public let model: Model
  public let matching: Matching
  /// nil: logits are part of the point.
  public let labels: [Int]?

  public init(_ received: Update, _ model: Model, labels: [Int]?, knowing knowledge: Knowledge = .none) throws {
    self.model = model
    matching = try Matching(received, knowing: knowledge)
    self.labels = labels
  }

  /// - Parameter point: pixels `[k, …]`, then logits `[k, classes]` unless labels are given.
  public func callAsFunction(_ point: [Variable]) throws -> Variable {
    let targets: Labels =
      if let labels { .classes(try labelTensor(labels)) } else { .soft(try point[1].softmax(axis: 1)) }
    let gradient = try model.gradient(point[0], targets, recording: true)
    return try matching(gradient.values.map { try $0.unsqueeze(axis: 0) }).sum()
  }

  public func lossAndGradient(_ point: [Tensor]) throws -> (loss: Double, gradient: [Tensor]) {
    let watched = point.map { Variable($0).watched() }
    let loss = try callAsFunction(watched)
    let slopes = try gradients(of: loss, wrt: watched, recording: false)
    return (try loss.value.item(), try zip(slopes, point).map { try $0?.value ?? Tensor.zeros($1.shape, $1.dtype) })
  }
}
