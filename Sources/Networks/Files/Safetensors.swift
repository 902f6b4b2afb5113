// The safetensors format: eight bytes of header length, a JSON header, the tensors' bytes without holes
// (https://huggingface.co/docs/safetensors). Everything the header claims is checked before anything is allocated by it.
import Ground
import Tensors

/// Named tensors in the order of the file, and the file's own remarks.
public struct TensorFile: Sendable {
  public var names: [String]
  public var tensors: [Tensor]
  /// The `__metadata__` of a safetensors file.
  public var metadata: [String: String]

  public init(names: [String] = [], tensors: [Tensor] = [], metadata: [String: String] = [:]) {
    self.names = names
    self.tensors = tensors
    self.metadata = metadata
  }

  public subscript(name: String) -> Tensor? { names.firstIndex(of: name).map { tensors[$0] } }
}

public enum Safetensors {
  /// As in the reference implementation: a longer header is refused.
  static let maximumHeader = 100_000_000

  /// Reads every tensor. F16 and BF16 become float32, narrow integers int64.
  /// - Throws: `file-not-found`, `bad-file`, `truncated-file`, `out-of-memory`.
  public static func read(_ path: String) throws -> TensorFile {
    let file = try InputFile(path)
    let header = try Header(file)
    var result = TensorFile(metadata: header.metadata)
    for entry in header.entries {
      let bytes = NumberBytes(
        file, at: header.dataStart + entry.begin, count: entry.end - entry.begin, as: format)
      let value = try tensor(from: bytes, shape: entry.shape, type: entry.type)
      guard let value else { throw Fault.badFile(path, format, "\"\(entry.name)\" holds a value that does not fit") }
      result.names.append(entry.name)
      result.tensors.append(value)
    }
    return result
  }

  /// Writes float32, float64, int64 and bool tensors; the file appears complete or not at all.
  /// - Throws: `disk-full`, `file-unwritable`, `duplicate-name`.
  public static func write(
    _ tensors: [(name: String, value: Tensor)], metadata: [String: String] = [:], to path: String
  ) throws {
    let file = try OutputFile(path)
    let header = try Array(headerText(tensors, metadata).utf8)
    try file.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) })
    try file.write(header)
    for (_, value) in tensors {
      try withStoredBytes(value) { try file.write($0) }
    }
    try file.commit()
  }

  static let format = "safetensors"

  private static func headerText(_ tensors: [(name: String, value: Tensor)], _ metadata: [String: String]) throws
    -> String
  {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map {
        $0.key.jsonLiteral + ":" + $0.value.jsonLiteral
      }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var begin = 0
    var names = Set<String>(["__metadata__"])
    for (name, value) in tensors {
      guard names.insert(name).inserted else {
        throw Fault("duplicate-name", "a safetensors file cannot hold two tensors named \"\(name)\"")
      }
      let end = begin + value.size * value.dtype.byteSize
      let shape = value.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(name.jsonLiteral):{\"dtype\":\"\(code(value.dtype))\",\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(end)]}"
      )
      begin = end
    }
    let text = "{\(members.joined(separator: ","))}"
    return text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
  }

  private static func code(_ dtype: DType) -> String {
    switch dtype {
    case .float32: "F32"
    case .float64: "F64"
    case .int64: "I64"
    case .bool: "BOOL"
    }
  }
}

extension Safetensors {
  /// The checked header: entries in the order of their bytes, covering them without gap or overlap.
  struct Header {
    struct Entry {
      var name: String
      var type: ElementType
      var shape: [Int]
      var begin: Int
      var end: Int
    }

    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    var dataStart: Int

