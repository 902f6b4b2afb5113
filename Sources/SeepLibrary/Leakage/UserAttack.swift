// Attacks written in Seep: a function of what was shared and the model. It is given what its threat model declares, hands over the
// best so far by `report`, and returns an image, a batch, a record or a leak.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

/// `attack("mine", run: (shared, model) => …)`, or a plain function where an attack is wanted.
struct UserAttack: Attack, @unchecked Sendable {  // Seep's evaluation is single threaded
  let written: String
  let threatModel: ThreatModel
  let function: Value
  unowned let session: Session
  /// The attack at another level of knowledge, where it was made to adapt.
  var again: ((Knowledge) throws -> (any Attack)?)?

  /// What a function is taken to know if it does not say.
  static let usual: [ThreatModel.Fact] = [.exampleCount, .imageShape]

  init(written: String, knows: [ThreatModel.Fact] = UserAttack.usual, _ function: Value, _ session: Session) {
    self.written = written
    threatModel = ThreatModel(knows: knows)
    self.function = function
    self.session = session
  }

  func adapting(_ knowledge: Knowledge) -> (any Attack)? { try? again?(knowledge) }

  /// An attack that knows of local steps can make something of what several have changed.
  var accepts: Accepted { threatModel.knows.contains(.localSteps) ? .differences : [] }

  func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    if threatModel.knows.contains(.imageShape), model.inputShape == nil {
      throw Fault("model-not-built", "\(written) needs the shape of an example, and \(model.written) has not met one")
    }
    try seen.checkForm(against: model)
    let runs = AttackRuns.of(session)
    let run = AttackRun(self, seen, model, setting)
    runs.open.append(run)
    defer { runs.open.removeLast() }
    var shown = seen
    shown.sight = Sight(knows: threatModel.knows, labels: setting.labels)
    do {
      let given = [Value(UpdateValue(shown)), Value(ModelValue(model))]
      return try run.leak(session.invoke(function, given, drawingFrom: setting.key))
    } catch let fault as Fault where fault == .interrupted {
      guard let best = run.best else { throw fault }
      return run.leak(best, interrupted: true)
    }
  }
}

/// The attacks written in Seep that are running now, innermost last.
final class AttackRuns {
  var open: [AttackRun] = []
  static func of(_ session: Session) -> AttackRuns { session.attachment(AttackRuns.self) { AttackRuns() } }

  /// Counts gradients of candidates that were computed for the running attack.
  static func count(_ candidates: Int, in session: Session) { of(session).open.last?.gradients += candidates }
}

/// One run of an attack written in Seep.
final class AttackRun {
  struct Found {
    var images: Tensor
    var labels: [Int]?
    var loss: Double?
  }

  let attack: UserAttack
  let seen: Update
  let model: Model
  let setting: AttackSetting
  private(set) var best: Found?
  private(set) var history: [Double] = []
  /// What it was told, or else what the gradient shows: known before anything can be interrupted.
  private let usualLabels: [Int]
  private var reports = 0
  var gradients = 0

  init(_ attack: UserAttack, _ seen: Update, _ model: Model, _ setting: AttackSetting) {
    self.attack = attack
    self.seen = seen
    self.model = model
    self.setting = setting
    usualLabels = setting.labels ?? (try? LabelRule.combined.infer(seen)) ?? []
  }

  // MARK: Best so far

  /// Keeps what has a smaller loss than all before; without a loss, the latest.
  func report(_ found: Found, done: Int, total: Int, remark: String) {
    reports += 1
    let isBetter = found.loss.map { !$0.isNaN && $0 < best?.loss ?? .infinity } ?? true
    if isBetter { best = found }
    if let loss = best?.loss { history.append(loss) }
    var words = best?.loss.map { ["loss \(Float($0))"] } ?? []
    if !remark.isEmpty { words.insert(remark, at: 0) }
    setting.progress.report(
      ProgressReport(
        attack.written, done: done, total: total, remark: words.joined(separator: ", "),
        preview: best.map { Preview(of: $0.images) }))
  }

  /// What an attack within this one found before it was stopped, unless there is something better.
  func adopt(_ leak: Leak) {
    if best == nil { best = Found(images: leak.images, labels: leak.labels, loss: leak.loss) }
  }

  private var evaluations: Int { gradients > 0 ? gradients : reports }

  func leak(_ found: Found, interrupted: Bool = false) -> Leak {
    let labels = found.labels ?? usualLabels
    let loss = found.loss ?? (interrupted ? nil : try? distance(found.images, labels)) ?? .nan
    return Leak(
      images: found.images, labels: labels, loss: loss, history: history, evaluations: evaluations,
      interrupted: interrupted)
  }

