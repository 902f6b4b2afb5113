// Shapes and places: reshape, permute, concat, pad, gather, sort and the like.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

private func shaping(
  _ signature: String, _ what: String, example: String, _ body: @escaping (Variable, Call) throws -> Variable
) -> Builtin {
  Builtin(signature, group: "shapes", what, example: example) { call in
    Value(TensorValue(try body(tensorArgument(call, "x"), call)))
  }
}

/// A list of tensors (numbers and lists count as tensors) with one dtype.
func tensors(_ call: Call, _ name: String) throws -> [Variable] {
  let items = try call.list(name)
  guard !items.isEmpty else { throw call.fault("empty-list", "`\(call.name)` of no tensors", argument: name) }
  let like = items.lazy.compactMap { $0.foreign(as: TensorValue.self) }.first
  let model = try like?.variable ?? Variable(Tensor.scalar(0))
  return try items.map { try TensorOperators.variable($0, like: model) }
}

/// The words for an axis, of a shape as it is written, that cannot be left out.
func notSingle(_ axis: Int, _ shape: String, argument: Int) -> Fault {
  Fault("bad-axis", "axis \(axis) of shape \(shape) has not size 1", argument: argument)
}

func unfit(pads count: Int, rank: Int, argument: Int) -> Fault {
  Fault("bad-shape", "`pads` has \(count) pairs for \(rank) axes, or negative ones", argument: argument)
}

