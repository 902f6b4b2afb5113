// What calls that make and reshape tensors give, as far as that is known before a program runs. Each rule does what the function of its
// name does to shapes, in the same order and with the same words; a test runs programs and compares.
import Autodiff
import Ground
import SeepLanguage
import Tensors

typealias Rule = KnownCall.Rule

/// As for the functions themselves: a fault that blames no argument is about this one, which is labelled.
func blaming<R>(_ call: KnownCall, _ name: String, labelling also: String? = nil, _ body: () throws -> R) throws -> R {
  do {
    return try body()
  } catch var fault as Fault where fault.argument == nil {
    fault.argument = call.index(of: name)
    for label in [name, also].compactMap({ $0 }) where fault.operands[call.index(of: label)] == nil {
      if let tensor = call[label].object(as: KnownTensor.self) {
        fault.operands[call.index(of: label)] = tensor.summary
      }
    }
    throw fault
  }
}

/// Refuses a shape that is none; one that is not known in whole passes.
private func checked(_ dims: [Int?]) throws -> [Int?] {
  let known = dims.compactMap { $0 }
  if known.count == dims.count { _ = try checkedSize(known) }
  return dims
}

private func made(_ dims: [Int?], _ dtype: DType?) throws -> Known { .object(try KnownTensor(dims, dtype)) }

/// A tensor of a shape that is given.
private let filled: Rule = { call in
  let dtype = try Shapes.dtype(call)
  return try made(checked(call.shape("shape")), dtype)
}

private func shaping(_ body: @escaping @Sendable (KnownTensor, KnownCall) throws -> [Int?]) -> Rule {
  { call in
    let x = try Shapes.tensor(call, "x")
    return try made(body(x, call), x.dtype)
  }
}

/// How many numbers `arange` makes.
private func steps(_ call: KnownCall) throws -> Int {
  let first = try call.double("start")
  let step = try call.double("step")
  var bounds = (0.0, first)
  if case .none = call["stop"] {} else { bounds = (first, try call.double("stop")) }
  guard step != 0 else { throw Unclear() }
  let count = ((bounds.1 - bounds.0) / step).rounded(.up)
  guard count.isFinite, count < 0x1p40 else { throw Unclear() }
  return max(0, Int(count))
}

let creationRules: [String: Rule] = [
  "zeros": filled, "ones": filled, "rand": filled, "randn": filled,
  "randint": { call in
    guard try call.int("high") > call.int("low") else { throw Unclear() }
    return try made(checked(call.shape("shape")), .int64)
  },
  "full": { call in
    switch call["value"] {
    case .int, .float: break
    default: throw Unclear()
    }
    return try made(checked(call.ints("shape")), Shapes.dtype(call))
  },
  "tensor": { call in
    let dtype = try Shapes.dtype(call)
    if let tensor = call["values"].object(as: KnownTensor.self) { return try made(tensor.dims, dtype) }
    return try made(Shapes.literal(call["values"]), dtype)
  },
  "zeros_like": { call in
    let x = try Shapes.tensor(call, "x")
    return try made(x.dims, x.dtype)
  },
  "arange": { call in try made([steps(call)], Shapes.dtype(call)) },
  "linspace": { call in
    let count = try call.int("count")
    guard count >= 1 else { throw Unclear() }
    return try made([count], Shapes.dtype(call))
  },
  "eye": { call in
    let n = try call.int("n")
    guard n >= 0 else { throw Unclear() }
    return try made(checked([n, n]), Shapes.dtype(call))
  },
  "to": { call in
    let x = try Shapes.tensor(call, "x")
    return try made(x.dims, Shapes.dtype(call))
  },
  "stop_gradient": { call in
    let x = try call.object(as: KnownTensor.self, "x")
    return try made(x.dims, x.dtype)
  },
  "len": { call in
    switch call["x"] {
    case .list(let items), .tuple(let items): return .int(items.count)
    case .record(let fields): return .int(Set(fields.map(\.name)).count)
    case .string(let text): return .int(text.unicodeScalars.count)
    case .object(let object):
      guard let count = object.items?.count else { throw Unclear() }
      return .int(count)
    default: throw Unclear()
    }
  },
]

