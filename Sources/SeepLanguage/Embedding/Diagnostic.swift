// A failure as a person reads it: what, where, the line with the guilty part underlined, what to write instead.
import Ground

/// One diagnostic, for prompt, script, notebook and editor alike.
public struct Diagnostic: Sendable {
  public var code: String
  /// One sentence that stands alone.
  public var message: String
  public var file: SourceHandle
  public var span: Span
  /// Other parts of the source with what is to be said of them.
  public var labels: [(span: Span, text: String)]
  public var notes: [String]
  public var help: String?
  /// Functions that were open, innermost first, with the places they were called from.
  public var trace: [(function: String, file: SourceHandle, span: Span)]

  public init(_ failure: Failure) {
    code = failure.fault.code
    message = failure.fault.message
    file = failure.file
    span = failure.span
    notes = failure.fault.notes
    help = failure.fault.help
    trace = failure.trace
    labels = []
    let spans = failure.argumentSpans
    for (index, text) in failure.fault.operands.sorted(by: { $0.key < $1.key }) where index < spans.count {
      labels.append((spans[index], text))
    }
    if let argument = failure.fault.argument, argument < spans.count {
      if labels.isEmpty { span = spans[argument] }
    }
    // `{0}` in a suggestion stands for the text of an operand, where it is short.
    for (index, operand) in spans.enumerated() {
      guard let text = help, text.utf8.count < 400 else { break }
      let source = Diagnostic.text(file, operand)
      help = Diagnostic.replace(text, "{\(index)}", source.utf8.count <= 40 && !source.isEmpty ? source : "x")
    }
  }

  private static func text(_ file: SourceHandle, _ span: Span) -> String {
    let start = min(max(0, span.start), file.text.count)
    return String(decoding: file.text[start..<min(max(start, span.end), file.text.count)], as: UTF8.self)
  }

  private static func replace(_ text: String, _ part: String, _ with: String) -> String {
    var result = ""
    var rest = text[...]
    while let at = rest.firstRange(ofText: part) {
      result += rest[..<at.lowerBound] + with
      rest = rest[at.upperBound...]
    }
    return result + rest
  }

  /// Line and column of a byte, from 1; columns count characters.
  public static func place(_ file: SourceHandle, _ offset: Int) -> (line: Int, column: Int, start: Int, end: Int) {
    let text = file.text
    let at = min(max(0, offset), text.count)
    var (line, start) = (1, 0)
    for index in 0..<at where text[index] == 10 {
      line += 1
      start = index + 1
    }
    var end = start
    while end < text.count, text[end] != 10 { end += 1 }
    return (line, String(decoding: text[start..<at], as: UTF8.self).count + 1, start, end)
  }

  /// The whole diagnostic, ending in a newline.
  /// - Parameter color: whether to use terminal colours.
  public func rendered(color: Bool = false) -> String {
    func paint(_ text: String, _ style: String) -> String { color ? "\u{1B}[\(style)m\(text)\u{1B}[0m" : text }
    var out = paint("error", "1;31") + paint(": \(message)", "1") + "\n"
    let (line, column, start, end) = Diagnostic.place(file, span.start)
    let number = String(line)
    let margin = String(repeating: " ", count: number.count)
    if !file.text.isEmpty {
      out += "\(margin) \(paint("┌─", "34")) \(file.name):\(line):\(column)\n"
      out += paint("\(number) │", "34") + " " + Diagnostic.shown(file, start, end) + "\n"
      for row in underlines(start, end) { out += "\(margin)   \(paint(row, "31"))\n" }
    }
    for note in notes { out += "\(margin) \(paint("=", "34")) \(note)\n" }
    if let help { out += "\(margin) \(paint("=", "34")) try: \(help)\n" }
    for call in trace.prefix(6) {
      let at = Diagnostic.place(call.file, call.span.start)
      out += "\(margin) \(paint("=", "34")) in \(call.function), called at \(call.file.name):\(at.line):\(at.column)\n"
    }
    return out
  }

  /// The text of a line, tabs as four spaces, control characters visible, at most 160 characters.
  private static func shown(_ file: SourceHandle, _ start: Int, _ end: Int) -> String {
    var text = ""
    for character in String(decoding: file.text[start..<end], as: UTF8.self).prefix(160) {
      if character == "\t" {
        text += "    "
      } else if character == "\r" {
        continue
      } else {
        text.append(character.asciiValue.map { $0 < 32 || $0 == 127 } == true ? "·" : character)
      }
    }
    return text
  }

  /// Under the line: marks for every part, the last label beside its mark and the others below.
  private func underlines(_ start: Int, _ end: Int) -> [String] {
    func columns(_ span: Span) -> Range<Int>? {
      guard span.start >= start, span.start <= end else { return nil }
      let low = Diagnostic.shown(file, start, min(max(span.start, start), end)).count
      let high = Diagnostic.shown(file, start, min(max(span.end, span.start), end)).count
      return low..<max(high, low + 1)
    }
    guard let main = columns(span) else { return [] }
    let parts = labels.compactMap { label in columns(label.span).map { (range: $0, text: label.text) } }
      .sorted { $0.range.lowerBound < $1.range.lowerBound }
    // With parts of its own an expression is marked where they leave room: at its operator.
    var marks = [Character](repeating: " ", count: max(main.upperBound, parts.map(\.range.upperBound).max() ?? 0))
    for column in main { marks[column] = "^" }
    if let low = parts.first?.range.lowerBound, let high = parts.last?.range.upperBound, main.lowerBound <= low,
      main.upperBound >= high
    {
      let line = Array(Diagnostic.shown(file, start, end))
      for column in main where column < line.count {
        let inside = parts.contains { $0.range.contains(column) }
        marks[column] = inside || line[column] == " " || "(),".contains(line[column]) ? " " : "^"
      }
    }
    for part in parts { for column in part.range { marks[column] = "─" } }
    var rows = [String(marks)]
    guard let last = parts.last else { return rows }
    rows[0] += " " + last.text
    for part in parts.dropLast().reversed() {
      rows.append(String(repeating: " ", count: part.range.lowerBound) + part.text)
    }
    return rows.map { row in
      var trimmed = row
      while trimmed.last == " " { trimmed.removeLast() }
      return trimmed
    }
  }
}

extension Substring {
  fileprivate func firstRange(ofText part: String) -> Range<Index>? {
    var at = startIndex
    while at < endIndex {
      if self[at...].hasPrefix(part) { return at..<index(at, offsetBy: part.count) }
      at = index(after: at)
    }
    return nil
  }
}
