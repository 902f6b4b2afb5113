// Exact Gaussian process regression in float64 (Rasmussen, Williams, "Gaussian processes for machine learning", 2006, chapters 2 and 5):
// Matérn-5/2 covariance with a length for each coordinate, noise, constant mean.
import CBLAS
import Ground
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// k(a, b) = s (1 + √5 d + 5/3 d²) e^(−√5 d) with d = |(a − b) / ℓ|; noise is a variance.
public struct GPParameters: Sendable, Equatable {
  public var lengthscales: [Double]
  public var outputscale: Double
  public var noise: Double
  public var mean: Double

  public init(lengthscales: [Double], outputscale: Double, noise: Double, mean: Double = 0) {
    self.lengthscales = lengthscales
    self.outputscale = outputscale
    self.noise = noise
    self.mean = mean
  }
}

/// Observations with the factorisation of their covariance, for one set of parameters.
public struct GaussianProcess {
  public let parameters: GPParameters
  /// `[n, d]`.
  public let points: Tensor
  let scaled: Tensor
  let lengths: [Double]
  /// Lower factor of K + noise, its inverse, and (K + noise)⁻¹ (y − mean).
  let factor: Tensor
  let inverseFactor: Tensor
  let alpha: [Double]

  public var count: Int { points.shape[0] }
  public var dimension: Int { points.shape[1] }

  /// - Parameters:
  ///   - points: `[n, d]`, float64.
  ///   - values: n numbers.
  /// - Throws: `shape-mismatch`, `not-positive-definite`.
  public init(_ points: Tensor, _ values: [Double], _ parameters: GPParameters) throws {
    guard points.rank == 2, points.shape[0] == values.count, points.shape[1] == parameters.lengthscales.count,
      !values.isEmpty
    else {
      throw Fault(
        "shape-mismatch",
        "a Gaussian process of \(values.count) values and \(parameters.lengthscales.count) lengths was given points \(shapeText(points.shape))"
      )
    }
    self.parameters = parameters
    self.points = try points.converted(to: .float64).contiguous()
    (scaled, lengths) = try GaussianProcess.scale(self.points, parameters)
    let n = values.count
    let kernel = try GaussianProcess.covariances(scaled, lengths, scaled, lengths, parameters.outputscale)
    let noise = parameters.noise
    factor = try Tensor.makeDoubles([n, n]) { l in
      try kernel.withDoubles { k in
        guard let to = l.baseAddress, let from = k.baseAddress else { return }
        to.update(from: from, count: n * n)
        for i in 0..<n { to[i * n + i] = parameters.outputscale + noise }
      }
      let info = l.baseAddress.map { seep_dpotrf(n, $0) } ?? 0
      guard info == 0 else {
        throw Fault(
          "not-positive-definite", "a covariance of \(n) points is not positive definite (leading minor \(info))")
      }
    }
    inverseFactor = try GaussianProcess.inverse(factor)
    let column = try Tensor(values.map { $0 - parameters.mean }, shape: [n, 1])
    let half = try Tensor.matmul(inverseFactor, column)
    alpha = try Tensor.matmul(inverseFactor.transposed(), half).doubles()
  }

  /// Posterior mean, and variance without noise, at `[m, d]`.
  public func predict(_ at: Tensor) throws -> (mean: [Double], variance: [Double]) {
    let crossed = try covariances(with: at)
    let through = try Tensor.matmul(inverseFactor, crossed)
    let mean = try Tensor.matmul(Tensor(alpha, shape: [1, count]), crossed).doubles().map { $0 + parameters.mean }
    let explained = try Tensor.combine(.mul, through, through).reduce(.sum, axes: [0]).doubles()
    return (mean, explained.map { max(0, parameters.outputscale - $0) })
  }

  /// Posterior covariance without noise at `[m, d]`: `[m, m]`.
  public func covariance(_ at: Tensor) throws -> Tensor {
    let (other, squares) = try GaussianProcess.scale(at.converted(to: .float64).contiguous(), parameters)
    let prior = try GaussianProcess.covariances(other, squares, other, squares, parameters.outputscale)
    let through = try Tensor.matmul(inverseFactor, covariances(with: at))
    return try Tensor.combine(.sub, prior, Tensor.matmul(through.transposed(), through))
  }

  /// Covariances `[n, m]` with the observations.
  func covariances(with points: Tensor) throws -> Tensor {
    let (other, squares) = try GaussianProcess.scale(points.converted(to: .float64).contiguous(), parameters)
    return try GaussianProcess.covariances(scaled, lengths, other, squares, parameters.outputscale)
  }

  // MARK: Pieces

  /// Points over lengths, moved so that distances lose little, and their squared lengths.
  static func scale(_ points: Tensor, _ parameters: GPParameters) throws -> (Tensor, [Double]) {
    let inverse = try Tensor(parameters.lengthscales.map { 1 / $0 }, shape: [1, parameters.lengthscales.count])
    // Search spaces are unit boxes: half of one is the middle.
    let scaled = try Tensor.combine(.mul, Tensor.combine(.sub, points, 0.5), inverse)
    return (scaled, try Tensor.combine(.mul, scaled, scaled).reduce(.sum, axes: [1]).doubles())
  }

  /// Matérn covariances of all pairs.
  static func covariances(
    _ a: Tensor, _ aSquares: [Double], _ b: Tensor, _ bSquares: [Double], _ outputscale: Double
  ) throws -> Tensor {
    let (n, m) = (a.shape[0], b.shape[0])
    let products = try Tensor.matmul(a, b.transposed())
    return try Tensor.makeDoubles([n, m]) { k in
      nonisolated(unsafe) let k = k
      try products.withDoubles { products in
        nonisolated(unsafe) let products = products
        let grain = max(1, (1 << 14) / max(1, m))
        try Threads.run(pieces: (n + grain - 1) / grain) { piece in
          for i in piece * grain..<min(n, (piece + 1) * grain) {
            seep_matern(
              m, outputscale, products.baseAddress.map { $0 + i * m }, aSquares[i], bSquares,
              k.baseAddress.map { $0 + i * m }, nil)
          }
        }
      }
    }
  }

  /// L⁻¹, by blocks of columns on all threads.
  private static func inverse(_ factor: Tensor) throws -> Tensor {
    let n = factor.shape[0]
    return try Tensor.makeDoubles([n, n]) { x in
      nonisolated(unsafe) let x = x
      x.update(repeating: 0)
      for i in 0..<n { x[i * n + i] = 1 }
      try factor.withDoubles { l in
        nonisolated(unsafe) let l = l
        let width = 64
        try Threads.run(pieces: (n + width - 1) / width) { piece in
          let first = piece * width
          guard let l = l.baseAddress, let x = x.baseAddress else { return }
          let corner = first * n + first
          seep_dtrsm_part(n - first, min(width, n - first), l + corner, n, x + corner, n)
        }
      }
    }
  }
}
