// What a client sends, in the hands of a program: a record of named tensors that knows how it was made.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

final class UpdateValue: TensorTree {
  let update: Update
  init(_ update: Update) { self.update = update }

  var typeName: String { "update" }

  // MARK: As a tree of tensors

  var leaves: [Variable] { update.tensors.map { Variable($0) } }
  func rebuilt(_ leaves: [Variable]) throws -> Value {
    Value(UpdateValue(try update.with(tensors: leaves.map(\.value))))
  }

  // MARK: Arithmetic: with numbers, and with updates of the same form

  func operate(_ operation: Operator, _ other: Value, reversed: Bool, in session: Session) throws -> Value? {
    let kind: Tensor.BinaryOp
    switch operation {
    case .add: kind = .add
    case .subtract: kind = .sub
    case .multiply: kind = .mul
    case .divide: kind = .div
    default: return nil
    }
    if let number = other.asDouble {
      return Value(
        UpdateValue(try update.map { reversed ? try .combine(kind, number, $0) : try .combine(kind, $0, number) }))
    }
    if other.asRecord != nil {  // a record of tensors, such as a gradient that is followed by derivatives
      let own = ParameterRecord.value(try update.parameters)
      return try reversed ? session.operate(operation, other, own) : session.operate(operation, own, other)
    }
    guard let other = other.foreign(as: UpdateValue.self) else { return nil }
    return Value(UpdateValue(try reversed ? other.update.combined(update, kind) : update.combined(other.update, kind)))
  }

  func operate(_ operation: UnaryOperator, in session: Session) throws -> Value? {
    operation == .negate ? Value(UpdateValue(try update.map { try $0.map(.neg) })) : nil
  }

  // MARK: Parts

  static let own = [
    "names", "params", "norm", "size", "sparsity", "loss", "scale", "examples", "mode", "defense", "kind", "steps",
    "lr",
  ]
  var fieldNames: [String] { UpdateValue.own }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "names": return Value(list: update.names.map { Value($0) })
    case "params": return ParameterRecord.value(try update.parameters)
    case "norm": return Value(try update.norm)
    case "size": return Value(update.size)
    case "sparsity": return Value(try update.sparsity)
    case "loss": return Value(update.loss)
    case "scale": return Value(update.scale)
    case "examples":
      try update.sight?.require(.exampleCount, "`examples` is the number of examples")
      return Value(update.examples)
    case "mode": return Value(update.mode.rawValue)
    case "defense":
      try update.sight?.require(.defenseParameters, "`defense` tells the parameters of the defense")
      return update.defense.map { Value(DefenseValue($0)) } ?? Value.none
    case "kind": return Value(update.kind == .gradient ? "gradient" : "difference")
    case "steps":
      if case .difference(let steps, _) = update.kind { return Value(steps) }
      return Value.none
    case "lr":
      if case .difference(_, let rate) = update.kind { return Value(rate) }
      return Value.none
    default: return update[name].map { Value(TensorValue(Variable($0))) }
    }
  }

  /// `update["conv1.weight"]`, `update[0]`.
  func index(_ items: [IndexItem], in session: Session) throws -> Value? {
    guard items.count == 1 else { throw Fault("bad-index", "an update is indexed by one name or number") }
    if case .value(let value) = items[0], let name = value.asString {
      guard let tensor = update[name] else {
        throw Fault(
          "unknown-field", "the update has no tensor \"\(name)\"", help: nearestName(to: name, among: update.names))
      }
      return Value(TensorValue(Variable(tensor)))
    }
    if case .int(let index) = items[0] {
      let at = index < 0 ? index + update.tensors.count : index
      guard update.tensors.indices.contains(at) else {
        throw Fault("index-out-of-range", "tensor \(index) of an update of \(update.tensors.count)")
      }
      return Value(TensorValue(Variable(update.tensors[at])))
    }
    return nil
  }

  var count: Int? { update.tensors.count }
  func element(_ index: Int, in session: Session) throws -> Value {
    Value(TensorValue(Variable(update.tensors[index])))
  }

  func isEqual(to other: any Foreign) -> Bool {
    guard let other = other as? UpdateValue, update.names == other.update.names else { return false }
    return zip(leaves, other.leaves).allSatisfy { TensorValue($0).isEqual(to: TensorValue($1)) }
  }

  /// Three decimals, or where they say little four digits.
  private static func normText(_ norm: Double) -> String {
    norm >= 0.1 ? "\((norm * 1000).rounded() / 1000)" : significant(norm)
  }

  func display(_ style: DisplayStyle) -> String {
    let norm = (try? update.norm).map(UpdateValue.normText) ?? "?"
    let defended = update.defense.map { ", \($0.written)" } ?? ""
    return "update of \(update.tensors.count) tensors, \(update.size) numbers, norm \(norm), \(update.examples) "
      + "\(update.examples == 1 ? "example" : "examples")\(defended)"
  }
}

/// An update argument.
func update(_ call: Call, _ name: String) throws -> Update {
  try call.foreign(as: UpdateValue.self, name, kind: "an update").update
}
