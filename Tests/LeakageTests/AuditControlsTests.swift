import CSQLite
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

/// An attack that finds one image and says it has this label.
private struct Says: Attack {
  var label: Int
  var written: String { "says(\(label), \(tag))" }
  var tag = "a"
  var threatModel: ThreatModel { ThreatModel(knows: [.exampleCount]) }
  func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    Leak(
      images: try .full([seen.examples, 1, 4, 4], 0.25), labels: [Int](repeating: label, count: seen.examples), loss: 0,
      evaluations: seen.examples)
  }
}

/// A control that counts how often it was run.
private final class Counting: Attack, @unchecked Sendable {
  var runs: [[Int]] = []
  let inner: ClassMean
  init(_ inner: ClassMean) { self.inner = inner }
  var written: String { "counting" }
  var threatModel: ThreatModel { inner.threatModel }
  var isControl: Bool { true }
  func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    runs.append(setting.labels ?? [])
    return try inner.recover(seen, model, setting)
  }
}

private func images(_ count: Int) throws -> Tensor {
  try Tensor.uniform([count, 1, 4, 4], key: RandomKey(seed: 4))
}

private func plan(_ attacks: [AuditPlan.AttackRow], _ defenses: [AuditPlan.DefenseRow]) throws -> AuditPlan {
  let model = Model([Flatten(), try Dense(2)], key: RandomKey(seed: 1))
  var plan = AuditPlan(
    defenses: defenses, attacks: attacks, metrics: [.init(name: "mse", higherIsBetter: false) { try mse($0, $1)[0] }],
    data: try images(8), labels: [0, 1, 0, 1, 0, 1, 0, 1], images: [0, 1, 2], seeds: [0], victim: { _, _, _ in model })
  plan.manifest = [("model", "flatten >> dense(2)")]
  return plan
}

private func run(_ plan: AuditPlan) throws -> AuditSummary {
  try plan.check()
  let journal = try Journal(nil, manifest: plan.manifest, cells: plan.cells)
  _ = try Auditor(plan, journal, progress: SilentProgress()).run()
  return try AuditSummary(plan, journal.results())
}

@Suite struct AuditControlsTests {
  let none = AuditPlan.DefenseRow(name: "none", defense: nil)

  @Test("a control is made with the labels that the attack found, once for each set of labels")
  func labels() throws {
    let dark = try Tensor.zeros([1, 1, 4, 4])
    let bright = try Tensor.full([1, 1, 4, 4], 1)
    let control = Counting(try ClassMean(Tensor.concat([dark, bright], axis: 0), labels: [0, 1]))
    let attacks: [AuditPlan.AttackRow] = [
      .init(name: "zero", attack: Says(label: 0), role: .attack), .init(name: "mean", attack: control, role: .control),
      .init(name: "one", attack: Says(label: 1), role: .attack),
      .init(name: "zero again", attack: Says(label: 0, tag: "b"), role: .attack),
    ]
    let summary = try run(plan(attacks, [none]))
    // Three images, two sets of labels.
    #expect(control.runs.count == 6)
    #expect(Set(control.runs) == [[0], [1]])
    let truth = try images(8)
    func mean(_ value: Double) throws -> Double {
      let all = try (0..<3).map { try mse(truth.select(axis: 0, index: $0), .full([1, 4, 4], value))[0] }
      return all.reduce(0, +) / 3
    }
    let rows = Dictionary(uniqueKeysWithValues: summary.rows.map { ($0.attack, $0) })
    for (name, value) in [("zero", 0.0), ("one", 1), ("zero again", 0)] {
      let found = try #require(rows[name]?.controls.first)
      let expected = try mean(value)
      #expect(abs(found.mean - expected) < 1e-6, "\(name)")
      let lift = try #require(rows[name]?.lift?.mean)
      let attack = try mean(0.25)
      #expect(abs(lift - (expected - attack)) < 1e-6, "\(name)")
    }
    let together = try #require(rows["mean"]).means[0]
    let (zeros, ones) = (try mean(0), try mean(1))
    #expect(abs(together - (2 * zeros + ones) / 3) < 1e-6)
    #expect(summary.remarks.contains { $0.contains("different labels") })
  }

  @Test("equivalence is two-sided: far below the control is not the absence of a leak")
  func verdicts() {
    func verdict(_ low: Double, _ high: Double) -> AuditRow.Verdict {
      AuditRow.Verdict(Interval(mean: (low + high) / 2, low: low, high: high, count: 9), margin: 0.05)
    }
    #expect(verdict(0.01, 0.2) == .leak)
    #expect(verdict(0.01, 0.04) == .leak)
    #expect(verdict(-0.04, 0.04) == .none)
    #expect(verdict(-0.04, -0.01) == .none)
    #expect(verdict(-0.5, -0.4) == .below)
    #expect(verdict(-0.06, -0.01) == .below)
    #expect(verdict(-0.2, 0.04) == .open)
    #expect(verdict(-0.01, 0.06) == .open)
  }

