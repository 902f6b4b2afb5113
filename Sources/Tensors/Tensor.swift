// The tensor: an immutable strided view of shared storage.
import Ground

/// Numbers in a rectangular arrangement. A value: nothing changes a tensor that others can see.
public struct Tensor: @unchecked Sendable {
  public let shape: [Int]
  /// Elements between neighbours along each axis; 0 along broadcast axes, negative after `flip`.
  public let strides: [Int]
  public let dtype: DType
  /// Number of elements.
  public let size: Int
  let storage: Storage
  let offset: Int

  public var rank: Int { shape.count }

  init(storage: Storage, shape: [Int], strides: [Int], offset: Int, dtype: DType, size: Int) {
    self.storage = storage
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.dtype = dtype
    self.size = size
  }

  /// Row-major memory with undefined contents.
  init(uninitialized shape: [Int], _ dtype: DType) throws {
    let size = try Tensor.checkedSize(shape)
    let (bytes, overflow) = size.multipliedReportingOverflow(by: dtype.byteSize)
    guard !overflow else { throw Tensor.tooLarge(shape) }
    storage = try Storage(byteCount: bytes, describing: "a \(dtype.name) tensor of shape \(shapeText(shape))")
    self.shape = shape
    strides = Tensor.rowMajor(shape)
    self.dtype = dtype
    self.size = size
    offset = 0
  }

  /// Strides of a row-major tensor.
  static func rowMajor(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    var step = 1
    var axis = shape.count - 1
    while axis >= 0 {
      strides[axis] = step
      step *= max(1, shape[axis])
      axis -= 1
    }
    return strides
  }

