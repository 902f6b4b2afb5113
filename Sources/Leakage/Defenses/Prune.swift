// Gradient compression (Lin et al., "Deep gradient compression", ICLR 2018) as GGL applies it.
import Autodiff
import Ground
import Networks
import Tensors

/// `prune(0.9)`: in each tensor, entries with |g| below the 90th percentile of |g| become 0; ties with it are kept.
public struct Prune: Defense, Equatable {
  /// Share to remove, 0…1.
  public let rate: Double

  /// - Throws: `bad-argument` outside of 0…1.
  public init(_ rate: Double) throws {
    try requireArgument(
      rate >= 0 && rate <= 1, "prune: the rate is the share of entries to remove, from 0 to 1, not \(rate)")
    self.rate = rate
  }

  public var written: String { "prune(\(code(rate)))" }
  public var privacy: [PrivacyEffect] { [.shrinks] }
  public var keepsZeros: Bool { rate == 0 }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.map { t in
      let kept = try Prune.kept(t.reshape([1, t.size]), percent: rate * 100).reshape(t.shape)
      return try Tensor.combine(.mul, t, kept)
    }
  }

  /// 1 where |g| is at least the percentile of its row, else 0; `rows` is `[n, m]`.
  static func kept(_ rows: Tensor, percent: Double) throws -> Tensor {
    let (count, width) = (rows.shape[0], rows.shape[1])
    if width == 0 || count == 0 { return rows }
    let sizes = try rows.map(.abs)
    let sorted = try sizes.sort(axis: 1).values
    let (low, part) = rank(of: percent, among: width)
    let ends = try sorted.slice(axis: 1, from: low, to: min(low + 2, width)).contiguous().doubles()
    let found = ends.count / count
    let thresholds = (0..<count).map { row in
      let (first, second) = (ends[row * found], ends[row * found + found - 1])
      return first + part * (second - first)
    }
    // Compared in the dtype of the gradient, in which the threshold is rounded too.
    let limits = try Tensor(thresholds, shape: [count, 1]).converted(to: rows.dtype)
    return try Tensor.compare(.greaterEqual, sizes, limits).converted(to: rows.dtype)
  }

  /// Where zeros arrived as they were made: entries received as 0 blame a candidate only for what it has above the
  /// threshold (see Imitation.swift). Else the candidate is pruned by its own percentile.
  public func adapt(_ observed: Observed) throws -> Imitation {
    switch observed.knowledge {
    case .none: return .none
    case .published: return Prune.pruning(percent: try 100 * observed.update.sparsity)
    case .known where !observed.showsZeros: return Prune.pruning(percent: rate * 100)
    case .estimated where !observed.showsZeros: return try Prune.aboveNoise(observed)
    case .known, .estimated: return try .censored(observed)
    }
  }

  /// Where noise filled the zeros: what is not above 3 σ̂ was most likely removed, and says nothing about candidates.
  static func aboveNoise(_ observed: Observed) throws -> Imitation {
    guard observed.later.contains(where: { $0.noiseVariance(observed.update.examples) > 0 }) else { return .none }
    let limit = 3 * (try Estimates(observed.update).sigma)
    let masks = try observed.update.tensors.map {
      Variable(try Tensor.compare(.greater, $0.map(.abs), limit).converted(to: $0.dtype).unsqueeze(axis: 0))
    }
    return Imitation { try zip($0, masks).map { try $0 * $1 } }
  }

  /// Each candidate pruned by its own percentile.
  static func pruning(percent: Double) -> Imitation {
    Imitation(.percentile(percent)) { candidates in
      try candidates.map { g in
        let rows = try g.value.reshape([g.shape[0], g.size / max(g.shape[0], 1)])
        return try g * Variable(Prune.kept(rows, percent: percent).reshape(g.shape))
      }
    }
  }
}
