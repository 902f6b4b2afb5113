// A diagnostic as text for a person: at most 12 lines, the first of which stands alone.
//
//     error[shape-mismatch]: these shapes do not multiply: 28 on the left, 784 on the right
//       ┌─ lesson.seep:4:9
//     2 │ let w = randn(784, 10)
//       │         ────────────── `w` is made here: float32 [784, 10]
//     4 │ let y = x @ w
//       │         ─ ^ ─ [784, 10]
//       │         [28, 28]
//       = `@` needs the last axis on the left (28) to equal the first on the right (784).
//       = try: x.reshape(1, 784) @ w
import Ground

extension Failure {
  /// The text, without a newline at its end and without colour.
  public var text: String { ([ownText] + others.map(\.ownText)).joined(separator: "\n") }

  private var ownText: String { DiagnosticText(self).lines.joined(separator: "\n") }
}

private struct DiagnosticText {
  static let limit = 12
  let failure: Failure
  var fault: Fault { failure.fault }
  var file: SourceHandle { failure.file }
  let guilty: Span
  let place: (line: Int, column: Int)
  /// The source line on which the guilty part begins.
  let shown: Range<Int>

  init(_ failure: Failure) {
    self.failure = failure
    guilty = failure.guilty
    place = failure.file.position(guilty.start)
    shown = failure.file.line(around: guilty.start)
  }

  /// Lines of the source with what stands under them.
  private struct Window {
    var line: Int
    var source: String
    var under: [String]
  }

  var lines: [String] {
    // `raise ""` has nothing else to show.
    var head = ["\(failure.severity)[\(fault.code)]: \(fault.message.isEmpty ? "\"\"" : short(fault.message))"]
    var windows: [Window] = []
    if !file.text.isEmpty {
      windows.append(
        Window(
          line: place.line, source: cut(file.text(of: Span(shown.lowerBound, shown.upperBound))),
          under: underlines.map(cut)))
    }
    let notes = fault.notes.map { "= \(short($0))" }
    var tail = notes
    if let help = failure.suggestion { tail.append("= try: \(short(help))") }
    var room = DiagnosticText.limit - 2 - windows.reduce(0) { $0 + 1 + $1.under.count } - tail.count
    let calls = traceLines(min(room, 4))
    room -= calls.count
    let made = madeWindows(&room)
    tail = notes + made.notes + tail.dropFirst(notes.count) + calls
    windows = (windows + made.windows).sorted { $0.line < $1.line }
    let width = windows.map { String($0.line).count }.max() ?? 1
    let gutter = String(repeating: " ", count: width)
    if !windows.isEmpty { head.append("\(gutter) ┌─ \(file.name):\(place.line):\(place.column)") }
    for window in windows {
      let number = String(window.line)
      head.append("\(String(repeating: " ", count: width - number.count))\(number) │ \(window.source)")
      head += window.under.map { "\(gutter) │ \($0)" }
    }
    return head + tail.map { "\(gutter) \($0)" }
  }

  /// A word of a thousand letters, or a number of a thousand digits, is shown by its beginning and its end.
  private func short(_ text: String) -> String {
    if text.utf8.count < 200 { return text }
    return text.split(separator: " ", omittingEmptySubsequences: false).map { word in
      let letters = word.unicodeScalars
      if letters.count < 160 { return String(word) }
      return "\(String(letters.prefix(24)))…\(String(letters.suffix(24))) (\(letters.count) characters)"
    }.joined(separator: " ")
  }

  /// A line of a megabyte is no help to anybody.
  private func cut(_ line: String) -> String {
    let start = max(0, place.column - 1 - 120)
    guard line.utf8.count > 240 else { return line }
    if line.utf8.withContiguousStorageIfAvailable({ $0.allSatisfy { $0 < 128 } }) == true {
      let bytes = line.utf8.dropFirst(start).prefix(240)
      return String(Substring(bytes)) + (bytes.endIndex < line.endIndex ? "…" : "")
    }
    guard line.unicodeScalars.count > 240 else { return line }
    let scalars = line.unicodeScalars
    let from = scalars.index(scalars.startIndex, offsetBy: start, limitedBy: scalars.endIndex) ?? scalars.endIndex
    let to = scalars.index(from, offsetBy: 240, limitedBy: scalars.endIndex) ?? scalars.endIndex
    return String(line[from..<to]) + (to < scalars.endIndex ? "…" : "")
  }

  // MARK: Calls

  private func traceLines(_ room: Int) -> [String] {
    let all = failure.trace.map { entry in
      let at = entry.file.position(entry.span.start)
      let name = entry.function == TraceEntry.anonymous ? entry.function : "`\(entry.function)`"
      return "= in \(name), called at \(entry.file.name):\(at.line):\(at.column)"
    }
    guard all.count > max(1, room) else { return all }
    let kept = max(1, room - 1)
    let more = all.count - kept
    return all.prefix(kept) + ["= and \(more) call\(more == 1 ? "" : "s") further out"]
  }

