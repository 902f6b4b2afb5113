// Printing, types and conversions.
import Ground

enum CoreOutput {
  static var builtins: [Builtin] {
    [
      Builtin(
        "print(values..., end: \"\\n\")", group: "output",
        "Prints values with a space between them and `end` after them (a new line if not given).",
        example: "print(\"loss\", 0.5)  # expect: loss 0.5"
      ) { call in
        let text = call.rest("values").map { call.session.printed($0) }.joined(separator: " ")
        let end = call.isGiven("end") ? try call.string("end") : "\n"
        // A text that was cut short by Ctrl-C is not printed.
        try Interrupt.check()
        call.session.output.write(text + end)
        return .none
      },
      Builtin(
        "warn(values...)", group: "output",
        "Prints values, with a space between them, to standard error: remarks that are no part of a program's output.",
        example: "warn(\"2 images of 10 were not recovered\")"
      ) { call in
        let text = call.rest("values").map { call.session.display($0) }.joined(separator: " ") + "\n"
        try Interrupt.check()
        call.session.output.warn(text)
        return .none
      },
      Builtin(
        "type(x)", group: "output", "The name of a value's type: `int`, `float`, `list`, `tensor` …",
        example: "print(type(1.5))  # expect: float"
      ) { call in Value(call.value("x").typeName) },
      Builtin(
        "str(x)", group: "output", "A value as `print` shows it, as a string.",
        example: "print(len(str(100)))  # expect: 3"
      ) { call in Value(call.session.display(call.value("x"))) },
      Builtin(
        "repr(x)", group: "output", "A value as it is written in a program: strings in quotes.",
        example: "print(repr(\"a\"))  # expect: \"a\""
      ) { call in Value(Display.quoted(call.slot(named: "x"), .long)) },
      Builtin(
        "format(x, spec)", group: "output", "A value in a format of interpolation: `.3`, `>8`, `.2e`, `.1%`.",
        example: "print(format(0.12345, \".2\"))  # expect: 0.12"
      ) { call in Value(taking: try TextFormat.format(call.slot(named: "x"), call.string("spec"))) },
      Builtin(
        "int(x)", group: "output",
        "A whole number: from a float (towards zero), a string, or a bool. Errors: not-a-number, out-of-range.",
        example: "print(int(\"42\") + int(1.9))  # expect: 43"
      ) { call in try integer(call) },
      Builtin(
        "float(x)", group: "output",
        "A float: from an int, a string, or an object of one number. Errors: not-a-number.",
        example: "print(float(\"2\"))  # expect: 2.0"
      ) { call in try double(call) },
    ]
  }

  private static func integer(_ call: Call) throws -> Value {
    let slot = call.slot(named: "x")
    switch slot.tag {
    case Tag.int: return Value(slot.int)
    case Tag.bool: return Value(slot.bool ? 1 : 0)
    case Tag.string:
      let text = Heap.text(slot.string).trimmed
      guard let value = Int(text) else {
        throw call.fault("not-a-number", "\(Display.quoted(slot)) is not a whole number", argument: "x")
      }
      return Value(value)
    default:
      let value = try call.double("x")
      guard value.isFinite, abs(value) < 0x1p63 else {
        throw call.fault("out-of-range", "\(Display.number(value)) has no 64-bit integer", argument: "x")
      }
      return Value(Int(value))
    }
  }

  private static func double(_ call: Call) throws -> Value {
    let slot = call.slot(named: "x")
    guard slot.tag == Tag.string else { return Value(try call.double("x")) }
    let text = Heap.text(slot.string).trimmed
    guard let value = Double(text) else {
      throw call.fault("not-a-number", "\(Display.quoted(slot)) is not a number", argument: "x")
    }
    return Value(value)
  }
}