  @Test("a row that sums up over clients is attacked as one update of all their examples")
  func clients() throws {
    let attacks = [AuditPlan.AttackRow(name: "says", attack: Says(label: 0), role: .attack)]
    let sum = AuditPlan.DefenseRow(name: "sum", defense: try SecureAggregation())
    var plan = try plan(attacks, [none, sum])
    #expect(throws: Fault.self) { try plan.check() }
    plan.clients = 3
    plan.images = [0, 3]
    let summary = try run(plan)
    #expect(summary.rows.map(\.evaluations) == [1, 3])
    #expect(summary.rows.map(\.failed) == [0, 0])
    let model = try plan.victim(0, 0, RandomKey(seed: 0))
    let norms = try [0, 3].map { first in
      try share(
        model, plan.data.slice(axis: 0, from: first, to: first + 3),
        Tensor((first..<first + 3).map { Int64($0 % 2) }, shape: [3]), key: RandomKey(seed: 0)
      ).norm
    }
    #expect(abs(summary.rows[1].sentNorm - (norms[0] + norms[1]) / 2) < 1e-4)
  }

  @Test("local steps send differences; the victim's round, accuracy and what it was trained on are with each cell")
  func victim() throws {
    let attacks = [
      AuditPlan.AttackRow(
        name: "mean", attack: try ClassMean(images(8), labels: [0, 1, 0, 1, 0, 1, 0, 1]), role: .control)
    ]
    var plan = try plan(attacks, [none])
    plan.round = 7
    plan.isTrainedOn = { $0 == 1 }
    let plain = try run(plan)
    plan.local = LocalSteps(steps: 4, rate: 0.01)
    let stepped = try run(plan)
    let ratio = stepped.rows[0].cleanNorm / plain.rows[0].cleanNorm
    #expect(abs(ratio - 0.04) < 0.002, "\(ratio)")
    let cells = plan.cells.compactMap { plain.results[$0.id] }
    #expect(cells.map(\.trainedOn) == [false, true, false])
    #expect(cells.allSatisfy { $0.round == 7 && ($0.accuracy ?? -1) >= 0 && ($0.accuracy ?? 2) <= 1 })
    #expect(plain.rows[0].chance == 0.25)
    #expect(plain.json.contains("\"trained_on\": true"))
  }

  @Test("identified is 1 where the image itself was found, and 0 for one of the others")
  func identified() throws {
    struct Copies: Attack {
      let image: Tensor
      var written: String { "copies()" }
      var threatModel: ThreatModel { ThreatModel(knows: []) }
      func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
        Leak(images: try image.unsqueeze(axis: 0), labels: [0], loss: 0)
      }
    }
    let attack = Copies(image: try images(8).select(axis: 0, index: 2))
    let summary = try run(plan([.init(name: "copies", attack: attack, role: .attack)], [none]))
    // Of the images 0, 1, 2 it is the last; image 1 has another label.
    #expect(abs(summary.rows[0].identified - 1 / 3.0) < 1e-12)
  }

  @Test("retrieval of a batch has one image for each label, and finds those that are public")
  func batches() throws {
    let net = try Model.lenet(classes: 10, key: testKey)
    let all = try Tensor.uniform([40, 1, 28, 28], key: testKey)
    let labels = (0..<40).map { $0 % 4 }
    let secret = [7, 12, 3]
    let y = try Tensor(secret.map { Int64(labels[$0]) }, shape: [3])
    let shared = try share(net, all.indexSelect(axis: 0, Tensor(secret.map(Int64.init), shape: [3])), y, key: testKey)
    let told = AttackSetting(key: testKey, labels: secret.map { labels[$0] })
    let found = try Retrieval(all, labels: labels).run(shared, net, told)
    let order = try pair(all.indexSelect(axis: 0, Tensor(secret.map(Int64.init), shape: [3])), found.images)
    let errors = try mse(
      all.indexSelect(axis: 0, Tensor(secret.map(Int64.init), shape: [3])),
      found.images.indexSelect(axis: 0, Tensor(order.map(Int64.init), shape: [3])))
    #expect(errors == [0, 0, 0])
  }

  @Test("the journal of an older Seep is refused in a sentence")
  func older() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("seep-\(UUID().uuidString).audit").path
    defer { unlink(path) }
    let cells = [AuditCell(id: 0, seed: 0, defense: 0, kind: .attack(0, image: 0))]
    _ = try Journal(path, manifest: [("model", "a")], cells: cells)
    var handle: OpaquePointer?
    try #require(sqlite3_open(path, &handle) == SQLITE_OK)
    try #require(sqlite3_exec(handle, "PRAGMA user_version = 0", nil, nil, nil) == SQLITE_OK)
    sqlite3_close(handle)
    let fault = #expect(throws: Fault.self) { _ = try Journal(path, manifest: [("model", "a")], cells: cells) }
    #expect(fault?.message.contains("an older Seep") == true)
  }
}
