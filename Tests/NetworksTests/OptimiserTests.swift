// Trajectories of torch.optim (Tests/Fixtures/optimizers): every optimiser, in float64 and in float32.
import Foundation
import Networks
import Tensors
import Testing

@Suite struct OptimiserTests {
  let topic: FixtureTopic
  init() throws { topic = try FixtureTopic("optimizers") }

  /// Loss and gradient of the case's test function, by hand.
  private func function(_ test: FixtureCase) throws -> ([Double]) -> (loss: Double, gradient: [Double]) {
    guard test.name.hasSuffix("quadratic") else {
      return { x in
        var (loss, gradient) = (0.0, [Double](repeating: 0, count: x.count))
        for i in 0..<(x.count - 1) {
          let bend = x[i + 1] - x[i] * x[i]
          loss += 100 * bend * bend + (1 - x[i]) * (1 - x[i])
          gradient[i] += -400 * bend * x[i] - 2 * (1 - x[i])
          gradient[i + 1] += 200 * bend
        }
        return (loss, gradient)
      }
    }
    let (a, b) = (try topic["quad.A"].doubles(), try topic["quad.b"].doubles())
    return { x in
      let n = x.count
      let ax = (0..<n).map { row in (0..<n).reduce(0) { $0 + a[row * n + $1] * x[$1] } }
      let loss = (0..<n).reduce(0) { $0 + 0.5 * x[$1] * ax[$1] - b[$1] * x[$1] }
      return (loss, zip(ax, b).map { $0 - $1 })
    }
  }

  private func optimiser(_ test: FixtureCase) throws -> any Optimiser {
    let options = try #require(test.params["options"] as? [String: Any])
    func number(_ key: String) -> Double { (options[key] as? NSNumber)?.doubleValue ?? 0 }
    func flag(_ key: String) -> Bool { options[key] as? Bool ?? false }
    let betas = (options["betas"] as? [NSNumber] ?? []).map(\.doubleValue)
    if test.op.hasSuffix("SGD") {
      return SGD(
        rate: number("lr"), momentum: number("momentum"), dampening: number("dampening"),
        weightDecay: number("weight_decay"),
        nesterov: flag("nesterov"))
    }
    if test.op.hasSuffix("RMSprop") {
      return RMSprop(
        rate: number("lr"), alpha: number("alpha"), eps: number("eps"), momentum: number("momentum"),
        weightDecay: number("weight_decay"), centred: flag("centered"))
    }
    return Adam(
      rate: number("lr"), beta1: betas[0], beta2: betas[1], eps: number("eps"), weightDecay: number("weight_decay"),
      decoupled: flag("decoupled_weight_decay"), amsgrad: flag("amsgrad"))
  }

  @Test("30 steps as in torch.optim", arguments: [DType.float64, .float32])
  func trajectories(dtype: DType) throws {
    let tests = topic.cases.filter { $0.params["steps"] != nil && !$0.name.hasPrefix("cma") }
    #expect(tests.count == 42)
    for test in tests {
      var optimiser = try optimiser(test)
      let evaluate = try function(test)
      let reference = try topic["\(test.name).x"]
      var x = try topic["\(test.name).x0"].converted(to: dtype)
      let relative = try #require(test.number(dtype == .float64 ? "rtol_max" : "float32_rtol_max"))
      let allowed = try relative * distance(reference, reference).scale + #require(test.number("atol"))
      for step in 0..<reference.shape[0] {
        var gradient = try Tensor(evaluate(x.doubles()).gradient, shape: x.shape).converted(to: dtype)
        if test.name.hasPrefix("adam_signed") { gradient = try gradient.map(.sign) }
        x = try optimiser.step([x], [gradient])[0]
        #expect(x.dtype == dtype)
        let difference = try distance(x, reference.select(axis: 0, index: step)).difference
        #expect(difference <= allowed, "\(test.name) step \(step + 1): \(difference) > \(allowed)")
      }
    }
  }

  @Test("L-BFGS: first step sharp, then the loss")
  func lbfgs() throws {
    let tests = topic.cases.filter { $0.name.hasPrefix("lbfgs") }
    #expect(tests.count == 12)
    for test in tests {
      let options = try #require(test.params["options"] as? [String: Any])
      func integer(_ key: String) -> Int { (options[key] as? NSNumber)?.intValue ?? 0 }
      var optimiser = LBFGS(
        rate: 1, maxIterations: integer("max_iter"), maxEvaluations: integer("max_eval"),
        history: integer("history_size"),
        lineSearch: options["line_search_fn"] is String ? .strongWolfe : .none)
      let evaluate = try function(test)
      let (points, losses) = (try topic["\(test.name).x"], try topic["\(test.name).f_before"].doubles())
      let evaluations = try topic["\(test.name).evaluations"].doubles()
      let (rtol, atol) = (try #require(test.number("rtol_max")), try #require(test.number("atol")))
      var x = try topic["\(test.name).x0"]
      for step in 0..<points.shape[0] {
        let (next, loss) = try optimiser.step([x]) { point in
          let (loss, gradient) = try evaluate(point[0].doubles())
          return (loss, [try Tensor(gradient, shape: point[0].shape)])
        }
        #expect(
          abs(loss - losses[step]) <= rtol * abs(losses[step]) + atol,
          "\(test.name) step \(step + 1): \(loss), \(losses[step])")
        x = next[0]
        if step == 0 {
          let (difference, scale) = try distance(x, points.select(axis: 0, index: 0))
          #expect(difference <= rtol * scale + atol, "\(test.name): \(difference)")
          #expect(Double(optimiser.evaluations) == evaluations[0], "\(test.name)")
        }
      }
      let last = try evaluate(x.doubles()).loss
      let expected = try #require(test.params["f_final"] as? Double)
      #expect(abs(last - expected) <= rtol * abs(expected) + atol, "\(test.name): \(last), \(expected)")
    }
  }

  @Test func schedules() throws {
    let tests = topic.cases.filter { $0.name.hasPrefix("ggl_lr") || $0.name.hasPrefix("ig_lr") }
    #expect(tests.count == 6)
    for test in tests {
      let reference = try topic[test.name].doubles()
      let isRamp = test.name.hasPrefix("ggl")
      let steps = try #require(test.params[isRamp ? "budget" : "max_iterations"] as? Int)
      let schedule: Schedule = isRamp ? .ramp(steps: steps) : .decay(steps: steps)
      let (rtol, atol) = (try #require(test.number("rtol_max")), try #require(test.number("atol")))
      for (index, expected) in reference.enumerated() {
        let rate = schedule.rate(0.1, at: index)
        #expect(abs(rate - expected) <= rtol * 0.1 + atol, "\(test.name) at \(index): \(rate), \(expected)")
      }
    }
  }

  @Test("a saved state goes on as if nothing had happened")
  func resuming() throws {
    let gradients = try (0..<6).map { try Tensor([Float($0) - 2, 0.5], shape: [2]) }
    for start in [
      Adam(rate: 0.1, amsgrad: true), SGD(rate: 0.1, momentum: 0.9, dampening: 0.5), RMSprop(momentum: 0.5),
    ] as [any Optimiser] {
      var (whole, first) = (start, start)
      var (a, b) = ([try Tensor([1, 2] as [Float], shape: [2])], [try Tensor([1, 2] as [Float], shape: [2])])
      for g in gradients { a = try whole.step(a, [g]) }
      for g in gradients[..<3] { b = try first.step(b, [g]) }
      var second = start
      second.state = first.state
      for g in gradients[3...] { b = try second.step(b, [g]) }
      #expect(try a[0].floats() == b[0].floats(), "\(start.written)")
    }
  }
}
