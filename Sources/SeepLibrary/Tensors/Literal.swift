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
    while let items = try items(of: level) {
      shape.append(items.count)
      guard let first = items.first else { break }
      level = first
      if shape.count > 32 { throw Fault("bad-shape", "a list nested deeper than 32 is no tensor") }
    }
    if level.foreign(as: TensorValue.self) != nil { return try stacked(value, dtype) }
    // Whole numbers stay as they are: a Double has no room for all of them.
    if dtype == .int64 {
      return try Tensor.makeIntegers(shape) { out in
        var filler = Filler(shape: shape) { items, i in
          items.int(i).map { Int64($0) } ?? items.double(i).map { Int64(converting: $0) }
        }
        try filler.fill(out, value)
      }
    }
    return try Tensor.makeDoubles(shape) { out in
      var filler = Filler(shape: shape) { $0.double($1) }
      try filler.fill(out, value)
    }.converted(to: dtype)
  }

  /// Of a list, a tuple or a range.
  private static func items(of value: Value) throws -> ListItems? {
    // The content of a list would be a copy of it.
    if let items = value.listItems { return items }
    if case .range(let range) = value.content {
      guard range.count <= MemoryBudget.limit / 64 else {
        throw Fault(
          "out-of-memory", "\(range.count) items do not fit into this machine's memory", help: "arange(…)", argument: 0)
      }
      return try Value.list(range.count) { Value(range.lowerBound + $0) }.listItems
    }
    return nil
  }

  /// Writes the numbers of nested lists one after the other, as far as each has the length that the first has.
  private struct Filler<Number> {
    let shape: [Int]
    let number: (ListItems, Int) -> Number?
    private var at = 0

    init(shape: [Int], number: @escaping (ListItems, Int) -> Number?) {
      self.shape = shape
      self.number = number
    }

    mutating func fill(_ out: UnsafeMutableBufferPointer<Number>, _ value: Value) throws {
      if !shape.isEmpty { return try fill(out, value, 0) }
      let one = try Value.list(1) { _ in value }
      guard let items = one.listItems, let number = number(items, 0) else { throw noNumber(value) }
      out[0] = number
    }

    private mutating func fill(_ out: UnsafeMutableBufferPointer<Number>, _ value: Value, _ depth: Int) throws {
      guard let items = try items(of: value) else { throw ragged(depth) }
      guard items.count == shape[depth] else {
        throw Fault(
          "ragged-list",
          "lists of unequal length make no tensor: one has \(shape[depth]) items, another \(items.count)",
          argument: 0)
      }
      if depth + 1 < shape.count {
        for item in items { try fill(out, item, depth + 1) }
        return
      }
      for i in 0..<items.count {
        if at & 0xFFFF == 0 { try Interrupt.check() }
        guard let number = number(items, i) else {
          throw items[i].listItems != nil ? ragged(depth + 1) : noNumber(items[i])
        }
        out[at] = number
        at += 1
      }
    }

    private func noNumber(_ value: Value) -> Fault {
      Fault("type-mismatch", "a tensor is made of numbers, and \(described(value)) is none", argument: 0)
    }

    private func ragged(_ depth: Int) -> Fault {
      Fault("ragged-list", "numbers and lists side by side make no tensor (at depth \(depth))", argument: 0)
    }
  }

  private static func stacked(_ value: Value, _ dtype: DType) throws -> Tensor {
    guard let items = value.asItems else { return try tensor(value, dtype: dtype) }
    let parts = try items.map { try tensor($0, dtype: dtype).unsqueeze(axis: 0) }
    return try Tensor.concat(parts, axis: 0)
  }

  /// A tensor as nested lists of numbers; rank 0 as a number.
  static func lists(_ tensor: Tensor) throws -> Value {
    func build(_ axis: Int, _ offset: Int, _ stride: Int, _ scalar: (Int) -> Value) throws -> Value {
      if axis == tensor.rank { return scalar(offset) }
      let inner = tensor.shape[axis] == 0 ? 0 : stride / tensor.shape[axis]
      return try Value.list(tensor.shape[axis]) { try build(axis + 1, offset + $0 * inner, inner, scalar) }
    }
    switch tensor.dtype {
    case .float32: return try tensor.withFloats { x in try build(0, 0, tensor.size) { Value(Double(x[$0])) } }
    case .float64: return try tensor.withDoubles { x in try build(0, 0, tensor.size) { Value(x[$0]) } }
    case .int64: return try tensor.withIntegers { x in try build(0, 0, tensor.size) { Value(Int(x[$0])) } }
    case .bool: return try tensor.withBooleans { x in try build(0, 0, tensor.size) { Value(x[$0]) } }
    }
  }

  /// `float32` or `"float32"`.
  static func dtype(_ call: Call, _ name: String = "dtype", default standard: DType = .float32) throws -> DType {
    guard call.isGiven(name) else { return standard }
    let given = try call.choice(name, of: DType.allCases.map(\.name))
    return DType.allCases.first { $0.name == given } ?? standard
  }
}
