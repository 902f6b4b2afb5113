// `t[0, :, 1..3]`, `t[mask]`, `t[[2, 0]]`: reading and writing parts of a tensor.
import Autodiff
import Ground
import SeepLanguage
import Tensors

enum TensorIndex {
  static func read(_ x: Variable, _ items: [IndexItem]) throws -> Variable {
    if items.count == 1, case .value(let value) = items[0], let mask = value.foreign(as: TensorValue.self)?.tensor,
      mask.dtype == .bool
    {
      return try masked(x, mask)
    }
    try checkCount(items, x.shape)
    var result = x
    var axis = 0
    for (number, item) in items.enumerated() {
      // The tensor itself is operand 0.
      func place(_ index: Int, _ shape: [Int], _ axis: Int, in size: Int) throws -> Int {
        do {
          return try TensorIndex.place(index, shape, axis, in: size)
        } catch var fault as Fault {
          fault.argument = number + 1
          fault.operands[0] = "\(x.dtype.name) \(written(x.shape))"
          throw fault
        }
      }
      switch item {
      case .int(let index):
        result = try result.select(axis: axis, index: place(index, x.shape, axis, in: result.shape[axis]))
      case .range(let from, let to, let step):
        let (low, high) = bounds(from, to, result.shape[axis])
        let step = step ?? 1
        guard step >= 1 else { throw Fault("bad-index", "the step of a slice must be at least 1, not \(step)") }
        result = try result.slice(axis: axis, from: low, to: high, step: step)
        axis += 1
      case .list(let indices):
        let size = result.shape[axis]
        let places = try indices.map { Int64(try place($0, x.shape, axis, in: size)) }
        result = try result.indexSelect(axis: axis, Tensor(places, shape: [places.count]))
        axis += 1
      case .value(let value):
        guard let index = value.foreign(as: TensorValue.self), index.tensor.dtype == .int64 else {
          throw Fault(
            "bad-index",
            "a tensor is indexed by ints, ranges, lists of ints, masks and int64 tensors, not by \(described(value))",
            argument: number + 1)
        }
        if index.tensor.rank == 0 {
          let at = try place(Int(index.tensor.item()), x.shape, axis, in: result.shape[axis])
          result = try result.select(axis: axis, index: at)
        } else {
          let size = result.shape[axis]
          let places = try index.tensor.integers().map { Int64(try place($0, x.shape, axis, in: size)) }
          let picked = try result.indexSelect(axis: axis, Tensor(places, shape: [places.count]))
          let shape = Array(result.shape[..<axis]) + index.shape + Array(result.shape[(axis + 1)...])
          result = try picked.reshape(shape)
          axis += index.shape.count
        }
      }
    }
    return result
  }

  /// The elements where the mask is true, in row-major order, as one axis; a mask of the first axes keeps the others.
  private static func masked(_ x: Variable, _ mask: Tensor) throws -> Variable {
    guard mask.rank <= x.rank, mask.shape == Array(x.shape[..<mask.rank]) else {
      throw unfit(mask: written(mask.shape), written(x.shape), kind: "\(x.dtype.name) \(written(x.shape))")
    }
    let places = try mask.withBooleans { chosen in
      var count = 0
      for (i, isChosen) in chosen.enumerated() {
        if i & 0xFFFFF == 0 { try Interrupt.check() }
        count += isChosen ? 1 : 0
      }
      return try Tensor.makeIntegers([count]) { out in
        var at = 0
        for (i, isChosen) in chosen.enumerated() {
          if i & 0xFFFFF == 0 { try Interrupt.check() }
          if isChosen {
            out[at] = Int64(i)
            at += 1
          }
        }
      }
    }
    let flat = try x.reshape([mask.size] + Array(x.shape[mask.rank...]))
    return try flat.indexSelect(axis: 0, places)
  }

  /// A copy of `x` whose part under `items` is `new` (broadcast to it); differentiable in both.
  static func write(_ x: Variable, _ items: [IndexItem], _ new: Variable) throws -> Variable {
    let positions = Variable(try Tensor.arange(0, Double(x.size), step: 1, dtype: .int64).reshape(x.shape))
    let part = try read(positions, items)
    let count = part.size
    let values = try new.broadcast(to: part.shape).reshape([count])
    let places = try part.value.contiguous().reshape([count])
    let untouched = try Tensor.makeBooleans([x.size]) { keep in
      for i in 0..<keep.count {
        if i & 0xFFFFF == 0 { try Interrupt.check() }
        keep[i] = true
      }
      try places.withIntegers { places in
        for (i, place) in places.enumerated() {
          if i & 0xFFFF == 0 { try Interrupt.check() }
          keep[Int(place)] = false
        }
      }
    }
    let flat = try x.reshape([x.size])
    let typed = values.dtype == x.dtype ? values : try values.converted(to: x.dtype)
    let scattered = try typed.scatterAdd(axis: 0, places, size: x.size)
    return try Variable.choose(untouched, flat, scattered).reshape(x.shape)
  }

  private static func checkCount(_ items: [IndexItem], _ shape: [Int]) throws {
    if items.count > shape.count { throw tooMany(items.count, written(shape), shape.count) }
  }

  // MARK: Words, about shapes as they are written

  static func unfit(mask: String, _ shape: String, kind: String) -> Fault {
    Fault(
      "shape-mismatch", "a mask of shape \(mask) does not fit a tensor of shape \(shape)", argument: 1,
      operands: [0: kind, 1: "bool \(mask)"])
  }

  static func tooMany(_ count: Int, _ shape: String, _ rank: Int) -> Fault {
    Fault(
      "bad-index",
      "\(count) indices for a tensor of shape \(shape), which has \(rank) \(rank == 1 ? "axis" : "axes")",
      argument: rank + 1, operands: [0: shape])
  }

  static func outside(_ index: Int, _ size: Int, _ shape: String) -> Fault {
    Fault(
      "index-out-of-range", "index \(index) is outside an axis of size \(size) (tensor of shape \(shape))",
      help: size > 0 ? "an index from \(-size) to \(size - 1)" : nil)
  }

  private static func place(_ index: Int, _ shape: [Int], _ axis: Int, in size: Int) throws -> Int {
    let at = index < 0 ? index + size : index
    guard at >= 0, at < size else { throw outside(index, size, written(shape)) }
    return at
  }

  /// Bounds of a half-open slice, clipped to the axis as Python does.
  static func bounds(_ from: Int?, _ to: Int?, _ size: Int) -> (Int, Int) {
    func clip(_ value: Int) -> Int { min(max(value < 0 ? value + size : value, 0), size) }
    let low = clip(from ?? 0)
    return (low, max(low, clip(to ?? size)))
  }
}
