// Trust-region Bayesian optimisation with one region (Eriksson, Pearce, Gardner, Turner, Poloczek, NeurIPS 2019), written from the paper:
// a Gaussian process over a box around the best point, Thompson sampling in it, the box grown by success and shrunk by failure.
import Ground
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `turbo(budget: 1000)`.
public struct TuRBO: Search, Equatable {
  /// Evaluations in all.
  public var budget: Int
  /// Points of a round.
  public var batch: Int
  /// Latin hypercube points that a region begins with; nil: twice the dimension, at most 256 and a quarter of the budget.
  public var initial: Int?
  /// Coordinates are searched in ±bound.
  public var bound: Double
  /// Points of the box that a round chooses from; nil: 100 times the dimension, at most 5000. A round takes time with their third power.
  public var candidates: Int?

  /// - Throws: `bad-argument`.
  public init(budget: Int = 1000, batch: Int = 10, initial: Int? = nil, bound: Double = 2, candidates: Int? = nil)
    throws
  {
    try requireArgument(batch >= 1, "turbo: a batch has at least 1 point, not \(batch)")
    try requireArgument(initial ?? 2 >= 2, "turbo: a region begins with at least 2 points")
    try requireArgument(
      budget >= max(initial ?? 2, batch),
      "turbo: a budget of \(budget) does not cover "
        + ((initial ?? 2) > batch ? "the \(initial ?? 2) first points" : "one batch of \(batch) points"))
    try requireArgument(bound > 0 && bound.isFinite, "turbo: the bound must be positive, not \(bound)")
    let most = candidates ?? 5000
    try requireArgument(
      most >= batch && most <= 5000,
      "turbo: a round of \(batch) points cannot choose from \(most) candidates; 5000 at most")
    (self.budget, self.batch, self.initial, self.bound) = (budget, batch, initial, bound)
    self.candidates = candidates
  }

  public var written: String {
    "turbo(budget: \(budget)" + (batch == 10 ? "" : ", batch: \(batch)") + (initial.map { ", initial: \($0)" } ?? "")
      + (bound == 2 ? "" : ", bound: \(code(bound))") + (candidates.map { ", candidates: \($0)" } ?? "") + ")"
  }

  public func minimise(_ objective: Objective, key: RandomKey, report: SearchReport) throws -> SearchResult {
    let n = objective.dimension
    try requireArgument(n > 0, "turbo: there is nothing to search in 0 dimensions")
    let first = initial ?? max(2, min(2 * n, 256, budget / 4))
    var best = BestSoFar()
    var region: TrustRegion?
    var regions = 0
    var round = 0
    func evaluated(_ unit: [[Double]]) throws -> [Double] {
      let points = unit.map { $0.map { bound * (2 * $0 - 1) } }
      let values = try evaluate(objective, points)
      best.take(points, values)
      report(best.evaluations, budget, best.value)
      return values
    }
    let reason = try untilStopped {
      if best.evaluations >= budget { return "budget" }
      round += 1
      if let current = region, !current.isExhausted {
        let wanted = min(batch, budget - best.evaluations)
        let points = try current.propose(wanted, key: key.derive(round))
        region?.take(points, try evaluated(points))
      } else {
        regions += 1
        let points = latinHypercube(min(first, budget - best.evaluations), n, key: key.derive("region").derive(regions))
        region = TrustRegion(dimension: n, batch: batch, candidates: candidates)
        region?.begin(points, try evaluated(points))
      }
      return nil
    }
    return try best.result(reason: reason)
  }
}

/// One trust region with everything evaluated in it, in the unit box.
public struct TrustRegion: Sendable {
  public private(set) var points: [[Double]] = []
  public private(set) var values: [Double] = []
  /// Side of the box before its shape.
  public private(set) var length = 0.8
  private let dimension: Int
  private let failureTolerance: Int
  private let candidateCount: Int
  private var successes = 0
  private var failures = 0

  /// - Parameter candidates: as in `TuRBO`.
  public init(dimension: Int, batch: Int, candidates: Int? = nil) {
    self.dimension = dimension
    candidateCount = candidates ?? min(100 * dimension, 5000)
    failureTolerance = Int(max(4 / Double(batch), Double(dimension) / Double(batch)).rounded(.up))
  }

  /// Too small to go on.
  public var isExhausted: Bool { length < 0.0078125 }

