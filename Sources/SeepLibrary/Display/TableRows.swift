// Values as rows under names, for places that show tables: the prompt, a notebook, `table`.
import Ground
import SeepLanguage

struct TableRows {
  var names: [String]
  /// A value for each name, nil where a row has none.
  var rows: [[Value?]]

  init(names: [String], rows: [[Value?]]) {
    self.names = names
    self.rows = rows
  }

  /// Records under all the names they have, in the order in which these come first; nil for other items, or for none.
  init?(records: some Sequence<Value>) {
    var names: [String] = []
    var places: [String: Int] = [:]
    var found: [Record] = []
    for item in records {
      // What is made of the rest nobody sees.
      if Interrupt.isRequested { break }
      guard let record = item.asRecord else { return nil }
      for name in record.names where places[name] == nil {
        places[name] = names.count
        names.append(name)
      }
      found.append(record)
    }
    guard !names.isEmpty else { return nil }
    self.names = names
    rows = []
    rows.reserveCapacity(found.count)
    for record in found {
      if Interrupt.isRequested { break }
      var row = [Value?](repeating: nil, count: names.count)
      for field in record.fields { if let place = places[field.name] { row[place] = field.value } }
      rows.append(row)
    }
  }

  /// What a value shows as rows: a table, a list or tuple of records, the rows of an audit; nil for anything else.
  init?(_ value: Value, in session: Session) {
    if let table = value.foreign(as: TableValue.self) {
      self = table.table
    } else if let items = value.listItems {
      self.init(records: items)
    } else if let audit = value.foreign(as: AuditValue.self), let count = audit.count {
      self.init(records: (0..<count).compactMap { try? audit.element($0, in: session) })
    } else {
      return nil
    }
  }

  func record(_ index: Int) -> Value { Value(record: zip(names, rows[index]).map { ($0, $1 ?? .none) }) }
}
