// What a summary of a tensor says: one pass over the elements where they lie, on all threads, without a copy.
import CBLAS
import Ground

/// Range, mean and oddities of a tensor's elements.
public struct Statistics: Sendable, Equatable {
  /// The smallest and the largest finite element; infinite the wrong way round where there is none.
  public var low = Double.infinity
  public var high = -Double.infinity
  /// Sum of the finite elements.
  public var sum = 0.0
  /// How many elements are not-a-number.
  public var nans = 0
  /// How many are infinite.
  public var infinities = 0
  public var count = 0

  public var finiteCount: Int { count - nans - infinities }
  /// Of the finite elements; not-a-number where there is none.
  public var mean: Double { sum / Double(finiteCount) }

  fileprivate mutating func add(_ other: Statistics) {
    low = Swift.min(low, other.low)
    high = Swift.max(high, other.high)
    sum += other.sum
    nans += other.nans
    infinities += other.infinities
    count += other.count
  }
}

extension Tensor {
  /// Of bools `true` counts as 1.
  /// - Throws: `interrupted`.
  public func statistics() throws -> Statistics {
    let timed = OperationClock.start(.reduction)
    defer { timed.stop() }
    var total = Statistics()
    guard size > 0 else { return total }
    // In the order of memory, whatever the order of the axes: a transposed tensor is one row too.
    let axes = shape.indices.sorted { abs(strides[$0]) > abs(strides[$1]) }
    let plan = LoopPlan(axes.map { shape[$0] }, [axes.map { strides[$0] }])
    let (inner, step, isOneRow) = (plan.inner, plan.innerStrides[0], plan.outer.isEmpty)
    // Parts of one row, or groups of whole rows; added in order.
    let grain = isOneRow ? elementGrain : max(1, elementGrain / inner)
    let units = isOneRow ? size : plan.rowCount
    let pieces = (units + grain - 1) / grain
    // Images in channel blocks: in whatever order they lie.
    let blocks = isBlocked ? try self.blocks() : nil
    try withUnsafeTemporaryAllocation(of: Statistics.self, capacity: pieces) { partial in
      partial.initialize(repeating: Statistics())
      nonisolated(unsafe) let partial = partial
      try withExtendedLifetime(storage) {
        try Threads.run(pieces: pieces) { piece in
          let range = piece * grain..<min(units, (piece + 1) * grain)
          if let blocks {
            partial[piece] = Tensor.statistics(blocks + range.lowerBound, range.count, 1)
          } else if isOneRow {
            partial[piece] = row(at: range.lowerBound * step, range.count, step)
          } else {
            plan.forEachRow(range) { partial[piece].add(row(at: $0[0], inner, step)) }
          }
        }
      }
      for part in partial { total.add(part) }
    }
    return total
  }

  private func row(at place: Int, _ count: Int, _ step: Int) -> Statistics {
    switch dtype {
    case .float32: Tensor.statistics(pointer(Float.self) + place, count, step)
    case .float64: Tensor.statistics(pointer(Double.self) + place, count, step)
    case .int64: Tensor.countable(pointer(Int64.self) + place, count, step)
    case .bool: Tensor.countable(pointer(Bool.self) + place, count, step)
    }
  }

  private static func statistics<T: TensorScalar>(
    _ base: UnsafeMutablePointer<T>, _ count: Int, _ step: Int
  ) -> Statistics {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 5) { out in
      out.initialize(repeating: 0)
      if T.self == Float.self {
        seep_statistics_f32(UnsafeRawPointer(base).assumingMemoryBound(to: Float.self), count, step, out.baseAddress)
      } else {
        seep_statistics_f64(UnsafeRawPointer(base).assumingMemoryBound(to: Double.self), count, step, out.baseAddress)
      }
      return Statistics(
        low: out[0], high: out[1], sum: out[2], nans: Int(out[3]), infinities: Int(out[4]), count: count)
    }
  }

  private static func countable<T: TensorScalar>(
    _ base: UnsafeMutablePointer<T>, _ count: Int, _ step: Int
  ) -> Statistics {
    var result = Statistics()
    for i in 0..<count {
      let value = base[i * step].asDouble
      result.low = Swift.min(result.low, value)
      result.high = Swift.max(result.high, value)
      result.sum += value
    }
    result.count = count
    return result
  }
}
