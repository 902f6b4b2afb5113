// Covariance matrix adaptation, generation by generation; the budget counts evaluations.
import Ground

/// `cma_es(budget: 5000, population: 50)`: samples a normal distribution and adapts it to the better half, and away from the
/// worse half (active update).
public struct CMAES: Search, Equatable {
  /// Evaluations in all; a last generation that would exceed it is not begun.
  public var budget: Int
  /// Points of a generation.
  public var population: Int
  /// Standard deviation of the first generation, around the origin.
  public var sigma: Double
  /// Learn from bad points as well.
  public var active: Bool
  /// Keep the covariance diagonal: for many coordinates.
  public var diagonal: Bool

  /// - Throws: `bad-argument` for a population under 4, a budget under one population, or a σ that is not positive.
  public init(
    budget: Int = 5000, population: Int = 50, sigma: Double = 1, active: Bool = true, diagonal: Bool = false
  ) throws {
    try requireArgument(population >= 4, "cma_es: a population of \(population) is too small; it needs at least 4")
    try requireArgument(
      budget >= population, "cma_es: a budget of \(budget) does not cover one population of \(population)")
    try requireArgument(sigma > 0 && sigma.isFinite, "cma_es: sigma must be positive, not \(sigma)")
    self.budget = budget
    self.population = population
    self.sigma = sigma
    self.active = active
    self.diagonal = diagonal
  }

  public var written: String {
    "cma_es(budget: \(budget)" + (population == 50 ? "" : ", population: \(population)")
      + (sigma == 1 ? "" : ", sigma: \(code(sigma))") + (active ? "" : ", active: false")
      + (diagonal ? ", diagonal: true" : "") + ")"
  }

  public func minimise(_ objective: Objective, key: RandomKey, report: SearchReport) throws -> SearchResult {
    try requireArgument(objective.dimension > 0, "cma_es: there is nothing to search in 0 dimensions")
    let n = objective.dimension
    let constants = CMAConstants(dimension: n, population: population, active: active, diagonal: diagonal)
    var state = try CMAState(
      mean: [Double](repeating: 0, count: n), sigma: sigma, constants: constants, diagonal: diagonal)
    var best = BestSoFar()
    var recent: [Double] = []
    let memory = 10 + 30 * n / population
    let reason = try untilStopped {
      let points = try state.ask(key: key)
      let values = try evaluate(objective, points)
      best.take(points, values)
      report(best.evaluations, budget, best.value)
      try state.tell(points, values)
      recent.append(values.min() ?? .infinity)
      if recent.count > memory { recent.removeFirst() }
      if best.evaluations + population > budget { return "budget" }
      return stop(state, recent, values, memory)
    }
    return try best.result(mean: state.mean, reason: reason)
  }

  /// The usual stopping rules (tolerances of the tutorial, appendix B.3): no progress, no width, no condition.
  private func stop(_ state: CMAState, _ recent: [Double], _ values: [Double], _ memory: Int) -> String? {
    let both = recent + values
    if recent.count >= memory, let low = both.min(), let high = both.max(), high - low < 1e-11 { return "tolfun" }
    let wide = zip(state.deviations, state.path).contains { max($0, state.sigma * abs($1)) > 1e-11 * sigma }
    if !wide { return "tolx" }
    if state.axisRatio > 1e7 { return "condition" }
    if !state.sigma.isFinite { return "diverged" }
    return nil
  }
}
