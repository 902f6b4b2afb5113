// Rényi differential privacy of the Gaussian mechanism on a Poisson sample (Mironov, Talwar, Zhang, arXiv:1908.10530), and its
// conversion to (ε, δ) (Balle et al., AISTATS 2020, theorem 21; Canonne, Kamath, Steinke, NeurIPS 2020).
//
// Neighbours differ by one unit that is there or not. With u = (2x − 1) / (2z²) and L(x) = ln(1 − q + q eᵘ),
//
//     (α − 1) R(α) = ln A(α),   A(α) = E exp(α L(x)),  x ~ N(0, z²).
//
// Integer orders have a closed form. For the others A − 1 is an integral of exp(αL) − 1 − α(eˡ − 1) ≥ 0 (the last term has mean 0): a
// convex remainder without cancellation, analytic, so that equal steps converge exponentially. Everything is kept as logarithms.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum Renyi {
  /// The orders that are tried: those of Opacus and dp-accounting, 1.1 … 10.9, 11 … 64, 128, 256, 512, 1024, and some near 1 for
  /// very little noise.
  public static let orders: [Double] =
    [1.01, 1.02, 1.05, 1.07, 1.12, 1.15] + (11..<110).map { Double($0) / 10 } + (11...64).map(Double.init) + [
      128, 256, 512, 1024,
    ]

  /// R(α) of one step.
  ///
  /// - Parameters:
  ///   - z: noise multiplier: standard deviation of the noise over the sensitivity; 0 gives ∞.
  ///   - q: the probability with which a unit takes part, 0…1.
  ///   - order: α > 1.
  public static func ofSampledGaussian(multiplier z: Double, sampleRate q: Double, order: Double) -> Double {
    if q <= 0 { return 0 }
    if z <= 0 { return .infinity }
    if q >= 1 { return order / (2 * z * z) }
    if order == order.rounded() { return logMoment(Int(order), z, q) / (order - 1) }
    if z < 0.05 {
      // The integral would need very small steps. ln A is convex in α and 0 at 1, so the chord lies above it: a valid bound.
      let low = order.rounded(.down)
      let below = low <= 1 ? 0 : logMoment(Int(low), z, q)
      return (below + (order - low) * (logMoment(Int(low) + 1, z, q) - below)) / (order - 1)
    }
    return logMomentByQuadrature(order, z, q) / (order - 1)
  }

  /// The least ε over the orders at which `curve` (R(α) of all steps together) is known, with its order.
  ///
  /// ε = R(α) + ln((α − 1) / α) − (ln δ + ln α) / (α − 1), not below 0.
  public static func epsilon(_ curve: [(order: Double, value: Double)], delta: Double) -> (
    epsilon: Double, order: Double
  ) {
    var best = (epsilon: Double.infinity, order: Double.nan)
    for (order, value) in curve where order > 1 {
      let epsilon = value + log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
      if epsilon < best.epsilon || best.order.isNaN { best = (epsilon, order) }
    }
    return (max(0, best.epsilon), best.order)
  }

  // MARK: Closed form for integer orders

  /// ln A(a) = ln Σ_k C(a, k) (1 − q)^(a−k) q^k exp((k² − k) / 2z²), by ln(1 + Σ … expm1(…)), which is exact where A is near 1.
  private static func logMoment(_ a: Int, _ z: Double, _ q: Double) -> Double {
    var sum = LogSum()
    var binomial = 0.0  // ln C(a, k)
    for k in 0...a {
      if k > 0 { binomial += log(Double(a - k + 1) / Double(k)) }
      if k < 2 { continue }
      let exponent = Double(k) * Double(k - 1) / (2 * z * z)
      let grown = exponent < 30 ? log(expm1(exponent)) : exponent + log1p(-exp(-exponent))
      sum.add(binomial + Double(k) * log(q) + Double(a - k) * log1p(-q) + grown)
    }
    return sum.logOfOnePlus
  }

  // MARK: Quadrature for fractional orders

  private static func logMomentByQuadrature(_ a: Double, _ z: Double, _ q: Double) -> Double {
    // The integrand is N(0, z²) bent by a function of x / z²; four steps for the narrower of both leave no error that doubles see.
    let step = min(z, z * z) / 4
    var sum = LogSum()
    var x = -16 * z
    let end = max(a, 2) + 16 * z
    while x < end {
      let term = logRemainder(a, u: (2 * x - 1) / (2 * z * z), q)
      sum.add(term - x * x / (2 * z * z))
      x += step
    }
    sum.logarithm += log(step) - log(z) - 0.5 * log(2 * Double.pi)
    return sum.logOfOnePlus
  }

  /// ln(exp(aL) − 1 − a(eˡ − 1)).
  private static func logRemainder(_ a: Double, u: Double, _ q: Double) -> Double {
    let far = u > 600
    let s = far ? Double.infinity : q * expm1(u)
    if abs(s) * a < 1e-3 {
      // a(a−1)/2 · s² · (1 + (a−2)/3 s + (a−2)(a−3)/12 s² + …)
      let series = (a - 2) / 3 * s * (1 + (a - 3) / 4 * s)
      return log(a * (a - 1) / 2) + 2 * log(abs(s)) + log1p(series)
    }
    let l = far ? u + log(q) : log1p(s)
    if a * l < 30 { return log(expm1(a * l) - a * s) }
    return a * l + log1p(-((1 - a) * exp(-a * l) + a * exp((1 - a) * l)))
  }

  /// ln Σ exp(terms), term by term.
  private struct LogSum {
    var logarithm = -Double.infinity

    mutating func add(_ term: Double) {
      if term == -.infinity || term.isNaN { return }
      let (high, low) = (max(logarithm, term), min(logarithm, term))
      logarithm = high + log1p(exp(low - high))
    }

    /// ln(1 + Σ).
    var logOfOnePlus: Double { logarithm > 30 ? logarithm + exp(-logarithm) : log1p(exp(logarithm)) }
  }
}

/// The Gaussian mechanism without sampling has an exact answer (Balle, Wang, ICML 2018, theorem 8):
/// δ(ε) = Φ(1/2z − εz) − e^ε Φ(−1/2z − εz).
public enum ExactGaussian {
  /// The least ε ≥ 0 for which one release with multiplier `z` is (ε, δ)-private; T releases count as one with z/√T.
  public static func epsilon(multiplier z: Double, delta: Double) -> Double {
    if z <= 0 { return .infinity }
    if excess(0, z) <= delta { return 0 }
    var (low, high) = (0.0, 1.0)
    while excess(high, z) > delta { (low, high) = (high, 2 * high) }
    for _ in 0..<200 where high - low > 1e-13 * high {
      let middle = (low + high) / 2
      if excess(middle, z) > delta { low = middle } else { high = middle }
    }
    return high
  }

  /// δ(ε).
  public static func excess(_ epsilon: Double, _ z: Double) -> Double {
    exp(logPhi(1 / (2 * z) - epsilon * z)) - exp(epsilon + logPhi(-1 / (2 * z) - epsilon * z))
  }

  /// ln Φ(t), also far in the lower tail.
  private static func logPhi(_ t: Double) -> Double {
    if t > -30 { return log(erfc(-t / 2.0.squareRoot()) / 2) }
    let r = 1 / (t * t)
    return -t * t / 2 - log(-t * (2 * Double.pi).squareRoot()) + log1p(-r * (1 - 3 * r * (1 - 5 * r)))
  }
}
