// What functions of numbers, reductions and losses make of the shapes of tensors.
import Autodiff
import Ground
import SeepLanguage
import Tensors

/// A function of each element, in floats.
private let elementwise: Rule = { call in .object(try Shapes.floats(call.object(as: KnownTensor.self, "x"))) }

/// The same where a tensor of whole numbers may keep its dtype.
private let keeping: Rule = { call in
  let x = try call.object(as: KnownTensor.self, "x")
  return .object(try KnownTensor(x.dims, x.dtype.flatMap { $0.isFloat ? $0 : nil }))
}

/// Along one axis, the shape kept; the engine counts the axis.
private let along: Rule = { call in
  let x = try call.object(as: KnownTensor.self, "x")
  let axis = try call.int("axis")
  let place = axis < 0 ? axis + x.rank : axis
  guard place >= 0, place < x.rank else { throw Tensor.noAxis(place, x.label, x.rank) }
  guard x.dtype?.isFloat == true else { throw Unclear() }
  return .object(x)
}

/// The axes of a reduction's result.
private func reduced(_ dims: [Int?], _ axes: [Int]?, keep: Bool) throws -> [Int?] {
  guard let axes else { return keep ? dims.map { _ in 1 } : [] }
  if keep { return dims.indices.map { axes.contains($0) ? 1 : dims[$0] } }
  return dims.indices.filter { !axes.contains($0) }.map { dims[$0] }
}

private let reduction: Rule = { call in
  let x = try Shapes.floats(call.object(as: KnownTensor.self, "x"))
  let axes = try Shapes.axes(call, rank: x.rank)
  return .object(try KnownTensor(reduced(x.dims, axes, keep: call.bool("keep")), x.dtype))
}

private let extreme: Rule = { call in
  guard call.rest("rest").isEmpty else { throw Unclear() }
  let x = try call.object(as: KnownTensor.self, "x")
  guard let size = x.size, size > 0 else { throw Unclear() }
  return try reduction(call)
}

private let place: Rule = { call in
  let x = try call.object(as: KnownTensor.self, "x")
  guard let size = x.size, size > 0 else { throw Unclear() }
  if case .none = call["axis"] { throw Unclear() }
  let along = try Shapes.axis(call, rank: x.rank)
  return .object(try KnownTensor(reduced(x.dims, [along], keep: call.bool("keep")), .int64))
}

private let truth: Rule = { call in
  if case .none = call["f"] {} else { throw Unclear() }
  let x = try call.object(as: KnownTensor.self, "x")
  guard let axes = try Shapes.axes(call, rank: x.rank) else { return .unknown }
  return .object(try KnownTensor(reduced(x.dims, axes, keep: false), .bool))
}

/// Of two, element by element; numbers and lists take the dtype of the tensor.
private let pairwise: Rule = { call in
  let (a, b) = (call["a"], call["b"])
  guard let like = a.object(as: KnownTensor.self) ?? b.object(as: KnownTensor.self) else { throw Unclear() }
  let sides = try [a, b].map { try $0.object(as: KnownTensor.self) ?? KnownTensor(Shapes.literal($0), like.dtype) }
  let dtype = try common(sides[0], sides[1])
  return .object(try KnownTensor(Shapes.broadcast(sides[0].dims, sides[1].dims), dtype == .bool ? nil : dtype))
}

/// The dtype of two tensors in the engine, which has words of its own for two that do not meet.
private func common(_ a: KnownTensor, _ b: KnownTensor) throws -> DType {
  guard let x = a.dtype, let y = b.dtype, x == y || !x.isFloat || !y.isFloat else { throw Unclear() }
  return x == y || x.isFloat ? x : y.isFloat ? y : .int64
}

let arithmeticRules: [String: Rule] = [
  "exp": elementwise, "log": elementwise, "sqrt": elementwise, "sin": elementwise, "cos": elementwise,
  "tanh": elementwise, "sigmoid": elementwise, "relu": elementwise, "silu": elementwise, "erf": elementwise,
  "floor": elementwise, "ceil": elementwise,
  "abs": keeping, "sign": keeping, "gelu": keeping, "softplus": keeping,
  "round": { call in
    guard (0...15).contains(try call.int("digits")) else { throw Unclear() }
    return try keeping(call)
  },
  "clamp": { call in
    _ = (try call.double("low"), try call.double("high"))
    return try keeping(call)
  },
  "leaky_relu": { call in
    guard call.isGiven("x") else { return try KnownModel.layer(Reshaping.activation(call, "leaky_relu", "slope")) }
    return try keeping(call)
  },
  "elu": { call in
    guard call.isGiven("x") else { return try KnownModel.layer(Reshaping.activation(call, "elu", "alpha")) }
    return try keeping(call)
  },
  "softmax": along, "log_softmax": along,
  "maximum": pairwise, "minimum": pairwise,
  "where": { call in
    let mask = try Shapes.tensor(call, "condition")
    let (a, b) = (call["a"], call["b"])
    let like = (a.object(as: KnownTensor.self) ?? b.object(as: KnownTensor.self)).map(\.dtype) ?? .float32
    let sides = try [a, b].map { try $0.object(as: KnownTensor.self) ?? KnownTensor(Shapes.literal($0), like) }
    let dtype = try common(sides[0], sides[1])
    return .object(
      try KnownTensor(
        Shapes.broadcast(mask.dims, Shapes.broadcast(sides[0].dims, sides[1].dims)), dtype == .bool ? nil : dtype))
  },
  "sum": reduction, "mean": reduction, "variance": reduction, "std": reduction,
  "prod": { call in
    // It goes through the axes one by one.
    if let axes = call["axis"].asItems, axes.count > 1 { throw Unclear() }
    return try reduction(call)
  },
  "logsumexp": reduction, "norm": reduction,
  "max": extreme, "min": extreme, "argmax": place, "argmin": place, "any": truth, "all": truth,
  "cumsum": { call in
    let x = try call.object(as: KnownTensor.self, "x")
    _ = try Shapes.axis(call, rank: x.rank)
    return try keeping(call)
  },
  "cross_entropy": { call in
    let given = try call.object(as: KnownTensor.self, "logits")
    func batched(_ tensor: KnownTensor) throws -> KnownTensor {
      try tensor.rank == 1 ? KnownTensor([1] + tensor.dims, tensor.dtype) : tensor
    }
    let logits = try batched(given)
    if let soft = call["labels"].object(as: KnownTensor.self) {
      guard let dtype = soft.dtype else { throw Unclear() }
      if dtype.isFloat {
        let targets = try batched(soft)
        let fits =
          logits.rank == 2 && targets.rank == 2
          && zip(logits.dims, targets.dims).allSatisfy { $0 == nil || $1 == nil || $0 == $1 }
        return try blaming(call, "labels", labelling: "logits") {
          guard fits else { throw Variable.unfit(targets: targets.label, logits: logits.label) }
          return .object(try KnownTensor([], logits.dtype))
        }
      }
    }
    let labels = try Shapes.labels(call, "labels")
    return try blaming(call, "labels", labelling: "logits") {
      let fits =
        logits.rank == 2 && labels.count == 1
        && (labels[0] == nil || logits.dims[0] == nil || labels[0] == logits.dims[0])
      guard fits else { throw Variable.unfit(labels: KnownTensor.written(labels), logits: logits.label) }
      return .object(try KnownTensor([], logits.dtype.flatMap { $0.isFloat ? $0 : nil }))
    }
  },
]
