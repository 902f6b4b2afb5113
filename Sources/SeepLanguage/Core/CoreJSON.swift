// JSON (RFC 8259): records keep the order of their fields, whole numbers stay ints, all text is UTF-8. Foundation would lose the
// order, and double the time to start.
import Ground

enum CoreJSON {
  static var builtins: [Builtin] {
    [
      Builtin(
        "parse_json(text)", group: "files",
        "The value of a JSON text: objects are records in their order, arrays lists, `null` is `none`, numbers without `.` and `e` are ints. Errors: bad-json, with line and column.",
        example: "print(parse_json(\"{{\\\"a\\\": [1, 2.5, null]}}\"))  # expect: {a: [1, 2.5, none]}"
      ) { call in
        var reader = JSONReader(try call.text("text"))
        return try reader.document()
      },
      Builtin(
        "to_json(value, indent: 0)", group: "files",
        "A value as JSON: records, lists, tuples, ranges, numbers, strings, `none`, and tensors as nested lists; with `indent`, on several lines. Errors: bad-value for nan, inf and functions.",
        example: "print(to_json({a: [1, 2.5, none], b: \"x\"}))  # expect: {\"a\": [1, 2.5, null], \"b\": \"x\"}"
      ) { call in
        var writer = JSONWriter(session: call.session, indent: try call.int("indent", in: 0...16))
        try writer.write(call.value("value"), 0)
        return writer.text.finish()
      },
    ]
  }
}

private struct JSONReader {
  let bytes: UnsafeBufferPointer<UInt8>
  var at = 0
  private var turns = 0

  static let depthLimit = 1000

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func document() throws -> Value {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
    let value = try value(0)
    skipSpace()
    if at < bytes.count { throw problem("something follows the value") }
    return value
  }

  private func problem(_ words: String) -> Fault {
    let before = bytes[..<min(at, bytes.count)]
    let line = before.count { $0 == 10 } + 1
    let column = before.count - (before.lastIndex(of: 10).map { $0 + 1 } ?? 0) + 1
    return Fault("bad-json", "this is not JSON: \(words) at line \(line), column \(column)", argument: 0)
  }

  private mutating func skipSpace() {
    while at < bytes.count, [32, 9, 10, 13].contains(bytes[at]) { at += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard at < bytes.count, bytes[at] == character.asciiValue else { return false }
    at += 1
    return true
  }

  private mutating func word(_ word: String, _ value: Value) throws -> Value {
    guard bytes[at...].starts(with: word.utf8) else { throw problem("a value is expected") }
    at += word.utf8.count
    return value
  }

  private mutating func value(_ depth: Int) throws -> Value {
    turns &+= 1
    if turns & 0xFFF == 0 { try Interrupt.check() }
    if depth > JSONReader.depthLimit { throw problem("values are nested more than \(JSONReader.depthLimit) deep") }
    skipSpace()
    guard at < bytes.count else { throw problem("a value is expected") }
    switch bytes[at] {
    case UInt8(ascii: "n"): return try word("null", .none)
    case UInt8(ascii: "t"): return try word("true", Value(true))
    case UInt8(ascii: "f"): return try word("false", Value(false))
    case UInt8(ascii: "\""): return Value(try string())
    case UInt8(ascii: "["):
      at += 1
      let made = Value(list: [])
      if take("]") { return made }
      repeat { Heap.append(made.slot.list, try value(depth + 1).retainedSlot) } while take(",")
      if !take("]") { throw problem("`,` or `]` is expected") }
      return made
    case UInt8(ascii: "{"):
      at += 1
      var fields: [(name: String, value: Value)] = []
      if take("}") { return Value(record: []) }
      repeat {
        skipSpace()
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw problem("a name in quotes is expected") }
        let name = try string()
        if !take(":") { throw problem("`:` is expected") }
        fields.append((name, try value(depth + 1)))
      } while take(",")
      if !take("}") { throw problem("`,` or `}` is expected") }
      return Value(record: fields)
    default: return try number()
    }
  }

  private mutating func number() throws -> Value {
    let start = at
    func isDigit() -> Bool { at < bytes.count && bytes[at] >= 48 && bytes[at] <= 57 }
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") { at += 1 }
    guard isDigit() else { throw problem("a value is expected") }
    let isZero = bytes[at] == 48
    at += 1
    if isZero, isDigit() { throw problem("a number begins with 0") }
    while isDigit() { at += 1 }
    var isWhole = true
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      isWhole = false
      at += 1
      guard isDigit() else { throw problem("a digit is expected") }
      while isDigit() { at += 1 }
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: "e") || bytes[at] == UInt8(ascii: "E") {
      isWhole = false
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
      guard isDigit() else { throw problem("a digit is expected") }
      while isDigit() { at += 1 }
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    if isWhole, let int = Int(text) { return Value(int) }
    return Value(Double(text) ?? 0)
  }

