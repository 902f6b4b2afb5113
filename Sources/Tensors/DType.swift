// Element types of tensors.

/// What the elements of a tensor are.
public enum DType: UInt8, Sendable, CaseIterable {
  case float32, float64, int64, bool

  public var name: String {
    switch self {
    case .float32: "float32"
    case .float64: "float64"
    case .int64: "int64"
    case .bool: "bool"
    }
  }

  public var byteSize: Int {
    switch self {
    case .float32: 4
    case .float64, .int64: 8
    case .bool: 1
    }
  }

  public var isFloat: Bool { self == .float32 || self == .float64 }
}

/// A Swift type that is the element of a tensor.
public protocol TensorScalar: Sendable {
  static var dtype: DType { get }
  init(converting value: Double)
  var asDouble: Double { get }
}

extension Float: TensorScalar {
  public static var dtype: DType { .float32 }
  @inlinable public init(converting value: Double) { self = Float(value) }
  @inlinable public var asDouble: Double { Double(self) }
}
extension Double: TensorScalar {
  public static var dtype: DType { .float64 }
  @inlinable public init(converting value: Double) { self = value }
  @inlinable public var asDouble: Double { self }
}
extension Int64: TensorScalar {
  public static var dtype: DType { .int64 }
  /// Truncates; what does not fit becomes the nearest limit, not-a-number 0.
  @inlinable public init(converting value: Double) {
    if value.isNaN {
      self = 0
    } else if value >= 0x1p63 {
      self = .max
    } else if value <= -0x1p63 {
      self = .min
    } else {
      self = Int64(value)
    }
  }
  @inlinable public var asDouble: Double { Double(self) }
}
extension Bool: TensorScalar {
  public static var dtype: DType { .bool }
  @inlinable public init(converting value: Double) { self = value != 0 }
  @inlinable public var asDouble: Double { self ? 1 : 0 }
}
