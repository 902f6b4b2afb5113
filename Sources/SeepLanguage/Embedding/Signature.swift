// Signatures of builtins, written as people read them and parsed once:
//
//     psnr(a, b, peak: 1.0)             two needed arguments, one with a default
//     zeros(shape..., dtype: float32)   any number of arguments; a default that is a name is text, the body decides
//     dp(sigma:, clip:)                 needed, by name only
//     seed(value?)                      may be left out
import Ground

/// The parameters of something that can be called from Seep.
public final class Signature: @unchecked Sendable {
  public struct Parameter: Sendable {
    public let name: String
    /// The default as written; nil if the argument is needed.
    public let defaultText: String?
    /// The default, where it is a literal; `none` given as absent where it is a name.
    public let defaultValue: Value?
    /// Takes all remaining positional arguments as a list.
    public let isVariadic: Bool
    /// Only by name: it stands after a variadic one, or is written `name:`.
    public let isKeywordOnly: Bool
    public var isNeeded: Bool { defaultText == nil && !isVariadic }
  }

  public let name: String
  /// As it was written.
  public let text: String
  public let parameters: [Parameter]
  let positionalCount: Int
  let variadicIndex: Int?
  /// No variadic and no keyword-only parameter: arguments in order need no matching.
  let isPlain: Bool
  let neededCount: Int

  /// `text` is the library's own; a mistake in it is a mistake in the program, found when the library loads.
  public init(_ text: String) {
    self.text = text
    let open = text.firstIndex(of: "(") ?? text.endIndex
    name = Signature.name(in: text)
    let inside = open < text.endIndex ? text[text.index(after: open)...].dropLast() : ""
    var parsed: [Parameter] = []
    var afterVariadic = false
    for part in Signature.split(inside) {
      let parameter = Signature.parameter(part, keywordOnly: afterVariadic)
      afterVariadic = afterVariadic || parameter.isVariadic
      parsed.append(parameter)
    }
    parameters = parsed
    variadicIndex = parsed.firstIndex(where: \.isVariadic)
    positionalCount = variadicIndex ?? parsed.count { !$0.isKeywordOnly }
    isPlain = variadicIndex == nil && !parsed.contains(where: \.isKeywordOnly)
    neededCount = parsed.count(where: \.isNeeded)
  }

  /// What stands before the parameters, found without reading them.
  static func name(in text: String) -> String {
    String(decoding: text.utf8.prefix { $0 != UInt8(ascii: "(") && $0 != UInt8(ascii: " ") }, as: UTF8.self)
  }

  public func index(of name: String) -> Int? { parameters.firstIndex { $0.name == name } }

  /// Splits at commas outside brackets and strings.
  private static func split(_ text: Substring) -> [String] {
    var parts: [String] = []
    var part = ""
    var depth = 0
    var inString = false
    for character in text {
      if character == "\"" { inString.toggle() }
      if !inString, "([{".contains(character) { depth += 1 }
      if !inString, ")]}".contains(character) { depth -= 1 }
      if character == ",", depth == 0, !inString {
        parts.append(part.trimmed)
        part = ""
      } else {
        part.append(character)
      }
    }
    if !part.trimmed.isEmpty { parts.append(part.trimmed) }
    return parts
  }

  private static func parameter(_ text: String, keywordOnly: Bool) -> Parameter {
    func make(_ name: String, _ written: String?, _ variadic: Bool = false, _ keyword: Bool = false) -> Parameter {
      Parameter(
        name: name.trimmed, defaultText: written, defaultValue: written.flatMap { literal($0.trimmed) },
        isVariadic: variadic, isKeywordOnly: keyword || keywordOnly)
    }
    if text.hasSuffix("...") { return make(String(text.dropLast(3)), nil, true) }
    if text.hasSuffix("?") { return make(String(text.dropLast()), "none") }
    guard let colon = text.firstIndex(where: { $0 == ":" || $0 == "=" }) else { return make(text, nil) }
    let written = String(text[text.index(after: colon)...]).trimmed
    let name = String(text[..<colon])
    return written.isEmpty ? make(name, nil, false, true) : make(name, written)
  }

  /// Numbers, strings, truth values, none, and lists or tuples of such; nil for anything else.
  static func literal(_ text: String) -> Value? {
    switch text {
    case "none": return Value.none
    case "true": return Value(true)
    case "false": return Value(false)
    case "inf": return Value(Double.infinity)
    default: break
    }
    if let int = Int(text) { return Value(int) }
    if let first = text.utf8.first, (48...57).contains(first) || first == 45, let double = Double(text) {
      return Value(double)
    }
    if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") { return Value(String(text.dropFirst().dropLast())) }
    for (open, close, isList) in [("[", "]", true), ("(", ")", false)]
    where text.hasPrefix(open) && text.hasSuffix(close) {
      var items: [Value] = []
      for part in split(text.dropFirst().dropLast()) {
        guard let item = literal(part) else { return nil }
        items.append(item)
      }
      return isList ? Value(list: items) : Value(tuple: items)
    }
    return nil
  }
}

extension String {
  var trimmed: String {
    var view = self[...]
    while view.first == " " { view = view.dropFirst() }
    while view.last == " " { view = view.dropLast() }
    return String(view)
  }
}
