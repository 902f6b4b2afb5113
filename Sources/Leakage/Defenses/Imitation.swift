// How attacks adapt: the transformation T̂ that makes the gradient of a candidate comparable with a defended one
// (Li et al., CVPR 2022, section 3.3). Written in differentiable operations over a batch of candidates.
//
// For `clip(S) >> noise(σ) >> prune(p)` received as y, what is left of a candidate's gradient g is compared entry by entry:
// c·g with c = min(1, S / ‖g‖), where y ≠ 0; where y = 0 the client found |c·g + noise| below its threshold t, so a candidate is
// blamed only for what exceeds it, max(|c·g| − t, 0), and t is known to within a rank: the smallest |y| ≠ 0 of the tensor. With noise σ
// both are, up to constants, the terms of the censored normal log-likelihood of y, so under known σ no weighting of kept
// entries does better; a candidate's own top entries (the published imitation) would compare different entries for each candidate.
import Autodiff
import Ground
import Networks
import Tensors

/// What the attacker knows of the client's defense.
public enum Knowledge: String, Sendable, CaseIterable {
  /// Nothing: candidates are compared as they are.
  case none
  /// The kinds of defense in order; their parameters are estimated from what was received.
  case estimated
  /// The parameters as well: the protocol is public, only its draws are secret.
  case known
  /// As the code published with GGL estimates: bound = norm received, candidate pruned to the overall share of zeros.
  case published
}

/// What an imitation may look at: the update received, what is known, and the defenses applied before and after this one.
public struct Observed: Sendable {
  public var update: Update
  public var knowledge: Knowledge
  public var later: [any Defense] = []
  public var earlier: [any Defense] = []

  public init(_ update: Update, knowing knowledge: Knowledge) {
    self.update = update
    self.knowledge = knowledge
  }

  /// Standard deviation of the noise that came before, where it is known.
  public var earlierNoise: Double {
    knowledge == .known ? earlier.reduce(0) { $0 + $1.noiseVariance(update.examples) }.squareRoot() : 0
  }
  /// Whether zeros received are zeros this defense left.
  public var showsZeros: Bool { later.allSatisfy { $0.keepsZeros } }
  /// Whether values received have the scale this defense left them.
  public var showsScale: Bool { later.allSatisfy { $0.keepsScale } }
}

/// A transformation of candidate gradients: one `[n] + shape` for each tensor of the model, n candidates at once.
public struct Imitation: @unchecked Sendable {  // Seep's evaluation is single threaded
  public typealias Transform = (_ candidates: [Variable]) throws -> [Variable]

  /// What a step does, where the matching of whole populations (MatchingStream.swift) can do it without keeping gradients.
  enum Kind {
    /// Scaled to at most these norms: one of each tensor, or the first for all tensors together.
    case clip(bounds: [Double], perLayer: Bool)
    /// Scaled to fit the entries received, by at most 1.
    case fit(perLayer: Bool)
    /// Entries below this percentile of |g|, tensor by tensor, are 0.
    case percentile(Double)
    /// Where 0 was received only what exceeds the tensor's threshold counts; an infinite threshold hides the entry.
    case censored(thresholds: [Double])
    case other
  }

  private let steps: [(kind: Kind, transform: Transform)]

  public init(_ transform: @escaping Transform) { steps = [(.other, transform)] }
  init(_ kind: Kind, _ transform: @escaping Transform) { steps = [(kind, transform)] }
  private init(steps: [(kind: Kind, transform: Transform)]) { self.steps = steps }

  /// Candidates are compared as they are.
  public static let none = Imitation(steps: [])

  var kinds: [Kind] { steps.map(\.kind) }

  public func followed(by next: Imitation) -> Imitation { Imitation(steps: steps + next.steps) }

  public func callAsFunction(_ candidates: [Variable]) throws -> [Variable] {
    try steps.reduce(candidates) { try $1.transform($0) }
  }
}

