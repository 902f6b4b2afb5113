// The accountant against reference numbers (Tests/Fixtures/dp) and the rules of what a bound protects.
import FixtureSupport
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

@Suite struct PrivacyTests {
  private func asking(
    steps: Int = 1, rate: Double = 1, delta: Double = 1e-5, batch: Int? = nil, unit: PrivacyUnit? = nil
  ) -> PrivacyQuestion {
    var question = PrivacyQuestion()
    (question.steps, question.sampleRate, question.delta) = (steps, rate, delta)
    (question.batch, question.unit) = (batch, unit)
    return question
  }

  @Test("fixtures: every order, and epsilon")
  func fixtures() throws {
    let fixtures = try Fixtures.load("dp")
    #expect(fixtures.cases.count == 14)
    for test in fixtures.cases {
      let z = try #require(test.number("sigma"))
      let q = try #require(test.number("q"))
      let steps = try #require(test.int("steps"))
      let orders = try #require(test.params["orders"] as? [NSNumber]).map(\.doubleValue)
      let reference = try fixtures.tensor(test.outputs[0]).doubles()
      for (order, expected) in zip(orders, reference) {
        let ours = Double(steps) * Renyi.ofSampledGaussian(multiplier: z, sampleRate: q, order: order)
        let whole = order == order.rounded()
        let limit = try #require(test.limit(whole ? "rtol_integer_orders" : "rtol_fractional_orders"))
        #expect(abs(ours - expected) <= limit * expected, "\(test.name), order \(order): \(ours), not \(expected)")
      }
      var asked = asking(steps: steps, rate: q, delta: try #require(test.number("delta")))
      asked.orders = orders
      let found = try epsilon(DifferentialPrivacy(sigma: z, clip: 3), asked)
      let expected = try #require(test.number("epsilon_quadrature"))
      #expect(abs(found.epsilon - expected) <= 1e-6 * expected, "\(test.name): \(found.epsilon), not \(expected)")
      #expect(found.order == test.number("optimal_order_quadrature"))
      let tight = try #require(test.number("epsilon_pld"))
      if let exact = found.exact {
        #expect(abs(exact - tight) <= 1e-3 * tight, "\(test.name): exactly \(exact), not \(tight)")
      }
    }
  }

  // Computed with dp-accounting 0.6.0: q, z, T, δ, ε with the default orders, its order, ε with integer orders 2…64.
  static let rows: [(Double, Double, Int, Double, Double, Double, Double)] = [
    (1, 0.5, 1, 1e-5, 10.7255097, 3.3, 10.8016915), (1, 1, 1, 1e-5, 4.7285071, 5.4, 4.7527283),
    (1, 4, 1, 1e-5, 1.0125506, 18, 1.0125506), (1, 2, 10, 1e-5, 8.0794062, 3.9, 8.0878616),
    (0.01, 1, 1000, 1e-5, 2.1013665, 7.8, 2.1077531), (0.01, 1.1, 6000, 1e-5, 4.2465987, 5.6, 4.2640884),
    (256.0 / 60000, 1.1, 14040, 1e-5, 2.5943634, 8.1, 2.5948177),
    (256.0 / 60000, 1.3, 3510, 1e-5, 0.9537573, 17, 0.9537573), (0.1, 1, 100, 1e-5, 7.9038502, 3.2, 7.9729215),
    (0.1, 2, 100, 1e-3, 1.7990043, 6.1, 1.7997947), (0.02, 0.8, 500, 1e-4, 4.5386911, 3.7, 4.6294906),
    (0.004, 0.7, 2000, 1e-5, 3.2845745, 4.7, 3.4312654),
  ]

  @Test("epsilon with the default orders and with integers", arguments: rows)
  func defaults(_ row: (Double, Double, Int, Double, Double, Double, Double)) throws {
    let defense = try DifferentialPrivacy(sigma: row.1, clip: 1)
    var asked = asking(steps: row.2, rate: row.0, delta: row.3)
    let found = try epsilon(defense, asked)
    // At fractional orders with sampling the reference lies above the true value (see the note of the fixtures).
    #expect(
      found.epsilon < row.4 * (1 + 1e-8) + 5e-8 && found.epsilon > 0.999 * row.4 && found.order == row.5, "\(found)")
    asked.orders = (2...64).map(Double.init)
    #expect(abs(try epsilon(defense, asked).epsilon - row.6) < 1e-6 * row.6)
  }

