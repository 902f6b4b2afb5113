// Inputs that carry a class: how conditional generators and critics are fed.
import Autodiff
import Ground
import Tensors

/// Latent vectors with their classes behind them, one-hot: `[n, latent]` and `[n]` give `[n, latent + classes]`. A
/// class-conditional generator is a model of such vectors.
/// - Throws: `shape-mismatch` where there are not as many labels as vectors.
public func conditioned(_ latent: Variable, labels: Tensor, classes: Int) throws -> Variable {
  guard latent.rank == 2, labels.shape == [latent.shape[0]] else {
    throw Fault(
      "shape-mismatch",
      "latent vectors of shape \(latent.shape) and labels of shape \(labels.shape) do not belong together",
      notes: ["They should be [n, size] and [n]."], operands: [0: "\(latent.shape)", 1: "\(labels.shape)"])
  }
  return try Variable.concat([latent, Variable(labels.oneHot(classes: classes, dtype: latent.dtype))], axis: 1)
}

/// Images with one more plane per class, all ones for the image's own: `[n, c, h, w]` gives `[n, c + classes, h, w]`. A
/// class-conditional critic is a model of such stacks.
/// - Throws: `shape-mismatch`.
public func withClassPlanes(_ images: Variable, labels: Tensor, classes: Int) throws -> Variable {
  guard images.rank == 4, labels.shape == [images.shape[0]] else {
    throw Fault(
      "shape-mismatch", "images of shape \(images.shape) and labels of shape \(labels.shape) do not belong together",
      notes: ["They should be [n, channels, height, width] and [n]."],
      operands: [0: "\(images.shape)", 1: "\(labels.shape)"])
  }
  let planes = try labels.oneHot(classes: classes, dtype: images.dtype).reshape([images.shape[0], classes, 1, 1])
    .broadcast(to: [images.shape[0], classes] + images.shape[2...])
  return try Variable.concat([images, Variable(planes)], axis: 1)
}
