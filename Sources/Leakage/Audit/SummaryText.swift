// The summary of an audit as text: for a terminal, and as CSV, JSON and LaTeX.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `0.412`; `–` for what is not a number.
func fixed(_ value: Double, _ places: Int = 3, sign: Bool = false) -> String {
  if value.isNaN { return "–" }
  if value.isInfinite { return value < 0 ? "-∞" : "∞" }
  let unit = pow(10.0, Double(places))
  let scaled = (abs(value) * unit).rounded()
  guard scaled < 1e15 else { return "\(value)" }
  let whole = Int(scaled)
  var digits = String(whole)
  if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
  let text = places == 0 ? digits : "\(digits.dropLast(places)).\(digits.suffix(places))"
  let isNegative = value < 0 && whole > 0
  return (isNegative ? "-" : sign ? "+" : "") + text
}

/// Three significant digits, for norms and times.
func compact(_ value: Double) -> String {
  if !value.isFinite || value == 0 { return fixed(value, 0) }
  let magnitude = abs(value)
  if magnitude >= 1e6 || magnitude < 1e-3 { return short(value) }
  return fixed(value, magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3)
}

func percent(_ share: Double, _ places: Int = 0) -> String {
  share.isNaN ? "–" : "\(fixed(100 * share, places)) %"
}

extension AuditSummary {
  /// `0.412 [0.380, 0.450]`.
  func cell(_ row: AuditRow, _ metric: Int) -> String {
    let places = places(metric)
    let mean = fixed(row.means[metric], places)
    guard metric == 0, let interval = row.interval else { return mean }
    return "\(mean) [\(fixed(interval.low, places)), \(fixed(interval.high, places))]"
  }

  func places(_ metric: Int) -> Int { plan.metrics[metric].name == "psnr" ? 2 : 3 }

  func liftText(_ row: AuditRow) -> String {
    guard row.role == .attack else { return row.role.base == nil ? row.role.kind : "control of the attack" }
    guard let lift = row.lift else { return row.images == 0 ? "" : row.control == nil ? "no control" : "–" }
    let places = places(0)
    let verdict = row.verdict.map { " \($0.rawValue)" } ?? ""
    return
      "\(fixed(lift.mean, places, sign: true)) [\(fixed(lift.low, places, sign: true)), \(fixed(lift.high, places, sign: true))]\(verdict)"
  }

  /// What is said of a defense: norms, how often clipping binds, μ, utility.
  func defenseText(_ defense: Int) -> String {
    let own = rows.filter { $0.defense == plan.defenses[defense].name && $0.cells > 0 }
    var parts: [String] = []
    if let row = own.first {
      parts.append(
        "norm \(compact(row.cleanNorm))" + (plan.defenses[defense].defense == nil ? "" : " → \(compact(row.sentNorm))"))
      if let binds = row.binds { parts.append("clipping binds \(percent(binds))") }
      if let mu = row.mu { parts.append("μ \(compact(mu))") }
    }
    let row = plan.defenses[defense]
    if let guarantee = row.guarantee {
      parts.append(privacyText(guarantee))
    } else if row.refusal != nil {
      parts.append("no ε")
    }
    for (name, value, values) in utilities[defense] {
      let spread =
        values.count > 1 ? " (\(fixed(values.min() ?? value)) to \(fixed(values.max() ?? value)))" : ""
      parts.append("\(name) \(fixed(value))\(spread)")
    }
    if let problem = utilityProblems[defense] { parts.append("utility failed: \(problem)") }
    return parts.joined(separator: ", ")
  }

  private func privacyText(_ g: Guarantee) -> String {
    "ε \(compact(g.exact ?? g.epsilon))" + (g.delta > 0 ? " at δ \(code(g.delta))" : "")
      + " for one \(g.unit.rawValue) (\(g.neighbours.rawValue)), \(g.steps) \(g.steps == 1 ? "step" : "steps")"
  }

  /// Shares that are counted beside the metrics: name, and value of a row.
  var shares: [(name: String, value: (AuditRow) -> Double)] {
    let all: [(name: String, value: (AuditRow) -> Double)] = [
      (AuditSummary.identified, \.identified), (AuditSummary.reidentified, \.reidentified),
    ]
    return all.filter { share in rows.contains { !share.value($0).isNaN } }
  }

  /// A percentile bootstrap of fewer values than this covers clearly less than it says.
  static let fewDrawn = 10

  /// How few and how many values the bootstraps of lifts draw from; nil where there is none.
  private var drawn: ClosedRange<Int>? {
    let counts = rows.filter { $0.lift != nil }.map(\.drawn)
    guard let least = counts.min(), let most = counts.max() else { return nil }
    return least...most
  }

  /// What they are: images, or what holds several of them together.
  var drawnAs: String {
    let isClustered = Set(plan.images.map { clusters[$0] ?? $0 }).count < plan.images.count
    return isClustered ? "clusters of images" : plan.batch > 1 ? "batches" : "images"
  }

