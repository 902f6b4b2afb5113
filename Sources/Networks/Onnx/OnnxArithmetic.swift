// Operators on numbers one by one, normalisations, sums and products.
import Autodiff
import Ground
import Tensors

extension OnnxCall {
  /// Operators without parameters of their own kind: one input.
  private static let unary: [String: @Sendable (Variable) throws -> Variable] = [
    "Relu": { try $0.relu() }, "Sigmoid": { try $0.sigmoid() }, "Tanh": { try $0.tanh() }, "Erf": { try $0.erf() },
    "Exp": { try $0.exp() }, "Log": { try $0.log() }, "Sqrt": { try $0.sqrt() }, "Abs": { try $0.abs() },
    "Neg": { try -$0 }, "Reciprocal": { try $0.reciprocal() }, "Softplus": { try $0.softplus() },
    "Sin": { try $0.sin() }, "Cos": { try $0.cos() }, "Floor": { try $0.floor() }, "Ceil": { try $0.ceil() },
    "Round": { try $0.round() }, "Sign": { try $0.sign() },
    "Softsign": { try $0 / ($0.abs() + 1) }, "HardSwish": { try $0 * ($0 / 6 + 0.5).clamp(0, 1) },
    "Mish": { try $0 * $0.softplus().tanh() },
  ]

  static let arithmetic: Set<String> = Set(unary.keys).union([
    "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "LeakyRelu", "Elu", "Selu", "Celu", "PRelu", "Gelu",
    "HardSigmoid", "Clip", "Softmax", "LogSoftmax", "Identity", "Dropout", "Cast", "CastLike", "LayerNormalization",
    "InstanceNormalization", "GroupNormalization", "BatchNormalization", "ReduceMean", "ReduceSum", "ReduceMax",
    "ReduceMin", "ReduceL2", "ReduceSumSquare", "MatMul", "Gemm",
  ])

  func runArithmetic() throws -> OnnxValue {
    if let body = OnnxCall.unary[node.operation] {
      if case .integers(let values, let shape) = try value(0), node.operation == "Neg" || node.operation == "Abs" {
        return .integers(
          try values.map { try OnnxNode.small(node.operation == "Neg" ? 0 &- $0 : abs($0), "value", node.title) },
          shape: shape)
      }
      return .tensor(try body(tensor(0)))
    }
    switch node.operation {
    case "Identity", "Dropout", "CastLike": return try value(0)
    case "Cast": return try cast()
    case "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum": return try combine()
    case "LeakyRelu": return .tensor(try tensor(0).leakyRelu(node.number("alpha", default: 0.01)))
    case "Elu": return .tensor(try tensor(0).elu(node.number("alpha", default: 1)))
    case "Celu":
      let alpha = try node.number("alpha", default: 1)
      return .tensor(try alpha * (tensor(0) / alpha).elu(1))
    case "Selu":
      let (alpha, gamma) = (
        try node.number("alpha", default: 1.67326319217681884765625),
        try node.number("gamma", default: 1.05070102214813232421875)
      )
      return .tensor(try gamma * tensor(0).elu(alpha))
    case "PRelu":
      let x = try tensor(0)
      return .tensor(try x.relu() - tensor(1) * (-x).relu())
    case "Gelu": return .tensor(try tensor(0).gelu(approximate: node.text("approximate", default: "none") == "tanh"))
    case "HardSigmoid":
      let (alpha, beta) = (try node.number("alpha", default: 0.2), try node.number("beta", default: 0.5))
      // 1/6 as a float: the number meant.
      let slope = abs(alpha - 1.0 / 6) < 1e-7 ? 1.0 / 6 : alpha
      return .tensor(try (slope * tensor(0) + beta).clamp(0, 1))
    case "Clip":
      return .tensor(
        try tensor(0).clamp(
          number(1, or: "min") ?? -Double(Float.greatestFiniteMagnitude),
          number(2, or: "max") ?? Double(Float.greatestFiniteMagnitude)))
    case "Softmax", "LogSoftmax":
      let x = try tensor(0)
      let place = try axis(node.integer("axis", default: opset < 13 ? 1 : -1), rank: x.rank)
      guard opset >= 13 || place == x.rank - 1 else { throw problem("of a version before 13 takes its last axis only") }
      return .tensor(try node.operation == "Softmax" ? x.softmax(axis: place) : x.logSoftmax(axis: place))
    case "MatMul":
      let (a, b) = (try tensor(0), try tensor(1))
      if a.rank > 1, b.rank > 1 { try allow([a.size / max(a.shape[a.rank - 1], 1), b.shape[b.rank - 1]]) }
      return .tensor(try a.matmul(b))
    case "Gemm": return .tensor(try gemm())
    case "BatchNormalization":
      return .tensor(
        try tensor(0).batchNorm(
          weight: tensor(1), bias: tensor(2), mean: tensor(3), variance: tensor(4),
          eps: node.number("epsilon", default: 1e-5)))
    case "LayerNormalization":
      let x = try tensor(0)
      let first = try axis(node.integer("axis", default: -1), rank: x.rank)
      return .tensor(
        try x.layerNorm(
          weight: tensor(1), bias: optionalTensor(2), axes: x.rank - first, eps: node.number("epsilon", default: 1e-5)))
    case "InstanceNormalization":
      return .tensor(
        try tensor(0).instanceNorm(
          weight: tensor(1), bias: tensor(2), eps: node.number("epsilon", default: 1e-5)))
    case "GroupNormalization":
      let (x, groups) = (try tensor(0), try node.integer("num_groups", default: 1))
      guard opset >= 21 else { throw problem("of a version before 21 has scales for groups, not channels") }
      guard x.rank > 1, groups > 0, x.shape[1] % groups == 0 else { throw problem("cannot take groups of \(x.shape)") }
      return .tensor(
        try x.groupNorm(
          groups: groups, weight: tensor(1), bias: tensor(2), eps: node.number("epsilon", default: 1e-5)))
    default: return .tensor(try reduced())
    }
  }

