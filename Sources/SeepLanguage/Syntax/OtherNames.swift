// Names of other languages where a value is asked for, and what Seep has instead.
import Ground

/// What other languages call things, and what Seep does.
enum OtherNames {
  static let values: [String: String] = [
    "None": "none", "True": "true", "False": "false", "null": "none", "nil": "none", "undefined": "none",
    "NULL": "none", "NaN": "nan", "Infinity": "inf", "println": "print", "printf": "print", "echo": "print",
    "str": "\"{…}\"", "dict": "{name: …}", "list": "[…]", "isinstance": "type(…)", "length": "len", "size": "len",
    "elif": "else if", "pass": "none", "throw": "raise …", "np": "zeros(2, 3)", "torch": "zeros(2, 3)",
  ]
  /// Of values that have no such field: what is written instead, `{0}` for the value.
  static let members: [String: String] = [
    "append": "{0} += [y]", "push": "{0} += [y]", "add": "{0} += [y]", "extend": "{0} += ys", "length": "len({0})",
    "size": "len({0})", "count": "len({0})", "item": "float({0})", "numpy": "{0}", "backward": "grad(f)(x)",
    "detach": "stop_gradient({0})", "view": "{0}.reshape(…)", "mm": "{0} @ b", "matmul": "{0} @ b", "dot": "{0} @ b",
    "t": "{0}.T", "format": "\"text {value:.2}\"", "items": "for (name, value) in {0} { … }",
    "astype": "{0}.to(\"float64\")",
    "double": "{0}.to(\"float64\")", "squeeze": "{0}.reshape(…)", "unsqueeze": "{0}.reshape(…)",
    "zero_grad": "grad(f)(x)",
  ]
  /// Names that no function provides because it is an argument in Seep.
  static let notes: [String: String] = [
    "self": "There are no classes: a function takes what it works on as its first argument, and `x.f()` calls `f(x)`.",
    "this": "There are no classes: a function takes what it works on as its first argument, and `x.f()` calls `f(x)`.",
  ]

  /// The fault for a name that nothing binds.
  static func unknownName(_ name: String, near: String?, orElse help: String?) -> Fault {
    Fault(
      "unknown-name", "there is no `\(name)` here", notes: notes[name].map { [$0] } ?? [],
      help: notes[name] != nil ? nil : (values[name] ?? near ?? help))
  }
}
