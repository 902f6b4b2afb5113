// Functions that map numbers to numbers: on numbers directly, on tensors element by element, in a model as layers.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A function of one argument, for numbers and tensors alike.
private func elementwise(
  _ name: String, _ what: String, example: String, _ number: @escaping (Double) -> Double,
  _ variable: @escaping (Variable) throws -> Variable
) -> Builtin {
  Builtin(
    name, "\(name)(x)", what + " On tensors, records of tensors and updates, element by element: the shape stays.",
    example: example,
    group: "math"
  ) { call in
    let value = call["x"]
    if let x = value.asDouble { return Value(number(x)) }
    if let tensor = value.foreign(as: TensorValue.self) {
      let x = tensor.variable.dtype.isFloat ? tensor.variable : try tensor.variable.converted(to: .float32)
      return Value(TensorValue(try variable(x), isNumber: tensor.isNumber, origin: "\(name)(…)"))
    }
    if let mapped = try Tree.each(value, variable) { return mapped }
    return Value(TensorValue(try variable(tensorArgument(call, "x"))))
  }
}

/// A function with parameters given as numbers.
/// - Parameter layer: what the call makes without `x`: a layer of a model.
func parametric(
  _ signature: String, _ what: String, example: String, group: String = "math",
  layer: ((Call) throws -> any Layer)? = nil, _ body: @escaping (Variable, Call) throws -> Variable
) -> Builtin {
  Builtin(signature, group: group, what + (layer == nil ? "" : " Without `x`, a layer of a model."), example: example) {
    call in
    if let layer, !call.isGiven("x") { return Layers.value(try layer(call), call.session) }
    let value = call["x"]
    if let mapped = try Tree.each(value, { try body($0, call) }) { return mapped }
    let result = try body(tensorArgument(call, "x"), call)
    if value.asDouble != nil { return Value(try result.value.item()) }
    return Value(TensorValue(result, isNumber: value.foreign(as: TensorValue.self)?.isNumber ?? false))
  }
}

private func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