let shapingRules: [String: Rule] = [
  "reshape": { call in
    let sizes = try call.shape("shape")
    if let first = call["x"].asInt {
      let known = sizes.compactMap { $0 }
      guard known.count == sizes.count else { throw Unclear() }
      return try KnownModel.layer(Reshaping.layer([first] + known))
    }
    let x = try Shapes.tensor(call, "x")
    let known = sizes.compactMap { $0 }
    if known.count == sizes.count, let shape = x.shape {
      return try made(blaming(call, "x") { try Tensor.reshaped(shape, known) }, x.dtype)
    }
    return try made(sizes.map { $0 == -1 ? nil : $0 }, x.dtype)
  },
  "permute": shaping { x, call in
    let axes = try call.shape("axes").map { axis -> Int in
      guard let axis else { throw Unclear() }
      return axis
    }
    try Tensor.checkOrder(axes, rank: x.rank)
    return axes.map { x.dims[$0] }
  },
  "transpose": shaping { x, call in
    var dims = x.dims
    let (a, b) = (try Shapes.axis(call, "a", rank: x.rank), try Shapes.axis(call, "b", rank: x.rank))
    dims.swapAt(a, b)
    return dims
  },
  "flatten": shaping { x, call in
    let start = x.rank == 0 ? 0 : try Shapes.axis(call, "start", rank: x.rank)
    let rest = x.dims[start...].compactMap { $0 }
    let isKnown = rest.count == x.rank - start
    return x.dims[..<start] + [isKnown ? rest.reduce(1, *) : nil]
  },
  "squeeze": shaping { x, call in
    let place = try Shapes.axis(call, rank: x.rank)
    if let size = x.dims[place], size != 1 {
      throw notSingle(place, x.label, argument: call.index(of: "axis"))
    }
    var dims = x.dims
    dims.remove(at: place)
    return dims
  },
  "unsqueeze": shaping { x, call in
    var dims = x.dims
    dims.insert(1, at: try Shapes.axis(call, rank: x.rank + 1))
    return dims
  },
  "broadcast_to": shaping { x, call in
    let target = try call.shape("shape")
    let missing = target.count - x.rank
    let fits =
      missing >= 0
      && zip(x.dims, target.dropFirst(missing)).allSatisfy { $0 == nil || $1 == nil || $0 == $1 || $0 == 1 }
    guard fits else { throw Tensor.doesNotBroadcast(x.label, to: KnownTensor.written(target)) }
    return try checked(target)
  },
  "flip": shaping { x, call in
    _ = try Shapes.axis(call, rank: x.rank)
    return x.dims
  },
  "roll": shaping { x, call in
    _ = try call.int("shift")
    _ = try Shapes.axis(call, rank: x.rank)
    return x.dims
  },
  "concat": { call in
    let parts = try Shapes.parts(call, "xs")
    let along = try Shapes.axis(call, rank: parts[0].rank)
    return try blaming(call, "xs") { try Shapes.joined(parts, along) }
  },
  "stack": { call in
    let parts = try Shapes.parts(call, "xs")
    let along = try Shapes.axis(call, rank: parts[0].rank + 1)
    let raised = try parts.map { part in
      guard along <= part.rank else { throw Unclear() }
      var dims = part.dims
      dims.insert(1, at: along)
      return try KnownTensor(dims, part.dtype)
    }
    return try blaming(call, "xs") { try Shapes.joined(raised, along) }
  },
  "pad": shaping { x, call in
    var pairs: [(Int, Int)] = []
    if let one = call["pads"].asInt {
      pairs = Array(repeating: (one, one), count: min(2, x.rank))
    } else {
      guard let items = call["pads"].asItems else { throw Unclear() }
      for item in items {
        guard let pair = item.asItems, pair.count == 2, let low = pair[0].asInt, let high = pair[1].asInt else {
          throw Unclear()
        }
        pairs.append((low, high))
      }
    }
    guard pairs.count <= x.rank, pairs.allSatisfy({ $0.0 >= 0 && $0.1 >= 0 }) else {
      throw unfit(pads: pairs.count, rank: x.rank, argument: call.index(of: "pads"))
    }
    guard pairs.allSatisfy({ $0.0 < 1 << 40 && $0.1 < 1 << 40 }) else { throw Unclear() }
    let all = Array(repeating: (0, 0), count: x.rank - pairs.count) + pairs
    return zip(x.dims, all).map { size, pad in size.map { $0 + pad.0 + pad.1 } }
  },
  "gather": { call in
    let x = try Shapes.tensor(call, "x")
    let along = try Shapes.axis(call, rank: x.rank)
    let indices = try Shapes.tensor(call, "indices")
    func fits(_ axis: Int) -> Bool {
      guard axis != along, let there = indices.dims[axis], let here = x.dims[axis] else { return true }
      return there <= here
    }
    guard indices.rank == x.rank, (0..<x.rank).allSatisfy(fits) else {
      throw Tensor.doNotGather(x.label, indices.label, axis: along)
    }
    return try made(indices.dims, x.dtype)
  },
  "one_hot": { call in
    let labels = try Shapes.labels(call, "labels")
    let classes = try call.int("classes")
    guard classes >= 1 else { throw Unclear() }
    return try made(labels + [classes], Shapes.dtype(call))
  },
  "sort": { call in
    let x = try call.object(as: KnownTensor.self, "x")
    _ = try Shapes.axis(call, rank: x.rank)
    return .tuple([try made(x.dims, x.dtype), try made(x.dims, .int64)])
  },
  "topk": { call in
    let x = try call.object(as: KnownTensor.self, "x")
    let along = try Shapes.axis(call, rank: x.rank)
    let k = try call.int("k")
    guard k >= 0, let size = x.dims[along], k <= size else { throw Unclear() }
    var dims = x.dims
    dims[along] = k
    return .tuple([try made(dims, x.dtype), try made(dims, .int64)])
  },
  "eigh": { call in
    let a = try call.object(as: KnownTensor.self, "a")
    func isSquare() -> Bool {
      guard a.rank == 2 else { return false }
      guard let rows = a.dims[0], let columns = a.dims[1] else { return true }
      return rows == columns && rows > 0
    }
    guard isSquare() else { throw notSquare(a.label, argument: call.index(of: "a")) }
    let dtype = a.dtype.map { $0 == .float32 ? $0 : .float64 }
    return .tuple([try made([a.dims[0]], dtype), try made(a.dims, dtype)])
  },
]

