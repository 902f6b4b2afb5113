// A matrix as text: two rows of colour in a row of half blocks, or shades where there are no colours.

extension TerminalPlot {
  /// From little to much; of a diverging scale on either side of zero.
  private static let shades = ["·", "░", "▒", "▓", "█"]
  private static let positiveShades = [" ", "░", "▒", "▓", "█"]
  private static let negativeShades = [" ", "·", "-", "=", "≡"]

  mutating func map() {
    guard let whole = plot.matrix else { return }
    let hasColors = surface.colors != .none
    let gutter = min(whole.rowNames.map { TextGrid.width(of: TextGrid.clean($0)) }.max() ?? 0, grid.width / 3)
    let left = gutter == 0 ? 0 : gutter + 1
    let room = grid.width - left
    // A character is about twice as high as wide: a value takes two columns where there is room for it, and more if that shows
    // the names of columns.
    let longest = whole.columnNames.map { TextGrid.width(of: TextGrid.clean($0)) + 1 }.max() ?? 0
    let cell = min(max(2, longest), max(1, room / whole.columns))
    let hasHalves = hasColors && whole.rowNames.isEmpty && cell == 1
    let (matrix, down, across) = whole.reduced(rows: hasHalves ? 64 : 40, columns: room)
    let columns = matrix.columns * cell
    title(over: left..<left + columns)
    if !plot.y.label.isEmpty { grid.put(plot.y.label, grid.add(), 0) }
    if hasHalves { halves(matrix, left) } else { cells(matrix, left, cell, gutter, hasColors) }
    names(matrix, left, cell)
    if !plot.x.label.isEmpty { centered(plot.x.label, left..<left + columns) }
    scale(matrix, left, hasColors)
    if down > 1 || across > 1 {
      grid.put("Each cell is the mean of \(down) × \(across) values.", grid.add(), 0)
    }
  }

  private func color(_ matrix: Plot.Matrix, _ row: Int, _ column: Int) -> PlotColor? {
    guard row < matrix.rows else { return nil }
    return matrix.place(matrix.values[row * matrix.columns + column]).map { PlotColor.at($0, of: matrix.colors) }
  }

  private mutating func halves(_ matrix: Plot.Matrix, _ left: Int) {
    for pair in 0..<(matrix.rows + 1) / 2 {
      let row = grid.add()
      for column in 0..<matrix.columns {
        let (upper, lower) = (color(matrix, 2 * pair, column), color(matrix, 2 * pair + 1, column))
        let text = upper != nil ? "▀" : lower != nil ? "▄" : " "
        let cell = TextGrid.Cell(text: text, front: upper ?? lower, back: upper == nil ? nil : lower)
        grid.set(row, left + column, cell)
      }
    }
  }

  private mutating func cells(_ matrix: Plot.Matrix, _ left: Int, _ size: Int, _ gutter: Int, _ hasColors: Bool) {
    for y in 0..<matrix.rows {
      let row = grid.add()
      if y < matrix.rowNames.count {
        let name = TextGrid.fitted(matrix.rowNames[y], gutter)
        grid.put(name, row, gutter - TextGrid.width(of: name))
      }
      for x in 0..<matrix.columns {
        for part in 0..<size {
          let cell =
            hasColors
            ? TextGrid.Cell(back: color(matrix, y, x)) : TextGrid.Cell(text: shade(matrix, y, x))
          grid.set(row, left + x * size + part, cell)
        }
      }
    }
  }

  private func shade(_ matrix: Plot.Matrix, _ row: Int, _ column: Int) -> String {
    guard let place = matrix.place(matrix.values[row * matrix.columns + column]) else { return "?" }
    return TerminalPlot.shade(place, matrix.isDiverging)
  }

  private static func shade(_ place: Double, _ isDiverging: Bool) -> String {
    let strength = isDiverging ? 2 * abs(place - 0.5) : place
    let index = min(Int((strength * Double(shades.count - 1)).rounded()), shades.count - 1)
    return (isDiverging ? (place < 0.5 ? negativeShades : positiveShades) : shades)[index]
  }

  /// Names of columns, as far as they fit below their columns.
  private mutating func names(_ matrix: Plot.Matrix, _ left: Int, _ cell: Int) {
    if matrix.columnNames.isEmpty { return }
    let row = grid.add()
    for (index, name) in matrix.columnNames.enumerated() {
      let size = TextGrid.width(of: TextGrid.clean(name))
      let start = left + index * cell
      if grid.isFree(row, start..<start + size) { grid.put(name, row, start) }
    }
  }

  /// What the colours or shades stand for.
  private mutating func scale(_ matrix: Plot.Matrix, _ left: Int, _ hasColors: Bool) {
    let row = grid.add()
    let low = PlotNumber.brief(matrix.low)
    grid.put(low, row, left)
    var at = left + low.count + 1
    let steps = hasColors ? 20 : 9
    for step in 0..<steps {
      let place = Double(step) / Double(steps - 1)
      let cell =
        hasColors
        ? TextGrid.Cell(back: PlotColor.at(place, of: matrix.colors))
        : TextGrid.Cell(text: TerminalPlot.shade(place, matrix.isDiverging))
      grid.set(row, at, cell)
      at += 1
    }
    grid.put(PlotNumber.brief(matrix.high), row, at + 1)
  }
}
