// What a search is: it minimises a function of a vector, evaluated for a whole population at once.
import Ground

/// A function to minimise over vectors. One call evaluates a population, so that the evaluation can be one batch.
public struct Objective {
  public typealias Values = (_ population: [[Double]]) throws -> [Double]
  public typealias Slopes = (_ population: [[Double]]) throws -> (values: [Double], gradients: [[Double]])

  /// Coordinates of a point.
  public let dimension: Int
  /// One value for each point of the population, in its order; NaN counts as +∞.
  public let values: Values
  /// Values with their gradients, where the function has them.
  public let slopes: Slopes?

  public init(dimension: Int, slopes: Slopes? = nil, values: @escaping Values) {
    self.dimension = dimension
    self.values = values
    self.slopes = slopes
  }
}

/// What a search found.
public struct SearchResult: Sendable {
  /// The best point that was evaluated, and its value.
  public var best: [Double]
  public var value: Double
  /// Centre of the last distribution, for searches that have one; otherwise `best`.
  public var mean: [Double]
  /// Best value so far after each round (generation, step).
  public var history: [Double]
  public var evaluations: Int
  /// The person stopped it; the result is the best until then.
  public var interrupted: Bool
  /// Why it ended: `budget`, `interrupted`, or the name of a stopping rule.
  public var reason: String
}

/// A way to minimise, as a value that prints as it is written.
public protocol Search: Sendable {
  /// `cma_es(budget: 5000)`.
  var written: String { get }

  /// Minimises; draws come from `key` alone.
  ///
  /// Stopped by `Interrupt`, it returns the best so far; only if nothing was evaluated yet it throws `interrupted`.
  /// - Throws: whatever the objective throws; `not-differentiable` if the search needs slopes that the objective does not have.
  func minimise(_ objective: Objective, key: RandomKey, report: SearchReport) throws -> SearchResult
}

/// Where a search says how far it is: evaluations done, evaluations in all, best value.
public typealias SearchReport = (_ done: Int, _ total: Int, _ best: Double) -> Void

/// Keeps the best point while a search runs.
struct BestSoFar {
  var point: [Double] = []
  var value = Double.infinity
  var history: [Double] = []
  var evaluations = 0

  /// Takes a population and its values in.
  mutating func take(_ population: [[Double]], _ values: [Double]) {
    evaluations += population.count
    for (candidate, found) in zip(population, values) where found < value || point.isEmpty {
      point = candidate
      value = found.isNaN ? .infinity : found
    }
    history.append(value)
  }

  func result(mean: [Double]? = nil, reason: String) throws -> SearchResult {
    if point.isEmpty { throw Fault.interrupted }
    return SearchResult(
      best: point, value: value, mean: mean ?? point, history: history, evaluations: evaluations,
      interrupted: reason == "interrupted", reason: reason)
  }
}

/// Runs rounds until `round` gives a reason to stop, and turns an interruption into one.
func untilStopped(_ round: () throws -> String?) throws -> String {
  do {
    while true {
      try Interrupt.check()
      if let reason = try round() { return reason }
    }
  } catch let fault as Fault where fault == .interrupted {
    return "interrupted"
  }
}

/// The objective's values, checked for their number, NaN replaced by +∞.
func evaluate(_ objective: Objective, _ population: [[Double]]) throws -> [Double] {
  let values = try objective.values(population)
  guard values.count == population.count else {
    throw Fault("internal-error", "the objective gave \(values.count) values for \(population.count) points")
  }
  return values.map { $0.isNaN ? .infinity : $0 }
}

/// Throws `bad-argument` naming the search, unless `holds`.
func requireArgument(_ holds: Bool, _ sentence: @autoclosure () -> String) throws {
  if !holds { throw Fault("bad-argument", sentence()) }
}

/// A number as Seep code writes it: `0.01`, `4`, `1e-05`.
func code(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
}
