// Sums of squares and products over rows in one pass: what distances between gradients are made of.
import CBLAS
import Ground

extension Tensor {
  /// Σ (xᵢ − y)² for each row xᵢ of self `[n] + shape`, with y `shape`, or Σ xᵢ² where y is nil: `[n]`. Float dtypes.
  public func rowDistances(_ y: Tensor? = nil) throws -> Tensor {
    let timed = OperationClock.start(.distances)
    defer { timed.stop() }
    let n = shape.first ?? 0
    let width = size / max(n, 1)
    guard rank > 0, y.map({ $0.size == width && $0.dtype == dtype }) ?? true else {
      throw Fault(
        "shape-mismatch",
        "rows of shape \(shapeText(Array(shape.dropFirst()))) are compared with \(shapeText(y?.shape ?? []))")
    }
    guard dtype == .float32 else {
      let difference = try y.map { try Tensor.combine(.sub, self, $0.unsqueeze(axis: 0)) } ?? self
      return try difference.map(.square).reshape([n, width]).reduce(.sum, axes: [1])
    }
    let (x, other) = (try contiguous(), try y?.contiguous())
    let pieces = max(1, (width + elementGrain - 1) / elementGrain)
    let result = try Tensor(uninitialized: [n], .float32)
    let (source, out) = (x.pointer(Float.self), result.pointer(Float.self))
    let target = other?.pointer(Float.self)
    try withUnsafeTemporaryAllocation(of: Double.self, capacity: max(1, n * pieces)) { partial in
      nonisolated(unsafe) let partial = partial
      // Small rows go together, long ones in pieces; either way every row is summed in the same order.
      let grain = max(1, elementGrain / max(1, min(width, elementGrain)))
      try Threads.forRanges(n * pieces, grain: grain) { range in
        for place in range {
          let (row, start) = (place / pieces, place % pieces * elementGrain)
          let count = min(elementGrain, width - start)
          var sums = (0.0, 0.0, 0.0)
          withUnsafeMutableBytes(of: &sums) {
            let g = source + row * width + start
            seep_sums_all(g, target.map { $0 + start } ?? g, count, $0.assumingMemoryBound(to: Double.self).baseAddress)
          }
          partial[place] = target == nil ? sums.0 : sums.2
        }
      }
      for row in 0..<n {
        var total = 0.0
        for piece in 0..<pieces { total += partial[row * pieces + piece] }
        out[row] = Float(total)
      }
    }
    return result
  }

  /// factorᵢ · (xᵢ − y) for each row, or factorᵢ · xᵢ where y is nil; `factors` `[n]`.
  public func rowDifferences(_ y: Tensor? = nil, factors: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.elementwise)
    defer { timed.stop() }
    let n = shape.first ?? 0
    let width = size / max(n, 1)
    guard dtype == .float32, factors.dtype == .float32, factors.size == n else {
      let wide = try factors.reshape([n] + [Int](repeating: 1, count: rank - 1))
      return try Tensor.combine(.mul, y.map { try Tensor.combine(.sub, self, $0.unsqueeze(axis: 0)) } ?? self, wide)
    }
    let (x, other, scales) = (try contiguous(), try y?.contiguous(), try factors.contiguous())
    let result = try Tensor(uninitialized: shape, .float32)
    let (source, out, factor) = (x.pointer(Float.self), result.pointer(Float.self), scales.pointer(Float.self))
    let target = other?.pointer(Float.self)
    try Threads.forRanges(n * width, grain: elementGrain) { range in
      var place = range.lowerBound
      while place < range.upperBound {
        let row = place / width
        let end = min(range.upperBound, (row + 1) * width)
        let f = factor[row]
        let (g, to) = (source + place, out + place)
        if let target {
          let t = target + (place - row * width)
          for i in 0..<end - place { to[i] = f * (g[i] - t[i]) }
        } else {
          for i in 0..<end - place { to[i] = f * g[i] }
        }
        place = end
      }
    }
    return result
  }
}
