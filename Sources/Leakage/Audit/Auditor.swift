// Computes the cells of an audit that nobody has computed yet, one after the other, and journals each when it is done.
import Ground
import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One process at work on an audit.
public final class Auditor {
  let plan: AuditPlan
  let journal: Journal
  private let cells: [AuditCell]
  private let progress: any ProgressSink
  private var client: Client?
  private var sent: [Int: Result<Sent, any Error>] = [:]
  /// Cells that were open when this process began.
  private var open = 0
  private var current = ""
  private var lastBeat = now()
  private var lastLook = 0.0
  private var done = 0
  private var details: [String] = []

  /// The client of a seed and image.
  private struct Client {
    var seed: Int
    var image: Int
    var model: Model
    var accuracy: Double?
  }

  /// What it sends under a defense.
  private struct Sent {
    var update: Update
    var cleanNorm: Double
    var sentNorm: Double
    var binds: Bool?
    var mu: Double?
  }

  public init(_ plan: AuditPlan, _ journal: Journal, progress: any ProgressSink) {
    self.plan = plan
    self.journal = journal
    self.progress = progress
    cells = plan.cells
  }

  /// Computes until nothing is left, waiting for cells that others are at.
  /// - Returns: whether the person stopped it; the interrupt flag is then still set, and its owner clears it.
  public func run() throws -> Bool {
    open = try journal.remaining()
    defer { progress.finish("audit") }
    var last: AuditCell?
    while true {
      if Interrupt.isRequested { return true }
      switch try journal.claim(near: last) {
      case .finished: return false
      case .wait(let count):
        try report("waiting for \(count) \(count == 1 ? "cell" : "cells") of another process")
        usleep(100_000)
      case .cell(let id):
        guard cells.indices.contains(id) else { throw Fault("bad-file", "\(journal.database.path) has strange cells") }
        last = cells[id]
        do {
          let result = try compute(cells[id])
          guard let result else {
            try journal.release(id)
            return true
          }
          try journal.finish(id, result)
        } catch {
          _ = try? journal.release(id)
          throw error
        }
      }
    }
  }

  // MARK: Progress

  private func report(_ remark: String) throws {
    if now() - lastLook > 0.5 {
      lastLook = now()
      done = max(0, open - (try journal.remaining()))
      details = try table(journal.means(of: plan.metrics[0].name))
    }
    progress.report(ProgressReport("audit", done: done, total: open, remark: remark, details: details))
  }

  /// Defenses by attacks, as far as they are.
  private func table(_ means: [(defense: Int, attack: Int, mean: Double, count: Int)]) -> [String] {
    let attacks = plan.attacks.indices.filter { plan.attacks[$0].role == .attack }
    func pad(_ text: String, _ width: Int) -> String {
      text.count > width
        ? String(text.prefix(width - 1)) + "…" : text + String(repeating: " ", count: width - text.count)
    }
    let head = pad(plan.metrics[0].name, 30) + attacks.map { pad(plan.attacks[$0].name, 22) }.joined(separator: " ")
    return [head]
      + plan.defenses.indices.map { defense in
        pad(plan.defenses[defense].name, 30)
          + attacks.map { attack in
            let known = means.first { $0.defense == defense && $0.attack == attack && $0.count > 0 }
            return pad(known.map { "\(fixed($0.mean)) (\($0.count))" } ?? "…", 22)
          }.joined(separator: " ")
      }
  }

  /// What an attack reports, as a remark on the audit.
  private final class Inner: ProgressSink {
    let show: (String) -> Void
    init(_ show: @escaping (String) -> Void) { self.show = show }
    func report(_ report: ProgressReport) {
      show(report.total > 0 ? "\(report.done)/\(report.total)" : report.done > 0 ? "\(report.done)" : report.remark)
    }
    func finish(_ name: String) {}
  }

  // MARK: One cell

