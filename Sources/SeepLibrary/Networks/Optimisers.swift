// Optimisers as values: `train(…, optimizer: adam(lr: 0.001))`, and step by step with `update`.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

/// `sgd(lr: 0.1)`; `adam(…)` is a search as well, see SearchValue.
class OptimiserValue: Foreign {
  private let make: () throws -> any Optimiser
  let written: String

  init(written: String, _ make: @escaping () throws -> any Optimiser) {
    self.written = written
    self.make = make
  }

  func optimiser() throws -> any Optimiser { try make() }

  var typeName: String { "optimizer" }
  var fieldNames: [String] { ["update"] }
  func display(_ style: DisplayStyle) -> String { written }

  func field(_ name: String, in session: Session) throws -> Value? {
    guard name == "update" else { return nil }
    return Value(
      Builtin(
        "update(params, gradient, state: none)", group: "training",
        """
        One step: the pair (new parameters, new state). `params` and `gradient` are tensors or records of the same form;
        `state` is what the last step returned, at first `none`, and can be saved.
        """, example: "let (p, s) = sgd(lr: 1.0).update(tensor([2]), tensor([1]))\nprint(p)  # expect: [1.0]"
      ) { [self] call in
        guard let parameters = try Tree.leaves(call["params"]), let gradients = try Tree.leaves(call["gradient"]) else {
          throw call.fault("type-mismatch", "`update` needs tensors or records of tensors", argument: "params")
        }
        var optimiser = try make()
        if let state = call.optionalValue("state") { optimiser.state = try OptimiserValue.state(state, call) }
        let stepped = try optimiser.step(parameters.map(\.value), gradients.map(\.value))
        var place = 0
        let updated = try Tree.map(call["params"]) { _, isNumber in
          defer { place += 1 }
          return try Derivative.plain(Variable(stepped[place]), isNumber: isNumber)
        }
        return Value(tuple: [updated, OptimiserValue.value(optimiser.state)])
      })
  }

  /// The state as a record: `{steps: 3, slots: {m: […], v: […]}}`.
  private static func value(_ state: OptimiserState) -> Value {
    let slots = state.slots.sorted { $0.key < $1.key }.map { slot in
      (name: slot.key, value: Value(list: slot.value.map { Value(TensorValue(Variable($0))) }))
    }
    return Value(record: [("steps", Value(state.steps)), ("slots", Value(record: slots))])
  }

  private static func state(_ value: Value, _ call: Call) throws -> OptimiserState {
    guard let record = value.asRecord, let steps = record["steps"]?.asInt, let slots = record["slots"]?.asRecord else {
      throw call.fault(
        "type-mismatch", "`state` is what the last `update` returned, not \(described(value))", argument: "state")
    }
    var state = OptimiserState()
    state.steps = steps
    for field in slots.fields {
      state.slots[field.name] = (field.value.asItems ?? []).compactMap { $0.foreign(as: TensorValue.self)?.tensor }
    }
    return state
  }
}

let optimiserBuiltins: [Builtin] = [
  Builtin(
    "sgd(lr:, momentum: 0.0, weight_decay: 0.0, nesterov: false)", group: "training",
    "Stochastic gradient descent, as torch.optim.SGD.", example: "print(sgd(lr: 0.1))  # expect: sgd(lr: 0.1)"
  ) { call in
    let (rate, momentum, decay) = (try call.double("lr"), try call.double("momentum"), try call.double("weight_decay"))
    let nesterov = try call.bool("nesterov")
    func make() throws -> SGD { SGD(rate: rate, momentum: momentum, weightDecay: decay, nesterov: nesterov) }
    return Value(OptimiserValue(written: try make().written, make))
  }
]
