// The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/): numbered fields of four kinds. Enough to read
// ONNX; see docs/decisions.md for why no package does it.

/// One field as it stands in the bytes.
enum WireValue {
  case varint(UInt64)
  case fixed64(UInt64)
  case bytes(ArraySlice<UInt8>)
  case fixed32(UInt32)
}

/// What is wrong with an ONNX file, to be completed by its name.
struct OnnxProblem: Error {
  var reason: String
  var code = "bad-file"
  var help: String?
  var notes: [String]

  init(_ reason: String, code: String = "bad-file", help: String? = nil, notes: [String] = []) {
    self.reason = reason
    self.code = code
    self.help = help
    self.notes = notes
  }
}

/// Reads the fields of one message in their order.
struct WireReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  static let damage = OnnxProblem("it is not a protocol buffer, or it is cut off or damaged")

  /// The next field, or nil at the end.
  mutating func next() throws -> (field: Int, value: WireValue)? {
    guard position < bytes.endIndex else { return nil }
    let key = try varint()
    let field = key >> 3
    guard field > 0, field < 1 << 29 else { throw WireReader.damage }
    switch key & 7 {
    case 0: return (Int(field), .varint(try varint()))
    case 1: return (Int(field), .fixed64(try fixed(8)))
    case 2:
      let count = try varint()
      guard count <= UInt64(bytes.endIndex - position) else { throw WireReader.damage }
      let piece = bytes[position..<position + Int(count)]
      position += Int(count)
      return (Int(field), .bytes(piece))
    case 5: return (Int(field), .fixed32(UInt32(try fixed(4))))
    default: throw WireReader.damage
    }
  }

  private mutating func varint() throws -> UInt64 {
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < bytes.endIndex else { throw WireReader.damage }
      let byte = bytes[position]
      position += 1
      if shift < 64 { result |= UInt64(byte & 0x7F) << shift }
      if byte & 0x80 == 0 { return result }
    }
    throw WireReader.damage
  }

  private mutating func fixed(_ count: Int) throws -> UInt64 {
    guard bytes.endIndex - position >= count else { throw WireReader.damage }
    defer { position += count }
    return (0..<count).reduce(0) { $0 | UInt64(bytes[position + $1]) << (8 * UInt64($1)) }
  }

  /// All varints of a packed field.
  static func packed(_ bytes: ArraySlice<UInt8>) throws -> [Int] {
    var reader = WireReader(bytes)
    var result: [Int] = []
    while reader.position < bytes.endIndex { result.append(Int(truncatingIfNeeded: try reader.varint())) }
    return result
  }
}

extension WireValue {
  func text() throws -> String {
    guard case .bytes(let bytes) = self, let text = String(validating: bytes, as: UTF8.self) else {
      throw WireReader.damage
    }
    return text
  }

  func message() throws -> ArraySlice<UInt8> {
    guard case .bytes(let bytes) = self else { throw WireReader.damage }
    return bytes
  }

  func integer() throws -> Int {
    guard case .varint(let value) = self else { throw WireReader.damage }
    return Int(truncatingIfNeeded: value)
  }

  /// One number, or a packed run of them.
  func integers() throws -> [Int] {
    switch self {
    case .varint(let value): return [Int(truncatingIfNeeded: value)]
    case .bytes(let bytes): return try WireReader.packed(bytes)
    default: throw WireReader.damage
    }
  }

  func floats() throws -> [Float] {
    switch self {
    case .fixed32(let bits): return [Float(bitPattern: bits)]
    case .bytes(let bytes):
      guard bytes.count % 4 == 0 else { throw WireReader.damage }
      return bytes.withUnsafeBytes { raw in
        (0..<raw.count / 4).map {
          Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
      }
    default: throw WireReader.damage
    }
  }

  func doubles() throws -> [Double] {
    switch self {
    case .fixed64(let bits): return [Double(bitPattern: bits)]
    case .bytes(let bytes):
      guard bytes.count % 8 == 0 else { throw WireReader.damage }
      return bytes.withUnsafeBytes { raw in
        (0..<raw.count / 8).map {
          Double(bitPattern: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)))
        }
      }
    default: throw WireReader.damage
    }
  }
}