  private mutating func string() throws -> String {
    at += 1
    var out: [UInt8] = []
    while true {
      guard at < bytes.count else { throw problem("a string has no end") }
      let c = bytes[at]
      if c == 34 {
        at += 1
        return String(decoding: out, as: UTF8.self)
      }
      if c < 32 { throw problem("a line break or control character stands in a string") }
      at += 1
      if c != 92 {
        out.append(c)
        continue
      }
      guard at < bytes.count else { throw problem("a string has no end") }
      let escape = bytes[at]
      at += 1
      switch escape {
      case 34, 92, 47: out.append(escape)
      case UInt8(ascii: "n"): out.append(10)
      case UInt8(ascii: "t"): out.append(9)
      case UInt8(ascii: "r"): out.append(13)
      case UInt8(ascii: "b"): out.append(8)
      case UInt8(ascii: "f"): out.append(12)
      case UInt8(ascii: "u"): out += try unicode()
      default:
        at -= 1
        throw problem("there is no such escape")
      }
    }
  }

  /// The four digits of `\u`, and of the other half of a pair.
  private mutating func unicode() throws -> [UInt8] {
    func unit() throws -> UInt16 {
      guard at + 4 <= bytes.count, let unit = UInt16(String(decoding: bytes[at..<(at + 4)], as: UTF8.self), radix: 16)
      else { throw problem("four hexadecimal digits are expected") }
      at += 4
      return unit
    }
    var units = [try unit()]
    if UTF16.isLeadSurrogate(units[0]), at + 1 < bytes.count, bytes[at] == 92, bytes[at + 1] == UInt8(ascii: "u") {
      at += 2
      units.append(try unit())
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }
}

private struct JSONWriter {
  let session: Session
  let indent: Int
  let text = TextBuilder()
  private var turns = 0

  init(session: Session, indent: Int) {
    self.session = session
    self.indent = indent
  }

  mutating func write(_ value: Value, _ depth: Int) throws {
    turns &+= 1
    if turns & 0xFFF == 0 { try Interrupt.check() }
    if depth > JSONReader.depthLimit {
      throw Fault("too-deep", "`to_json` writes values nested at most \(JSONReader.depthLimit) deep", argument: 0)
    }
    if value.isList || value.isTuple { return try write(Items(value), depth) }
    switch value.content {
    case .none: text.append("null")
    case .bool(let bool): text.append(bool ? "true" : "false")
    case .int(let int): text.append(String(int))
    case .float(let double): try write(double)
    case .string(let string): quote(string)
    case .list, .tuple, .range: try write(Operations.items(in: value, session), depth)
    case .record(let record):
      try container("{", "}", record.count, depth) { writer, i in
        writer.quote(record.fields[i].name)
        writer.text.append(": ")
        try writer.write(record.fields[i].value, depth + 1)
      }
    case .function: throw cannot("a function")
    case .foreign(let object):
      if let number = (object as? any NumberLike)?.numberValue {
        if let int = Int(exactly: number), object.display(.short).allSatisfy({ $0.isNumber || $0 == "-" }) {
          text.append(String(int))
        } else {
          try write(number)
        }
      } else if let truth = object.count == nil ? try object.truth() : nil {
        text.append(truth ? "true" : "false")
      } else if object.count != nil {
        try write(Operations.items(in: value, session), depth)
      } else {
        throw cannot(value.slot.describedType)
      }
    }
  }

  private func cannot(_ what: String) -> Fault { Fault("bad-value", "JSON has no way to write \(what)", argument: 0) }

  private mutating func write(_ number: Double) throws {
    guard number.isFinite else { throw cannot(Display.number(number)) }
    text.append(number.description)
  }

  private mutating func write(_ items: Items, _ depth: Int) throws {
    try container("[", "]", items.count, depth) { try $0.write(Value(copying: items[$1]), depth + 1) }
  }

  private mutating func container(
    _ open: String, _ close: String, _ count: Int, _ depth: Int, _ item: (inout JSONWriter, Int) throws -> Void
  ) throws {
    text.append(open)
    for i in 0..<count {
      if i > 0 { text.append(indent > 0 ? "," : ", ") }
      if indent > 0 { text.append("\n" + String(repeating: " ", count: indent * (depth + 1))) }
      try item(&self, i)
    }
    if indent > 0, count > 0 { text.append("\n" + String(repeating: " ", count: indent * depth)) }
    text.append(close)
  }

  private mutating func quote(_ string: String) {
    text.append(34)
    var turns = 0
    for byte in string.utf8 {
      // What is left out after Ctrl-C nobody sees: the next value asks.
      turns &+= 1
      if turns & 0xFFFFF == 0, Interrupt.isRequested { break }
      switch byte {
      case 34: text.append("\\\"")
      case 92: text.append("\\\\")
      case 10: text.append("\\n")
      case 13: text.append("\\r")
      case 9: text.append("\\t")
      case 0..<32:
        let digits = String(byte, radix: 16)
        text.append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
      default: text.append(byte)
      }
    }
    text.append(34)
  }
}
