// Defenses that send coarser numbers, or fewer of them.
import Autodiff
import Ground
import Networks
import Tensors

/// `sign_only`: the sign of every entry (signSGD, Bernstein et al. 2018, unscaled).
public struct SignOnly: Defense, Equatable {
  public init() {}
  public var written: String { "sign_only" }
  public var keepsScale: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.map { try $0.map(.sign) }
  }

  /// The candidate's signs; for gradient searches a smooth step instead, tanh(10 g / mean|g|), which has a slope.
  public func adapt(_ observed: Observed) throws -> Imitation {
    if observed.knowledge == .none { return .none }
    return Imitation { candidates in
      try candidates.map { g in
        guard g.isTracked else { return try g.sign() }
        let size = try g.value.map(.abs).reduce(.mean).item()
        return try (g * (10 / max(size, 1e-30))).tanh()
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

/// `dropout_gradient(0.5)`: each entry is left out with this probability.
public struct DropoutGradient: Defense, Equatable {
  public let rate: Double

  /// - Throws: `bad-argument` outside of 0…1.
  public init(_ rate: Double) throws {
    try requireArgument(rate >= 0 && rate <= 1, "dropout_gradient: the rate is a probability, not \(rate)")
    self.rate = rate
  }

  public var written: String { "dropout_gradient(\(code(rate)))" }
  public var privacy: [PrivacyEffect] { [.masks] }
  public var keepsZeros: Bool { rate == 0 }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.with(
      tensors: update.tensors.enumerated().map { index, t in
        let draws = try Tensor.uniform(t.shape, key: key.derive(index), dtype: t.dtype)
        return try Tensor.combine(.mul, t, Tensor.compare(.greaterEqual, draws, rate).converted(to: t.dtype))
      })
  }

  /// Entries that arrived as 0 say nothing.
  public func adapt(_ observed: Observed) throws -> Imitation {
    guard observed.knowledge != .none, observed.showsZeros else { return .none }
    let masks = try observed.update.tensors.map {
      Variable(try Tensor.compare(.notEqual, $0, 0).converted(to: $0.dtype).unsqueeze(axis: 0))
    }
    return Imitation { try zip($0, masks).map { try $0 * $1 } }
  }
}
