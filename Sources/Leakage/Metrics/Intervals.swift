// How sure a mean over images is: Student's t and the bootstrap.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A mean with a confidence interval.
public struct Interval: Sendable, Equatable {
  public let mean: Double
  public let low: Double
  public let high: Double
  /// Values it rests on.
  public let count: Int

  /// Student's interval: mean ± t · s/√n with n − 1 degrees of freedom.
  /// - Parameter level: share of such intervals that hold the true mean, such as 0.95.
  /// - Throws: `too-few` for fewer than two values, `bad-argument` for a level outside of 0…1.
  public init(of values: [Double], level: Double = 0.95) throws {
    try Interval.check(values, level)
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let reach = studentQuantile(0.5 + level / 2, freedom: n - 1) * (variance / n).squareRoot()
    self.init(mean: mean, low: mean - reach, high: mean + reach, count: values.count)
  }

  /// Student's interval of the differences `a[i] − b[i]`: two measurements of the same images.
  /// - Throws: `shape-mismatch` where the counts differ, and as above.
  public init(paired a: [Double], _ b: [Double], level: Double = 0.95) throws {
    try self.init(of: Interval.differences(a, b), level: level)
  }

  /// Student's interval of paired differences that come in groups, such as photographs of the same people: the differences are averaged
  /// within each group, and the interval is over the groups, which alone are independent. `count` is the number of groups.
  /// - Throws: `shape-mismatch` where the counts differ, and as above.
  public init(paired a: [Double], _ b: [Double], groups: [Int], level: Double = 0.95) throws {
    let differences = try Interval.differences(a, b)
    guard groups.count == differences.count else {
      throw Fault("shape-mismatch", "\(groups.count) groups were given for \(differences.count) pairs")
    }
    let members = Dictionary(grouping: differences.indices) { groups[$0] }.sorted { $0.key < $1.key }
    try self.init(
      of: members.map { group in group.value.reduce(0) { $0 + differences[$1] } / Double(group.value.count) },
      level: level)
  }

  /// The percentile bootstrap (Efron 1979): quantiles of the means of `draws` resamples.
  public init(bootstrap values: [Double], level: Double = 0.95, draws: Int = 10_000, key: RandomKey) throws {
    try Interval.check(values, level)
    guard draws >= 100 else { throw Fault("bad-argument", "a bootstrap needs at least 100 draws, not \(draws)") }
    var stream = RandomStream(key)
    let n = values.count
    var means: [Double] = []
    means.reserveCapacity(draws)
    for draw in 0..<draws {
      if draw % 256 == 0 { try Interrupt.check() }
      means.append((0..<n).reduce(0.0) { sum, _ in sum + values[stream.below(n)] } / Double(n))
    }
    means.sort()
    self.init(
      mean: values.reduce(0, +) / Double(n), low: percentile(sorted: means, 50 - 50 * level),
      high: percentile(sorted: means, 50 + 50 * level), count: n)
  }

  /// Bootstrap of paired differences.
  public init(bootstrapPaired a: [Double], _ b: [Double], level: Double = 0.95, draws: Int = 10_000, key: RandomKey)
    throws
  {
    try self.init(bootstrap: Interval.differences(a, b), level: level, draws: draws, key: key)
  }

  public init(mean: Double, low: Double, high: Double, count: Int) {
    self.mean = mean
    self.low = low
    self.high = high
    self.count = count
  }

  private static func differences(_ a: [Double], _ b: [Double]) throws -> [Double] {
    guard a.count == b.count else {
      throw Fault("shape-mismatch", "\(a.count) and \(b.count) values do not make pairs")
    }
    return zip(a, b).map { $0 - $1 }
  }

  private static func check(_ values: [Double], _ level: Double) throws {
    guard values.count >= 2 else {
      throw Fault("too-few", "an interval needs at least two values, not \(values.count)")
    }
    guard level > 0, level < 1 else {
      throw Fault("bad-argument", "a confidence level lies between 0 and 1, not \(level)")
    }
  }
}

/// Linear interpolation between order statistics (NumPy's default): rank h = (m − 1) p / 100 of m ascending values.
func percentile(sorted values: [Double], _ p: Double) -> Double {
  let (low, part) = rank(of: p, among: values.count)
  let high = min(low + 1, values.count - 1)
  // Of infinities, such as the PSNR of an exact image, there is no difference.
  if part == 0 || values[low] == values[high] { return values[low] }
  return values[low] + part * (values[high] - values[low])
}

/// Where the percentile lies among `count` > 0 ascending values: behind this one, by this part of the way to the next.
func rank(of p: Double, among count: Int) -> (low: Int, part: Double) {
  let h = Double(count - 1) * p / 100
  let low = max(0, min(count - 1, Int(h)))
  return (low, h - Double(low))
}

/// The point below which Student's t with `freedom` degrees of freedom lies with probability `p` > 1/2: bisection on the
/// distribution function.
func studentQuantile(_ p: Double, freedom: Double) -> Double {
  var (low, high) = (0.0, 1.0)
  while studentDistribution(high, freedom) < p, high < 1e12 { high *= 2 }
  for _ in 0..<200 {
    let middle = (low + high) / 2
    if studentDistribution(middle, freedom) < p { low = middle } else { high = middle }
  }
  return (low + high) / 2
}

/// P(T ≤ t) for t ≥ 0 = 1 − I_x(ν/2, 1/2) / 2 with x = ν / (ν + t²).
private func studentDistribution(_ t: Double, _ freedom: Double) -> Double {
  1 - incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
}

/// Regularised incomplete beta function by its continued fraction (modified Lentz; NIST DLMF 8.17.22).
private func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  if x <= 0 { return 0 }
  if x >= 1 { return 1 }
  if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
  let logarithm: Double = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)
  let front = exp(logarithm) / a
  var (f, c, d) = (1.0, 1.0, 0.0)
  for i in 0..<500 {
    let m = Double(i / 2)
    let even = a + 2 * m
    var numerator = 1.0
    if i % 2 == 1 {
      numerator = -(a + m) * (a + b + m) * x / (even * (even + 1))
    } else if i > 0 {
      numerator = m * (b - m) * x / ((even - 1) * even)
    }
    d = 1 / nonZero(1 + numerator * d)
    c = nonZero(1 + numerator / c)
    f *= c * d
    if abs(1 - c * d) < 1e-15 { break }
  }
  return front * (f - 1)
}

private func nonZero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
