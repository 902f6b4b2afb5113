// How alike two images look to a model.
import Autodiff
import Ground
import Networks
import Tensors

/// Mean squared difference of the representations, the inputs of the model's last dense layer, of each image: `[n]`, float64. GGL's MSE-R
/// (its tables call it RMSE, though no root is taken). The model runs in eval mode.
/// - Throws: `shape-mismatch`, `no-last-layer` for a model without a dense layer.
public func representationMSE(_ model: Model, _ a: Variable, _ b: Variable) throws -> Variable {
  try meanSquares(representation(model, a), representation(model, b))
}

/// Mean squared difference of the logits of each image: `[n]`, float64.
/// - Parameter labels: only the logit of each image's own label counts, as breaching's FMSE does; nil: all.
/// - Throws: `shape-mismatch`, `bad-label`.
public func featureMSE(_ model: Model, _ a: Variable, _ b: Variable, labels: [Int]? = nil) throws -> Variable {
  let (x, y) = (try model(imagesOf(model, a)), try model(imagesOf(model, b)))
  guard let labels else { return try meanSquares(x, y) }
  guard x.rank == 2, labels.count == x.shape[0] else {
    throw Fault("shape-mismatch", "\(labels.count) labels were given for logits of shape \(shapeText(x.shape))")
  }
  if let wrong = labels.first(where: { $0 < 0 || $0 >= x.shape[1] }) {
    throw Fault("bad-label", "the model has the classes 0 to \(x.shape[1] - 1), not \(wrong)")
  }
  let own = try labelTensor(labels).reshape([labels.count, 1])
  return try meanSquares(x.gather(axis: 1, own), y.gather(axis: 1, own))
}

public func representationMSE(_ model: Model, _ a: Tensor, _ b: Tensor) throws -> [Double] {
  try representationMSE(model, Variable(a), Variable(b)).value.doubles()
}

/// The input of the last dense layer for each image of a batch: `[n, features]`.
/// - Throws: `no-last-layer`, `shape-mismatch`.
public func representation(_ model: Model, _ images: Variable) throws -> Variable {
  let pass = try model.forward(imagesOf(model, images), taps: true)
  guard let last = pass.taps.last(where: { $0.layer is Dense }) else {
    throw Fault(
      "no-last-layer", "a representation is what the last dense layer gets, and \(model.written) has no dense layer")
  }
  // A tap is watched even where nothing asks for derivatives.
  let isWanted = try images.isTracked || model.parameters.values.contains(where: \.isTracked)
  return isWanted ? last.input : last.input.stopGradient()
}

/// A batch, also of a lone image.
private func imagesOf(_ model: Model, _ x: Variable) throws -> Variable { try model.batched(x).batch }

private func meanSquares(_ x: Variable, _ y: Variable) throws -> Variable {
  guard x.shape == y.shape else {
    throw Fault(
      "shape-mismatch", "features of shapes \(shapeText(x.shape)) and \(shapeText(y.shape)) cannot be compared")
  }
  let difference = try x.converted(to: .float64) - y.converted(to: .float64)
  return try difference.square().mean(axes: Array(1..<x.rank))
}
