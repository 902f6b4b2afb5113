// Secure aggregation (Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning", CCS 2017), simulated
// exactly: the server gets masked integers, and only their sum means something.
import Ground
import Networks
import Tensors

/// `secure_aggregate()`: the mean of several clients' updates, weighted by their examples, and nothing else. Each client encodes
/// examples · update in fixed point, round(x · 2^fraction) mod 2^bits, and adds a mask for every other client, which that one
/// subtracts.
public struct SecureAggregation: Defense, Equatable {
  public let bits: Int
  public let fraction: Int

  /// - Throws: `bad-argument`.
  public init(bits: Int = 32, fraction: Int = 20) throws {
    try requireArgument((8...62).contains(bits), "secure_aggregate: bits must be from 8 to 62, not \(bits)")
    try requireArgument(
      fraction >= 0 && fraction < bits, "secure_aggregate: fraction must be from 0 to below bits, not \(fraction)")
    self.bits = bits
    self.fraction = fraction
  }

  public var written: String {
    let options = (bits == 32 ? [] : ["bits: \(bits)"]) + (fraction == 20 ? [] : ["fraction: \(fraction)"])
    return options.isEmpty ? "secure_aggregate" : "secure_aggregate(\(options.joined(separator: ", ")))"
  }
  /// Others' updates are not counted on: they may be the attacker's.
  public var privacy: [PrivacyEffect] { [.arbitrary] }
  public var keepsZeros: Bool { false }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    throw Fault(
      "needs-clients", "\(written) sends the sum of several clients' updates, and there is one",
      help: "[update_a, update_b] |> secure_aggregate()")
  }

  /// What one client sends: uniform numbers to everyone who does not know the other masks. Values `[0, 2^bits)`.
  public func masked(_ update: Update, client: Int, of clients: Int, key: RandomKey) throws -> [[UInt64]] {
    let modulus = UInt64(1) << UInt64(bits)
    let scale = Double(UInt64(1) << UInt64(fraction)) * Double(update.examples)
    // The sum of all clients must fit, so that the encoding of one may use its share.
    let limit = Double(modulus / 2) / Double(clients) - 1
    return try update.tensors.enumerated().map { index, t in
      try Interrupt.check()
      var encoded = try t.doubles().map { x -> UInt64 in
        let scaled = (x * scale).rounded()
        guard abs(scaled) <= limit else {
          throw Fault(
            "out-of-range",
            "\(update.names[index]) holds \(x), and \(written) of \(clients) clients encodes sizes up to \(limit / scale)",
            help: "clip(1) >> \(written), or secure_aggregate(bits: 48)")
        }
        return UInt64(bitPattern: Int64(scaled)) & (modulus - 1)
      }
      for other in 0..<clients where other != client {
        // The pair's common secret; the lower one adds, the higher one subtracts.
        let (low, high) = (min(client, other), max(client, other))
        var stream = RandomStream(key.derive("pair").derive(low).derive(high).derive(index))
        for i in encoded.indices {
          let mask = stream.next() & (modulus - 1)
          encoded[i] = (client == low ? encoded[i] &+ mask : encoded[i] &- mask) & (modulus - 1)
        }
      }
      return encoded
    }
  }

  /// What the server makes of all that was sent.
  /// - Throws: `needs-clients` for fewer than two, `shape-mismatch`, `out-of-range`.
  public func aggregate(_ updates: [Update], key: RandomKey) throws -> Update {
    guard updates.count >= 2, let first = updates.first else {
      throw Fault("needs-clients", "\(written) needs at least 2 clients' updates, and there are \(updates.count)")
    }
    try requireAlike(updates)
    let modulus = UInt64(1) << UInt64(bits)
    var sums = first.tensors.map { [UInt64](repeating: 0, count: $0.size) }
    for (client, update) in updates.enumerated() {
      for (l, values) in try masked(update, client: client, of: updates.count, key: key).enumerated() {
        for i in values.indices { sums[l][i] = (sums[l][i] &+ values[i]) & (modulus - 1) }
      }
    }
    let examples = updates.reduce(0) { $0 + $1.examples }
    let unit = Double(UInt64(1) << UInt64(fraction)) * Double(max(examples, 1))
    var result = try first.with(
      tensors: zip(first.tensors, sums).map { t, sum in
        let values = sum.map { Double($0 >= modulus / 2 ? Int64($0) - Int64(modulus) : Int64($0)) / unit }
        return try Tensor(values, shape: t.shape).converted(to: t.dtype)
      })
    result.examples = examples
    result.kind = meanKind(updates)
    return result
  }
}

/// The mean of updates, weighted by their examples: what a server makes of them that sees them all.
/// - Throws: `empty`, `shape-mismatch`, `other-kind`.
public func aggregate(_ updates: [Update]) throws -> Update {
  guard let first = updates.first else { throw Fault("empty", "there are no updates to aggregate") }
  try requireAlike(updates)
  let examples = updates.reduce(0) { $0 + $1.examples }
  var result = try updates.dropFirst().reduce(Double(first.examples) * first) { try $0 + Double($1.examples) * $1 }
  result = try (1 / Double(max(examples, 1))) * result
  result.examples = examples
  result.kind = meanKind(updates)
  return result
}

/// The kind of a weighted mean: of differences that took unequal numbers of steps, their mean number.
private func meanKind(_ updates: [Update]) -> Update.Kind {
  guard case .difference(_, let rate)? = updates.first?.kind else { return .gradient }
  var (steps, examples) = (0, 0)
  for update in updates {
    if case .difference(let own, _) = update.kind {
      steps += own * update.examples
      examples += update.examples
    }
  }
  return .difference(steps: max(1, Int((Double(steps) / Double(max(examples, 1))).rounded())), rate: rate)
}

private func requireAlike(_ updates: [Update]) throws {
  guard let first = updates.first else { return }
  for update in updates.dropFirst() {
    _ = try first.with(tensors: update.tensors)
    guard update.names == first.names else {
      throw Fault("shape-mismatch", "updates of different models do not aggregate")
    }
    switch (update.kind, first.kind) {
    case (.gradient, .gradient): break
    case (.difference(_, let a), .difference(_, let b)) where a == b: break
    default:
      throw Fault(
        "other-kind", "gradients and parameter differences do not aggregate, nor do differences of unequal rates")
    }
  }
}

extension Defense {
  /// Runs a composition on several clients' updates: what comes before `secure_aggregate` on each of them, what comes after it on
  /// their mean. Without it, each update is defended by itself.
  public func defend(all updates: [Update], rounds: [ClientRound]? = nil, key: RandomKey) throws -> [Update] {
    func round(_ client: Int) -> ClientRound? { rounds.map { $0[client] } }
    guard let place = members.firstIndex(where: { $0 is SecureAggregation }),
      let aggregation = members[place] as? SecureAggregation
    else {
      return try updates.enumerated().map { try defend($1, round: round($0), key: key.derive($0)) }
    }
    let before = Chain(Array(members[..<place]))
    let sent = try updates.enumerated().map { try before.defend($1, round: round($0), key: key.derive($0)) }
    let sum = try aggregation.aggregate(sent, key: key.derive("masks"))
    let after = Chain(Array(members[(place + 1)...]))
    var result = try after.defend(sum, key: key.derive("server"))
    result.defense = compose(updates.first?.defense, self)
    return [result]
  }
}