    init(_ file: InputFile) throws {
      guard file.size >= 8 else {
        throw Fault.truncatedFile(file.path, format, "it has \(file.size) bytes, fewer than the 8 of its header length")
      }
      let length = try file.bytes(at: 0, count: 8, as: format).enumerated().reduce(UInt64(0)) {
        $0 | UInt64($1.element) << (8 * UInt64($1.offset))
      }
      guard length <= UInt64(maximumHeader) else {
        throw Fault.badFile(
          file.path, format, "its header claims \(length) bytes (at most \(maximumHeader) are allowed)")
      }
      dataStart = 8 + Int(length)
      guard dataStart <= file.size else {
        throw Fault.truncatedFile(file.path, format, "its header claims \(length) bytes and the file has \(file.size)")
      }
      let text = try file.bytes(at: 8, count: Int(length), as: format)
      do {
        try parse(StrictJSON(text))
      } catch let problem as StrictJSON.Problem {
        throw Fault.badFile(
          file.path, format, "the header is not proper JSON at byte \(8 + problem.position): \(problem.reason)")
      } catch let problem as Problem {
        throw Fault.badFile(file.path, format, problem.reason)
      }
      try checkCover(file)
    }

    private struct Problem: Error { let reason: String }

    private mutating func parse(_ json: StrictJSON) throws {
      guard case .object(let members) = json else { throw Problem(reason: "the header is not a JSON object") }
      for (name, value) in members {
        guard case .object(let fields) = value else {
          throw Problem(reason: "the entry \"\(name)\" is not a JSON object")
        }
        if name == "__metadata__" {
          for (key, value) in fields {
            guard case .string(let text) = value else {
              throw Problem(reason: "its metadata \"\(key)\" is not a string")
            }
            metadata[key] = text
          }
        } else {
          entries.append(try entry(name, fields))
        }
      }
    }

    private func entry(_ name: String, _ fields: [(name: String, value: StrictJSON)]) throws -> Entry {
      func field(_ key: String) throws -> StrictJSON {
        guard let value = fields.first(where: { $0.name == key })?.value else {
          throw Problem(reason: "the entry \"\(name)\" has no \(key)")
        }
        return value
      }
      func integers(_ key: String) throws -> [Int] {
        let problem = Problem(reason: "the \(key) of \"\(name)\" is not a list of whole numbers from 0 to 2^63 - 1")
        guard case .array(let items) = try field(key) else { throw problem }
        return try items.map {
          guard case .integer(let value) = $0, value >= 0 else { throw problem }
          return value
        }
      }
      guard case .string(let code) = try field("dtype") else {
        throw Problem(reason: "the dtype of \"\(name)\" is not a string")
      }
      guard let type = Safetensors.types[code] else {
        throw Problem(reason: "\"\(name)\" has the dtype \(code), which Seep does not read")
      }
      let shape = try integers("shape")
      let offsets = try integers("data_offsets")
      guard offsets.count == 2, offsets[0] <= offsets[1] else {
        throw Problem(reason: "the data_offsets of \"\(name)\" are \(offsets), not a begin and an end")
      }
      guard let count = byteCount(shape, type) else {
        throw Problem(reason: "the shape \(shape) of \"\(name)\" is absurdly large")
      }
      guard count == offsets[1] - offsets[0] else {
        throw Problem(
          reason:
            "\"\(name)\" of shape \(shape) needs \(count) bytes and its data_offsets span \(offsets[1] - offsets[0])")
      }
      return Entry(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
    }

    private func checkCover(_ file: InputFile) throws {
      var reached = 0
      for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
        guard entry.begin == reached else {
          let what =
            entry.begin < reached ? "overlaps the tensor before it" : "leaves a hole of \(entry.begin - reached) bytes"
          throw Fault.badFile(file.path, format, "\"\(entry.name)\" at byte \(entry.begin) of the data \(what)")
        }
        reached = entry.end
      }
      let present = file.size - dataStart
      if present < reached {
        throw Fault.truncatedFile(file.path, format, "its tensors need \(reached) bytes and \(present) are there")
      }
      if present > reached {
        throw Fault.badFile(file.path, format, "\(present - reached) bytes follow the last tensor")
      }
    }
  }

  static let types: [String: ElementType] = [
    "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64, "I32": .int32, "I16": .int16,
    "I8": .int8, "U64": .uint64, "U32": .uint32, "U16": .uint16, "U8": .uint8, "BOOL": .bool,
  ]
}
