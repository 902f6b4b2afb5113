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

  func apply(to subject: Value, in session: Session) throws -> Value {
    guard let update = subject.foreign(as: UpdateValue.self)?.update else {
      throw Fault(
        "type-mismatch", "the defense \(defense.written) takes an update, not \(described(subject))",
        help: "share(net, x, y)",
        argument: 0)
    }
    return Value(UpdateValue(try defense.defend(update, key: session.nextKey(for: "defense"))))
  }

  func compose(with other: Value, reversed: Bool, in session: Session) throws -> Value? {
    if let model = other.foreign(as: ModelValue.self) {
      throw Fault(
        "mixed-composition", "a defense (\(defense.written)) and a layer (\(model.model.written)) do not compose",
        notes: ["A `>>` chain has one kind: layers make a model, defenses a defense."])
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
    var imitation: (([Variable], Update) throws -> [Variable])?
    if let adapt {
      imitation = { [unowned session] candidate, received in
        let record = Value(record: zip(received.names, candidate).map { ($0, Value(TensorValue($1))) })
        let result = try session.invoke(adapt, [record, Value(UpdateValue(received))])
        guard let leaves = try Tree.leaves(result) else {
          throw Fault(
            "type-mismatch", "`adapt` must return a record like the candidate's gradient, not \(described(result))")
        }
        return leaves
      }
    }
    return FunctionDefense(written: value.functionName ?? "update => …", adapt: imitation) { [unowned session] update in
      let result = try session.invoke(value, [Value(UpdateValue(update))])
      guard let defended = result.foreign(as: UpdateValue.self) else {
        throw Fault("type-mismatch", "a defense returns an update, and this function returned \(described(result))")
      }
      return defended.update
    }
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
