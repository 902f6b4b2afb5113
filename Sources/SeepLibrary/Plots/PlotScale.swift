// From numbers to places along an axis, and the round numbers that stand beside it.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One axis with its limits and ticks.
package struct PlotScale: Sendable {
  package struct Tick: Sendable, Equatable {
    package var value: Double
    package var label: String
  }

  /// Beyond this nothing is drawn, so that differences of two values are finite.
  static let largest = 1e300

  package let low: Double
  package let high: Double
  package let isLog: Bool
  package let ticks: [Tick]

  /// Around the values that can be drawn, or as the axis was asked to be. `margin` is the empty part at each end; an end at
  /// `base` has none. There are at most `ticks` + 1 ticks.
  package init(_ values: [Double], _ axis: Plot.Axis, margin: Double, ticks count: Int, base: Double? = nil) {
    isLog = axis.isLog
    var (low, high) = (Double.infinity, -Double.infinity)
    for value in values where Plot.isShown(value, log: axis.isLog) {
      low = min(low, value)
      high = max(high, value)
    }
    if low > high { (low, high) = axis.isLog ? (1, 10) : (0, 1) }
    (low, high) = PlotScale.spread(low, high, log: axis.isLog)
    if axis.isLog {
      let room = margin * (log10(high) - log10(low))
      // Not further than numbers go.
      (low, high) = (pow(10, max(log10(low) - room, -305)), pow(10, min(log10(high) + room, 305)))
    } else {
      let room = margin * (high - low)
      // Values that are never negative do not get a negative axis.
      if low != base { low = low >= 0 ? max(0, low - room) : low - room }
      if high != base { high = high <= 0 ? min(0, high + room) : high + room }
    }
    low = axis.low ?? low
    high = axis.high ?? high
    if !(low < high) {
      // One end was asked for, and all values lie beyond it.
      let (below, above) = axis.isLog ? (high / 10, low * 10) : (high - max(1, abs(high)), low + max(1, abs(low)))
      (low, high) = axis.low == nil ? (below, high) : (low, above)
    }
    (low, high) = PlotScale.spread(low, high, log: axis.isLog)
    self.low = low
    self.high = high
    ticks =
      axis.isLog
      ? PlotScale.logTicks(low, high, atMost: max(1, count))
      : PlotScale.ticks(low, high, atMost: max(1, count), whole: axis.isCount)
  }

  /// Limits that are too near each other are moved apart.
  private static func spread(_ low: Double, _ high: Double, log: Bool) -> (Double, Double) {
    if log { return high / low > 1 + 1e-9 ? (low, high) : (low / 2, high * 2) }
    let size = max(abs(low), abs(high))
    if high - low > size * 1e-12, high - low > 1e-300 { return (low, high) }
    let room = size > 1e-299 ? size / 2 : 0.5
    return (low - room, high + room)
  }

  /// 0 at the low end, 1 at the high end; outside of these beyond the axis.
  package func place(_ value: Double) -> Double {
    isLog ? (log10(value) - log10(low)) / (log10(high) - log10(low)) : (value - low) / (high - low)
  }

  /// The value at a place; see `place`.
  func value(at place: Double) -> Double {
    isLog ? pow(10, log10(low) + place * (log10(high) - log10(low))) : low + place * (high - low)
  }

  // MARK: Ticks

  /// The smallest of 1, 2, 5 times a power of ten that is at least this large.
  package static func step(atLeast raw: Double) -> Double {
    let unit = pow(10, floor(log10(raw)))
    for factor in [1.0, 2, 5] where factor * unit >= raw * (1 - 1e-9) { return factor * unit }
    return 10 * unit
  }

  package static func ticks(_ low: Double, _ high: Double, atMost count: Int, whole: Bool = false) -> [Tick] {
    let least = (high - low) / Double(count)
    let step = step(atLeast: whole ? max(1, least) : least)
    let (first, last) = (ceil(low / step - 1e-9), floor(high / step + 1e-9))
    guard step > 0, step.isFinite, first <= last, last - first <= 1000 else { return [] }
    let values = (0...Int(last - first)).map { (first + Double($0)) * step }
    return zip(values, labels(values, step)).map { Tick(value: $0, label: $1) }
  }

  /// All with as many decimals as the step needs; very large and very small ones with one exponent for all.
  private static func labels(_ values: [Double], _ step: Double) -> [String] {
    let size = values.map { abs($0) }.max() ?? 0
    guard size > 0 else { return values.map { _ in "0" } }
    let stepPower = Int(floor(log10(step) + 1e-9))
    if size < 1e6, size >= 1e-3 { return values.map { PlotNumber.fixed($0, max(0, -stepPower)) } }
    let power = Int(floor(log10(size) + 1e-9))
    let places = max(0, power - stepPower)
    // In two steps, because 10 to the power may not be a number by itself.
    func mantissa(_ value: Double) -> Double { value / pow(10, Double(power / 2)) / pow(10, Double(power - power / 2)) }
    return values.map { $0 == 0 ? "0" : PlotNumber.fixed(mantissa($0), places) + "e\(power)" }
  }

  package static func logTicks(_ low: Double, _ high: Double, atMost count: Int) -> [Tick] {
    func tick(_ value: Double) -> Tick { Tick(value: value, label: PlotNumber.brief(value)) }
    let (first, last) = (Int(ceil(log10(low) - 1e-9)), Int(floor(log10(high) + 1e-9)))
    if last - first >= 1 {
      let stride = max(1, (last - first + count - 1) / count)
      let start = first + ((-first % stride) + stride) % stride
      return Swift.stride(from: start, through: last, by: stride).map { tick(pow(10, Double($0))) }
    }
    let parts = (first - 1...last + 1).flatMap { power in [1.0, 2, 5].map { $0 * pow(10, Double(power)) } }
    let inside = parts.filter { $0 >= low * (1 - 1e-9) && $0 <= high * (1 + 1e-9) }
    return inside.count >= 2 ? inside.map(tick) : ticks(low, high, atMost: count)
  }
}

/// Numbers as text.
enum PlotNumber {
  static func fixed(_ value: Double, _ places: Int) -> String {
    let text = PrintedNumber.text("%.\(min(max(places, 0), 300))f", value)
    return text.first == "-" && !text.contains { ("1"..."9").contains($0) } ? String(text.dropFirst()) : text
  }

  /// Four significant digits: `0.001`, `14.2`, `1e-5`.
  static func brief(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let text = PrintedNumber.text("%.4g", value)
    guard let at = text.firstIndex(of: "e"), let power = Int(text[text.index(after: at)...]) else { return text }
    return text[...at] + String(power)
  }
}
