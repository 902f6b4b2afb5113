// Factorisations in float64, by LAPACK.
import CBLAS
import Ground

extension Tensor {
  private func squareMatrix(_ what: String) throws -> Tensor {
    guard rank == 2, shape[0] == shape[1] else {
      throw Fault("shape-mismatch", "\(what) needs a square matrix, not a tensor of shape \(shapeText(shape))")
    }
    let copy = try Tensor(uninitialized: shape, .float64)
    let source = try converted(to: .float64).contiguous()
    copy.pointer(Double.self).update(from: source.pointer(Double.self), count: size)
    _ = Libraries.prepared
    return copy
  }

  /// Eigenvalues in ascending order and eigenvectors as columns, of a symmetric matrix (its lower triangle is read).
  public func symmetricEigen() throws -> (values: Tensor, vectors: Tensor) {
    let timed = OperationClock.start(.linearAlgebra)
    defer { timed.stop() }
    let vectors = try squareMatrix("an eigendecomposition")
    let values = try Tensor(uninitialized: [shape[0]], .float64)
    // Row-major lower is column-major upper: hand over the transpose.
    let input = try vectors.transposed().contiguous()
    let info = try LongCall.run(cost: shape[0] * shape[0] * shape[0]) {
      seep_dsyevd(input.shape[0], input.pointer(Double.self), values.pointer(Double.self))
    }
    guard info == 0 else {
      throw Fault("engine-failure", "the eigendecomposition did not converge (LAPACK says \(info))")
    }
    return (values, try input.transposed())
  }

  /// The lower triangular L with L Lᵀ = self. Throws `not-positive-definite`.
  public func cholesky() throws -> Tensor {
    let timed = OperationClock.start(.linearAlgebra)
    defer { timed.stop() }
    let factor = try squareMatrix("a Cholesky factorisation")
    let info = try LongCall.run(cost: shape[0] * shape[0] * shape[0] / 10) {
      seep_dpotrf(factor.shape[0], factor.pointer(Double.self))
    }
    guard info == 0 else {
      throw Fault("not-positive-definite", "the matrix is not positive definite (leading minor \(info))")
    }
    let (n, p) = (shape[0], factor.pointer(Double.self))
    for i in 0..<n { for j in (i + 1)..<Swift.max(n, i + 1) { p[i * n + j] = 0 } }
    return factor
  }

  /// X with L X = right (or Lᵀ X = right), self being a lower triangular L.
  public func solveTriangular(_ right: Tensor, transposed: Bool = false) throws -> Tensor {
    let timed = OperationClock.start(.linearAlgebra)
    defer { timed.stop() }
    let lower = try squareMatrix("a triangular solve")
    guard right.rank == 2, right.shape[0] == shape[0] else {
      throw Fault(
        "shape-mismatch", "a right side of shape \(shapeText(right.shape)) for a matrix of shape \(shapeText(shape))")
    }
    let source = try right.converted(to: .float64).contiguous()
    let result = try Tensor(uninitialized: right.shape, .float64)
    result.pointer(Double.self).update(from: source.pointer(Double.self), count: right.size)
    seep_dtrsm(transposed ? 1 : 0, shape[0], right.shape[1], lower.pointer(Double.self), result.pointer(Double.self))
    return result
  }
}
