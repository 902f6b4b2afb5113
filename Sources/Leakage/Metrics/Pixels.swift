// Pixel metrics. Images are `[h, w]`, `[c, h, w]` or batches `[n, c, h, w]`; one value for each image of a batch, computed in
// float64 and differentiable. Values are taken as they are: clamp first if a reconstruction may leave its range.
import Autodiff
import Ground
import Tensors

/// Mean squared error over channels and pixels of each image: `[n]`.
/// - Throws: `shape-mismatch`, `empty`.
public func mse(_ a: Variable, _ b: Variable) throws -> Variable {
  let (x, y) = try imagePair(a, b)
  return try (x - y).square().mean(axes: [1, 2, 3])
}

/// Peak signal-to-noise ratio in dB of each image, 10 log₁₀(peak² / MSE): `[n]`. Equal images give +∞, images with
/// a pixel that is not finite NaN.
/// - Parameter peak: range of the values: 1 for 0…1, 2 for −1…1, 255 for bytes.
/// - Throws: `shape-mismatch`, `empty`, `bad-argument`.
public func psnr(_ a: Variable, _ b: Variable, peak: Double = 1) throws -> Variable {
  try requirePeak(peak)
  let decibels = 10 / 2.302585092994045684  // 10 / ln 10
  let error = try mse(a, b)
  let notANumber = try (error - error).stopGradient()  // 0 where the error is finite
  return try decibels * ((peak * peak) / (error + notANumber)).log()
}

/// Total variation of a batch: mean|x[…, j+1] − x[…, j]| + mean|x[…, i+1, …] − x[…, i, …]|, each mean over all its
/// differences (as in Inverting Gradients); with `summed`, sums instead of means. One number.
/// - Throws: `bad-shape` for less than two axes, `empty`.
public func totalVariation(_ images: Variable, summed: Bool = false) throws -> Variable {
  let x = try imageBatch(images)
  var total: Variable?
  for axis in [3, 2] where x.shape[axis] > 1 {
    let n = x.shape[axis]
    let steps = try (x.slice(axis: axis, from: 1, to: n) - x.slice(axis: axis, from: 0, to: n - 1)).abs()
    let part = summed ? try steps.sum() : try steps.mean()
    total = try total.map { try $0 + part } ?? part
  }
  return try total ?? Variable.constant(0, x.dtype)
}

// MARK: On tensors

public func mse(_ a: Tensor, _ b: Tensor) throws -> [Double] { try mse(Variable(a), Variable(b)).value.doubles() }

public func psnr(_ a: Tensor, _ b: Tensor, peak: Double = 1) throws -> [Double] {
  try psnr(Variable(a), Variable(b), peak: peak).value.doubles()
}

public func totalVariation(_ images: Tensor, summed: Bool = false) throws -> Double {
  try totalVariation(Variable(images.converted(to: .float64)), summed: summed).value.item()
}

// MARK: Shapes

/// `[n, c, h, w]` from an image or a batch.
func imageBatch(_ x: Variable) throws -> Variable {
  guard x.size > 0 else { throw Fault("empty", "there are no pixels in an image of shape \(shapeText(x.shape))") }
  switch x.rank {
  case 2: return try x.reshape([1, 1] + x.shape)
  case 3: return try x.reshape([1] + x.shape)
  case 4: return x
  default:
    throw notImages(shapeText(x.shape))
  }
}

/// The words for what is no image, about a shape as it is written.
package func notImages(_ shape: String) -> Fault {
  Fault(
    "bad-shape",
    "an image has the shape [channels, height, width], a batch [n, channels, height, width]; this has \(shape)")
}

/// Two batches of equal shape, in float64.
func imagePair(_ a: Variable, _ b: Variable) throws -> (Variable, Variable) {
  let (x, y) = (try imageBatch(a), try imageBatch(b))
  guard x.shape == y.shape else {
    throw Fault(
      "shape-mismatch", "images of shapes \(shapeText(a.shape)) and \(shapeText(b.shape)) cannot be compared",
      operands: [0: shapeText(a.shape), 1: shapeText(b.shape)])
  }
  return (try x.converted(to: .float64), try y.converted(to: .float64))
}

func requirePeak(_ peak: Double) throws {
  guard peak > 0, peak.isFinite else { throw Fault("bad-argument", "peak must be positive, not \(peak)") }
}
