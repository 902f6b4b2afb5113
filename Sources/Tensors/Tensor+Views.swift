// Views: other shapes and strides on the same memory, without copying where strides allow.
import Ground

extension Tensor {
  private func view(_ shape: [Int], _ strides: [Int], offset: Int? = nil) -> Tensor {
    Tensor(
      storage: storage, shape: shape, strides: strides, offset: offset ?? self.offset, dtype: dtype,
      size: shape.reduce(1, *))
  }

  /// The same elements in row-major order in another shape; one size may be -1.
  public func reshape(_ wanted: [Int]) throws -> Tensor {
    let shape = try Tensor.reshaped(self.shape, wanted)
    if shape == self.shape { return self }
    let plain = isContiguous ? self : try contiguous()
    return plain.view(shape, Tensor.rowMajor(shape))
  }

  public func permute(_ axes: [Int]) throws -> Tensor {
    try Tensor.checkOrder(axes, rank: rank)
    return view(axes.map { shape[$0] }, axes.map { strides[$0] })
  }

  /// The last two axes exchanged.
  public func transposed() throws -> Tensor {
    guard rank >= 2 else {
      throw Fault("bad-axis", "a tensor of shape \(shapeText(shape)) has no two axes to exchange")
    }
    var axes = Array(0..<rank)
    axes.swapAt(rank - 1, rank - 2)
    return try permute(axes)
  }

  public func broadcast(to target: [Int]) throws -> Tensor {
    if target == shape { return self }
    guard target.count >= rank else { throw cannotBroadcast(to: target) }
    let missing = target.count - rank
    var newStrides = [Int](repeating: 0, count: target.count)
    for axis in 0..<rank {
      if shape[axis] == target[axis + missing] {
        newStrides[axis + missing] = strides[axis]
      } else if shape[axis] != 1 {
        throw cannotBroadcast(to: target)
      }
    }
    _ = try Tensor.checkedSize(target)
    return view(target, newStrides)
  }

  private func cannotBroadcast(to target: [Int]) -> Fault {
    Tensor.doesNotBroadcast(shapeText(shape), to: shapeText(target))
  }

  public func flip(axes: [Int]) throws -> Tensor {
    var newStrides = strides
    var start = offset
    for axis in axes {
      try check(axis: axis)
      start += max(0, shape[axis] - 1) * newStrides[axis]
      newStrides[axis] = -newStrides[axis]
    }
    return view(shape, newStrides, offset: start)
  }

  /// Elements `from`, `from + step`, … below `to` of an axis; bounds within it, step at least 1.
  public func slice(axis: Int, from: Int, to: Int, step: Int = 1) throws -> Tensor {
    try check(axis: axis)
    guard from >= 0, to <= shape[axis], from <= to, step >= 1 else {
      throw Fault("index-out-of-range", "slice \(from)..\(to) by \(step) of an axis of size \(shape[axis])")
    }
    var newShape = shape
    var newStrides = strides
    newShape[axis] = (to - from + step - 1) / step
    newStrides[axis] = strides[axis] * step
    return view(newShape, newStrides, offset: newShape[axis] == 0 ? offset : offset + from * strides[axis])
  }

  /// One index of an axis, which disappears.
  public func select(axis: Int, index: Int) throws -> Tensor {
    try check(axis: axis)
    guard index >= 0, index < shape[axis] else {
      throw Fault("index-out-of-range", "index \(index) is outside an axis of size \(shape[axis])")
    }
    var newShape = shape
    var newStrides = strides
    newShape.remove(at: axis)
    newStrides.remove(at: axis)
    return view(newShape, newStrides, offset: offset + index * strides[axis])
  }

  public func squeeze(axis: Int) throws -> Tensor {
    try check(axis: axis)
    guard shape[axis] == 1 else { throw Fault("bad-axis", "axis \(axis) of shape \(shapeText(shape)) has not size 1") }
    var newShape = shape
    var newStrides = strides
    newShape.remove(at: axis)
    newStrides.remove(at: axis)
    return view(newShape, newStrides)
  }

