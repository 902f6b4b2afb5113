// What the cells of an audit say together: means with intervals over images, and each attack against its strongest control.
import Ground

/// One row of the table: an attack, or a control, under a defense.
public struct AuditRow: Sendable {
  public enum Verdict: String, Sendable {
    /// The interval of the lift lies above 0.
    case leak = "leak"
    /// It lies within ± the margin: attack and control are equivalent.
    case none = "no leak detected"
    /// It lies below 0: the control is better than the attack, which shows nothing of what another attack would find.
    case below = "below the control"
    case open = "undecided"

    public init(_ lift: Interval, margin: Double) {
      self =
        lift.low > 0 ? .leak : lift.low > -margin && lift.high < margin ? .none : lift.high < 0 ? .below : .open
    }
  }

  /// A control that applies to an attack: its mean with the labels this attack found, and the attack's lift over it.
  public struct Control: Sendable {
    public var name: String
    public var mean: Double
    public var lift: Interval?
    /// Images, or clusters of them, that the interval is drawn from.
    public var drawn = 0
    /// Images of the attack that it has nothing for, since it failed there.
    public var missing = 0
  }
  public var defense: String
  public var attack: String
  public var role: AuditRole
  /// Images that count, cells behind them, cells that failed with the first reason, and cells that are not done.
  public var images = 0
  public var cells = 0
  public var failed = 0
  public var problem: String?
  public var open = 0
  /// By the plan's metrics. The first has an interval where there are at least two images.
  public var means: [Double] = []
  public var interval: Interval?
  /// The attack minus its strongest control, positive where the attack is better, paired by image.
  public var lift: Interval?
  public var control: String?
  /// Images, or clusters of them, that the interval of the lift is drawn from.
  public var drawn = 0
  /// Controls that failed for images of this attack, with how many.
  public var gaps: [(name: String, missing: Int)] = []
  /// All controls that apply, the strongest first.
  public var controls: [Control] = []
  /// Undecided as well where a control, which might be the strongest, failed for more than half of the images.
  public var verdict: Verdict?
  /// The interval of the lift lies within ± the margin.
  public var isEquivalent = false
  public var labelAccuracy = Double.nan
  /// Share of images that are nearest to the private one among the private images of its class, with that of a guess.
  public var identified = Double.nan
  public var chance = Double.nan
  /// Share of images that are nearest to another photograph of the same person, with that of a guess.
  public var reidentified = Double.nan
  public var reidentifiedChance = Double.nan
  /// Medians over images: the victim's accuracy on the data.
  public var accuracy = Double.nan
  /// Share of images the victim was trained on.
  public var trainedOn: Double?
  /// Medians over images: of the client's gradient, and of what it sent.
  public var cleanNorm = Double.nan
  public var sentNorm = Double.nan
  /// Share of images whose update clipping changed.
  public var binds: Double?
  /// The median over images.
  public var mu: Double?
  public var evaluations = 0.0
  public var seconds = 0.0
}

/// An audit as far as it is done.
public struct AuditSummary {
  public let plan: AuditPlan
  public let cells: [AuditCell]
  public let results: [Int: CellResult]
  public private(set) var rows: [AuditRow] = []
  /// Means over seeds, by defense.
  public let utilities: [[(name: String, value: Double, values: [Double])]]
  /// Why there is no utility, by defense.
  public let utilityProblems: [Int: String]
  public let margin: Double
  /// Images with one number here are drawn together by the bootstrap: photographs of one person.
  let clusters: [Int: Int]

  /// Scores of every cell, beside the plan's metrics.
  static let (identified, chance) = ("identified", "chance")
  static let (reidentified, reidentifiedChance) = ("reidentified", "chance of reidentified")
  /// Why a control has no result.
  static let orphan = "the attack whose control this is failed"

  public var isComplete: Bool { results.count == cells.count }

