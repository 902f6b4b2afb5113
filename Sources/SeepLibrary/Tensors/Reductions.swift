// Sums, means and other reductions over axes; on lists of numbers as well.
import Autodiff
import Ground
import SeepLanguage
import Tensors

/// `sum(x, axis: none, keep: false)` and its relatives.
private func reduction(
  _ name: String, _ what: String, example: String, extra: String = "",
  _ body: @escaping (Variable, [Int]?, Bool, Call) throws -> Variable
) -> Builtin {
  Builtin(
    name, "\(name)(x, axis: none, keep: false\(extra))",
    what + " Over all elements, or along `axis` (an int or a list); `keep: true` leaves the axes with size 1.",
    example: example, group: "reductions"
  ) { call in
    let value = call["x"]
    let x = try floats(call, "x")
    let result = try body(x, axes(call, rank: x.rank), call.bool("keep"), call)
    return numberIfList(value, result)
  }
}

/// A list of numbers gives a number; a tensor gives a tensor.
private func numberIfList(_ value: Value, _ result: Variable) -> Value {
  if value.foreign(as: TensorValue.self) == nil, result.size == 1, !result.isTracked,
    let number = try? result.value.item()
  {
    return Value(number)
  }
  return Value(TensorValue(result))
}

/// A tensor of floats: masks and labels become float32; lists of numbers are float64, as numbers are.
func floats(_ call: Call, _ name: String) throws -> Variable {
  let value = call[name]
  if value.foreign(as: TensorValue.self) == nil, value.asItems != nil || value.asDouble != nil {
    if let items = value.asItems, items.contains(where: { $0.foreign(as: TensorValue.self) != nil }) {
      let parts = try items.map { item -> Variable in
        let part = try item.foreign(as: TensorValue.self)?.variable ?? Variable(Literal.tensor(item))
        return try part.unsqueeze(axis: 0)
      }
      return try Variable.concat(parts, axis: 0)
    }
    return Variable(try Literal.tensor(value, dtype: .float64))
  }
  let x = try tensorArgument(call, name)
  return x.dtype.isFloat ? x : try x.converted(to: .float32)
}

/// The axes meant by `axis:`, counted from the front; nil for all.
func axes(_ call: Call, rank: Int) throws -> [Int]? {
  try call.optionalInts("axis")?.map { axis in
    let place = axis < 0 ? axis + rank : axis
    guard place >= 0, place < rank else {
      throw badAxis(axis, rank: rank, argument: call.index(of: "axis"), helps: true)
    }
    return place
  }
}

/// The words for an axis that a tensor of so many axes does not have.
func badAxis(_ axis: Int, rank: Int, argument: Int, helps: Bool = false) -> Fault {
  Fault(
    "bad-axis", "axis \(axis) of a tensor with \(rank) \(rank == 1 ? "axis" : "axes")",
    help: helps && rank > 0 ? "an axis from \(-rank) to \(rank - 1)" : nil, argument: argument)
}

/// One axis, counted from the front.
func axis(_ call: Call, _ name: String = "axis", rank: Int) throws -> Int {
  let given = try call.int(name)
  let place = given < 0 ? given + rank : given
  guard place >= 0, place < rank else { throw badAxis(given, rank: rank, argument: call.index(of: name)) }
  return place
}

private func extreme(_ name: String, _ what: String, example: String, largest: Bool) -> Builtin {
  Builtin(
    name, "\(name)(x, rest..., axis: none, keep: false)",
    "\(what) of the elements of a tensor or list, or of several numbers: `\(name)(a, b)`. Ties share the derivative.",
    example: example, group: "reductions"
  ) { call in
    let rest = call.rest("rest")
    if rest.isEmpty {
      if let items = call["x"].asItems, !items.isEmpty, items.allSatisfy({ $0.asInt != nil }) {
        let ints = items.compactMap(\.asInt)
        return Value((largest ? ints.max() : ints.min()) ?? 0)
      }
      let x = try floats(call, "x")
      guard x.size > 0 else { throw call.fault("empty-tensor", "`\(name)` of nothing", argument: "x") }
      let axes = try axes(call, rank: x.rank)
      let keep = try call.bool("keep")
      return numberIfList(
        call["x"], largest ? try x.max(axes: axes, keep: keep) : try x.min(axes: axes, keep: keep))
    }
    let all = [call["x"]] + rest
    if all.allSatisfy({ $0.asInt != nil }) {
      let ints = all.compactMap(\.asInt)
      return Value((largest ? ints.max() : ints.min()) ?? 0)
    }
    if all.allSatisfy({ $0.asDouble != nil }) {
      let numbers = all.compactMap(\.asDouble)
      if numbers.contains(where: \.isNaN) { return Value(Double.nan) }
      return Value((largest ? numbers.max() : numbers.min()) ?? .nan)
    }
    guard let like = all.lazy.compactMap({ $0.foreign(as: TensorValue.self) }).first else {
      throw call.fault(
        "type-mismatch", "`\(name)` compares numbers or tensors, not \(described(all[0]))", argument: "x")
    }
    var result = try TensorOperators.variable(all[0], like: like.variable)
    for value in all.dropFirst() {
      let other = try TensorOperators.variable(value, like: like.variable)
      result = largest ? try result.maximum(other) : try result.minimum(other)
    }
    return Value(TensorValue(result))
  }
}

