// A table as aligned text: names above a rule, numbers to the right, columns no wider than the window allows.
import Ground
import SeepLanguage

enum TextTable {
  /// Characters that a column of text keeps where the window is too narrow for all.
  private static let narrowest = 8

  /// - Parameters:
  ///   - width: what a line may take; nil for as much as it needs.
  ///   - limit: rows shown; the rest is counted.
  ///   - count: of how many rows `table` has the first; nil for all.
  ///
  /// After Ctrl-C a long one is empty: nobody reads it.
  static func text(_ table: TableRows, width: Int? = nil, limit: Int? = nil, of count: Int? = nil) -> String {
    if table.names.isEmpty { return "a table without columns" }
    var isUnwanted: Bool { Interrupt.isRequested && table.rows.count > 1 << 16 }
    let shown = table.rows.prefix(limit ?? Int.max)
    let isNumber = table.names.indices.map { column in
      shown.allSatisfy { row in !isUnwanted && (row[column].map { $0.isNone || $0.asDouble != nil } ?? true) }
    }
    if isUnwanted { return "" }
    var columns: [[String]] = []
    for column in table.names.indices {
      var cells: [String] = []
      cells.reserveCapacity(shown.count)
      for row in shown {
        if isUnwanted { return "" }
        cells.append(row[column].map(cell) ?? "")
      }
      columns.append([clean(table.names[column])] + (isNumber[column] ? pointsAligned(cells) : cells))
      if isUnwanted { return "" }
    }
    var widths: [Int] = []
    for cells in columns {
      var widest = 0
      for text in cells {
        if isUnwanted { return "" }
        widest = max(widest, text.count)
      }
      widths.append(widest)
    }
    var hidden: ArraySlice<String> = []
    if let width {
      shrink(&widths, isNumber, to: width)
      var kept = 0
      var used = -2
      while kept < widths.count, kept == 0 || used + 2 + widths[kept] <= width {
        used += 2 + widths[kept]
        kept += 1
      }
      hidden = table.names[kept...]
      columns.removeLast(columns.count - kept)
    }
    var lines: [String] = []
    lines.reserveCapacity(shown.count + 2)
    for line in 0...shown.count {
      if isUnwanted { return "" }
      let text = trimmed(
        columns.indices.map { column in
          padded(cut(columns[column][line], widths[column]), widths[column], toRight: isNumber[column])
        }.joined(separator: "  "))
      lines.append(text)
    }
    lines.insert(columns.indices.map { String(repeating: "─", count: widths[$0]) }.joined(separator: "  "), at: 1)
    let more = (count ?? table.rows.count) - shown.count
    if more > 0 { lines.append("… \(more) more \(more == 1 ? "row" : "rows")") }
    if !hidden.isEmpty {
      let note = "… \(hidden.count) more \(hidden.count == 1 ? "column" : "columns"): "
      lines.append(cut(note + hidden.map(clean).joined(separator: ", "), max(width ?? 80, 20)))
    }
    return lines.joined(separator: "\n")
  }

  /// Numbers with blanks behind them, so that their points stand below each other; those with an exponent stay.
  private static func pointsAligned(_ cells: [String]) -> [String] {
    var isUnwanted: Bool { Interrupt.isRequested && cells.count > 1 << 16 }
    var places: [Int?] = []
    places.reserveCapacity(cells.count)
    for text in cells {
      if isUnwanted { return [] }
      let isPlain = text.last?.isNumber == true && !text.contains("e")
      places.append(
        isPlain ? text.firstIndex(of: ".").map { text.distance(from: $0, to: text.endIndex) } ?? 0 : nil)
    }
    let most = places.lazy.compactMap { $0 }.max() ?? 0
    var aligned: [String] = []
    aligned.reserveCapacity(cells.count)
    for (text, places) in zip(cells, places) {
      if isUnwanted { return [] }
      aligned.append(text + String(repeating: " ", count: places.map { most - $0 } ?? 0))
    }
    return aligned
  }

  /// Takes from the widest column of text until all fit or none can give.
  private static func shrink(_ widths: inout [Int], _ isNumber: [Bool], to width: Int) {
    while widths.reduce(2 * (widths.count - 1), +) > width {
      let widest = widths.indices.filter { !isNumber[$0] && widths[$0] > narrowest }.max { widths[$0] < widths[$1] }
      guard let widest else { return }
      widths[widest] -= 1
    }
  }

  /// Text as it is, floats in six significant digits, other values in a line.
  static func cell(_ value: Value) -> String {
    switch value.content {
    case .none: ""
    case .string(let text): clean(text)
    case .float(let number): number.isFinite ? TensorDisplay.brief(number, digits: 6) : value.text(.short)
    default: clean(value.text(.short))
    }
  }

  /// One line, without what could move the cursor.
  static func clean(_ text: some StringProtocol) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.lazy.map { $0.value < 32 || (127..<160).contains($0.value) ? " " : $0 }))
  }

  static func cut(_ text: String, _ width: Int) -> String {
    text.count <= width ? text : String(text.prefix(max(0, width - 1))) + "…"
  }

  private static func padded(_ text: String, _ width: Int, toRight: Bool) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return toRight ? space + text : text + space
  }

  private static func trimmed(_ line: String) -> String {
    var line = Substring(line)
    while line.last == " " { line.removeLast() }
    return String(line)
  }
}