  public func unsqueeze(axis: Int) throws -> Tensor {
    guard axis >= 0, axis <= rank else {
      throw Fault("bad-axis", "no place \(axis) for a new axis in shape \(shapeText(shape))")
    }
    var newShape = shape
    var newStrides = strides
    newShape.insert(1, at: axis)
    newStrides.insert(axis < rank ? strides[axis] * shape[axis] : 1, at: axis)
    return view(newShape, newStrides)
  }

  func check(axis: Int) throws {
    guard axis >= 0, axis < rank else { throw Tensor.noAxis(axis, shapeText(shape), rank) }
  }

  /// Row-major memory with the same elements; the tensor itself if it lies so.
  public func contiguous() throws -> Tensor {
    if isContiguous { return self }
    let timed = OperationClock.start(.copy)
    defer { timed.stop() }
    let result = try Tensor(uninitialized: shape, dtype)
    switch dtype.byteSize {
    case 4: try copyElements(to: result, as: UInt32.self)
    case 8: try copyElements(to: result, as: UInt64.self)
    default: try copyElements(to: result, as: UInt8.self)
    }
    return result
  }

  private func copyElements<T>(to result: Tensor, as type: T.Type) throws {
    let source = storage.base.assumingMemoryBound(to: T.self) + offset
    let target = result.storage.base.assumingMemoryBound(to: T.self)
    let plan = LoopPlan(shape, [strides, result.strides])
    let (step, targetStep) = (plan.innerStrides[0], plan.innerStrides[1])
    if step != 1, targetStep == 1, plan.outerStrides[0].last == 1, let height = plan.outer.last, height >= 16,
      plan.inner >= 16
    {
      return try Tensor.transpose(plan, source, target)
    }
    try plan.forEachPart { offsets, part in
      let from = source + offsets[0]
      let to = target + offsets[1]
      if step == 1, targetStep == 1 {
        (to + part.lowerBound).update(from: from + part.lowerBound, count: part.count)
      } else {
        for i in part { to[i * targetStep] = from[i * step] }
      }
    }
  }
}

extension Tensor {
  /// Copies where the last two axes change places, in tiles: a row of the result comes from as many cache lines as it has elements, and
  /// the rows after it come from the same ones.
  fileprivate static func transpose<T>(
    _ plan: LoopPlan, _ source: UnsafeMutablePointer<T>, _ target: UnsafeMutablePointer<T>
  ) throws {
    var matrices = plan
    let height = matrices.outer.removeLast()
    let width = plan.inner
    let (step, rowStep) = (plan.innerStrides[0], plan.outerStrides[1][plan.outer.count - 1])
    for which in matrices.outerStrides.indices { matrices.outerStrides[which].removeLast() }
    let (tile, breadth) = (32, 1 << 12)
    let (down, across) = ((height + tile - 1) / tile, (width + breadth - 1) / breadth)
    let pieces = matrices.rowCount * down * across
    func copy(_ piece: Int) {
      let (matrix, place) = (piece / (down * across), piece % (down * across))
      let rows = place / across * tile..<min(height, (place / across + 1) * tile)
      let (first, last) = (place % across * breadth, min(width, (place % across + 1) * breadth))
      matrices.forEachRow(matrix..<matrix + 1) { offsets in
        let (from, to) = (source + offsets[0], target + offsets[1])
        for left in stride(from: first, to: last, by: tile) {
          let columns = left..<min(last, left + tile)
          for row in rows {
            for column in columns { to[row * rowStep + column] = from[row + column * step] }
          }
        }
      }
    }
    if pieces * tile * min(width, breadth) > elementGrain { return try Threads.run(pieces: pieces, copy) }
    for piece in 0..<pieces { copy(piece) }
  }
}

/// How to walk several views of one shape: neighbouring axes merged where every view allows it, the last one innermost.
struct LoopPlan {
  /// Outer extents, and for each operand its strides along them.
  var outer: [Int] = []
  var outerStrides: [[Int]]
  var inner: Int
  var innerStrides: [Int]
  let isEmpty: Bool

