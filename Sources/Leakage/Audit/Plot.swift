// Leakage against utility, as a drawing in the report: each defense at what it costs and what it still lets through.
import Ground

struct AuditPlot {
  let summary: AuditSummary

  init(_ summary: AuditSummary) { self.summary = summary }

  private struct Point {
    var name: String
    var number: Int
    var utility: Double
    var leakage: Double
    var low: Double
    var high: Double
  }

  /// The strongest attack under each defense that has a utility; empty where none has.
  private var points: [Point] {
    let sign = summary.plan.metrics[0].higherIsBetter ? 1.0 : -1.0
    return summary.plan.defenses.enumerated().compactMap { index, defense in
      let rows = summary.rows.filter {
        $0.defense == defense.name && $0.role == .attack && $0.means.first?.isFinite == true
      }
      guard let utility = summary.utilities[index].first, utility.value.isFinite,
        let best = rows.max(by: { sign * $0.means[0] < sign * $1.means[0] })
      else { return nil }
      let mean = best.means[0]
      return Point(
        name: defense.name, number: index + 1, utility: utility.value, leakage: mean, low: best.interval?.low ?? mean,
        high: best.interval?.high ?? mean)
    }
  }

  /// Round numbers from below the smallest to above the largest.
  private static func ticks(_ values: [Double]) -> [Double] {
    let low = values.min() ?? 0
    let high = max(values.max() ?? 1, low + 1e-6)
    var step = 1e-9
    while (high - low) / step > 6 {
      for factor in [2.0, 2.5, 2.0] where (high - low) / step > 6 { step *= factor }
    }
    let first = (low / step).rounded(.down)
    let last = (high / step).rounded(.up)
    return (0...max(1, Int(last - first))).map { (first + Double($0)) * step }
  }

  var section: String {
    let points = points
    guard !points.isEmpty, let name = summary.utilities.lazy.compactMap(\.first?.name).first else { return "" }
    let (left, top, width, height) = (64.0, 16.0, 560.0, 320.0)
    let across = AuditPlot.ticks(points.map(\.utility))
    let up = AuditPlot.ticks(points.flatMap { [$0.low, $0.high] })
    func x(_ value: Double) -> Double {
      left + width * (value - across[0]) / (across[across.count - 1] - across[0])
    }
    func y(_ value: Double) -> Double { top + height * (1 - (value - up[0]) / (up[up.count - 1] - up[0])) }
    func at(_ value: Double) -> String { fixed(value, 1) }

    var drawing: [String] = []
    for tick in across {
      drawing.append(
        "<line x1=\"\(at(x(tick)))\" x2=\"\(at(x(tick)))\" y1=\"\(at(top))\" y2=\"\(at(top + height))\" stroke=\"var(--line)\"/>"
      )
      drawing.append(
        "<text x=\"\(at(x(tick)))\" y=\"\(at(top + height + 20))\" text-anchor=\"middle\">\(label(tick, across))</text>"
      )
    }
    for tick in up {
      drawing.append(
        "<line x1=\"\(at(left))\" x2=\"\(at(left + width))\" y1=\"\(at(y(tick)))\" y2=\"\(at(y(tick)))\" stroke=\"var(--line)\"/>"
      )
      drawing.append(
        "<text x=\"\(at(left - 8))\" y=\"\(at(y(tick) + 4))\" text-anchor=\"end\">\(label(tick, up))</text>")
    }
    for point in points {
      let (px, py) = (x(point.utility), y(point.leakage))
      drawing.append(
        "<line x1=\"\(at(px))\" x2=\"\(at(px))\" y1=\"\(at(y(point.low)))\" y2=\"\(at(y(point.high)))\" stroke=\"var(--first)\" stroke-width=\"2\"/>"
      )
      drawing.append(
        "<circle cx=\"\(at(px))\" cy=\"\(at(py))\" r=\"9\" fill=\"var(--first)\"><title>\(escaped(point.name))</title></circle>"
      )
      drawing.append(
        "<text x=\"\(at(px))\" y=\"\(at(py + 4))\" text-anchor=\"middle\" style=\"fill: var(--ground); font-weight: 600\">\(point.number)</text>"
      )
    }
    drawing.append(
      "<text x=\"\(at(left + width / 2))\" y=\"\(at(top + height + 42))\" text-anchor=\"middle\">\(escaped(name))</text>"
    )
    drawing.append(
      "<text transform=\"translate(16 \(at(top + height / 2))) rotate(-90)\" text-anchor=\"middle\">\(escaped(summary.plan.metrics[0].name)) of the strongest attack</text>"
    )
    let legend = points.map {
      "<tr><td>\($0.number)</td><td class=\"text\"><code>\(escaped($0.name))</code></td><td>\(fixed($0.utility))</td><td>\(fixed($0.leakage, summary.places(0)))</td></tr>"
    }
    return """
      <section>
      <h2>Leakage against \(escaped(name))</h2>
      <svg viewBox="0 0 \(at(left + width + 24)) \(at(top + height + 52))" width="\(at(left + width + 24))" role="img" aria-label="leakage against \(escaped(name))" style="font: 13px system-ui, sans-serif; fill: var(--text)">
      \(drawing.joined(separator: "\n"))
      </svg>
      <div class="wide"><table><thead><tr><th></th><th style="text-align: left">Defense</th><th>\(escaped(name))</th><th>\(escaped(summary.plan.metrics[0].name))</th></tr></thead><tbody>
      \(legend.joined(separator: "\n"))
      </tbody></table></div>
      </section>
      """
  }

  private func label(_ tick: Double, _ ticks: [Double]) -> String {
    let step = ticks[1] - ticks[0]
    return fixed(tick, step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 4)
  }
}
