// A tensor in the hands of a program: a differentiable variable, and the call that made it for diagnostics.
import Autodiff
import Ground
import SeepLanguage
import Tensors

/// What Seep calls a tensor. Immutable; tracked while a derivative is being taken.
final class TensorValue: Foreign, NumberLike {
  let variable: Variable
  /// A number inside a derivative: rank 0, and it takes the dtype of the tensor it meets, as a plain number does.
  let isNumber: Bool
  /// Where it came from, for diagnostics: `conv2d(…)`; nil for the result of an operator.
  let origin: String?

  init(_ variable: Variable, isNumber: Bool = false, origin: String? = nil) {
    self.variable = variable
    self.isNumber = isNumber
    self.origin = origin
  }

  var tensor: Tensor { variable.value }
  var shape: [Int] { variable.shape }
  var typeName: String { "tensor" }
  var summary: String { "\(tensor.dtype.name) \(written(shape))" }

  /// The number, where there is exactly one element.
  var numberValue: Double? { tensor.size == 1 ? try? tensor.item() : nil }

  // MARK: Operators

  func operate(_ operation: Operator, _ other: Value, reversed: Bool, in session: Session) throws -> Value? {
    if operation == .contains {
      guard reversed, let number = other.asDouble else { return nil }
      return Value(try Tensor.compare(.equal, tensor, number).reduce(.any).item() != 0)
    }
    guard let operand = Operand(other) else { return nil }
    do {
      return reversed
        ? try TensorOperators.apply(operation, operand, .tensor(self))
        : try TensorOperators.apply(operation, .tensor(self), operand)
    } catch let fault as Fault where fault.code == "shape-mismatch" && operation == .matmul {
      throw TensorOperators.explain(
        fault, operation, reversed ? operand : .tensor(self), reversed ? .tensor(self) : operand)
    }
  }

  func operate(_ operation: UnaryOperator, in session: Session) throws -> Value? {
    switch operation {
    case .negate: Value(TensorValue(try -variable, isNumber: isNumber))
    case .not: Value(TensorValue(Variable(try tensor.converted(to: .bool).logicalNot())))
    }
  }

  // MARK: Items

  func index(_ items: [IndexItem], in session: Session) throws -> Value? {
    Value(TensorValue(try TensorIndex.read(variable, items)))
  }

  func assigning(_ value: Value, at items: [IndexItem], in session: Session) throws -> Value? {
    guard let new = try? TensorOperators.variable(value, like: variable) else {
      throw Fault("type-mismatch", "an element of a tensor must be a number or a tensor, not \(described(value))")
    }
    return Value(TensorValue(try TensorIndex.write(variable, items, new)))
  }

  var count: Int? { shape.first }

  func element(_ index: Int, in session: Session) throws -> Value {
    let item = TensorValue(try variable.select(axis: 0, index: index))
    return Value(item)
  }

  // MARK: Fields

  static let fields = ["shape", "rank", "size", "dtype", "T"]
  var fieldNames: [String] { TensorValue.fields }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "shape": return Value(list: shape.map { Value($0) })
    case "rank": return Value(shape.count)
    case "size": return Value(tensor.size)
    case "dtype": return Value(tensor.dtype.name)
    case "T":
      return Value(TensorValue(try variable.permute(Array((0..<shape.count).reversed()))))
    default: return nil
    }
  }

  // MARK: Comparing and showing

  func isEqual(to other: any Foreign) -> Bool {
    guard let other = other as? TensorValue, shape == other.shape else { return false }
    guard let same = try? Tensor.compare(.equal, tensor, other.tensor).reduce(.all).item() else { return false }
    return same != 0
  }

  func difference(from other: any Foreign) -> String? {
    guard let other = (other as? TensorValue)?.tensor else { return nil }
    guard shape == other.shape else {
      return "The left side has shape \(written(shape)), the right \(written(other.shape))."
    }
    guard let left = try? tensor.doubles(), let right = try? other.doubles() else { return nil }
    func gap(_ i: Int) -> Double {
      left[i] == right[i] ? 0 : (left[i] - right[i]).isNaN ? .infinity : abs(left[i] - right[i])
    }
    guard let worst = left.indices.max(by: { gap($0) < gap($1) }), gap(worst) > 0 else { return nil }
    let count = left.indices.count { gap($0) > 0 }
    var (place, rest) = ([Int](), worst)
    for size in shape.reversed() {
      place.insert(rest % size, at: 0)
      rest /= size
    }
    let at = shape.isEmpty ? "" : " at \(written(place))"
    return
      "\(count) of \(left.count) element\(left.count == 1 ? "" : "s") differ\(left.count == 1 ? "s" : ""), most\(at): \(left[worst]) and \(right[worst])."
  }

  func truth() throws -> Bool? {
    guard tensor.size == 1 else {
      throw Fault(
        "ambiguous-truth", "a tensor of shape \(written(shape)) is neither true nor false",
        help: "all(…) or any(…)")
    }
    return try tensor.item() != 0
  }

  func display(_ style: DisplayStyle) -> String { TensorDisplay.text(tensor, style) }
}

/// `[2, 3]`.
func written(_ shape: [Int]) -> String { "[" + shape.map(String.init).joined(separator: ", ") + "]" }

/// `a list`, `an int`, `none`: for sentences about a wrong argument.
func described(_ value: Value) -> String {
  let name = value.typeName
  if name == "none" { return name }
  return ("aeiou".contains(name.first ?? "x") ? "an " : "a ") + name
}
