// Elements by place: gather and scatter, selection by index, concatenation, padding, one-hot rows.
import Ground

extension Tensor {
  /// result[i, j, …] = self[i, indices[i, j, …], …] along `axis`; the other axes of `indices` are at most self's.
  public func gather(axis: Int, _ indices: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.gather)
    defer { timed.stop() }
    try check(axis: axis)
    guard indices.rank == rank, (0..<rank).allSatisfy({ $0 == axis || indices.shape[$0] <= shape[$0] }) else {
      throw Tensor.doNotGather(shapeText(shape), shapeText(indices.shape), axis: axis)
    }
    let places = try indices.converted(to: .int64).contiguous()
    try Tensor.checkRange(places, below: shape[axis])
    let result = try Tensor(uninitialized: indices.shape, dtype)
    func run<T>(_: T.Type) throws {
      let (source, target, index) = (pointer(T.self), result.pointer(T.self), places.pointer(Int64.self))
      var base = strides
      base[axis] = 0
      let step = strides[axis]
      let plan = LoopPlan(indices.shape, [base, Tensor.rowMajor(indices.shape)])
      try plan.forEachPart { offsets, part in
        for i in part {
          let at = offsets[1] + i * plan.innerStrides[1]
          target[at] = source[offsets[0] + i * plan.innerStrides[0] + Int(index[at]) * step]
        }
      }
    }
    switch dtype.byteSize {
    case 4: try run(UInt32.self)
    case 8: try run(UInt64.self)
    default: try run(UInt8.self)
    }
    return result
  }

  /// The adjoint of `gather`: zeros of self's shape with `size` along `axis`, and every element added at its index.
  public func scatterAdd(axis: Int, _ indices: Tensor, size count: Int) throws -> Tensor {
    var shape = self.shape
    try check(axis: axis)
    shape[axis] = count
    return try scatterAdd(axis: axis, indices, into: shape)
  }

  /// The same into zeros of any shape that `gather` could have read from.
  public func scatterAdd(axis: Int, _ indices: Tensor, into shape: [Int]) throws -> Tensor {
    let timed = OperationClock.start(.scatter)
    defer { timed.stop() }
    guard indices.shape == self.shape, shape.count == rank,
      (0..<rank).allSatisfy({ $0 == axis || shape[$0] >= self.shape[$0] })
    else {
      throw Fault(
        "shape-mismatch",
        "indices of shape \(shapeText(indices.shape)) do not scatter a tensor of shape \(shapeText(self.shape)) into \(shapeText(shape))",
        operands: [0: shapeText(self.shape), 1: shapeText(indices.shape)])
    }
    let places = try indices.converted(to: .int64).contiguous()
    try Tensor.checkRange(places, below: shape[axis])
    let source = try contiguous()
    let result = try Tensor.zeros(shape, dtype)
    func run<T: AdditiveArithmetic>(_: T.Type) throws {
      let (x, target, index) = (source.pointer(T.self), result.pointer(T.self), places.pointer(Int64.self))
      var base = result.strides
      let step = base[axis]
      base[axis] = 0
      let plan = LoopPlan(self.shape, [base, source.strides.count == rank ? Tensor.rowMajor(self.shape) : []])
      try plan.forEachPart(inOrder: true) { offsets, part in
        for i in part {
          let at = offsets[1] + i * plan.innerStrides[1]
          target[offsets[0] + i * plan.innerStrides[0] + Int(index[at]) * step] += x[at]
        }
      }
    }
    switch dtype {
    case .float32: try run(Float.self)
    case .float64: try run(Double.self)
    case .int64: try run(Int64.self)
    case .bool: return try converted(to: .int64).scatterAdd(axis: axis, indices, into: shape)
    }
    return result
  }

  /// The slices of an axis named by a list of indices.
  public func indexSelect(axis: Int, _ indices: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.gather)
    defer { timed.stop() }
    try check(axis: axis)
    let places = try indices.converted(to: .int64).contiguous()
    try Tensor.checkRange(places, below: shape[axis])
    var newShape = shape
    newShape[axis] = indices.size
    let source = try contiguous()
    let result = try Tensor(uninitialized: newShape, dtype)
    let inner = shape[(axis + 1)...].reduce(1, *) * dtype.byteSize
    let outer = shape[..<axis].reduce(1, *)
    let index = places.pointer(Int64.self)
    let (from, to) = (source.storage.base + source.offset * dtype.byteSize, result.storage.base)
    let count = indices.size
    let together = max(1, min(elementGrain, (1 << 22) / max(1, inner)))
    let blocks = (count + together - 1) / together
    try Threads.run(pieces: outer * blocks) { piece in
      let (o, block) = (piece / blocks, piece % blocks)
      let (rows, target) = (from + o * shape[axis] * inner, to + o * count * inner)
      let part = block * together..<min(count, (block + 1) * together)
      if inner == 4 {
        let (rows, target) = (rows.assumingMemoryBound(to: UInt32.self), target.assumingMemoryBound(to: UInt32.self))
        for i in part { target[i] = rows[Int(index[i])] }
      } else {
        for i in part { (target + i * inner).copyMemory(from: rows + Int(index[i]) * inner, byteCount: inner) }
      }
    }
    return result
  }

  /// The adjoint of `indexSelect`: zeros with `size` along `axis`, each slice added at its index.
  public func indexAdd(axis: Int, _ indices: Tensor, size count: Int) throws -> Tensor {
    try check(axis: axis)
    var view = [Int](repeating: 1, count: rank)
    view[axis] = indices.size
    return try scatterAdd(
      axis: axis, indices.converted(to: .int64).reshape(view).broadcast(to: shape).contiguous(), size: count)
  }

  static func checkRange(_ places: Tensor, below limit: Int) throws {
    let index = places.pointer(Int64.self)
    for start in stride(from: 0, to: places.size, by: elementGrain) {
      try Interrupt.check()
      for i in start..<min(places.size, start + elementGrain) where index[i] < 0 || index[i] >= Int64(limit) {
        throw Fault("index-out-of-range", "index \(index[i]) is outside an axis of size \(limit)")
      }
    }
  }

  public static func concat(_ tensors: [Tensor], axis: Int) throws -> Tensor {
    let timed = OperationClock.start(.join)
    defer { timed.stop() }
    guard let first = tensors.first else { throw Fault("empty-list", "there is nothing to concatenate") }
    try first.check(axis: axis)
    var shape = first.shape
    shape[axis] = 0
    for tensor in tensors {
      guard tensor.rank == first.rank,
        (0..<first.rank).allSatisfy({ $0 == axis || tensor.shape[$0] == first.shape[$0] })
      else {
        throw Tensor.doNotConcatenate(shapeText(first.shape), shapeText(tensor.shape), axis: axis)
      }
      guard tensor.dtype == first.dtype else {
        throw Tensor.doNotConcatenate(first.dtype, tensor.dtype)
      }
      shape[axis] += tensor.shape[axis]
    }
    let result = try Tensor(uninitialized: shape, first.dtype)
    let inner = shape[(axis + 1)...].reduce(1, *) * first.dtype.byteSize
    let outer = shape[..<axis].reduce(1, *)
    var start = 0
    for tensor in tensors {
      let plain = try tensor.contiguous()
      let from = plain.storage.base + plain.offset * first.dtype.byteSize
      let bytes = tensor.shape[axis] * inner
      let target = result.storage.base + start
      let step = shape[axis] * inner
      // Parts of at most 4 MB, or many short ones together.
      let parts = max(1, (bytes + (1 << 22) - 1) >> 22)
      let together = max(1, (1 << 22) / max(1, bytes))
      try Threads.run(pieces: parts > 1 ? outer * parts : (outer + together - 1) / together) { piece in
        if parts > 1 {
          let (o, at) = (piece / parts, (piece % parts) << 22)
          (target + o * step + at).copyMemory(from: from + o * bytes + at, byteCount: min(1 << 22, bytes - at))
        } else {
          for o in piece * together..<min(outer, (piece + 1) * together) {
            (target + o * step).copyMemory(from: from + o * bytes, byteCount: bytes)
          }
        }
      }
      start += bytes
    }
    return result
  }

  /// (before, after) elements of `value` along each axis.
  public func pad(_ pads: [(Int, Int)], value: Double = 0) throws -> Tensor {
    let timed = OperationClock.start(.join)
    defer { timed.stop() }
    guard pads.count == rank else { throw Fault("bad-shape", "\(pads.count) paddings for \(rank) axes") }
    let shape = zip(self.shape, pads).map { $0 + $1.0 + $1.1 }
    let result = try Tensor.full(shape, value, dtype)
    let start = zip(result.strides, pads).reduce(0) { $0 + $1.0 * $1.1.0 }
    func run<T>(_: T.Type) throws {
      let (source, target) = (pointer(T.self), result.pointer(T.self) + start)
      let plan = LoopPlan(self.shape, [strides, result.strides])
      try plan.forEachPart { offsets, part in
        for i in part {
          target[offsets[1] + i * plan.innerStrides[1]] = source[offsets[0] + i * plan.innerStrides[0]]
        }
      }
    }
    switch dtype.byteSize {
    case 4: try run(UInt32.self)
    case 8: try run(UInt64.self)
    default: try run(UInt8.self)
    }
    return result
  }

  /// Rows of zeros with a one at each label; a new last axis.
  public func oneHot(classes: Int, dtype target: DType = .float32) throws -> Tensor {
    let timed = OperationClock.start(.scatter)
    defer { timed.stop() }
    let places = try converted(to: .int64).contiguous()
    try Tensor.checkRange(places, below: classes)
    let index = places.pointer(Int64.self)
    let values = try Tensor.zeros(shape + [classes], .float32)
    let ones = values.pointer(Float.self)
    try Threads.forRanges(size, grain: elementGrain) { rows in
      for row in rows { ones[row * classes + Int(index[row])] = 1 }
    }
    return try values.converted(to: target)
  }
}
