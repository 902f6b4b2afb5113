// The report of a profile for a person: four tables whose shares are of the time that passed.

extension ProfileSummary {
  /// - Parameter name: the program's.
  public func text(_ name: String) -> String {
    var out = "profile of \(name): \(shown(time)), \(samples) samples\n"
    out += table(
      ["self", "share", "total", "hits", "line"], ("line", "lines"), limit: 15, lines.map(row),
      others: [(outside, "outside of the program's lines: reading, compiling")])
    out += table(
      ["self", "share", "total", "calls", "function"], ("function", "functions"), limit: 10, functions.map(row))
    out += table(
      ["time", "share", "GFLOP/s", "calls", "operation of the engine"], ("kind", "kinds"), limit: 15,
      operations.map(row))
    if elsewhere.calls > 0 {
      out += "  and \(elsewhere.calls) operations that other threads began, \(shown(elsewhere.time)) of theirs\n"
    }
    // These contain each other: what is not shown has no sum.
    out += table(
      ["total", "share", "self", "calls", "call of the library"], ("name", "names"), limit: 15, natives.map(row),
      hasSum: false)
    return out
  }

  // MARK: Tables

  private struct Row {
    /// What decides whether it is shown.
    var weight: Double
    /// What it adds to the sum of its table.
    var own: Double
    var cells: [String]
  }

  private func row(_ line: LineRow) -> Row {
    let place = "\(place(line.file, line.line))  \(cut(line.source, 60))"
    let cells = [shown(line.own), share(line.own), shown(line.total), "\(line.hits)", place]
    return Row(weight: max(line.own, line.total), own: line.own, cells: cells)
  }

  private func row(_ function: FunctionRow) -> Row {
    let isFile = function.name == nil
    let place =
      isFile
      ? "statements of \(cutFront(function.file.name, 40))"
      : "\(function.title)  \(place(function.file, function.line))"
    let cells = [
      shown(function.own), share(function.own), shown(function.total), isFile ? "" : "\(function.calls)", place,
    ]
    return Row(weight: max(function.own, function.total), own: function.own, cells: cells)
  }

  private func row(_ operation: OperationRow) -> Row {
    let speed =
      operation.flops > 0 && operation.time > 0 ? fixed(Double(operation.flops) / operation.time * 1e-9, 1) : ""
    let cells = [shown(operation.time), share(operation.time), speed, "\(operation.calls)", operation.name]
    return Row(weight: operation.time, own: operation.time, cells: cells)
  }

  private func row(_ native: NativeRow) -> Row {
    let cells = [shown(native.total), share(native.total), shown(native.own), "\(native.calls)", native.name]
    return Row(weight: native.total, own: native.own, cells: cells)
  }

  /// A table of the rows that took a thousandth of the time, at most `limit`; nothing without rows.
  ///
  /// - Parameters:
  ///   - more: what rows are called that are not shown, one and several.
  ///   - others: more times that belong to the sum.
  private func table(
    _ head: [String], _ more: (one: String, many: String), limit: Int, _ rows: [Row],
    others: [(Double, String)] = [], hasSum: Bool = true
  ) -> String {
    if rows.isEmpty, others.allSatisfy({ $0.0 == 0 }) { return "" }
    let kept = rows.filter { $0.weight >= time / 1000 }.prefix(limit)
    var cells = [head] + kept.map(\.cells)
    let rest = rows.count - kept.count
    if rest > 0 {
      let spent = max(0, rows.reduce(0) { $0 + $1.own } - kept.reduce(0) { $0 + $1.own })
      let sum = hasSum ? [shown(spent), share(spent)] : ["", ""]
      cells.append(sum + ["", "", "\(rest) more \(rest == 1 ? more.one : more.many)"])
    }
    for (spent, what) in others where spent >= time / 1000 {
      cells.append([shown(spent), share(spent), "", "", what])
    }
    let widths = (0..<4).map { column in cells.map { $0[column].unicodeScalars.count }.max() ?? 0 }
    var out = "\n"
    for row in cells {
      for column in 0..<4 {
        out += "  " + String(repeating: " ", count: widths[column] - row[column].unicodeScalars.count) + row[column]
      }
      out += "  " + row[4] + "\n"
    }
    return out
  }

  // MARK: Words

  /// In seconds or milliseconds, all times of a report alike.
  private func shown(_ seconds: Double) -> String {
    if time >= 100 { return fixed(seconds, 1) + " s" }
    if time >= 1 { return fixed(seconds, 3) + " s" }
    return fixed(seconds * 1000, 2) + " ms"
  }

  private func share(_ seconds: Double) -> String { time > 0 ? fixed(seconds / time * 100, 1) + " %" : "" }

  private func place(_ file: SourceHandle, _ line: Int) -> String { "\(cutFront(file.name, 30)):\(line)" }

  private func cut(_ text: String, _ count: Int) -> String {
    text.unicodeScalars.count <= count ? text : String(text.unicodeScalars.prefix(count - 1)) + "…"
  }

  private func cutFront(_ text: String, _ count: Int) -> String {
    text.unicodeScalars.count <= count ? text : "…" + String(text.unicodeScalars.suffix(count - 1))
  }

  /// With so many digits behind the point.
  private func fixed(_ value: Double, _ digits: Int) -> String {
    var unit = 1
    for _ in 0..<digits { unit *= 10 }
    let scaled = (value * Double(unit)).rounded()
    guard scaled.magnitude < 1e15 else { return "\(value)" }
    let whole = Int(scaled.magnitude)
    let rest = String(whole % unit)
    return (scaled < 0 ? "-" : "") + "\(whole / unit)"
      + (digits == 0 ? "" : "." + String(repeating: "0", count: digits - rest.utf8.count) + rest)
  }
}
