// What the clock of the engine's operations counts.
import Ground
import Tensors
import Testing

/// One clock for the whole process: one test after the other.
@Suite("Operation clock", .serialized)
struct OperationClockTests {
  private func timed(
    _ body: () throws -> Void
  ) throws -> (kinds: [EngineOperation: OperationClock.Total], elsewhere: OperationClock.Total, time: Int) {
    OperationClock.begin()
    let start = MonotonicTime.nanoseconds
    do {
      try body()
    } catch {
      _ = OperationClock.end()
      throw error
    }
    let time = MonotonicTime.nanoseconds - start
    let (kinds, elsewhere) = OperationClock.end()
    return (Dictionary(uniqueKeysWithValues: kinds), elsewhere, time)
  }

  @Test("products: calls, work, and times within the time that passed") func products() throws {
    let (a, b) = (try Tensor.full([300, 200], 0.5), try Tensor.full([200, 100], 0.25))
    let found = try timed {
      for _ in 0..<7 { _ = try Tensor.matmul(a, b) }
      _ = try a.map(.exp)
    }
    #expect(found.kinds[.matmul]?.calls == 7)
    #expect(found.kinds[.matmul]?.flops == 7 * 2 * 300 * 200 * 100)
    #expect(found.kinds[.elementwise]?.calls == 1)
    #expect(found.kinds[.convolution] == nil)
    let sum = found.kinds.values.reduce(0) { $0 + $1.nanoseconds }
    #expect(sum > 0 && sum <= found.time)
    #expect(found.elsewhere.calls == 0)
  }

  @Test("a product measured from outside takes as long as the clock says") func independent() throws {
    let a = try Tensor.full([600, 600], 0.5)
    _ = try Tensor.matmul(a, a)
    let found = try timed { for _ in 0..<20 { _ = try Tensor.matmul(a, a) } }
    let inside = try #require(found.kinds[.matmul]).nanoseconds
    #expect(Double(inside) > 0.9 * Double(found.time), "\(inside) of \(found.time) ns")
  }

  @Test("an operation within one of another kind counts there") func nested() throws {
    // The transposed view is copied before its rows are reduced one by one.
    let whole = try Tensor.full([64, 64], 2, .int64)
    let found = try timed { _ = try Tensor.combine(.div, whole, whole) }
    #expect(found.kinds[.elementwise]?.calls == 1)
    #expect(found.kinds[.conversion]?.calls == 2)
  }

  @Test("a convolution's passes are told apart") func convolution() throws {
    let x = try Tensor.full([2, 3, 8, 8], 0.5)
    let w = try Tensor.full([4, 3, 3, 3], 0.25)
    let g = ConvGeometry(padding: 1)
    let found = try timed {
      let y = try Tensor.conv2d(x, w, g)
      _ = try Tensor.conv2dInputGradient(y, w, inputSize: (8, 8), g)
      _ = try Tensor.conv2dWeightGradient(x, y, kernel: (3, 3), g)
    }
    let work = 2 * 2 * 4 * 64 * 27
    for kind in [EngineOperation.convolution, .convolutionInputGradient, .convolutionWeightGradient] {
      #expect(found.kinds[kind]?.calls == 1, "\(kind.name)")
      #expect(found.kinds[kind]?.flops == work, "\(kind.name)")
    }
  }

  @Test("operations of parallel pieces are counted once") func parallel() throws {
    let a = try Tensor.full([50, 50], 0.5)
    let found = try timed { try Threads.run(pieces: 64) { _ in _ = try Tensor.matmul(a, a) } }
    let own = found.kinds[.matmul]?.calls ?? 0
    #expect(own + found.elsewhere.calls == 64, "\(own) here and \(found.elsewhere.calls) elsewhere")
    #expect((found.kinds[.matmul]?.nanoseconds ?? 0) <= found.time)
  }

  @Test("off, nothing is counted") func off() throws {
    let a = try Tensor.full([8, 8], 0.5)
    _ = try timed {}
    _ = try Tensor.matmul(a, a)
    #expect(OperationClock.end().kinds.isEmpty)
    #expect(try timed {}.kinds.isEmpty)
  }
}
