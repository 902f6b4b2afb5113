// Reductions over axes, in a fixed order: sums run in double precision, eight interleaved partial sums a row.
import CBLAS
import Ground

extension Tensor {
  public enum Reduction: Sendable { case sum, mean, prod, max, min, any, all }

  /// - Parameters:
  ///   - axes: the axes to reduce; nil for all.
  ///   - keep: leaves reduced axes with size 1.
  /// - Throws: `bad-axis`; `empty-tensor` for the maximum or minimum of nothing.
  public func reduce(_ reduction: Reduction, axes: [Int]? = nil, keep: Bool = false) throws -> Tensor {
    let timed = OperationClock.start(.reduction)
    defer { timed.stop() }
    let reduced = Set(axes ?? Array(0..<rank))
    for axis in reduced { try check(axis: axis) }
    let keptAxes = (0..<rank).filter { !reduced.contains($0) }
    let reducedAxes = (0..<rank).filter { reduced.contains($0) }
    let finalShape =
      keep ? shape.enumerated().map { reduced.contains($0.offset) ? 1 : $0.element } : keptAxes.map { shape[$0] }
    switch reduction {
    case .any, .all:
      let flags = try converted(to: .bool).converted(to: .int64)
      if size == 0 { return try .full(finalShape, reduction == .all ? 1 : 0, .bool) }
      return try flags.reduce(reduction == .any ? .max : .min, axes: axes, keep: keep).converted(to: .bool)
    case .sum, .mean, .prod, .max, .min: break
    }
    if dtype == .bool { return try converted(to: .int64).reduce(reduction, axes: axes, keep: keep) }
    if dtype == .int64, reduction == .mean {
      return try converted(to: .float32).reduce(reduction, axes: axes, keep: keep)
    }
    if let result = try reduceBlocks(reduction, reducedAxes, keep: keep) { return result }
    let count = reducedAxes.reduce(1) { $0 * shape[$1] }
    if reduction == .max || reduction == .min, count == 0, finalShape.reduce(1, *) > 0 {
      throw Fault("empty-tensor", "no \(reduction) of an empty tensor of shape \(shapeText(shape))")
    }
    let keptShape = keptAxes.map { shape[$0] }
    let result = try Tensor(uninitialized: keptShape, dtype)
    switch dtype {
    case .float32: try reduceFloats(reduction, keptAxes, reducedAxes, count, result, Float.self)
    case .float64: try reduceFloats(reduction, keptAxes, reducedAxes, count, result, Double.self)
    case .int64, .bool: reduceIntegers(reduction, keptAxes, reducedAxes, result)
    }
    // Interrupted, long rows end early.
    if size > elementGrain { try Interrupt.check() }
    return try result.reshape(finalShape)
  }