  /// nil where it was stopped. What goes wrong inside a cell is the cell's result.
  private func compute(_ cell: AuditCell) throws -> CellResult? {
    let defense = plan.defenses[cell.defense].name
    current =
      cell.attack.map { "\(defense), \(plan.attacks[$0].name), image \(cell.image ?? 0)" } ?? "\(defense), utility"
    if plan.seeds.count > 1 { current += ", seed \(cell.seed)" }
    try report(current)
    do {
      guard let attack = cell.attack, let image = cell.image else { return try utility(cell) }
      return try result(cell, attack, image)
    } catch {
      if (error as? Fault) == .interrupted || Interrupt.isRequested { return nil }
      var result = CellResult()
      result.problem = plan.explain(error)
      return result
    }
  }

  private func utility(_ cell: AuditCell) throws -> CellResult {
    var result = CellResult()
    let began = now()
    let key = RandomKey(seed: cell.seed).derive("audit").derive("utility")
    for (name, value) in try plan.utility?(cell.defense, cell.seed, key) ?? [] { result.scores[name] = value }
    result.seconds = now() - began
    return result
  }

  private func result(_ cell: AuditCell, _ place: Int, _ image: Int) throws -> CellResult? {
    let row = plan.attacks[place]
    let key = plan.attackKey(seed: cell.seed, image: image)
    let examples = plan.examples(image, cell.defense)
    let truth = examples.map { plan.labels[$0] }
    if row.role == .control, let known = try journal.sibling(of: cell) { return known }
    let model = try victim(cell.seed, image)
    let sent = try sent(cell.defense, cell.seed, image, model)

    var labels = plan.tellsLabels ? truth : nil
    if let needs = cell.needs {
      guard let base = try journal.result(of: needs), base.problem == nil else {
        throw Fault("no-leak", AuditSummary.orphan)
      }
      labels = base.labels
    }
    var leak: Leak?
    try plan.drawing(key.derive("functions")) {
      let inner = Inner { [weak self] remark in self?.tell(cell.id, remark) }
      let setting = AttackSetting(key: key, labels: labels, progress: inner)
      if case .oracle = row.role {
        leak = try oracle(row.attack, image, of: examples.count, setting)
      } else {
        leak = try row.attack.run(given(row.role, sent.update, model, cell, image), model, setting)
      }
    }
    guard let leak, !leak.interrupted else { return nil }

    var result = CellResult()
    result.labels = leak.labels
    result.hit = leak.labels.count == truth.count ? try labelAccuracy(leak.labels, truth) : 0
    result.accuracy = client?.accuracy
    result.round = plan.round
    result.trainedOn = plan.isTrainedOn.map { isKnown in examples.contains(where: isKnown) }
    (result.loss, result.evaluations, result.seconds) = (leak.loss, leak.evaluations, leak.seconds)
    (result.cleanNorm, result.sentNorm, result.binds, result.mu) = (sent.cleanNorm, sent.sentNorm, sent.binds, sent.mu)
    let found = try paired(shown(leak.images), examples)
    try plan.drawing(key.derive("metrics")) {
      for metric in plan.metrics {
        let values = try found.map { try metric.value(plan.data.select(axis: 0, index: $0.example), $0.image) }
        result.scores[metric.name] = values.reduce(0, +) / Double(values.count)
      }
    }
    for (name, value) in try pointed(found) { result.scores[name] = value }
    // Of several draws for one image, the first is kept to be looked at.
    let kept = try found.prefix(examples.count).map { try $0.image.unsqueeze(axis: 0) }
    let images = try Tensor.concat(kept, axis: 0)
    (result.shape, result.pixels) = (images.shape, try images.floats())
    return result
  }

  /// Does what was found point at the private image, among the private images of its class, or at the person?
  private func pointed(_ found: [(example: Int, image: Tensor)]) throws -> [String: Double] {
    var all: [String: [Double]] = [:]
    let own = AuditSummary.identified
    if !plan.metrics.contains(where: { $0.name == own }) {
      for (example, image) in found {
        let places = plan.labels.indices.filter { plan.labels[$0] == plan.labels[example] }
        guard places.count > 1, let truth = places.firstIndex(of: example) else { continue }
        let gallery = try plan.data.indexSelect(axis: 0, labelTensor(places))
        let answer = try identify(image, in: gallery, truth: truth)
        all[own, default: []].append(answer.hit ? 1 : 0)
        all[AuditSummary.chance, default: []].append(answer.chance)
      }
    }
    for (example, image) in plan.reidentifies ? found : [] {
      guard plan.labels.indices.contains(where: { $0 != example && plan.labels[$0] == plan.labels[example] }) else {
        continue
      }
      let answer = try reidentify(image, in: plan.data, people: plan.labels, truth: example)
      all[AuditSummary.reidentified, default: []].append(answer.hit ? 1 : 0)
      all[AuditSummary.reidentifiedChance, default: []].append(answer.chance)
    }
    return all.mapValues { $0.reduce(0, +) / Double($0.count) }
  }

