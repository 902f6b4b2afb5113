// Clipping by norm: the defense of differentially private training (Abadi et al., CCS 2016), on the whole update, each of its
// tensors, or the gradient of each example before they are averaged.
import Autodiff
import Ground
import Networks
import Tensors

/// `clip(4)`: what is clipped times min(1, bound / (‖·‖ + 1e-6)). (The 1e-6 is PyTorch's and GGL's; it leaves a clipped gradient
/// a little shorter than the bound.)
public struct Clip: Defense, Equatable {
  /// What has its own norm.
  public enum Scope: String, Sendable, CaseIterable {
    /// The update, over all tensors together.
    case global
    /// Each tensor of the update.
    case layer
    /// The gradient of each example, over all tensors together; then they are averaged.
    case example
  }

  public let bound: Double
  public let scope: Scope
  /// Euclidean, or the sum of absolute values, which is what Laplace noise needs.
  public let norm: NormKind
  static let guardTerm = 1e-6

  /// - Throws: `bad-argument` for a bound that is not positive.
  public init(_ bound: Double, per scope: Scope = .global, norm: NormKind = .l2) throws {
    try requireArgument(bound > 0 && bound.isFinite, "clip: the bound must be positive, not \(bound)")
    self.bound = bound
    self.scope = scope
    self.norm = norm
  }

  public var written: String {
    "clip(\(code(bound))\(scope == .global ? "" : ", per: \"\(scope.rawValue)\"")\(norm == .l2 ? "" : ", norm: 1"))"
  }
  public var keepsScale: Bool { false }
  public var privacy: [PrivacyEffect] {
    scope == .example
      ? [.clipsExamples(bound: bound, norm: norm, perTensor: false)]
      : [.clips(bound: bound, norm: norm, perTensor: scope == .layer)]
  }

  // MARK: On the client

  public var needsExamples: Bool { scope == .example }

  public func examples(_ gradients: [Tensor], names: [String], key: RandomKey) throws -> [Tensor] {
    if scope != .example { return gradients }
    return try withoutRecording {
      let clipped = try clipping(gradients.map { Variable($0) }, to: gradients.map { _ in bound }, perTensor: false)
      return clipped.map(\.value)
    }
  }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    // The examples were clipped before they were averaged.
    if scope == .example, round != nil { return update }
    if scope == .example { try update.requireLoneExample(written) }
    if scope == .layer { return try update.map { try clipped($0, norm: length([$0])) } }
    let whole = try length(update.tensors)
    return try update.map { try clipped($0, norm: whole) }
  }

  private func clipped(_ t: Tensor, norm: Double) throws -> Tensor {
    let factor = min(1, bound / (norm + Clip.guardTerm))
    return factor == 1 ? t : try Tensor.combine(.mul, t, factor)
  }

  func length(_ tensors: [Tensor]) throws -> Double {
    switch norm {
    case .l2: try tensors.reduce(0.0) { $0 + (try squaredNorm($1)) }.squareRoot()
    case .l1: try tensors.reduce(0.0) { $0 + (try $1.converted(to: .float64).map(.abs).reduce(.sum).item()) }
    }
  }

  // MARK: In an attack

  /// Known: the same rule on the candidate. Estimated: the bound is the norm received, if nothing changed it afterwards (it is
  /// exact where clipping bit, and harmless where it did not); else the scale in 0…1 that fits what was received best. So too
  /// where the examples of a batch were clipped one by one: their mean does not say by how much.
  public func adapt(_ observed: Observed) throws -> Imitation {
    let received = observed.update.tensors
    if observed.knowledge == .none { return .none }
    if scope == .example, observed.update.examples > 1 { return .fittingScale(to: received, perTensor: false) }
    let perTensor = scope == .layer
    switch observed.knowledge {
    case .none: return .none
    case .known: return imitation(bounds: received.map { _ in bound })
    case .published: return imitation(bounds: try Array(repeating: observed.update.norm, count: received.count))
    case .estimated:
      guard observed.later.isEmpty else { return .fittingScale(to: received, perTensor: perTensor) }
      if perTensor { return imitation(bounds: try received.map { try length([$0]) }) }
      return imitation(bounds: try Array(repeating: length(received), count: received.count))
    }
  }

  private func imitation(bounds: [Double]) -> Imitation {
    let perTensor = scope == .layer
    // Sums of absolute values are not among what populations are matched by (MatchingStream.swift).
    let kind: Imitation.Kind = norm == .l2 ? .clip(bounds: bounds, perLayer: perTensor) : .other
    return Imitation(kind) { try clipping($0, to: bounds, perTensor: perTensor) }
  }

  /// Each candidate, or example, times min(1, bound / (its norm + 1e-6)).
  private func clipping(_ candidates: [Variable], to bounds: [Double], perTensor: Bool) throws -> [Variable] {
    let parts = try candidates.map { try norm == .l2 ? squaresPerCandidate($0) : absolutesPerCandidate($0) }
    func root(_ x: Variable) throws -> Variable { norm == .l2 ? try x.sqrt() : x }
    let norms =
      perTensor ? try parts.map(root) : Array(repeating: try root(sumOfAll(parts)), count: candidates.count)
    return try zip(zip(candidates, norms), bounds).map { pair, bound in
      try scaled(pair.0, by: (bound / (pair.1 + Clip.guardTerm)).clamp(0, 1))
    }
  }
}

/// `clip_value(0.1)`: every entry kept within ± the bound (GGL's "EOT_C").
public struct ClipValue: Defense, Equatable {
  public let bound: Double

  /// - Throws: `bad-argument` for a bound that is not positive.
  public init(_ bound: Double) throws {
    try requireArgument(bound > 0 && bound.isFinite, "clip_value: the bound must be positive, not \(bound)")
    self.bound = bound
  }

  public var written: String { "clip_value(\(code(bound)))" }
  public var keepsScale: Bool { false }
  public var privacy: [PrivacyEffect] { [.clamps(bound)] }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.map { try Tensor.combine(.minimum, Tensor.combine(.maximum, $0, -bound), bound) }
  }

  /// Known: the same rule. Estimated: the bound is the largest entry received, if nothing changed it afterwards.
  public func adapt(_ observed: Observed) throws -> Imitation {
    let limit: Double
    switch observed.knowledge {
    case .none: return .none
    case .known: limit = bound
    case .estimated, .published:
      guard observed.showsScale, observed.showsZeros else { return .none }
      limit = try observed.update.tensors.map { try $0.size == 0 ? 0 : $0.map(.abs).reduce(.max).item() }.max() ?? 0
    }
    return Imitation { try $0.map { try $0.clamp(-limit, limit) } }
  }
}