  private func gemm() throws -> Variable {
    var (a, b) = (try tensor(0), try tensor(1))
    guard a.rank == 2, b.rank == 2 else { throw problem("takes matrices, and \(a.shape) and \(b.shape) were given") }
    if try node.integer("transA", default: 0) != 0 { a = try a.transposed() }
    if try node.integer("transB", default: 0) != 0 { b = try b.transposed() }
    try allow([a.shape[0], b.shape[1]])
    let (alpha, beta) = (try node.number("alpha", default: 1), try node.number("beta", default: 1))
    var y = try a.matmul(b)
    if alpha != 1 { y = try alpha * y }
    guard let c = try optionalTensor(2), beta != 0 else { return y }
    return try y + (beta == 1 ? c : beta * c)
  }

  private func reduced() throws -> Variable {
    let x = try tensor(0)
    let given = try integers(1, or: "axes") ?? []
    let nothing = try given.isEmpty && node.integer("noop_with_empty_axes", default: 0) != 0
    if nothing { return x }
    let places = given.isEmpty ? Array(0..<x.rank) : try axes(given, rank: x.rank)
    let keep = try node.integer("keepdims", default: 1) != 0
    switch node.operation {
    case "ReduceMean": return try x.mean(axes: places, keep: keep)
    case "ReduceSum": return try x.sum(axes: places, keep: keep)
    case "ReduceMax": return try x.max(axes: places, keep: keep)
    case "ReduceMin": return try x.min(axes: places, keep: keep)
    case "ReduceL2": return try x.norm(axes: places, keep: keep)
    default: return try x.square().sum(axes: places, keep: keep)
    }
  }

  private func cast() throws -> OnnxValue {
    let isFloat = try [1, 10, 11, 16].contains(node.integer("to", default: 1))
    switch try value(0) {
    case .tensor(let x):
      if isFloat { return .tensor(x) }
      guard !x.isTracked, x.size <= 1 << 16 else { throw problem("makes whole numbers of computed values") }
      return .integers(
        try x.value.doubles().map { number in
          guard abs(number) < 0x1p31 else { throw problem("makes a whole number of \(number)") }
          return Int(number)
        }, shape: x.shape)
    case .integers(let values, let shape):
      return isFloat ? .tensor(try tensor(0)) : .integers(values, shape: shape)
    }
  }

  private func combine() throws -> OnnxValue {
    if inputs.count == 1 { return try value(0) }
    if case .integers(let a, let s) = try value(0), case .integers(let b, let t) = try value(1), inputs.count == 2 {
      return try combine(a, s, b, t)
    }
    let first = try inputs.indices.lazy.compactMap { index -> Variable? in
      if case .tensor(let x) = try value(index) { return x }
      return nil
    }.first
    var result = try tensor(0, like: first)
    for index in 1..<inputs.count {
      let other = try tensor(index, like: first)
      guard let shape = OnnxCall.broadcast(result.shape, other.shape) else {
        throw problem("cannot combine the shapes \(result.shape) and \(other.shape)")
      }
      try allow(shape)
      switch node.operation {
      case "Add", "Sum": result = try result + other
      case "Sub": result = try result - other
      case "Mul": result = try result * other
      case "Div": result = try result / other
      case "Max": result = try result.maximum(other)
      case "Min": result = try result.minimum(other)
      default:
        // A constant power needs no logarithm.
        result = try other.size == 1 && !other.isTracked ? result.pow(other.value.item()) : result.pow(other)
      }
    }
    return .tensor(result)
  }

  /// Arithmetic of shapes.
  private func combine(_ a: [Int], _ s: [Int], _ b: [Int], _ t: [Int]) throws -> OnnxValue {
    guard a.count == b.count || a.count == 1 || b.count == 1 else {
      throw problem("combines \(s) and \(t) whole numbers")
    }
    let count = a.isEmpty || b.isEmpty ? 0 : max(a.count, b.count)
    let values = try (0..<count).map { i -> Int in
      let (x, y) = (a[a.count == 1 ? 0 : i], b[b.count == 1 ? 0 : i])
      guard abs(x) < 1 << 31, abs(y) < 1 << 31 else { throw problem("has numbers too large for a shape") }
      switch node.operation {
      case "Add", "Sum": return x + y
      case "Sub": return x - y
      case "Mul": return x * y
      case "Max": return max(x, y)
      case "Min": return min(x, y)
      case "Div":
        guard y != 0 else { throw problem("divides by zero") }
        return x / y
      default: throw problem("is not known for whole numbers")
      }
    }
    return .integers(values, shape: s.count >= t.count && a.count == count ? s : t)
  }
}
