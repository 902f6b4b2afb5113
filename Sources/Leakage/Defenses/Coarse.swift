// Defenses that send coarser numbers.
import Autodiff
import Ground
import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `sign_only`: the sign of every entry (signSGD, Bernstein et al. 2018); scaled, times the tensor's mean size.
public struct SignOnly: Defense, Equatable {
  public let scaled: Bool

  public init(scaled: Bool = false) { self.scaled = scaled }
  public var written: String { scaled ? "sign_only(scaled: true)" : "sign_only" }
  public var keepsScale: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.map { t in
      let signs = try t.map(.sign)
      return scaled && t.size > 0 ? try Tensor.combine(.mul, signs, t.map(.abs).reduce(.mean).item()) : signs
    }
  }

  /// The candidate's signs; after noise of known σ their mean, erf(g / σ√2). Without it gradient searches get a smooth step,
  /// tanh(10 g / mean|g|), which has a slope.
  public func adapt(_ observed: Observed) throws -> Imitation {
    if observed.knowledge == .none { return .none }
    let noise = observed.earlierNoise
    return Imitation { candidates in
      try candidates.map { g in
        let rows = try g.reshape([g.shape[0], g.size / max(g.shape[0], 1)])
        let sizes = try rows.abs().mean(axes: [1])
        let steps: Variable
        if noise > 0 {
          steps = try (g * (1 / (noise * 2.0.squareRoot()))).erf()
        } else {
          steps = g.isTracked ? try Leakage.scaled(g, by: 10 / (sizes.stopGradient() + 1e-30)).tanh() : try g.sign()
        }
        return scaled ? try Leakage.scaled(steps, by: sizes) : steps
      }
    }
  }
}

/// `quantize(8)`: each tensor rounded at random, without bias, to 2^bits levels between its least and largest entry.
public struct Quantize: Defense, Equatable {
  public let bits: Int

  /// - Throws: `bad-argument` outside of 1…16.
  public init(_ bits: Int) throws {
    try requireArgument((1...16).contains(bits), "quantize: bits must be from 1 to 16, not \(bits)")
    self.bits = bits
  }

  public var written: String { "quantize(\(bits))" }
  public var keepsZeros: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.with(
      tensors: update.tensors.enumerated().map { index, t in
        if t.size == 0 { return t }
        let (low, high) = (try t.reduce(.min).item(), try t.reduce(.max).item())
        guard high > low else { return t }
        let step = (high - low) / Double((1 << bits) - 1)
        let draws = try Tensor.uniform(t.shape, key: key.derive(index), dtype: .float64)
        let places = try Tensor.combine(.div, Tensor.combine(.sub, t.converted(to: .float64), low), step)
        let levels = try Tensor.combine(.add, places, draws).map(.floor)
        return try Tensor.combine(.add, Tensor.combine(.mul, levels, step), low).converted(to: t.dtype)
      })
  }
  // Imitation: none; the rounding is noise without bias.
}

/// `qsgd(4)`: sign, norm and a level of 0…s for each entry (Alistarh et al., "QSGD", NIPS 2017): with l = ⌊s|g|/‖g‖⌋ and
/// p = s|g|/‖g‖ − l it sends ‖g‖ sign(g) (l + Bernoulli(p)) / s. No bias.
public struct QSGD: Defense, Equatable {
  public let levels: Int

  /// - Throws: `bad-argument` below 1.
  public init(_ levels: Int) throws {
    try requireArgument(
      (1...1_000_000).contains(levels), "qsgd: the number of levels is at least 1 and at most 1000000, not \(levels)")
    self.levels = levels
  }

  public var written: String { "qsgd(\(levels))" }
  public var keepsZeros: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try randomLevels(update, key) { try squaredNorm($0).squareRoot() / Double(levels) }
  }
  // Imitation: none, as for `quantize`.
}

/// `terngrad()`: −m, 0 or m with m the tensor's largest size (Wen et al., "TernGrad", NIPS 2017): m sign(g) Bernoulli(|g| / m).
public struct TernGrad: Defense, Equatable {
  public init() {}
  public var written: String { "terngrad" }
  public var keepsZeros: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try randomLevels(update, key) { try $0.size == 0 ? 0 : $0.map(.abs).reduce(.max).item() }
  }
  // Imitation: none, as for `quantize`.
}

/// Sizes rounded at random, without bias, to multiples of `step(tensor)`.
private func randomLevels(_ update: Update, _ key: RandomKey, _ step: (Tensor) throws -> Double) throws -> Update {
  try update.with(
    tensors: update.tensors.enumerated().map { index, t in
      let step = try step(t)
      guard step > 0, step.isFinite else { return t }
      let draws = try Tensor.uniform(t.shape, key: key.derive(index), dtype: .float64)
      let sizes = try Tensor.combine(.div, t.converted(to: .float64).map(.abs), step)
      let levels = try Tensor.combine(.mul, Tensor.combine(.add, sizes, draws).map(.floor), step).converted(to: t.dtype)
      return try Tensor.combine(.mul, levels, t.map(.sign))
    })
}

/// `low_precision("float16")`: numbers as a narrower type holds them.
public struct LowPrecision: Defense, Equatable {
  public enum Form: String, Sendable, CaseIterable {
    case float16, bfloat16
    /// −127…127 times the tensor's largest size / 127.
    case int8
  }
  public let form: Form

  public init(_ form: Form) { self.form = form }
  public var written: String { "low_precision(\"\(form.rawValue)\")" }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.map { t in
      let values = try t.doubles()
      let largest = values.reduce(0) { max($0, abs($1)) }
      let rounded = values.map { x in
        switch form {
        case .float16: max(-65504, min(65504, LowPrecision.rounded(x, digits: 10, least: -14)))
        case .bfloat16: LowPrecision.rounded(x, digits: 7, least: -126)
        case .int8: largest == 0 ? 0 : (x / largest * 127).rounded(.toNearestOrEven) * largest / 127
        }
      }
      return try Tensor(rounded, shape: t.shape).converted(to: t.dtype)
    }
  }

  /// To `digits` binary digits after the first, with exponents from `least`.
  private static func rounded(_ x: Double, digits: Int, least: Int) -> Double {
    guard x != 0, x.isFinite else { return x }
    let unit = scalbn(1.0, max(Int(x.exponent), least) - digits)
    return (x / unit).rounded(.toNearestOrEven) * unit
  }
  // Imitation: none; the rounding is small.
}
