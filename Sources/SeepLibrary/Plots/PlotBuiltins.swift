// `plot`, `scatter`, `bar`, `hist` and `heatmap`.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

let plotBuiltins: [Builtin] = [
  Builtin(
    "plot(series, x: none, y: none, low: none, high: none, by: none, log: none, \(PlotReader.limits))", group: "plots",
    """
    Curves: a plot that the prompt, `print` and `show` draw, and that `save` writes to `.svg`, `.png` and `.pdf` (with gnuplot) or `.txt`. `series` is a list
    or tensor of numbers, a list of pairs `(x, y)`, several of these in a list or a record `{name: numbers}` (names are the legend), a leak (its
    `.history`), or a table: a list of records, with `x` and `y` the names of columns and `by` the column whose values are curves. An audit is drawn as bars.
    `x` are the places of the numbers; `low` and `high` draw a band; a series may also be `{x:, y:, low:, high:}`. `log` is "x", "y" or "xy".
    \(PlotReader.limitsHelp)
    Values that are not finite are gaps, and are counted below the plot. Errors: empty, shape-mismatch, unknown-field.
    """,
    example: """
      let loss = [1.0, 0.3, 0.1, 0.02, 0.011, 0.01]
      let curve = plot(loss, log: "y", title: "training", xlabel: "epoch")
      print(curve.summary)                # expect: plot of 1 curve: training
      save(curve, "training.txt")
      """
  ) { call in
    let reader = PlotReader(call: call)
    if call["series"].foreign(as: AuditValue.self) != nil, call.optionalValue("y") == nil {
      return try reader.bars("series")
    }
    return try reader.curves(.curves)
  },
  Builtin(
    "scatter(series, y: none, x: none, low: none, high: none, by: none, log: none, \(PlotReader.limits))",
    group: "plots",
    """
    Points: `scatter(xs, ys)`, or what `plot` takes: pairs `(x, y)`, a record `{name: pairs}`, or a table with `x` and `y` the names of
    columns and `by` the column whose values get marks of their own. `low` and `high` draw a bar at each point. `log` is "x", "y" or "xy".
    \(PlotReader.limitsHelp)
    """,
    example: """
      let sigma = [0.01, 0.1, 1.0]
      let psnr = [25.1, 14.0, 8.2]
      let points = scatter(sigma, psnr, log: "x")
      print(points.xlabel, points.ylabel, points.series[0].y)     # expect: sigma psnr [25.1, 14.0, 8.2]
      """
  ) { call in try PlotReader(call: call).curves(.points) },
  Builtin(
    "bar(series, y: none, x: none, low: none, high: none, by: none, ylim: none, \(PlotReader.words))", group: "plots",
    """
    Bars: `bar(labels, values)`, where `values` may be a record `{name: values}` for several bars at each label; `bar({label: value})`; or a table with
    `x` the column of labels, `y` that of values and `by` the column whose values are bars beside each other. `low` and `high` are the ends of intervals. Bars lie: the labels,
    whose axis `xlabel` names, stand at the left, the values, with `ylabel` and the limits `ylim`, go to the right. An audit is drawn with its first metric.
    \(PlotReader.wordsHelp)
    """,
    example: """
      bar({plain: 25.1, clip: 14.0, noise: 8.2}, ylabel: "PSNR") |> print
      # expect: plain │█████████████████████████████████████████████████████████████████▍ 25.1
      # expect:  clip │████████████████████████████████████▌ 14
      # expect: noise │█████████████████████▍ 8.2
      # expect:                                        PSNR
      """
  ) { call in try PlotReader(call: call).bars("series") },
  Builtin(
    "hist(values, bins: none, x: none, log: none, \(PlotReader.limits))", group: "plots",
    """
    A histogram: how many of the numbers of a list, or of a tensor of any shape, lie in each of `bins` equal parts of their range (of `xlim`, if that is given). Without
    `bins` the parts have a round width, by the rule of Freedman and Diaconis. Of a table, `x` names the column. `log` may be "y".
    \(PlotReader.limitsHelp)
    """,
    example: """
      print(hist([1, 2, 2, 3, 3, 3], bins: 3).counts)      # expect: [1, 2, 3]
      """
  ) { call in try PlotReader(call: call).histogram() },
  Builtin(
    "heatmap(matrix, rows: none, columns: none, scale: \"auto\", limits: none, \(PlotReader.words))", group: "plots",
    """
    A matrix as colours, its first row at the top: a tensor of two axes (or an image of one channel), a list of rows, or a record `{name: row}`. `scale` is "sequential" (from low to high), "diverging"
    (blue below zero, white at zero, orange above) or "auto": diverging where there are both signs, as in gradients. `limits` are the values at the ends
    of the scale; `rows` and `columns` are lists of names.
    \(PlotReader.wordsHelp)
    """,
    example: """
      print(heatmap(eye(3), scale: "sequential"))
      # expect: ██····
      # expect: ··██··
      # expect: ····██
      # expect: 0 ·░░▒▒▓▓██ 1
      """
  ) { call in try PlotReader(call: call).heatmap() },
]