  /// - Parameters:
  ///   - margin: half the width of what counts as no difference.
  ///   - clusters: for each image the number of its cluster; nil: each image is its own.
  public init(_ plan: AuditPlan, _ results: [Int: CellResult], margin: Double = 0.05, clusters: [Int: Int]? = nil)
    throws
  {
    self.plan = plan
    self.results = results
    self.margin = margin
    let cells = plan.cells
    self.cells = cells
    self.clusters = clusters ?? Dictionary(uniqueKeysWithValues: plan.images.map { ($0, $0) })
    let problems = cells.filter { $0.attack == nil }.compactMap { cell in
      results[cell.id]?.problem.map { (cell.defense, $0) }
    }
    utilityProblems = Dictionary(problems, uniquingKeysWith: { first, _ in first })
    utilities = plan.defenses.indices.map { defense in
      let own = cells.filter { $0.attack == nil && $0.defense == defense }.compactMap { results[$0.id]?.scores }
      let names = Set(own.flatMap(\.keys)).sorted()
      return names.map { name in
        let values = own.compactMap { $0[name] }
        return (name, values.reduce(0, +) / Double(values.count), values)
      }
    }
    for defense in plan.defenses.indices {
      let own = try plan.attacks.indices.map { try row(defense, $0) }
      rows += try own.indices.map { try lifted(own, $0, defense) }
    }
  }

  /// Results that took time: those of a control once for each set of labels.
  var computed: [CellResult] {
    var seen: Set<[Int]> = []
    return cells.compactMap { cell in
      guard let result = results[cell.id] else { return nil }
      guard let attack = cell.attack, let image = cell.image, plan.attacks[attack].role == .control else {
        return result
      }
      return seen.insert([cell.seed, image, cell.defense, attack] + result.labels).inserted ? result : nil
    }
  }

  /// The cells of a row.
  public func cells(_ defense: Int, _ attack: Int) -> [AuditCell] {
    cells.filter { $0.defense == defense && $0.attack == attack }
  }

  /// Values of a metric by image, means over seeds; what failed is missing.
  /// - Parameter base: of a control, those with the labels that this attack found; nil: over all attacks.
  public func values(_ defense: Int, _ attack: Int, _ metric: Int, for base: Int? = nil) -> [Int: Double] {
    let name = plan.metrics[metric].name
    var all: [Int: [Double]] = [:]
    for cell in cells(defense, attack) where base == nil || cell.base == nil || cell.base == base {
      guard let image = cell.image, let result = results[cell.id], result.problem == nil,
        let value = result.scores[name], !value.isNaN
      else { continue }
      all[image, default: []].append(value)
    }
    return all.mapValues { $0.reduce(0, +) / Double($0.count) }
  }

  private func row(_ defense: Int, _ attack: Int) throws -> AuditRow {
    var row = AuditRow(
      defense: plan.defenses[defense].name, attack: plan.attacks[attack].name, role: plan.attacks[attack].role)
    let own = cells(defense, attack).map { results[$0.id] }.filter { $0?.problem != AuditSummary.orphan }
    let done = own.compactMap { $0 }.filter { $0.problem == nil }
    row.cells = done.count
    row.open = own.count { $0 == nil }
    row.failed = own.count { $0?.problem != nil }
    row.problem = own.lazy.compactMap { $0?.problem }.first
    if let metric = plan.metrics.first?.name {
      // A score that is no number is left out of the means, so it counts as a failure and not as a cell less.
      let without = done.count { ($0.scores[metric] ?? .nan).isNaN }
      row.failed += without
      if without > 0, row.problem == nil { row.problem = "its \(metric) is not a number" }
    }
    row.means = plan.metrics.indices.map { metric in mean(Array(values(defense, attack, metric).values)) }
    let first = values(defense, attack, 0)
    row.images = first.count
    row.interval = try interval(first)
    row.labelAccuracy = mean(done.map(\.hit))
    func share(_ name: String) -> Double { mean(done.compactMap { $0.scores[name] }) }
    (row.identified, row.chance) = (share(AuditSummary.identified), share(AuditSummary.chance))
    row.reidentified = share(AuditSummary.reidentified)
    row.reidentifiedChance = share(AuditSummary.reidentifiedChance)
    row.accuracy = (try? median(done.compactMap(\.accuracy))) ?? .nan
    let known = done.compactMap(\.trainedOn)
    row.trainedOn = known.isEmpty ? nil : Double(known.count { $0 }) / Double(known.count)
    row.cleanNorm = (try? median(done.map(\.cleanNorm))) ?? .nan
    row.sentNorm = (try? median(done.map(\.sentNorm))) ?? .nan
    let binding = done.compactMap(\.binds)
    row.binds = binding.isEmpty ? nil : Double(binding.count { $0 }) / Double(binding.count)
    row.mu = try? median(done.compactMap(\.mu))
    row.evaluations = mean(done.map { Double($0.evaluations) })
    row.seconds = mean(done.map(\.seconds))
    return row
  }

