// Defenses as values: `clip(4) >> noise(0.01) >> prune(0.9)`; a function from an update to an update is one as well.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

final class DefenseValue: Foreign {
  let defense: any Defense
  init(_ defense: any Defense) { self.defense = defense }

  var typeName: String { "defense" }
  var isCallable: Bool { true }
  func display(_ style: DisplayStyle) -> String { defense.written }

  /// `d(update)`: the defended update.
  func call(_ call: inout Call) throws -> Value {
    guard call.positional.count == 1, let subject = call.positional.first else {
      throw Fault("wrong-arguments", "a defense takes one update")
    }
    return try apply(to: subject, in: call.session)
  }

  /// An update, or several clients' updates as a list.
  func apply(to subject: Value, in session: Session) throws -> Value {
    if let update = subject.foreign(as: UpdateValue.self)?.update {
      return Value(UpdateValue(try defense.defend(update, key: session.nextKey(for: "defense"))))
    }
    let updates = subject.asItems?.compactMap { $0.foreign(as: UpdateValue.self)?.update } ?? []
    guard !updates.isEmpty, updates.count == subject.asItems?.count else {
      throw Fault(
        "type-mismatch",
        "the defense \(defense.written) takes an update, or a list of clients' updates, not \(described(subject))",
        help: "share(net, x, y)", argument: 0)
    }
    let sent = try defense.defend(all: updates, key: session.nextKey(for: "defense"))
    if defense.members.contains(where: { $0 is SecureAggregation }), let sum = sent.first {
      return Value(UpdateValue(sum))
    }
    return Value(list: sent.map { Value(UpdateValue($0)) })
  }

  func compose(with other: Value, reversed: Bool, in session: Session) throws -> Value? {
    if let model = other.foreign(as: ModelValue.self) {
      throw Fault(
        "mixed-composition", "a defense (\(defense.written)) and a layer (\(model.model.written)) do not compose",
        notes: ["A `>>` chain has one kind: layers make a model, defenses a defense."],
        operands: reversed ? [0: "a layer", 1: "a defense"] : [0: "a defense", 1: "a layer"])
    }
    if let layer = other.members.first(where: { Layers.hasForm($0) })?.functionName {
      throw Fault(
        "mixed-composition", "a defense (\(defense.written)) and a layer (\(layer)) do not compose",
        notes: [
          "In a `>>` chain `\(layer)` means the layer; a chain has one kind.",
          "As a function of the update it is written `update => \(layer)(update)`.",
        ], operands: reversed ? [0: "a layer", 1: "a defense"] : [0: "a defense", 1: "a layer"])
    }
    guard let next = try Defenses.defense(other, session) else { return nil }
    return (reversed ? Leakage.compose(next, defense) : Leakage.compose(defense, next)).map { Value(DefenseValue($0)) }
  }
}

enum Defenses {
  /// Any value that can defend: a defense, or a function from an update to an update.
  static func defense(_ value: Value, _ session: Session, adapt: Value? = nil) throws -> (any Defense)? {
    if let defense = value.foreign(as: DefenseValue.self) { return defense.defense }
    guard value.isPlainFunction else { return nil }
    // `clip(4) >> sign_only`: the name of a defense that needs no arguments.
    if let builtin = value.builtin, builtin.isConstructor, !builtin.signature.parameters.contains(where: \.isNeeded),
      let made = try session.invoke(value, []).foreign(as: DefenseValue.self)
    {
      return made.defense
    }
    if value.members.count > 1, adapt == nil { return Chain(try value.members.compactMap { try defense($0, session) }) }
    return try function(Hooks(update: value, adapt: adapt), session)
  }

  /// Functions for the hooks of a defense.
  struct Hooks {
    var update: Value?
    var batch: Value?
    var model: Value?
    var example: Value?
    var adapt: Value?
  }

  static func function(_ hooks: Hooks, _ session: Session) throws -> FunctionDefense {
    let first = hooks.update ?? hooks.batch ?? hooks.model ?? hooks.example
    var made = FunctionDefense(
      written: first?.functionName ?? "update => …",
      round: hooks.batch == nil && hooks.model == nil
        ? nil : { [unowned session] round in try changed(round, hooks, session) },
      example: hooks.example.map { function in
        { [unowned session] gradient, names in
          let record = Value(
            record: zip(names, gradient).map { ($0, Value(TensorValue(Variable($1)))) })
          return try leaves(session.invoke(function, [record]), "`examples`").map(\.value)
        }
      },
      adapt: hooks.adapt.map { function in
        { [unowned session] candidate, received in
          let record = Value(record: zip(received.names, candidate).map { ($0, Value(TensorValue($1))) })
          return try leaves(session.invoke(function, [record, Value(UpdateValue(received))]), "`adapt`")
        }
      },
      update: hooks.update.map { function in
        { [unowned session] update in
          let result = try session.invoke(function, [Value(UpdateValue(update))])
          guard let defended = result.foreign(as: UpdateValue.self) else {
            throw Fault("type-mismatch", "a defense returns an update, and this function returned \(described(result))")
          }
          return defended.update
        }
      })
    made.source = { [unowned session] in
      [hooks.update, hooks.batch, hooks.model, hooks.example, hooks.adapt]
        .map { $0.flatMap { sourceText($0, session) } ?? "" }.joined(separator: "\n")
    }
    return made
  }

  private static func leaves(_ result: Value, _ name: String) throws -> [Variable] {
    guard let leaves = try Tree.leaves(result) else {
      throw Fault(
        "type-mismatch", "\(name) must return a record like the gradient it was given, not \(described(result))")
    }
    return leaves
  }

  private static func changed(_ round: ClientRound, _ hooks: Hooks, _ session: Session) throws -> ClientRound {
    var result = round
    if let batch = hooks.batch {
      let labels = round.softLabels ?? round.labels
      let made = try session.invoke(
        batch, [Value(TensorValue(Variable(round.images))), Value(TensorValue(Variable(labels)))])
      let pair = made.asItems?.compactMap { $0.foreign(as: TensorValue.self)?.tensor } ?? []
      guard pair.count == 2, pair[0].rank > 1, pair[1].rank >= 1, pair[0].shape[0] == pair[1].shape[0] else {
        throw Fault(
          "type-mismatch", "`batch` must return images and as many labels, and it returned \(described(made))",
          help: "(x, y) => (x, y)")
      }
      result.images = pair[0]
      // Numbers of classes, or probabilities of all of them.
      if pair[1].rank == 1 {
        (result.labels, result.softLabels) = (try pair[1].converted(to: .int64), nil)
      } else {
        result.softLabels = pair[1]
        result.labels = try pair[1].argmax(axis: 1, keep: false)
      }
    }
    if let change = hooks.model {
      let made = try session.invoke(change, [Value(ModelValue(round.model))])
      guard let model = made.foreign(as: ModelValue.self)?.model else {
        throw Fault("type-mismatch", "`model` must return a model, not \(described(made))", help: "net => net")
      }
      result.model = model
    }
    return result
  }

  /// The optional argument `defense:`.
  static func argument(_ call: Call, _ name: String) throws -> (any Defense)? {
    guard let value = call.optionalValue(name) else { return nil }
    if let defense = try defense(value, call.session) { return defense }
    throw call.fault(
      "type-mismatch", "`\(name)` must be a defense or a function from an update to an update, not \(described(value))",
      argument: name, help: "clip(4) >> noise(0.01)")
  }
}
