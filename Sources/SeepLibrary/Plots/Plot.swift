// A plot before it is drawn: what is shown, along which axes, under which names. The terminal and gnuplot draw the same.
import Ground

/// Curves, points, bars, a histogram or a map of a matrix.
package struct Plot: Sendable {
  package enum Kind: String, Sendable {
    case curves, points, bars, histogram, map
  }

  /// One curve, one cloud of points, or the bars of one colour. Values that are not finite are gaps.
  package struct Series: Sendable {
    package var name: String
    package var x: [Double]
    package var y: [Double]
    /// An interval around each `y`: a band around a curve, a bar at a point.
    package var interval: Interval?

    package init(name: String = "", x: [Double], y: [Double], interval: Interval? = nil) {
      self.name = name
      self.x = x
      self.y = y
      self.interval = interval
    }
  }

  package struct Interval: Sendable {
    package var low: [Double]
    package var high: [Double]

    package init(low: [Double], high: [Double]) { (self.low, self.high) = (low, high) }
  }

  package struct Axis: Sendable {
    package var label = ""
    package var isLog = false
    /// The places are numbers of items: there are no ticks between them.
    package var isCount = false
    /// Limits that were asked for.
    package var low: Double?
    package var high: Double?

    package init(isLog: Bool = false, low: Double? = nil, high: Double? = nil) {
      (self.isLog, self.low, self.high) = (isLog, low, high)
    }
  }

  /// The matrix of a map, row by row.
  package struct Matrix: Sendable {
    package var rows: Int
    package var columns: Int
    package var values: [Double]
    package var rowNames: [String] = []
    package var columnNames: [String] = []
    /// Colours from one end through white to the other, with zero in the middle.
    package var isDiverging = false
    package var low = 0.0
    package var high = 1.0

    package init(rows: Int, columns: Int, values: [Double]) {
      (self.rows, self.columns, self.values) = (rows, columns, values)
    }
  }

  package var kind: Kind
  package var series: [Series] = []
  package var title = ""
  package var x = Axis()
  package var y = Axis()
  /// The names of bars; each series has a value for each.
  package var categories: [String] = []
  /// The borders of a histogram's bins, one more than there are counts.
  package var edges: [Double] = []
  package var matrix: Matrix?
  /// Of the file, in pixels.
  package var width = 640
  package var height = 400
  /// Sentences below the plot: what is not shown.
  package var notes: [String] = []

  package init(_ kind: Kind) { self.kind = kind }

  /// In a few words.
  var summary: String {
    func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
    let what: String
    switch kind {
    case .curves: what = count(series.count, "curve", "curves")
    case .points: what = count(series.map(\.y.count).reduce(0, +), "point", "points")
    case .bars: what = count(categories.count * series.count, "bar", "bars")
    case .histogram: what = count(max(0, edges.count - 1), "bin", "bins")
    case .map: what = "\(matrix?.rows ?? 0) × \(matrix?.columns ?? 0) values"
    }
    let name = title.isEmpty ? [y.label, series.count == 1 ? series[0].name : ""].first { !$0.isEmpty } ?? "" : title
    return "plot of \(what)" + (name.isEmpty ? "" : ": \(name)")
  }

  /// Whether a value can be drawn on an axis.
  static func isShown(_ value: Double, log: Bool) -> Bool {
    abs(value) <= PlotScale.largest && (!log || value >= 1 / PlotScale.largest)
  }

  // MARK: Along the axes

  /// Of curves, points and histograms.
  func scaleX(ticks: Int) -> PlotScale {
    kind == .histogram
      ? PlotScale(edges, x, margin: 0, ticks: ticks)
      : PlotScale(series.flatMap(\.x), x, margin: kind == .curves ? 0 : 0.04, ticks: ticks)
  }

  /// Of the values; bars and counts begin at zero.
  func scaleY(ticks: Int) -> PlotScale {
    var values = series.flatMap { $0.y + ($0.interval.map { $0.low + $0.high } ?? []) }
    if kind == .histogram || kind == .bars {
      values.append(y.isLog ? 0.7 : 0)
      return PlotScale(values, y, margin: 0.04, ticks: ticks, base: y.isLog ? nil : 0)
    }
    return PlotScale(values, y, margin: 0.05, ticks: ticks)
  }

  /// Adds a sentence about the values that cannot be drawn, if there are any.
  package mutating func countGaps() {
    var (all, notFinite, huge, notPositive) = (0, 0, 0, 0)
    func count(_ x: Double, _ y: Double) {
      all += 1
      if !x.isFinite || !y.isFinite {
        notFinite += 1
      } else if abs(x) > PlotScale.largest || abs(y) > PlotScale.largest {
        huge += 1
      } else if (self.x.isLog && !Plot.isShown(x, log: true)) || (self.y.isLog && !Plot.isShown(y, log: true)) {
        notPositive += 1
      }
    }
    if let matrix {
      for value in matrix.values where !Interrupt.isRequested { count(0, value) }
    } else if kind != .histogram {
      for series in series { for (x, y) in zip(series.x, series.y) where !Interrupt.isRequested { count(x, y) } }
    }
    Plot.note(&notes, all, notFinite, huge, notPositive)
  }

  static func note(_ notes: inout [String], _ all: Int, _ notFinite: Int, _ huge: Int, _ notPositive: Int = 0) {
    let missing = notFinite + huge + notPositive
    if missing == 0 { return }
    var reasons: [String] = []
    if notFinite > 0 { reasons.append("\(notFinite) not finite") }
    if huge > 0 { reasons.append("\(huge) beyond 1e300") }
    if notPositive > 0 { reasons.append("\(notPositive) not above zero on a logarithmic axis") }
    notes.append(
      "\(missing) of \(all) \(all == 1 ? "value" : "values") \(missing == 1 ? "is" : "are") not drawn: \(reasons.joined(separator: ", "))."
    )
  }
}
