// What an audit is set to beyond its rows: who sends (clients, local steps), what is known of the victim, the privacy of each row, and
// what a reader needs to compute it again.
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension AuditArguments {
  /// Which controls an audit adds by itself.
  enum Controls: String {
    case all, cheap, none
  }

  /// `controls`: true is "all", false none; a list of more comes with all.
  static func controls(_ call: Call) throws -> Controls {
    if let flag = call["controls"].asBool { return flag ? .all : .none }
    guard let word = call["controls"].asString else { return .all }
    guard let known = Controls(rawValue: word), known != .none else {
      throw call.fault(
        "unknown-option", "`controls` is true (\"all\"), \"cheap\", false, or a list of more, not \"\(word)\"",
        argument: "controls", help: "controls: \"cheap\"")
    }
    return known
  }

  /// What clients do beside one gradient.
  static func local(_ call: Call) throws -> LocalSteps? {
    let steps = try call.int("local_steps", in: 1...1_000_000)
    let (rate, batch) = (try call.optionalDouble("lr"), call.optionalValue("local_batch"))
    guard steps > 1 else {
      if rate != nil || batch != nil {
        throw call.fault(
          "wrong-arguments", "`lr` and `local_batch` are of local steps, and one step sends a gradient",
          argument: rate != nil ? "lr" : "local_batch", help: "local_steps: 5")
      }
      return nil
    }
    if let rate, !(rate > 0 && rate.isFinite) {
      throw call.fault("out-of-range", "`lr` must be positive, not \(rate)", argument: "lr")
    }
    return LocalSteps(
      steps: steps, rate: rate ?? 0.1, batch: batch == nil ? 0 : try call.int("local_batch", in: 1...Int.max))
  }

  /// `trained_on`: the parts the victim was trained on; an example of the data counts as such if its pixels are among them.
  static func trainedOn(_ call: Call, _ data: DataPart) throws -> (isKnown: (Int) -> Bool, mark: String)? {
    guard let value = call.optionalValue("trained_on") else { return nil }
    var digests: Set<String> = []
    func add(_ images: Tensor) throws {
      guard images.rank == data.images.rank else {
        throw call.fault("shape-mismatch", "`trained_on` holds images of another shape", argument: "trained_on")
      }
      for place in 0..<images.shape[0] {
        digests.insert(try Digest.of([images.select(axis: 0, index: place).converted(to: .float32)]))
      }
    }
    let parts = (value.asItems ?? [value]).map { $0.foreign(as: DataPart.self) }
    if value.asBool != false {
      for part in parts {
        guard let part else {
          throw call.fault(
            "type-mismatch",
            "`trained_on` is the part of a data set the victim was trained on, a list of parts, or false",
            argument: "trained_on", help: "trained_on: dataset(\"digits\").public")
        }
        try add(part.images)
      }
    }
    let images = try data.images.converted(to: .float32)
    let own = try (0..<images.shape[0]).map { digests.contains(try Digest.of([images.select(axis: 0, index: $0)])) }
    return ({ own.indices.contains($0) && own[$0] }, "\(digests.count) images, \(own.count { $0 }) of them in the data")
  }

  /// The privacy of each row, for `releases` updates of the victim's size.
  static func guaranteed(_ plan: AuditPlan, _ call: Call, _ model: Model) throws -> [AuditPlan.DefenseRow] {
    var question = PrivacyQuestion()
    question.delta = try call.double("delta")
    question.steps = try call.int("releases", in: 1...Int.max)
    question.batch = plan.batch
    let shapes = try model.parameters.tensors
    (question.tensors, question.numbers) = (shapes.count, shapes.reduce(0) { $0 + $1.size })
    guard question.delta > 0, question.delta < 1 else {
      throw call.fault("out-of-range", "`delta` lies between 0 and 1, and it is \(question.delta)", argument: "delta")
    }
    // What is done to single examples is done in every step.
    question.localSteps = plan.local?.steps ?? 1
    return try plan.defenses.map { row in
      var row = row
      guard let defense = row.defense else { return row }
      do {
        let found = try epsilon(defense, question)
        if plan.captured != nil, found.unit == .example {
          // Nobody can bound single examples in an update that has been sent.
          row.refusal = "\(defense.written) changes single examples, and the updates are captured"
        } else {
          row.guarantee = found
        }
      } catch let fault as Fault where ["no-privacy-bound", "needs-size"].contains(fault.code) {
        row.refusal = fault.message
      }
      return row
    }
  }

  /// What readers must know of the controls.
  static func remarks(_ plan: AuditPlan, _ call: Call, _ publicLabels: Set<Int>?) throws -> [String] {
    guard plan.attacks.contains(where: { $0.role == .attack }) else { return [] }
    let controls = try controls(call)
    var remarks: [String] = []
    let hasPublic = plan.attacks.contains { $0.attack is Retrieval || $0.attack is ClassMean }
    if controls == .none {
      remarks.append("No controls were run: nothing says how much of an image came from the update (`controls: true`).")
    } else if !hasPublic {
      let own = call["data"].foreign(as: DataPart.self)?.name.split(separator: ".").first ?? ""
      let example = Data.names.contains(String(own)) ? "dataset(\"\(own)\").public" : "a part of a data set"
      remarks.append(
        "No control saw public images (retrieval, class mean), so an image that is merely typical may count as a leak: pass `public: \(example)`."
      )
    }
    if controls == .cheap {
      remarks.append(
        "Null gradient and wrong image were run for attacks with a prior or public images only (`controls: \"cheap\"`)."
      )
    }
    if let publicLabels, plan.images.contains(where: { !publicLabels.contains(plan.labels[$0]) }) {
      remarks.append(
        "Some labels have no public image: for those, retrieval tries all public images and class mean is the mean of all."
      )
    }
    if plan.utility != nil, let steps = plan.defenses.lazy.compactMap({ $0.guarantee?.steps }).first {
      remarks.append(
        "ε is of \(steps == 1 ? "one update" : "\(steps) updates") (`releases`), not of the training whose utility stands beside it."
      )
    }
    return remarks
  }

  /// Versions of everything, and the checkout's commit where there is one.
  static func environment() -> [(name: String, value: String)] {
    var all: [(name: String, value: String)] = [("seep", version)]
    if let commit { all.append(("commit", commit)) }
    return all + ComputedWith.versions
  }

  /// Of the checkout that holds the library.
  private static var commit: String? {
    guard let folder = Home.folder else { return nil }
    func line(_ name: String) -> String? {
      guard let file = fopen("\(folder)/../.git/\(name)", "r") else { return nil }
      defer { fclose(file) }
      var buffer = [CChar](repeating: 0, count: 512)
      guard fgets(&buffer, 512, file) != nil else { return nil }
      let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    guard let head = line("HEAD") else { return nil }
    return head.hasPrefix("ref: ") ? line(String(head.dropFirst(5))) : head
  }

  /// The text of the caller's own functions, by what they are for.
  static func sources(_ plan: AuditPlan, _ call: Call) -> [(name: String, text: String)] {
    var all: [(name: String, text: String)] = []
    func add(_ name: String, _ text: String?) {
      if let text, !text.allSatisfy(\.isWhitespace) { all.append((name, text)) }
    }
    add("model", sourceText(call["model"], call.session))
    for row in plan.defenses {
      let own = (row.defense?.members ?? []).compactMap { ($0 as? FunctionDefense)?.source() }
      add("defense \(row.name)", own.isEmpty ? nil : own.joined(separator: "\n"))
    }
    for row in plan.attacks where row.role == .attack || row.role == .control {
      add("attack \(row.name)", (row.attack as? UserAttack).flatMap { sourceText($0.function, call.session) })
    }
    if let items = call["metrics"].asItems {
      for item in items {
        let function = item.asRecord?["metric"] ?? item
        add("metric \(function.functionName ?? "")", function.builtin == nil ? sourceText(function, call.session) : nil)
      }
    }
    add("utility", sourceText(call["utility"], call.session))
    return all
  }
}
