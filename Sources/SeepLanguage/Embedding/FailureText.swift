// A failure as text for a person: the file, the line, the guilty expression underlined with its operands, one sentence,
// notes, and what to write instead.
//
//     error: these shapes do not multiply
//       ┌─ lesson.seep:4:10
//     4 │ let y = x @ w
//       │         ─ ^ ─ [784, 10]
//       │         [28, 28]
//       = `@` needs the last axis on the left (28) to equal the first on the right (784).
//       = try: x.reshape(1, 784) @ w
import Ground

extension Failure {
  /// The text, without a newline at its end and without colour.
  public var text: String {
    let shown = Failure(fault: fault, file: file, span: guilty, argumentSpans: [], trace: [])
    let (line, column) = (shown.line, shown.column)
    var lines = ["\(severity): \(fault.message)"]
    let number = String(line)
    let gutter = String(repeating: " ", count: number.count)
    if !file.text.isEmpty {
      lines.append("\(gutter) ┌─ \(file.name):\(line):\(column)")
      lines.append("\(number) │ \(String(decoding: file.text[lineRange], as: UTF8.self))")
      lines += underlines.map { "\(gutter) │ \($0)" }
    }
    for note in fault.notes { lines.append("\(gutter) = \(note)") }
    if let help = suggestion { lines.append("\(gutter) = try: \(help)") }
    for entry in trace {
      let place = Failure(fault: fault, file: entry.file, span: entry.span, argumentSpans: [], trace: [])
      lines.append("\(gutter) = in `\(entry.function)`, called at \(entry.file.name):\(place.line):\(place.column)")
    }
    lines += others.map(\.text)
    return lines.joined(separator: "\n")
  }

  /// What to write instead; `{0}` in it stands for the text of an operand, where that is short.
  public var suggestion: String? {
    guard var help = fault.help, help.utf8.contains(123) else { return fault.help }
    for (index, operand) in argumentSpans.enumerated() {
      let range = min(operand.start, file.text.count)..<min(max(operand.start, operand.end), file.text.count)
      let source = String(decoding: file.text[range], as: UTF8.self)
      let parts = help.split(separator: "{\(index)}", omittingEmptySubsequences: false)
      help = parts.joined(separator: (1...40).contains(source.utf8.count) ? source : "x")
    }
    return help
  }

  /// The argument that the fault blames, or else the whole expression.
  public var guilty: Span {
    if let argument = fault.argument, argumentSpans.indices.contains(argument) { return argumentSpans[argument] }
    return span
  }

  private var lineRange: Range<Int> {
    let text = file.text
    var start = min(guilty.start, text.count)
    while start > 0, text[start - 1] != 10 { start -= 1 }
    var end = start
    while end < text.count, text[end] != 10, text[end] != 13 { end += 1 }
    return start..<end
  }

  /// Columns a part of the line takes on a terminal, as far as one column per scalar is true.
  private func width(_ from: Int, _ to: Int) -> Int {
    from < to ? String(decoding: file.text[from..<to], as: UTF8.self).unicodeScalars.count : 0
  }

  /// `^` under the guilty expression, `─` under its labelled operands; labels to the right, or one below another.
  private var underlines: [String] {
    let line = lineRange
    func clamp(_ span: Span) -> Range<Int>? {
      let from = max(line.lowerBound, span.start)
      let to = min(line.upperBound, span.end)
      return from < to ? width(line.lowerBound, from)..<width(line.lowerBound, to) : nil
    }
    let guilty = guilty
    let labels = fault.operands.keys.sorted().compactMap { index -> (columns: Range<Int>, text: String)? in
      guard argumentSpans.indices.contains(index), let columns = clamp(argumentSpans[index]) else { return nil }
      return (columns, fault.operands[index] ?? "")
    }
    let atEnd = width(line.lowerBound, min(guilty.start, line.upperBound))
    let main = clamp(guilty) ?? atEnd..<atEnd + 1
    var marks = [Character](repeating: " ", count: max(main.upperBound, labels.map(\.columns.upperBound).max() ?? 0))
    for column in main { marks[column] = "^" }
    let isOperator = fault.argument == nil && labels.count == 2
    if isOperator || labels.contains(where: { !main.overlaps($0.columns) }) {
      for label in labels where isOperator || !main.overlaps(label.columns) {
        for column in label.columns { marks[column] = "─" }
      }
      if isOperator {
        // Between two operands only the operator itself is marked.
        let shown = Array(String(decoding: file.text[line], as: UTF8.self).unicodeScalars)
        for column in main where marks[column] == "^" && column < shown.count && shown[column] == " " {
          marks[column] = " "
        }
      }
    }
    guard let last = labels.max(by: { $0.columns.lowerBound < $1.columns.lowerBound }) else { return [String(marks)] }
    var rows = [String(marks) + " " + last.text]
    for label in labels.reversed() where label.columns != last.columns {
      rows.append(String(repeating: " ", count: label.columns.lowerBound) + label.text)
    }
    return rows
  }
}
