// What people have in their hands, as series: numbers, pairs, records of such, tables.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

/// Reads the arguments of one call of a plot.
struct PlotReader {
  let call: Call
  /// More series than this are not told apart.
  static let seriesLimit = 16

  // MARK: Numbers

  /// A number; `none` is a gap; nil for anything else.
  static func number(_ value: Value) -> Double? {
    if value.isNone { return .nan }
    return value.asDouble ?? (value.asForeign as? any NumberLike)?.numberValue
  }

  /// The numbers of a list, a range or a tensor of one axis; nil if it is none.
  static func numbers(_ value: Value) throws -> [Double]? {
    if let tensor = value.foreign(as: TensorValue.self)?.tensor {
      return tensor.rank == 1 ? try tensor.converted(to: .float64).doubles() : nil
    }
    guard let items = value.listItems else {
      if case .range(let range) = value.content { return range.map(Double.init) }
      return nil
    }
    if items.isEmpty { return nil }
    var numbers: [Double] = []
    numbers.reserveCapacity(items.count)
    for item in items {
      if numbers.count & 0xFFFF == 0 { try Interrupt.check() }
      guard let number = number(item) else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// The numbers of an argument; an error says what it needs.
  func numbers(_ value: Value, _ argument: String, _ what: String) throws -> [Double] {
    if let numbers = try PlotReader.numbers(value) { return try notEmpty(numbers, argument) }
    if value.asItems?.isEmpty ?? false { throw empty(argument) }
    let odd = value.asItems?.first { PlotReader.number($0) == nil }
    throw call.fault(
      "type-mismatch",
      "\(what) must be a list of numbers, " + (odd.map { "and has \(described($0))" } ?? "not \(described(value))"),
      argument: argument)
  }

  func notEmpty<T>(_ items: [T], _ argument: String) throws -> [T] {
    if items.isEmpty { throw empty(argument) }
    return items
  }

  func empty(_ argument: String) -> any Error {
    call.fault("empty", "there is nothing to plot: `\(argument)` of `\(call.name)` is empty", argument: argument)
  }

  /// The rows of an audit, or the items of a list in which all are records; nil for anything else.
  func table(_ value: Value) throws -> PlotTable? {
    if let audit = value.foreign(as: AuditValue.self) {
      return PlotTable(rows: try call.session.items(of: Value(audit)).compactMap(\.asRecord), call: call)
    }
    guard let items = value.asItems, !items.isEmpty, items[0].asRecord != nil else { return nil }
    let rows = items.compactMap(\.asRecord)
    return rows.count == items.count ? PlotTable(rows: rows, call: call) : nil
  }

  // MARK: Series

  /// Series, and whether their horizontal places are given and not counted.
  func series(_ value: Value, _ argument: String) throws -> (series: [Plot.Series], hasPlaces: Bool) {
    if let leak = value.foreign(as: LeakValue.self)?.leak {
      let values = try notEmpty(leak.history, argument)
      return ([PlotReader.counted("loss", values)], false)
    }
    if value.asItems?.isEmpty ?? false { throw empty(argument) }
    if let one = try single(value, "", argument) { return ([one.series], one.hasPlaces) }
    var parts: [(name: String, value: Value)] = []
    if let record = value.asRecord {
      parts = record.fields
    } else if let tensor = value.foreign(as: TensorValue.self), tensor.tensor.rank == 2 {
      parts = try (0..<tensor.shape[0]).prefix(PlotReader.seriesLimit + 1).map {
        ("\($0)", try tensor.element($0, in: call.session))
      }
    } else if let items = value.asItems {
      let names = names(of: argument, items.count)
      parts = items.enumerated().map { (names?[$0.offset] ?? "\($0.offset)", $0.element) }
    }
    guard !parts.isEmpty else {
      if value.asRecord != nil || value.foreign(as: TensorValue.self)?.tensor.size == 0 { throw empty(argument) }
      throw wrong(value, argument)
    }
    guard parts.count <= PlotReader.seriesLimit else {
      throw call.fault(
        "bad-argument", "`\(call.name)` shows at most \(PlotReader.seriesLimit) series at once; here are more",
        argument: argument, help: value.asRecord == nil ? "heatmap(…)" : nil)
    }
    var hasPlaces = false
    let series = try parts.map { part in
      guard let one = try single(part.value, part.name, argument) else { throw wrong(part.value, argument) }
      hasPlaces = hasPlaces || one.hasPlaces
      return one.series
    }
    return (series, hasPlaces)
  }

  static func counted(_ name: String, _ values: [Double]) -> Plot.Series {
    Plot.Series(name: name, x: values.indices.map(Double.init), y: values)
  }

  /// One series: numbers, pairs, or a record `{x:, y:, low:, high:}`; nil for anything else.
  private func single(
    _ value: Value, _ name: String, _ argument: String
  ) throws -> (series: Plot.Series, hasPlaces: Bool)? {
    if let numbers = try PlotReader.numbers(value) {
      return (PlotReader.counted(name, try notEmpty(numbers, argument)), false)
    }
    if let pairs = PlotReader.pairs(value) {
      return (Plot.Series(name: name, x: pairs.map(\.0), y: pairs.map(\.1)), true)
    }
    guard let record = value.asRecord, let given = record["y"],
      Set(record.names).isSubset(of: ["x", "y", "low", "high"])
    else { return nil }
    let y = try numbers(given, argument, "the field `y` of a series")
    var series = PlotReader.counted(name, y)
    if let x = record["x"] {
      series.x = try equal(numbers(x, argument, "the field `x` of a series"), y.count, argument)
    }
    if record["low"] != nil || record["high"] != nil {
      guard let low = record["low"], let high = record["high"] else {
        throw call.fault("wrong-arguments", "an interval needs both `low` and `high`", argument: argument)
      }
      series.interval = Plot.Interval(
        low: try equal(numbers(low, argument, "the field `low` of a series"), y.count, argument),
        high: try equal(numbers(high, argument, "the field `high` of a series"), y.count, argument))
    }
    return (series, record["x"] != nil)
  }

  /// Pairs of numbers.
  private static func pairs(_ value: Value) -> [(Double, Double)]? {
    guard let items = value.asItems, !items.isEmpty else { return nil }
    var pairs: [(Double, Double)] = []
    pairs.reserveCapacity(items.count)
    for item in items {
      guard item.isTuple, let parts = item.asItems, parts.count == 2, let x = number(parts[0]),
        let y = number(parts[1])
      else { return nil }
      pairs.append((x, y))
    }
    return pairs
  }

  /// As many numbers as there are values.
  func equal(_ numbers: [Double], _ count: Int, _ argument: String) throws -> [Double] {
    if numbers.count == count { return numbers }
    throw call.fault(
      "shape-mismatch", "\(numbers.count) numbers for \(count) values; `\(call.name)` needs as many", argument: argument
    )
  }

  private func wrong(_ value: Value, _ argument: String) -> any Error {
    call.fault(
      "type-mismatch",
      "`\(call.name)` needs numbers: a list or tensor of them, pairs (x, y), a record {name: numbers}, or a table with `x:` and `y:`; this is \(described(value))",
      argument: argument)
  }

  // MARK: Names

  /// The last name of an argument that was written as a variable or a field: `history` of `leak.history`.
  func name(of argument: String) -> String? { call.written(argument).flatMap(PlotReader.lastName) }

  /// The names of a list that was written as variables or fields: `[train, test]`.
  private func names(of argument: String, _ count: Int) -> [String]? {
    guard let text = call.written(argument), text.hasPrefix("["), text.hasSuffix("]") else { return nil }
    let names = text.dropFirst().dropLast().split(separator: ",").compactMap { PlotReader.lastName(String($0)) }
    return names.count == count && Set(names).count == count ? names : nil
  }

  static func lastName(_ text: String) -> String? {
    let trimmed = text.split(whereSeparator: \.isWhitespace)
    guard trimmed.count == 1 else { return nil }
    let parts = trimmed[0].split(separator: ".", omittingEmptySubsequences: false)
    for part in parts {
      guard let first = part.unicodeScalars.first, first.properties.isAlphabetic || first == "_",
        part.unicodeScalars.allSatisfy({ $0.properties.isAlphabetic || $0 == "_" || ("0"..."9").contains($0) })
      else { return nil }
    }
    guard let last = parts.last, last != "_", !["none", "true", "false"].contains(last) else { return nil }
    return String(last)
  }
}