  private func tell(_ id: Int, _ remark: String) {
    if now() - lastBeat > 20 {
      lastBeat = now()
      try? journal.beat(id)
    }
    try? report("\(current): \(remark)")
  }

  // MARK: Clients

  private func victim(_ seed: Int, _ image: Int) throws -> Model {
    if let client, client.seed == seed, client.image == image { return client.model }
    let model = try plan.victim(seed, image, AuditPlan.victimKey(seed: seed, image: image))
    try model.build(for: Array(plan.data.shape.dropFirst()))
    // How well it knows the private data: on the first of it, the same for all images.
    let count = min(plan.labels.count, 500)
    let accuracy = try? model.accuracy(
      on: plan.data.slice(axis: 0, from: 0, to: count), labels: labelTensor(Array(plan.labels.prefix(count))))
    client = Client(seed: seed, image: image, model: model, accuracy: accuracy)
    sent = [:]
    return model
  }

  private func sent(_ defense: Int, _ seed: Int, _ image: Int, _ model: Model) throws -> Sent {
    if let known = sent[defense] { return try known.get() }
    let made = Result { try make(defense, seed, image, model) }
    if case .failure(let error) = made, (error as? Fault) == .interrupted { throw error }
    sent[defense] = made
    return try made.get()
  }

  private func make(_ row: Int, _ seed: Int, _ image: Int, _ model: Model) throws -> Sent {
    let key = plan.key(seed: seed, image: image).derive("share")
    let (defense, examples) = (plan.defenses[row].defense, plan.examples(image, row))
    if let captured = plan.captured?[image] {
      let sent = try defended(captured, defense, key)
      return Sent(update: sent, cleanNorm: try captured.norm, sentNorm: try sent.norm, binds: nil, mu: nil)
    }
    let clean = try clientUpdate(model, plan.data, plan.labels, examples, defense: nil, local: plan.local, key: key)
    guard let defense else {
      return Sent(update: clean, cleanNorm: try clean.norm, sentNorm: try clean.norm, binds: nil, mu: nil)
    }
    let update = try send(examples, defense, key, model)
    var (binds, mu): (Bool?, Double?) = (nil, nil)
    try plan.drawing(key.derive("functions")) {
      binds = try clippingBinds(
        model, plan.data, plan.labels, Array(examples.prefix(plan.batch)), defense: defense, local: plan.local, key: key
      )
    }
    if examples.count == 1 {
      try plan.drawing(key.derive("functions")) {
        mu = try discriminability(
          model, plan.data, plan.labels, image, defense: defense, local: plan.local, key: key)
      }
    }
    return Sent(update: update, cleanNorm: try clean.norm, sentNorm: try update.norm, binds: binds, mu: mu)
  }

  /// A captured update after a defense that is put on afterwards.
  private func defended(_ update: Update, _ defense: (any Defense)?, _ key: RandomKey) throws -> Update {
    var sent = update
    try plan.drawing(key.derive("functions")) { if let defense { sent = try defense.defend(update, key: key) } }
    return sent
  }

