// Characters in rows and columns, each with a colour or none; and dots in them, two across and four down.

/// Where text goes: how wide it is, and which colours it takes.
package struct TextSurface: Sendable {
  package enum Colors: Sendable {
    case none, cube, full
  }

  package var columns: Int
  package var colors: Colors

  /// Text in a file, a pipe or a test.
  package static let plain = TextSurface(columns: 80, colors: .none)

  package init(columns: Int, colors: Colors) {
    self.columns = columns
    self.colors = colors
  }
}

struct TextGrid {
  struct Cell {
    /// Empty behind a character of two columns.
    var text = " "
    var front: PlotColor?
    var back: PlotColor?
  }

  let width: Int
  private(set) var rows: [[Cell]] = []

  init(width: Int) { self.width = width }

  /// Adds empty rows; the number of the first.
  mutating func add(rows count: Int = 1) -> Int {
    rows += Array(repeating: Array(repeating: Cell(), count: width), count: count)
    return rows.count - count
  }

  mutating func set(_ row: Int, _ column: Int, _ cell: Cell) {
    if rows.indices.contains(row), (0..<width).contains(column) { rows[row][column] = cell }
  }

  /// Puts text, as far as the row goes; what does not fit ends in `…`.
  mutating func put(_ text: String, _ row: Int, _ column: Int, _ color: PlotColor? = nil) {
    var column = max(0, column)
    for character in TextGrid.fitted(text, width - column) {
      let size = TextGrid.width(of: character)
      if size == 0 { continue }
      set(row, column, Cell(text: String(character), front: color))
      if size == 2 { set(row, column + 1, Cell(text: "", front: color)) }
      column += size
    }
  }

  /// Whether no other text stands in these columns or right beside them.
  func isFree(_ row: Int, _ columns: Range<Int>) -> Bool {
    guard rows.indices.contains(row), columns.lowerBound >= 0, columns.upperBound <= width else { return false }
    return rows[row][max(0, columns.lowerBound - 1)..<min(width, columns.upperBound + 1)].allSatisfy { $0.text == " " }
  }

  // MARK: Widths

  /// Text without control characters, which would move the cursor.
  static func clean(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: " "
          default: scalar
          }
        }))
  }

  static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

  /// Columns of a terminal: 2 for the scripts of East Asia and pictures, 0 for marks that stand on others.
  static func width(of character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  /// Text of at most so many columns.
  static func fitted(_ text: String, _ columns: Int) -> String {
    let text = clean(text)
    if width(of: text) <= columns { return text }
    var out = ""
    var used = 1
    for character in text {
      used += width(of: character)
      if used > columns { break }
      out.append(character)
    }
    return columns > 0 ? out + "…" : ""
  }

  // MARK: As text

  /// Lines without blanks at their ends.
  func text(_ colors: TextSurface.Colors) -> String {
    var out = ""
    for row in rows {
      var end = row.count
      while end > 0, row[end - 1].text == " ", row[end - 1].back == nil || colors == .none { end -= 1 }
      var (front, back): (PlotColor?, PlotColor?) = (nil, nil)
      for cell in row[..<end] {
        if colors != .none, cell.front != front || cell.back != back {
          (front, back) = (cell.front, cell.back)
          out += "\u{1B}[0"
          if let front { out += ";38" + TextGrid.code(front, colors) }
          if let back { out += ";48" + TextGrid.code(back, colors) }
          out += "m"
        }
        out += cell.text
      }
      out += (front != nil || back != nil ? "\u{1B}[0m" : "") + "\n"
    }
    return out
  }

  private static func code(_ color: PlotColor, _ colors: TextSurface.Colors) -> String {
    colors == .full ? ";2;\(color.red);\(color.green);\(color.blue)" : ";5;\(color.cubeIndex)"
  }
}

/// Dots in Braille characters. Places go from 0 to 1, to the right and up.
struct DotCanvas {
  let columns: Int
  let rows: Int
  private var dots: [UInt8]
  /// Which series drew last in each character.
  private var owners: [Int]

  init(columns: Int, rows: Int) {
    (self.columns, self.rows) = (columns, rows)
    dots = Array(repeating: 0, count: columns * rows)
    owners = Array(repeating: 0, count: columns * rows)
  }

  /// Dots of a character by place: the left and the right column, from the top.
  private static let bits: [[UInt8]] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]]

  private mutating func set(_ x: Int, _ y: Int, _ owner: Int) {
    guard (0..<2 * columns).contains(x), (0..<4 * rows).contains(y) else { return }
    let at = y / 4 * columns + x / 2
    dots[at] |= DotCanvas.bits[x % 2][y % 4]
    owners[at] = owner
  }

  private func dot(_ x: Double, _ y: Double) -> (Int, Int) {
    (Int((x * Double(2 * columns - 1)).rounded()), Int(((1 - y) * Double(4 * rows - 1)).rounded()))
  }

  mutating func point(_ x: Double, _ y: Double, _ owner: Int) {
    guard (0...1).contains(x), (0...1).contains(y) else { return }
    let (column, row) = dot(x, y)
    set(column, row, owner)
  }

  /// A line, as far as it lies inside; with `gap`, every so many dots.
  mutating func line(_ from: (x: Double, y: Double), _ to: (x: Double, y: Double), _ owner: Int, gap: Int = 1) {
    guard let (start, end) = DotCanvas.inside(from, to) else { return }
    let (x0, y0) = dot(start.x, start.y)
    let (x1, y1) = dot(end.x, end.y)
    let steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    for step in 0...steps {
      let x = x0 + Int((Double((x1 - x0) * step) / Double(steps)).rounded())
      let y = y0 + Int((Double((y1 - y0) * step) / Double(steps)).rounded())
      if gap == 1 || (x + y) % gap == 0 { set(x, y, owner) }
    }
  }

  /// The part of a line within the unit square (Liang and Barsky); nil if there is none.
  private static func inside(
    _ a: (x: Double, y: Double), _ b: (x: Double, y: Double)
  ) -> ((x: Double, y: Double), (x: Double, y: Double))? {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    guard dx.isFinite, dy.isFinite, a.x.isFinite, a.y.isFinite else { return nil }
    var (from, to) = (0.0, 1.0)
    for (move, room) in [(-dx, a.x), (dx, 1 - a.x), (-dy, a.y), (dy, 1 - a.y)] {
      if move == 0 {
        if room < 0 { return nil }
      } else if move < 0 {
        from = max(from, room / move)
      } else {
        to = min(to, room / move)
      }
    }
    guard from <= to else { return nil }
    // What rounding left outside.
    func near(_ place: Double) -> Double { min(max(place, 0), 1) }
    return (
      (near(a.x + from * dx), near(a.y + from * dy)), (near(a.x + to * dx), near(a.y + to * dy))
    )
  }

  /// Puts what was drawn into a grid, its left upper corner at a place; each character in the colour of the series that drew last.
  func write(to grid: inout TextGrid, _ row: Int, _ column: Int) {
    for y in 0..<rows {
      for x in 0..<columns {
        let bits = dots[y * columns + x]
        guard bits != 0, let scalar = Unicode.Scalar(0x2800 + UInt32(bits)) else { continue }
        let color = PlotColor.ofSeries(owners[y * columns + x])
        grid.set(row + y, column + x, TextGrid.Cell(text: String(scalar), front: color))
      }
    }
  }
}
