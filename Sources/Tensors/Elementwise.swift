// Element-by-element kernels: unary, binary, comparisons, choice. Contiguous data runs in straight vectorised loops; other
// layouts row by row. Each loop is specialised for its operation and type.
import CBLAS
import Ground

/// Elements per piece of a parallel loop: about a millisecond of the slowest of these loops.
let elementGrain = 1 << 16

extension Tensor {
  public enum UnaryOp: Sendable {
    case neg, abs, square, exp, log, log1p, expm1, sqrt, rsqrt, reciprocal, sin, cos, tan, tanh, sigmoid, relu
    case softplus, erf, sign, floor, ceil, round, acos
  }
  public enum BinaryOp: Sendable { case add, sub, mul, div, pow, maximum, minimum, floorDiv, mod }
  public enum Comparison: Sendable { case less, lessEqual, greater, greaterEqual, equal, notEqual }
  public enum LogicalOp: Sendable { case and, or }

  // MARK: Dtypes

  public func converted(to target: DType) throws -> Tensor {
    if target == dtype { return self }
    let timed = OperationClock.start(.conversion)
    defer { timed.stop() }
    let plain = try contiguous()
    let result = try Tensor(uninitialized: shape, target)
    func from<S: TensorScalar>(_: S.Type) throws {
      let source = plain.pointer(S.self)
      func to<D: TensorScalar>(_: D.Type) throws {
        let destination = result.pointer(D.self)
        try Threads.forRanges(size, grain: elementGrain) { range in
          for i in range { destination[i] = D(converting: source[i].asDouble) }
        }
      }
      switch target {
      case .float32: try to(Float.self)
      case .float64: try to(Double.self)
      case .int64: try to(Int64.self)
      case .bool: try to(Bool.self)
      }
    }
    switch dtype {
    case .float32: try from(Float.self)
    case .float64: try from(Double.self)
    case .int64: try from(Int64.self)
    case .bool: try from(Bool.self)
    }
    return result
  }

  /// The common dtype of two operands, or a diagnostic: float32 and float64 do not mix by themselves.
  static func common(_ a: Tensor, _ b: Tensor) throws -> (Tensor, Tensor) {
    if a.dtype == b.dtype { return (a, b) }
    if a.dtype.isFloat, b.dtype.isFloat {
      throw Fault(
        "dtype-mismatch", "a \(a.dtype.name) tensor meets a \(b.dtype.name) tensor",
        help: "to(…, \(a.dtype.name)) on the \(b.dtype.name) one",
        operands: [0: "\(a.dtype.name) \(shapeText(a.shape))", 1: "\(b.dtype.name) \(shapeText(b.shape))"])
    }
    if a.dtype.isFloat { return (a, try b.converted(to: a.dtype)) }
    if b.dtype.isFloat { return (try a.converted(to: b.dtype), b) }
    return (try a.converted(to: .int64), try b.converted(to: .int64))
  }

  /// The shape two operands broadcast to.
  public static func broadcastShape(_ a: [Int], _ b: [Int]) throws -> [Int] {
    if a == b { return a }
    let rank = max(a.count, b.count)
    var shape = [Int](repeating: 1, count: rank)
    for i in 0..<rank {
      let x = i < rank - a.count ? 1 : a[i - (rank - a.count)]
      let y = i < rank - b.count ? 1 : b[i - (rank - b.count)]
      guard x == y || x == 1 || y == 1 else {
        throw doNotBroadcast(shapeText(a), shapeText(b), x, y)
      }
      shape[i] = x == 1 ? y : x
    }
    return shape
  }

  // MARK: Unary

