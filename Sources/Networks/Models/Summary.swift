// What a model consists of, as a table.
import Ground

extension Model {
  /// One line for every layer with its output for one example and its number of parameters.
  /// - Throws: `shape-mismatch` where a layer cannot take such an example.
  public func summary(for example: [Int]) throws -> String {
    let plan = try build(for: example)
    var rows = [["layer", "", "output", "parameters"], ["", "input", "\(example)", ""]]
    for slot in plan.slots {
      let depth = slot.path.filter { $0 == "." }.count
      let count = slot.parameters.reduce(0) { $0 + plan.parameters[$1].shape.reduce(1, *) }
      let written = slot.written.count > 60 ? String(slot.written.prefix(57)) + "…" : slot.written
      rows.append([
        slot.path, String(repeating: "  ", count: depth) + written, "\(slot.output)", count == 0 ? "" : grouped(count),
      ])
    }
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let right = max(rows.map { $0[3].count }.max() ?? 0, 1)
    let lines = rows.map { row in
      let left = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
      return left + "  " + String(repeating: " ", count: right - row[3].count) + row[3]
    }
    let total = plan.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
    return (lines.map(trimmed) + ["\(grouped(total)) parameters in all"]).joined(separator: "\n")
  }

  private func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }

  /// `11,173,962`.
  private func grouped(_ number: Int) -> String {
    var result = ""
    for (index, digit) in String(number).reversed().enumerated() {
      if index > 0, index % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return String(result.reversed())
  }
}