extension PlotReader {
  /// `filter` that can be interrupted.
  private func kept(_ values: [Double], _ isKept: (Double) -> Bool) throws -> [Double] {
    var kept: [Double] = []
    kept.reserveCapacity(values.count)
    for (i, value) in values.enumerated() {
      if i & 0xFFFFF == 0 { try Interrupt.check() }
      if isKept(value) { kept.append(value) }
    }
    return kept
  }

  /// A plot that is ready: with its gaps counted, as a value.
  private func value(_ plot: Plot) -> Value {
    var plot = plot
    plot.countGaps()
    return Value(PlotValue(plot))
  }

  // MARK: Curves and points

  func curves(_ kind: Plot.Kind) throws -> Value {
    let given = call["series"]
    if let table = try table(given) {
      let (series, xName, yName) = try table.series()
      var plot = try plot(kind, xName: xName, yName: yName)
      plot.series = series
      plot.x.isCount = call.optionalValue("x") == nil
      return value(plot)
    }
    try refuseBy()
    if kind == .points, let values = call.optionalValue("y") {
      if call.optionalValue("x") != nil {
        throw call.fault("wrong-arguments", "`x` names a column of a table, and there is no table here", argument: "x")
      }
      let x = try numbers(given, "series", "the places of points")
      let y = try equal(numbers(values, "y", "`y`"), x.count, "y")
      var plot = try plot(kind, xName: name(of: "series"), yName: name(of: "y"))
      plot.series = [Plot.Series(x: x, y: y)]
      try interval(for: &plot.series)
      return value(plot)
    }
    if call.optionalValue("y") != nil {
      throw call.fault("wrong-arguments", "`y` names a column of a table, and there is no table here", argument: "y")
    }
    var (series, hasPlaces) = try series(given, "series")
    var xName = hasPlaces ? nil : given.foreign(as: LeakValue.self) == nil ? "index" : "step"
    if let places = call.optionalValue("x") {
      if places.asString != nil {
        throw call.fault("wrong-arguments", "`x` names a column of a table, and there is no table here", argument: "x")
      }
      let x = try numbers(places, "x", "`x`")
      for index in series.indices { series[index].x = try equal(x, series[index].y.count, "x") }
      xName = name(of: "x")
    }
    try interval(for: &series)
    // One series needs no legend: its name is that of the axis.
    let only = series.count == 1 ? series[0].name : ""
    if series.count == 1 { series[0].name = "" }
    let written = series.count == 1 && given.asRecord == nil ? name(of: "series") : nil
    var plot = try plot(kind, xName: xName, yName: only.isEmpty ? written : only)
    plot.series = series
    plot.x.isCount = !hasPlaces && call.optionalValue("x") == nil
    return value(plot)
  }

  // MARK: Bars

  func bars(_ argument: String) throws -> Value {
    let given = call[argument]
    if let table = try table(given) { return try bars(of: table, given) }
    try refuseBy()
    var labels: [String] = []
    var series: [Plot.Series] = []
    var xName: String?
    var yName: String?
    func text(_ value: Value) -> String { value.asString ?? call.session.display(value, .short) }
    if let values = call.optionalValue("y") {
      labels = try notEmpty(call.list(argument), argument).map(text)
      xName = name(of: argument)
      if let record = values.asRecord {
        series = try record.fields.map { field in
          let y = try equal(numbers(field.value, "y", "the field `\(field.name)` of `y`"), labels.count, "y")
          return PlotReader.counted(field.name, y)
        }
      } else {
        series = [PlotReader.counted("", try equal(numbers(values, "y", "`y`"), labels.count, "y"))]
        yName = name(of: "y")
      }
    } else if let record = given.asRecord {
      labels = try notEmpty(record.names, argument)
      let values = record.fields.compactMap { PlotReader.number($0.value) }
      guard values.count == labels.count else {
        throw call.fault(
          "type-mismatch", "a record of bars holds one number for each name", argument: argument,
          help: "bar(labels, {name: values})")
      }
      series = [PlotReader.counted("", values)]
      yName = name(of: argument)
    } else {
      let values = try numbers(given, argument, "`\(argument)` of `\(call.name)` without values")
      labels = values.indices.map(String.init)
      series = [PlotReader.counted("", values)]
      yName = name(of: argument)
    }
    guard series.count <= PlotReader.seriesLimit else {
      throw call.fault("bad-argument", "more than \(PlotReader.seriesLimit) bars at each label", argument: "y")
    }
    try interval(for: &series)
    return try bars(labels, series, argument, xName: xName, yName: yName)
  }

