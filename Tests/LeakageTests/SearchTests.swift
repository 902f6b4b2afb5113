import FixtureSupport
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

@Suite struct SearchTests {
  @Test("CMA-ES constants and state after every tell, as pycma has them")
  func cmaFixtures() throws {
    let fixtures = try Fixtures.load("optimizers")
    let cases = fixtures.cases.filter { $0.op.hasPrefix("CMA-ES state update") }
    #expect(cases.count == 8)
    var generations = 0
    for test in cases {
      let reference = try #require(test.params["constants"] as? [String: Any])
      func number(_ name: String) -> Double { (reference[name] as? NSNumber)?.doubleValue ?? .nan }
      let n = try #require(test.int("dim"))
      let k = CMAConstants(dimension: n, population: Int(number("lambda")), active: test.flag("active"))
      for (name, value) in [
        ("mueff", k.effective), ("cc", k.pathRate), ("cs", k.stepRate), ("c1", k.rankOne), ("cmu", k.rankMu),
        ("damps", k.damping),
        ("chiN", k.expectedLength),
      ] {
        #expect(
          abs(value - number(name)) <= 1e-12 * abs(number(name)), "\(test.name) \(name): \(value), \(number(name))")
      }
      for (a, b) in zip(k.weights, (reference["weights"] as? [NSNumber] ?? []).map(\.doubleValue)) {
        #expect(abs(a - b) <= 1e-12, "\(test.name) weight \(a), \(b)")
      }
      func rows(_ what: String) throws -> Tensor { try fixtures.tensor("\(test.name).\(what)") }
      let rtol = try #require(test.limit("rtol_max"))
      let atol = try #require(test.limit("atol"))
      for g in 0..<(test.int("generations") ?? 0) {
        func at(_ what: String, _ index: Int) throws -> Tensor { try rows(what).select(axis: 0, index: index) }
        var state = try CMAState(
          mean: at("mean", g).doubles(), sigma: at("sigma", g).item(), path: at("pc", g).doubles(),
          stepPath: at("ps", g).doubles(), covariance: at("C", g).doubles(), generation: g, constants: k)
        let flat = try at("X", g).doubles()
        try state.tell((0..<k.population).map { Array(flat[$0 * n..<($0 + 1) * n]) }, at("f", g).doubles())
        for (name, value) in [
          ("mean", try Tensor(state.mean, shape: [n])), ("sigma", try Tensor.scalar(state.sigma, .float64)),
          ("pc", try Tensor(state.path, shape: [n])), ("ps", try Tensor(state.stepPath, shape: [n])),
          ("C", try Tensor(state.covariance, shape: [n, n])),
        ] {
          let wrong = try mismatch(value, at(name, g + 1), rtol: rtol, atol: atol)
          #expect(wrong == nil, "\(test.name) generation \(g): \(name) \(wrong ?? "")")
        }
        #expect(state.steady == (try at("hsig", g).item() != 0))
        generations += 1
      }
    }
    print("CMA-ES fixtures: \(cases.count) cases, \(generations) generations checked")
  }

  @Test("pycma's constants in 128 dimensions")  // computed with pycma 4
  func cmaConstants() {
    for (population, effective, rate, negative) in [
      (18, 5.391324, 4.5273213e-4, -1.26415), (50, 13.951321, 1.4512279e-3, -1.08236),
    ] {
      let k = CMAConstants(dimension: 128, population: population, active: true)
      #expect(abs(k.effective - effective) < 1e-6)
      #expect(abs(k.rankMu - rate) < 1e-9)
      #expect(abs(k.weights.filter { $0 < 0 }.reduce(0, +) - negative) < 1e-5)
    }
    #expect(CMAConstants.defaultPopulation(128) == 18)
  }

  @Test("searches find the bottom of a bowl, with draws of their key alone, within their budget")
  func bowls() throws {
    for (search, near) in [
      (try CMAES(budget: 3000, population: 20), 1e-8), (try CMAES(budget: 3000, population: 20, diagonal: true), 1e-8),
      (try AdamSearch(lr: 0.1, steps: 300, starts: 2), 1e-3), (try RandomSearch(budget: 1000), 3.0),
    ] as [(any Search, Double)] {
      var reports = 0
      let found = try search.minimise(sphere(6), key: testKey) { _, _, _ in reports += 1 }
      let again = try search.minimise(sphere(6), key: testKey) { _, _, _ in }
      #expect(found.value < near, "\(search.written): \(found.value)")
      #expect(found.best == again.best && found.history == again.history)
      #expect(found.evaluations <= 3000 && reports == found.history.count && !found.interrupted)
      #expect(zip(found.history, found.history.dropFirst()).allSatisfy { $0 >= $1 })
    }
  }

  @Test("CMA-ES solves Rosenbrock in 5 dimensions and an ellipsoid in 20")
  func hard() throws {
    let rosenbrock = Objective(dimension: 5) { points in
      points.map { x in
        (0..<4).reduce(0.0) { sum, i in
          let (bend, rest) = (x[i + 1] - x[i] * x[i], 1 - x[i])
          return sum + 100 * bend * bend + rest * rest
        }
      }
    }
    #expect(
      try CMAES(budget: 8000, population: 16, sigma: 0.5).minimise(rosenbrock, key: testKey) { _, _, _ in }.value < 1e-8
    )
    let ellipsoid = Objective(dimension: 20) { points in
      points.map { x in
        x.indices.reduce(0.0) { sum, i in
          let distance = x[i] - 1
          return sum + pow(1e6, Double(i) / 19) * distance * distance
        }
      }
    }
    #expect(try CMAES(budget: 40000, population: 20).minimise(ellipsoid, key: testKey) { _, _, _ in }.value < 1e-6)
  }

  @Test("restarts with twice the population leave local minima")
  func restarts() throws {
    let rastrigin = Objective(dimension: 6) { points in
      points.map { point in
        point.reduce(0.0) { sum, x in
          let (d, wave) = (x - 1.7, cos(2 * Double.pi * (x - 1.7)))
          return sum + d * d + 10 - 10 * wave
        }
      }
    }
    func found(_ restarts: Int) throws -> SearchResult {
      try CMAES(budget: 60000, population: 10, restarts: restarts).minimise(rastrigin, key: testKey) { _, _, _ in }
    }
    let (one, many) = (try found(0), try found(6))
    #expect(one.value > 0.9 && many.value < 1e-8)
    #expect(many.evaluations > one.evaluations && many.evaluations <= 60000)
    #expect(try CMAES(budget: 100, restarts: 2).written == "cma_es(budget: 100, restarts: 2)")
  }

  @Test("a stopped search returns its best; not-a-number loses")
  func stopped() throws {
    var calls = 0
    let objective = Objective(dimension: 3) { points in
      calls += 1
      if calls == 4 { throw Fault.interrupted }
      return points.enumerated().map { $0.offset == 0 ? .nan : $0.element.reduce(0) { $0 + $1 * $1 } }
    }
    let found = try CMAES(budget: 1000, population: 10).minimise(objective, key: testKey) { _, _, _ in }
    #expect(found.interrupted && found.evaluations == 30 && found.value.isFinite && found.history.count == 3)
    calls = 3
    #expect(throws: Fault.interrupted) {
      try CMAES(budget: 1000, population: 10).minimise(objective, key: testKey) { _, _, _ in }
    }
    #expect(throws: Fault.self) {
      try AdamSearch().minimise(Objective(dimension: 2) { $0.map { _ in 0 } }, key: testKey) { _, _, _ in }
    }
  }

  @Test("what a search is written like")
  func written() throws {
    #expect(try CMAES(budget: 5000).written == "cma_es(budget: 5000)")
    #expect(
      try CMAES(budget: 500, population: 18, sigma: 0.5).written == "cma_es(budget: 500, population: 18, sigma: 0.5)")
    #expect(throws: Fault.self) { try CMAES(budget: 10) }
  }

  @Test("ask and tell in 128 dimensions with 50 points take less than 10 ms")
  func speed() throws {
    var state = try CMAState(
      mean: [Double](repeating: 0, count: 128), sigma: 1,
      constants: CMAConstants(dimension: 128, population: 50, active: true))
    let clock = ContinuousClock()
    let time = try clock.measure {
      for _ in 0..<50 {
        let points = try state.ask(key: testKey)
        try state.tell(points, points.map { $0.reduce(0) { $0 + ($1 - 1) * ($1 - 1) } })
      }
    }
    let seconds = Double(time.components.attoseconds) * 1e-18 + Double(time.components.seconds)
    print("CMA-ES ask and tell, n = 128, λ = 50: \(seconds / 50 * 1000) ms a generation")
    #expect(seconds / 50 < 0.010)
  }
}
