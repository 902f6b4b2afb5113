// A plot as a script of gnuplot. Numbers stand in blocks of data; words only ever between single quotes, where gnuplot
// replaces nothing, and never with such a quote among them.
import Ground

package struct GnuplotScript {
  private let plot: Plot
  private let format: Gnuplot.Format
  private var lines: [String] = []
  private var blocks: [String] = []
  private var drawings: [String] = []

  package static func text(_ plot: Plot, as format: Gnuplot.Format) -> String {
    var script = GnuplotScript(plot, format)
    script.write()
    return (script.lines + script.blocks + ["plot " + script.drawings.joined(separator: ", \\\n  ")])
      .joined(separator: "\n") + "\n"
  }

  private init(_ plot: Plot, _ format: Gnuplot.Format) {
    self.plot = plot
    self.format = format
  }

  // MARK: Words and numbers

  /// Text that gnuplot takes as it is: control characters are blanks. An apostrophe is never inside quotes, where gnuplot 5.4 may take
  /// it for their end, but joined to the parts around it as a string of its own, by its code.
  package static func quoted(_ text: String) -> String {
    "'"
      + TextGrid.clean(text).split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'.\"\\047\".'")
      + "'"
  }

  /// In the label of a tick a percent sign begins a format.
  private static func tickLabel(_ text: String) -> String {
    quoted(text.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%"))
  }

  private static func ticks(_ axis: String, _ labels: [(text: String, place: Double)], _ options: String = "") -> String
  {
    let list = labels.map { "\(tickLabel($0.text)) \($0.place)" }.joined(separator: ", ")
    return labels.isEmpty ? "unset \(axis)tics" : "set \(axis)tics nomirror \(options) (\(list))"
  }

  private func ticks(_ axis: String, _ scale: PlotScale) -> [String] {
    [
      "set \(axis)range [\(scale.low):\(scale.high)]", scale.isLog ? "set logscale \(axis)" : "",
      GnuplotScript.ticks(axis, scale.ticks.map { ($0.label, $0.value) }),
    ].filter { !$0.isEmpty }
  }

  // MARK: Parts

  private mutating func write() {
    lines += ["set encoding utf8", terminal, "set border 3 linecolor '#404040'"]
    lines += ["set grid linetype 1 linewidth 0.6 linecolor '#dddddd'", "set tics textcolor '#202020'"]
    if !plot.title.isEmpty { lines.append("set title \(GnuplotScript.quoted(plot.title))") }
    // Below the plot and not over the data.
    lines.append("set key outside bottom center horizontal Left reverse samplen 2.5")
    switch plot.kind {
    case .curves, .points: series()
    case .histogram: histogram()
    case .bars: bars()
    case .map: map()
    }
  }

  private var terminal: String {
    let (width, height) = (plot.width, plot.height)
    switch format {
    case .svg:
      return
        "set terminal svg size \(width),\(height) font 'Helvetica,Arial,sans-serif,13' noenhanced background '#ffffff'"
    case .png: return "set terminal pngcairo size \(width),\(height) font 'sans,10' noenhanced background '#ffffff'"
    case .pdf:
      return
        "set terminal pdfcairo size \(Double(width) / 96)in,\(Double(height) / 96)in font 'sans,10' noenhanced background '#ffffff'"
    }
  }

  /// Names of the axes; below the horizontal one what the plot does not show.
  private mutating func labels(_ x: String, _ y: String) {
    var parts = ([x] + plot.notes).filter { !$0.isEmpty }.map(GnuplotScript.quoted)
    // Room before the legend.
    if plot.series.contains(where: { !$0.name.isEmpty }), !parts.isEmpty { parts.append("''") }
    let words = parts.joined(separator: ".\"\\n\".")
    if !words.isEmpty { lines.append("set xlabel \(words)") }
    if !y.isEmpty { lines.append("set ylabel \(GnuplotScript.quoted(y))") }
  }

  /// A block of rows of numbers; an empty row is a gap. The name of the block.
  private mutating func block(_ rows: [[Double]]) -> String {
    let name = "$data\(blocks.count)"
    // After Ctrl-C nobody reads it.
    let body = rows.map { row in
      rows.count > 1 << 16 && Interrupt.isRequested ? "" : row.map { "\($0)" }.joined(separator: " ")
    }
    blocks.append("\(name) << EOD\n" + body.joined(separator: "\n") + "\nEOD")
    return name
  }

  private func heading(_ name: String) -> String { name.isEmpty ? "notitle" : "title \(GnuplotScript.quoted(name))" }

  // MARK: Curves and points

  private mutating func series() {
    let (x, y) = (plot.scaleX(ticks: max(2, plot.width / 80)), plot.scaleY(ticks: max(2, plot.height / 55)))
    lines += ticks("x", x) + ticks("y", y)
    labels(plot.x.label, plot.y.label)
    func isShown(_ series: Plot.Series, _ at: Int) -> Bool {
      if series.y.count > 1 << 16, Interrupt.isRequested { return false }
      return Plot.isShown(series.x[at], log: x.isLog) && Plot.isShown(series.y[at], log: y.isLog)
    }
    for (index, series) in plot.series.enumerated() {
      let color = PlotColor.ofSeries(index).hex
      if let interval = series.interval {
        let rows = series.y.indices.map { at -> [Double] in
          isShown(series, at) && Plot.isShown(interval.low[at], log: y.isLog)
            && Plot.isShown(interval.high[at], log: y.isLog)
            ? [series.x[at], series.y[at], interval.low[at], interval.high[at]] : []
        }
        let name = block(rows)
        drawings.append(
          plot.kind == .curves
            ? "\(name) using 1:3:4 with filledcurves fillcolor '\(color)' fillstyle transparent solid 0.2 noborder notitle"
            : "\(name) using 1:2:3:4 with yerrorbars linecolor '\(color)' linewidth 1.5 pointtype 0 notitle")
      }
      let rows = series.y.indices.map { isShown(series, $0) ? [series.x[$0], series.y[$0]] : [] }
      let point = "pointtype \([7, 9, 5, 13, 6, 8, 4, 12][index % 8]) linecolor '\(color)'"
      if plot.kind == .points {
        let size = rows.count > 2000 ? 0.3 : rows.count > 200 ? 0.6 : 0.9
        drawings.append("\(block(rows)) using 1:2 with points \(point) pointsize \(size) \(heading(series.name))")
      } else {
        let dash = ["1", "(12,5)", "(3,4)", "(12,4,3,4)"][index % 4]
        let line = "linewidth 2 linecolor '\(color)' dashtype \(dash)"
        drawings.append("\(block(GnuplotScript.thinned(rows))) using 1:2 with lines \(line) \(heading(series.name))")
        // A curve of few points shows them; of many, only those that no line would reach.
        let alone = rows.indices.filter { at in
          !rows[at].isEmpty && (at == 0 || rows[at - 1].isEmpty) && (at + 1 == rows.count || rows[at + 1].isEmpty)
        }
        let dots = rows.count <= 30 ? rows : alone.map { rows[$0] }
        if dots.contains(where: { !$0.isEmpty }) {
          drawings.append("\(block(dots)) using 1:2 with points \(point) pointsize 0.6 notitle")
        }
      }
    }
  }

  /// Of a long curve the lowest and the highest of each few neighbours, which look the same.
  private static func thinned(_ rows: [[Double]]) -> [[Double]] {
    let most = 4000
    guard rows.count > 2 * most else { return rows }
    let size = (rows.count + most - 1) / most
    return stride(from: 0, to: rows.count, by: size).flatMap { start -> [[Double]] in
      let part = start..<min(start + size, rows.count)
      if part.contains(where: { rows[$0].isEmpty }) { return Array(rows[part]) }
      let low = part.min { rows[$0][1] < rows[$1][1] } ?? start
      let high = part.max { rows[$0][1] < rows[$1][1] } ?? start
      return Set([part.lowerBound, low, high, part.upperBound - 1]).sorted().map { rows[$0] }
    }
  }

  // MARK: Bars

  private mutating func histogram() {
    let (x, y) = (plot.scaleX(ticks: max(2, plot.width / 80)), plot.scaleY(ticks: max(2, plot.height / 55)))
    lines += ticks("x", x) + ticks("y", y)
    labels(plot.x.label, plot.y.label)
    let counts = plot.series.first?.y ?? []
    let rows = counts.indices.filter { counts[$0] > 0 }.map { bin -> [Double] in
      // A little air between the bins.
      let (from, to) = (plot.edges[bin], plot.edges[bin + 1])
      let air = (to - from) * 0.02
      return [(from + to) / 2, counts[bin], from + air, to - air, y.low, counts[bin]]
    }
    boxes(rows, PlotColor.ofSeries(0), "")
  }

  private mutating func boxes(_ rows: [[Double]], _ color: PlotColor, _ name: String) {
    lines.append("set style fill solid 1 noborder")
    // Nothing at all still needs something to plot.
    let rows = rows.isEmpty ? [[0, 0, 0, 0, 0, 0]] : rows
    drawings.append(
      "\(block(rows)) using 1:2:3:4:5:6 with boxxyerror linecolor '\(color.hex)' \(heading(name))")
  }

  private mutating func bars() {
    let scale = plot.scaleY(ticks: max(2, plot.width / 100))
    lines += ticks("x", scale)
    lines += [
      "set yrange [\(Double(plot.categories.count) - 0.5):-0.5]",
      GnuplotScript.ticks("y", plot.categories.enumerated().map { ($0.element, Double($0.offset)) }, "scale 0"),
      "set grid noytics", "set arrow from 0,graph 0 to 0,graph 1 nohead linecolor '#404040' front",
    ]
    labels(plot.y.label, plot.x.label)
    let thickness = 0.8 / Double(max(1, plot.series.count))
    for (index, series) in plot.series.enumerated() {
      func top(_ category: Int) -> Double { Double(category) - 0.4 + Double(index) * thickness }
      let shown = series.y.indices.filter { Plot.isShown(series.y[$0], log: false) }
      boxes(
        shown.map { at in
          let (low, high) = (min(0, series.y[at]), max(0, series.y[at]))
          return [series.y[at], top(at) + thickness / 2, low, high, top(at), top(at) + thickness * 0.92]
        }, PlotColor.ofSeries(index), series.name)
      guard let interval = series.interval else { continue }
      let known = shown.filter {
        Plot.isShown(interval.low[$0], log: false) && Plot.isShown(interval.high[$0], log: false)
      }
      if known.isEmpty { continue }
      let rows = known.map { [series.y[$0], top($0) + thickness / 2, interval.low[$0], interval.high[$0]] }
      drawings.append(
        "\(block(rows)) using 1:2:3:4 with xerrorbars linecolor '#202020' linewidth 1.2 pointtype 0 notitle")
    }
  }

  // MARK: Maps

  private mutating func map() {
    guard let whole = plot.matrix else { return }
    let (matrix, down, across) = whole.reduced(rows: 512, columns: 512)
    let (rows, columns) = (matrix.rows, matrix.columns)
    lines += ["unset grid", "set border 15", "unset key"]
    lines.append("set xrange [-0.5:\(Double(columns) - 0.5)]")
    lines.append("set yrange [\(Double(rows) - 0.5):-0.5]")
    names("x", matrix.columnNames, columns, across, plot.width / 60)
    names("y", matrix.rowNames, rows, down, plot.height / 40)
    labels(plot.x.label, plot.y.label)
    let last = Double(matrix.colors.count - 1)
    let colors = matrix.colors.enumerated().map { "\(Double($0.offset) / last) '\($0.element.hex)'" }
    lines.append("set palette defined (\(colors.joined(separator: ", ")))")
    lines.append("set cbrange [\(matrix.low):\(matrix.high)]")
    let ticks = PlotScale.ticks(matrix.low, matrix.high, atMost: 5)
    lines.append(GnuplotScript.ticks("cb", ticks.map { ($0.label, $0.value) }))
    // Behind gaps: no colour of the scale.
    lines.append(
      "set object 1 rectangle from graph 0,0 to graph 1,1 behind fillcolor '#a0a0a0' fillstyle solid noborder")
    // Cells of one size in both directions, where that leaves both visible.
    if max(rows, columns) <= 8 * min(rows, columns) { lines.append("set size ratio -1") }
    let block = block(
      (0..<rows).map { row in
        matrix.values[row * columns..<(row + 1) * columns].map { Plot.isShown($0, log: false) ? $0 : .nan }
      })
    drawings.append("\(block) matrix with image notitle")
  }

  /// Names of rows or columns, or else their numbers.
  private mutating func names(_ axis: String, _ names: [String], _ count: Int, _ size: Int, _ most: Int) {
    var labels = names.enumerated().map { ($0.element, Double($0.offset)) }
    if names.isEmpty {
      let ticks = PlotScale.ticks(0, Double(count * size - 1), atMost: max(2, most))
      labels = ticks.filter { $0.value == $0.value.rounded() }.map {
        ($0.label, ($0.value + 0.5) / Double(size) - 0.5)
      }
      if count == 1 { labels = [("0", 0)] }
    }
    lines.append(GnuplotScript.ticks(axis, labels, "scale 0"))
  }
}
