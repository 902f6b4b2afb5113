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

private func defense(
  _ signature: String, _ what: String, example: String, _ make: @escaping (Call) throws -> any Defense
) -> Builtin {
  Builtin(signature, group: "defenses", what, example: example, constructor: true) { Value(DefenseValue(try make($0))) }
}

let defenseBuiltins: [Builtin] = [
  defense(
    "noise(sigma)",
    "Adds normal noise of standard deviation `sigma` to every entry. Without clipping it gives no differential privacy.",
    example: "print(noise(0.1))  # expect: noise(0.1)"
  ) { try Noise($0.double("sigma")) },
  defense(
    "laplace(scale)", "Adds Laplace noise of density exp(-|x|/scale)/(2 scale) to every entry.",
    example: "print(laplace(0.1))  # expect: laplace(0.1)"
  ) { try Laplace($0.double("scale")) },
  defense(
    "clip(bound, per_layer: false)",
    "Scales the update down to a Euclidean norm of at most `bound`, over all tensors together or each by itself: factor min(1, bound / (norm + 1e-6)).",
    example: "print(clip(4) >> noise(0.01))  # expect: clip(4) >> noise(0.01)"
  ) { try Clip($0.double("bound"), perLayer: $0.bool("per_layer")) },
  defense(
    "prune(rate)",
    "Gradient compression: in each tensor, entries below the `rate` quantile of the absolute values become 0; ties are kept.",
    example: "print(prune(0.9))  # expect: prune(0.9)"
  ) { try Prune($0.double("rate")) },
  defense(
    "soteria(rate)",
    "Representation perturbation (Sun et al. 2021), as in GGL: zeroes the columns of the last layer's gradient whose features have the smallest ‖dr/dx‖/r, a share `rate` of them.",
    example: "print(soteria(0.8))  # expect: soteria(0.8)"
  ) { try Soteria($0.double("rate")) },
  defense(
    "quantize(bits)", "Uniform stochastic rounding to 2^bits levels between each tensor's smallest and largest entry.",
    example: "print(quantize(8))  # expect: quantize(8)"
  ) { try Quantize($0.int("bits")) },
  defense("sign_only()", "Sends only the sign of each entry.", example: "print(type(sign_only()))  # expect: defense") {
    _ in
    SignOnly()
  },
  defense(
    "dropout_gradient(rate)", "Sets each entry to 0 with probability `rate`.",
    example: "print(dropout_gradient(0.5))  # expect: dropout_gradient(0.5)"
  ) { try DropoutGradient($0.double("rate")) },
  Builtin(
    "defense(f, adapt: none)", group: "defenses",
    """
    A function from an update to an update as a defense. `adapt` is a function of a candidate's gradient (a record of tensors)
    and the update received, which imitates the defense for attacks that adapt.
    """, example: "print(type(defense(u => 0.5 * u)))  # expect: defense"
  ) { call in
    guard let made = try Defenses.defense(call.function("f"), call.session, adapt: call.optionalFunction("adapt"))
    else {
      throw call.fault("type-mismatch", "`f` must be a function from an update to an update", argument: "f")
    }
    return Value(DefenseValue(made))
  },
  Builtin(
    "share(model, x, y, defense: none, mode: \"eval\")", group: "federated",
    """
    What a client sends in federated SGD: the gradient of its mean cross-entropy with respect to the model's parameters, after
    its defense. `x` is an example or a batch, `y` its label or labels; `mode` is how batch normalisation runs.
    """,
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nprint(share(lenet(), x, y, defense: clip(1)).norm < 1.001)  # expect: true"
  ) { call in
    let x = try call.foreign(as: TensorValue.self, "x", kind: "an example or a batch (a tensor)").tensor
    let mode = try call.choice("mode", of: ["eval", "train"])
    let shared = try Leakage.share(
      model(call, "model"), x, labels(call, "y"), defense: Defenses.argument(call, "defense"),
      mode: mode == "train" ? .train : .eval, key: call.session.nextKey(for: "share"))
    return Value(UpdateValue(shared))
  },
]
