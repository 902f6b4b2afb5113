// A list of records as a table: its columns by name, as series of a plot.
import Ground
import SeepLanguage

struct PlotTable {
  let rows: [Record]
  let call: Call

  private var names: [String] {
    var names: [String] = []
    for row in rows { for name in row.names where !names.contains(name) { names.append(name) } }
    return names
  }

  /// A column, as an argument names it; `none` where a row has no such field.
  func column(_ name: String, _ argument: String) throws -> [Value] {
    guard rows.contains(where: { $0[name] != nil }) else {
      throw call.fault(
        "unknown-field",
        "no row has a field \"\(name)\"; there are \(names.map { "\"\($0)\"" }.joined(separator: ", "))",
        argument: argument, help: nearestName(to: name, among: names).map { "\(argument): \"\($0)\"" })
    }
    return rows.map { $0[name] ?? Value.none }
  }

  /// A column of numbers.
  func numbers(_ name: String, _ argument: String) throws -> [Double] {
    try column(name, argument).map { value in
      guard let number = PlotReader.number(value) else {
        throw call.fault(
          "type-mismatch", "the column \"\(name)\" must hold numbers, and has \(described(value))", argument: argument,
          help: argument == "x" ? "bar(…)" : nil)
      }
      return number
    }
  }

  /// The names that an argument gives: one string or a list of them.
  func fields(_ argument: String) throws -> [String] {
    guard let value = call.optionalValue(argument) else {
      throw call.fault(
        "missing-argument",
        "a table needs `\(argument)`: the name of a column; there are \(names.map { "\"\($0)\"" }.joined(separator: ", "))",
        argument: call.signature?.parameters[0].name ?? argument)
    }
    if let name = value.asString { return [name] }
    let names = value.asItems?.compactMap(\.asString) ?? []
    guard !names.isEmpty, names.count == value.asItems?.count else {
      throw call.fault(
        "type-mismatch", "`\(argument)` of a table must be the name of a column, not \(described(value))",
        argument: argument)
    }
    return names
  }

  /// The name in an argument that takes one column at most.
  func field(_ argument: String) throws -> String? {
    guard call.optionalValue(argument) != nil else { return nil }
    let names = try fields(argument)
    guard names.count == 1 else {
      throw call.fault("wrong-arguments", "`\(argument)` takes one column", argument: argument)
    }
    return names[0]
  }

  /// The rows of each value of a column, in order of appearance; all under one empty name without it.
  func groups(by field: String?) throws -> [(name: String, rows: [Int])] {
    guard let field else { return [("", Array(rows.indices))] }
    var groups: [(name: String, rows: [Int])] = []
    for (index, value) in try column(field, "by").enumerated() {
      let name = value.asString ?? call.session.display(value, .short)
      if let known = groups.firstIndex(where: { $0.name == name }) {
        groups[known].rows.append(index)
      } else {
        groups.append((name, [index]))
      }
    }
    return groups
  }

  /// The columns `low` and `high`, if they are named.
  func interval() throws -> Plot.Interval? {
    guard let low = try field("low"), let high = try field("high") else {
      if call.optionalValue("low") == nil, call.optionalValue("high") == nil { return nil }
      throw call.fault(
        "wrong-arguments", "an interval needs both `low` and `high`",
        argument: call.optionalValue("low") == nil ? "high" : "low")
    }
    return try Plot.Interval(low: numbers(low, "low"), high: numbers(high, "high"))
  }

  /// Series of the columns `y` over the column `x`, for each group of `by`; and the name of `x`.
  func series() throws -> (series: [Plot.Series], xName: String, yName: String) {
    let ys = try fields("y")
    let xName = try field("x")
    let x = try xName.map { try numbers($0, "x") } ?? rows.indices.map(Double.init)
    let interval = try interval()
    if interval != nil, ys.count > 1 {
      throw call.fault("wrong-arguments", "`low` and `high` belong to one column `y`", argument: "y")
    }
    var series: [Plot.Series] = []
    for group in try groups(by: field("by")) {
      for name in ys {
        let y = try numbers(name, "y")
        let title = group.name.isEmpty ? (ys.count > 1 ? name : "") : group.name + (ys.count > 1 ? " \(name)" : "")
        series.append(
          Plot.Series(
            name: title, x: group.rows.map { x[$0] }, y: group.rows.map { y[$0] },
            interval: interval.map { all in
              Plot.Interval(low: group.rows.map { all.low[$0] }, high: group.rows.map { all.high[$0] })
            }))
      }
    }
    guard series.count <= PlotReader.seriesLimit else {
      throw call.fault(
        "bad-argument", "\(series.count) series; `\(call.name)` shows at most \(PlotReader.seriesLimit) at once",
        argument: "by")
    }
    return (series, xName ?? "index", ys.count == 1 ? ys[0] : "")
  }
}
