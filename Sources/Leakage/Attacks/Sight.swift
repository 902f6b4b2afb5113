// What an update shows to an attack written in Seep.
import Ground

/// What a person's own attack may see of an update besides its tensors. It goes wherever the update goes.
public struct Sight: Sendable {
  public var knows: [ThreatModel.Fact]
  /// Labels the attacker was told.
  public var labels: [Int]?

  public init(knows: [ThreatModel.Fact], labels: [Int]?) {
    self.knows = knows
    self.labels = labels
  }

  /// - Throws: `not-declared` where the threat model does not have the fact; `what` is what was asked for.
  public func require(_ fact: ThreatModel.Fact, _ what: String) throws {
    if knows.contains(fact) { return }
    throw Fault(
      "not-declared", "\(what), and the threat model of this attack does not say that it knows it",
      help: "attack(…, knows: [\"\(fact.rawValue)\", …])")
  }
}
