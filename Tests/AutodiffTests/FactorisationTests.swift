// Matrices that LAPACK refuses.
import Ground
import Tensors
import Testing

@Suite("factorisations that fail") struct FactorisationTests {
  @Test("a Cholesky factor needs a positive definite matrix") func cholesky() throws {
    let fault = #expect(throws: Fault.self) { try Tensor([1.0, 2, 2, 1], shape: [2, 2]).cholesky() }
    #expect(fault?.code == "not-positive-definite")
  }

  @Test("an eigendecomposition without an end is a failure of the engine") func eigen() throws {
    let fault = #expect(throws: Fault.self) {
      try Tensor([Double](repeating: .nan, count: 9), shape: [3, 3]).symmetricEigen()
    }
    #expect(fault?.code == "engine-failure")
  }
}
