// Additive noise. Without clipping it gives no differential privacy, whatever its size: the gradient is not bounded.
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

/// `noise(0.01)`: independent N(0, σ²) on every entry.
public struct Noise: Defense, Equatable {
  public let sigma: Double

  /// - Throws: `bad-argument` for a negative σ.
  public init(_ sigma: Double) throws {
    try requireArgument(sigma >= 0 && sigma.isFinite, "noise: sigma must not be negative, and it is \(sigma)")
    self.sigma = sigma
  }

  public var written: String { "noise(\(code(sigma)))" }
  public var privacy: [PrivacyEffect] { [.noise(sigma)] }
  public func noiseVariance(_ examples: Int) -> Double { sigma * sigma }
  public var keepsZeros: Bool { sigma == 0 }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    if sigma == 0 { return update }
    return try update.with(
      tensors: update.tensors.enumerated().map { index, t in
        try t.multiplyAdd(sigma, .normal(t.shape, key: key.derive(index), dtype: t.dtype))
      })
  }
  // Imitation: none. Fresh noise on candidates would only blur the comparison, and the squared distance is already the
  // likelihood of white noise.
}

/// `laplace(0.01)`: independent Laplace noise of density exp(−|x|/b) / 2b, whose standard deviation is b√2.
public struct Laplace: Defense, Equatable {
  public let scale: Double

  /// - Throws: `bad-argument` for a negative scale.
  public init(_ scale: Double) throws {
    try requireArgument(scale >= 0 && scale.isFinite, "laplace: the scale must not be negative, and it is \(scale)")
    self.scale = scale
  }

  public var written: String { "laplace(\(code(scale)))" }
  public var privacy: [PrivacyEffect] { [.laplace(scale)] }
  public func noiseVariance(_ examples: Int) -> Double { 2 * scale * scale }
  public var keepsZeros: Bool { scale == 0 }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    if scale == 0 { return update }
    return try update.with(
      tensors: update.tensors.enumerated().map { index, t in
        // Inverse of the distribution function at u in (−½, ½].
        let u = try Tensor.uniform(t.shape, key: key.derive(index), dtype: .float64).doubles().map { 0.5 - $0 }
        let draws = u.map { -($0 < 0 ? -1.0 : 1.0) * scale * log(max(1 - 2 * abs($0), 0x1p-60)) }
        return try Tensor.combine(.add, t, Tensor(draws, shape: t.shape).converted(to: t.dtype))
      })
  }
}