  private func send(_ examples: [Int], _ defense: (any Defense)?, _ key: RandomKey, _ model: Model) throws -> Update {
    var update: Update?
    func one(_ places: [Int], _ defense: (any Defense)?, _ key: RandomKey) throws -> Update {
      try clientUpdate(model, plan.data, plan.labels, places, defense: defense, local: plan.local, key: key)
    }
    try plan.drawing(key.derive("functions")) {
      guard let defense, let place = defense.members.firstIndex(where: { $0 is SecureAggregation }) else {
        update = try one(examples, defense, key)
        return
      }
      // Each client defends its own batch; the rest happens to the sum.
      let before = place == 0 ? nil : Chain(Array(defense.members[..<place]))
      let each = try (0..<examples.count / plan.batch).map { client in
        try one(Array(examples[client * plan.batch..<(client + 1) * plan.batch]), before, key.derive(client))
      }
      update = try Chain(Array(defense.members[place...])).defend(all: each, key: key.derive("sum")).first
      update?.defense = defense
    }
    guard let update else { throw Fault.interrupted }
    return update
  }

  /// What the attack of a row is given.
  private func given(_ role: AuditRole, _ update: Update, _ model: Model, _ cell: AuditCell, _ image: Int) throws
    -> Update
  {
    let key = plan.key(seed: cell.seed, image: image)
    switch role {
    case .attack, .control, .oracle: return update
    case .null:
      return try update.sparsity > 0
        ? nullGradientWithZeros(update, key: key.derive("null")) : nullGradient(update, key: key.derive("null"))
    case .wrong:
      if let captured = plan.captured?[image] {
        let (places, key) = (try wrongExamples(image, cell.defense), key.derive("wrong"))
        let own = try Canary.own(
          captured, model, plan.data.indexSelect(axis: 0, labelTensor(places)),
          labelTensor(places.map { plan.labels[$0] }),
          captured.mode)
        return try defended(own, plan.defenses[cell.defense].defense, key)
      }
      return try send(
        wrongExamples(image, cell.defense), plan.defenses[cell.defense].defense, key.derive("wrong"), model)
    }
  }

  /// The nearest image that the prior can make.
  private func oracle(_ attack: any Attack, _ image: Int, of count: Int, _ setting: AttackSetting) throws -> Leak {
    guard let ggl = attack as? GGL, count == 1 else {
      throw Fault("out-of-range", "the inversion of the prior is of one image, and the update is of \(count)")
    }
    let began = now()
    let label = plan.labels[image]
    let found = try priorInversion(
      ggl.prior, plan.data.select(axis: 0, index: image), label: label, search: ggl.search, key: setting.key
    ) { done, total, _ in setting.progress.report(ProgressReport("oracle", done: done, total: total)) }
    var leak = Leak(
      images: try found.image.unsqueeze(axis: 0), labels: [label], loss: found.result.value,
      evaluations: found.result.evaluations, interrupted: found.result.interrupted)
    leak.seconds = now() - began
    return leak
  }

  /// For each example the next one of its class that is not in the batch.
  private func wrongExamples(_ image: Int, _ defense: Int) throws -> [Int] {
    let own = plan.examples(image, defense)
    var taken = Set(own)
    return try own.map { place in
      let order = (1..<max(2, plan.labels.count)).map { (place + $0) % plan.labels.count }
      guard let other = order.first(where: { plan.labels[$0] == plan.labels[place] && !taken.contains($0) }) else {
        throw Fault("no-such-class", "no other example has the label \(plan.labels[place])")
      }
      taken.insert(other)
      return other
    }
  }

  // MARK: Pictures

  /// As they are shown: pixels kept in 0…1, and those that are not numbers black.
  private func shown(_ images: Tensor) throws -> Tensor {
    let values = try images.converted(to: .float32).floats().map { $0.isNaN ? 0 : min(max($0, 0), 1) }
    return try Tensor(values, shape: images.shape)
  }

  /// Each recovered image with the example it is compared with: of a batch the best assignment; of one example, all that was found.
  private func paired(_ images: Tensor, _ examples: [Int]) throws -> [(example: Int, image: Tensor)] {
    let each = try (0..<images.shape[0]).map { try images.select(axis: 0, index: $0) }
    if examples.count == 1 { return each.map { (examples[0], $0) } }
    guard each.count == examples.count else {
      throw Fault("shape-mismatch", "\(each.count) images were found for a batch of \(examples.count)")
    }
    let order = try pair(plan.data.indexSelect(axis: 0, labelTensor(examples)), images)
    return zip(examples, order).map { ($0, each[$1]) }
  }
}