  @Test("orders, and the exact Gaussian mechanism")  // computed with dp-accounting 0.6.0
  func orders() {
    func near(_ a: Double, _ b: Double, _ tolerance: Double = 1e-6) -> Bool { abs(a - b) <= tolerance * b }
    for (order, value) in [
      (1.5, 1.323685029e-4), (2, 1.718134221e-4), (3, 2.646375746e-4), (4.5, 4.149360312e-4), (8, 8.936439076e-4),
      (16, 3.087850784), (32, 11.24627594),
    ] {
      #expect(
        near(
          Renyi.ofSampledGaussian(multiplier: 1, sampleRate: 0.01, order: order), value,
          order == order.rounded() ? 1e-8 : 0.05))
    }
    for (order, value) in [(1.5, 0.005198554713), (2, 0.00558063423), (8, 0.03747966788), (32, 4.734258728)] {
      #expect(
        near(Renyi.ofSampledGaussian(multiplier: 1.5, sampleRate: 0.1, order: order), value, order == 1.5 ? 0.3 : 1e-6))
    }
    #expect(near(Renyi.epsilon([(8, 0.5)], delta: 1e-5).epsilon, 1.71410917))
    for (z, value) in [(0.025, 969.6), (0.5, 9.9972561), (1, 4.3771781), (2, 1.9930914), (4, 0.9263415)] {
      #expect(near(ExactGaussian.epsilon(multiplier: z, delta: 1e-5), value, z < 0.1 ? 1e-4 : 1e-7))
    }
    // Little noise: the chord between integer orders lies above the curve, and near it.
    let few = Renyi.ofSampledGaussian(multiplier: 0.049, sampleRate: 0.1, order: 2.5)
    let more = Renyi.ofSampledGaussian(multiplier: 0.051, sampleRate: 0.1, order: 2.5)
    #expect(
      few > more && few.isFinite && Renyi.ofSampledGaussian(multiplier: 0, sampleRate: 0.1, order: 2.5) == .infinity)
  }

  @Test("what is bounded, and what it protects")
  func rules() throws {
    func ask(_ members: [any Defense], _ q: PrivacyQuestion? = nil) throws -> Guarantee {
      try epsilon(Chain(members), q ?? asking())
    }
    // Noise before the bound.
    let refusal = #expect(throws: Fault.self) { try ask([Noise(0.1), Clip(4)]) }
    #expect(refusal?.code == "no-privacy-bound" && refusal?.help == "clip(4) >> noise(0.1)")
    #expect(throws: Fault.self) { try ask([Noise(0.1)]) }
    #expect(throws: Fault.self) { try ask([Clip(4)]) }
    // Between the bound and the noise: what is suggested has an answer.
    let lost = #expect(throws: Fault.self) { try ask([Clip(4), SignOnly(), Noise(0.1)]) }
    #expect(lost?.help == "clip(4) >> noise(0.1) >> sign_only")
    #expect(try ask([Clip(4), Noise(0.1), SignOnly()]).epsilon.isFinite)
    // After local steps: noise in each of them counts for each, noise on the difference bounds no example.
    var local = asking()
    local.localSteps = 5
    local.batch = 4
    let (one, five) = (
      try ask([try DifferentialPrivacy(sigma: 1, clip: 1)]),
      try ask([try DifferentialPrivacy(sigma: 1, clip: 1)], local)
    )
    #expect(one.steps == 1 && five.steps == 5 && five.epsilon > 2 * one.epsilon)
    let late = #expect(throws: Fault.self) { try ask([Clip(1, per: .example), Noise(0.1)], local) }
    #expect(late?.code == "no-privacy-bound" && late?.message.contains("5 local steps") == true)
    #expect(try ask([Clip(1), Noise(0.1)], local).unit == .update)
    // GGL's clip 4 and noise 0.1: the update, and nearly nothing.
    let ggl = try ask([Clip(4), Noise(0.1)])
    #expect(ggl.unit == .update && abs(ggl.epsilon - 988.8) < 0.1 && abs(ggl.multiplier - 0.025) < 1e-15)
    // Post-processing changes nothing, nor does more noise after it; noise on noise adds up.
    #expect(try ask([Clip(4), Noise(0.1), Prune(0.9), SignOnly(), Noise(9)]).epsilon == ggl.epsilon)
    #expect(abs(try ask([Clip(4), Noise(0.3), Noise(0.4)]).multiplier - 0.125) < 1e-15)
    // Pruning makes no update longer, but one example may move what survives by more than its share.
    #expect(try ask([Clip(4), Prune(0.9), Noise(0.1)]).epsilon == ggl.epsilon)
    let each = try Clip(4, per: .example)
    #expect(try ask([each, Prune(0.9), Noise(0.1)], asking(batch: 8)).unit == .update)
    #expect(throws: Fault.self) { try ask([each, Prune(0.9), Noise(0.1)], asking(batch: 8, unit: .example)) }
    #expect(throws: Fault.self) { try ask([Clip(4), Noise(0.1)], asking(unit: .example)) }
    // One of 8 examples moves the mean by an eighth.
    let example = try ask([each, Noise(0.1)], asking(batch: 8))
    #expect(example.unit == .example && abs(example.multiplier - 0.2) < 1e-15)
    #expect(#expect(throws: Fault.self) { try ask([each, Noise(0.1)]) }?.code == "needs-size")
    // A second bound on the mean is a projection: it brings two neighbours closer, if anything.
    #expect(try ask([each, Clip(1), Noise(0.1)], asking(batch: 8)).multiplier == example.multiplier)
    let dp = try DifferentialPrivacy(sigma: 1.5, clip: 2)
    #expect(try ask([dp]).multiplier == 1.5 && ask([dp]).unit == .example)
    #expect(try ask([dp, Noise(0.1)]).multiplier == 1.5)
    #expect(try ask([dp, Noise(0.1)], asking(batch: 10)).multiplier > 1.5)
    // A look at the batch after the noise.
    #expect(throws: Fault.self) { try ask([dp, Soteria(0.5)]) }
    // Neighbours that replace one are twice as far.
    var replacing = asking()
    replacing.neighbours = .replace
    #expect(try ask([dp], replacing).multiplier == 0.75)
    replacing.sampleRate = 0.1
    #expect(throws: Fault.self) { try ask([dp], replacing) }
    // Bounds of single tensors.
    #expect(throws: Fault.self) { try ask([Clip(1, per: .layer), Noise(1)]) }
    var sized = asking()
    (sized.tensors, sized.numbers) = (4, 100)
    #expect(try ask([Clip(1, per: .layer), Noise(1)], sized).multiplier == 0.5)
    #expect(try ask([ClipValue(1), Noise(1)], sized).multiplier == 0.1)
  }

  @Test("Laplace noise is pure where the sum of absolute values is bounded")
  func laplace() throws {
    let defense = Chain([try Clip(2, norm: .l1), try Laplace(4)])
    let found = try epsilon(defense, asking(steps: 10))
    #expect(found.epsilon == 5 && found.delta == 0 && found.order == nil && found.unit == .update)
    let sampled = try epsilon(defense, asking(steps: 10, rate: 0.1))
    #expect(abs(sampled.epsilon - 10 * log(1 + 0.1 * (exp(0.5) - 1))) < 1e-12)
    let refusal = #expect(throws: Fault.self) { try epsilon(Chain([Clip(2), Laplace(4)]), asking()) }
    #expect(refusal?.help == "clip(1, norm: 1) >> laplace(4)")
    // With the number of entries the Euclidean bound gives one.
    var sized = asking()
    sized.numbers = 100
    #expect(try epsilon(Chain([Clip(2), Laplace(4)]), sized).epsilon == 5)
    // It does not spoil the normal noise after it.
    #expect(try epsilon(Chain([Clip(4), Laplace(4), Noise(0.1)]), asking()).multiplier == 0.025)
  }

  @Test("dp: single gradients are bounded, the noise has the size that is claimed")
  func mechanism() throws {
    let net = try Model.lenet(classes: 10, key: testKey)
    let x = try Tensor.uniform([5, 1, 28, 28], key: testKey)
    let y = try Tensor([1, 2, 3, 4, 5] as [Int64], shape: [5])
    let clipped = try share(net, x, y, defense: DifferentialPrivacy(sigma: 0, clip: 0.5), key: testKey)
    var sum: [Tensor]?
    for i in 0..<5 {
      let one = try share(
        net, x.select(axis: 0, index: i), y.slice(axis: 0, from: i, to: i + 1), defense: Clip(0.5), key: testKey)
      #expect(try one.norm <= 0.5)
      sum = try sum.map { try zip($0, one.tensors).map { try Tensor.combine(.add, $0, $1) } } ?? one.tensors
    }
    for (a, b) in zip(clipped.tensors, try #require(sum)) {
      #expect(try mismatch(Tensor.combine(.mul, a, 5), b, rtol: 1e-5, atol: 1e-7) == nil)
    }
    let noisy = try share(net, x, y, defense: DifferentialPrivacy(sigma: 2, clip: 0.5), key: testKey)
    let spread = try (noisy - clipped).norm / Double(noisy.size).squareRoot()
    #expect(abs(spread - 2 * 0.5 / 5) < 0.005)
    #expect(noisy.defense?.written == "dp(sigma: 2, clip: 0.5)")
    // An update of several examples alone has no single gradients; that of one example has.
    let plain = try share(net, x, y, key: testKey)
    #expect(
      #expect(throws: Fault.self) { try Clip(1, per: .example).defend(plain, key: testKey) }?.code == "needs-batch")
    let lone = try share(net, x.select(axis: 0, index: 0), y.slice(axis: 0, from: 0, to: 1), key: testKey)
    #expect(try Clip(0.5, per: .example).defend(lone, key: testKey).norm <= 0.5)
    #expect(throws: Fault.self) {
      try share(net, x, y, defense: DifferentialPrivacy(sigma: 1, clip: 1), mode: .train, key: testKey)
    }
  }
}
