// TensorProto: dims, a data type, and numbers as raw bytes, as packed fields, or in a file beside the model.
import Ground
import Tensors

struct OnnxTensorReader {
  private var name = ""
  private var shape: [Int] = []
  private var type = 0
  private var raw: ArraySlice<UInt8>?
  private var floats: [Float] = []
  private var integers: [Int] = []
  private var doubles: [Double] = []
  private var external: [String: String] = [:]
  private var isExternal = false
  private let folder: String

  init(_ bytes: ArraySlice<UInt8>, _ folder: String) throws {
    self.folder = folder
    var reader = WireReader(bytes)
    while let (field, value) = try reader.next() {
      switch field {
      case 1: shape += try value.integers()
      case 2: type = try value.integer()
      case 3, 6: throw OnnxProblem("the tensor \(name) is in segments or holds texts, which Seep does not read")
      case 4: floats += try value.floats()
      case 5, 7, 11: integers += try value.integers()
      case 8: name = try value.text()
      case 9: raw = try value.message()
      case 10: doubles += try value.doubles()
      case 13: try addExternal(value.message())
      case 14: isExternal = try value.integer() == 1
      default: break
      }
    }
  }

  private mutating func addExternal(_ bytes: ArraySlice<UInt8>) throws {
    var reader = WireReader(bytes)
    var (key, value) = ("", "")
    while let (field, text) = try reader.next() {
      if field == 1 { key = try text.text() }
      if field == 2 { value = try text.text() }
    }
    external[key] = value
  }

  private static let types: [Int: ElementType] = [
    1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 9: .bool, 10: .float16, 11: .float64,
    12: .uint32, 13: .uint64, 16: .bfloat16,
  ]

  func read() throws -> (name: String, value: OnnxConstant) {
    guard let element = OnnxTensorReader.types[type] else {
      throw OnnxProblem("the tensor \(name) has the data type \(type), which Seep does not read")
    }
    guard shape.count <= 16, let needed = byteCount(shape, element) else {
      throw OnnxProblem("the shape \(shape.prefix(16)) of the tensor \(name) is negative or absurdly large")
    }
    if isExternal { return (name, try decoded(externalBytes(needed)[...], element, needed)) }
    if let raw { return (name, try decoded(raw, element, needed)) }
    let count = needed / element.byteSize
    func requireCount(_ present: Int) throws {
      guard present == count else {
        throw OnnxProblem("the tensor \(name) of shape \(shape) needs \(count) numbers and \(present) are there")
      }
    }
    switch element {
    case .float32:
      try requireCount(floats.count)
      return (name, .floats(try Tensor(floats, shape: shape)))
    case .float64:
      try requireCount(doubles.count)
      return (name, .floats(try Tensor(doubles, shape: shape).converted(to: .float32)))
    case .float16, .bfloat16:
      try requireCount(integers.count)
      let bits = integers.map { UInt16(truncatingIfNeeded: $0) }
      let values = bits.map { element == .float16 ? widenHalf($0) : Float(bitPattern: UInt32($0) << 16) }
      return (name, .floats(try Tensor(values, shape: shape)))
    default:
      try requireCount(integers.count)
      return (name, .integers(integers, shape: shape))
    }
  }

  private func decoded(_ bytes: ArraySlice<UInt8>, _ element: ElementType, _ needed: Int) throws -> OnnxConstant {
    guard bytes.count == needed else {
      throw OnnxProblem("the tensor \(name) of shape \(shape) needs \(needed) bytes and \(bytes.count) are there")
    }
    guard let value = try bytes.withUnsafeBytes({ try tensor(from: $0, shape: shape, type: element) }) else {
      throw OnnxProblem("the tensor \(name) holds a value that does not fit")
    }
    switch value.dtype {
    case .float32: return .floats(value)
    case .float64: return .floats(try value.converted(to: .float32))
    default: return .integers(try value.converted(to: .int64).integers(), shape: shape)
    }
  }

  /// The bytes of a file in the model's own folder.
  private func externalBytes(_ needed: Int) throws -> [UInt8] {
    guard let location = external["location"], !location.isEmpty else {
      throw OnnxProblem("the tensor \(name) is in another file, and its name is missing")
    }
    guard !location.hasPrefix("/"), !location.split(separator: "/").contains(".."), !location.contains("\0") else {
      throw OnnxProblem(
        "the tensor \(name) is in \(location), which is not inside the model's folder; it was not opened")
    }
    let file = try InputFile("\(folder)/\(location)")
    guard let offset = Int(external["offset"] ?? "0"), offset >= 0,
      let length = Int(external["length"] ?? "\(needed)"), length == needed, offset <= file.size,
      length <= file.size - offset
    else {
      throw OnnxProblem("the tensor \(name) of shape \(shape) needs \(needed) bytes, which \(location) does not have")
    }
    return try file.bytes(at: offset, count: length, as: "ONNX data")
  }
}