private func place(_ name: String, _ what: String, example: String, largest: Bool) -> Builtin {
  Builtin(
    name, "\(name)(x, axis: none, keep: false)",
    "The place of the \(what) element along `axis` (int64), the first of equals; without `axis`, its place in the flattened tensor, as an int.",
    example: example, group: "reductions"
  ) { call in
    let x = try floats(call, "x").value
    guard x.size > 0 else { throw call.fault("empty-tensor", "`\(name)` of nothing", argument: "x") }
    let along = try call.optionalInt("axis") == nil ? nil : axis(call, rank: x.rank)
    let keep = try call.bool("keep")
    let result = largest ? try x.argmax(axis: along, keep: keep) : try x.argmin(axis: along, keep: keep)
    return along == nil && !keep ? Value(Int(try result.item())) : Value(TensorValue(Variable(result)))
  }
}

let reductionBuiltins: [Builtin] = [
  Builtin(
    "sum", "sum(x, axis: none, keep: false)",
    "The sum over all elements, or along `axis` (an int or a list), which the result does not have; `keep: true` leaves the axes with size 1. A list of ints gives an int.",
    example: "print(sum([1, 2, 3]))  # expect: 6", group: "reductions"
  ) { call in
    if let items = call["x"].asItems, items.allSatisfy({ $0.asInt != nil }) {
      var total = 0
      for item in items {
        let (next, overflow) = total.addingReportingOverflow(item.asInt ?? 0)
        guard !overflow else { throw Fault("integer-overflow", "the sum does not fit in 64 bits", argument: 0) }
        total = next
      }
      return Value(total)
    }
    let x = try floats(call, "x")
    return numberIfList(call["x"], try x.sum(axes: axes(call, rank: x.rank), keep: call.bool("keep")))
  },
  reduction("mean", "The mean.", example: "print(mean([1, 2, 3]))  # expect: 2.0") { x, axes, keep, _ in
    try x.mean(axes: axes, keep: keep)
  },
  reduction(
    "variance", "The variance, divided by n - 1 unless `biased: true` (then by n).",
    example: "print(variance([1, 2, 3]))  # expect: 1.0", extra: ", biased: false"
  ) { try $0.variance(axes: $1, keep: $2, biased: $3.bool("biased")) },
  reduction(
    "std", "The standard deviation, the root of `variance`.",
    example: "print(std([1, 2, 3]))  # expect: 1.0", extra: ", biased: false"
  ) { try $0.std(axes: $1, keep: $2, biased: $3.bool("biased")) },
  reduction("prod", "The product.", example: "print(prod([2, 3]))  # expect: 6.0") { x, axes, keep, _ in
    try x.prod(axes: axes, keep: keep)
  },
  reduction(
    "logsumexp", "log Σ eˣ, computed stably.", example: "print(logsumexp([0, 0]))  # expect near: 0.6931 ± 1e-3"
  ) { x, axes, keep, _ in try x.logSumExp(axes: axes, keep: keep) },
  extreme("max", "The largest", example: "print(max([1, 3, 2]))  # expect: 3", largest: true),
  extreme("min", "The smallest", example: "print(min(4, 2.5))  # expect: 2.5", largest: false),
  place("argmax", "largest", example: "print(argmax([1, 3, 2]))  # expect: 1", largest: true),
  place("argmin", "smallest", example: "print(argmin([1, 3, 2]))  # expect: 0", largest: false),
  truth("any", "Whether any element is true (not 0).", "true", .any),
  truth("all", "Whether all elements are true (not 0).", "false", .all),
  Builtin(
    "cumsum", "cumsum(x, axis: -1)", "Running sums along `axis`, in the shape of `x`.",
    example: "print(cumsum(tensor([1, 2, 3])))  # expect: [1.0, 3.0, 6.0]", group: "reductions"
  ) { call in
    let x = try tensorArgument(call, "x")
    return Value(TensorValue(try x.cumsum(axis: axis(call, rank: x.rank))))
  },
]

private func truth(_ name: String, _ what: String, _ result: String, _ kind: Tensor.Reduction) -> Builtin {
  Builtin(
    name, "\(name)(x, f?, axis: none)",
    what + " Of a list or tensor; along `axis` a mask; with `f`, of what it says of each item of a list.",
    example: "print(\(name)([true, false]))  # expect: \(result)", group: "reductions"
  ) { call in
    if let f = try call.optionalFunction("f") {
      // Stops at the first item that decides.
      let decisive = kind == .any
      for item in try call.list("x") {
        if try call.invoke(f, [item]).truth() == decisive { return Value(decisive) }
      }
      return Value(!decisive)
    }
    let x = try tensorArgument(call, "x").value.converted(to: .bool)
    let axes = try axes(call, rank: x.rank)
    let result = try x.reduce(kind, axes: axes)
    return axes == nil ? Value(try result.item() != 0) : Value(TensorValue(Variable(result)))
  }
}
