// The baseline of searches: independent draws.
import Ground
import Tensors

/// `random_search(budget: 5000)`: points of N(0, σ²), the best of them.
public struct RandomSearch: Search, Equatable {
  public var budget: Int
  public var population: Int
  public var sigma: Double

  /// - Throws: `bad-argument` for a budget or population under 1, or a σ that is not positive.
  public init(budget: Int = 5000, population: Int = 50, sigma: Double = 1) throws {
    try requireArgument(budget >= 1 && population >= 1, "random_search: budget and population must be at least 1")
    try requireArgument(sigma > 0 && sigma.isFinite, "random_search: sigma must be positive, not \(sigma)")
    self.budget = budget
    self.population = population
    self.sigma = sigma
  }

  public var written: String {
    "random_search(budget: \(budget)" + (population == 50 ? "" : ", population: \(population)")
      + (sigma == 1 ? "" : ", sigma: \(code(sigma))") + ")"
  }

  public func minimise(_ objective: Objective, key: RandomKey, report: SearchReport) throws -> SearchResult {
    var best = BestSoFar()
    var round = 0
    let reason = try untilStopped {
      let count = min(population, budget - best.evaluations)
      let points = try normalPoints(count, objective.dimension, sigma, key: key.derive(round))
      best.take(points, try evaluate(objective, points))
      report(best.evaluations, budget, best.value)
      round += 1
      return best.evaluations >= budget ? "budget" : nil
    }
    return try best.result(reason: reason)
  }
}

/// `count` independent points of N(0, σ² I).
func normalPoints(_ count: Int, _ dimension: Int, _ sigma: Double, key: RandomKey) throws -> [[Double]] {
  let draws = try Tensor.normal([count, dimension], key: key, dtype: .float64).doubles()
  return (0..<count).map { i in draws[i * dimension..<(i + 1) * dimension].map { $0 * sigma } }
}