  /// The first points.
  public mutating func begin(_ points: [[Double]], _ values: [Double]) {
    self.points += points
    self.values += values
  }

  /// A round's points: three successes in a row double the box, enough failures halve it.
  public mutating func take(_ points: [[Double]], _ values: [Double]) {
    let before = self.values.min() ?? .infinity
    begin(points, values)
    if (values.min() ?? .infinity) < before - 1e-3 * abs(before) {
      (successes, failures) = (successes + 1, 0)
    } else {
      (successes, failures) = (0, failures + 1)
    }
    if successes == 3 {
      (length, successes) = (min(2 * length, 1.6), 0)
    } else if failures >= failureTolerance {
      (length, failures) = (length / 2, 0)
    }
  }

  /// Values around their median, over their standard deviation.
  public var standardised: [Double] {
    // What has no finite value counts as the worst that has.
    let worst = values.filter(\.isFinite).max() ?? 0
    let finite = values.map { $0.isFinite ? $0 : worst }
    let sorted = finite.sorted()
    let half = sorted.count / 2
    let median = sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
    let mean = finite.reduce(0, +) / Double(finite.count)
    let spread = (finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(finite.count)).squareRoot()
    return finite.map { ($0 - median) / (spread < 1e-6 ? 1 : spread) }
  }

  /// The next points: fits the process from scratch, draws candidates in the box, and takes the minimum of each of `count` joint samples.
  public func propose(_ count: Int, key: RandomKey) throws -> [[Double]] {
    let targets = standardised
    let inputs = try Tensor(points.flatMap { $0 }, shape: [points.count, dimension])
    let parameters = try GPFit()(inputs, targets)
    let process = try GaussianProcess(inputs, targets, parameters)
    let candidates = try candidates(parameters.lengthscales, targets, key: key)
    let samples = try process.samples(count, at: candidates, key: key.derive("samples")).floats()
    let m = candidates.shape[0]
    let flat = try candidates.doubles()
    var taken: Set<Int> = []
    return (0..<count).map { row in
      var place = -1
      for j in 0..<m where !taken.contains(j) && (place < 0 || samples[row * m + j] < samples[row * m + place]) {
        place = j
      }
      place = max(place, 0)
      taken.insert(place)
      return Array(flat[place * dimension..<(place + 1) * dimension])
    }
  }

  /// The points to choose from: a Latin hypercube of the box, of which each takes some coordinates (20 of n on average, one at least), and
  /// the others from the best point.
  private func candidates(_ lengthscales: [Double], _ targets: [Double], key: RandomKey) throws -> Tensor {
    let n = dimension
    let centre = points[targets.indices.min { (targets[$0], $0) < (targets[$1], $1) } ?? 0]
    let mean = lengthscales.reduce(0, +) / Double(n)
    var shape = lengthscales.map { $0 / mean }
    let logarithm = shape.reduce(0) { $0 + log($1) } / Double(n)
    shape = shape.map { $0 / exp(logarithm) }
    let low = (0..<n).map { max(0, centre[$0] - length * shape[$0] / 2) }
    let high = (0..<n).map { min(1, centre[$0] + length * shape[$0] / 2) }
    let count = candidateCount
    let spread = latinHypercube(count, n, key: key.derive("candidates"))
    let share = min(1, 20 / Double(n))
    var stream = RandomStream(key.derive("coordinates"))
    var flat = [Double]()
    flat.reserveCapacity(count * n)
    for candidate in spread {
      let start = flat.count
      var moved = 0
      for k in 0..<n {
        let moves = share == 1 || stream.uniform() < share
        moved += moves ? 1 : 0
        flat.append(moves ? low[k] + (high[k] - low[k]) * candidate[k] : centre[k])
      }
      if moved == 0 {
        let k = stream.below(n)
        flat[start + k] = low[k] + (high[k] - low[k]) * candidate[k]
      }
    }
    return try Tensor(flat, shape: [count, n])
  }
}

/// `count` points of the unit box, one in each of `count` cells along every coordinate.
func latinHypercube(_ count: Int, _ dimension: Int, key: RandomKey) -> [[Double]] {
  var points = [[Double]](repeating: [Double](repeating: 0, count: dimension), count: count)
  var stream = RandomStream(key)
  for k in 0..<dimension {
    let order = stream.permutation(count)
    for i in 0..<count { points[i][k] = (Double(order[i]) + stream.uniform()) / Double(count) }
  }
  return points
}
