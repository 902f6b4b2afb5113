// Making tensors: from lists, filled, counted, random.
import Autodiff
import Ground
import SeepLanguage
import Tensors

/// `"float32"` and so on, as names in programs, so that `dtype: float64` reads as in other libraries.
let dtypeConstants: [(name: String, value: Value)] = DType.allCases.map { ($0.name, Value($0.name)) }

private func filled(_ name: String, _ value: Double, _ what: String) -> Builtin {
  Builtin(
    name, "\(name)(shape..., dtype: \"float32\")",
    "A tensor of \(what). `shape` is given as ints or as one list. Errors: `out-of-memory`, `bad-shape`.",
    example: "print(\(name)(2, 2))  # expect: \(value == 0 ? "[[0.0, 0.0], [0.0, 0.0]]" : "[[1.0, 1.0], [1.0, 1.0]]")",
    group: "tensors"
  ) { call in
    Value(TensorValue(Variable(try .full(call.shape("shape"), value, Literal.dtype(call))), origin: "\(name)(…)"))
  }
}

private func random(
  _ name: String, _ what: String, _ make: @escaping ([Int], RandomKey, DType) throws -> Tensor
) -> Builtin {
  Builtin(
    name, "\(name)(shape..., dtype: \"float32\")",
    "A tensor of random numbers \(what), drawn from the session's random state (`seed` sets it).",
    example: "seed(1)\nprint(\(name)(2, 3).shape)  # expect: [2, 3]", group: "random"
  ) { call in
    let dtype = try Literal.dtype(call)
    return Value(TensorValue(Variable(try make(call.shape("shape"), call.session.nextKey(for: name), dtype))))
  }
}

