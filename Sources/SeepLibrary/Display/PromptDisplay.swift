// How the prompt and the text of a notebook show a value: what `print` shows, and where that helps, more or less of it.
import SeepLanguage

public enum PromptDisplay {
  /// Rows of a table, and items of a list, that are shown.
  static let rowLimit = 60
  static let itemLimit = 200
  /// Rows whose fields become columns: of a long list not all are looked at.
  private static let namingLimit = 1000

  /// - Parameter width: what a line may take, as far as it can be kept; nil for no bound.
  public static func text(_ value: Value, width: Int?, in session: Session) -> String {
    if let tensor = value.foreign(as: TensorValue.self)?.tensor { return TensorDisplay.promptText(tensor) }
    if let table = value.foreign(as: TableValue.self)?.table {
      return TextTable.text(table, width: width, limit: rowLimit)
    }
    if let model = value.foreign(as: ModelValue.self) { return text(model) }
    if let record = value.asRecord { return text(record, value, width) }
    if let items = value.listItems {
      if value.isList, items.indices.allSatisfy(items.isRecord),
        let table = TableRows(records: items.prefix(namingLimit))
      {
        return TextTable.text(table, width: width, limit: rowLimit, of: items.count)
      }
      if items.count > itemLimit { return abbreviated(items, value) }
    }
    // As it is written in a program: in quotes.
    return value.quotedText ?? session.printed(value)
  }

  /// The layers with their sizes where it is known what they see.
  private static func text(_ model: ModelValue) -> String {
    if let shape = model.model.inputShape, let table = try? model.model.summary(for: shape) { return table }
    return model.display(.long)
      + "\n(its layers with their sizes: summary(net, shape), such as summary(net, [1, 28, 28]))"
  }

  /// In a line if that fits, else a field a line.
  private static func text(_ record: Record, _ value: Value, _ width: Int?) -> String {
    guard let width else { return value.text() }
    // Only a record that may fit is written in full.
    if record.count <= width, record.fields.allSatisfy({ $0.value.listItems.map { $0.count <= width } ?? true }) {
      let whole = value.text()
      if whole.count <= width, !whole.contains("\n") { return whole }
    }
    if record.count == 0 { return value.text() }
    let lines = record.fields.prefix(rowLimit).map { field in
      // One field as a record of its own, so that its name is in quotes where it must be.
      let only = Value(record: [(field.name, field.value)]).text(.short)
      return TextTable.cut("  " + TextTable.clean(only.dropFirst().dropLast()), width - 1) + ","
    }
    let more = record.count - lines.count
    return (["{"] + lines + (more > 0 ? ["  … \(more) more"] : []) + ["}"]).joined(separator: "\n")
  }

  private static func abbreviated(_ items: ListItems, _ value: Value) -> String {
    let shown = Value(list: Array(items.prefix(itemLimit))).text().dropFirst().dropLast()
    let (open, close) = value.isTuple ? ("(", ")") : ("[", "]")
    return "\(open)\(shown), … \(items.count - itemLimit) more\(close)"
  }
}
