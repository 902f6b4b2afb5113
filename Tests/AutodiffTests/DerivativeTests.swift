// Derivatives of derivatives: identities, the nth-derivative and Hessian fixtures, deep graphs.
import Autodiff
import FixtureSupport
import Foundation
import Ground
import Tensors
import Testing

@Suite("derivatives") struct DerivativeTests {
  private func slope(_ y: Variable, _ x: Variable) throws -> Variable {
    try gradients(of: y, wrt: [x], recording: true)[0] ?? Variable(Tensor.zeros(x.shape, x.dtype))
  }

  @Test("grad of grad of x³ at 2 is 12, and no perturbation is confused") func nested() throws {
    let x = Variable(try .scalar(2, .float64)).watched()
    let once = try slope(x.pow(3), x)
    #expect(try slope(once, x).value.item() == 12)
    // d/dx (x · d/dy (x + y)) at 1
    let a = Variable(try .scalar(1, .float64)).watched()
    let y = Variable(try .scalar(1, .float64)).watched()
    #expect(try slope(a * slope(a + y, y), a).value.item() == 1)
  }

  @Test("what does not depend has no gradient") func independent() throws {
    let x = Variable(try .scalar(2)).watched()
    let other = Variable(try .scalar(3)).watched()
    #expect(try gradients(of: x.square(), wrt: [other], recording: false)[0] == nil)
    #expect(throws: Fault.self) { try gradients(of: Variable(Tensor.zeros([2])).watched(), wrt: [x], recording: false) }
  }

  @Test("derivatives of orders 0 to 4") func nth() throws {
    let fixtures = try Fixtures.load("ops")
    let functions: [String: (Variable) throws -> Variable] = [
      "sin(x)*exp(-x*x)": { try $0.sin() * (-($0 * $0)).exp() }, "tanh(x)^3": { try $0.tanh().pow(3) },
      "log(1+exp(x))": { try ($0.exp() + 1).log() }, "x^5-2x^3": { try $0.pow(5) - $0.pow(3) * 2 },
      "1/(1+x^4)": { try 1 / ($0.pow(4) + 1) }, "sqrt(x*x+1)": { try ($0 * $0 + 1).sqrt() },
      "sigmoid(x)*x": { try $0.sigmoid() * $0 }, "cos(exp(x))": { try $0.exp().cos() },
    ]
    var checked = 0
    for entry in fixtures.cases where entry.op.hasPrefix("derivatives of orders") {
      let name = entry.text("function") ?? ""
      guard let function = functions[name] else {
        Issue.record("no closure for \(name)")
        continue
      }
      let x = Variable(try fixtures.tensor(entry.inputs[0]).converted(to: .float64)).watched()
      var y = try function(x)
      var orders = [y.value]
      for _ in 0..<4 {
        y = try slope(y.sum(), x)
        orders.append(y.value)
      }
      let values =
        entry.outputs.count == 1 ? [try Tensor.concat(orders.map { try $0.unsqueeze(axis: 0) }, axis: 0)] : orders
      for (value, output) in zip(values, entry.outputs) {
        let reference = try fixtures.tensor(output)
        let shaped = try value.size == reference.size ? value.reshape(reference.shape) : value
        if let problem = try mismatch(
          shaped, reference, rtol: entry.limit("rtol_max") ?? 1e-5, atol: entry.limit("atol") ?? 1e-8)
        {
          Issue.record("\(name) \(output): \(problem)")
        }
      }
      checked += 1
    }
    #expect(checked == 8)
  }

  @Test("the full Hessian of a small network") func hessian() throws {
    let fixtures = try Fixtures.load("ops")
    let entry = try #require(fixtures.cases.first { $0.op.hasPrefix("full Hessian") })
    let inputs = try entry.inputs.map { try fixtures.tensor($0) }
    let floats = try inputs.filter { $0.dtype.isFloat }.map { try $0.converted(to: .float64) }
    let theta = try #require(floats.first { $0.size == 26 })
    let x = Variable(try #require(floats.first { $0.size != 26 }))
    let labels = try #require(inputs.first { !$0.dtype.isFloat })
    func loss(_ t: Variable) throws -> Variable {
      let w1 = try t.slice(axis: 0, from: 0, to: 12).reshape([4, 3])
      let b1 = try t.slice(axis: 0, from: 12, to: 16)
      let w2 = try t.slice(axis: 0, from: 16, to: 24).reshape([2, 4])
      let b2 = try t.slice(axis: 0, from: 24, to: 26)
      let batch = x.rank == 1 ? try x.unsqueeze(axis: 0) : x
      let hidden = try (batch.matmul(w1.transposed()) + b1).tanh()
      return try (hidden.matmul(w2.transposed()) + b2).crossEntropy(labels: labels.reshape([batch.shape[0]]))
    }
    let t = Variable(theta).watched()
    let gradient = try slope(loss(t), t)
    let rows = try (0..<26).map { try slope(gradient.select(axis: 0, index: $0), t).value.unsqueeze(axis: 0) }
    let matrix = try Tensor.concat(rows, axis: 0)
    let reference = try #require(try entry.outputs.map { try fixtures.tensor($0) }.first { $0.size == 26 * 26 })
    #expect(try mismatch(matrix, reference.reshape([26, 26]), rtol: 1e-5, atol: 1e-7) == nil)
  }

  @Test("a graph of 10⁶ operations is built, swept and released") func deepGraph() throws {
    let x = Variable(try .scalar(1)).watched()
    var y = x
    for _ in 0..<1_000_000 { y = try y * 1.0 }
    #expect(try gradients(of: y, wrt: [x], recording: false)[0]?.value.item() == 1)
  }
}
