// OUTPOST (Wang et al., "More than enough is too much: adaptive defenses against gradient leakage in production federated learning",
// INFOCOM 2023): noise where parameters vary much and gradients are large.
import Autodiff
import Ground
import Networks
import Tensors

/// `outpost(phi: 0.4, prune: 0.8, noise: 0.8)`. For tensor l with parameters θ: entries below the `prune` quantile of |g| become 0;
/// then N(0, (noise · min(1, Var θ))²) is added where mean over the first axis of g² is among the largest `phi` of all tensors.
public struct Outpost: Defense, Equatable {
  public let phi: Double
  public let rate: Double
  public let base: Double

  /// - Throws: `bad-argument`.
  public init(phi: Double = 0.4, prune rate: Double = 0.8, noise base: Double = 0.8) throws {
    try requireArgument(phi >= 0 && phi <= 1, "outpost: phi is a share of entries, from 0 to 1, not \(phi)")
    try requireArgument(rate >= 0 && rate <= 1, "outpost: prune is a share of entries, from 0 to 1, not \(rate)")
    try requireArgument(base >= 0 && base.isFinite, "outpost: noise must not be negative, and it is \(base)")
    self.phi = phi
    self.rate = rate
    self.base = base
  }

  public var written: String { "outpost(phi: \(code(phi)), prune: \(code(rate)), noise: \(code(base)))" }
  public var keepsZeros: Bool { rate == 0 && base == 0 }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    guard let round else {
      throw Fault(
        "needs-batch", "outpost looks at the model's parameters, so it cannot be applied to an update alone",
        help: "share(model, x, y, defense: \(written))")
    }
    let parameters = try round.model.parameters.tensors
    let pruned = try Prune(rate).update(update, round, key: key).tensors
    // The share of each entry in the Fisher information, as its diagonal is estimated from one gradient.
    let information = try pruned.map { try $0.map(.square).reduce(.mean, axes: [0], keep: true) }
    let all = try information.flatMap { try $0.doubles() }.sorted()
    if all.isEmpty { return update }
    let limit = percentile(sorted: all, 100 * (1 - phi))
    return try update.with(
      tensors: pruned.enumerated().map { l, g in
        guard l < parameters.count, parameters[l].size > 1 else { return g }
        let variance = try parameters[l].converted(to: .float64).doubles()
        let mean = variance.reduce(0, +) / Double(variance.count)
        let spread = variance.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(variance.count - 1)
        let deviation = base * min(1, spread)
        let places = try Tensor.compare(.greaterEqual, information[l], limit).converted(to: g.dtype)
        let noise = try Tensor.normal(g.shape, key: key.derive(l), dtype: g.dtype)
        return try Tensor.combine(.add, g, Tensor.combine(.mul, Tensor.combine(.mul, noise, deviation), places))
      })
  }

  /// Known: candidates are pruned alike. What arrived as 0 says nothing.
  public func adapt(_ observed: Observed) throws -> Imitation {
    if observed.knowledge == .none { return .none }
    let pruned = observed.knowledge == .known ? Prune.pruning(percent: 100 * rate) : .none
    return observed.showsZeros ? pruned.followed(by: try .received(observed.update.tensors)) : pruned
  }
}
