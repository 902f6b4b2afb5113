// Format specifications of interpolation, as in Rust: `[[fill]align][+][0][width][.precision][e|%|x|b|o]`.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A parsed specification.
struct TextFormat {
  var fill: Character = " "
  var align: Character?
  var sign = false
  var zero = false
  var width = 0
  var precision: Int?
  var kind: Character?

  static func format(_ slot: Slot, _ specification: String) throws -> Slot {
    Heap.string(try TextFormat(specification).apply(slot))
  }

  init(_ text: String) throws {
    var rest = Array(text.trimmed)[...]
    let aligns: Set<Character> = ["<", "^", ">"]
    if rest.count >= 2, aligns.contains(rest[rest.startIndex + 1]) {
      fill = rest.removeFirst()
      align = rest.removeFirst()
    } else if let first = rest.first, aligns.contains(first) {
      align = rest.removeFirst()
    }
    if rest.first == "+" {
      sign = true
      rest.removeFirst()
    }
    if rest.first == "0" {
      zero = true
      rest.removeFirst()
    }
    func number() throws -> Int? {
      var digits = ""
      while let digit = rest.first, digit.isASCII, digit.isNumber { digits.append(rest.removeFirst()) }
      if digits.isEmpty { return nil }
      guard let value = Int(digits), value <= 4096 else {
        throw Fault("bad-format", "the format `\(text)` asks for more than 4096 characters")
      }
      return value
    }
    width = try number() ?? 0
    if rest.first == "." {
      rest.removeFirst()
      precision = try number()
      if precision == nil { throw TextFormat.unknown(text) }
    }
    if let letter = rest.first, ["e", "%", "x", "b", "o", "f", "d", "s"].contains(letter) { kind = rest.removeFirst() }
    if !rest.isEmpty { throw TextFormat.unknown(text) }
  }

  private static func unknown(_ text: String) -> Fault {
    Fault(
      "bad-format", "`\(text)` is no format",
      notes: [
        "A format is `[fill][<^>][+][0][width][.precision][kind]`, such as `.3`, `>8`, `08.2`, `.2e` or `.1%`.",
        "A kind is `e`, `%`, `f`, `d`, `s`, or for ints `x` (hexadecimal), `b` (binary), `o` (octal).",
      ]
    )
  }

  func apply(_ slot: Slot) throws -> String {
    var body: String
    var isNumber = true
    switch slot.tag {
    case Tag.int where precision == nil && (kind == nil || kind == "d"): body = String(slot.int)
    case Tag.int where kind == "x": body = String(slot.int, radix: 16)
    case Tag.int where kind == "b": body = String(slot.int, radix: 2)
    case Tag.int where kind == "o": body = String(slot.int, radix: 8)
    case Tag.int, Tag.float: body = text(of: slot.number, slot)
    case Tag.foreign:
      if let number = (slot.foreignObject as? any NumberLike)?.numberValue {
        body = text(of: number, Slot(number))
      } else {
        guard precision == nil, kind == nil else { throw notANumber(slot) }
        body = Display.text(slot, .long)
        isNumber = false
      }
    default:
      guard kind == nil || kind == "s" else { throw notANumber(slot) }
      body = Display.text(slot, .long)
      if let precision {
        guard slot.tag == Tag.string else { throw notANumber(slot) }
        body = String(body.prefix(precision))
      }
      isNumber = false
    }
    if sign, isNumber, !body.hasPrefix("-") { body = "+" + body }
    return padded(body, isNumber)
  }

  private func notANumber(_ slot: Slot) -> Fault {
    Fault("bad-format", "this format is for numbers, not for \(slot.describedType)")
  }

  private func text(of value: Double, _ slot: Slot) -> String {
    if value.isNaN || value.isInfinite { return Display.number(value) }
    switch kind {
    case "e":
      guard let precision else { return scientific(value) }
      return TextFormat.trimExponent(PrintedNumber.text("%.\(precision)e", value))
    case "%": return PrintedNumber.text("%.\(precision ?? 0)f", value * 100) + "%"
    default:
      if let precision { return PrintedNumber.text("%.\(precision)f", value) }
      return slot.tag == Tag.int ? String(slot.int) : Display.number(value)
    }
  }

  /// The shortest digits that read back, with an exponent: `1.5e-3`.
  private func scientific(_ value: Double) -> String {
    for digits in 0..<17 {
      let text = PrintedNumber.text("%.\(digits)e", value)
      if Double(text) == value { return TextFormat.trimExponent(text) }
    }
    return TextFormat.trimExponent(PrintedNumber.text("%.17e", value))
  }

  /// `1.5e-03` as Rust writes it: `1.5e-3`.
  private static func trimExponent(_ text: String) -> String {
    guard let at = text.firstIndex(of: "e"), let power = Int(text[text.index(after: at)...]) else { return text }
    return text[...at] + String(power)
  }

  private func padded(_ body: String, _ isNumber: Bool) -> String {
    let missing = width - body.count
    if missing <= 0 { return body }
    if zero, isNumber {
      let hasSign = body.hasPrefix("-") || body.hasPrefix("+")
      return (hasSign ? String(body.prefix(1)) : "") + String(repeating: "0", count: missing)
        + (hasSign ? body.dropFirst() : body[...])
    }
    let before: Int
    switch align ?? (isNumber ? ">" : "<") {
    case "<": before = 0
    case ">": before = missing
    default: before = missing / 2
    }
    return String(repeating: fill, count: before) + body + String(repeating: fill, count: missing - before)
  }
}
