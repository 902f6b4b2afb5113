// NumPy's .npy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3. The header is a
// Python dict literal; it is parsed as one of three known keys and never evaluated. Pickled objects are refused.
import Ground
import Tensors

public enum Npy {
  static let format = "npy"

  /// - Throws: `file-not-found`, `bad-file`, `truncated-file`.
  public static func read(_ path: String) throws -> Tensor {
    let file = try InputFile(path)
    let head = try file.bytes(at: 0, count: min(file.size, 12 + longestHeader), as: format)
    return try decode(head[...], size: file.size, name: path) { start in
      NumberBytes(file, at: start, count: file.size - start, as: format)
    }
  }

  /// Writes version 1.0, C order.
  public static func write(_ tensor: Tensor, to path: String) throws {
    let file = try OutputFile(path)
    try file.write(head(of: tensor))
    try withStoredBytes(tensor) { try file.write($0) }
    try file.commit()
  }

  /// What stands before the numbers.
  static func head(of tensor: Tensor) -> [UInt8] {
    let shape = tensor.shape.map { "\($0), " }.joined()
    let code =
      switch tensor.dtype {
      case .float32: "<f4"
      case .float64: "<f8"
      case .int64: "<i8"
      case .bool: "|b1"
      }
    var header = "{'descr': '\(code)', 'fortran_order': False, 'shape': (\(shape)), }"
    header += String(repeating: " ", count: (64 - (header.utf8.count + 11) % 64) % 64) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)]
      + Array(header.utf8)
  }

  /// The dict is never longer.
  private static let longestHeader = 65536

  /// The contents of a file in memory; `name` is what messages call it: `path (member x.npy)`.
  static func decode(_ bytes: ArraySlice<UInt8>, name: String) throws -> Tensor {
    try bytes.withUnsafeBytes { all in
      try decode(bytes.prefix(12 + longestHeader), size: bytes.count, name: name) { start in
        NumberBytes(UnsafeRawBufferPointer(rebasing: all[start...]))
      }
    }
  }

  /// - Parameters:
  ///   - bytes: the beginning of the contents, with the header, which are `size` bytes in all.
  ///   - numbers: gives what follows the header, by where that begins.
  private static func decode(
    _ bytes: ArraySlice<UInt8>, size: Int, name: String, _ numbers: (Int) -> NumberBytes
  ) throws -> Tensor {
    guard bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw Fault.badFile(name, format, bytes.isEmpty ? "it is empty" : "it does not begin with the npy signature")
    }
    guard size >= 10 else { throw Fault.truncatedFile(name, format, "it ends inside its header") }
    let start = bytes.startIndex
    let version = bytes[start + 6]
    guard (1...3).contains(version), bytes[start + 7] == 0 else {
      throw Fault.badFile(name, format, "its format version \(version).\(bytes[start + 7]) is not known")
    }
    let lengthBytes = version == 1 ? 2 : 4
    guard size >= 8 + lengthBytes else { throw Fault.truncatedFile(name, format, "it ends inside its header") }
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[start + 8 + $1]) << (8 * $1) }
    let dataStart = 8 + lengthBytes + length
    guard dataStart <= size else {
      throw Fault.truncatedFile(name, format, "its header claims \(length) bytes and the file has \(size)")
    }
    guard length <= longestHeader else {
      throw Fault.badFile(name, format, "its header is not text of reasonable length")
    }
    let header = try NpyHeader(bytes[(start + 8 + lengthBytes)..<(start + dataStart)], name: name)
    return try body(numbers(dataStart), header, name: name)
  }

  private static func body(_ bytes: NumberBytes, _ header: NpyHeader, name: String) throws -> Tensor {
    guard let needed = byteCount(header.shape, header.type) else {
      throw Fault.badFile(name, format, "its shape \(header.shape) is negative or absurdly large")
    }
    guard bytes.count >= needed else {
      throw Fault.truncatedFile(
        name, format, "its shape \(header.shape) needs \(needed) bytes and \(bytes.count) are there")
    }
    guard bytes.count == needed else {
      throw Fault.badFile(name, format, "\(bytes.count - needed) bytes follow the data of shape \(header.shape)")
    }
    let shape = header.fortranOrder ? Array(header.shape.reversed()) : header.shape
    let value = try tensor(from: bytes, shape: shape, type: header.type, bigEndian: header.bigEndian)
    guard let value else { throw Fault.badFile(name, format, "it holds a value that does not fit") }
    guard header.fortranOrder else { return value }
    return try value.permute(Array((0..<shape.count).reversed())).contiguous()
  }
}

