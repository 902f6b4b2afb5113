// What is known of a tensor before a program runs: its axes, each with or without its size, and its dtype.
import Ground
import SeepLanguage
import Tensors

final class KnownTensor: KnownObject {
  /// nil: not known.
  let dims: [Int?]
  let dtype: DType?

  /// - Throws: `Unclear` where no run gets to such a tensor, or where that depends on the machine.
  init(_ dims: [Int?], _ dtype: DType?) throws {
    var size = 1
    for dim in dims {
      guard let dim else { continue }
      guard dim >= 0, dim < 1 << 40 else { throw Unclear() }
      // With an axis of no elements the others may be of any size.
      size *= max(dim, 1)
      guard size < 1 << 40, size <= MemoryBudget.limit / 16 else { throw Unclear() }
    }
    self.dims = dims
    self.dtype = dtype
  }

  var rank: Int { dims.count }

  /// The shape, where all of it is known.
  var shape: [Int]? {
    let known = dims.compactMap { $0 }
    return known.count == dims.count ? known : nil
  }
  var size: Int? { shape?.reduce(1, *) }

  /// `[2, ?]`
  static func written(_ dims: [Int?]) -> String {
    "[" + dims.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") + "]"
  }
  var label: String { KnownTensor.written(dims) }
  var summary: String { "\(dtype?.name ?? "tensor") \(label)" }

  // MARK: Operators

  /// One side of an operator beside a tensor.
  private enum Side {
    case tensor(KnownTensor)
    case number(isInt: Bool)
    case bool
  }

  func operate(_ operation: Operator, _ other: Known, reversed: Bool) throws -> Known {
    let side: Side
    switch other {
    case .object(let object as KnownTensor): side = .tensor(object)
    case .int: side = .number(isInt: true)
    case .float: side = .number(isInt: false)
    case .bool: side = .bool
    default: throw Unclear()
    }
    if operation == .contains { throw Unclear() }
    if operation == .matmul {
      guard case .tensor(let tensor) = side else { throw Unclear() }
      let (a, b) = reversed ? (tensor, self) : (self, tensor)
      return .object(try Shapes.product(a, b))
    }
    let isMask = operation.isComparison || operation == .and || operation == .or
    guard case .tensor(let tensor) = side else {
      if isMask { return .object(try KnownTensor(dims, .bool)) }
      // What a power or a sum of ints or truth values holds is left open.
      guard let dtype, dtype.isFloat || (dtype == .int64 && operation != .power) else {
        return .object(try KnownTensor(dims, nil))
      }
      let isInt = if case .number(isInt: false) = side { false } else { true }
      return .object(try KnownTensor(dims, dtype.isFloat || (isInt && operation != .divide) ? dtype : .float32))
    }
    let (a, b) = reversed ? (tensor, self) : (self, tensor)
    // Masks are made of both sides before they meet.
    let common = operation == .and || operation == .or ? DType.bool : try Shapes.matched(a, b)
    let dims = try Shapes.broadcast(a.dims, b.dims)
    if isMask { return .object(try KnownTensor(dims, .bool)) }
    guard common.isFloat || (common == .int64 && operation != .power) else {
      return .object(try KnownTensor(dims, nil))
    }
    return .object(try KnownTensor(dims, operation == .divide && !common.isFloat ? .float32 : common))
  }

  func operate(_ operation: UnaryOperator) throws -> Known {
    .object(try KnownTensor(dims, operation == .not ? .bool : dtype))
  }

  // MARK: Parts

  func index(_ items: [Known?]) throws -> Known {
    if items.count == 1, let mask = items[0]?.object(as: KnownTensor.self), mask.dtype == .bool {
      guard mask.rank <= rank, zip(mask.dims, dims).allSatisfy({ $0 == nil || $1 == nil || $0 == $1 }) else {
        throw TensorIndex.unfit(mask: mask.label, label, kind: summary)
      }
      return .object(try KnownTensor([nil] + dims[mask.rank...], dtype))
    }
    if items.count > rank { throw TensorIndex.tooMany(items.count, label, rank) }
    var left: [Int?] = []
    for (axis, size) in dims.enumerated() {
      guard axis < items.count else {
        left.append(size)
        continue
      }
      func place(_ index: Int) throws {
        guard let size else { return }
        guard index >= -size, index < size else {
          var fault = TensorIndex.outside(index, size, label)
          fault.argument = axis + 1
          fault.operands[0] = summary
          throw fault
        }
      }
      switch items[axis] {
      case nil: left.append(size)
      case .int(let index)?: try place(index)
      case .range(let from, let to)?:
        left.append(
          size.map { size in
            let (low, high) = TensorIndex.bounds(from, to, size)
            return high - low
          })
      case .list(let indices)?:
        for index in indices {
          guard let index = index.asInt else { throw Unclear() }
          try place(index)
        }
        left.append(indices.count)
      default: throw Unclear()
      }
    }
    return .object(try KnownTensor(left, dtype))
  }

  func field(_ name: String) throws -> Known {
    switch name {
    case "shape": return .list(dims.map { $0.map { .int($0) } ?? .unknown })
    case "rank": return .int(rank)
    case "size": return size.map { .int($0) } ?? .unknown
    case "dtype": return dtype.map { .string($0.name) } ?? .unknown
    case "T": return .object(try KnownTensor(dims.reversed(), dtype))
    default: throw Unclear()
    }
  }

  func hasField(_ name: String) -> Bool { TensorValue.fields.contains(name) }

  var items: (count: Int?, each: Known)? {
    guard let count = dims.first, let each = try? KnownTensor(Array(dims.dropFirst()), dtype) else { return nil }
    return (count, .object(each))
  }
}