extension Shapes {
  /// A list of tensors; numbers and lists take the dtype of the first tensor.
  static func parts(_ call: KnownCall, _ name: String) throws -> [KnownTensor] {
    guard let items = call[name].asItems, !items.isEmpty else { throw Unclear() }
    let like = items.lazy.compactMap { $0.object(as: KnownTensor.self) }.first
    return try items.map { item in
      try item.object(as: KnownTensor.self) ?? KnownTensor(literal(item), like.map(\.dtype) ?? .float32)
    }
  }

  /// Tensors one after another along an axis.
  static func joined(_ parts: [KnownTensor], _ axis: Int) throws -> Known {
    let first = parts[0]
    var dims = first.dims
    for part in parts.dropFirst() {
      guard part.rank == first.rank else {
        throw Tensor.doNotConcatenate(first.label, part.label, axis: axis)
      }
      for i in 0..<first.rank where i != axis {
        guard let a = first.dims[i], let b = part.dims[i] else { continue }
        if a != b { throw Tensor.doNotConcatenate(first.label, part.label, axis: axis) }
      }
      guard let dtype = part.dtype, let other = first.dtype else { throw Unclear() }
      guard dtype == other else { throw Tensor.doNotConcatenate(other, dtype) }
      for i in 0..<first.rank where i != axis { dims[i] = dims[i] ?? part.dims[i] }
      if let sum = dims[axis], let more = part.dims[axis] { dims[axis] = sum + more } else { dims[axis] = nil }
    }
    return .object(try KnownTensor(dims, first.dtype))
  }

  /// The shape of labels: an int, a list of ints, or a tensor.
  static func labels(_ call: KnownCall, _ name: String) throws -> [Int?] {
    switch call[name] {
    case .int: return [1]
    case .list(let items), .tuple(let items):
      guard items.allSatisfy({ $0.asInt != nil || $0.isUnknown }) else { throw Unclear() }
      return [items.count]
    case .object(let object as KnownTensor): return object.rank == 0 ? [1] : object.dims
    default: throw Unclear()
    }
  }
}
