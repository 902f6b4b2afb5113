// What a client does so that its update tells less. A defense hooks one or more of: the batch, the model, the gradients of
// single examples, the update; and it tells attacks how to imitate it.
import Autodiff
import Ground
import Networks
import Tensors

/// A client's side of one round: what it computes the update from.
public struct ClientRound: Sendable {
  public var model: Model
  /// `[n] + example`.
  public var images: Tensor
  public var labels: Tensor
  /// Probabilities instead of `labels`, where a defense mixed examples: `[n, classes]`.
  public var softLabels: Tensor?
  public var mode: Mode
  /// Examples that were expected, where their number is itself random: sums are divided by it.
  public var expected: Int?
  /// What the client keeps between rounds, where there are several.
  public var memory: ClientMemory?

  public init(model: Model, images: Tensor, labels: Tensor, softLabels: Tensor? = nil, mode: Mode = .eval) {
    self.model = model
    self.images = images
    self.labels = labels
    self.softLabels = softLabels
    self.mode = mode
  }

  /// What the loss compares with.
  public var targets: Labels { softLabels.map { .soft(Variable($0)) } ?? .classes(labels) }
}

/// A defense, as a value that prints as it is written. All hooks do nothing unless a defense says otherwise.
public protocol Defense: Sendable {
  /// `clip(4)`.
  var written: String { get }
  /// The defenses of a composition in their order; itself for a single one.
  var members: [any Defense] { get }

  /// Changes the batch or the model before the gradient is taken.
  func prepare(_ round: ClientRound, key: RandomKey) throws -> ClientRound

  /// Whether `examples` does something, so that gradients must be taken one by one.
  var needsExamples: Bool { get }
  /// Changes the gradients of single examples, `[n] + shape` each, before they are averaged. Each by itself: a batch may come
  /// in pieces.
  func examples(_ gradients: [Tensor], names: [String], key: RandomKey) throws -> [Tensor]
  /// Changes the mean gradient of `examples` examples: the one that is shared, or that of each local step.
  func mean(_ gradient: [Tensor], examples: Int, key: RandomKey) throws -> [Tensor]

  /// Changes the update. `round` is nil where an update is defended that nobody's batch is known of.
  func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update

  /// Whether an entry that is 0 before it is 0 after it, and 0 after it only then.
  var keepsZeros: Bool { get }
  /// Whether entries keep their scale, on average.
  var keepsScale: Bool { get }

  /// Variance of the noise it adds to an entry of the mean of `examples` gradients.
  func noiseVariance(_ examples: Int) -> Double

  /// What it does to the influence of one example, or of the whole update.
  var privacy: [PrivacyEffect] { get }

  /// How an attack makes candidate gradients comparable with what it received.
  func adapt(_ observed: Observed) throws -> Imitation
  /// The model with which an attack takes candidate gradients, where the defense changes what the model computes.
  func adapt(_ model: Model, _ observed: Observed) throws -> Model
}

extension Defense {
  public var members: [any Defense] { [self] }
  public func prepare(_ round: ClientRound, key: RandomKey) throws -> ClientRound { round }
  public var needsExamples: Bool { false }
  public func examples(_ gradients: [Tensor], names: [String], key: RandomKey) throws -> [Tensor] { gradients }
  public func mean(_ gradient: [Tensor], examples: Int, key: RandomKey) throws -> [Tensor] { gradient }
  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update { update }
  public func noiseVariance(_ examples: Int) -> Double { 0 }
  public var privacy: [PrivacyEffect] { [.arbitrary] }
  public var keepsZeros: Bool { true }
  public var keepsScale: Bool { true }
  public func adapt(_ observed: Observed) throws -> Imitation { .none }
  public func adapt(_ model: Model, _ observed: Observed) throws -> Model { model }

  /// Runs all members on an update, in order, each with its own random stream.
  public func defend(_ update: Update, round: ClientRound? = nil, key: RandomKey) throws -> Update {
    var result = update
    for (index, member) in members.enumerated() {
      result = try member.update(result, round, key: key.derive(index).derive("update"))
    }
    result.defense = compose(update.defense, self)
    return result
  }
}

/// Defenses one after the other: `clip(4) >> noise(0.01) >> prune(0.9)`.
public struct Chain: Defense {
  public let members: [any Defense]

  /// The members of members, in order.
  public init(_ defenses: [any Defense]) { members = defenses.flatMap(\.members) }

  public var written: String { members.isEmpty ? "none" : members.map(\.written).joined(separator: " >> ") }
  public var needsExamples: Bool { members.contains { $0.needsExamples } }
  public var keepsZeros: Bool { members.allSatisfy { $0.keepsZeros } }
  public var keepsScale: Bool { members.allSatisfy { $0.keepsScale } }

  public func prepare(_ round: ClientRound, key: RandomKey) throws -> ClientRound {
    try members.enumerated().reduce(round) { try $1.element.prepare($0, key: key.derive($1.offset)) }
  }

  public func examples(_ gradients: [Tensor], names: [String], key: RandomKey) throws -> [Tensor] {
    try members.enumerated().reduce(gradients) { try $1.element.examples($0, names: names, key: key.derive($1.offset)) }
  }

  public func mean(_ gradient: [Tensor], examples: Int, key: RandomKey) throws -> [Tensor] {
    try members.enumerated().reduce(gradient) {
      try $1.element.mean($0, examples: examples, key: key.derive($1.offset))
    }
  }

  public var privacy: [PrivacyEffect] { members.flatMap(\.privacy) }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    try members.enumerated().reduce(update) { try $1.element.update($0, round, key: key.derive($1.offset)) }
  }

  /// Each member's imitation in order, each knowing what comes after it.
  public func adapt(_ observed: Observed) throws -> Imitation {
    try members.indices.reduce(Imitation.none) { before, index in
      before.followed(by: try members[index].adapt(seen(by: index, observed)))
    }
  }

  public func adapt(_ model: Model, _ observed: Observed) throws -> Model {
    try members.indices.reduce(model) { try members[$1].adapt($0, seen(by: $1, observed)) }
  }

  private func seen(by index: Int, _ observed: Observed) -> Observed {
    var own = observed
    own.later = Array(members[(index + 1)...]) + observed.later
    own.earlier = observed.earlier + members[..<index]
    return own
  }
}

/// `first >> second`; nil is no defense.
public func compose(_ first: (any Defense)?, _ second: (any Defense)?) -> (any Defense)? {
  switch (first, second) {
  case (nil, let only), (let only, nil): only
  case (let a?, let b?): Chain([a, b])
  }
}
