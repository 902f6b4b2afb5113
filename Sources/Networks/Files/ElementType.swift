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

/// Where the bytes of a tensor's numbers are: in memory, or in a file, which is read in pieces.
struct NumberBytes {
  let count: Int
  /// Writes the bytes from a place on into a buffer.
  private let copy: (Int, UnsafeMutableRawBufferPointer) throws -> Void

  /// Bytes that outlive this.
  init(_ bytes: UnsafeRawBufferPointer) {
    count = bytes.count
    copy = { start, target in
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + target.count]))
    }
  }

  init(_ file: InputFile, at offset: Int, count: Int, as format: String) {
    self.count = count
    copy = { try file.read(at: offset + $0, into: $1, as: format) }
  }

  /// So many bytes at a time.
  private static let piece = 1 << 20

  /// Goes through all bytes in pieces of whole numbers; `body` gets where each piece begins. Ctrl-C ends it.
  func forEachPiece(_ body: (Int, UnsafeRawBufferPointer) throws -> Void) throws {
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: min(count, NumberBytes.piece), alignment: 16)
    defer { scratch.deallocate() }
    for start in stride(from: 0, to: count, by: NumberBytes.piece) {
      try Interrupt.check()
      let part = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(NumberBytes.piece, count - start)])
      try copy(start, part)
      try body(start, UnsafeRawBufferPointer(part))
    }
  }

  /// All bytes at their places in `target`.
  func fill(_ target: UnsafeMutableRawBufferPointer) throws {
    for start in stride(from: 0, to: count, by: NumberBytes.piece << 2) {
      try Interrupt.check()
      try copy(
        start, UnsafeMutableRawBufferPointer(rebasing: target[start..<min(count, start + NumberBytes.piece << 2)]))
    }
  }
}

/// The tensor that bytes in memory hold, row-major; see below.
func tensor(from bytes: UnsafeRawBufferPointer, shape: [Int], type: ElementType, bigEndian: Bool = false) throws
  -> Tensor?
{
  try tensor(from: NumberBytes(bytes), shape: shape, type: type, bigEndian: bigEndian)
}

/// The tensor that `bytes` hold, row-major. `bytes.count` must be `byteCount(shape, type)`.
/// Returns nil for a 64-bit unsigned number above the largest int64 and for a bool that is neither 0 nor 1.
func tensor(from bytes: NumberBytes, shape: [Int], type: ElementType, bigEndian: Bool = false) throws -> Tensor? {
  func integers<T: FixedWidthInteger>(_: T.Type, isNarrow: Bool = true) throws -> Tensor? {
    var fits = true
    let made = try Tensor.makeIntegers(shape) { out in
      try convert(bytes, to: out, bigEndian) { (bits: T) in
        if !isNarrow, bits > T(Int64.max) { fits = false }
        return Int64(truncatingIfNeeded: bits)
      }
    }
    return fits ? made : nil
  }
  func floats<T: FixedWidthInteger>(_ value: (T) -> Float) throws -> Tensor {
    try Tensor.make(shape) { try convert(bytes, to: $0, bigEndian, value) }
  }
  switch type {
  case .float64:
    return try Tensor.makeDoubles(shape) { out in
      if !bigEndian { return try bytes.fill(UnsafeMutableRawBufferPointer(out)) }
      try convert(bytes, to: out, true) { (bits: UInt64) in Double(bitPattern: bits) }
    }
  case .float32:
    return try Tensor.make(shape) { out in
      if !bigEndian { return try bytes.fill(UnsafeMutableRawBufferPointer(out)) }
      try convert(bytes, to: out, true) { (bits: UInt32) in Float(bitPattern: bits) }
    }
  case .float16: return try floats { (bits: UInt16) in widenHalf(bits) }
  case .bfloat16: return try floats { (bits: UInt16) in Float(bitPattern: UInt32(bits) << 16) }
  case .int64: return try integers(Int64.self)
  case .int32: return try integers(Int32.self)
  case .int16: return try integers(Int16.self)
  case .int8: return try integers(Int8.self)
  case .uint64: return try integers(UInt64.self, isNarrow: false)
  case .uint32: return try integers(UInt32.self)
  case .uint16: return try integers(UInt16.self)
  case .uint8: return try integers(UInt8.self)
  case .bool:
    var fits = true
    let made = try Tensor.makeBooleans(shape) { out in
      try convert(bytes, to: out, false) { (bits: UInt8) in
        if bits > 1 { fits = false }
        return bits != 0
      }
    }
    return fits ? made : nil
  }
}

@inline(__always)
private func convert<Bits: FixedWidthInteger, Number>(
  _ bytes: NumberBytes, to out: UnsafeMutableBufferPointer<Number>, _ bigEndian: Bool, _ value: (Bits) -> Number
) throws {
  let width = MemoryLayout<Bits>.size
  try bytes.forEachPiece { start, piece in
    let first = start / width
    for i in 0..<piece.count / width {
      let bits = piece.loadUnaligned(fromByteOffset: i * width, as: Bits.self)
      out[first + i] = value(bigEndian ? bits.byteSwapped : bits)
    }
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

/// The bytes of a tensor, row-major and little-endian, where they lie if they lie so.
func withStoredBytes<R>(_ tensor: Tensor, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
  switch tensor.dtype {
  case .float32: return try tensor.withFloats { try body(UnsafeRawBufferPointer($0)) }
  case .float64: return try tensor.withDoubles { try body(UnsafeRawBufferPointer($0)) }
  case .int64: return try tensor.withIntegers { try body(UnsafeRawBufferPointer($0)) }
  case .bool: return try tensor.withBooleans { try body(UnsafeRawBufferPointer($0)) }
  }
}