  // MARK: Where operands were made

  private func madeWindows(_ room: inout Int) -> (windows: [Window], notes: [String]) {
    var windows: [Window] = []
    var notes: [String] = []
    // Of two operands the right one is more often the one to change: weights, not data.
    let order = failure.origins.sorted {
      ($0.operand == fault.argument ? 1 : 0, $0.operand) > ($1.operand == fault.argument ? 1 : 0, $1.operand)
    }
    for origin in order {
      let label = fault.operands[origin.operand]
      let kind = failure.kinds[origin.operand] ?? label
      let at = origin.file.position(origin.span.start)
      let isSame = origin.file === file
      if isSame, at.line == place.line || windows.contains(where: { $0.line == at.line }) { continue }
      let line = origin.file.line(around: origin.span.start)
      let end = min(origin.span.end, line.upperBound)
      if isSame {
        guard room >= 2, line.count < 240 else { continue }
        let start = columns(origin.file, line.lowerBound, origin.span.start)
        let length = max(1, columns(origin.file, origin.span.start, end))
        let marks = String(repeating: " ", count: start) + String(repeating: "─", count: length)
        let verb = origin.isGiven ? "is given here" : "is made here"
        let detail = kind == nil || kind == label ? "" : ": \(kind ?? "")"
        windows.append(
          Window(
            line: at.line, source: origin.file.text(of: Span(line.lowerBound, line.upperBound)),
            under: ["\(marks) `\(origin.name)` \(verb)\(detail)"]))
        room -= 2
      } else if room >= 1 {
        let source = origin.file.text(of: Span(origin.span.start, end))
        let place = origin.file.name == file.name ? "an earlier entry" : "\(origin.file.name):\(at.line):\(at.column)"
        let what = kind.map { " is \($0)," } ?? " is"
        notes.append("= `\(origin.name)`\(what) from `\(source.prefix(60))` in \(place)")
        room -= 1
      }
    }
    return (windows, notes)
  }

  // MARK: Underlines

  private enum Mark {
    case none, guilty, operand

    static func row(_ marks: [Mark]) -> String {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(marks.count)
      for mark in marks {
        switch mark {
        case .none: bytes.append(32)
        case .guilty: bytes.append(94)
        case .operand: bytes += [0xE2, 0x94, 0x80]  // ─
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Columns a part of a line takes on a terminal, as far as one column per scalar is true.
  private func columns(_ file: SourceHandle, _ from: Int, _ to: Int) -> Int {
    from < to ? file.characters(from, to) : 0
  }

  /// `^` under the guilty expression, `─` under its labelled operands; labels to the right, or one below another.
  private var underlines: [String] {
    let line = shown
    func clamp(_ span: Span) -> Range<Int>? {
      let from = max(line.lowerBound, span.start)
      let to = min(line.upperBound, span.end)
      return from < to
        ? columns(file, line.lowerBound, from)..<columns(file, line.lowerBound, to) : nil
    }
    let labels = fault.operands.keys.sorted().compactMap { index -> (columns: Range<Int>, text: String)? in
      guard failure.argumentSpans.indices.contains(index), let columns = clamp(failure.argumentSpans[index]) else {
        return nil
      }
      return (columns, fault.operands[index] ?? "")
    }
    let atEnd = columns(file, line.lowerBound, min(guilty.start, line.upperBound))
    let main = clamp(guilty) ?? atEnd..<atEnd + 1
    var marks = [Mark](repeating: .none, count: max(main.upperBound, labels.map(\.columns.upperBound).max() ?? 0))
    for column in main { marks[column] = .guilty }
    let isOperator = fault.argument == nil && labels.count == 2
    if isOperator || labels.contains(where: { !main.overlaps($0.columns) }) {
      for label in labels where isOperator || !main.overlaps(label.columns) {
        for column in label.columns { marks[column] = .operand }
      }
      if isOperator {
        // Between two operands only the operator itself is marked.
        let text = Array(file.text(of: Span(line.lowerBound, line.upperBound)).unicodeScalars)
        for column in main where marks[column] == .guilty && column < text.count && text[column] == " " {
          marks[column] = .none
        }
      }
    }
    guard let last = labels.max(by: { $0.columns.lowerBound < $1.columns.lowerBound }) else { return [Mark.row(marks)] }
    var rows = [Mark.row(marks) + " " + last.text]
    for label in labels.reversed() where label.columns != last.columns {
      rows.append(String(repeating: " ", count: label.columns.lowerBound) + label.text)
    }
    return rows
  }
}
