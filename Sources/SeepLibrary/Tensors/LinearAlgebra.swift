// Factorisations of matrices.
import Autodiff
import Ground
import SeepLanguage
import Tensors

/// The words for what `eigh` does not take, about a shape as it is written.
func notSquare(_ shape: String, argument: Int) -> Fault {
  Fault("shape-mismatch", "`eigh` takes a square matrix, not \(shape)", argument: argument)
}

let linearAlgebraBuiltins: [Builtin] = [
  Builtin(
    "eigh(a)", group: "shapes",
    "The eigenvalues of a symmetric matrix `[n, n]` in ascending order, `[n]`, and its eigenvectors as columns, `[n, n]`: `(values, vectors)`, computed in float64 by LAPACK from the lower triangle. Constants for derivatives.",
    example: "let (values, vectors) = eigh(tensor([[2, 0], [0, 1]]))\nprint(values)  # expect: [1.0, 2.0]"
  ) { call in
    let a = try tensorArgument(call, "a").value
    guard a.rank == 2, a.shape[0] == a.shape[1], a.size > 0 else {
      throw notSquare(written(a.shape), argument: call.index(of: "a"))
    }
    guard try a.reduce(.sum).item().isFinite else {
      throw call.fault("not-finite", "`eigh` was given numbers that are not finite", argument: "a")
    }
    let (values, vectors) = try a.symmetricEigen()
    return Value(
      tuple: try [values, vectors].map {
        Value(TensorValue(Variable(a.dtype == .float32 ? try $0.converted(to: .float32) : $0)))
      })
  }
]