let shapingBuiltins: [Builtin] = [
  Builtin(
    "reshape(x, shape...)", group: "shapes",
    "The same elements, in the same order, in another shape; one size may be -1. `reshape(64, 7, 7)` without a tensor is a layer of a model that reshapes each example.",
    example: "print(arange(4).reshape(2, 2))  # expect: [[0.0, 1.0], [2.0, 3.0]]"
  ) { call in
    let sizes = try call.shape("shape")
    if let first = call["x"].asInt { return Layers.value(try Reshape([first] + sizes), call.session) }
    let x = try tensorArgument(call, "x")
    return Value(TensorValue(try blaming(call, "x") { try x.reshape(sizes) }))
  },
  shaping(
    "permute(x, axes...)", "The axes in another order: axis `axes[i]` becomes axis i.",
    example: "print(ones(2, 3).permute(1, 0).shape)  # expect: [3, 2]"
  ) { try $0.permute($1.shape("axes")) },
  shaping(
    "transpose(x, a: -2, b: -1)", "Two axes exchanged, by default the last two: `[…, m, n]` to `[…, n, m]`.",
    example: "print(ones(2, 3).transpose().shape)  # expect: [3, 2]"
  ) { x, call in
    var order = Array(0..<x.rank)
    order.swapAt(try axis(call, "a", rank: x.rank), try axis(call, "b", rank: x.rank))
    return try x.permute(order)
  },
  Builtin(
    "flatten(x, start: 0)", group: "shapes",
    "The axes from `start` on as one. In a model: a layer that flattens all but the batch axis.",
    example: "print(flatten(ones(2, 3, 4), start: 1).shape)  # expect: [2, 12]"
  ) { call in
    let x = try tensorArgument(call, "x")
    let start = x.rank == 0 ? 0 : try axis(call, "start", rank: x.rank)
    let rest = x.shape[start...].reduce(1, *)
    return Value(TensorValue(try x.reshape(Array(x.shape[..<start]) + [rest])))
  },
  shaping(
    "squeeze(x, axis)", "Without an axis of size 1.", example: "print(ones(1, 2).squeeze(0).shape)  # expect: [2]"
  ) {
    let place = try axis($1, rank: $0.rank)
    guard $0.shape[place] == 1 else {
      throw notSingle(place, written($0.shape), argument: $1.index(of: "axis"))
    }
    return try $0.squeeze(axis: place)
  },
  shaping(
    "unsqueeze(x, axis)", "With a new axis of size 1 before `axis`.",
    example: "print(ones(2).unsqueeze(0).shape)  # expect: [1, 2]"
  ) { try $0.unsqueeze(axis: axis($1, rank: $0.rank + 1)) },
  shaping(
    "broadcast_to(x, shape...)", "Repeated to a larger shape, as in arithmetic.",
    example: "print(ones(1, 2).broadcast_to(3, 2).shape)  # expect: [3, 2]"
  ) { try $0.broadcast(to: $1.shape("shape")) },
  shaping(
    "flip(x, axis)", "In reverse order along an axis.", example: "print(flip(arange(3), 0))  # expect: [2.0, 1.0, 0.0]"
  ) { try $0.flip(axes: [axis($1, rank: $0.rank)]) },
  shaping(
    "roll(x, shift, axis: 0)", "Shifted along an axis; what leaves at the end comes in at the start.",
    example: "print(roll(arange(3), 1))  # expect: [2.0, 0.0, 1.0]"
  ) { try $0.roll(shift: $1.int("shift"), axis: axis($1, rank: $0.rank)) },
  Builtin(
    "concat(xs, axis: 0)", group: "shapes",
    "Tensors one after another along an existing axis; their other axes are equal.",
    example: "print(concat([ones(2), zeros(1)]))  # expect: [1.0, 1.0, 0.0]"
  ) { call in
    let parts = try tensors(call, "xs")
    let along = try axis(call, rank: parts[0].rank)
    return Value(TensorValue(try blaming(call, "xs") { try .concat(parts, axis: along) }))
  },
  Builtin(
    "stack(xs, axis: 0)", group: "shapes", "Tensors of equal shape along a new axis: k of `[m, n]` give `[k, m, n]`.",
    example: "print(stack([ones(2), zeros(2)]).shape)  # expect: [2, 2]"
  ) { call in
    let parts = try tensors(call, "xs")
    let along = try axis(call, rank: parts[0].rank + 1)
    return Value(TensorValue(try blaming(call, "xs") { try .stack(parts, axis: along) }))
  },
  shaping(
    "pad(x, pads, value: 0.0)",
    "Padded at the last axes: `pads` is a list of (before, after) pairs, the last pair for the last axis; an int pads the last two axes on all sides.",
    example: "print(pad(ones(1, 1), 1).shape)  # expect: [3, 3]"
  ) { x, call in
    var pairs: [(Int, Int)] = []
    if let one = call["pads"].asInt {
      pairs = Array(repeating: (one, one), count: min(2, x.rank))
    } else {
      for item in try call.list("pads") {
        guard let pair = item.asItems, pair.count == 2, let low = pair[0].asInt, let high = pair[1].asInt else {
          throw call.fault("type-mismatch", "`pads` is an int or a list of (before, after) pairs", argument: "pads")
        }
        pairs.append((low, high))
      }
    }
    guard pairs.count <= x.rank, pairs.allSatisfy({ $0.0 >= 0 && $0.1 >= 0 }) else {
      throw unfit(pads: pairs.count, rank: x.rank, argument: call.index(of: "pads"))
    }
    let all = Array(repeating: (0, 0), count: x.rank - pairs.count) + pairs
    return try x.pad(all, value: call.double("value"))
  },
  shaping(
    "gather(x, indices, axis: -1)",
    "x[i, indices[i, j]] along `axis`, as in PyTorch; the result has the shape of `indices`.",
    example: "print(gather(tensor([[5, 6]]), tensor([[1]], dtype: int64)))  # expect: [[6.0]]"
  ) { try $0.gather(axis: axis($1, rank: $0.rank), tensorArgument($1, "indices").value.converted(to: .int64)) },
  Builtin(
    "one_hot(labels, classes, dtype: \"float32\")", group: "shapes",
    "Rows of zeros with a one at each label, `[n, classes]` of n labels. `labels`: an int, a list of ints or an int64 tensor.",
    example: "print(one_hot([1], 3))  # expect: [[0.0, 1.0, 0.0]]"
  ) { call in
    let labels = try labels(call, "labels")
    let classes = try call.int("classes", in: 1...Int.max)
    if let wrong = try labels.integers().first(where: { $0 < 0 || $0 >= classes }) {
      throw call.fault("out-of-range", "label \(wrong) is outside 0..\(classes)", argument: "labels")
    }
    let hot = try labels.oneHot(classes: classes, dtype: Literal.dtype(call))
    return Value(TensorValue(Variable(hot)))
  },
  Builtin(
    "sort(x, axis: -1, descending: false)", group: "shapes",
    "The sorted tensor and the places its elements came from (int64), both in the shape of `x`, as a tuple; equal elements keep their order. See `sorted` for lists.",
    example: "let (values, places) = sort(tensor([3, 1, 2]))\nprint(values)  # expect: [1.0, 2.0, 3.0]"
  ) { call in
    if let items = call["x"].asItems, items.first.map({ $0.asString != nil }) ?? true {
      throw call.fault(
        "type-mismatch", "`sort` works on tensors; lists are sorted by `sorted`", argument: "x", help: "sorted({0})")
    }
    let x = try tensorArgument(call, "x")
    let (values, places) = try x.sort(axis: axis(call, rank: x.rank), descending: call.bool("descending"))
    return Value(tuple: [Value(TensorValue(values)), Value(TensorValue(Variable(places)))])
  },
  Builtin(
    "topk(x, k, axis: -1)", group: "shapes",
    "The `k` largest elements along `axis`, largest first, and their places: a tuple of two tensors with size `k` at `axis`.",
    example: "let (values, places) = topk(tensor([3, 1, 2]), 2)\nprint(values)  # expect: [3.0, 2.0]"
  ) { call in
    let x = try tensorArgument(call, "x")
    let along = try axis(call, rank: x.rank)
    let k = try call.int("k", in: 0...max(0, x.shape[along]))
    let (values, places) = try x.sort(axis: along, descending: true)
    return Value(
      tuple: [
        Value(TensorValue(try values.slice(axis: along, from: 0, to: k, step: 1))),
        Value(TensorValue(Variable(try places.slice(axis: along, from: 0, to: k, step: 1)))),
      ])
  },
  Builtin(
    "norm(x, axis: none, keep: false)", group: "reductions",
    "The Euclidean norm √Σx², of a tensor, a list, or all the tensors of an update or record together.",
    example: "print(norm(tensor([3, 4])))  # expect: 5.0"
  ) { call in
    if let parts = try Tree.leaves(call["x"]), call["x"].foreign(as: TensorValue.self) == nil, call["x"].asItems == nil
    {
      guard var total = try parts.first.map({ try $0.square().sum() }) else { return Value(0.0) }
      for part in parts.dropFirst() { total = try total + part.square().sum() }
      return total.isTracked ? Value(TensorValue(try total.sqrt())) : Value(try total.sqrt().value.item())
    }
    let x = try floats(call, "x")
    let result = try x.norm(axes: axes(call, rank: x.rank), keep: call.bool("keep"))
    let isPlain = call["x"].foreign(as: TensorValue.self) == nil && result.size == 1
    return isPlain ? Value(try result.value.item()) : Value(TensorValue(result))
  },
]

/// Labels as int64 `[n]`: an int, a list of ints, or a tensor of whole numbers.
func labels(_ call: Call, _ name: String) throws -> Tensor {
  let value = call[name]
  if let int = value.asInt { return try Tensor([Int64(int)], shape: [1]) }
  if let items = value.asItems {
    let ints = try items.map { item -> Int64 in
      guard let int = item.asInt else {
        throw call.fault("type-mismatch", "labels are ints, not \(described(item))", argument: name)
      }
      return Int64(int)
    }
    return try Tensor(ints, shape: [ints.count])
  }
  let given = try call.foreign(as: TensorValue.self, name, kind: "an int or labels").tensor
  return try given.rank == 0 ? given.converted(to: .int64).reshape([1]) : given.converted(to: .int64)
}
