// Defenses that send only some entries, chosen by count or by chance; `prune` chooses by percentile.
import Autodiff
import Ground
import Networks
import Tensors

/// `top_k(0.9)`: of the m entries of a tensor, or of all tensors together, the max(1, ⌊m (1 − rate)⌋) largest in size are kept;
/// ties with the last of them are kept as well (the compression of GIAS and GIFD).
public struct TopK: Defense, Equatable {
  public enum Scope: String, Sendable, CaseIterable { case layer, global }

  /// Share to remove, 0…1.
  public let rate: Double
  public let scope: Scope

  /// - Throws: `bad-argument` outside of 0…1.
  public init(_ rate: Double, per scope: Scope = .layer) throws {
    try requireArgument(
      rate >= 0 && rate <= 1, "top_k: the rate is the share of entries to remove, from 0 to 1, not \(rate)")
    self.rate = rate
    self.scope = scope
  }

  public var written: String { "top_k(\(code(rate))\(scope == .layer ? "" : ", per: \"global\""))" }
  public var privacy: [PrivacyEffect] { [.shrinks] }
  public var keepsZeros: Bool { rate == 0 }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.with(tensors: kept(update.tensors))
  }

  private func kept(_ tensors: [Tensor]) throws -> [Tensor] {
    let sizes = try tensors.map { try $0.map(.abs).doubles() }
    let limits: [Double]
    switch scope {
    case .layer: limits = sizes.map(limit)
    case .global: limits = Array(repeating: limit(sizes.flatMap { $0 }), count: tensors.count)
    }
    return try zip(tensors, limits).map { t, limit in
      try Tensor.combine(.mul, t, Tensor.compare(.greaterEqual, t.map(.abs), limit).converted(to: t.dtype))
    }
  }

  /// The k-th largest of some sizes.
  private func limit(_ sizes: [Double]) -> Double {
    if sizes.isEmpty { return 0 }
    // 100 · (1 − 0.9) is a little less than 10.
    let k = max(1, Int(Double(sizes.count) * (1 - rate) + 1e-9 * Double(sizes.count)))
    return sizes.sorted(by: >)[min(k, sizes.count) - 1]
  }

  /// As for `prune`: what was received as 0 lay below the smallest entry received, of its tensor or of all.
  public func adapt(_ observed: Observed) throws -> Imitation {
    switch observed.knowledge {
    case .none: return .none
    case .known where !observed.showsZeros:
      return Imitation { candidates in
        let count = candidates.first?.shape.first ?? 0
        let masks = try (0..<count).map { i in
          try kept(candidates.map { try $0.value.select(axis: 0, index: i) })
            .map { try Tensor.compare(.notEqual, $0, 0).converted(to: $0.dtype) }
        }
        return try candidates.enumerated().map { l, g in
          try g * Variable(Tensor.concat(masks.map { try $0[l].unsqueeze(axis: 0) }, axis: 0))
        }
      }
    case .estimated where !observed.showsZeros, .published where !observed.showsZeros:
      return try Prune.aboveNoise(observed)
    case .known, .estimated, .published: return try .censored(observed, together: scope == .global)
    }
  }
}

/// `random_k(0.1)`: each entry is sent with this probability and then divided by it, so that the mean is right.
public struct RandomK: Defense, Equatable {
  /// Probability of being sent.
  public let share: Double

  /// - Throws: `bad-argument` outside of 0…1, or for 0.
  public init(_ share: Double) throws {
    try requireArgument(
      share > 0 && share <= 1, "random_k: the share of entries to keep is above 0 and at most 1, not \(share)")
    self.share = share
  }

  public var written: String { "random_k(\(code(share)))" }
  public var privacy: [PrivacyEffect] { [.masks, .scales(1 / share)] }
  public var keepsZeros: Bool { share == 1 }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try update.with(
      tensors: update.tensors.enumerated().map { index, t in
        try Tensor.combine(.mul, randomMask(t, dropping: 1 - share, key.derive(index)), Tensor.combine(.div, t, share))
      })
  }

  /// Entries that arrived as 0 say nothing; the others are larger by 1 / share.
  public func adapt(_ observed: Observed) throws -> Imitation {
    guard observed.knowledge != .none else { return .none }
    guard observed.showsZeros else { return .none }
    let share = try observed.knowledge == .known ? self.share : max(1 - observed.update.sparsity, 1e-6)
    return try Imitation.received(observed.update.tensors, scale: 1 / share)
  }
}

/// `dropout_gradient(0.5)`: each entry is left out with this probability.
public struct DropoutGradient: Defense, Equatable {
  public let rate: Double
  /// Entries that stay are divided by 1 − rate.
  public let rescale: Bool
  /// Where given, the same entries are left out every time: weaker, since they hide nothing new.
  public let seed: Int?

