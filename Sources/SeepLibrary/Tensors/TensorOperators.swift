// Operators between tensors and numbers, and how any value becomes a variable.
import Autodiff
import Ground
import SeepLanguage
import Tensors

/// One side of an operator.
enum Operand {
  case tensor(TensorValue)
  case number(Double, isInt: Bool)
  case bool(Bool)

  init?(_ value: Value) {
    if let tensor = value.foreign(as: TensorValue.self) {
      self = .tensor(tensor)
    } else if let int = value.asInt {
      self = .number(Double(int), isInt: true)
    } else if let number = value.asDouble {
      self = .number(number, isInt: false)
    } else if let bool = value.asBool {
      self = .bool(bool)
    } else {
      return nil
    }
  }

  var label: String {
    switch self {
    case .tensor(let tensor): written(tensor.shape)
    case .number(let number, let isInt): isInt ? "\(Int(number))" : "\(number)"
    case .bool(let bool): "\(bool)"
    }
  }
}

enum TensorOperators {
  static func apply(_ operation: Operator, _ a: Operand, _ b: Operand) throws -> Value? {
    switch operation {
    case .add, .subtract, .multiply, .divide, .floorDivide, .remainder, .power:
      return Value(try arithmetic(operation, a, b))
    case .matmul:
      guard case .tensor(let left) = a, case .tensor(let right) = b else {
        throw Fault(
          "shape-mismatch", "`@` multiplies two tensors, and a number is none", operands: [0: a.label, 1: b.label],
        ).suggesting("`*` multiplies by a number")
      }
      let (x, y) = try matched(left, right)
      return Value(TensorValue(try x.matmul(y)))
    case .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual:
      return Value(TensorValue(Variable(try compare(operation, a, b))))
    case .and, .or:
      let (x, y) = (try mask(a), try mask(b))
      return Value(TensorValue(Variable(try Tensor.logical(operation == .and ? .and : .or, x, y))))
    case .contains: return nil
    }
  }

  private static func arithmetic(_ operation: Operator, _ a: Operand, _ b: Operand) throws -> TensorValue {
    switch (a, b) {
    case (.tensor(let left), .tensor(let right)):
      let (x, y) = try matched(left, right)
      return TensorValue(try combine(operation, x, y), isNumber: left.isNumber && right.isNumber)
    case (.tensor(let left), .number(let number, let isInt)):
      let x = try floated(left.variable, operation, isInt)
      return TensorValue(try combine(operation, x, number), isNumber: left.isNumber)
    case (.number(let number, let isInt), .tensor(let right)):
      let y = try floated(right.variable, operation, isInt)
      return TensorValue(try combine(operation, number, y), isNumber: right.isNumber)
    case (.bool(let bool), _): return try arithmetic(operation, .number(bool ? 1 : 0, isInt: true), b)
    case (_, .bool(let bool)): return try arithmetic(operation, a, .number(bool ? 1 : 0, isInt: true))
    case (.number, .number): throw Fault("internal-error", "no tensor in a tensor operation")
    }
  }

  /// Integers divided, or meeting a float number, become float32.
  private static func floated(_ x: Variable, _ operation: Operator, _ isInt: Bool) throws -> Variable {
    x.dtype.isFloat || (isInt && operation != .divide) ? x : try x.converted(to: .float32)
  }

  private static func combine(_ operation: Operator, _ x: Variable, _ y: Variable) throws -> Variable {
    switch operation {
    case .add: return try x + y
    case .subtract: return try x - y
    case .multiply: return try x * y
    case .divide:
      return x.dtype.isFloat || y.dtype.isFloat ? try x / y : try x.converted(to: .float32) / y.converted(to: .float32)
    case .power: return try x.pow(y)
    case .floorDivide:
      return x.dtype.isFloat ? try (x / y).floor() : Variable(try Tensor.combine(.floorDiv, x.value, y.value))
    case .remainder:
      return x.dtype.isFloat ? try x - (x / y).floor() * y : Variable(try Tensor.combine(.mod, x.value, y.value))
    default: throw Fault("internal-error", "`\(operation.symbol)` is not arithmetic")
    }
  }

  private static func combine(_ operation: Operator, _ x: Variable, _ number: Double) throws -> Variable {
    switch operation {
    case .add: try x + number
    case .subtract: try x - number
    case .multiply: try x * number
    case .divide: try x / number
    case .power: try x.pow(number)
    default: try combine(operation, x, Variable(Tensor.scalar(number, x.dtype)))
    }
  }

  private static func combine(_ operation: Operator, _ number: Double, _ y: Variable) throws -> Variable {
    switch operation {
    case .add: try number + y
    case .subtract: try number - y
    case .multiply: try number * y
    case .divide: try number / y
    default: try combine(operation, Variable(Tensor.scalar(number, y.dtype)), y)
    }
  }

  /// The two variables with one dtype: a number inside a derivative takes the other's.
  static func matched(_ a: TensorValue, _ b: TensorValue) throws -> (Variable, Variable) {
    let (x, y) = (a.variable, b.variable)
    if x.dtype == y.dtype { return (x, y) }
    if a.isNumber, y.dtype.isFloat { return (try x.converted(to: y.dtype), y) }
    if b.isNumber, x.dtype.isFloat { return (x, try y.converted(to: x.dtype)) }
    if !x.dtype.isFloat, y.dtype.isFloat { return (try x.converted(to: y.dtype), y) }
    if x.dtype.isFloat, !y.dtype.isFloat { return (x, try y.converted(to: x.dtype)) }
    if !x.dtype.isFloat { return (try x.converted(to: .int64), try y.converted(to: .int64)) }
    throw mismatch(x.dtype, y.dtype, written(x.shape), written(y.shape))
  }

