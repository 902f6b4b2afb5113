// Numbers as files store them: width, byte order, and how they become tensors (8- and 16-bit integers become int64, half
// precision becomes float32 exactly).
import Ground
import Tensors

/// How one number is stored in a file.
enum ElementType: Equatable {
  case float64, float32, float16, bfloat16
  case int64, int32, int16, int8
  case uint64, uint32, uint16, uint8
  case bool

  var byteSize: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }
}

/// Bytes that `shape` takes, or nil where that is negative or overflows.
func byteCount(_ shape: [Int], _ type: ElementType) -> Int? {
  var count = type.byteSize
  for extent in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: extent)
    if extent < 0 || overflow { return nil }
    count = product
  }
  return count
}

/// The tensor that `bytes` hold, row-major. `bytes.count` must be `byteCount(shape, type)`.
/// Returns nil for a 64-bit unsigned number above the largest int64 and for a bool that is neither 0 nor 1.
func tensor(from bytes: UnsafeRawBufferPointer, shape: [Int], type: ElementType, bigEndian: Bool = false) throws
  -> Tensor?
{
  func swap<T: FixedWidthInteger>(_ value: T) -> T { bigEndian ? value.byteSwapped : value }
  let count = bytes.count / type.byteSize
  func load<T>(_ index: Int, _: T.Type) -> T {
    bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
  }
  func integers<T: FixedWidthInteger>(_: T.Type) throws -> Tensor {
    try Tensor((0..<count).map { Int64(truncatingIfNeeded: swap(load($0, T.self))) }, shape: shape)
  }
  switch type {
  case .float64:
    return try Tensor((0..<count).map { Double(bitPattern: swap(load($0, UInt64.self))) }, shape: shape)
  case .float32:
    return try Tensor.make(shape) { (out: UnsafeMutableBufferPointer<Float>) in
      if bigEndian {
        for i in 0..<count { out[i] = Float(bitPattern: load(i, UInt32.self).byteSwapped) }
      } else {
        let target = UnsafeMutableRawBufferPointer(out)
        for start in stride(from: 0, to: bytes.count, by: 1 << 24) {
          if Interrupt.isRequested { break }
          let part = start..<min(bytes.count, start + 1 << 24)
          UnsafeMutableRawBufferPointer(rebasing: target[part]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[part]))
        }
      }
    }
  case .float16:
    return try Tensor((0..<count).map { widenHalf(swap(load($0, UInt16.self))) }, shape: shape)
  case .bfloat16:
    return try Tensor((0..<count).map { Float(bitPattern: UInt32(swap(load($0, UInt16.self))) << 16) }, shape: shape)
  case .int64: return try integers(Int64.self)
  case .int32: return try integers(Int32.self)
  case .int16: return try integers(Int16.self)
  case .int8: return try integers(Int8.self)
  case .uint64:
    guard (0..<count).allSatisfy({ swap(load($0, UInt64.self)) <= UInt64(Int64.max) }) else { return nil }
    return try integers(UInt64.self)
  case .uint32: return try integers(UInt32.self)
  case .uint16: return try integers(UInt16.self)
  case .uint8: return try integers(UInt8.self)
  case .bool:
    guard bytes.allSatisfy({ $0 <= 1 }) else { return nil }
    return try Tensor((0..<count).map { bytes[$0] != 0 }, shape: shape)
  }
}

/// IEEE 754 binary16 to binary32, exactly (Swift's Float16 does not exist on every platform).
func widenHalf(_ bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) << 16
  let exponent = UInt32(bits >> 10) & 0x1F
  let fraction = UInt32(bits & 0x3FF)
  switch exponent {
  case 0:
    let magnitude = Float(fraction) * 0x1p-24
    return sign == 0 ? magnitude : -magnitude
  case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
  default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
  }
}

/// The bytes of a tensor, row-major and little-endian, handed over in one piece.
func withStoredBytes<R>(_ tensor: Tensor, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
  switch tensor.dtype {
  case .float32: return try tensor.withFloats { try body(UnsafeRawBufferPointer($0)) }
  case .float64: return try tensor.withDoubles { try body(UnsafeRawBufferPointer($0)) }
  case .int64: return try tensor.integers().withUnsafeBytes(body)
  case .bool: return try tensor.booleans().map { UInt8($0 ? 1 : 0) }.withUnsafeBytes(body)
  }
}
