// How many values lie in each part of a range.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

package struct Histogram: Sendable {
  /// Borders of the bins, one more than there are counts. A bin holds its lower border; the last both.
  package private(set) var edges: [Double]
  package private(set) var counts: [Int]
  package private(set) var outside = 0

  /// `values` are finite. Without `bins` borders are round numbers. Ctrl-C ends it.
  package init(_ values: [Double], bins: Int? = nil, low: Double? = nil, high: Double? = nil) throws {
    var (least, most) = (values.first ?? 0, values.first ?? 1)
    for (i, value) in values.enumerated() {
      if i & 0xFFFFF == 0 { try Interrupt.check() }
      (least, most) = (min(least, value), max(most, value))
    }
    var from = low ?? least
    var to = high ?? most
    let size = max(abs(from), abs(to))
    if !(to - from > size * 1e-12) || to - from < 1e-300 {
      let room = size > 1e-299 ? size / 2 : 0.5
      (from, to) = (low ?? from - room, high ?? to + room)
      if !(from < to) { to = from + max(1, abs(from)) }
    }
    if let bins {
      edges = (0...bins).map { from + (to - from) * (Double($0) / Double(bins)) }
    } else {
      let step = PlotScale.step(atLeast: Histogram.width(values, from, to))
      let (first, last) = (low ?? floor(from / step) * step, high ?? ceil(to / step) * step)
      // At least one bin, though all values may be one border.
      let count = min(max(1, Int(((last - first) / step - 1e-9).rounded(.up))), 1000)
      edges = (0...count).map { $0 == count ? max(last, first + step * 1e-9) : first + Double($0) * step }
    }
    let (start, end, count) = (edges[0], edges[edges.count - 1], edges.count - 1)
    counts = Array(repeating: 0, count: count)
    for (i, value) in values.enumerated() {
      if i & 0xFFFFF == 0 { try Interrupt.check() }
      guard value >= start, value <= end else {
        outside += 1
        continue
      }
      // Near the border the division may miss by one.
      var bin = min(Int((value - start) / (end - start) * Double(count)), count - 1)
      while bin > 0, value < edges[bin] { bin -= 1 }
      while bin < count - 1, value >= edges[bin + 1] { bin += 1 }
      counts[bin] += 1
    }
  }

  /// Freedman and Diaconis: twice the distance between the quartiles over the cube root of the number; at most 60 bins, and Sturges' number
  /// of them where half of the values are one. Of millions of values every so-manieth is looked at: then there are 60 bins or nearly so.
  private static func width(_ values: [Double], _ low: Double, _ high: Double) -> Double {
    let step = max(1, values.count >> 19)
    let sorted = stride(from: 0, to: values.count, by: step).map { values[$0] }.filter { $0 >= low && $0 <= high }
      .sorted()
    let range = high - low
    guard sorted.count > 1 else { return range }
    let quartiles = sorted[sorted.count * 3 / 4] - sorted[sorted.count / 4]
    let count = Double(sorted.count * step)
    let width = 2 * quartiles / cbrt(count)
    return max(width > 0 ? width : range / (log2(count) + 1), range / 60)
  }
}