  public func map(_ op: UnaryOp) throws -> Tensor {
    let timed = OperationClock.start(.elementwise)
    defer { timed.stop() }
    switch dtype {
    case .float64: return try unary(op, Double.self)
    case .float32: return try unary(op, Float.self)
    case .int64:
      switch op {
      case .neg: return try Tensor.combine(.sub, Tensor.zeros([], .int64), self)
      case .abs: return try Tensor.combine(.maximum, self, map(.neg))
      case .square: return try Tensor.combine(.mul, self, self)
      case .sign:
        let plain = try contiguous()
        let result = try Tensor(uninitialized: shape, .int64)
        let (source, target) = (plain.pointer(Int64.self), result.pointer(Int64.self))
        for i in 0..<size { target[i] = source[i].signum() }
        return result
      case .relu: return try Tensor.combine(.maximum, self, 0)
      case .floor, .ceil, .round: return self
      default: return try converted(to: .float32).map(op)
      }
    case .bool: return try converted(to: .float32).map(op)
    }
  }

  private func unary<T: BinaryFloatingPoint & TensorScalar>(_ op: UnaryOp, _: T.Type) throws -> Tensor {
    if T.self == Float.self, let result = try alike({ seep_unary_f32(op.code, $0, $1, $2) }) { return result }
    let plain = try contiguous()
    let result = try Tensor(uninitialized: shape, dtype)
    let code = op.code
    try Threads.forRanges(size, grain: elementGrain) { range in
      let count = range.count
      if T.self == Float.self {
        seep_unary_f32(
          code, plain.pointer(Float.self) + range.lowerBound, result.pointer(Float.self) + range.lowerBound, count)
      } else {
        seep_unary_f64(
          code, plain.pointer(Double.self) + range.lowerBound, result.pointer(Double.self) + range.lowerBound, count)
      }
    }
    return result
  }

  public func leakyRelu(_ slope: Double) throws -> Tensor { try parametric(100, slope, 0) }
  public func elu(_ alpha: Double) throws -> Tensor { try parametric(101, alpha, 0) }
  public func clamp(_ low: Double, _ high: Double) throws -> Tensor { try parametric(102, low, high) }

  private func parametric(_ code: Int32, _ a: Double, _ b: Double) throws -> Tensor {
    let timed = OperationClock.start(.elementwise)
    defer { timed.stop() }
    if let result = try alike({ seep_parametric_f32(code, $0, $1, $2, Float(a), Float(b)) }) { return result }
    let plain = try (dtype.isFloat ? self : converted(to: .float32)).contiguous()
    let result = try Tensor(uninitialized: shape, plain.dtype)
    try Threads.forRanges(size, grain: elementGrain) { range in
      let start = range.lowerBound
      if plain.dtype == .float32 {
        seep_parametric_f32(
          code, plain.pointer(Float.self) + start, result.pointer(Float.self) + start, range.count, Float(a), Float(b))
      } else {
        seep_parametric_f64(
          code, plain.pointer(Double.self) + start, result.pointer(Double.self) + start, range.count, a, b)
      }
    }
    return result
  }

  // MARK: Binary