  private func bars(
    _ labels: [String], _ series: [Plot.Series], _ argument: String, xName: String?, yName: String?
  ) throws -> Value {
    guard labels.count * series.count <= 500 else {
      throw call.fault(
        "bad-argument", "\(labels.count * series.count) bars are too many to read; at most 500 are drawn",
        argument: argument,
        help: "hist(…)")
    }
    // What `plot` takes for curves.
    for argument in ["log", "xlim"]
    where call.signature?.index(of: argument) != nil && call.optionalValue(argument) != nil {
      throw call.fault("wrong-arguments", "an audit is drawn as bars, which take no `\(argument)`", argument: argument)
    }
    var plot = try plot(.bars, xName: xName, yName: yName)
    plot.categories = labels
    plot.series = series
    // Many bars make a file higher, unless its size was chosen.
    if !call.isGiven("size") {
      plot.height = max(plot.height, min(5000, 120 + labels.count * (12 * series.count + 10)))
    }
    return value(plot)
  }

  /// Of a table: the labels in the column `x`, in order of appearance. An audit says by itself what is drawn.
  private func bars(of table: PlotTable, _ given: Value) throws -> Value {
    let audit = given.foreign(as: AuditValue.self)?.summary
    let isAudit = audit != nil && call.optionalValue("y") == nil
    let metric = audit?.plan.metrics.first?.name ?? ""
    for argument in ["x", "by", "low", "high"] where isAudit && call.optionalValue(argument) != nil {
      throw call.fault(
        "wrong-arguments", "name the column `y` of the audit as well", argument: argument, help: "y: \"\(metric)\"")
    }
    let yNames = isAudit ? [metric] : try table.fields("y")
    let attacks = Set(table.rows.compactMap { $0["attack"]?.asString }).count
    let xName = isAudit ? "defense" : try table.fields("x")[0]
    let groups = try table.groups(by: isAudit ? (attacks > 1 ? "attack" : nil) : table.field("by"))
    let interval =
      isAudit
      ? try Plot.Interval(low: table.numbers("low", "series"), high: table.numbers("high", "series"))
      : try table.interval()
    let names = try table.column(xName, isAudit ? "series" : "x").map {
      $0.asString ?? call.session.display($0, .short)
    }
    var labels: [String] = []
    for name in names where !labels.contains(name) { labels.append(name) }
    var series: [Plot.Series] = []
    for group in groups {
      for yName in yNames {
        let numbers = try table.numbers(yName, isAudit ? "series" : "y")
        let title = [group.name, yNames.count > 1 ? yName : ""].filter { !$0.isEmpty }.joined(separator: " ")
        var one = PlotReader.counted(title, labels.map { _ in .nan })
        var seen: Set<Int> = []
        if interval != nil { one.interval = Plot.Interval(low: one.y, high: one.y) }
        for row in group.rows {
          guard let place = labels.firstIndex(of: names[row]) else { continue }
          guard seen.insert(place).inserted else {
            throw call.fault(
              "duplicate-name",
              "two rows have the label \"\(names[row])\"; give `by` the column that tells them apart, or take their mean",
              argument: "x")
          }
          one.y[place] = numbers[row]
          if let interval {
            one.interval?.low[place] = interval.low[row]
            one.interval?.high[place] = interval.high[row]
          }
        }
        series.append(one)
      }
    }
    guard series.count <= PlotReader.seriesLimit else {
      throw call.fault("bad-argument", "more than \(PlotReader.seriesLimit) bars at each label", argument: "by")
    }
    return try bars(labels, series, "series", xName: xName, yName: yNames.count == 1 ? yNames[0] : nil)
  }

  // MARK: Histogram

