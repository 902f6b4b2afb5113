// How well parameters of a Gaussian process explain what was observed, and the slope of that (Rasmussen, Williams, "Gaussian processes for
// machine learning", 2006, section 5.4.1). A fit asks for it once a step, so it needs products of matrices only, of lower triangles, in
// buffers that are made once.
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

/// Derivatives of the log marginal likelihood with respect to the logarithms of the parameters, and to the mean.
public struct GPGradient: Sendable {
  public var outputscale: Double
  public var lengthscales: [Double]
  public var noise: Double
  public var mean: Double
}

/// The log marginal likelihood of values at points, as a function of the parameters.
public final class MarginalLikelihood {
  private let points: [Double]
  private let values: [Double]
  private let n: Int
  private let d: Int
  /// Rows of a piece; the sweep's blocks are as wide.
  private let width = 64

  // Row-major; of n × n matrices the lower triangle counts.
  private let inverse: Buffer
  private let kernel: Buffer
  private let slopes: Buffer
  private let scaled: Buffer
  private let squares: Buffer
  private let panel: Buffer
  private let product: Buffer
  private let blocks: Buffer
  private let weights: Buffer
  private let crossed: Buffer
  private let rows: Buffer
  private let columns: Buffer
  private let scales: Buffer
  private let alpha: Buffer
  private let residual: Buffer

  /// - Parameters:
  ///   - points: `[n, d]`, in the unit box.
  ///   - values: n numbers.
  /// - Throws: `shape-mismatch`, `out-of-memory`.
  public init(_ points: Tensor, _ values: [Double]) throws {
    guard points.rank == 2, points.shape[0] == values.count, !values.isEmpty else {
      throw Fault(
        "shape-mismatch", "a Gaussian process of \(values.count) values was given points \(shapeText(points.shape))")
    }
    (n, d) = (points.shape[0], points.shape[1])
    self.points = try points.doubles()
    self.values = values
    let pieces = (n + width - 1) / width
    (inverse, kernel, slopes) = (try Buffer(n * n), try Buffer(n * n), try Buffer(n * n))
    (scaled, squares, crossed) = (try Buffer(n * d), try Buffer(n), try Buffer(n * d))
    (panel, product, blocks) = (try Buffer(n * width), try Buffer(n * width), try Buffer(2 * width * width))
    // Each piece has its own rows of these.
    (weights, columns) = (try Buffer(pieces * width * n), try Buffer(pieces * n))
    (rows, scales, alpha, residual) = (try Buffer(n), try Buffer(n), try Buffer(n), try Buffer(n))
  }

  /// - Throws: `not-positive-definite`, `shape-mismatch`.
  public func callAsFunction(_ parameters: GPParameters) throws -> (value: Double, gradient: GPGradient) {
    guard parameters.lengthscales.count == d else {
      throw Fault("shape-mismatch", "\(parameters.lengthscales.count) lengths were given for points of \(d) numbers")
    }
    for i in 0..<n { residual[i] = values[i] - parameters.mean }
    scale(by: parameters.lengthscales)
    try covariances(parameters)
    let determinant = try invert()
    let fit = -seep_dsymv_lower(n, inverse.start, residual.start, alpha.start)
    for i in 0..<n { alpha[i] = -alpha[i] }
    let value = -0.5 * (fit + determinant + Double(n) * log(2 * Double.pi))
    return (value, try gradient(parameters))
  }

  /// The last rows are the longest: they go first, or after those of piece `beginning`.
  private func eachPiece(
    beginning: Int = .max, _ body: (_ piece: Int, _ first: Int, _ rows: Int) -> Void
  ) throws {
    let pieces = (n + width - 1) / width
    try Threads.run(pieces: pieces) { turn in
      var piece = pieces - 1 - turn
      if beginning < pieces {
        piece = turn == 0 ? beginning : pieces - turn
        if turn > 0, piece <= beginning { piece -= 1 }
      }
      body(piece, piece * width, min(width, n - piece * width))
    }
  }

  /// Points over lengths; a unit box has its middle at a half.
  private func scale(by lengths: [Double]) {
    for i in 0..<n {
      var sum = 0.0
      for k in 0..<d {
        let x = (points[i * d + k] - 0.5) / lengths[k]
        scaled[i * d + k] = x
        sum += x * x
      }
      squares[i] = sum
    }
  }