  public static func combine(_ op: BinaryOp, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.elementwise)
    defer { timed.stop() }
    let (x, y) = try common(a, b)
    let shape = try broadcastShape(x.shape, y.shape)
    if let result = try combineBlocks(op, x, y) { return result }
    if x.dtype == .bool { return try combine(op, x.converted(to: .int64), y.converted(to: .int64)) }
    if x.dtype == .int64, op == .div { return try combine(op, x.converted(to: .float32), y.converted(to: .float32)) }
    let result = try Tensor(uninitialized: shape, x.dtype)
    try walk(shape, x, y, result) { xp, xs, yp, ys, out, count in
      switch x.dtype {
      case .float32:
        seep_binary_f32(
          op.code, xp.assumingMemoryBound(to: Float.self), xs, yp.assumingMemoryBound(to: Float.self), ys,
          out.assumingMemoryBound(to: Float.self), count)
      case .float64:
        seep_binary_f64(
          op.code, xp.assumingMemoryBound(to: Double.self), xs, yp.assumingMemoryBound(to: Double.self), ys,
          out.assumingMemoryBound(to: Double.self), count)
      case .int64, .bool:
        seep_binary_i64(
          op.code, xp.assumingMemoryBound(to: Int64.self), xs, yp.assumingMemoryBound(to: Int64.self), ys,
          out.assumingMemoryBound(to: Int64.self), count)
      }
    }
    return result
  }

  public static func combine(_ op: BinaryOp, _ a: Tensor, _ b: Double) throws -> Tensor {
    let x = a.dtype.isFloat || (b == b.rounded() && op != .div && a.dtype == .int64) ? a : try a.converted(to: .float32)
    return try combine(op, x, Tensor.scalar(b, x.dtype))
  }

  public static func combine(_ op: BinaryOp, _ a: Double, _ b: Tensor) throws -> Tensor {
    let y = b.dtype.isFloat || (a == a.rounded() && op != .div && b.dtype == .int64) ? b : try b.converted(to: .float32)
    return try combine(op, Tensor.scalar(a, y.dtype), y)
  }

  /// self + scale · other, with broadcasting.
  public func multiplyAdd(_ scale: Double, _ other: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.elementwise)
    defer { timed.stop() }
    guard dtype == other.dtype, dtype.isFloat, shape == other.shape else {
      return try Tensor.combine(.add, self, Tensor.combine(.mul, other, scale))
    }
    let factor = Float(scale)
    if let result = try Tensor.alike(self, other, { a, b, c, n in for i in 0..<n { c[i] = a[i] + factor * b[i] } }) {
      return result
    }
    let (x, y) = (try contiguous(), try other.contiguous())
    let result = try Tensor(uninitialized: shape, dtype)
    try Threads.forRanges(size, grain: elementGrain) { range in
      if dtype == .float32 {
        let (a, b, c, s) = (x.pointer(Float.self), y.pointer(Float.self), result.pointer(Float.self), Float(scale))
        for i in range { c[i] = a[i] + s * b[i] }
      } else {
        let (a, b, c) = (x.pointer(Double.self), y.pointer(Double.self), result.pointer(Double.self))
        for i in range { c[i] = a[i] + scale * b[i] }
      }
    }
    return result
  }

  /// Goes through two broadcast operands and a row-major result, a run of elements at a time; strides are in elements.
  private static func walk(
    _ shape: [Int], _ x: Tensor, _ y: Tensor, _ result: Tensor,
    _ body: (UnsafeRawPointer, Int, UnsafeRawPointer, Int, UnsafeMutableRawPointer, Int) -> Void
  ) throws {
    let (wide, deep) = (x.dtype.byteSize, result.dtype.byteSize)
    let xb = UnsafeRawPointer(x.storage.base) + x.offset * wide
    let yb = UnsafeRawPointer(y.storage.base) + y.offset * wide
    let out = result.storage.base
    let (xFlat, yFlat) = (x.isContiguous && x.shape == shape, y.isContiguous && y.shape == shape)
    if (xFlat || x.size == 1) && (yFlat || y.size == 1) {
      let (xs, ys) = (xFlat ? 1 : 0, yFlat ? 1 : 0)
      try Threads.forRanges(result.size, grain: elementGrain) { range in
        let start = range.lowerBound
        body(xb + start * xs * wide, xs, yb + start * ys * wide, ys, out + start * deep, range.count)
      }
      return
    }
    let plan = LoopPlan(
      shape, [try x.broadcast(to: shape).strides, try y.broadcast(to: shape).strides, Tensor.rowMajor(shape)])
    let (xs, ys) = (plan.innerStrides[0], plan.innerStrides[1])
    try plan.forEachPart { offsets, part in
      let start = part.lowerBound
      body(
        xb + (offsets[0] + start * xs) * wide, xs, yb + (offsets[1] + start * ys) * wide, ys,
        out + (offsets[2] + start) * deep, part.count)
    }
  }

  // MARK: Comparisons and choice

  public static func compare(_ op: Comparison, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.elementwise)
    defer { timed.stop() }
    let (x, y) = try common(a, b)
    if x.dtype == .bool { return try compare(op, x.converted(to: .int64), y.converted(to: .int64)) }
    let shape = try broadcastShape(x.shape, y.shape)
    let result = try Tensor(uninitialized: shape, .bool)
    try walk(shape, x, y, result) { xp, xs, yp, ys, out, count in
      let target = out.assumingMemoryBound(to: Bool.self)
      func run<T: Comparable>(_: T.Type) {
        let (p, q) = (xp.assumingMemoryBound(to: T.self), yp.assumingMemoryBound(to: T.self))
        switch op {
        case .less: for i in 0..<count { target[i] = p[i * xs] < q[i * ys] }
        case .lessEqual: for i in 0..<count { target[i] = p[i * xs] <= q[i * ys] }
        case .greater: for i in 0..<count { target[i] = p[i * xs] > q[i * ys] }
        case .greaterEqual: for i in 0..<count { target[i] = p[i * xs] >= q[i * ys] }
        case .equal: for i in 0..<count { target[i] = p[i * xs] == q[i * ys] }
        case .notEqual: for i in 0..<count { target[i] = p[i * xs] != q[i * ys] }
        }
      }
      switch x.dtype {
      case .float32: run(Float.self)
      case .float64: run(Double.self)
      case .int64, .bool: run(Int64.self)
      }
    }
    return result
  }

  public static func compare(_ op: Comparison, _ a: Tensor, _ b: Double) throws -> Tensor {
    let x = a.dtype == .bool || (a.dtype == .int64 && b != b.rounded()) ? try a.converted(to: .float64) : a
    return try compare(op, x, Tensor.scalar(b, x.dtype))
  }

  public static func logical(_ op: LogicalOp, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    let (x, y) = (try a.converted(to: .bool).converted(to: .int64), try b.converted(to: .bool).converted(to: .int64))
    return try combine(op == .and ? .minimum : .maximum, x, y).converted(to: .bool)
  }

  public func logicalNot() throws -> Tensor {
    try Tensor.compare(.equal, converted(to: .bool).converted(to: .int64), 0)
  }

  /// `a` where the mask is true, `b` elsewhere; all broadcast.
  public static func choose(_ condition: Tensor, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.elementwise)
    defer { timed.stop() }
    let (x, y) = try common(a, b)
    let shape = try broadcastShape(condition.shape, broadcastShape(x.shape, y.shape))
    let mask = try condition.converted(to: .bool)
    let result = try Tensor(uninitialized: shape, x.dtype)
    func run<T>(_: T.Type) throws {
      let plan = LoopPlan(
        shape,
        [
          try mask.broadcast(to: shape).strides, try x.broadcast(to: shape).strides, try y.broadcast(to: shape).strides,
          result.strides,
        ])
      let (mp, xp, yp) = (mask.pointer(Bool.self), x.pointer(T.self), y.pointer(T.self))
      let out = result.pointer(T.self)
      let (ms, xs, ys) = (plan.innerStrides[0], plan.innerStrides[1], plan.innerStrides[2])
      try plan.forEachPart { offsets, part in
        let (m, p, q, target) = (mp + offsets[0], xp + offsets[1], yp + offsets[2], out + offsets[3])
        for i in part { target[i] = m[i * ms] ? p[i * xs] : q[i * ys] }
      }
    }
    switch x.dtype.byteSize {
    case 4: try run(UInt32.self)
    case 8: try run(UInt64.self)
    default: try run(UInt8.self)
    }
    return result
  }
}

extension Tensor.UnaryOp {
  /// The number the C loops know the operation by.
  var code: Int32 {
    switch self {
    case .neg: 0
    case .abs: 1
    case .square: 2
    case .exp: 3
    case .log: 4
    case .log1p: 5
    case .expm1: 6
    case .sqrt: 7
    case .rsqrt: 8
    case .reciprocal: 9
    case .sin: 10
    case .cos: 11
    case .tan: 12
    case .tanh: 13
    case .sigmoid: 14
    case .relu: 15
    case .softplus: 16
    case .erf: 17
    case .sign: 18
    case .floor: 19
    case .ceil: 20
    case .round: 21
    case .acos: 22
    }
  }
}

extension Tensor.BinaryOp {
  var code: Int32 {
    switch self {
    case .add: 0
    case .sub: 1
    case .mul: 2
    case .div: 3
    case .pow: 4
    case .maximum: 5
    case .minimum: 6
    case .floorDiv: 7
    case .mod: 8
    }
  }
}