let elementwiseBuiltins: [Builtin] = [
  elementwise("exp", "eˣ.", example: "print(exp(0.0))  # expect: 1.0", { exp($0) }, { try $0.exp() }),
  elementwise("log", "Natural logarithm.", example: "print(log(1.0))  # expect: 0.0", { log($0) }, { try $0.log() }),
  elementwise(
    "sqrt", "Square root.", example: "print(sqrt(9.0))  # expect: 3.0", { $0.squareRoot() }, { try $0.sqrt() }),
  elementwise("sin", "Sine, in radians.", example: "print(sin(0.0))  # expect: 0.0", { sin($0) }, { try $0.sin() }),
  elementwise("cos", "Cosine, in radians.", example: "print(cos(0.0))  # expect: 1.0", { cos($0) }, { try $0.cos() }),
  elementwise(
    "tanh", "Hyperbolic tangent.", example: "print(tanh(0.0))  # expect: 0.0", { tanh($0) }, { try $0.tanh() }),
  elementwise(
    "sigmoid", "1 / (1 + e⁻ˣ).", example: "print(sigmoid(0.0))  # expect: 0.5", sigmoid, { try $0.sigmoid() }),
  elementwise(
    "relu", "max(x, 0).", example: "print(relu(-2.0))  # expect: 0.0", { max($0, 0) }, { try $0.relu() }),
  elementwise(
    "silu", "x · sigmoid(x).", example: "print(silu(0.0))  # expect: 0.0", { $0 * sigmoid($0) }, { try $0.silu() }),
  elementwise("erf", "Error function.", example: "print(erf(0.0))  # expect: 0.0", { erf($0) }, { try $0.erf() }),
  elementwise(
    "floor", "The largest whole number not above x.", example: "print(floor(1.5))  # expect: 1.0",
    { $0.rounded(.down) }, { try $0.floor() }),
  elementwise(
    "ceil", "The smallest whole number not below x.", example: "print(ceil(1.5))  # expect: 2.0", { $0.rounded(.up) },
    { try $0.ceil() }),

  Builtin(
    "abs", "abs(x)", "Absolute value; of an int, an int. On tensors, element by element.",
    example: "print(abs(-2))  # expect: 2", group: "math"
  ) { call in
    if let int = call["x"].asInt {
      guard int != Int.min else { throw Fault("integer-overflow", "abs(\(int)) does not fit in 64 bits", argument: 0) }
      return Value(Swift.abs(int))
    }
    if let number = call["x"].asDouble { return Value(Swift.abs(number)) }
    if let mapped = try Tree.each(call["x"], { try $0.abs() }) { return mapped }
    let x = call["x"].foreign(as: TensorValue.self)
    return Value(TensorValue(try tensorArgument(call, "x").abs(), isNumber: x?.isNumber ?? false))
  },
  Builtin(
    "sign", "sign(x)", "-1, 0 or 1. On tensors, element by element; its derivative is 0.",
    example: "print(sign(-2.5))  # expect: -1.0", group: "math"
  ) { call in
    if let int = call["x"].asInt { return Value(int.signum()) }
    if let number = call["x"].asDouble { return Value(number > 0 ? 1.0 : number < 0 ? -1.0 : 0.0) }
    if let mapped = try Tree.each(call["x"], { try $0.sign() }) { return mapped }
    return Value(TensorValue(try tensorArgument(call, "x").sign()))
  },
  Builtin(
    "round", "round(x, digits: 0)", "The nearest number with `digits` decimals; halves go to even, as IEEE 754 rounds.",
    example: "print(round(2.567, digits: 1))  # expect: 2.6", group: "math"
  ) { call in
    let digits = try call.int("digits", in: 0...15)
    let scale = pow(10.0, Double(digits))
    if let int = call["x"].asInt { return Value(int) }
    if let number = call["x"].asDouble {
      return Value((number * scale).rounded(.toNearestOrEven) / scale)
    }
    func rounded(_ x: Variable) throws -> Variable { digits == 0 ? try x.round() : try (x * scale).round() / scale }
    if let mapped = try Tree.each(call["x"], rounded) { return mapped }
    return Value(TensorValue(try rounded(tensorArgument(call, "x"))))
  },

  parametric(
    "leaky_relu(x?, slope: 0.01)", "x where positive, `slope`·x elsewhere.",
    example: "print(leaky_relu(-2.0, slope: 0.5))  # expect: -1.0",
    layer: { Activation.leakyRelu(slope: try $0.double("slope")) }
  ) { try $0.leakyRelu($1.double("slope")) },
  parametric(
    "elu(x?, alpha: 1.0)", "x where positive, alpha·(eˣ - 1) elsewhere.", example: "print(elu(0.0))  # expect: 0.0",
    layer: { Activation.elu(alpha: try $0.double("alpha")) }
  ) { try $0.elu($1.double("alpha")) },
  parametric(
    "gelu(x, approximate: false)", "x·Φ(x), Φ the normal distribution; `approximate: true` uses the tanh formula.",
    example: "print(gelu(0.0))  # expect: 0.0"
  ) { try $0.gelu(approximate: $1.bool("approximate")) },
  parametric(
    "softplus(x, beta: 1.0)", "log(1 + e^(beta·x)) / beta.",
    example: "print(softplus(0.0))  # expect near: 0.6931 ± 1e-3"
  ) { try $0.softplus(beta: $1.double("beta")) },
  parametric(
    "clamp(x, low, high)", "x, but at least `low` and at most `high`.",
    example: "print(clamp(1.5, 0, 1))  # expect: 1.0"
  ) { try $0.clamp($1.double("low"), $1.double("high")) },
  parametric(
    "softmax(x, axis: -1)", "eˣ divided by its sum along `axis`; the shape stays.",
    example: "print(softmax(zeros(2)))  # expect: [0.5, 0.5]"
  ) { try $0.softmax(axis: $1.int("axis")) },
  parametric(
    "log_softmax(x, axis: -1)", "log(softmax(x)), computed stably; the shape stays.",
    example: "print(sum(exp(log_softmax(zeros(2)))))  # expect near: 1.0 ± 1e-6"
  ) { try $0.logSoftmax(axis: $1.int("axis")) },

  Builtin(
    "where", "where(condition, a, b)", "`a` where the mask is true, `b` elsewhere; all three broadcast.",
    example: "print(where(tensor([1, 2]) > 1, 1.0, 0.0))  # expect: [0.0, 1.0]", group: "math"
  ) { call in
    let mask = try tensorArgument(call, "condition").value.converted(to: .bool)
    let (a, b) = (call["a"], call["b"])
    let like = a.foreign(as: TensorValue.self) ?? b.foreign(as: TensorValue.self)
    let model = try like?.variable ?? Variable(Tensor.scalar(0))
    return Value(
      TensorValue(
        try .choose(mask, TensorOperators.variable(a, like: model), TensorOperators.variable(b, like: model))))
  },
  pairwise("maximum", "The larger of two, element by element.", "2.0") { try $0.maximum($1) },
  pairwise("minimum", "The smaller of two, element by element.", "1.0") { try $0.minimum($1) },
]

private func pairwise(
  _ name: String, _ what: String, _ result: String, _ body: @escaping (Variable, Variable) throws -> Variable
) -> Builtin {
  Builtin(
    name, "\(name)(a, b)", what, example: "print(\(name)(tensor(1), 2))  # expect: \(result)", group: "math"
  ) { call in
    let (a, b) = (call["a"], call["b"])
    let like = a.foreign(as: TensorValue.self) ?? b.foreign(as: TensorValue.self)
    let model = try like?.variable ?? Variable(Tensor.scalar(0, .float64))
    return Value(
      TensorValue(try body(TensorOperators.variable(a, like: model), TensorOperators.variable(b, like: model))))
  }
}