/// The imitation an attack uses against an update, from the defense the update names.
func imitation(of update: Update, knowing knowledge: Knowledge) throws -> Imitation {
  guard knowledge != .none, let defense = update.defense else { return .none }
  return try Chain(defense.members).adapt(Observed(update, knowing: knowledge))
}

/// The model with which an attack takes the gradients of candidates for an update: `model`, or what the update's defense made of it.
public func adapted(_ model: Model, to update: Update, knowing knowledge: Knowledge) throws -> Model {
  guard knowledge != .none, let defense = update.defense else { return model }
  return try Chain(defense.members).adapt(model, Observed(update, knowing: knowledge))
}

/// Σ x² of each candidate over everything but the first axis: `[n]`.
func squaresPerCandidate(_ x: Variable) throws -> Variable {
  try x.rowDistances()
}

/// x[i] · factor[i] for each candidate i.
func scaled(_ x: Variable, by factor: Variable) throws -> Variable {
  try x * factor.reshape([x.shape[0]] + [Int](repeating: 1, count: x.rank - 1))
}

/// Σ |x| of each candidate: `[n]`.
func absolutesPerCandidate(_ x: Variable) throws -> Variable {
  try x.reshape([x.shape[0], x.size / max(x.shape[0], 1)]).abs().sum(axes: [1])
}

/// The sum of variables of one shape.
func sumOfAll(_ parts: [Variable]) throws -> Variable {
  guard let first = parts.first else { throw Fault("empty", "the update holds no tensors") }
  return try parts.dropFirst().reduce(first) { try $0 + $1 }
}

extension Imitation {
  /// Candidates times the scale that fits what was received best, over the entries that arrived: α = ⟨g, y⟩ / ‖g‖² where y ≠ 0,
  /// no more than 1 since clipping only shrinks.
  static func fittingScale(to received: [Tensor], perTensor: Bool) -> Imitation {
    Imitation(.fit(perLayer: perTensor)) { candidates in
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
      if perTensor { return try zip(candidates, parts).map { try scaled($0, by: factor($1.inner, $1.squares)) } }
      if candidates.isEmpty { return candidates }
      let shared = try factor(sumOfAll(parts.map(\.inner)), sumOfAll(parts.map(\.squares)))
      return try candidates.map { try scaled($0, by: shared) }
    }
  }

  /// g − (y = 0) · clamp(g, −t, t), with t the smallest |y| ≠ 0 of the tensor (or of all together); without a known scale, zeros
  /// hide g altogether.
  static func censored(_ observed: Observed, together: Bool = false) throws -> Imitation {
    var thresholds = try observed.update.tensors.map { y in
      observed.showsScale ? try y.doubles().lazy.map(abs).filter { $0 > 0 }.min() ?? 0 : .infinity
    }
    if together, let least = thresholds.filter({ $0 > 0 }).min() { thresholds = thresholds.map { _ in least } }
    let hidden = try observed.update.tensors.map {
      Variable(try Tensor.compare(.equal, $0, 0).converted(to: $0.dtype).unsqueeze(axis: 0))
    }
    return Imitation(.censored(thresholds: thresholds)) { [thresholds] candidates in
      try candidates.indices.map { l in
        try candidates[l] - hidden[l] * candidates[l].clamp(-thresholds[l], thresholds[l])
      }
    }
  }

  /// scale · g where y ≠ 0, else 0.
  static func received(_ received: [Tensor], scale: Double = 1) throws -> Imitation {
    let masks = try received.map { y in
      let mask = try Tensor.compare(.notEqual, y, 0).converted(to: y.dtype).unsqueeze(axis: 0)
      return Variable(scale == 1 ? mask : try Tensor.combine(.mul, mask, scale))
    }
    // Hidden altogether, as entries below an infinite threshold are.
    let kind: Kind = scale == 1 ? .censored(thresholds: received.map { _ in .infinity }) : .other
    return Imitation(kind) { try zip($0, masks).map { try $0 * $1 } }
  }
}
