// Random tensors: element i depends on the key and on i only (Philox; see Ground.RandomKey).
import CBLAS
import Ground

extension Tensor {
  /// Uniform in [0, 1): 24 bits for float32, 53 for float64.
  public static func uniform(_ shape: [Int], key: RandomKey, dtype: DType = .float32) throws -> Tensor {
    let timed = OperationClock.start(.random)
    defer { timed.stop() }
    let result = try Tensor(uninitialized: shape, dtype == .float64 ? .float64 : .float32)
    try Threads.forRanges((result.size + 3) / 4, grain: elementGrain / 16) { range in
      for block in range {
        let words = key.block(UInt64(block))
        store(result, block, 4) { i in
          let word = i == 0 ? words.0 : i == 1 ? words.1 : i == 2 ? words.2 : words.3
          return result.dtype == .float64
            ? (Double(word) + Double(i == 0 ? words.3 : i == 1 ? words.2 : i == 2 ? words.1 : words.0 >> 11) * 0x1p-32)
              * 0x1p-32
            : Double(word >> 8) * 0x1p-24
        }
      }
    }
    return dtype.isFloat ? result : try result.converted(to: dtype)
  }

  /// Standard normal, by the method of Box and Muller (1958) from uniform numbers of 32 bits.
  public static func normal(_ shape: [Int], key: RandomKey, dtype: DType = .float32) throws -> Tensor {
    let timed = OperationClock.start(.random)
    defer { timed.stop() }
    let result = try Tensor(uninitialized: shape, dtype == .float64 ? .float64 : .float32)
    let (size, base) = (result.size, result.storage.base)
    try Threads.forRanges((size + 3) / 4, grain: elementGrain / 128) { range in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 4 * range.count) { numbers in
        guard let from = numbers.baseAddress else { return }
        seep_normals(key.low, key.high, UInt64(range.lowerBound), range.count, from)
        let start = range.lowerBound * 4
        let count = Swift.min(4 * range.count, size - start)
        if result.dtype == .float32 {
          let to = base.assumingMemoryBound(to: Float.self) + start
          for i in 0..<count { to[i] = Float(from[i]) }
        } else {
          (base.assumingMemoryBound(to: Double.self) + start).update(from: from, count: count)
        }
      }
    }
    return dtype.isFloat ? result : try result.converted(to: dtype)
  }

  @inline(__always)
  private static func store(_ result: Tensor, _ block: Int, _ width: Int, _ value: (Int) -> Double) {
    let start = block * width
    for i in 0..<Swift.min(width, result.size - start) {
      if result.dtype == .float32 {
        result.pointer(Float.self)[start + i] = Float(value(i))
      } else {
        result.pointer(Double.self)[start + i] = value(i)
      }
    }
  }
}
