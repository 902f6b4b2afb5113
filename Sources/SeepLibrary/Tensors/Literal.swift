// Numbers and nested lists of numbers as tensors, and tensors back as lists.
import Autodiff
import Ground
import SeepLanguage
import Tensors

enum Literal {
  /// A number, or lists of equal length nested to any depth (tensors may be items), as one tensor.
  ///
  /// - Parameter dtype: float32 unless said; masks and labels say bool and int64.
  static func tensor(_ value: Value, dtype: DType = .float32) throws -> Tensor {
    if let tensor = value.foreign(as: TensorValue.self) { return try tensor.tensor.converted(to: dtype) }
    var shape: [Int] = []
    var level = value
    while let items = try value_items(level) {
      shape.append(items.count)
      guard let first = items.first else { break }
      level = first
      if shape.count > 32 { throw Fault("bad-shape", "a list nested deeper than 32 is no tensor") }
    }
    if level.foreign(as: TensorValue.self) != nil { return try stacked(value, dtype) }
    var numbers: [Double] = []
    numbers.reserveCapacity(shape.reduce(1, *))
    try collect(value, shape, 0, &numbers)
    return try Tensor(numbers, shape: shape).converted(to: dtype)
  }

  private static func value_items(_ value: Value) throws -> [Value]? {
    if case .range(let range) = value.content {
      // A value and its owner for each number, before the tensor is made.
      guard range.count <= MemoryBudget.limit / 64 else {
        throw Fault(
          "out-of-memory", "\(range.count) items do not fit into this machine's memory", help: "arange(…)", argument: 0)
      }
      return range.map { Value($0) }
    }
    return value.asItems
  }

  private static func collect(_ value: Value, _ shape: [Int], _ depth: Int, _ numbers: inout [Double]) throws {
    if depth == shape.count {
      if numbers.count & 0xFFFF == 0 { try Interrupt.check() }
      if let number = value.asDouble {
        numbers.append(number)
      } else if let bool = value.asBool {
        numbers.append(bool ? 1 : 0)
      } else if value.asItems != nil {
        throw ragged(shape, depth)
      } else {
        throw Fault("type-mismatch", "a tensor is made of numbers, and \(described(value)) is none", argument: 0)
      }
      return
    }
    guard let items = try value_items(value) else { throw ragged(shape, depth) }
    guard items.count == shape[depth] else {
      throw Fault(
        "ragged-list", "lists of unequal length make no tensor: one has \(shape[depth]) items, another \(items.count)",
        argument: 0)
    }
    for item in items { try collect(item, shape, depth + 1, &numbers) }
  }

  private static func ragged(_ shape: [Int], _ depth: Int) -> Fault {
    Fault("ragged-list", "numbers and lists side by side make no tensor (at depth \(depth))", argument: 0)
  }

  private static func stacked(_ value: Value, _ dtype: DType) throws -> Tensor {
    guard let items = value.asItems else { return try tensor(value, dtype: dtype) }
    let parts = try items.map { try tensor($0, dtype: dtype).unsqueeze(axis: 0) }
    return try Tensor.concat(parts, axis: 0)
  }

  /// A tensor as nested lists of numbers; rank 0 as a number.
  static func lists(_ tensor: Tensor) throws -> Value {
    let numbers = try tensor.doubles()
    func scalar(_ index: Int) -> Value {
      switch tensor.dtype {
      case .float32, .float64: Value(numbers[index])
      case .int64: Value(Int(numbers[index]))
      case .bool: Value(numbers[index] != 0)
      }
    }
    func build(_ axis: Int, _ offset: Int, _ stride: Int) throws -> Value {
      if offset & 0xFFF == 0 { try Interrupt.check() }
      if axis == tensor.rank { return scalar(offset) }
      let inner = tensor.shape[axis] == 0 ? 0 : stride / tensor.shape[axis]
      return Value(list: try (0..<tensor.shape[axis]).map { try build(axis + 1, offset + $0 * inner, inner) })
    }
    return try build(0, 0, tensor.size)
  }

  /// `float32` or `"float32"`.
  static func dtype(_ call: Call, _ name: String = "dtype", default standard: DType = .float32) throws -> DType {
    guard call.isGiven(name) else { return standard }
    let given = try call.choice(name, of: DType.allCases.map(\.name))
    return DType.allCases.first { $0.name == given } ?? standard
  }
}
