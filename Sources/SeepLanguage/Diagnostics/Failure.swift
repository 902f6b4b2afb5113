// The one kind of diagnostic: what prompts, scripts, notebooks and editors show is made from it, as text or as JSON.
import Ground

/// Why a text could not be run, or what a check found in it, for a person: the fault, where, and through which calls it
/// came. `text` shows it, `json` hands it to an editor.
public struct Failure: Error {
  public var fault: Fault
  public var file: SourceHandle
  public var span: Span
  public var argumentSpans: [Span]
  /// Innermost first: function called, and where from; at most 6.
  public var trace: [(function: String, file: SourceHandle, span: Span)]
  /// Which of these calls stand in the source as calls of that function; others were made by a builtin.
  var directCalls: [Bool] = []
  public var severity = Severity.error
  /// The program raised it by `raise`.
  public var isRaised = false
  /// A finding of a check that a run would end with: its words are the run's, and what they suggest is for a person.
  public internal(set) var isOfRun = false
  /// Further mistakes of the same text, in order: several syntax errors.
  public var others: [Failure] = []
  /// Operands in more detail than their labels, by argument: `float32 [2, 3]`.
  public var kinds: [Int: String] = [:]
  /// Where operands that are names got their values, in the order of the operands.
  public var origins: [Origin] = []

  /// The place that gave an operand its value.
  public struct Origin: Sendable {
    /// Which operand.
    public var operand: Int
    /// As it is written where the fault is.
    public var name: String
    public var file: SourceHandle
    public var span: Span
    /// The caller gave it as an argument; else it was bound there.
    public var isGiven: Bool
  }

  public init(
    fault: Fault, file: SourceHandle, span: Span, argumentSpans: [Span],
    trace: [(function: String, file: SourceHandle, span: Span)]
  ) {
    self.fault = fault
    self.file = file
    self.span = span
    self.argumentSpans = argumentSpans
    self.trace = trace
  }

  /// The argument that the fault blames, or else the whole expression.
  public var guilty: Span {
    if let argument = fault.argument, argumentSpans.indices.contains(argument) {
      let given = argumentSpans[argument]
      return Failure.blamesName.contains(fault.code) ? file.keyword(before: given) ?? given : given
    }
    return span
  }

  /// Faults about the name of an argument and not about its value.
  private static let blamesName: Set<String> = ["unknown-argument", "argument-given-twice"]

  /// From 1: where the whole expression begins.
  public var line: Int { file.position(span.start).line }
  public var column: Int { file.position(span.start).column }

  /// What to write instead; `{0}` in it stands for the text of an operand, where that is short.
  public var suggestion: String? {
    guard var help = fault.help, help.utf8.contains(123) else { return fault.help }
    for (index, operand) in argumentSpans.enumerated() {
      let source = file.text(of: operand)
      let parts = help.split(separator: "{\(index)}", omittingEmptySubsequences: false)
      help = parts.joined(separator: (1...40).contains(source.utf8.count) ? source : "x")
    }
    return help
  }
}

/// How bad a finding is: a text with an error does not run as it is meant to.
public enum Severity: String, Sendable {
  case error, warning, note
}

extension SourceHandle {
  /// Line and column of an offset, from 1; columns count characters as an editor does.
  public func position(_ offset: Int) -> (line: Int, column: Int) {
    let end = min(max(0, offset), text.count)
    let (line, start) = lineStart(around: end)
    let first = start == 0 && text.starts(with: [0xEF, 0xBB, 0xBF]) ? min(3, end) : start
    return (line + 1, characters(first, end) + 1)
  }

  /// The characters (scalars) of a part.
  func characters(_ from: Int, _ to: Int) -> Int {
    let part = text[min(max(0, from), text.count)..<min(max(0, from, to), text.count)]
    return part.allSatisfy { $0 < 128 } ? part.count : String(decoding: part, as: UTF8.self).unicodeScalars.count
  }

  /// The text of a part; empty where there is none.
  public func text(of span: Span) -> String {
    let from = min(max(0, span.start), text.count)
    return String(decoding: text[from..<min(max(from, span.end), text.count)], as: UTF8.self)
  }

  /// The offsets of the line around an offset, without its end.
  func line(around offset: Int) -> Range<Int> {
    var start = lineStart(around: min(max(0, offset), text.count)).start
    if start == 0, text.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
    var end = start
    while end < text.count, text[end] != 10, text[end] != 13 { end += 1 }
    return start..<end
  }

  /// In `name: value`, the name before a value.
  func keyword(before value: Span) -> Span? {
    func isBlank(_ c: UInt8) -> Bool { c == 32 || c == 9 || c == 10 || c == 13 }
    func isWord(_ c: UInt8) -> Bool {
      c >= 97 && c <= 122 || c >= 65 && c <= 90 || c == 95 || c >= 128 || c >= 48 && c <= 57
    }
    var at = min(value.start, text.count)
    while at > 0, isBlank(text[at - 1]) { at -= 1 }
    guard at > 0, text[at - 1] == 58 else { return nil }
    at -= 1
    while at > 0, isBlank(text[at - 1]) { at -= 1 }
    let end = at
    while at > 0, isWord(text[at - 1]) { at -= 1 }
    return at < end ? Span(at, end) : nil
  }
}
