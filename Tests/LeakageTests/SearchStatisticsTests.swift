// Searches against what pycma and the published TuRBO find with as many evaluations (fixtures `optimizer_stats`): medians over seeds, within the
// limits the fixture names.
import FixtureSupport
import Foundation
import Ground
import Leakage
import Testing

/// Those of 128 dimensions take minutes: `scripts/bench/search_statistics`.
private let isSlowWanted = ProcessInfo.processInfo.environment["SEEP_SLOW_TESTS"] != nil

@Suite struct SearchStatisticsTests {
  private static let functions = ["sphere", "ellipsoid", "rastrigin", "ackley", "schwefel"]

  /// Compares the median over 11 seeds of the best value that `search` finds.
  private func compare(
    _ name: String, _ search: (_ objective: Objective, _ budget: Int, _ key: RandomKey) throws -> Double
  ) throws {
    let statistics = try Fixtures.load("optimizer_stats")
    let c = try #require(statistics.cases.first { $0.name == name }, "the fixture has no \(name)")
    let function = try #require(c.text("function"))
    let (dimension, budget) = (try #require(c.int("dim")), try #require(c.int("budget")))
    let (upper, least, most) = (
      try #require(c.number("q75")), try #require(c.number("min")), try #require(c.number("max"))
    )
    var evaluations = 0
    let objective = Objective(dimension: dimension) { points in
      evaluations += points.count
      return points.map { TestFunction.value(function, $0) }
    }
    let found = try (0..<11).map { try search(objective, budget, RandomKey(seed: $0)) }.sorted()
    #expect(evaluations > 10 * budget && evaluations <= 11 * budget)
    let limit =
      ["sphere", "ellipsoid"].contains(function) ? 100 * upper : max(3 * upper, upper + 0.1 * (most - least))
    print("\(name): median \(found[5]), theirs \(c.number("median") ?? .nan), at most \(limit)")
    #expect(found[5] <= limit, "\(name): \(found)")
  }

  /// With pycma's defaults, σ = 2 and 4 + ⌊3 ln n⌋ points, and as the fixture has it without rules that stop it early.
  private func strategy(_ objective: Objective, _ budget: Int, _ key: RandomKey) throws -> Double {
    let n = objective.dimension
    let constants = CMAConstants(dimension: n, population: CMAConstants.defaultPopulation(n), active: true)
    var state = try CMAState(mean: [Double](repeating: 0, count: n), sigma: 2, constants: constants)
    var best = Double.infinity
    for _ in 0..<budget / constants.population {
      let points = try state.ask(key: key)
      let values = try objective.values(points)
      best = min(best, values.min() ?? .infinity)
      try state.tell(points, values)
    }
    return best
  }

  private func turbo(_ objective: Objective, _ budget: Int, _ key: RandomKey) throws -> Double {
    try TuRBO(budget: budget, bound: 5).minimise(objective, key: key, report: { _, _, _ in }).value
  }

  @Test("CMA-ES finds what pycma finds in 5 dimensions", arguments: functions)
  func five(_ function: String) throws { try compare("pycma.\(function).d5.b1000", strategy) }

  @Test("CMA-ES finds what pycma finds in 20 dimensions", arguments: functions)
  func twenty(_ function: String) throws { try compare("pycma.\(function).d20.b5000", strategy) }

  @Test("CMA-ES finds what pycma finds in 128 dimensions", .enabled(if: isSlowWanted), arguments: functions)
  func many(_ function: String) throws { try compare("pycma.\(function).d128.b10000", strategy) }

  @Test("TuRBO finds what the published one finds", arguments: ["ackley", "ellipsoid", "rastrigin"])
  func five(ofTuRBO function: String) throws { try compare("TuRBO-1.\(function).d5.b300", turbo) }

  @Test("TuRBO finds what the published one finds in 20 dimensions", .enabled(if: isSlowWanted))
  func twentyOfTuRBO() throws { try compare("TuRBO-1.ackley.d20.b300", turbo) }
}

/// The functions of the fixture.
private enum TestFunction {
  static func value(_ name: String, _ point: [Double]) -> Double {
    let n = Double(point.count)
    if name == "schwefel" {
      // 100 x kept in ±500; what that cuts off costs its square.
      return 418.9828872724339 * n
        + point.reduce(0.0) { sum, x in
          let y = 100 * x
          let kept = min(max(y, -500), 500)
          return sum - kept * sin(abs(kept).squareRoot()) + (y - kept) * (y - kept)
        }
    }
    let x = point.enumerated().map { $0.element - 1.5 * sin(Double($0.offset + 1)) }
    switch name {
    case "sphere": return x.reduce(0) { $0 + $1 * $1 }
    case "ellipsoid":
      return x.enumerated().reduce(0) { $0 + pow(10, 6 * Double($1.offset) / (n - 1)) * $1.element * $1.element }
    case "rastrigin": return 10 * n + x.reduce(0) { $0 + $1 * $1 - 10 * cos(2 * .pi * $1) }
    case "ackley":
      let square = x.reduce(0) { $0 + $1 * $1 } / n
      let wave = x.reduce(0) { $0 + cos(2 * .pi * $1) } / n
      return -20 * exp(-0.2 * square.squareRoot()) - exp(wave) + 20 + M_E
    default: return .nan
    }
  }
}
