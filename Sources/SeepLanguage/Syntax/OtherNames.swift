// Names of other languages where a value is asked for, and what Seep has instead.
import Ground

/// What other languages call things, and what Seep does.
enum OtherNames {
  static let values: [String: String] = [
    "None": "none", "True": "true", "False": "false", "null": "none", "nil": "none", "undefined": "none",
    "NULL": "none", "NaN": "nan", "Infinity": "inf", "println": "print", "printf": "print", "echo": "print",
    "str": "\"{…}\"", "dict": "{name: …}", "list": "[…]", "isinstance": "type(…)", "length": "len", "size": "len",
    "elif": "else if", "pass": "none", "throw": "raise …", "np": "zeros(2, 3)", "torch": "zeros(2, 3)",
    "nn": "dense(10)", "F": "relu(x)", "math": "sqrt(x)", "open": "read_text(path)", "input": "read_line()",
  ]
  /// Modules of Python whose functions need none in Seep.
  private static let modules: Set = ["torch", "np", "numpy", "math", "nn", "F", "random", "os", "time", "json", "plt"]
  /// Of values that have no such field: what is written instead, `{0}` for the value.
  static let members: [String: String] = [
    "append": "{0} += [y]", "push": "{0} += [y]", "add": "{0} += [y]", "extend": "{0} += ys", "length": "len({0})",
    "size": "len({0})", "count": "len({0})", "item": "float({0})", "numpy": "{0}", "backward": "grad(f)(x)",
    "detach": "stop_gradient({0})", "view": "{0}.reshape(…)", "mm": "{0} @ b", "matmul": "{0} @ b", "dot": "{0} @ b",
    "t": "{0}.T", "format": "\"text {value:.2}\"", "items": "for (name, value) in {0} { … }",
    "astype": "{0}.to(\"float64\")",
    "double": "{0}.to(\"float64\")", "squeeze": "{0}.reshape(…)", "unsqueeze": "{0}.reshape(…)",
    "zero_grad": "grad(f)(x)", "cuda": "{0}", "cpu": "{0}", "clone": "{0}", "copy": "{0}", "contiguous": "{0}",
    "tolist": "{0}.to_list()", "values": "values({0})", "keys": "keys({0})", "len": "len({0})", "pow": "{0}^2",
  ]
  /// Names that no function provides because it is an argument in Seep.
  static let notes: [String: String] = [
    "self": "There are no classes: a function takes what it works on as its first argument, and `x.f()` calls `f(x)`.",
    "this": "There are no classes: a function takes what it works on as its first argument, and `x.f()` calls `f(x)`.",
  ]

  /// The fault for a name that nothing binds.
  /// - Parameter member: what stands behind the name and a dot, `zeros` in `torch.zeros`, and whether it is bound.
  static func unknownName(
    _ name: String, near: String?, orElse help: String?, member: (name: String, isKnown: Bool)? = nil
  ) -> Fault {
    var notes = notes[name].map { [$0] } ?? []
    var help = notes.isEmpty ? values[name] ?? near ?? help : nil
    if modules.contains(name) {
      notes = ["Tensors, models, attacks and files need no module; `seep doc` lists what there is."]
      if let member { help = member.isKnown ? "\(member.name)(…)" : nil }
    } else if near == nil, name.hasSuffix("Error") || name.hasSuffix("Exception") {
      help = "error(\"…\", code: \"…\")"
    }
    return Fault("unknown-name", "there is no `\(name)` here", notes: notes, help: help)
  }
}

extension SourceHandle {
  /// The name behind a dot at an offset: `zeros` behind `torch`.
  func member(behind offset: Int) -> String? {
    guard offset >= 0, offset < text.count, text[offset] == 46 else { return nil }
    let name = text[(offset + 1)...].prefix { byte in
      byte == 95 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }
    return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
  }
}
