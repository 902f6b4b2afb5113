// Plots as text: curves in Braille dots, bars and histograms in blocks, maps in colours or shades.
import Ground

/// Draws a plot on a surface of text.
package struct TerminalPlot {
  let plot: Plot
  let surface: TextSurface
  var grid: TextGrid
  /// Rows of the part inside the axes.
  static let rows = 13
  /// Wider than this a curve is only stretched.
  static let widest = 100
  /// More points than this are dots and not marks.
  static let markLimit = 200

  /// Lines of text, each with its end of line.
  package static func text(_ plot: Plot, on surface: TextSurface) -> String {
    var drawing = TerminalPlot(plot, surface)
    switch plot.kind {
    case .curves, .points, .histogram: drawing.frame()
    case .bars: drawing.bars()
    case .map: drawing.map()
    }
    drawing.writeNotes()
    return drawing.grid.text(surface.colors)
  }

  private init(_ plot: Plot, _ surface: TextSurface) {
    self.plot = plot
    self.surface = surface
    grid = TextGrid(width: min(max(surface.columns, 30), TerminalPlot.widest))
  }

  // MARK: Around the plot

  /// The title above the middle of these columns.
  mutating func title(over columns: Range<Int>) {
    if plot.title.isEmpty { return }
    centered(plot.title, columns)
  }

  /// Text in a row of its own.
  mutating func centered(_ text: String, _ columns: Range<Int>) {
    let size = TextGrid.width(of: TextGrid.clean(text))
    let row = grid.add()
    let start = columns.lowerBound + (columns.count - size) / 2
    grid.put(text, row, max(0, min(start, grid.width - size)))
  }

  /// Names of series with their marks, in as many rows as they need.
  mutating func legend(from column: Int, marks: (Int) -> String) {
    guard plot.series.count > 1 || (plot.series.first.map { !$0.name.isEmpty } ?? false) else { return }
    var row = grid.add()
    var at = column
    for (index, series) in plot.series.enumerated() {
      let mark = marks(index)
      let name = TextGrid.fitted(series.name, grid.width - column - 4)
      let size = TextGrid.width(of: mark) + 1 + TextGrid.width(of: name)
      if at > column, at + size > grid.width {
        row = grid.add()
        at = column
      }
      grid.put(mark, row, at, PlotColor.ofSeries(index))
      grid.put(name, row, at + TextGrid.width(of: mark) + 1)
      at += size + 3
    }
  }

  mutating func writeNotes() {
    for note in plot.notes { writeWrapped(note) }
  }

  private mutating func writeWrapped(_ text: String) {
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > grid.width {
        grid.put(line, grid.add(), 0)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty { grid.put(line, grid.add(), 0) }
  }

  // MARK: Curves, points and histograms: inside of two axes

  private mutating func frame() {
    let y = plot.scaleY(ticks: 5)
    let gutter = min(y.ticks.map(\.label.count).max() ?? 0, 12)
    let left = gutter + 2
    let columns = max(8, grid.width - left - 2)
    let x = plot.scaleX(ticks: max(2, columns / 12))
    title(over: left..<left + columns)
    legend(from: left) { String(PlotColor.mark($0)) }
    if !plot.y.label.isEmpty { grid.put(plot.y.label, grid.add(), 0) }
    let top = grid.add(rows: TerminalPlot.rows)
    for row in 0..<TerminalPlot.rows { grid.put("│", top + row, gutter + 1) }
    for tick in y.ticks {
      let row = top + TerminalPlot.row(y.place(tick.value))
      grid.put("┤", row, gutter + 1)
      grid.put(tick.label, row, gutter - min(tick.label.count, gutter))
    }
    if plot.kind == .histogram {
      columnsOfBlocks(x, y, top, left, columns)
    } else {
      dots(x, y, top, left, columns)
    }
    axis(x, left, columns)
  }

  private static func row(_ place: Double) -> Int {
    min(max(Int(((1 - place) * Double(rows - 1)).rounded()), 0), rows - 1)
  }

  /// The horizontal axis with its ticks and its name.
  private mutating func axis(_ x: PlotScale, _ left: Int, _ columns: Int) {
    let line = grid.add()
    grid.put("└" + String(repeating: "─", count: columns), line, left - 1)
    let labels = grid.add()
    for tick in x.ticks {
      let column = left + Int((x.place(tick.value) * Double(columns - 1)).rounded())
      guard (left..<left + columns).contains(column) else { continue }
      grid.put("┬", line, column)
      let start = min(max(0, column - tick.label.count / 2), grid.width - tick.label.count)
      if grid.isFree(labels, start..<start + tick.label.count) { grid.put(tick.label, labels, start) }
    }
    if !plot.x.label.isEmpty { centered(plot.x.label, left..<left + columns) }
  }

  private mutating func dots(_ x: PlotScale, _ y: PlotScale, _ top: Int, _ left: Int, _ columns: Int) {
    var canvas = DotCanvas(columns: columns, rows: TerminalPlot.rows)
    for (index, series) in plot.series.enumerated() {
      func place(_ at: Int, _ values: [Double]) -> (x: Double, y: Double)? {
        guard Plot.isShown(series.x[at], log: x.isLog), Plot.isShown(values[at], log: y.isLog) else { return nil }
        return (x.place(series.x[at]), y.place(values[at]))
      }
      func curve(_ values: [Double], gap: Int) {
        var last: (x: Double, y: Double)?
        // After Ctrl-C nobody looks.
        for at in values.indices where !Interrupt.isRequested {
          let next = place(at, values)
          if let next {
            canvas.line(last ?? next, next, index, gap: last == nil ? 1 : gap)
          }
          last = next
        }
      }
      if let interval = series.interval {
        if plot.kind == .curves {
          curve(interval.low, gap: 3)
          curve(interval.high, gap: 3)
        } else {
          for at in series.y.indices where !Interrupt.isRequested {
            if let low = place(at, interval.low), let high = place(at, interval.high) { canvas.line(low, high, index) }
          }
        }
      }
      if plot.kind == .curves {
        curve(series.y, gap: 1)
      } else {
        for at in series.y.indices where !Interrupt.isRequested {
          if let point = place(at, series.y) { canvas.point(point.x, point.y, index) }
        }
      }
    }
    canvas.write(to: &grid, top, left)
    marks(x, y, top, left, columns)
  }

  /// Marks of points, and a few along each of several curves.
  private mutating func marks(_ x: PlotScale, _ y: PlotScale, _ top: Int, _ left: Int, _ columns: Int) {
    let count = plot.series.map(\.y.count).reduce(0, +)
    let isCurves = plot.kind == .curves
    if plot.series.count == 1, count > (isCurves ? 1 : TerminalPlot.markLimit) { return }
    for (index, series) in plot.series.enumerated() {
      var chosen = Array(series.y.indices)
      if isCurves, chosen.count > 6 {
        let shift = (Double(index) + 0.5) / Double(plot.series.count)
        chosen = (0..<6).map { Int((Double($0) + shift) / 6 * Double(series.y.count)) }
      }
      for at in chosen where at < series.y.count {
        guard Plot.isShown(series.x[at], log: x.isLog), Plot.isShown(series.y[at], log: y.isLog) else { continue }
        let (across, up) = (x.place(series.x[at]), y.place(series.y[at]))
        guard (0...1).contains(across), (0...1).contains(up) else { continue }
        let column = left + Int((across * Double(2 * columns - 1)).rounded()) / 2
        let row = top + Int(((1 - up) * Double(4 * TerminalPlot.rows - 1)).rounded()) / 4
        grid.set(row, column, TextGrid.Cell(text: String(PlotColor.mark(index)), front: PlotColor.ofSeries(index)))
      }
    }
  }

  /// A column for each place along the axis, as high as its bin.
  private mutating func columnsOfBlocks(_ x: PlotScale, _ y: PlotScale, _ top: Int, _ left: Int, _ columns: Int) {
    let (edges, counts) = (plot.edges, plot.series.first?.y ?? [])
    for column in 0..<columns {
      let (from, to) = (
        x.value(at: Double(column) / Double(columns)), x.value(at: Double(column + 1) / Double(columns))
      )
      // The bin in the middle of the column, and all that lie in it whole.
      var height = 0.0
      for (bin, count) in counts.enumerated()
      where (edges[bin] <= (from + to) / 2 && (from + to) / 2 < edges[bin + 1])
        || (edges[bin] >= from && edges[bin + 1] <= to)
      {
        height = max(height, count)
      }
      guard height > 0, Plot.isShown(height, log: y.isLog) else { continue }
      let eighths = max(1, Int((min(y.place(height), 1) * Double(8 * TerminalPlot.rows)).rounded()))
      for row in 0..<TerminalPlot.rows {
        let part = eighths - 8 * (TerminalPlot.rows - 1 - row)
        guard part > 0 else { continue }
        let block = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"][min(part, 8) - 1]
        grid.set(top + row, left + column, TextGrid.Cell(text: block, front: PlotColor.ofSeries(0)))
      }
    }
  }
}
