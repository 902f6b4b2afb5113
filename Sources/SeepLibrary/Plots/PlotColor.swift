// Colours that people with any colour vision can tell apart, and the marks that go with them.
import Ground

/// Red, green and blue, 0 to 255.
package struct PlotColor: Sendable, Equatable {
  package var red: Int
  package var green: Int
  package var blue: Int

  package init(_ red: Int, _ green: Int, _ blue: Int) { (self.red, self.green, self.blue) = (red, green, blue) }
  private init(_ hex: Int) { self.init(hex >> 16 & 255, hex >> 8 & 255, hex & 255) }

  /// `#0072b2`.
  var hex: String {
    "#"
      + [red, green, blue].map { part in
        let digits = String(part, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }.joined()
  }

  /// In the 6×6×6 cube of terminals with 256 colours.
  var cubeIndex: Int {
    let levels = [0, 95, 135, 175, 215, 255]
    func nearest(_ part: Int) -> Int { levels.indices.min { abs(levels[$0] - part) < abs(levels[$1] - part) } ?? 0 }
    return 16 + 36 * nearest(red) + 6 * nearest(green) + nearest(blue)
  }

  // MARK: Series

  /// Okabe and Ito's palette without black, the colours that are easiest to tell apart first.
  package static let series: [PlotColor] = [
    PlotColor(0x0072B2), PlotColor(0xD55E00), PlotColor(0x009E73), PlotColor(0xCC79A7), PlotColor(0xE69F00),
    PlotColor(0x56B4E9), PlotColor(0xF0E442),
  ]
  static func ofSeries(_ index: Int) -> PlotColor { series[index % series.count] }

  /// Marks tell series apart where there is no colour.
  static let marks: [Character] = ["●", "▲", "■", "◆", "○", "△", "□", "◇", "+", "×"]
  static func mark(_ index: Int) -> Character { marks[index % marks.count] }

  // MARK: Scales

  /// Viridis, from low to high.
  static let sequential: [PlotColor] = [
    PlotColor(0x440154), PlotColor(0x482878), PlotColor(0x3E4A89), PlotColor(0x31688E), PlotColor(0x26828E),
    PlotColor(0x1F9E89), PlotColor(0x35B779), PlotColor(0x6DCD59), PlotColor(0xB4DE2C), PlotColor(0xFDE725),
  ]
  /// From blue through white to vermillion; zero is white.
  static let diverging: [PlotColor] = [
    PlotColor(0x003F66), PlotColor(0x0072B2), PlotColor(0x7FB8D8), PlotColor(0xF7F7F7), PlotColor(0xF0AE80),
    PlotColor(0xD55E00), PlotColor(0x7A3300),
  ]

  /// The colour at a place of a scale, from 0 to 1.
  static func at(_ place: Double, of scale: [PlotColor]) -> PlotColor {
    let along = min(max(place, 0), 1) * Double(scale.count - 1)
    let index = min(Int(along), scale.count - 2)
    let share = along - Double(index)
    func mixed(_ part: KeyPath<PlotColor, Int>) -> Int {
      Int(
        (Double(scale[index][keyPath: part]) * (1 - share) + Double(scale[index + 1][keyPath: part]) * share).rounded())
    }
    return PlotColor(mixed(\.red), mixed(\.green), mixed(\.blue))
  }
}

extension Plot.Matrix {
  var colors: [PlotColor] { isDiverging ? PlotColor.diverging : PlotColor.sequential }

  /// Where a value stands between the ends of the scale of colours; nil for a gap.
  func place(_ value: Double) -> Double? {
    Plot.isShown(value, log: false) ? min(max((value - low) / (high - low), 0), 1) : nil
  }

  /// At most so many rows and columns, each the mean of several; and how many go into one.
  func reduced(rows most: Int, columns mostColumns: Int) -> (matrix: Plot.Matrix, down: Int, across: Int) {
    let (down, across) = ((rows + most - 1) / most, (columns + mostColumns - 1) / mostColumns)
    if down <= 1, across <= 1 { return (self, 1, 1) }
    var small = self
    small.rows = (rows + down - 1) / down
    small.columns = (columns + across - 1) / across
    small.values = []
    small.values.reserveCapacity(small.rows * small.columns)
    for row in 0..<small.rows {
      for column in 0..<small.columns {
        var (sum, count) = (0.0, 0.0)
        for y in row * down..<min((row + 1) * down, rows) where !Interrupt.isRequested {
          for x in column * across..<min((column + 1) * across, columns) {
            let value = values[y * columns + x]
            if Plot.isShown(value, log: false) { (sum, count) = (sum + value, count + 1) }
          }
        }
        small.values.append(count > 0 ? sum / count : .nan)
      }
    }
    if down > 1 { small.rowNames = [] }
    if across > 1 { small.columnNames = [] }
    return (small, down, across)
  }
}