  /// K and what multiplies (Δ/ℓ)² in its derivative; K + noise where the inverse will be.
  private func covariances(_ parameters: GPParameters) throws {
    try eachPiece { [n, d] _, first, rows in
      let end = first + rows
      let products = inverse.start + first * n
      seep_dgemm(0, 1, rows, end, d, 1, scaled.start + first * d, d, scaled.start, d, 0, products, n)
      for i in first..<end {
        let own = i * n
        seep_matern(
          i, parameters.outputscale, inverse.start + own, squares[i], squares.start, kernel.start + own,
          slopes.start + own)
        kernel[own + i] = parameters.outputscale
        slopes[own + i] = 0
        (inverse.start + own).update(from: kernel.start + own, count: i)
        inverse[own + i] = parameters.outputscale + parameters.noise
      }
    }
  }

  /// Leaves −(K + noise)⁻¹ and returns log det(K + noise).
  private func invert() throws -> Double {
    var determinant = 0.0
    // The first rows to be updated hold the next block of the diagonal, which is inverted at once, while other threads go on.
    var info = invertBlock(at: 0, into: 0, &determinant)
    for (turn, at) in stride(from: 0, to: n, by: width).enumerated() {
      guard info == 0 else {
        throw Fault(
          "not-positive-definite", "a covariance of \(n) points is not positive definite (pivot \(info))")
      }
      let own = min(width, n - at)
      let block = blocks.start + turn % 2 * width * width
      try eachPiece { [n] _, first, rows in
        seep_sweep_panel(n, inverse.start, at, own, first, rows, block, panel.start, product.start)
      }
      let next = at + width
      nonisolated(unsafe) var (nextInfo, nextDeterminant) = (0, determinant)
      try eachPiece(beginning: next / width) { [n] _, first, rows in
        seep_sweep_update(n, inverse.start, at, own, first, rows, block, panel.start, product.start)
        if first == next { nextInfo = invertBlock(at: next, into: (turn + 1) % 2, &nextDeterminant) }
      }
      (info, determinant) = (nextInfo, nextDeterminant)
    }
    return determinant
  }

  /// The place of the pivot from 1 that is not positive, or 0.
  private func invertBlock(at: Int, into place: Int, _ determinant: inout Double) -> Int {
    let info = seep_sweep_block(
      min(width, n - at), inverse.start + at * n + at, n, blocks.start + place * width * width, &determinant)
    return info == 0 ? 0 : at + Int(info)
  }

  /// ½ tr((α αᵀ − K⁻¹) ∂K/∂θ) for all parameters in one pass over the matrices.
  private func gradient(_ parameters: GPParameters) throws -> GPGradient {
    try eachPiece { [n, d] piece, first, rows in
      let weights = self.weights.start + piece * width * n
      let column = columns.start + piece * n
      let end = first + rows
      column.update(repeating: 0, count: n)
      for i in first..<end {
        let row = weights + (i - first) * n
        scales[i] = seep_gp_weights(
          i, alpha[i], alpha.start, inverse.start + i * n, kernel.start + i * n, slopes.start + i * n, row,
          self.rows.start + i, column)
        (row + i).update(repeating: 0, count: end - i)
      }
      seep_dgemm(0, 0, rows, d, end, 1, weights, n, scaled.start, d, 0, crossed.start + first * d, d)
    }
    // Both sides of a pair: Σ Hᵢⱼ (xᵢ − xⱼ)² over j < i = Σ rᵢ xᵢ² + Σ cⱼ xⱼ² − 2 Σ xᵢ (H x)ᵢ, coordinate by coordinate.
    for piece in 1..<max(1, (n + width - 1) / width) {
      for j in 0..<n { columns[j] += columns[piece * n + j] }
    }
    var slope = GPGradient(
      outputscale: 0, lengthscales: [Double](repeating: 0, count: d), noise: 0, mean: 0)
    for i in 0..<n {
      let onDiagonal = alpha[i] * alpha[i] + inverse[i * n + i]
      slope.outputscale += scales[i] + 0.5 * parameters.outputscale * onDiagonal
      slope.noise += 0.5 * parameters.noise * onDiagonal
      slope.mean += alpha[i]
      let own = rows[i] + columns[i]
      for k in 0..<d {
        let x = scaled[i * d + k]
        slope.lengthscales[k] += x * (own * x - 2 * crossed[i * d + k])
      }
    }
    return slope
  }
}

/// Numbers of the engine's pieces, which write parts of their own.
private final class Buffer: @unchecked Sendable {
  let start: UnsafeMutablePointer<Double>
  private let count: Int

  init(_ count: Int) throws {
    self.count = max(count, 1)
    try MemoryBudget.reserve(self.count * 8, for: "a Gaussian process")
    start = .allocate(capacity: self.count)
    start.initialize(repeating: 0, count: self.count)
  }
  deinit {
    start.deallocate()
    MemoryBudget.release(count * 8)
  }

  subscript(_ i: Int) -> Double {
    get { start[i] }
    set { start[i] = newValue }
  }
}