  static func checkedSize(_ shape: [Int]) throws -> Int {
    var size = 1
    for extent in shape {
      guard extent >= 0 else { throw Fault("bad-shape", "a shape has no negative sizes: \(shapeText(shape))") }
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw tooLarge(shape) }
      size = product
    }
    return size
  }

  private static func tooLarge(_ shape: [Int]) -> Fault {
    Fault("out-of-memory", "no memory holds a tensor of shape \(shapeText(shape))")
  }

  /// Whether elements lie one after another in row-major order.
  public var isContiguous: Bool {
    var step = 1
    var axis = shape.count - 1
    while axis >= 0 {
      if shape[axis] != 1 {
        if strides[axis] != step { return size == 0 }
        step *= shape[axis]
      }
      axis -= 1
    }
    return true
  }

  // MARK: Memory (inside the module)

  func pointer<T>(_ type: T.Type) -> UnsafeMutablePointer<T> {
    storage.base.assumingMemoryBound(to: T.self) + offset
  }

  // MARK: Making

  /// Elements in row-major order.
  public init<S: TensorScalar>(_ values: [S], shape: [Int]) throws {
    self = try Tensor(uninitialized: shape, S.dtype)
    guard values.count == size else {
      throw Fault(
        "shape-mismatch", "\(values.count) elements do not fill the shape \(shapeText(shape)), which has \(size)")
    }
    let target = pointer(S.self)
    try values.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      try Threads.forRanges(size, grain: elementGrain) { range in
        (target + range.lowerBound).initialize(from: base + range.lowerBound, count: range.count)
      }
    }
  }

  public static func full(_ shape: [Int], _ value: Double, _ dtype: DType = .float32) throws -> Tensor {
    let timed = OperationClock.start(.fill)
    defer { timed.stop() }
    let tensor = try Tensor(uninitialized: shape, dtype)
    func fill<S: TensorScalar>(_ value: S) throws {
      let target = tensor.pointer(S.self)
      try Threads.forRanges(tensor.size, grain: elementGrain) { range in
        (target + range.lowerBound).initialize(repeating: value, count: range.count)
      }
    }
    switch dtype {
    case .float32: try fill(Float(value))
    case .float64: try fill(value)
    case .int64: try fill(Int64(converting: value))
    case .bool: try fill(value != 0)
    }
    return tensor
  }

  /// Element i is `value(i)`, a float64 that becomes `dtype`.
  private static func each(_ count: Int, _ dtype: DType, _ value: (Int) -> Double) throws -> Tensor {
    try makeDoubles([count]) { out in
      try Threads.forRanges(count, grain: elementGrain) { range in for i in range { out[i] = value(i) } }
    }.converted(to: dtype)
  }

  public static func zeros(_ shape: [Int], _ dtype: DType = .float32) throws -> Tensor { try full(shape, 0, dtype) }
  public static func scalar(_ value: Double, _ dtype: DType = .float32) throws -> Tensor { try full([], value, dtype) }

  /// `start`, `start + step`, … up to, not including, `stop`.
  public static func arange(_ start: Double, _ stop: Double, step: Double = 1, dtype: DType = .float32) throws -> Tensor
  {
    let steps = ((stop - start) / step).rounded(.up)
    guard steps.isFinite, steps < 0x1p40 else {
      throw Fault("bad-shape", "a range from \(start) to \(stop) by \(step) has no end")
    }
    let count = max(0, Int(steps))
    return try each(count, dtype) { start + Double($0) * step }
  }

  public static func linspace(_ start: Double, _ stop: Double, count: Int, dtype: DType = .float32) throws -> Tensor {
    let step = count > 1 ? (stop - start) / Double(count - 1) : 0
    return try each(count, dtype) { $0 == count - 1 && count > 1 ? stop : start + Double($0) * step }
  }

  public static func eye(_ n: Int, dtype: DType = .float32) throws -> Tensor {
    let tensor = try zeros([n, n], dtype)
    func set<S: TensorScalar>(_ one: S) { for i in 0..<n { tensor.pointer(S.self)[i * n + i] = one } }
    switch dtype {
    case .float32: set(1 as Float)
    case .float64: set(1.0)
    case .int64: set(1 as Int64)
    case .bool: set(true)
    }
    return tensor
  }

  /// A row-major tensor whose elements `fill` writes, all of them.
  public static func make(_ shape: [Int], fill: (UnsafeMutableBufferPointer<Float>) throws -> Void) throws -> Tensor {
    let tensor = try Tensor(uninitialized: shape, .float32)
    try fill(UnsafeMutableBufferPointer(start: tensor.pointer(Float.self), count: tensor.size))
    return tensor
  }

  public static func makeDoubles(
    _ shape: [Int], fill: (UnsafeMutableBufferPointer<Double>) throws -> Void
  ) throws -> Tensor {
    let tensor = try Tensor(uninitialized: shape, .float64)
    try fill(UnsafeMutableBufferPointer(start: tensor.pointer(Double.self), count: tensor.size))
    return tensor
  }

  public static func makeIntegers(
    _ shape: [Int], fill: (UnsafeMutableBufferPointer<Int64>) throws -> Void
  ) throws -> Tensor {
    let tensor = try Tensor(uninitialized: shape, .int64)
    try fill(UnsafeMutableBufferPointer(start: tensor.pointer(Int64.self), count: tensor.size))
    return tensor
  }

  public static func makeBooleans(
    _ shape: [Int], fill: (UnsafeMutableBufferPointer<Bool>) throws -> Void
  ) throws -> Tensor {
    let tensor = try Tensor(uninitialized: shape, .bool)
    try fill(UnsafeMutableBufferPointer(start: tensor.pointer(Bool.self), count: tensor.size))
    return tensor
  }

  // MARK: Reading

  /// A copy of the elements in row-major order.
  public func doubles() throws -> [Double] { try elements() }
  public func floats() throws -> [Float] { try elements() }
  public func integers() throws -> [Int] { (try elements() as [Int64]).map { Int($0) } }
  public func booleans() throws -> [Bool] { try elements() }

  private func elements<S: TensorScalar>() throws -> [S] {
    let plain = try converted(to: S.dtype).contiguous()
    let source = plain.pointer(S.self)
    return try withExtendedLifetime(plain.storage) {
      try Array(unsafeUninitializedCapacity: size) { buffer, count in
        guard let target = buffer.baseAddress else { return }
        try Threads.forRanges(size, grain: elementGrain) { range in
          (target + range.lowerBound).initialize(from: source + range.lowerBound, count: range.count)
        }
        count = size
      }
    }
  }

  /// The one element.
  public func item() throws -> Double {
    guard size == 1 else {
      throw Fault(
        "not-a-number", "a tensor of shape \(shapeText(shape)) is not one number", help: "sum(…), mean(…), or an index")
    }
    switch dtype {
    case .float32: return Double(pointer(Float.self).pointee)
    case .float64: return pointer(Double.self).pointee
    case .int64: return Double(pointer(Int64.self).pointee)
    case .bool: return pointer(Bool.self).pointee ? 1 : 0
    }
  }

  /// The elements in row-major order, without a copy where they lie so already.
  public func withFloats<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) throws -> R {
    let plain = try converted(to: .float32).contiguous()
    return try withExtendedLifetime(plain.storage) {
      try body(UnsafeBufferPointer(start: plain.pointer(Float.self), count: size))
    }
  }

  public func withDoubles<R>(_ body: (UnsafeBufferPointer<Double>) throws -> R) throws -> R {
    let plain = try converted(to: .float64).contiguous()
    return try withExtendedLifetime(plain.storage) {
      try body(UnsafeBufferPointer(start: plain.pointer(Double.self), count: size))
    }
  }

  public func withIntegers<R>(_ body: (UnsafeBufferPointer<Int64>) throws -> R) throws -> R {
    let plain = try converted(to: .int64).contiguous()
    return try withExtendedLifetime(plain.storage) {
      try body(UnsafeBufferPointer(start: plain.pointer(Int64.self), count: size))
    }
  }

  public func withBooleans<R>(_ body: (UnsafeBufferPointer<Bool>) throws -> R) throws -> R {
    let plain = try converted(to: .bool).contiguous()
    return try withExtendedLifetime(plain.storage) {
      try body(UnsafeBufferPointer(start: plain.pointer(Bool.self), count: size))
    }
  }
}

/// `[2, 3]`.
public func shapeText(_ shape: [Int]) -> String { "[" + shape.map(String.init).joined(separator: ", ") + "]" }