  private func reduceFloats<T: BinaryFloatingPoint & TensorScalar>(
    _ reduction: Reduction, _ kept: [Int], _ reduced: [Int], _ count: Int, _ result: Tensor, _: T.Type
  ) throws {
    let target = result.pointer(T.self)
    let scale = reduction == .mean ? 1 / Double(count) : 1
    let additive = reduction == .sum || reduction == .mean
    // Everything of a contiguous tensor: pieces of a fixed size, added in order.
    if additive, kept.isEmpty, isContiguous, size > elementGrain {
      // In whatever order they lie.
      let source =
        T.self == Float.self && isBlocked
        ? try blocks().map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: T.self) } ?? pointer(T.self)
        : pointer(T.self)
      let pieces = (size + elementGrain - 1) / elementGrain
      try withUnsafeTemporaryAllocation(of: Double.self, capacity: pieces) { partial in
        nonisolated(unsafe) let partial = partial
        try Threads.run(pieces: pieces) { piece in
          let start = piece * elementGrain
          partial[piece] = Tensor.sum(source + start, min(elementGrain, size - start), 1)
        }
        var total = 0.0
        for value in partial { total += value }
        target[0] = T(total * scale)
      }
      return
    }
    let source = pointer(T.self)
    // Leading axes of a contiguous tensor: whole rows are added to a row of partial sums.
    if additive, isContiguous, reduced == Array(0..<reduced.count), let first = reduced.last, first < rank - 1,
      count > 0
    {
      let width = result.size
      let grain = 64
      try Threads.run(pieces: size > elementGrain ? (width + grain - 1) / grain : 1) { piece in
        let range = size > elementGrain ? piece * grain..<min(width, (piece + 1) * grain) : 0..<width
        try withUnsafeTemporaryAllocation(of: Double.self, capacity: range.count) { sums in
          sums.initialize(repeating: 0)
          for row in 0..<count {
            if row & 0xFFFF == 0xFFFF { try Interrupt.check() }
            let line = source + row * width + range.lowerBound
            for i in 0..<range.count { sums[i] += Double(line[i]) }
          }
          for i in 0..<range.count { target[range.lowerBound + i] = T(sums[i] * scale) }
        }
      }
      return
    }
    let inside = LoopPlan(reduced.map { shape[$0] }, [reduced.map { strides[$0] }])
    let starts = LoopPlan(kept.map { shape[$0] }, [kept.map { strides[$0] }])
    let (rowSize, step) = (inside.inner, inside.innerStrides[0])
    let rowCount = starts.rowCount
    guard rowCount > 0 else { return }
    var offsets = [Int]()
    offsets.reserveCapacity(rowCount)
    starts.forEachRow { offsets.append($0[0]) }
    let keptInner = starts.inner
    let keptStep = starts.innerStrides[0]
    let grain = max(1, elementGrain / max(1, count))
    try Threads.forRanges(result.size, grain: grain) { range in
      for place in range {
        let base = source + offsets[place / keptInner] + (place % keptInner) * keptStep
        switch reduction {
        case .sum, .mean:
          var total = 0.0
          if inside.outer.isEmpty {
            total = count == 0 ? 0 : Tensor.sum(base, rowSize, step)
          } else {
            inside.forEachRow { if !Interrupt.isRequested { total += Tensor.sum(base + $0[0], rowSize, step) } }
          }
          target[place] = T(total * scale)
        case .prod:
          var total = 1.0
          inside.forEachPieceOfRow { offset, part in
            for i in part { total *= Double(base[offset + i * step]) }
          }
          target[place] = T(total)
        case .max, .min, .any, .all:
          var best = base[0]
          inside.forEachPieceOfRow { offset, part in
            for i in part {
              let value = base[offset + i * step]
              if reduction == .max ? value > best || value.isNaN : value < best || value.isNaN { best = value }
            }
          }
          target[place] = best
        }
      }
    }
  }

  private static func sum<T>(_ base: UnsafePointer<T>, _ count: Int, _ step: Int) -> Double {
    if T.self == Float.self {
      return seep_sum_f32(UnsafeRawPointer(base).assumingMemoryBound(to: Float.self), count, step)
    }
    return seep_sum_f64(UnsafeRawPointer(base).assumingMemoryBound(to: Double.self), count, step)
  }

  private static func sum<T>(_ base: UnsafeMutablePointer<T>, _ count: Int, _ step: Int) -> Double {
    sum(UnsafePointer(base), count, step)
  }

  private func reduceIntegers(_ reduction: Reduction, _ kept: [Int], _ reduced: [Int], _ result: Tensor) {
    let source = pointer(Int64.self)
    let target = result.pointer(Int64.self)
    let inside = LoopPlan(reduced.map { shape[$0] }, [reduced.map { strides[$0] }])
    let starts = LoopPlan(kept.map { shape[$0] }, [kept.map { strides[$0] }])
    var place = 0
    starts.forEachRow { start in
      for k in 0..<starts.inner {
        let base = source + start[0] + k * starts.innerStrides[0]
        var total: Int64 =
          switch reduction {
          case .sum, .mean, .any, .all: 0
          case .prod: 1
          case .max: Int64.min
          case .min: Int64.max
          }
        inside.forEachPieceOfRow { offset, part in
          for i in part {
            let value = base[offset + i * inside.innerStrides[0]]
            switch reduction {
            case .sum, .mean, .any, .all: total &+= value
            case .prod: total &*= value
            case .max: total = Swift.max(total, value)
            case .min: total = Swift.min(total, value)
            }
          }
        }
        target[place] = total
        place += 1
      }
    }
  }

  /// Undoes a broadcast: sums over the axes that `shape` lacks or has with size 1.
  public func sum(to target: [Int]) throws -> Tensor {
    if target == shape { return self }
    let missing = rank - target.count
    var axes = Array(0..<Swift.max(0, missing))
    for axis in target.indices where target[axis] == 1 && shape[axis + missing] != 1 { axes.append(axis + missing) }
    return try reduce(.sum, axes: axes, keep: true).reshape(target)
  }

  // MARK: Places

  public func argmax(axis: Int? = nil, keep: Bool = false) throws -> Tensor {
    try extremePlace(axis, keep, largest: true)
  }
  public func argmin(axis: Int? = nil, keep: Bool = false) throws -> Tensor {
    try extremePlace(axis, keep, largest: false)
  }

  private func extremePlace(_ axis: Int?, _ keep: Bool, largest: Bool) throws -> Tensor {
    let timed = OperationClock.start(.reduction)
    defer { timed.stop() }
    guard let axis else {
      let flat = try reshape([size]).extremePlace(0, false, largest: largest)
      return try flat.reshape(keep ? [Int](repeating: 1, count: rank) : [])
    }
    try check(axis: axis)
    let count = shape[axis]
    guard count > 0 else {
      throw Fault("empty-tensor", "no largest element along an empty axis of shape \(shapeText(shape))")
    }
    let moved = try movedLast(axis).converted(to: .float64).contiguous()
    let values = moved.pointer(Double.self)
    let rows = size / count
    let result = try Tensor(uninitialized: Array(moved.shape.dropLast()), .int64)
    let target = result.pointer(Int64.self)
    for row in 0..<rows {
      if row & 1023 == 0 { try Interrupt.check() }
      let line = values + row * count
      var best = 0
      for i in 1..<Swift.max(1, count) {
        if line[best].isNaN { break }
        if i & 0xFFFFF == 0 { try Interrupt.check() }
        if line[i].isNaN || (largest ? line[i] > line[best] : line[i] < line[best]) { best = i }
      }
      target[row] = Int64(best)
    }
    return keep ? try result.unsqueeze(axis: axis) : result
  }

  /// The axis moved to the end.
  func movedLast(_ axis: Int) throws -> Tensor {
    axis == rank - 1 ? self : try permute((0..<rank).filter { $0 != axis } + [axis])
  }

  func movedBack(_ axis: Int) throws -> Tensor {
    if axis == rank - 1 { return self }
    var axes = Array(0..<rank - 1)
    axes.insert(rank - 1, at: axis)
    return try permute(axes)
  }

  public func cumsum(axis: Int) throws -> Tensor {
    let timed = OperationClock.start(.reduction)
    defer { timed.stop() }
    try check(axis: axis)
    let moved = try movedLast(axis).contiguous()
    let result = try Tensor(uninitialized: moved.shape, dtype)
    let count = moved.shape[moved.rank - 1]
    let rows = count == 0 ? 0 : size / count
    switch dtype {
    case .float32:
      let (x, y) = (moved.pointer(Float.self), result.pointer(Float.self))
      for row in 0..<rows {
        var total = 0.0
        for i in 0..<count {
          if i & 0xFFFFF == 0 { try Interrupt.check() }
          total += Double(x[row * count + i])
          y[row * count + i] = Float(total)
        }
      }
    case .float64:
      let (x, y) = (moved.pointer(Double.self), result.pointer(Double.self))
      for row in 0..<rows {
        var total = 0.0
        for i in 0..<count {
          if i & 0xFFFFF == 0 { try Interrupt.check() }
          total += x[row * count + i]
          y[row * count + i] = total
        }
      }
    case .int64:
      let (x, y) = (moved.pointer(Int64.self), result.pointer(Int64.self))
      for row in 0..<rows {
        var total: Int64 = 0
        for i in 0..<count {
          if i & 0xFFFFF == 0 { try Interrupt.check() }
          total &+= x[row * count + i]
          y[row * count + i] = total
        }
      }
    case .bool: return try converted(to: .int64).cumsum(axis: axis)
    }
    return try result.movedBack(axis)
  }

  // MARK: Softmax

  public func softmax(axis: Int) throws -> Tensor { try normalised(axis, logarithm: false) }
  public func logSoftmax(axis: Int) throws -> Tensor { try normalised(axis, logarithm: true) }

  private func normalised(_ axis: Int, logarithm: Bool) throws -> Tensor {
    try check(axis: axis)
    let base = dtype.isFloat ? self : try converted(to: .float32)
    if base.size == 0 { return base }
    let shifted = try Tensor.combine(.sub, base, base.reduce(.max, axes: [axis], keep: true))
    let powers = try shifted.map(.exp)
    let total = try powers.reduce(.sum, axes: [axis], keep: true)
    return logarithm ? try Tensor.combine(.sub, shifted, total.map(.log)) : try Tensor.combine(.div, powers, total)
  }
}

extension LoopPlan {
  /// Rows of one operand in parts of at most a million elements; after Ctrl-C the rest is left out.
  @inline(__always)
  fileprivate func forEachPieceOfRow(_ body: (Int, Range<Int>) -> Void) {
    let inner = self.inner
    forEachRow { offsets in
      var start = 0
      while start < inner, !Interrupt.isRequested {
        let end = Swift.min(inner, start + 1 << 20)
        body(offsets[0], start..<end)
        start = end
      }
    }
  }
}
