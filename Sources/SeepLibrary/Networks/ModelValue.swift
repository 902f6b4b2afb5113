// A model, or a single layer (a model of one layer), in the hands of a program.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

/// `lenet(classes: 10)`, `conv(8, kernel: 3) >> relu`.
final class ModelValue: Foreign {
  let model: Model
  /// Whether batch normalisation and dropout run as in training.
  let mode: Mode

  init(_ model: Model, mode: Mode = .eval) {
    self.model = model
    self.mode = mode
  }

  var typeName: String { "model" }
  var isCallable: Bool { true }

  /// `net(x)`: a batch, or a lone example.
  func call(_ call: inout Call) throws -> Value {
    let arguments = call.positional
    guard arguments.count == 1, call.keywords.isEmpty else {
      throw Fault(
        "wrong-arguments", "a model takes one batch of examples, `net(x)`; \(arguments.count) arguments were given")
    }
    return try apply(to: arguments[0], in: call.session)
  }

  func apply(to subject: Value, in session: Session) throws -> Value {
    guard let x = subject.foreign(as: TensorValue.self) else {
      throw Fault("type-mismatch", "a model takes a tensor, not \(described(subject))", argument: 0)
    }
    let key = mode == .train ? session.nextKey(for: "dropout") : nil
    return Value(TensorValue(try model(x.variable, mode: mode, key: key)))
  }

  // MARK: Composition

  func compose(with other: Value, reversed: Bool, in session: Session) throws -> Value? {
    // `net >> sign_only`: a defense that needs no arguments, by its name.
    if let builtin = other.builtin, builtin.isConstructor, !Layers.hasForm(other),
      !builtin.signature.parameters.contains(where: \.isNeeded),
      let defense = try session.invoke(other, []).foreign(as: DefenseValue.self)
    {
      return try defense.compose(with: Value(self), reversed: !reversed, in: session)
    }
    guard let next = try Layers.model(of: other, session) else { return nil }
    let (first, second) = reversed ? (next, model) : (model, next)
    return Value(ModelValue(try .compose(first, second, key: session.nextKey(for: "model")), mode: mode))
  }

  // MARK: Fields

  static let fields = ["params", "buffers", "with", "gradient", "mode", "input_shape", "output_shape"]
  var fieldNames: [String] { ModelValue.fields }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "params": return ParameterRecord.value(try model.parameters)
    case "buffers": return ParameterRecord.value(try model.buffers)
    case "with":
      return Value(
        Builtin(
          "with(params)", "The model with other parameters (a record of named tensors, such as `net.params`).",
          example:
            "let net = mlp([2, 1])\nnet(ones(1, 2))\nprint(net.with(0 * net.params)(ones(1, 2)))  # expect: [[0.0]]"
        ) { [self] call in
          let given = try ParameterRecord.parameters(call["params"], call)
          return Value(ModelValue(try blaming(call, "params") { try model.with(given) }, mode: mode))
        })
    case "gradient":
      return Value(
        Builtin(
          "gradient(x, y)",
          """
          The gradient of the mean cross-entropy of examples `x` by the parameters, a record of named tensors: what a client
          computes. `y` is a label, labels, or probabilities (a float tensor). Differentiable in `x` and in probabilities.
          """,
          example:
            "let net = mlp([2, 2])\nnet(ones(1, 2))\nprint(net.gradient(ones(1, 2), 0) |> norm == share(net, ones(1, 2), 0).norm)  # expect: true"
        ) { [self] call in ParameterRecord.value(try gradient(call)) })
    case "mode":
      return Value(
        Builtin(
          "mode(name)",
          "The model in mode \"train\" (batch normalisation by the batch's own statistics, dropout) or \"eval\".",
          example: "print(type(mlp([2, 1]).mode(\"train\")))  # expect: model"
        ) { [self] call in
          let name = try call.choice("name", of: Mode.allCases.map(\.rawValue))
          return Value(ModelValue(model, mode: Mode(rawValue: name) ?? .eval))
        })
    case "input_shape": return shapeValue(model.inputShape)
    case "output_shape": return shapeValue(model.outputShape)
    default: return nil
    }
  }

  private func gradient(_ call: Call) throws -> Parameters {
    let x = try call.foreign(as: TensorValue.self, "x", kind: "an example or a batch (a tensor)").variable
    AttackRuns.count(1, in: call.session)
    if let soft = call["y"].foreign(as: TensorValue.self)?.variable, soft.dtype.isFloat {
      return try model.gradient(x, .soft(soft), mode: mode, recording: x.isTracked || soft.isTracked)
    }
    return try model.gradient(x, .classes(labels(call, "y")), mode: mode, recording: x.isTracked)
  }

  private func shapeValue(_ shape: [Int]?) -> Value { shape.map { Value(list: $0.map { Value($0) }) } ?? .none }

  func display(_ style: DisplayStyle) -> String { model.written }
}

