// Sums of squares over rows, as one operation with one pass each way.
import Ground
import Tensors

extension Variable {
  /// Σ (xᵢ − y)² for each row xᵢ of self `[n] + shape`, with a constant y, or Σ xᵢ² where y is nil: `[n]`.
  public func rowDistances(_ y: Tensor? = nil) throws -> Variable {
    let x = self
    return .unary(x, try value.rowDistances(y)) { u, _ in try x.rowDifferences(y, factors: u * 2) }
  }

  /// factorᵢ · (xᵢ − y): linear in the factors and in x.
  func rowDifferences(_ y: Tensor?, factors: Variable) throws -> Variable {
    let x = self
    return .binary(
      x, factors, try value.rowDifferences(y, factors: factors.value),
      { g, _ in try g.rowDifferences(nil, factors: factors) },
      { g, _ in
        let difference = try y.map { try x - Variable($0.unsqueeze(axis: 0)) } ?? x
        let n = x.shape[0]
        return try (g * difference).reshape([n, x.size / Swift.max(n, 1)]).sum(axes: [1])
      })
  }
}
