// Which instruction an operator is.
import Ground

extension Operator {
  var opcode: Opcode {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .floorDivide: .floorDivide
    case .remainder: .remainder
    case .power: .power
    case .matmul: .matmul
    case .less: .less
    case .lessEqual: .lessEqual
    case .greater: .greater
    case .greaterEqual: .greaterEqual
    case .equal: .equal
    case .notEqual: .notEqual
    case .contains: .contains
    case .and: .and
    case .or: .or
    }
  }

  /// With a constant on the right.
  var constantForm: Opcode? {
    switch self {
    case .add: .addK
    case .subtract: .subtractK
    case .multiply: .multiplyK
    case .divide: .divideK
    case .floorDivide: .floorDivideK
    case .remainder: .remainderK
    case .power: .powerK
    case .matmul, .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual, .contains, .and, .or: nil
    }
  }

  /// As the condition of a branch.
  var testForm: (register: Opcode, constant: Opcode)? {
    switch self {
    case .less: (.testLess, .testLessK)
    case .lessEqual: (.testLessEqual, .testLessEqualK)
    case .greater: (.testGreater, .testGreaterK)
    case .greaterEqual: (.testGreaterEqual, .testGreaterEqualK)
    case .equal: (.testEqual, .testEqualK)
    case .notEqual: (.testNotEqual, .testNotEqualK)
    default: nil
    }
  }
}