let creationBuiltins: [Builtin] = [
  Builtin(
    "tensor", "tensor(values, dtype: \"float32\")",
    "A tensor of numbers: a number, or lists nested to any depth, all of equal length. float32 unless `dtype` says otherwise.",
    example: "print(tensor([[1, 2], [3, 4]]).shape)  # expect: [2, 2]", group: "tensors"
  ) { call in Value(TensorValue(Variable(try Literal.tensor(call["values"], dtype: Literal.dtype(call))))) },

  filled("zeros", 0, "zeros"),
  filled("ones", 1, "ones"),

  Builtin(
    "full", "full(shape, value, dtype: \"float32\")",
    "A tensor of this shape filled with one number. `shape` is an int or a list.",
    example: "print(full([2], 7))  # expect: [7.0, 7.0]", group: "tensors"
  ) { call in
    Value(TensorValue(Variable(try .full(call.ints("shape"), call.double("value"), Literal.dtype(call)))))
  },

  Builtin(
    "zeros_like", "zeros_like(x)", "Zeros of the shape and dtype of `x`.",
    example: "print(zeros_like(ones(2)))  # expect: [0.0, 0.0]", group: "tensors"
  ) { call in
    let x = try tensorArgument(call, "x")
    return Value(TensorValue(Variable(try .zeros(x.shape, x.dtype))))
  },

  Builtin(
    "arange", "arange(start, stop?, step: 1, dtype: \"float32\")",
    "Numbers from `start` up to, not including, `stop`, on one axis; with one argument from 0 up to it.",
    example: "print(arange(4))  # expect: [0.0, 1.0, 2.0, 3.0]", group: "tensors"
  ) { call in
    let first = try call.double("start")
    let second = try call.optionalDouble("stop")
    let step = try call.double("step")
    guard step != 0 else { throw call.fault("out-of-range", "`step` of `arange` must not be 0", argument: "step") }
    let (start, stop) = second.map { (first, $0) } ?? (0, first)
    return Value(TensorValue(Variable(try .arange(start, stop, step: step, dtype: Literal.dtype(call)))))
  },

  Builtin(
    "linspace", "linspace(start, stop, count, dtype: \"float32\")",
    "`count` evenly spaced numbers, both ends included: `[count]`.",
    example: "print(linspace(0, 1, 3))  # expect: [0.0, 0.5, 1.0]", group: "tensors"
  ) { call in
    let count = try call.int("count", in: 1...Int.max)
    return Value(
      TensorValue(
        Variable(try .linspace(call.double("start"), call.double("stop"), count: count, dtype: Literal.dtype(call)))))
  },

  Builtin(
    "eye", "eye(n, dtype: \"float32\")", "The identity matrix `[n, n]`.",
    example: "print(eye(2))  # expect: [[1.0, 0.0], [0.0, 1.0]]", group: "tensors"
  ) { call in Value(TensorValue(Variable(try .eye(call.int("n", in: 0...Int.max), dtype: Literal.dtype(call))))) },

  random("rand", "uniform in [0, 1)") { try Tensor.uniform($0, key: $1, dtype: $2) },
  random("randn", "from the standard normal distribution") { try Tensor.normal($0, key: $1, dtype: $2) },

  Builtin(
    "randint", "randint(low, high, shape...)",
    "Random int64 numbers from `low` up to, not including, `high`, in the given shape.",
    example: "seed(1)\nprint(randint(0, 10, 3).dtype)  # expect: int64", group: "random"
  ) { call in
    let (low, high) = (try call.int("low"), try call.int("high"))
    guard high > low else {
      throw call.fault("out-of-range", "`high` must be greater than `low` (\(low))", argument: "high")
    }
    let shape = try call.shape("shape")
    var stream = RandomStream(call.session.nextKey(for: "randint"))
    let count = try checkedSize(shape)
    let values = (0..<count).map { _ in Int64(low + stream.below(high - low)) }
    return Value(TensorValue(Variable(try Tensor(values, shape: shape))))
  },

  Builtin(
    "permutation", "permutation(n)", "The numbers 0 to n-1 in random order, as a list.",
    example: "seed(1)\nprint(len(permutation(5)))  # expect: 5", group: "random"
  ) { call in
    var stream = RandomStream(call.session.nextKey(for: "permutation"))
    let order = try stream.longPermutation(call.int("n", in: 0...50_000_000))
    return try Value.list(order.count) { Value(order[$0]) }
  },

  Builtin(
    "seed", "seed(number)",
    "Sets the random state: what is drawn afterwards is a function of `number` and of the order of draws.",
    example: "seed(3)\nlet a = rand(2)\nseed(3)\nprint(all(a == rand(2)))  # expect: true", group: "random"
  ) { call in
    call.session.random = RandomState(seed: try call.int("number"))
    return .none
  },

  Builtin(
    "to", "to(x, dtype)", "The tensor with another dtype: `to(x, float64)`. Differentiable between float dtypes.",
    example: "print(to(ones(1), float64).dtype)  # expect: float64", group: "tensors"
  ) { call in Value(TensorValue(try tensorArgument(call, "x").converted(to: Literal.dtype(call)))) },

  Builtin(
    "item", "item(x)", "The number in a tensor of one element.", example: "print(item(tensor([3])))  # expect: 3.0",
    group: "tensors"
  ) { call in
    let x = try tensorArgument(call, "x")
    return try Literal.lists(x.value.reshape([]))
  },

  Builtin(
    "to_list", "to_list(x)", "The tensor as nested lists of numbers.",
    example: "print(to_list(eye(2)))  # expect: [[1.0, 0.0], [0.0, 1.0]]", group: "tensors"
  ) { call in try Literal.lists(tensorArgument(call, "x").value) },
]

/// The product of a shape, or a diagnostic where it is negative or too large for any memory.
func checkedSize(_ shape: [Int]) throws -> Int {
  var size = 1
  for extent in shape {
    guard extent >= 0 else { throw Fault("bad-shape", "a shape has no negative sizes: \(written(shape))") }
    let (product, overflow) = size.multipliedReportingOverflow(by: extent)
    guard !overflow else { throw Fault("out-of-memory", "no memory holds a tensor of shape \(written(shape))") }
    size = product
  }
  return size
}

/// A tensor argument; numbers and lists of numbers count as tensors.
func tensorArgument(_ call: Call, _ name: String) throws -> Variable {
  let value = call[name]
  if let tensor = value.foreign(as: TensorValue.self) { return tensor.variable }
  if value.asDouble != nil || value.asItems != nil || value.asBool != nil {
    return Variable(try Literal.tensor(value))
  }
  return try call.foreign(as: TensorValue.self, name, kind: "a tensor").variable
}