/// Parameters as a record of named tensors, and back.
enum ParameterRecord {
  static func value(_ parameters: Parameters) -> Value {
    Value(record: zip(parameters.names, parameters.values).map { ($0, Value(TensorValue($1))) })
  }

  static func parameters(_ value: Value, _ call: Call) throws -> Parameters {
    guard let record = value.asRecord else {
      throw call.fault(
        "type-mismatch", "parameters are a record of named tensors, not \(described(value))", argument: "params")
    }
    return try Parameters(
      record.fields.map { field in
        guard let tensor = field.value.foreign(as: TensorValue.self) else {
          throw call.fault(
            "type-mismatch", "parameter \(field.name) is \(described(field.value)), not a tensor", argument: "params")
        }
        return (field.name, tensor.variable)
      })
  }
}

enum Layers {
  /// Layer forms of functions that are also something else: in a composition the name means the layer.
  static func form(of name: String) throws -> (any Layer)? {
    switch name {
    case "flatten": Flatten()
    case "batch_norm": BatchNorm()
    case "layer_norm": LayerNorm()
    case "instance_norm": InstanceNorm()
    case "global_avg_pool": GlobalAvgPool()
    default: try? Activation(named: name)
    }
  }

  /// Whether a value is a function whose name means a layer in a composition.
  static func hasForm(_ value: Value) -> Bool {
    guard value.builtin != nil, let name = value.functionName else { return false }
    return (try? form(of: name)) != nil
  }

  /// Any value that can stand in a model, as a model; nil if it cannot.
  static func model(of value: Value, _ session: Session) throws -> Model? {
    if let model = value.foreign(as: ModelValue.self) { return model.model }
    guard value.isPlainFunction else { return nil }
    return Model(try value.members.map { try layer(of: $0, session) }, key: session.nextKey(for: "model"))
  }

  private static func layer(of function: Value, _ session: Session) throws -> any Layer {
    if function.builtin != nil, let name = function.functionName, let layer = try form(of: name) { return layer }
    return FunctionLayer(written: function.functionName ?? "x => …") { [unowned session] x in
      let result = try session.invoke(function, [Value(TensorValue(x))])
      guard let tensor = result.foreign(as: TensorValue.self) else {
        throw Fault(
          "type-mismatch", "a function in a model must return a tensor, and this one returned \(described(result))")
      }
      return tensor.variable
    }
  }

  /// The layers of a value, for `residual`.
  static func list(_ value: Value, _ call: Call, _ name: String) throws -> [any Layer] {
    guard let model = try model(of: value, call.session) else {
      throw call.fault("type-mismatch", "`\(call.name)` needs layers, not \(described(value))", argument: name)
    }
    return model.layers
  }

  /// A model of one layer, with a key of its own.
  static func value(_ layer: any Layer, _ session: Session) -> Value {
    Value(ModelValue(Model([layer], key: session.nextKey(for: "model"))))
  }
}