  static func mismatch(_ a: DType, _ b: DType, _ shapeA: String, _ shapeB: String) -> Fault {
    Fault(
      "dtype-mismatch", "a \(a.name) tensor meets a \(b.name) tensor",
      help: "to(…, \"\(a.name)\") on the \(b.name) one",
      operands: [0: "\(a.name) \(shapeA)", 1: "\(b.name) \(shapeB)"])
  }

  private static func compare(_ operation: Operator, _ a: Operand, _ b: Operand) throws -> Tensor {
    let kind: Tensor.Comparison =
      switch operation {
      case .less: .less
      case .lessEqual: .lessEqual
      case .greater: .greater
      case .greaterEqual: .greaterEqual
      case .equal: .equal
      default: .notEqual
      }
    switch (a, b) {
    case (.tensor(let left), .tensor(let right)):
      let (x, y) = try matched(left, right)
      return try Tensor.compare(kind, x.value, y.value)
    case (.tensor(let left), .number(let number, _)): return try Tensor.compare(kind, left.tensor, number)
    case (.number(let number, _), .tensor(let right)):
      let mirrored: Tensor.Comparison =
        switch kind {
        case .less: .greater
        case .lessEqual: .greaterEqual
        case .greater: .less
        case .greaterEqual: .lessEqual
        case .equal: .equal
        case .notEqual: .notEqual
        }
      return try Tensor.compare(mirrored, right.tensor, number)
    case (.bool(let bool), _): return try compare(operation, .number(bool ? 1 : 0, isInt: true), b)
    case (_, .bool(let bool)): return try compare(operation, a, .number(bool ? 1 : 0, isInt: true))
    case (.number, .number): throw Fault("internal-error", "no tensor in a tensor comparison")
    }
  }

  private static func mask(_ operand: Operand) throws -> Tensor {
    switch operand {
    case .tensor(let tensor): try tensor.tensor.converted(to: .bool)
    case .number(let number, _): try Tensor.scalar(number != 0 ? 1 : 0, .bool)
    case .bool(let bool): try Tensor.scalar(bool ? 1 : 0, .bool)
    }
  }

  /// Any number, tensor or nested list of numbers as a variable; numbers take the dtype of `like`.
  static func variable(_ value: Value, like: Variable) throws -> Variable {
    if let tensor = value.foreign(as: TensorValue.self) {
      return tensor.isNumber && tensor.variable.dtype != like.dtype
        ? try tensor.variable.converted(to: like.dtype) : tensor.variable
    }
    return Variable(try Literal.tensor(value, dtype: like.dtype))
  }

  /// The sentence of DESIGN's example: which axes must agree, and a reshape that would make them agree.
  static func explain(_ fault: Fault, _ operation: Operator, _ a: Operand, _ b: Operand) -> Fault {
    guard case .tensor(let left) = a, case .tensor(let right) = b else { return fault }
    return doNotMultiply(left.shape, right.shape, written(left.shape), written(right.shape))
  }

  /// - Parameters:
  ///   - x: the shape on the left; nil where a size is not known.
  ///   - labels: the shapes as they are written.
  static func doNotMultiply(_ x: [Int?], _ y: [Int?], _ labelX: String, _ labelY: String) -> Fault {
    var fault = Fault(
      "shape-mismatch", "these shapes do not multiply: \(labelX) @ \(labelY)", operands: [0: labelX, 1: labelY])
    if let last = x.last ?? nil, !y.isEmpty, let inner = y.count == 1 ? y[0] : y[y.count - 2] {
      if last != inner { fault.message = "these shapes do not multiply: \(last) on the left, \(inner) on the right" }
      fault.notes = ["`@` needs the last axis on the left (\(last)) to equal the first on the right (\(inner))."]
      if last != inner { fault.help = multiplying(x, y, inner) }
    }
    return fault
  }

  /// What multiplies: with one side turned round, or with the examples of the left, or all of it, flattened to rows. A reshape that would
  /// mix the examples fits as well, and is not said.
  private static func multiplying(_ x: [Int?], _ y: [Int?], _ inner: Int) -> String? {
    let (left, right) = (nameOrPlaceholder(0), nameOrPlaceholder(1))
    if x.count == 2, x[0] == inner { return "\(left).T @ \(right)" }
    if y.count == 2, let last = x.last, last == y[1] { return "\(left) @ \(right).T" }
    let known = x.compactMap { $0 }
    guard known.count == x.count, inner > 0 else { return nil }
    let (rows, rest) = known.reduce(1, *).quotientAndRemainder(dividingBy: inner)
    guard rest == 0, rows == 1 || x.count > 2 && rows == known[0] else { return nil }
    return "\(left).reshape(\(rows), \(inner)) @ \(right)"
  }

  /// The machine replaces `{0}` by the source text of the operand, where it is short.
  private static func nameOrPlaceholder(_ index: Int) -> String { "{\(index)}" }
}

extension Fault {
  func suggesting(_ help: String) -> Fault {
    var copy = self
    copy.help = help
    return copy
  }
}
