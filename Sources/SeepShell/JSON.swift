// JSON as the shell speaks it: read with the strict reader of the file formats, written in one pass.
import Networks

package typealias JSON = StrictJSON

extension StrictJSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: StrictJSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, StrictJSON)...) {
    self = .object(elements.map { (name: $0.0, value: $0.1) })
  }

  /// A field of an object; null where there is none.
  package subscript(name: String) -> StrictJSON {
    guard case .object(let fields) = self else { return .null }
    return fields.first { $0.name == name }?.value ?? .null
  }

  package var text: String? { if case .string(let text) = self { text } else { nil } }
  package var int: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value.rounded())
    default: nil
    }
  }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var items: [StrictJSON] { if case .array(let items) = self { items } else { [] } }
  var fields: [(name: String, value: StrictJSON)] { if case .object(let fields) = self { fields } else { [] } }
  var isNull: Bool { if case .null = self { true } else { false } }

  static func strings(_ texts: some Sequence<String>) -> StrictJSON { .array(texts.map { .string($0) }) }

  /// Compact UTF-8.
  package var bytes: [UInt8] {
    var out: [UInt8] = []
    write(&out)
    return out
  }

  private func write(_ out: inout [UInt8]) {
    switch self {
    case .null: out += "null".utf8
    case .bool(let value): out += (value ? "true" : "false").utf8
    case .integer(let value): out += String(value).utf8
    case .number(let value): out += (value.isFinite ? "\(value)" : "null").utf8
    case .string(let value): StrictJSON.write(value, &out)
    case .array(let items):
      out.append(91)
      for (index, item) in items.enumerated() {
        if index > 0 { out.append(44) }
        item.write(&out)
      }
      out.append(93)
    case .object(let fields):
      out.append(123)
      for (index, field) in fields.enumerated() {
        if index > 0 { out.append(44) }
        StrictJSON.write(field.name, &out)
        out.append(58)
        field.value.write(&out)
      }
      out.append(125)
    }
  }

  private static func write(_ text: String, _ out: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    out.append(34)
    for byte in text.utf8 {
      switch byte {
      case 34: out += [92, 34]
      case 92: out += [92, 92]
      case 10: out += [92, 110]
      case 13: out += [92, 114]
      case 9: out += [92, 116]
      case 0..<32: out += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: out.append(byte)
      }
    }
    out.append(34)
  }
}
