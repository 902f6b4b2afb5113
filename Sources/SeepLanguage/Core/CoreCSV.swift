// Tables of comma-separated values (RFC 4180).
import Ground

enum CoreCSV {
  static var builtins: [Builtin] {
    [
      Builtin(
        "parse_csv(text, header: true, by: \",\", numbers: true)", group: "files",
        "The rows of a table: records with the names of its first line, or with `header: false` lists. Fields that are written as numbers are numbers unless `numbers` is false. Errors: bad-csv, with the line.",
        example: "print(parse_csv(\"name,n\\na,1\\n\"))  # expect: [{name: \"a\", n: 1}]"
      ) { call in
        let reader = CSVReader(try call.text("text"), try separator(call))
        let numbers = try call.bool("numbers")
        func value(_ field: CSVReader.Field) -> Value {
          if numbers, !field.isQuoted {
            if let int = Int(field.text) { return Value(int) }
            if let first = field.text.utf8.first, first >= 43 && first <= 57 || ["nan", "inf"].contains(field.text),
              !field.text.utf8.contains(UInt8(ascii: "x")), let double = Double(field.text)
            {
              return Value(double)
            }
          }
          return Value(field.text)
        }
        let made = Value(list: [])
        let hasHeader = try call.bool("header")
        var names: [String]?
        try reader.rows(call) { fields, line in
          guard hasHeader else {
            return Heap.append(made.slot.list, Value(list: fields.map(value)).retainedSlot)
          }
          guard let known = names else {
            let first = fields.map(\.text)
            if let double = first.indices.first(where: { first[..<$0].contains(first[$0]) }) {
              throw call.fault(
                "bad-csv", "two columns have the name \"\(first[double])\"", argument: "text", help: "header: false")
            }
            names = first
            return
          }
          guard fields.count == known.count else {
            throw call.fault(
              "bad-csv", "line \(line) has \(fields.count) fields, but the first line names \(known.count)",
              argument: "text")
          }
          Heap.append(made.slot.list, Value(record: zip(known, fields).map { ($0, value($1)) }).retainedSlot)
        }
        return made
      },
      Builtin(
        "to_csv(rows, header: true, by: \",\")", group: "files",
        "Records of the same fields, with a first line of their names unless `header` is false, or lists, as lines of comma-separated values. Errors: bad-value if the fields differ.",
        example: "print(to_csv([{name: \"a, b\", n: 1}]), end: \"\")  # expect: name,n\n# expect: \"a, b\",1"
      ) { call in
        let by = String(decoding: [try separator(call)], as: UTF8.self)
        let text = TextBuilder()
        func line(_ fields: [String]) { text.append(CSVText.line(fields, by: by)) }
        func words(_ value: Value) -> String { value.isNone ? "" : call.session.display(value) }
        var names: [String]?
        for (i, item) in try call.items("rows").enumerated() {
          if i & 0xFF == 0 { try Interrupt.check() }
          let row = Value(copying: item)
          guard let record = row.asRecord else {
            guard let items = row.asItems else {
              throw call.fault(
                "type-mismatch", "a row of a table is a record or a list, not \(row.slot.describedType)",
                argument: "rows")
            }
            line(items.map(words))
            continue
          }
          if let names, names.sorted() != record.names.sorted() {
            throw call.fault(
              "bad-value",
              "row \(i) has other fields than row 0: \(record.names.joined(separator: ", ")) instead of \(names.joined(separator: ", "))",
              argument: "rows")
          }
          if names == nil, try call.bool("header") { line(record.names) }
          let order = names ?? record.names
          names = order
          line(order.map { record[$0].map(words) ?? "" })
        }
        return text.finish()
      },
    ]
  }

  private static func separator(_ call: Call) throws -> UInt8 {
    let by = Array(try call.string("by").utf8)
    guard by.count == 1, by[0] != 34, by[0] != 10, by[0] != 13 else {
      throw call.fault("bad-value", "`by` is one character such as \",\", \";\" or \"\\t\"", argument: "by")
    }
    return by[0]
  }
}

/// Writing tables of comma-separated values.
public enum CSVText {
  /// Fields in quotes where they need them, and the end of the line.
  public static func line(_ fields: [String], by: String = ",") -> String {
    fields.map { field in
      field.contains(by) || field.contains("\"") || field.contains("\n") || field.contains("\r")
        ? "\"" + String(decoding: field.utf8.flatMap { $0 == 34 ? [34, 34] : [$0] }, as: UTF8.self) + "\"" : field
    }.joined(separator: by) + "\n"
  }
}

private struct CSVReader {
  struct Field {
    var text: String
    var isQuoted: Bool
  }

  let bytes: UnsafeBufferPointer<UInt8>
  let by: UInt8

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ by: UInt8) {
    self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? UnsafeBufferPointer(rebasing: bytes.dropFirst(3)) : bytes
    self.by = by
  }

  /// Gives each row, and the line it begins in; lines that are empty are no rows.
  func rows(_ call: Call, _ body: ([Field], Int) throws -> Void) throws {
    var count = 0
    var at = 0
    var line = 1
    while at < bytes.count {
      count &+= 1
      if count & 0xFFF == 0 { try Interrupt.check() }
      let start = line
      var fields: [Field] = []
      var isEnd = false
      while !isEnd {
        var text: [UInt8] = []
        var isQuoted = false
        if at < bytes.count, bytes[at] == 34 {
          isQuoted = true
          at += 1
          while true {
            guard at < bytes.count else {
              throw call.fault("bad-csv", "the quotes that open in line \(start) do not close", argument: "text")
            }
            if bytes[at] == 34 {
              at += 1
              if at < bytes.count, bytes[at] == 34 { text.append(34) } else { break }
            } else {
              if bytes[at] == 10 { line += 1 }
              text.append(bytes[at])
              if text.count & 0xFFFFF == 0 { try Interrupt.check() }
            }
            at += 1
          }
          if at < bytes.count, ![by, 10, 13].contains(bytes[at]) {
            throw call.fault("bad-csv", "line \(line) goes on behind closing quotes", argument: "text")
          }
        } else {
          let start = at
          while at < bytes.count, bytes[at] != by, bytes[at] != 10, bytes[at] != 13 { at += 1 }
          text = Array(bytes[start..<at])
        }
        fields.append(Field(text: String(decoding: text, as: UTF8.self), isQuoted: isQuoted))
        isEnd = at >= bytes.count || bytes[at] != by
        if !isEnd { at += 1 }
      }
      if at < bytes.count, bytes[at] == 13 { at += 1 }
      if at < bytes.count, bytes[at] == 10 { at += 1 }
      line += 1
      if fields.count > 1 || !fields[0].text.isEmpty || fields[0].isQuoted { try body(fields, start) }
    }
  }
}
