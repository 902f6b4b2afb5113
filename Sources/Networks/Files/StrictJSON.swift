// JSON (RFC 8259) for file headers from strangers: no duplicate names, bounded depth, integers only where integers are
// meant. Small on purpose: Foundation would double the time to start.

/// A JSON value whose objects keep their order.
package enum StrictJSON: Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([StrictJSON])
  case object([(name: String, value: StrictJSON)])

  /// What is wrong and at which byte.
  package struct Problem: Error {
    package let reason: String
    package let position: Int
  }

  package init(_ bytes: [UInt8], maximumDepth: Int = 16) throws {
    var parser = StrictJSONParser(bytes: bytes, maximumDepth: maximumDepth)
    self = try parser.document()
  }
}

private struct StrictJSONParser {
  let bytes: [UInt8]
  let maximumDepth: Int
  var position = 0

  init(bytes: [UInt8], maximumDepth: Int) {
    self.bytes = bytes
    self.maximumDepth = maximumDepth
  }

  mutating func document() throws -> StrictJSON {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw problem("text after the JSON value") }
    return value
  }

  private func problem(_ reason: String) -> StrictJSON.Problem {
    StrictJSON.Problem(reason: reason, position: position)
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws -> StrictJSON {
    guard depth <= maximumDepth else { throw problem("nested deeper than \(maximumDepth)") }
    skipSpace()
    guard position < bytes.count else { throw problem("it ends where a value should be") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ text: StaticString, _ value: StrictJSON) throws -> StrictJSON {
    let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard bytes[position...].prefix(expected.count).elementsEqual(expected) else { throw problem("not a JSON value") }
    position += expected.count
    return value
  }

  private mutating func object(depth: Int) throws -> StrictJSON {
    position += 1
    var members: [(name: String, value: StrictJSON)] = []
    var names = Set<String>()
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw problem("a name was expected") }
      let name = try string()
      guard names.insert(name).inserted else { throw problem("the name \"\(name)\" occurs twice") }
      guard take(UInt8(ascii: ":")) else { throw problem("`:` was expected after \"\(name)\"") }
      members.append((name, try value(depth: depth + 1)))
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw problem("`,` or `}` was expected") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws -> StrictJSON {
    position += 1
    var items: [StrictJSON] = []
    if take(UInt8(ascii: "]")) { return .array(items) }
    repeat { items.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw problem("`,` or `]` was expected") }
    return .array(items)
  }

  private mutating func string() throws -> String {
    position += 1
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else { throw problem("a string is not valid UTF-8") }
        return result
      case UInt8(ascii: "\\"): text.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20: throw problem("a control character in a string")
      default: text.append(byte)
      }
    }
    throw problem("a string does not end")
  }

  private mutating func escape() throws -> Character {
    guard position < bytes.count else { throw problem("a string does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(UnicodeScalar(byte))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw problem("an unknown escape in a string")
    }
  }

  private mutating func unicodeEscape() throws -> Character {
    var code = try hexadecimal()
    if (0xD800..<0xDC00).contains(code) {
      guard bytes[position...].prefix(2).elementsEqual("\\u".utf8) else { throw problem("half a surrogate pair") }
      position += 2
      let low = try hexadecimal()
      guard (0xDC00..<0xE000).contains(low) else { throw problem("half a surrogate pair") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = UnicodeScalar(code) else { throw problem("half a surrogate pair") }
    return Character(scalar)
  }

  private mutating func hexadecimal() throws -> UInt32 {
    guard position + 4 <= bytes.count else { throw problem("a string does not end") }
    var code: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
        throw problem("four hex digits were expected")
      }
      code = code << 4 | UInt32(digit)
    }
    position += 4
    return code
  }

  private mutating func number() throws -> StrictJSON {
    let start = position
    var isInteger = true
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"): isInteger = false
      default:
        return try finishNumber(start, isInteger)
      }
      position += 1
    }
    return try finishNumber(start, isInteger)
  }

  private func finishNumber(_ start: Int, _ isInteger: Bool) throws -> StrictJSON {
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    let digits = text.drop { $0 == "-" }
    guard digits.first?.isNumber == true, !(digits.hasPrefix("0") && digits.dropFirst().first?.isNumber == true) else {
      throw problem("not a JSON value")
    }
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text) else { throw problem("not a number: \(text.prefix(40))") }
    return .number(value)
  }
}