  /// - Throws: `bad-argument` outside of 0…1, or for 1 with `rescale`.
  public init(_ rate: Double, rescale: Bool = false, seed: Int? = nil) throws {
    try requireArgument(rate >= 0 && rate <= 1, "dropout_gradient: the rate is a probability, not \(rate)")
    try requireArgument(
      !rescale || rate < 1, "dropout_gradient: nothing is left to rescale where every entry is left out")
    self.rate = rate
    self.rescale = rescale
    self.seed = seed
  }

  public var written: String {
    "dropout_gradient(\(code(rate))\(rescale ? ", rescale: true" : "")\(seed.map { ", seed: \($0)" } ?? ""))"
  }
  public var privacy: [PrivacyEffect] { rescale ? [.masks, .scales(1 / (1 - rate))] : [.masks] }
  public var keepsZeros: Bool { rate == 0 }
  public var keepsScale: Bool { rescale }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    let key = seed.map { RandomKey(seed: $0).derive("dropout_gradient") } ?? key
    return try update.with(
      tensors: update.tensors.enumerated().map { index, t in
        let kept = try Tensor.combine(.mul, t, randomMask(t, dropping: rate, key.derive(index)))
        return rescale ? try Tensor.combine(.div, kept, 1 - rate) : kept
      })
  }

  /// Entries that arrived as 0 say nothing. Where later noise fills them, a candidate's entries count with their mean.
  public func adapt(_ observed: Observed) throws -> Imitation {
    if observed.knowledge == .none { return .none }
    if observed.showsZeros {
      let left = try observed.knowledge == .known ? 1 - rate : 1 - observed.update.sparsity
      return try Imitation.received(observed.update.tensors, scale: rescale && left > 0 ? 1 / left : 1)
    }
    if rescale || observed.knowledge != .known { return .none }
    return Imitation { try $0.map { try $0 * (1 - rate) } }
  }
}

/// `withhold("dense1")`: whole tensors are not sent (they arrive as 0).
public struct Withhold: Defense, Equatable {
  /// A tensor by its name or by the beginning of it up to a dot, or by its place, from the end where it is negative.
  public enum Choice: Sendable, Equatable {
    case name(String)
    case place(Int)
  }
  public let choices: [Choice]

  /// - Throws: `bad-argument` for no choice.
  public init(_ choices: [Choice]) throws {
    try requireArgument(!choices.isEmpty, "withhold: name at least one tensor or layer to withhold")
    self.choices = choices
  }

  public var written: String {
    let items = choices.map { choice in
      switch choice {
      case .name(let name): "\"\(name)\""
      case .place(let place): "\(place)"
      }
    }
    return "withhold(\(items.count == 1 ? items[0] : "[\(items.joined(separator: ", "))]"))"
  }
  public var privacy: [PrivacyEffect] { [.masks] }
  public var keepsZeros: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    let places = try places(update)
    return try update.with(
      tensors: update.tensors.enumerated().map { index, t in
        places.contains(index) ? try Tensor.zeros(t.shape, t.dtype) : t
      })
  }

  private func places(_ update: Update) throws -> Set<Int> {
    var result: Set<Int> = []
    for choice in choices {
      switch choice {
      case .place(let place):
        let at = place < 0 ? place + update.tensors.count : place
        guard update.tensors.indices.contains(at) else {
          throw Fault("index-out-of-range", "withhold: tensor \(place) of an update of \(update.tensors.count)")
        }
        result.insert(at)
      case .name(let name):
        let found = update.names.indices.filter { update.names[$0] == name || update.names[$0].hasPrefix(name + ".") }
        guard !found.isEmpty else {
          throw Fault(
            "unknown-name", "withhold: the update has no tensor or layer \"\(name)\"",
            notes: ["Its tensors are \(update.names.joined(separator: ", "))."],
            help: nearestName(to: name, among: update.names))
        }
        result.formUnion(found)
      }
    }
    return result
  }

  /// The same tensors are 0 in candidates; where the choice is not known, those that arrived without a number.
  public func adapt(_ observed: Observed) throws -> Imitation {
    let hidden: Set<Int>
    switch observed.knowledge {
    case .none: return .none
    case .known: hidden = try places(observed.update)
    case .estimated, .published:
      guard observed.showsZeros else { return .none }
      hidden = try Set(observed.update.tensors.indices.filter { try squaredNorm(observed.update.tensors[$0]) == 0 })
    }
    return Imitation { candidates in
      try candidates.enumerated().map { hidden.contains($0.offset) ? try $0.element * 0 : $0.element }
    }
  }
}

/// 1 with probability 1 − rate, else 0, in the form of `t`.
func randomMask(_ t: Tensor, dropping rate: Double, _ key: RandomKey) throws -> Tensor {
  let draws = try Tensor.uniform(t.shape, key: key, dtype: t.dtype)
  return try Tensor.compare(.greaterEqual, draws, rate).converted(to: t.dtype)
}