  /// What readers of the table must know, each in a sentence.
  public var remarks: [String] {
    var all = plan.remarks
    let done = rows.filter { $0.cells > 0 }
    if let row = done.first(where: { !$0.chance.isNaN }) {
      all.append(
        "identified: nearest to the private image among the private images of its class; by chance \(percent(row.chance, 1))."
      )
    }
    if let row = done.first(where: { !$0.reidentifiedChance.isNaN }) {
      all.append(
        "reidentified: nearest to another photograph of the same person; by chance \(percent(row.reidentifiedChance, 1))."
      )
    }
    if let row = done.first(where: { !$0.accuracy.isNaN }) {
      let round = plan.round.map { " of round \($0)" } ?? ""
      let trained =
        row.trainedOn.map { "; trained on \(percent($0)) of the targets" }
        ?? "; whether it was trained on the targets was not said (`trained_on`)"
      let median = Set(results.values.compactMap(\.accuracy)).count > 1 ? "median accuracy" : "accuracy"
      all.append("victim\(round): \(median) \(fixed(row.accuracy)) on the data\(trained).")
    }
    if let drawn, drawn.lowerBound < AuditSummary.fewDrawn {
      let count = drawn.count == 1 ? "\(drawn.lowerBound)" : "\(drawn.lowerBound) to \(drawn.upperBound)"
      all.append(
        "Intervals are bootstraps over \(count) \(drawnAs): of fewer than \(AuditSummary.fewDrawn) they are too narrow, and a verdict is a hint."
      )
    }
    if done.contains(where: { $0.role == .attack && $0.failed > 0 }) {
      all.append("What failed is left out of means and lifts: they are of the images that are left.")
    }
    for row in rows {
      for gap in row.gaps {
        all.append(
          "\(row.defense): \(gap.name) failed for \(gap.missing) of \(row.images) images of \(row.attack)"
            + (2 * gap.missing > row.images
              ? ". It may be the strongest control, so there is no verdict." : ", which its lift leaves out."))
      }
    }
    if differ {
      all.append(
        "Attacks found different labels: the row of a control is its mean over them, and each lift is over the control with that attack's labels."
      )
    }
    return all
  }

  /// Some control was made with more than one set of labels.
  private var differ: Bool {
    let controls = Set(plan.attacks.indices.filter { plan.attacks[$0].role == .control })
    var seen: [[Int]: [Int]] = [:]
    for cell in cells {
      guard let attack = cell.attack, let image = cell.image, controls.contains(attack), let result = results[cell.id],
        result.problem == nil
      else { continue }
      let place = [cell.seed, image, cell.defense, attack]
      if let known = seen[place], known != result.labels { return true }
      seen[place] = result.labels
    }
    return false
  }

  /// A table for people.
  public var text: String {
    var head = ["attack"] + plan.metrics.map(\.name) + ["lift over the strongest control"]
    let shares = shares
    head += shares.map(\.name) + ["labels", "evaluations", "seconds", "n"]
    var lines: [[String]] = []
    var breaks: [Int: String] = [:]
    for defense in plan.defenses.indices {
      let about = defenseText(defense)
      breaks[lines.count] = plan.defenses[defense].name + (about.isEmpty ? "" : "   \(about)")
      for row in rows where row.defense == plan.defenses[defense].name {
        var line = ["  \(row.attack)"] + plan.metrics.indices.map { cell(row, $0) }
        line.append(liftText(row) + (row.lift == nil ? "" : row.control.map { " (\($0))" } ?? ""))
        line += shares.map { percent($0.value(row)) }
        line += [
          percent(row.labelAccuracy), fixed(row.evaluations, 0), fixed(row.seconds, row.seconds < 10 ? 2 : 0),
          "\(row.images)",
        ]
        if row.failed > 0 { line.append("\(row.failed) failed: \(row.problem ?? "")") }
        if row.open > 0 { line.append("\(row.open) not done") }
        lines.append(line)
      }
    }
    // What stands after the last column is said, not lined up.
    let widths = head.indices.map { column in
      ([head] + lines).map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
    func pad(_ line: [String]) -> String {
      line.enumerated().map { column, text in
        guard column < widths.count else { return text }
        let space = String(repeating: " ", count: widths[column] - text.count)
        return column >= head.count - 4 - shares.count ? space + text : text + space
      }.joined(separator: "  ")
    }
    var out = [trimmed(pad(head))]
    for (index, line) in lines.enumerated() {
      if let title = breaks[index] { out.append(title) }
      out.append(trimmed(pad(line)))
    }
    return (out + remarks).joined(separator: "\n")
  }

  private func trimmed(_ line: String) -> String {
    var line = Substring(line)
    while line.last == " " { line = line.dropLast() }
    return String(line)
  }
}
