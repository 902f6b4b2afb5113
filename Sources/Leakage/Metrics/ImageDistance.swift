// One distance for every question that asks which image is nearest: pairing a batch, identification, re-identification.
import Autodiff
import Ground
import Networks
import Tensors

/// How far images are apart; less is nearer.
public enum ImageDistance {
  /// Mean squared error of values in 0…1.
  case mse
  /// 1 − SSIM (Gaussian window, values in 0…1).
  case ssim
  /// Mean squared difference of a model's representations, the inputs of its last dense layer.
  case representation(Model)
  /// Learned perceptual distance.
  case lpips(LPIPS)
  /// Any function of two images `[c, h, w]`.
  case function((Tensor, Tensor) throws -> Double)

  /// From one image `[c, h, w]` to each of a batch `[m, c, h, w]`: m numbers. NaN counts as infinitely far.
  /// - Throws: `shape-mismatch`, and what the distance throws.
  public func callAsFunction(_ image: Tensor, _ gallery: Tensor) throws -> [Double] {
    guard gallery.rank == 4, Array(gallery.shape.dropFirst()) == image.shape else {
      throw Fault(
        "shape-mismatch",
        "an image of shape \(shapeText(image.shape)) cannot be compared with a batch of shape \(shapeText(gallery.shape))"
      )
    }
    try Interrupt.check()
    let found: [Double] = try withoutRecording {
      let all = Variable(gallery)
      func repeated() throws -> Variable { try Variable(image).unsqueeze(axis: 0).broadcast(to: gallery.shape) }
      switch self {
      case .mse: return try Leakage.mse(repeated(), all).value.doubles()
      case .ssim: return try Leakage.ssim(repeated(), all).value.doubles().map { 1 - $0 }
      case .representation(let model):
        let own = try Leakage.representation(model, Variable(image).unsqueeze(axis: 0))
        let others = try Leakage.representation(model, all)
        return try (own - others).converted(to: .float64).square().mean(axes: [1]).value.doubles()
      case .lpips(let metric): return try metric(repeated(), all).value.doubles()
      case .function(let distance):
        return try (0..<gallery.shape[0]).map { try distance(image, gallery.select(axis: 0, index: $0)) }
      }
    }
    return found.map { $0.isNaN ? .infinity : $0 }
  }
}

/// Pairs the images of two batches so that their summed distance is least: `order[i]` is the image of `b` that belongs to image i
/// of `a`. Each is used once (never "the best match of each", which lets several reconstructions claim one image).
/// - Throws: `shape-mismatch`.
public func pair(_ a: Tensor, _ b: Tensor, by distance: ImageDistance = .mse) throws -> [Int] {
  let (x, y) = try imagePair(Variable(a), Variable(b))
  let (from, to) = (try x.value.converted(to: a.dtype), try y.value.converted(to: b.dtype))
  return try leastCostAssignment((0..<x.shape[0]).map { try distance(from.select(axis: 0, index: $0), to) })
}
