// What every floor throws when a person's input cannot be served: the payload of an error, without source spans.
// The language attaches the span of the guilty expression and prints it; see SeepLanguage's Diagnostic.

/// An error for a person to read: what is wrong, with which values, and what to write instead.
public struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
  /// Stable, lower-case, hyphenated: `shape-mismatch`, `unknown-name`. Tests and `:explain` rely on it.
  public var code: String
  /// One sentence that stands alone, lower case, no full stop, carrying the numbers: what was expected and what came. Line
  /// breaks of what it quotes are written as `\n` and `\r`.
  public var message: String
  /// Further facts, each a full sentence.
  public var notes: [String]
  /// At most one suggestion of what to write instead; checked, not guessed.
  public var help: String?
  /// Index of the guilty argument of the call that threw, if one is guilty; the language underlines it.
  public var argument: Int?
  /// Labels for operands (index of the argument, text such as `[28, 28]`), shown under the source line.
  public var operands: [Int: String]

  public init(
    _ code: String, _ message: String, notes: [String] = [], help: String? = nil, argument: Int? = nil,
    operands: [Int: String] = [:]
  ) {
    self.code = code
    self.message = Fault.inOneLine(message)
    self.notes = notes
    self.help = help
    self.argument = argument
    self.operands = operands
  }

  /// By scalars: `\r\n` is one character.
  private static func inOneLine(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 10 || $0 == 13 }) else { return text }
    var line = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": line += "\\n"
      case "\r": line += "\\r"
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line
  }

  public var description: String {
    ([message] + notes + (help.map { ["try: \($0)"] } ?? [])).joined(separator: "; ")
  }

  /// The running evaluation was stopped by the person (Ctrl-C). Not an error of the program: exit status 130.
  public static let interrupted = Fault("interrupted", "interrupted")
}