  init(_ shape: [Int], _ operands: [[Int]]) {
    isEmpty = shape.contains(0)
    outerStrides = operands.map { _ in [] }
    inner = 1
    innerStrides = operands.map { _ in 1 }
    var extents: [Int] = []
    var merged: [[Int]] = operands.map { _ in [] }
    for axis in shape.indices where shape[axis] != 1 {
      let last = extents.count - 1
      let joins =
        last >= 0 && operands.indices.allSatisfy { merged[$0][last] == operands[$0][axis] * shape[axis] }
      if joins {
        extents[last] *= shape[axis]
        for which in operands.indices { merged[which][last] = operands[which][axis] }
      } else {
        extents.append(shape[axis])
        for which in operands.indices { merged[which].append(operands[which][axis]) }
      }
    }
    if let last = extents.popLast() {
      inner = last
      for which in operands.indices { innerStrides[which] = merged[which].removeLast() }
    }
    outer = extents
    outerStrides = merged
  }

  var rowCount: Int { isEmpty ? 0 : outer.reduce(1, *) }

  /// Calls `body` with the offsets of each operand at the start of each row, in row-major order.
  @inline(__always)
  func forEachRow(_ body: (UnsafeMutablePointer<Int>) -> Void) { forEachRow(0..<rowCount, body) }

  /// Calls `body` with the offsets of a row and a part of it, all parts of all rows: on all threads where `inOrder` is false, for which the
  /// elements that are written must all be different ones. Ctrl-C ends it.
  @inline(__always)
  func forEachPart(inOrder: Bool = false, _ body: (UnsafeMutablePointer<Int>, Range<Int>) -> Void) throws {
    let (rows, inner) = (rowCount, self.inner)
    if rows * inner <= elementGrain { return forEachRow { body($0, 0..<inner) } }
    let parts = (inner + elementGrain - 1) / elementGrain
    let together = Swift.max(1, elementGrain / inner)
    let pieces = parts > 1 ? rows * parts : (rows + together - 1) / together
    func run(_ piece: Int) {
      if parts > 1 {
        let start = piece % parts * elementGrain
        forEachRow(piece / parts..<piece / parts + 1) { body($0, start..<Swift.min(inner, start + elementGrain)) }
      } else {
        forEachRow(piece * together..<Swift.min(rows, (piece + 1) * together)) { body($0, 0..<inner) }
      }
    }
    if !inOrder { return try Threads.run(pieces: pieces, run) }
    for piece in 0..<pieces {
      try Interrupt.check()
      run(piece)
    }
  }

  /// The same for some of the rows.
  @inline(__always)
  func forEachRow(_ rows: Range<Int>, _ body: (UnsafeMutablePointer<Int>) -> Void) {
    if isEmpty || rows.isEmpty { return }
    let count = innerStrides.count
    withUnsafeTemporaryAllocation(of: Int.self, capacity: count + outer.count) { scratch in
      scratch.initialize(repeating: 0)
      guard let offsets = scratch.baseAddress else { return }
      let index = offsets + count
      var rest = rows.lowerBound
      for axis in outer.indices.reversed() where rest > 0 {
        index[axis] = rest % outer[axis]
        rest /= outer[axis]
        for which in 0..<count { offsets[which] += outerStrides[which][axis] * index[axis] }
      }
      var left = rows.count
      while true {
        body(offsets)
        left -= 1
        if left == 0 { return }
        var axis = outer.count - 1
        while axis >= 0 {
          index[axis] += 1
          for which in 0..<count { offsets[which] += outerStrides[which][axis] }
          if index[axis] < outer[axis] { break }
          index[axis] = 0
          for which in 0..<count { offsets[which] -= outerStrides[which][axis] * outer[axis] }
          axis -= 1
        }
        if axis < 0 { return }
      }
    }
  }
}
