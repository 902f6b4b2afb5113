// The operators a foreign object may answer to.

/// An operator between two values.
public enum Operator: UInt8, Sendable, CaseIterable {
  case add, subtract, multiply, divide, floorDivide, remainder, power, matmul
  case less, lessEqual, greater, greaterEqual, equal, notEqual
  case and, or
  /// `needle in hay`: asked of the hay, with `reversed` true.
  case contains

  /// As it is written.
  public var symbol: String {
    switch self {
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .floorDivide: "//"
    case .remainder: "%"
    case .power: "^"
    case .matmul: "@"
    case .less: "<"
    case .lessEqual: "<="
    case .greater: ">"
    case .greaterEqual: ">="
    case .equal: "=="
    case .notEqual: "!="
    case .and: "and"
    case .or: "or"
    case .contains: "in"
    }
  }

  public var isComparison: Bool {
    switch self {
    case .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual: true
    case .add, .subtract, .multiply, .divide, .floorDivide, .remainder, .power, .matmul, .and, .or, .contains: false
    }
  }
}

/// An operator before one value.
public enum UnaryOperator: UInt8, Sendable {
  case negate, not
  public var symbol: String { self == .negate ? "-" : "not" }
}

/// One item between the brackets of `t[0, :, 1..3]`.
public enum IndexItem {
  case int(Int)
  /// `1..3`, `:` (both nil), `2..`, with a step if one was written; negative bounds count from the end.
  case range(from: Int?, to: Int?, step: Int?)
  /// A list of integers.
  case list([Int])
  /// Any other value: a mask or an integer tensor, or a string.
  case value(Value)
}

/// How much of a value to show.
public enum DisplayStyle: Sendable {
  /// One line, for an item inside a list or a variable list.
  case short
  /// All that `print` and the prompt show.
  case long
}
