// Matrix products.
import Ground
import Tensors

extension Variable {
  /// NumPy's rules, see `Tensor.matmul`.
  public func matmul(_ other: Variable) throws -> Variable {
    let (a, b) = (self, other)
    guard isTracked || other.isTracked else { return Variable(try .matmul(value, other.value)) }
    guard a.rank > 0, b.rank > 0 else { return Variable(try .matmul(a.value, b.value)) }
    if a.rank == 1 {
      let result = try a.unsqueeze(axis: 0).matmul(b)
      return try result.squeeze(axis: b.rank == 1 ? 0 : result.rank - 2)
    }
    if b.rank == 1 {
      let result = try a.matmul(b.unsqueeze(axis: 1))
      return try result.squeeze(axis: result.rank - 1)
    }
    if b.rank == 2, a.rank > 2, let width = a.shape.last, width == b.shape[0], a.size > 0 {
      // One tall product, so that the gradient of b is one product as well.
      let tall = try a.reshape([a.size / width, width]).matmul(b)
      return try tall.reshape(Array(a.shape.dropLast()) + [b.shape[1]])
    }
    return .binary(
      a, b, try .matmul(a.value, b.value), { g, _ in try g.matmul(b.transposed()).sum(to: a) },
      { g, _ in try a.transposed().matmul(g).sum(to: b) })
  }
}