  /// The row of an attack with its lift over the strongest of the controls that apply to it.
  private func lifted(_ rows: [AuditRow], _ attack: Int, _ defense: Int) throws -> AuditRow {
    var row = rows[attack]
    guard row.role == .attack else { return row }
    let sign = plan.metrics[0].higherIsBetter ? 1.0 : -1.0
    let own = values(defense, attack, 0)
    let applying = rows.indices.filter { rows[$0].role == .control || rows[$0].role.base == attack }
    row.controls = try applying.compactMap { place in
      let other = values(defense, place, 0, for: attack)
      let missing = own.keys.count { other[$0] == nil && hasFailed(defense, place, $0, for: attack) }
      if other.isEmpty, missing == 0 { return nil }
      var differences: [Int: Double] = [:]
      for (image, value) in own {
        if let beside = other[image] { differences[image] = value == beside ? 0 : sign * (value - beside) }
      }
      return AuditRow.Control(
        name: rows[place].attack, mean: mean(Array(other.values)), lift: try interval(differences),
        drawn: Set(differences.keys.map { clusters[$0] ?? $0 }).count, missing: missing)
    }
    row.gaps = row.controls.filter { $0.missing > 0 }.map { ($0.name, $0.missing) }
    row.controls = row.controls.filter { !$0.mean.isNaN }.sorted { sign * $0.mean > sign * $1.mean }
    guard let strongest = row.controls.first else { return row }
    row.control = strongest.name
    guard let lift = strongest.lift else { return row }
    row.lift = lift
    row.drawn = strongest.drawn
    let isComplete = row.gaps.allSatisfy { 2 * $0.missing <= own.count }
    row.verdict = isComplete ? AuditRow.Verdict(lift, margin: margin) : .open
    row.isEquivalent = isComplete && lift.low > -margin && lift.high < margin
    return row
  }

  /// A control's cell for this image and attack failed.
  private func hasFailed(_ defense: Int, _ attack: Int, _ image: Int, for base: Int) -> Bool {
    cells(defense, attack).contains {
      $0.image == image && ($0.base == nil || $0.base == base) && results[$0.id]?.problem != nil
    }
  }

  /// The bootstrap over clusters of images; nil for less than two.
  private func interval(_ values: [Int: Double]) throws -> Interval? {
    let groups = Dictionary(grouping: values.sorted { $0.key < $1.key }) { clusters[$0.key] ?? $0.key }
    let lists = groups.sorted { $0.key < $1.key }.map { $0.value.map(\.value) }
    guard lists.count > 1 else { return nil }
    // Equal values have equal intervals, in whatever row.
    let key = RandomKey(seed: 0).derive("audit").derive("bootstrap")
    return try Interval(bootstrapClusters: lists, key: key)
  }

  private func mean(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : values.sorted().reduce(0, +) / Double(values.count)
  }
}

extension Interval {
  /// The percentile bootstrap of the mean of all values, drawing whole clusters.
  /// - Throws: `too-few` for fewer than two clusters.
  public init(bootstrapClusters clusters: [[Double]], level: Double = 0.95, draws: Int = 10_000, key: RandomKey) throws
  {
    guard clusters.count > 1 else { throw Fault("too-few", "an interval needs at least two images") }
    let sums = clusters.map { ($0.reduce(0, +), Double($0.count)) }
    var stream = RandomStream(key)
    var means: [Double] = []
    means.reserveCapacity(draws)
    for _ in 0..<draws {
      var (sum, count) = (0.0, 0.0)
      for _ in sums.indices {
        let one = sums[stream.below(sums.count)]
        sum += one.0
        count += one.1
      }
      means.append(sum / count)
    }
    means.sort()
    let total = clusters.reduce(0) { $0 + $1.count }
    self.init(
      mean: sums.reduce(0) { $0 + $1.0 } / Double(total), low: percentile(sorted: means, 50 - 50 * level),
      high: percentile(sorted: means, 50 + 50 * level), count: total)
  }
}
