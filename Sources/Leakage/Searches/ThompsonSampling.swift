// Joint samples of a Gaussian process at many points. The process is fitted in float64; the covariance of the candidates, which carries
// the noise on its diagonal, is factorised in float32.
import CBLAS
import Ground
import Tensors

extension GaussianProcess {
  /// `count` joint samples, noise included, at `[m, d]`: `[count, m]`, float32.
  /// - Throws: `not-positive-definite` where even a thousandfold jitter does not help.
  public func samples(_ count: Int, at points: Tensor, key: RandomKey) throws -> Tensor {
    let m = points.shape[0]
    let crossed = try covariances(with: points)
    let mean = try Tensor.matmul(Tensor(alpha, shape: [1, self.count]), crossed)
    let centre = try Tensor.combine(.add, mean, parameters.mean).converted(to: .float32)
    let draws = try Tensor.normal([count, m], key: key)
    var jitter = Float(parameters.noise)
    for attempt in 0..<4 {
      let factor = try posterior(points, crossed, diagonal: jitter)
      if let factor {
        // L ε, column by column: the factor is read as it lies.
        return try Tensor.combine(.add, centre, Tensor.matmul(factor, draws.transposed().contiguous()).transposed())
          .contiguous()
      }
      if attempt < 3 { jitter += Float(parameters.outputscale) * 1e-5 * Float([1, 10, 100][attempt]) }
    }
    throw Fault("not-positive-definite", "the covariance of \(m) candidates is not positive definite")
  }

  /// Lower factor of the posterior covariance plus a diagonal; nil where it is not positive definite.
  private func posterior(_ points: Tensor, _ crossed: Tensor, diagonal: Float) throws -> Tensor? {
    let (scaled, squares) = try GaussianProcess.scale(points.converted(to: .float64).contiguous(), parameters)
    // Around their middle, so that float32 loses nothing in distances.
    let middle = try scaled.reduce(.mean, axes: [0], keep: true)
    let near = try Tensor.combine(.sub, scaled, middle).converted(to: .float32)
    let lengths = squares.isEmpty ? [] : try Tensor.combine(.mul, near, near).reduce(.sum, axes: [1]).floats()
    let through = try Tensor.matmul(inverseFactor.converted(to: .float32), crossed.converted(to: .float32))
    let m = points.shape[0]
    let matrix = try Tensor.matmul(near, near.transposed())
    let scale = Float(parameters.outputscale)
    let turned = try through.transposed().contiguous()
    let n = self.count
    var isDefinite = true
    let result = try Tensor.make([m, m]) { a in
      nonisolated(unsafe) let a = a
      try matrix.withFloats { products in
        try turned.withFloats { v in
          nonisolated(unsafe) let (products, v) = (products, v)
          let rows = 64
          try Threads.run(pieces: (m + rows - 1) / rows) { piece in
            guard let a = a.baseAddress, let products = products.baseAddress, let v = v.baseAddress else { return }
            let first = piece * rows
            let end = min(m, first + rows)
            for i in first..<end {
              seep_matern_f32(end, scale, products + i * m, lengths[i], lengths, a + i * m)
              a[i * m + i] = scale + diagonal
            }
            seep_sgemm(0, 1, end - first, end, n, -1, v + first * n, n, v, n, 1, a + first * m, m)
          }
        }
      }
      isDefinite = try BlockCholesky.factorise(a, m)
    }
    return isDefinite ? result : nil
  }
}

/// Cholesky's factorisation by blocks, on all threads.
enum BlockCholesky {
  /// Replaces the lower triangle of a row-major matrix by its factor and clears the rest; false where it is not positive definite.
  static func factorise(_ matrix: UnsafeMutableBufferPointer<Float>, _ n: Int) throws -> Bool {
    guard let base = matrix.baseAddress else { return true }
    nonisolated(unsafe) let a = base
    return try blocks(n, width: 128, clear: { i, count in (a + i * n + n - count).update(repeating: 0, count: count) })
    { at, own in
      seep_spotrf(own, a + at * n + at, n) == 0
    } solve: { row, rows, at, own in
      seep_strsm_right(rows, own, a + at * n + at, n, a + row * n + at, n)
    } update: { row, rows, at, own in
      let rest = at + own
      seep_sgemm(
        0, 1, rows, row + rows - rest, own, -1, a + row * n + at, n, a + rest * n + at, n, 1, a + row * n + rest, n)
    }
  }

  private static func blocks(
    _ n: Int, width: Int, clear: (_ row: Int, _ last: Int) -> Void, factor: (_ at: Int, _ own: Int) -> Bool,
    solve: (_ row: Int, _ rows: Int, _ at: Int, _ own: Int) -> Void,
    update: (_ row: Int, _ rows: Int, _ at: Int, _ own: Int) -> Void
  ) throws -> Bool {
    for at in stride(from: 0, to: n, by: width) {
      let own = min(width, n - at)
      if !factor(at, own) { return false }
      let rest = at + own
      if rest >= n { break }
      let pieces = (n - rest + width - 1) / width
      try Threads.run(pieces: pieces) { piece in
        let row = rest + piece * width
        solve(row, min(width, n - row), at, own)
      }
      try Threads.run(pieces: pieces) { piece in
        // The last rows are the longest: they go first.
        let row = rest + (pieces - 1 - piece) * width
        update(row, min(width, n - row), at, own)
      }
    }
    for i in 0..<n { clear(i, n - i - 1) }
    return true
  }
}
