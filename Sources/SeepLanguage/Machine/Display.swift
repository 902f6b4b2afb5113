// The text of values: numbers so that they read back, nesting bounded so that nothing is too deep or too long to show.
import Ground

///
/// An interrupt cuts it short: the machine looks at the flag after every call, so such a text goes nowhere.
enum Display {
  /// Below this many levels a container is shown as `[…]`.
  static let depthLimit = 64
  /// Items shown of a container in the short style.
  static let shortLimit = 12

  static func text(_ slot: Slot, _ style: DisplayStyle) -> String {
    if slot.tag == Tag.string, style == .long { return Heap.text(slot.string) }
    if slot.tag == Tag.foreign { return slot.foreignObject.display(style) }
    var out = ""
    write(slot, style, 0, &out)
    return out
  }

  /// As an item inside a container: strings quoted.
  static func quoted(_ slot: Slot, _ style: DisplayStyle = .short) -> String {
    var out = ""
    write(slot, style, 0, &out)
    return out
  }

  /// For a label under an operand: short, and cut.
  static func label(_ slot: Slot) -> String {
    switch slot.tag {
    case Tag.none, Tag.absent: return "none"
    case Tag.bool, Tag.int, Tag.float, Tag.string:
      let text = quoted(slot)
      return text.utf8.count > 40 ? "\(slot.typeName) \(text.prefix(36))…" : "\(slot.typeName) \(text)"
    case Tag.list, Tag.tuple: return "\(slot.typeName) of \(slot.list.pointee.count)"
    case Tag.foreign:
      let text = slot.foreignObject.display(.short)
      return text.utf8.count > 60 ? slot.typeName : text
    default: return slot.typeName
    }
  }

  private static func write(_ slot: Slot, _ style: DisplayStyle, _ depth: Int, _ out: inout String) {
    switch slot.tag {
    case Tag.bool: out += slot.bool ? "true" : "false"
    case Tag.int: out += String(slot.int)
    case Tag.float: out += number(slot.float)
    case Tag.string: quote(Heap.text(slot.string), &out)
    case Tag.list: writeItems(slot, "[", "]", style, depth, &out)
    case Tag.tuple: writeItems(slot, "(", slot.list.pointee.count == 1 ? ",)" : ")", style, depth, &out)
    case Tag.record: writeRecord(slot, style, depth, &out)
    case Tag.range: out += "\(slot.range.pointee.start)..\(slot.range.pointee.stop)"
    case Tag.closure: out += "<fn \(slot.closure.pointee.core.pointee.info.takeUnretainedValue().title)>"
    case Tag.builtin: out += "<fn \(slot.builtinObject.signature.text)>"
    case Tag.composed:
      let members = Heap.members(slot)
      for i in 0..<members.pointee.count {
        if i > 0 { out += " >> " }
        if i == 16 {
          out += "…"
          break
        }
        let member = members.pointee.items[i]
        switch member.tag {
        case Tag.builtin: out += member.builtinObject.name
        case Tag.closure: out += member.closure.pointee.core.pointee.info.takeUnretainedValue().name ?? "<fn>"
        default: write(member, style, depth + 1, &out)
        }
      }
    case Tag.foreign: out += slot.foreignObject.display(.short)
    default: out += "none"
    }
  }

  private static func writeItems(
    _ slot: Slot, _ open: String, _ close: String, _ style: DisplayStyle, _ depth: Int, _ out: inout String
  ) {
    let body = slot.list
    let count = body.pointee.count
    out += open
    if depth >= depthLimit {
      out += "…"
    } else {
      let shown = style == .short ? min(count, shortLimit) : count
      for i in 0..<shown {
        if i & 0x3FF == 0x3FF, Interrupt.isRequested { break }
        if i > 0 { out += ", " }
        write(body.pointee.items[i], style, depth + 1, &out)
      }
      if shown < count { out += ", … \(count - shown) more" }
    }
    out += close
  }

  private static func writeRecord(_ slot: Slot, _ style: DisplayStyle, _ depth: Int, _ out: inout String) {
    let body = slot.record
    let count = body.pointee.count
    out += "{"
    if depth >= depthLimit {
      out += "…"
    } else {
      let shown = style == .short ? min(count, shortLimit) : count
      for i in 0..<shown {
        if i > 0 { out += ", " }
        let name = Symbols.name(body.pointee.keys[i])
        if isName(name) { out += name } else { quote(name, &out) }
        out += ": "
        write(body.pointee.values[i], style, depth + 1, &out)
      }
      if shown < count { out += ", … \(count - shown) more" }
    }
    out += "}"
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, first.properties.isAlphabetic || first == "_" else { return false }
    return text.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || $0 == "_" || ("0"..."9").contains($0) }
  }

  static func quote(_ text: String, _ out: inout String) {
    if text.utf8.count > 1 << 20 { out.reserveCapacity(out.utf8.count + text.utf8.count * 9 / 8) }
    out += "\""
    var turns = 0
    for scalar in text.unicodeScalars {
      turns &+= 1
      if turns & 0xFFFF == 0, Interrupt.isRequested { break }
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\r": out += "\\r"
      case "\u{1B}": out += "\\e"
      default:
        if scalar.value < 32 {
          out += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    out += "\""
  }

  /// The shortest text that reads back as the same float; `12.0` keeps its `.0`.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    return value.description
  }
}

extension Value {
  /// A string as it is written in a program; nil for anything else.
  public var quotedText: String? { slot.tag == Tag.string ? Display.quoted(slot) : nil }

  /// The text of the value: `short` as an item or in a list of variables, `long` as `print` shows it.
  public func text(_ style: DisplayStyle = .long) -> String { Display.text(slot, style) }
}
