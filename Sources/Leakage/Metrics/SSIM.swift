// Structural similarity (Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 2004) in the conventions that are in use. They differ by up
// to 0.1 on the same pair of images, so a report should name its convention.
import Autodiff
import Ground
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How local statistics are taken.
public enum SSIMWindow: String, Sendable, CaseIterable {
  /// 11×11 Gaussian, σ 1.5, biased covariance, windows inside of the image only: the paper, pytorch-msssim, and scikit-image
  /// with `gaussian_weights`. The default.
  case gaussian
  /// 7×7 mean, sample covariance: scikit-image's default.
  case uniform
  /// As `gaussian`, but zeros around the image: GIFD and older PyTorch code.
  case padded

  /// Weights along one axis.
  var weights: [Double] {
    if self == .uniform { return [Double](repeating: 1.0 / 7, count: 7) }
    let bell = (-5...5).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    let total = bell.reduce(0, +)
    return bell.map { $0 / total }
  }
}

/// Mean structural similarity of each image: `[n]`, at most 1; the mean over the map, then over channels.
/// - Parameter peak: range of the values: 1 for 0…1, 2 for −1…1, 255 for bytes.
/// - Throws: `shape-mismatch`, `empty`, `image-too-small` for a side shorter than the window, `bad-argument`.
public func ssim(_ a: Variable, _ b: Variable, peak: Double = 1, window: SSIMWindow = .gaussian) throws -> Variable {
  try requirePeak(peak)
  let (x, y) = try imagePair(a, b)
  return try similarity(x, y, peak, window).whole.mean(axes: [1])
}

public func ssim(_ a: Tensor, _ b: Tensor, peak: Double = 1, window: SSIMWindow = .gaussian) throws -> [Double] {
  try ssim(Variable(a), Variable(b), peak: peak, window: window).value.doubles()
}

/// Multi-scale SSIM (Wang, Simoncelli, Bovik 2003) of each image: `[n]`. Five scales with 2×2 mean pooling between them
/// (odd sides are padded by one, as pytorch-msssim does); contrast terms of four, the whole of the last.
/// - Throws: as `ssim`; sides must be longer than 160.
public func multiScaleSSIM(_ a: Variable, _ b: Variable, peak: Double = 1) throws -> Variable {
  try requirePeak(peak)
  var (x, y) = try imagePair(a, b)
  let side = min(x.shape[2], x.shape[3])
  guard side > 160 else {
    throw Fault(
      "image-too-small", "ms_ssim halves images four times and needs sides above 160; the shorter side is \(side)")
  }
  let weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
  var product: Variable?
  for (scale, weight) in weights.enumerated() {
    let (whole, contrast) = try similarity(x, y, peak, .gaussian)
    let term = try (scale < 4 ? contrast : whole).relu().pow(weight)
    product = try product.map { try $0 * term } ?? term
    if scale < 4 { (x, y) = (try halved(x), try halved(y)) }
  }
  guard let product else { return try Variable.constant(1, .float64) }
  return try product.mean(axes: [1])
}

public func multiScaleSSIM(_ a: Tensor, _ b: Tensor, peak: Double = 1) throws -> [Double] {
  try multiScaleSSIM(Variable(a), Variable(b), peak: peak).value.doubles()
}

private func halved(_ x: Variable) throws -> Variable {
  let (oddHeight, oddWidth) = (x.shape[2] % 2, x.shape[3] % 2)
  // Zero padding of the odd side on both ends, counted in the mean.
  let padded = try x.pad([(0, 0), (0, 0), (oddHeight, oddHeight), (oddWidth, oddWidth)])
  let (h, w) = (padded.shape[2] / 2, padded.shape[3] / 2)
  return try padded.slice(axis: 2, from: 0, to: 2 * h).slice(axis: 3, from: 0, to: 2 * w)
    .reshape([x.shape[0], x.shape[1], h, 2, w, 2]).mean(axes: [3, 5])
}

/// Similarity and its contrast-structure part, averaged over the map: `[n, c]` each.
private func similarity(
  _ x: Variable, _ y: Variable, _ peak: Double, _ window: SSIMWindow
) throws -> (whole: Variable, contrast: Variable) {
  let weights = window.weights
  let side = weights.count
  guard window == .padded || (x.shape[2] >= side && x.shape[3] >= side) else {
    throw Fault(
      "image-too-small",
      "ssim looks at windows of \(side) by \(side) pixels, and the images have \(x.shape[2]) by \(x.shape[3])")
  }
  let pad = window == .padded ? side / 2 : 0
  let row = Variable(try Tensor(weights, shape: [1, 1, 1, side]))
  let column = Variable(try Tensor(weights, shape: [1, 1, side, 1]))
  func local(_ t: Variable) throws -> Variable {
    let planes = try t.reshape([t.shape[0] * t.shape[1], 1, t.shape[2], t.shape[3]])
    let wide = ConvGeometry(
      strideHeight: 1, strideWidth: 1, top: 0, left: pad, bottom: 0, right: pad, dilationHeight: 1, dilationWidth: 1,
      groups: 1)
    let tall = ConvGeometry(
      strideHeight: 1, strideWidth: 1, top: pad, left: 0, bottom: pad, right: 0, dilationHeight: 1, dilationWidth: 1,
      groups: 1)
    return try planes.conv2d(row, wide).conv2d(column, tall)
  }
  let (c1, c2) = ((0.01 * peak) * (0.01 * peak), (0.03 * peak) * (0.03 * peak))
  let sample = window == .uniform ? Double(side * side) / Double(side * side - 1) : 1
  let (mx, my) = (try local(x), try local(y))
  let vx = try sample * (local(x.square()) - mx.square())
  let vy = try sample * (local(y.square()) - my.square())
  let cov = try sample * (local(x * y) - mx * my)
  let contrast = try (2 * cov + c2) / (vx + vy + c2)
  let whole = try contrast * ((2 * (mx * my) + c1) / (mx.square() + my.square() + c1))
  func averaged(_ map: Variable) throws -> Variable {
    try map.mean(axes: [1, 2, 3]).reshape([x.shape[0], x.shape[1]])
  }
  return (try averaged(whole), try averaged(contrast))
}
