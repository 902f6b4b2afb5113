// `table(rows)`: rows under names as a value that prints as aligned text, shows as HTML in a notebook, and is saved as CSV.
import Ground
import Networks
import SeepLanguage

final class TableValue: Foreign {
  let table: TableRows

  init(_ table: TableRows) { self.table = table }

  var typeName: String { "table" }
  var summary: String { display(.short) }
  var fieldNames: [String] { ["rows", "columns"] }
  var count: Int? { table.rows.count }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "rows": Value(list: table.rows.indices.map(table.record))
    case "columns": Value(list: table.names.map { Value($0) })
    default: nil
    }
  }

  func element(_ index: Int, in session: Session) throws -> Value { table.record(index) }

  /// A row by its number, a column by its name.
  func index(_ items: [IndexItem], in session: Session) throws -> Value? {
    if items.count == 1, case .int(let index) = items[0] {
      let at = index < 0 ? index + table.rows.count : index
      guard table.rows.indices.contains(at) else {
        throw Fault("index-out-of-range", "row \(index) of a table of \(table.rows.count)")
      }
      return table.record(at)
    }
    guard items.count == 1, case .value(let value) = items[0], let name = value.asString else {
      throw Fault("bad-index", "a table takes the number of a row or the name of a column")
    }
    guard let column = table.names.firstIndex(of: name) else {
      throw Fault(
        "unknown-name", "the table has no column \"\(name)\"; it has \(table.names.joined(separator: ", "))",
        help: nearestName(to: name, among: table.names).map { "\"\($0)\"" })
    }
    return Value(list: table.rows.map { $0[column] ?? .none })
  }

  func display(_ style: DisplayStyle) -> String {
    if style == .long { return TextTable.text(table) }
    let count = table.rows.count
    return "table of \(count) \(count == 1 ? "row" : "rows"): \(table.names.joined(separator: ", "))"
  }

  /// - Throws: `unknown-format` for a name that does not end in .csv, and what writing throws.
  func save(to path: String) throws {
    guard path.hasSuffix(".csv") else {
      throw Fault("unknown-format", "a table is saved as .csv; \"\(path)\" does not end so", argument: 1)
    }
    var text = CSVText.line(table.names)
    for row in table.rows { text += CSVText.line(row.map { $0.map { $0.isNone ? "" : $0.text() } ?? "" }) }
    try writeBytes(Array(text.utf8), to: path)
  }
}

let tableBuiltins: [Builtin] = [
  Builtin(
    "table(rows, columns: none)", group: "output",
    """
    Rows under names: prints as aligned text and is HTML in a notebook; `save(t, "t.csv")` writes it. `rows` is a list of records, an audit, or a
    list of lists with the names of their `columns`; of records, `columns` chooses some and their order. `t[0]` is a row, `t["name"]` a
    column, `t.rows` all rows as records. Floats are shown in six significant digits; the values stay whole. Errors: bad-value, unknown-name.
    """,
    example:
      "let t = table([{name: \"clip\", psnr: 21.5}, {name: \"none\", psnr: 9.25}])\nprint(t)\n# expect: name   psnr\n# expect: ────  ─────\n# expect: clip  21.5\n# expect: none   9.25\nprint(t[\"psnr\"])   # expect: [21.5, 9.25]"
  ) { call in
    let value = call["rows"]
    let wanted = try call.optionalValue("columns").map { try names($0, call) }
    if let table = TableRows(value, in: call.session) {
      return Value(TableValue(try wanted.map { try table.choosing($0, call) } ?? table))
    }
    return Value(TableValue(try listed(call.list("rows"), wanted, call)))
  }
]

private func names(_ value: Value, _ call: Call) throws -> [String] {
  let found = (value.asItems ?? []).map(\.asString)
  guard !found.isEmpty, !found.contains(nil) else {
    throw call.fault("bad-value", "`columns` is a list of names, not \(described(value))", argument: "columns")
  }
  let all = found.compactMap { $0 }
  if let double = all.indices.first(where: { all[..<$0].contains(all[$0]) }) {
    throw call.fault("bad-value", "two columns have the name \"\(all[double])\"", argument: "columns")
  }
  return all
}

/// Rows that are lists, under names that were given.
private func listed(_ items: [Value], _ wanted: [String]?, _ call: Call) throws -> TableRows {
  if items.isEmpty { return TableRows(names: wanted ?? [], rows: []) }
  let rows = try items.map { item -> [Value] in
    try call.session.checkInterrupt()
    if item.asRecord != nil {
      throw call.fault("bad-value", "some rows are records without fields, or some are lists", argument: "rows")
    }
    guard let row = item.asItems else {
      throw call.fault("bad-value", "a row is a record or a list, not \(described(item))", argument: "rows")
    }
    return row
  }
  guard let wanted else {
    throw call.fault(
      "bad-value", "rows that are lists need names for their columns", argument: "rows",
      help: "table(…, columns: [\"a\", \"b\"])")
  }
  if let odd = rows.firstIndex(where: { $0.count != wanted.count }) {
    throw call.fault(
      "bad-value", "row \(odd) has \(rows[odd].count) values, and there are \(wanted.count) columns", argument: "rows")
  }
  return TableRows(names: wanted, rows: rows)
}

extension TableRows {
  fileprivate func choosing(_ wanted: [String], _ call: Call) throws -> TableRows {
    let places = try wanted.map { name in
      guard let place = names.firstIndex(of: name) else {
        throw call.fault(
          "unknown-name", "no row has a field \"\(name)\"; they have \(names.joined(separator: ", "))",
          argument: "columns", help: nearestName(to: name, among: names).map { "\"\($0)\"" })
      }
      return place
    }
    return TableRows(names: wanted, rows: rows.map { row in places.map { row[$0] } })
  }
}
