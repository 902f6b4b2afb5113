// Clipping by norm: the defense of differentially private training (Abadi et al., CCS 2016), here on the whole update.
import Autodiff
import Ground
import Networks
import Tensors

/// `clip(4)`: the update times min(1, bound / (‖update‖ + 1e-6)), with the norm over all tensors together; `per_layer: true`
/// clips each tensor by itself. (The 1e-6 is PyTorch's and GGL's; it leaves a clipped update a little shorter than the bound.)
public struct Clip: Defense, Equatable {
  public let bound: Double
  public let perLayer: Bool
  static let guardTerm = 1e-6

  /// - Throws: `bad-argument` for a bound that is not positive.
  public init(_ bound: Double, perLayer: Bool = false) throws {
    try requireArgument(bound > 0 && bound.isFinite, "clip: the bound must be positive, not \(bound)")
    self.bound = bound
    self.perLayer = perLayer
  }

  public var written: String { "clip(\(code(bound))\(perLayer ? ", per_layer: true" : ""))" }
  public var keepsScale: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    if perLayer { return try update.map { try clipped($0, norm: squaredNorm($0).squareRoot()) } }
    let norm = try update.norm
    return try update.map { try clipped($0, norm: norm) }
  }

  private func clipped(_ t: Tensor, norm: Double) throws -> Tensor {
    let factor = min(1, bound / (norm + Clip.guardTerm))
    return factor == 1 ? t : try Tensor.combine(.mul, t, factor)
  }

  /// Known: the same rule on the candidate. Estimated: the bound is the norm received, if nothing changed it afterwards (it is
  /// exact where clipping bit, and harmless where it did not); else the scale in 0…1 that fits what was received best.
  public func adapt(_ observed: Observed) throws -> Imitation {
    let received = observed.update.tensors
    switch observed.knowledge {
    case .none: return .none
    case .known: return imitation(bounds: received.map { _ in bound })
    case .published: return imitation(bounds: try Array(repeating: observed.update.norm, count: received.count))
    case .estimated:
      guard observed.later.isEmpty else { return fittingScale(to: received) }
      if perLayer { return imitation(bounds: try received.map { try squaredNorm($0).squareRoot() }) }
      return imitation(bounds: try Array(repeating: observed.update.norm, count: received.count))
    }
  }

  private func imitation(bounds: [Double]) -> Imitation {
    Imitation(.clip(bounds: bounds, perLayer: perLayer)) { candidates in
      let squares = try candidates.map(squaresPerCandidate)
      let norms = perLayer ? try squares.map { try $0.sqrt() } : try sharedNorm(squares)
      return try zip(zip(candidates, norms), bounds).map { pair, bound in
        try scaled(pair.0, by: (bound / (pair.1 + Clip.guardTerm)).clamp(0, 1))
      }
    }
  }

  private func sharedNorm(_ squares: [Variable]) throws -> [Variable] {
    guard let first = squares.first else { return [] }
    let norm = try squares.dropFirst().reduce(first) { try $0 + $1 }.sqrt()
    return squares.map { _ in norm }
  }

  /// Least squares over the entries that arrived: α = ⟨g, y⟩ / ‖g‖² where y ≠ 0, no more than 1 since clipping only shrinks.
  private func fittingScale(to received: [Tensor]) -> Imitation {
    Imitation(.fit(perLayer: perLayer)) { candidates in
      let parts = try zip(candidates, received).map { g, y in
        let kept = try g * Variable(Tensor.compare(.notEqual, y, 0).converted(to: y.dtype))
        let count = kept.shape[0]
        let flat = try kept.reshape([count, kept.size / max(count, 1)])
        let inner = try (flat * Variable(y.reshape([1, y.size]))).sum(axes: [1])
        return (inner: inner, squares: try flat.square().sum(axes: [1]))
      }
      func factor(_ inner: Variable, _ squares: Variable) throws -> Variable {
        try (inner / (squares + 1e-20)).clamp(0, 1)
      }
      if perLayer { return try zip(candidates, parts).map { try scaled($0, by: factor($1.inner, $1.squares)) } }
      guard let first = parts.first else { return candidates }
      let all = try parts.dropFirst().reduce(first) {
        (inner: try $0.inner + $1.inner, squares: try $0.squares + $1.squares)
      }
      let shared = try factor(all.inner, all.squares)
      return try candidates.map { try scaled($0, by: shared) }
    }
  }
}