/// The rules of shapes that several functions share. Where the whole shapes are known, the engine itself is asked, so that its words
/// are the run's.
enum Shapes {
  /// The dtype in which two tensors meet.
  static func matched(_ a: KnownTensor, _ b: KnownTensor) throws -> DType {
    guard let x = a.dtype, let y = b.dtype else { throw Unclear() }
    if x == y { return x }
    if x.isFloat, y.isFloat { throw TensorOperators.mismatch(x, y, a.label, b.label) }
    if x.isFloat { return x }
    return y.isFloat ? y : .int64
  }

  static func broadcast(_ a: [Int?], _ b: [Int?]) throws -> [Int?] {
    let rank = max(a.count, b.count)
    var dims = [Int?](repeating: nil, count: rank)
    for i in 0..<rank {
      let x = i < rank - a.count ? 1 : a[i - (rank - a.count)]
      let y = i < rank - b.count ? 1 : b[i - (rank - b.count)]
      switch (x, y) {
      case (let x?, let y?):
        guard x == y || x == 1 || y == 1 else {
          throw Tensor.doNotBroadcast(KnownTensor.written(a), KnownTensor.written(b), x, y)
        }
        dims[i] = x == 1 ? y : x
      // A size that is not 1 is the size of both.
      case (let x?, nil): dims[i] = x == 1 ? nil : x
      case (nil, let y?): dims[i] = y == 1 ? nil : y
      case (nil, nil): break
      }
    }
    return dims
  }

  /// The tensor that `@` gives.
  static func product(_ a: KnownTensor, _ b: KnownTensor) throws -> KnownTensor {
    let dtype = try matched(a, b)
    func refuse() -> any Error {
      TensorOperators.doNotMultiply(a.dims, b.dims, a.label, b.label)
    }
    guard a.rank > 0, b.rank > 0 else { throw refuse() }
    let (x, y) = (a.rank == 1 ? [1] + a.dims : a.dims, b.rank == 1 ? b.dims + [1] : b.dims)
    if let inner = x[x.count - 1], let other = y[y.count - 2], inner != other { throw refuse() }
    guard let batch = try? broadcast(Array(x.dropLast(2)), Array(y.dropLast(2))) else { throw refuse() }
    let ends = (a.rank == 1 ? [] : [x[x.count - 2]]) + (b.rank == 1 ? [] : [y[y.count - 1]])
    return try KnownTensor(batch + ends, dtype.isFloat ? dtype : .float32)
  }

  /// An axis counted from the front.
  static func axis(_ call: KnownCall, _ name: String = "axis", rank: Int) throws -> Int {
    let given = try call.int(name)
    let place = given < 0 ? given + rank : given
    guard place >= 0, place < rank else { throw badAxis(given, rank: rank, argument: call.index(of: name)) }
    return place
  }

  /// The axes meant by `axis:`; nil for all.
  static func axes(_ call: KnownCall, rank: Int) throws -> [Int]? {
    if case .none = call["axis"] { return nil }
    return try call.ints("axis").map { axis in
      let place = axis < 0 ? axis + rank : axis
      guard place >= 0, place < rank else {
        throw badAxis(axis, rank: rank, argument: call.index(of: "axis"), helps: true)
      }
      return place
    }
  }

  /// What an argument is as a tensor: a tensor, a number, or nested lists of numbers.
  static func tensor(_ call: KnownCall, _ name: String, of lists: DType = .float32) throws -> KnownTensor {
    if let tensor = call[name].object(as: KnownTensor.self) { return tensor }
    return try KnownTensor(literal(call[name]), lists)
  }

  /// The shape of a number or of nested lists of numbers.
  static func literal(_ known: Known) throws -> [Int?] {
    switch known {
    case .int, .float, .bool: return []
    case .list(let items), .tuple(let items):
      let inner = try items.map { try literal($0) }
      guard let first = inner.first else { return [0] }
      guard inner.allSatisfy({ $0 == first }) else { throw Unclear() }
      return [items.count] + first
    default: throw Unclear()
    }
  }

  /// The dtype that a call asks for.
  static func dtype(_ call: KnownCall, default standard: DType = .float32) throws -> DType {
    guard call.isGiven("dtype") else { return standard }
    let given = try call.string("dtype")
    guard let found = DType.allCases.first(where: { $0.name == given }) else { throw Unclear() }
    return found
  }

  /// The same as floats: what a function that works on floats makes of it.
  static func floats(_ tensor: KnownTensor) throws -> KnownTensor {
    guard let dtype = tensor.dtype, !dtype.isFloat else { return tensor }
    return try KnownTensor(tensor.dims, .float32)
  }
}
