// The constants of CMA-ES: Hansen, "The CMA evolution strategy: a tutorial" (arXiv 1604.00772), with the values of pycma 4
// where the two differ (c_s, c_mu, the exact expectation of ‖N(0, I)‖).
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Learning rates and recombination weights for a dimension and a population size.
public struct CMAConstants: Sendable {
  public let dimension: Int
  public let population: Int
  /// Parents: the better half.
  public let parents: Int
  /// Weight of each rank, best first; those after `parents` are ≤ 0, and 0 unless `active`.
  public let weights: [Double]
  /// Variance-effective number of parents, (Σw)²/Σw² over the positive weights.
  public let effective: Double
  /// Rates of the evolution paths of C and of σ, and the damping of σ.
  public let pathRate: Double
  public let stepRate: Double
  public let damping: Double
  /// Rates of the rank-one and the rank-μ update.
  public let rankOne: Double
  public let rankMu: Double
  /// E‖N(0, I)‖ = √2 Γ((n+1)/2) / Γ(n/2).
  public let expectedLength: Double
  /// Generations between eigendecompositions, 1 / (2 n (c₁ + c_μ)) as in Hansen's purecma: C changes little in between, and the O(n³) of
  /// the decomposition is shared.
  public let lazyGap: Double

  /// λ = 4 + ⌊3 ln n⌋.
  public static func defaultPopulation(_ dimension: Int) -> Int { 4 + Int(3 * log(Double(dimension))) }

  public init(dimension: Int, population: Int, active: Bool, diagonal: Bool = false) {
    let n = Double(dimension)
    let half = population / 2
    let raw = (1...population).map { log(Double(population + 1) / 2) - log(Double($0)) }
    let positive = raw[..<half].reduce(0, +)
    let effective = positive * positive / raw[..<half].reduce(0) { $0 + $1 * $1 }

    let pathRate = (4 + effective / n) / (n + 4 + 2 * effective / n)
    let stepRate = (effective + 2) / (n + effective + 3)
    // A diagonal matrix has n instead of n² / 2 entries to learn, so it may learn faster (Ros, Hansen, PPSN 2008).
    let speed = diagonal ? (n + 2) / 3 : 1
    let rankOne = min(1, speed * 2 / ((n + 1.3) * (n + 1.3) + effective))
    let rankMu = min(
      1 - rankOne, speed * 2 * (0.25 + effective + 1 / effective - 2) / ((n + 2) * (n + 2) + effective))

    var weights = raw[..<half].map { $0 / positive }
    let tail = raw[half...].map { min($0, 0) }
    let negative = -tail.reduce(0, +)
    if active, negative > 0, rankMu > 0 {
      let negativeEffective = negative * negative / tail.reduce(0) { $0 + $1 * $1 }
      let total = min(
        1 + rankOne / rankMu, 1 + 2 * negativeEffective / (effective + 2), (1 - rankOne - rankMu) / (n * rankMu))
      weights += tail.map { $0 / negative * total }
    } else {
      weights += tail.map { _ in 0 }
    }

    self.dimension = dimension
    self.population = population
    parents = half
    self.weights = weights
    self.effective = effective
    self.pathRate = pathRate
    self.stepRate = stepRate
    damping = 1 + 2 * max(0, ((effective - 1) / (n + 1)).squareRoot() - 1) + stepRate
    self.rankOne = rankOne
    self.rankMu = rankMu
    expectedLength = 2.0.squareRoot() * exp(lgamma((n + 1) / 2) - lgamma(n / 2))
    lazyGap = 1 / (2 * n * (rankOne + rankMu))
  }
}