  /// The squared distance of the gradients, for a function that gives no loss.
  private func distance(_ images: Tensor, _ labels: [Int]) throws -> Double {
    let targets = try Tensor(labels.map(Int64.init), shape: [labels.count])
    let gradient = try model.gradient(Variable(images), .classes(targets))
    return try Matching(seen.asGradient)(gradient.values.map { try $0.unsqueeze(axis: 0) }).sum().value.item()
  }

  /// Why no candidate can be compared with the update, if none can.
  private func immeasurable() -> Fault? {
    guard let norm = try? seen.norm, let dtype = seen.tensors.first?.dtype else { return nil }
    guard !(dtype == .float32 ? Float(norm * norm).isFinite : (norm * norm).isFinite) else { return nil }
    return Fault(
      "diverged", "\(attack.written) found nothing: the update is so large that no distance to it is a number",
      notes: ["Its norm is \(Float(norm)), and the square of that is beyond \(dtype.name)."])
  }

  // MARK: What the function returned

  func leak(_ result: Value) throws -> Leak {
    if result.isNone {
      guard let best else {
        if reports > 0 {
          throw Fault(
            "diverged", "\(attack.written) found no image with a finite loss: it reported \(reports) of nan or inf")
        }
        if let reason = immeasurable() { throw reason }
        throw Fault(
          "no-leak", "\(attack.written) returned nothing and reported nothing",
          notes: ["An attack returns an image, or reports what it finds."],
          help: "report(image, loss: loss)")
      }
      return leak(best)
    }
    if let leak = result.foreign(as: LeakValue.self)?.leak {
      return leak
    }
    guard let record = result.asRecord else { return leak(Found(images: try images(result), labels: nil, loss: nil)) }
    let known = ["image", "images", "label", "labels", "loss", "history", "evaluations"]
    // What `minimize` returns has `point` and `steps`.
    if let odd = record.names.first(where: { !(known + ["point", "steps"]).contains($0) }) {
      throw Fault(
        "unknown-field", "\(attack.written) returned a record with a field `\(odd)` that no leak has",
        notes: ["A leak has \(known.map { "`\($0)`" }.joined(separator: ", "))."],
        help: nearestName(to: odd, among: known))
    }
    var found: Found
    if let value = record["images"] ?? record["image"] ?? record["point"] {
      found = Found(images: try images(value), labels: nil, loss: nil)
    } else if let best {
      found = best
    } else {
      throw Fault("no-leak", "\(attack.written) returned a record without `image` or `images`")
    }
    if let value = record["labels"] ?? record["label"] { found.labels = try AttackRun.labels(value, attack.written) }
    if let value = record["loss"] { found.loss = try number(value, "loss") }
    var leak = leak(found)
    if let value = record["history"] {
      leak.history = try (value.asItems ?? []).map { try number($0, "history") }
    }
    if let value = record["evaluations"] { leak.evaluations = Int(try number(value, "evaluations")) }
    return leak
  }

  private func number(_ value: Value, _ name: String) throws -> Double {
    if let number = value.asDouble ?? value.foreign(as: TensorValue.self)?.numberValue { return number }
    throw Fault("type-mismatch", "the `\(name)` that \(attack.written) returned is \(described(value)), not a number")
  }

  /// An image, a batch or a list of images as a batch of the model's input shape.
  func images(_ value: Value) throws -> Tensor {
    let wanted = model.inputShape
    let shapes = wanted.map { "\(written($0)), or a batch of such" } ?? "an image"
    func wrong(_ what: String) -> Fault {
      Fault(
        "not-an-image", "\(attack.written) gave \(what) where an image of shape \(shapes) is needed",
        notes: ["An attack returns an image, a batch, or a record with `image` or `images`."])
    }
    if let items = value.asItems {
      let parts = try items.map { try images($0) }
      guard !parts.isEmpty else { throw wrong("an empty list") }
      return try Tensor.concat(parts, axis: 0)
    }
    guard let tensor = value.foreign(as: TensorValue.self)?.tensor else { throw wrong(described(value)) }
    let single = wanted.map { tensor.shape == $0 } ?? (tensor.rank < 4)
    let batch = single ? try tensor.unsqueeze(axis: 0) : tensor
    guard tensor.dtype.isFloat, batch.shape[0] > 0, wanted == nil || Array(batch.shape.dropFirst()) == wanted else {
      throw wrong("a tensor of \(tensor.dtype.name) and shape \(written(tensor.shape))")
    }
    return batch
  }

  static func labels(_ value: Value, _ who: String) throws -> [Int] {
    if let one = value.asInt { return [one] }
    if let tensor = value.foreign(as: TensorValue.self)?.tensor, !tensor.dtype.isFloat { return try tensor.integers() }
    if let items = value.asItems {
      let ints = items.compactMap(\.asInt)
      if ints.count == items.count { return ints }
    }
    throw Fault(
      "type-mismatch", "the labels that \(who) gave are \(described(value)), not ints", help: "argmax(logits, axis: 1)")
  }
}
