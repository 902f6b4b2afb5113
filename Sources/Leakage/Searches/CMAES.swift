// Covariance matrix adaptation, generation by generation; the budget counts evaluations.
import Ground
import Tensors

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
  /// After a run that has converged, so many more with the population doubled each time, while the budget lasts (IPOP-CMA-ES: Auger, Hansen, "A
  /// restart CMA evolution strategy with increasing population size", CEC 2005).
  public var restarts: Int

  /// - Throws: `bad-argument` for a population under 4, a budget under one population, or a σ that is not positive.
  public init(
    budget: Int = 5000, population: Int = 50, sigma: Double = 1, active: Bool = true, diagonal: Bool = false,
    restarts: Int = 0
  ) throws {
    try requireArgument(restarts >= 0, "cma_es: restarts must not be negative, and there are \(restarts)")
    try requireArgument(population >= 4, "cma_es: a population of \(population) is too small; it needs at least 4")
    try requireArgument(population <= 1_000_000, "cma_es: a population has at most a million, not \(population)")
    try requireArgument(
      budget >= population, "cma_es: a budget of \(budget) does not cover one population of \(population)")
    try requireArgument(sigma > 0 && sigma.isFinite, "cma_es: sigma must be positive, not \(sigma)")
    self.budget = budget
    self.population = population
    self.sigma = sigma
    self.active = active
    self.diagonal = diagonal
    self.restarts = restarts
  }

  public var written: String {
    "cma_es(budget: \(budget)" + (population == 50 ? "" : ", population: \(population)")
      + (sigma == 1 ? "" : ", sigma: \(code(sigma))") + (active ? "" : ", active: false")
      + (diagonal ? ", diagonal: true" : "") + (restarts == 0 ? "" : ", restarts: \(restarts)") + ")"
  }

  public func minimise(_ objective: Objective, key: RandomKey, report: SearchReport) throws -> SearchResult {
    try requireArgument(objective.dimension > 0, "cma_es: there is nothing to search in 0 dimensions")
    var best = BestSoFar()
    var run = try Run(self, objective.dimension, population: population, key: nil)
    var runs = 1
    let reason = try untilStopped {
      // Draws of a restart have a key of their own.
      let points = try run.state.ask(key: runs == 1 ? key : key.derive("restart").derive(runs))
      let values = try evaluate(objective, points)
      best.take(points, values)
      report(best.evaluations, budget, best.value)
      try run.state.tell(points, values)
      let stopped = run.stop(values, sigma: sigma)
      if best.evaluations + run.state.constants.population > budget { return "budget" }
      guard let stopped else { return nil }
      let larger = run.state.constants.population * 2
      if runs > restarts || best.evaluations + larger > budget { return stopped }
      runs += 1
      run = try Run(
        self, objective.dimension, population: larger, key: key.derive("restart").derive(runs).derive("mean"))
      return nil
    }
    return try best.result(mean: run.state.mean, reason: reason)
  }
}

/// One run of the strategy, from its first generation until a rule stops it.
private struct Run {
  var state: CMAState
  private var recent: [Double] = []
  private let memory: Int

  /// - Parameter key: the mean is drawn; nil: it is the origin.
  init(_ search: CMAES, _ n: Int, population: Int, key: RandomKey?) throws {
    let constants = CMAConstants(
      dimension: n, population: population, active: search.active, diagonal: search.diagonal)
    let mean = try key.map { try Tensor.normal([n], key: $0, dtype: .float64).doubles().map { search.sigma * $0 } }
    state = try CMAState(
      mean: mean ?? [Double](repeating: 0, count: n), sigma: search.sigma, constants: constants,
      diagonal: search.diagonal)
    memory = 10 + 30 * n / population
  }

  /// The usual stopping rules (tolerances of the tutorial, appendix B.3): no progress, no width, no condition.
  mutating func stop(_ values: [Double], sigma: Double) -> String? {
    recent.append(values.min() ?? .infinity)
    if recent.count > memory { recent.removeFirst() }
    let both = recent + values
    if recent.count >= memory, let low = both.min(), let high = both.max(), high - low < 1e-11 { return "tolfun" }
    let wide = zip(state.deviations, state.path).contains { max($0, state.sigma * abs($1)) > 1e-11 * sigma }
    if !wide { return "tolx" }
    if state.axisRatio > 1e7 { return "condition" }
    if !state.sigma.isFinite { return "diverged" }
    return nil
  }
}