/// The dict `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
private struct NpyHeader {
  var type: ElementType
  var bigEndian: Bool
  var fortranOrder: Bool
  var shape: [Int]

  init(_ bytes: ArraySlice<UInt8>, name: String) throws {
    func bad(_ reason: String) -> Fault { Fault.badFile(name, Npy.format, reason) }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw bad("its header is not text") }
    var scanner = LiteralScanner(text)
    guard let values = scanner.dictionary(["descr", "fortran_order", "shape"]) else {
      throw bad("its header is not the dict of descr, fortran_order and shape that NumPy writes")
    }
    guard let descr = values["descr"] else { throw bad("its header has no descr") }
    guard let order = values["fortran_order"] else { throw bad("its header has no fortran_order") }
    guard let extents = values["shape"] else { throw bad("its header has no shape") }
    guard case .text(let code) = descr else { throw bad("structured dtypes are not supported") }
    guard case .bool(let fortran) = order else { throw bad("its fortran_order is not True or False") }
    guard case .tuple(let shape) = extents else { throw bad("its shape is not a tuple of whole numbers") }
    guard shape.allSatisfy({ $0 >= 0 }) else { throw bad("its shape \(shape) has a negative extent") }
    (type, bigEndian) = try NpyHeader.element(code, bad)
    fortranOrder = fortran
    self.shape = shape
  }

  private static func element(_ code: String, _ bad: (String) -> Fault) throws -> (ElementType, Bool) {
    let known: [String: ElementType] = [
      "f8": .float64, "f4": .float32, "f2": .float16, "i8": .int64, "i4": .int32, "i2": .int16, "i1": .int8,
      "u8": .uint64, "u4": .uint32, "u2": .uint16, "u1": .uint8, "b1": .bool,
    ]
    let kind = code.drop { "<>|=".contains($0) }
    if kind.hasPrefix("O") { throw bad("it holds pickled Python objects, which Seep never loads") }
    if kind.hasPrefix("c") { throw bad("its dtype \(code) is complex, which Seep does not have") }
    guard code.count - kind.count <= 1, let type = known[String(kind)] else {
      throw bad("its dtype \(code.prefix(40)) is not known")
    }
    return (type, code.hasPrefix(">"))
  }
}

/// Reads the few Python literals a .npy header may hold.
private struct LiteralScanner {
  enum Value {
    case text(String), bool(Bool), tuple([Int]), other
  }

  private var rest: Substring

  init(_ text: String) { rest = text[...] }

  /// The values by key, or nil where the text is anything but a dict of `keys`.
  mutating func dictionary(_ keys: [String]) -> [String: Value]? {
    guard take("{") else { return nil }
    var values: [String: Value] = [:]
    while !take("}") {
      guard let key = string(), keys.contains(key), values[key] == nil, take(":"), let value = value() else {
        return nil
      }
      values[key] = value
      if !take(",") {
        guard take("}") else { return nil }
        break
      }
    }
    skipSpace()
    return rest.isEmpty ? values : nil
  }

  private mutating func skipSpace() { rest = rest.drop { $0 == " " || $0 == "\n" || $0 == "\t" } }

  private mutating func take(_ token: String) -> Bool {
    skipSpace()
    guard rest.hasPrefix(token) else { return false }
    rest.removeFirst(token.count)
    return true
  }

  private mutating func string() -> String? {
    for quote in ["'", "\""] where take(quote) {
      guard let end = rest.firstIndex(of: Character(quote)) else { return nil }
      defer { rest = rest[rest.index(after: end)...] }
      return String(rest[..<end])
    }
    return nil
  }

  private mutating func value() -> Value? {
    if take("True") { return .bool(true) }
    if take("False") { return .bool(false) }
    if take("[") { return fieldList() }
    if take("(") { return tuple() }
    return string().map { .text($0) }
  }

  /// A structured dtype's list of fields: skipped, to be named in the message.
  private mutating func fieldList() -> Value? {
    var depth = 1
    while let character = rest.popFirst() {
      if character == "[" { depth += 1 }
      if character == "]" { depth -= 1 }
      if depth == 0 { return .other }
    }
    return nil
  }

  private mutating func tuple() -> Value? {
    var items: [Int] = []
    while !take(")") {
      skipSpace()
      let digits = rest.prefix { $0.isNumber || $0 == "-" }
      guard let item = Int(digits) else { return nil }
      rest.removeFirst(digits.count)
      _ = take("L")
      items.append(item)
      if !take(",") {
        guard take(")") else { return nil }
        break
      }
    }
    return .tuple(items)
  }
}
