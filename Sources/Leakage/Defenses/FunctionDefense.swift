// Functions of a person's own as a defense, one for each hook.
import Autodiff
import Ground
import Networks
import Tensors

/// Functions that change the batch, the model, the gradients of single examples, the update; and one that imitates them.
public struct FunctionDefense: Defense, @unchecked Sendable {  // Seep's evaluation is single threaded
  public typealias Imitate = (_ candidate: [Variable], _ received: Update) throws -> [Variable]

  public let written: String
  /// The functions as text: what changes where the defense does, though it may print the same.
  public var source: () -> String = { "" }
  private let body: ((Update) throws -> Update)?
  private let round: ((ClientRound) throws -> ClientRound)?
  private let example: ((_ gradient: [Tensor], _ names: [String]) throws -> [Tensor])?
  private let imitation: Imitate?

  /// A function on the update.
  ///
  /// - Parameters:
  ///   - written: how the function is written in Seep.
  ///   - adapt: how an attack imitates it on one candidate's gradient, given what was received; nil: attacks ignore it.
  public init(written: String, adapt: Imitate? = nil, _ body: @escaping (Update) throws -> Update) {
    self.init(written: written, round: nil, example: nil, adapt: adapt, update: body)
  }

  /// - Parameters:
  ///   - round: changes the batch or the model.
  ///   - example: changes one example's gradient.
  ///   - body: changes the update.
  public init(
    written: String, round: ((ClientRound) throws -> ClientRound)?,
    example: ((_ gradient: [Tensor], _ names: [String]) throws -> [Tensor])?, adapt: Imitate?,
    update body: ((Update) throws -> Update)?
  ) {
    self.written = written
    self.round = round
    self.example = example
    imitation = adapt
    self.body = body
  }

  public var keepsZeros: Bool { body == nil }
  public var keepsScale: Bool { body == nil && example == nil }
  public var privacy: [PrivacyEffect] {
    (round == nil ? [] : [.mixesExamples]) + (example == nil ? [] : [.changesExamples])
      + (body == nil ? [] : [.arbitrary])
  }

  public func prepare(_ round: ClientRound, key: RandomKey) throws -> ClientRound { try self.round?(round) ?? round }

  public var needsExamples: Bool { example != nil }
  public func examples(_ gradients: [Tensor], names: [String], key: RandomKey) throws -> [Tensor] {
    guard let example else { return gradients }
    let count = gradients.first?.shape.first ?? 0
    let each = try (0..<count).map { i in
      try changed(gradients.map { try $0.select(axis: 0, index: i) }, names, by: example)
    }
    return try gradients.indices.map { l in try Tensor.concat(each.map { try $0[l].unsqueeze(axis: 0) }, axis: 0) }
  }

  private func changed(
    _ gradient: [Tensor], _ names: [String], by example: ([Tensor], [String]) throws -> [Tensor]
  ) throws -> [Tensor] {
    let result = try example(gradient, names)
    guard result.count == gradient.count else {
      throw Fault(
        "bad-defense", "\(written) made \(result.count) tensors of the \(gradient.count) of an example's gradient")
    }
    if let place = result.indices.first(where: { result[$0].shape != gradient[$0].shape }) {
      throw Fault(
        "bad-defense",
        "\(written) gave \(place < names.count ? names[place] : "a tensor") of an example's gradient the shape "
          + "\(result[place].shape), and it has \(gradient[place].shape)",
        help: "map_tensors(gradient, t => …), which keeps names and shapes")
    }
    return result
  }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    if round == nil {
      if self.round != nil {
        throw Fault(
          "needs-batch", "\(written) changes the batch or the model, so it cannot be applied to an update",
          help: "share(model, x, y, defense: \(written))")
      }
      if let example {
        try update.requireLoneExample(written)
        let alone = try update.with(tensors: changed(update.tensors, update.names, by: example))
        return try body?(alone) ?? alone
      }
    }
    return try body?(update) ?? update
  }

  public func adapt(_ observed: Observed) throws -> Imitation {
    guard let imitation, observed.knowledge != .none else { return .none }
    let received = observed.update
    return Imitation { candidates in
      let count = candidates.first?.shape.first ?? 0
      let each = try (0..<count).map { i in
        let one = try imitation(candidates.map { try $0.select(axis: 0, index: i) }, received)
        guard one.count == candidates.count else {
          throw Fault("bad-defense", "the imitation of a defense gave \(one.count) tensors for \(candidates.count)")
        }
        return one
      }
      return try candidates.indices.map { l in try Variable.stack(each.map { $0[l] }, axis: 0) }
    }
  }
}
