// What batch normalisation remembers of its training data, as a prior for images: DeepInversion (Yin et al., CVPR 2020) and
// GradInversion (Yin et al., CVPR 2021).
import Autodiff
import Ground
import Networks
import Tensors

/// For each batch normalisation, in the order of the model: ‖mean − running mean‖₂ + ‖variance − running variance‖₂, with the mean
/// and the biased variance of what reaches it over batch and positions: `[layers]`, differentiable in the images.
/// - Throws: `empty` where the model has none.
public func batchNormDivergences(_ model: Model, _ images: Variable) throws -> Variable {
  let pass = try model.forward(images, taps: true)
  let layers = try batchNormDivergences(pass, trials: 1).map { try $0.reshape([]) }
  guard !layers.isEmpty else { throw Fault("empty", "\(model.written) has no batch normalisation") }
  return try Variable.stack(layers, axis: 0)
}

/// The same from a pass with taps over the images of several trials, each trial with statistics of its own: `[trials]` for each
/// batch normalisation.
func batchNormDivergences(_ pass: Model.Pass, trials: Int) throws -> [Variable] {
  try pass.taps.filter { $0.layer is BatchNorm }.map { tap in
    let (x, channels) = (tap.input, tap.input.shape[1])
    let positions = x.shape.dropFirst(2).reduce(1, *)
    let split = try x.reshape([trials, x.shape[0] / max(trials, 1), channels, positions])
    let mean = try split.mean(axes: [1, 3])
    let variance = try split.variance(axes: [1, 3], biased: true)
    let kept = try tap.slot.buffers.map { Variable(try pass.buffers[$0].reshape([1, channels])) }
    return try (mean - kept[0]).norm(axes: [1]) + (variance - kept[1]).norm(axes: [1])
  }
}

/// Their sum, the first times `first` (10 in GradInversion).
public func batchNormLoss(_ model: Model, _ images: Variable, first: Double = 10) throws -> Variable {
  let terms = try batchNormDivergences(model, images)
  let weights = [first] + [Double](repeating: 1, count: terms.size - 1)
  return try (terms * Variable(Tensor(weights, shape: [terms.size]).converted(to: terms.dtype))).sum()
}