  func histogram() throws -> Value {
    let given = call["values"]
    var values: [Double]
    var xName = name(of: "values")
    if let table = try table(given) {
      let names = try table.fields("x")
      values = try table.numbers(names[0], "x")
      xName = names[0]
    } else if let tensor = given.foreign(as: TensorValue.self)?.tensor {
      values = try tensor.converted(to: .float64).doubles()
    } else {
      values = try numbers(given, "values", "`values` of `hist`")
    }
    values = try notEmpty(values, "values")
    var plot = try plot(.histogram, xName: xName, yName: "count")
    let shown = try kept(values) { Plot.isShown($0, log: false) }
    let bins = try call.optionalInt("bins").map { _ in try call.int("bins", in: 1...1000) }
    let histogram = try Histogram(shown, bins: bins, low: plot.x.low, high: plot.x.high)
    (plot.x.low, plot.x.high) = (nil, nil)
    plot.edges = histogram.edges
    plot.y.isCount = true
    plot.series = [PlotReader.counted("", histogram.counts.map(Double.init))]
    let notFinite = values.count { !$0.isFinite }
    Plot.note(&plot.notes, values.count, notFinite, values.count - notFinite - shown.count)
    if histogram.outside > 0 {
      plot.notes.append("\(histogram.outside) of \(values.count) values lie outside of `xlim`.")
    }
    return value(plot)
  }

  // MARK: Maps

  func heatmap() throws -> Value {
    let (rows, columns, values, rowNames) = try matrix(call["matrix"])
    var matrix = Plot.Matrix(rows: rows, columns: columns, values: values)
    var ends: (low: Double, high: Double)?
    for (i, value) in values.enumerated() {
      if i & 0xFFFFF == 0 { try Interrupt.check() }
      guard Plot.isShown(value, log: false) else { continue }
      ends = (min(ends?.low ?? value, value), max(ends?.high ?? value, value))
    }
    let (low, high) = ends ?? (0, 1)
    let scale = try call.choice("scale", of: Options.words("heatmap", "scale"))
    matrix.isDiverging = scale == "diverging" || (scale == "auto" && low < 0 && high > 0)
    let size = max(abs(low), abs(high))
    (matrix.low, matrix.high) = matrix.isDiverging ? (-size, size) : (low, high)
    if let (low, high) = try self.ends("limits") {
      (matrix.low, matrix.high) = (low ?? matrix.low, high ?? matrix.high)
    }
    if !(matrix.low < matrix.high) { matrix.high = matrix.low + max(abs(matrix.low), 1) }
    matrix.rowNames = try names("rows", rows) ?? rowNames
    matrix.columnNames = try names("columns", columns) ?? []
    var plot = try plot(.map, xName: nil, yName: nil)
    plot.matrix = matrix
    return value(plot)
  }

  private func names(_ argument: String, _ count: Int) throws -> [String]? {
    guard call.optionalValue(argument) != nil else { return nil }
    let names = try call.list(argument).map { $0.asString ?? call.session.display($0, .short) }
    if names.count == count { return names }
    throw call.fault("shape-mismatch", "\(names.count) names for \(count) \(argument)", argument: argument)
  }

  private func matrix(_ value: Value) throws -> (rows: Int, columns: Int, values: [Double], names: [String]) {
    if let tensor = value.foreign(as: TensorValue.self)?.tensor {
      let shape = tensor.shape
      guard shape.count >= 2, shape.dropLast(2).allSatisfy({ $0 == 1 }) else {
        throw call.fault(
          "shape-mismatch", "a map needs a matrix [rows, columns], not \(written(shape))", argument: "matrix")
      }
      guard tensor.size > 0 else { throw empty("matrix") }
      return (
        shape[shape.count - 2], shape[shape.count - 1], try tensor.converted(to: .float64).doubles(), []
      )
    }
    let record = value.asRecord
    guard let items = value.asItems ?? record?.fields.map(\.value) else {
      throw call.fault(
        "type-mismatch", "a map needs a matrix, a list of rows or a record of rows, not \(described(value))",
        argument: "matrix")
    }
    let rows = try notEmpty(items, "matrix").map { try numbers($0, "matrix", "a row of a map") }
    for row in rows where row.count != rows[0].count {
      throw call.fault(
        "shape-mismatch", "the rows of a map are equally long, and here are \(rows[0].count) and \(row.count) numbers",
        argument: "matrix")
    }
    return (rows.count, rows[0].count, Array(rows.joined()), record?.names ?? [])
  }
}
