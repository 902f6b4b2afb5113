// Bars as text: a row for each, its name at the left, its value behind it.

extension TerminalPlot {
  mutating func bars() {
    let hasGroups = plot.series.count > 1
    let names = plot.categories.map { TextGrid.clean($0) }
    let longest = names.map { TextGrid.width(of: $0) }.max() ?? 0
    let gutter = min(longest, grid.width / 2)
    let values = plot.series.map { series in series.y.indices.map { self.value(series, $0) } }
    let valueWidth = min(values.joined().map(\.count).max() ?? 0, grid.width / 3)
    // The name, a blank or a mark, the axis, the bars, a blank, the value.
    let left = gutter + (hasGroups ? 4 : 2)
    let columns = max(6, grid.width - left - valueWidth - 1)
    let scale = plot.scaleY(ticks: max(2, columns / 12))
    title(over: left..<left + columns)
    legend(from: left) { String(PlotColor.mark($0)) }
    if !plot.x.label.isEmpty { grid.put(plot.x.label, grid.add(), 0) }
    for (category, name) in names.enumerated() {
      for (index, series) in plot.series.enumerated() {
        let row = grid.add()
        if index == 0 {
          let fitted = TextGrid.fitted(name, gutter)
          grid.put(fitted, row, gutter - TextGrid.width(of: fitted))
        }
        if hasGroups { grid.put(String(PlotColor.mark(index)), row, gutter + 1, PlotColor.ofSeries(index)) }
        grid.put("│", row, left - 1)
        let end = bar(series.y[category], scale, row, left, columns, index)
        grid.put(values[index][category], row, end + 1)
      }
      if hasGroups, category + 1 < names.count { grid.put("│", grid.add(), left - 1) }
    }
    if !plot.y.label.isEmpty { centered(plot.y.label, left..<left + columns) }
  }

  /// `14.2 [13.0, 15.1]`.
  private func value(_ series: Plot.Series, _ at: Int) -> String {
    let value = series.y[at]
    guard Plot.isShown(value, log: false) else { return "–" }
    guard let interval = series.interval, interval.low[at].isFinite, interval.high[at].isFinite else {
      return PlotNumber.brief(value)
    }
    return
      "\(PlotNumber.brief(value)) [\(PlotNumber.brief(interval.low[at])), \(PlotNumber.brief(interval.high[at]))]"
  }

  /// Draws from zero to the value; the column behind what was drawn.
  private mutating func bar(
    _ value: Double, _ scale: PlotScale, _ row: Int, _ left: Int, _ columns: Int, _ series: Int
  ) -> Int {
    guard Plot.isShown(value, log: false) else { return left }
    let size = Double(8 * columns)
    func eighth(_ value: Double) -> Int { Int((min(max(scale.place(value), 0), 1) * size).rounded()) }
    let zero = eighth(0)
    let end = eighth(value)
    func set(_ column: Int, _ text: String) {
      grid.set(row, left + column, TextGrid.Cell(text: text, front: PlotColor.ofSeries(series)))
    }
    if end >= zero {
      // From zero on, which stands between two characters or is rounded to.
      let start = (zero + 4) / 8
      for column in start..<max(start, end / 8) { set(column, "█") }
      let rest = end % 8
      if rest > 0, end / 8 >= start { set(end / 8, ["▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest - 1]) }
      return left + max(start, (end + 7) / 8)
    }
    let (from, to) = ((end + 4) / 8, (zero + 4) / 8)
    for column in from..<max(from, to) { set(column, "█") }
    if from == to, to > 0 { set(to - 1, "▕") }
    return left + to
  }
}
