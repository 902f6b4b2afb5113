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

/// Derivatives of the log marginal likelihood with respect to the logarithms of the parameters, and to the mean.
public struct GPGradient: Sendable {
  public var outputscale: Double
  public var lengthscales: [Double]
  public var noise: Double
  public var mean: Double
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
  private let residual: [Double]
  /// Covariances without noise, and what multiplies (Δ/ℓ)² in their derivative; row-major n × n.
  private let kernel: Tensor
  private let slopes: Tensor

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
    residual = values.map { $0 - parameters.mean }
    let n = values.count
    let (kernel, slopes) = try GaussianProcess.covariances(
      scaled, lengths, scaled, lengths, parameters.outputscale, slopes: true)
    (self.kernel, self.slopes) = (kernel, slopes ?? kernel)
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
    let column = try Tensor(residual, shape: [n, 1])
    let half = try Tensor.matmul(inverseFactor, column)
    alpha = try Tensor.matmul(inverseFactor.transposed(), half).doubles()
  }

  /// Log marginal likelihood of the values.
  public func logLikelihood() throws -> Double {
    let n = count
    var determinant = 0.0
    try factor.withDoubles { l in for i in 0..<n { determinant += log(l[i * n + i]) } }
    let fit = zip(alpha, residual).reduce(0) { $0 + $1.0 * $1.1 }
    return -0.5 * fit - determinant - 0.5 * Double(n) * log(2 * Double.pi)
  }

  /// Its gradient: ½ tr((α αᵀ − K⁻¹) ∂K/∂θ) for all parameters in one pass over the matrices.
  public func gradient() throws -> GPGradient {
    let n = count
    let inverse = try self.inverse()
    var rows = [Double](repeating: 0, count: n)
    var scales = [Double](repeating: 0, count: n)
    let weights = try Tensor.makeDoubles([n, n]) { h in
      nonisolated(unsafe) let h = h
      try rows.withUnsafeMutableBufferPointer { rows in
        nonisolated(unsafe) let rows = rows
        try scales.withUnsafeMutableBufferPointer { scales in
          nonisolated(unsafe) let scales = scales
          try withAll(inverse, kernel, slopes) { inverse, kernel, slopes in
            nonisolated(unsafe) let (inverse, kernel, slopes) = (inverse, kernel, slopes)
            try Threads.run(pieces: (n + 31) / 32) { piece in
              for i in piece * 32..<min(n, piece * 32 + 32) {
                var row = 0.0
                scales[i] = seep_gp_weights(
                  n, alpha[i], alpha, inverse + i * n, kernel + i * n, slopes + i * n, h.baseAddress.map { $0 + i * n },
                  &row)
                rows[i] = row
              }
            }
          }
        }
      }
    }
    // Σᵢⱼ Hᵢⱼ (xᵢ − xⱼ)² = 2 (Σᵢ rᵢ xᵢ² − xᵀ H x), coordinate by coordinate.
    let crossed = try Tensor.matmul(weights, scaled)
    let row = try Tensor(rows, shape: [n, 1])
    let squares = try Tensor.combine(.mul, Tensor.combine(.mul, scaled, scaled), row)
    let sums = try Tensor.combine(.sub, squares, Tensor.combine(.mul, scaled, crossed)).reduce(.sum, axes: [0])
      .doubles()
    var trace = 0.0
    try inverse.withDoubles { k in for i in 0..<n { trace += alpha[i] * alpha[i] - k[i * n + i] } }
    return GPGradient(
      outputscale: 0.5 * scales.reduce(0, +), lengthscales: sums, noise: 0.5 * parameters.noise * trace,
      mean: alpha.reduce(0, +))
  }

  /// Posterior mean, and variance without noise, at `[m, d]`.
  public func predict(_ at: Tensor) throws -> (mean: [Double], variance: [Double]) {
    let (crossed, through) = try towards(at)
    let mean = try Tensor.matmul(Tensor(alpha, shape: [1, count]), crossed).doubles().map { $0 + parameters.mean }
    let explained = try Tensor.combine(.mul, through, through).reduce(.sum, axes: [0]).doubles()
    return (mean, explained.map { max(0, parameters.outputscale - $0) })
  }

  /// Posterior covariance without noise at `[m, d]`: `[m, m]`.
  public func covariance(_ at: Tensor) throws -> Tensor {
    let (other, squares) = try GaussianProcess.scale(at.converted(to: .float64).contiguous(), parameters)
    let prior = try GaussianProcess.covariances(other, squares, other, squares, parameters.outputscale, slopes: false)
      .kernel
    let (_, through) = try towards(at)
    return try Tensor.combine(.sub, prior, Tensor.matmul(through.transposed(), through))
  }

  /// Covariances `[n, m]` with the observations, and L⁻¹ times them.
  func towards(_ at: Tensor) throws -> (crossed: Tensor, through: Tensor) {
    let (other, squares) = try GaussianProcess.scale(at.converted(to: .float64).contiguous(), parameters)
    let crossed = try GaussianProcess.covariances(
      scaled, lengths, other, squares, parameters.outputscale, slopes: false
    ).kernel
    return (crossed, try Tensor.matmul(inverseFactor, crossed))
  }

  // MARK: Pieces

  /// Points over lengths, moved so that distances lose little, and their squared lengths.
  static func scale(_ points: Tensor, _ parameters: GPParameters) throws -> (Tensor, [Double]) {
    let inverse = try Tensor(parameters.lengthscales.map { 1 / $0 }, shape: [1, parameters.lengthscales.count])
    // Search spaces are unit boxes: half of one is the middle.
    let scaled = try Tensor.combine(.mul, Tensor.combine(.sub, points, 0.5), inverse)
    return (scaled, try Tensor.combine(.mul, scaled, scaled).reduce(.sum, axes: [1]).doubles())
  }

  /// Matérn covariances of all pairs; equal rows have distance 0 exactly where both sides are the same tensor.
  static func covariances(
    _ a: Tensor, _ aSquares: [Double], _ b: Tensor, _ bSquares: [Double], _ outputscale: Double, slopes: Bool
  ) throws -> (kernel: Tensor, slopes: Tensor?) {
    let (n, m) = (a.shape[0], b.shape[0])
    let products = try Tensor.matmul(a, b.transposed())
    var slope: Tensor?
    let kernel = try Tensor.makeDoubles([n, m]) { k in
      nonisolated(unsafe) let k = k
      func fill(_ s: UnsafeMutablePointer<Double>?) throws {
        nonisolated(unsafe) let s = s
        try products.withDoubles { products in
          nonisolated(unsafe) let products = products
          let grain = max(1, (1 << 14) / max(1, m))
          try Threads.run(pieces: (n + grain - 1) / grain) { piece in
            for i in piece * grain..<min(n, (piece + 1) * grain) {
              seep_matern(
                m, outputscale, products.baseAddress.map { $0 + i * m }, aSquares[i], bSquares,
                k.baseAddress.map { $0 + i * m },
                s.map { $0 + i * m })
            }
          }
        }
      }
      if slopes { slope = try Tensor.makeDoubles([n, m]) { try fill($0.baseAddress) } } else { try fill(nil) }
    }
    return (kernel, slope)
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

  /// (K + noise)⁻¹ = L⁻ᵀ L⁻¹, blocks of it on all threads.
  private func inverse() throws -> Tensor {
    let n = count
    return try Tensor.makeDoubles([n, n]) { k in
      nonisolated(unsafe) let k = k
      try inverseFactor.withDoubles { x in
        nonisolated(unsafe) let x = x
        let width = 128
        let blocks = (n + width - 1) / width
        let pairs = (0..<blocks).flatMap { a in (0...a).map { (a, $0) } }
        try Threads.run(pieces: pairs.count) { piece in
          let (a, b) = (pairs[piece].0 * width, pairs[piece].1 * width)
          guard let x = x.baseAddress, let k = k.baseAddress else { return }
          let (rows, columns) = (min(width, n - a), min(width, n - b))
          // Rows of L⁻¹ before `a` are 0 in these columns.
          seep_dgemm(1, 0, rows, columns, n - a, 1, x + a * n + a, n, x + a * n + b, n, 0, k + a * n + b, n)
          if a != b {
            for i in 0..<rows { for j in 0..<columns { k[(b + j) * n + a + i] = k[(a + i) * n + b + j] } }
          }
        }
      }
    }
  }

  private func withAll<R>(
    _ a: Tensor, _ b: Tensor, _ c: Tensor,
    _ body: (UnsafePointer<Double>, UnsafePointer<Double>, UnsafePointer<Double>) throws -> R
  ) throws -> R {
    try a.withDoubles { a in
      try b.withDoubles { b in
        try c.withDoubles { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else {
            throw Fault("empty", "a Gaussian process without points")
          }
          return try body(a, b, c)
        }
      }
    }
  }
}
