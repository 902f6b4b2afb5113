// What batch normalisation remembers of its training data, as a prior for images: DeepInversion (Yin et al., CVPR 2020) and
// GradInversion (Yin et al., CVPR 2021).
import Autodiff
import Ground
import Networks
import Tensors

/// For each batch normalisation, in the order of the model: ‖mean − running mean‖₂ + ‖variance − running variance‖₂, with the mean
/// and the biased variance of what reaches it over batch and positions: `[layers]`, differentiable in the images.
/// - Throws: `no-batch-norm` where the model has none.
public func batchNormDivergences(_ model: Model, _ images: Variable) throws -> Variable {
  let pass = try model.forward(images, taps: true)
  let layers = try pass.taps.filter { $0.layer is BatchNorm }.map { tap in
    let axes = [0] + Array(2..<max(2, tap.input.rank))
    let mean = try tap.input.mean(axes: axes)
    let variance = try tap.input.variance(axes: axes, biased: true)
    let kept = tap.slot.buffers.map { Variable(pass.buffers[$0]) }
    return try (mean - kept[0]).norm() + (variance - kept[1]).norm()
  }
  guard !layers.isEmpty else { throw Fault("no-batch-norm", "\(model.written) has no batch normalisation") }
  return try Variable.stack(layers, axis: 0)
}

/// Their sum, the first times `first` (10 in GradInversion).
public func batchNormLoss(_ model: Model, _ images: Variable, first: Double = 10) throws -> Variable {
  let terms = try batchNormDivergences(model, images)
  let weights = [first] + [Double](repeating: 1, count: terms.size - 1)
  return try (terms * Variable(Tensor(weights, shape: [terms.size]).converted(to: terms.dtype))).sum()
}
