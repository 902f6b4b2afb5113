// vjp, jvp, hvp, hessian against each other and against known matrices; recording on several threads at once.
import Autodiff
import Ground
import Tensors
import Testing

@Suite("derivatives of functions") struct FunctionTests {
  private func vector(_ values: [Double]) throws -> Variable { Variable(try Tensor(values, shape: [values.count])) }

  /// f(x, y) = (x₀·y₀, sin x₁, x₀ + y₁²), whose Jacobian is known.
  private func mapping(_ v: [Variable]) throws -> [Variable] {
    let (x0, x1) = (try v[0].select(axis: 0, index: 0), try v[0].select(axis: 0, index: 1))
    let (y0, y1) = (try v[1].select(axis: 0, index: 0), try v[1].select(axis: 0, index: 1))
    return [try Variable.stack([x0 * y0, x1.sin(), x0 + y1.square()], axis: 0)]
  }

  @Test("jvp and vjp are the rows and columns of the Jacobian") func products() throws {
    let at = [try vector([2, 0]), try vector([3, 5])]
    // J = [[3, 0, 2, 0], [0, 1, 0, 0], [1, 0, 0, 10]] in the order x₀ x₁ y₀ y₁.
    let forward = try jvp(at: at, tangents: [vector([1, 10]), vector([100, 1000])], mapping)
    #expect(try forward.outputs[0].value.doubles() == [6, 0, 27])
    #expect(try forward.tangents[0].value.doubles() == [203, 10, 10001])
    let backward = try vjp(at: at, cotangents: [vector([1, 10, 100])], mapping)
    #expect(try backward.gradients[0].value.doubles() == [103, 10])
    #expect(try backward.gradients[1].value.doubles() == [2, 1000])
  }

  @Test("jvp of a function that does not depend is 0") func constant() throws {
    let x = try vector([1, 2])
    let result = try jvp(at: [x], tangents: [x]) { _ in [try vector([4])] }
    #expect(try result.tangents[0].value.doubles() == [0])
  }

  /// x₀³·y₀ + x₁·y₀²: second derivatives by hand.
  private func cubic(_ v: [Variable]) throws -> Variable {
    let (x0, x1) = (try v[0].select(axis: 0, index: 0), try v[0].select(axis: 0, index: 1))
    let y = try v[1].select(axis: 0, index: 0)
    return try x0.pow(3) * y + x1 * y.square()
  }

  @Test("the Hessian's blocks, and its products") func hessians() throws {
    let at = [try vector([2, 7]), try vector([3])]
    let blocks = try hessian(at: at, cubic)
    #expect(try blocks[0][0].value.doubles() == [36, 0, 0, 0])  // 6·x₀·y₀
    #expect(blocks[0][1].shape == [2, 1])
    #expect(try blocks[0][1].value.doubles() == [12, 6])  // 3·x₀², 2·y₀
    #expect(try blocks[1][0].value.doubles() == [12, 6])
    #expect(try blocks[1][1].value.doubles() == [14])  // 2·x₁
    let product = try hvp(at: at, vectors: [vector([1, 10]), vector([100])], cubic)
    #expect(try product[0].value.doubles() == [36 + 1200, 600])
    #expect(try product[1].value.doubles() == [12 + 60 + 1400])
  }

  @Test("results of recorded helpers are differentiated again") func third() throws {
    // d/dx of the Hessian of x⁴ at 2: 24·x.
    let x = try vector([2]).watched()
    let second = try hessian(at: [x]) { try $0[0].pow(4).sum() }[0][0]
    #expect(try gradients(of: second.sum(), wrt: [x], recording: false)[0]?.value.doubles() == [48])
  }

  @Test("two watched copies of one variable are told apart") func copies() throws {
    let x = try vector([3]).watched()
    let (a, b) = (x.watched(), x.watched())
    let y = try (a * b.square()).sum()
    let found = try gradients(of: y, wrt: [a, b, x], recording: false).map { try $0?.value.doubles() }
    #expect(found == [[9], [18], [27]])
  }

  @Test("several outputs in one sweep") func severalOutputs() throws {
    let x = try vector([3]).watched()
    let y = try x.square()
    let found = try gradients(of: [y, y * x], cotangents: [vector([1]), vector([10])], wrt: [x, y], recording: false)
    #expect(try found.map { try $0?.value.doubles() } == [[6 + 270], [1 + 30]])
  }

  @Test("wrong requests are faults with a code") func faults() throws {
    let x = try vector([1, 2]).watched()
    func code(_ body: () throws -> Void) -> String? {
      do { try body() } catch { return (error as? Fault)?.code }
      return nil
    }
    #expect(code { _ = try gradients(of: x.square(), wrt: [x], recording: false) } == "non-scalar-gradient")
    #expect(code { _ = try gradients(of: x, wrt: [x], cotangent: vector([1]), recording: false) } == "shape-mismatch")
    #expect(code { _ = try jvp(at: [x], tangents: [vector([1])]) { $0 } } == "shape-mismatch")
    #expect(code { _ = try x.converted(to: .float32) + x } == "dtype-mismatch")
    #expect(code { _ = try x.sum(axes: [1]) } == "bad-axis")
    #expect(code { _ = try x.gather(axis: 0, Tensor([Int64(2)], shape: [1])) } == "index-out-of-range")
  }

  @Test("threads record and pause on their own") func threads() async throws {
    let failures = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<8 {
        group.addTask {
          var wrong = 0
          for round in 0..<500 {
            let x = Variable(try .scalar(Double(round), .float64)).watched()
            if task % 2 == 0 {
              let y = try withoutRecording { try x.square() }
              wrong += y.isTracked ? 1 : 0
            } else {
              let slope = try gradients(of: x.square() * x, wrt: [x], recording: false)[0]
              wrong += try slope?.item() == Double(3 * round * round) ? 0 : 1
            }
          }
          return wrong
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(failures == 0)
  }
}

extension Variable {
  fileprivate func item() throws -> Double { try value.item() }
}
