// What an audit is asked for, read from a call: rows, metrics, victims, and the manifest that says it all in words.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

enum AuditArguments {
  static let version = "0.1.0"
  /// Metrics of which less is better.
  static let lowerIsBetter: Set<String> = ["mse", "lpips", "tv", "representation_mse", "feature_mse"]

  // MARK: Rows

  /// `clip(4)`, a function, `none`, or a record {name, defense, adapt}.
  static func defenses(_ call: Call) throws -> [AuditPlan.DefenseRow] {
    try rows(call, "defenses").map { item in
      let record = item.asRecord
      let value = record.map { $0["defense"] ?? .none } ?? item
      if let record { try known(record, ["name", "defense", "adapt"], call, "defenses") }
      var defense: (any Defense)?
      if !value.isNone {
        defense = try Defenses.defense(value, call.session, adapt: record?["adapt"])
        guard defense != nil else {
          throw call.fault(
            "type-mismatch",
            "`defenses` lists defenses, functions from an update to an update, and none, not \(described(value))",
            argument: "defenses", help: "[none, clip(4), noise(0.01) >> prune(0.9)]")
        }
      }
      return AuditPlan.DefenseRow(
        name: record?["name"]?.asString ?? defense?.written ?? "none", defense: defense,
        fingerprint: fingerprint(defense))
    }
  }

  private static func fingerprint(_ defense: (any Defense)?) -> String {
    let sources = (defense?.members ?? []).compactMap { ($0 as? FunctionDefense)?.source() }
    return sources.isEmpty ? "" : Digest.of(sources.joined(separator: "\n"))
  }

  /// `ggl(…)`, a function, or a record {name, attack, control}; with the controls that belong to them.
  static func attacks(_ call: Call) throws -> [AuditPlan.AttackRow] {
    var rows: [AuditPlan.AttackRow] = []
    let levels = try levels(call)
    func add(_ item: Value, isControl: Bool) throws {
      let argument = isControl ? "controls" : "attacks"
      let record = item.asRecord
      if let record { try known(record, ["name", "attack", "run", "control"], call, argument) }
      let value = record.map { $0["attack"] ?? $0["run"] ?? .none } ?? item
      guard let attack = try AttackKinds.attack(value, call.session) else {
        throw call.fault(
          "type-mismatch", "`\(argument)` lists attacks and functions of (shared, model), not \(described(value))",
          argument: argument, help: isControl ? "[retrieval(data)]" : "[dlg(), inverting_gradients()]")
      }
      let control = isControl || attack.isControl || record?["control"]?.asBool == true
      for variant in levels.isEmpty || control ? [attack] : levels.map({ attack.adapting($0) ?? attack }) {
        let name = record?["name"]?.asString.map {
          variant.written == attack.written ? $0 : "\($0), \(variant.written)"
        }
        if rows.contains(where: { $0.name == name ?? variant.written }), name == nil, !levels.isEmpty { continue }
        rows.append(
          try AuditPlan.AttackRow(
            name: name ?? variant.written, attack: variant, role: control ? .control : .attack,
            fingerprint: fingerprint(variant)))
      }
    }
    for item in try Self.rows(call, "attacks") { try add(item, isControl: false) }

    // Controls: what any attacker could have drawn without the update.
    let kind = try controls(call)
    if call["controls"].asBool == nil, call["controls"].asString == nil {
      for item in try Self.rows(call, "controls") { try add(item, isControl: true) }
    }
    guard kind != .none else { return rows }
    let own = rows.indices.filter { rows[$0].role == .attack }
    func addOnce(_ attack: any Attack) throws {
      if rows.contains(where: { $0.name == attack.written }) { return }
      rows.append(
        try AuditPlan.AttackRow(name: attack.written, attack: attack, role: .control, fingerprint: fingerprint(attack)))
    }
    for ggl in own.compactMap({ rows[$0].attack as? GGL }) { try addOnce(PriorOnly(ggl.prior)) }
    if call.optionalValue("public") != nil {
      let data = try Data.part(call, "public")
      try addOnce(Retrieval(data.images, labels: data.labels.integers()))
      try addOnce(ClassMean(data.images, labels: data.labels.integers()))
    }
    var bounded: Set<String> = []
    for index in own {
      let base = rows[index]
      func add(_ role: AuditRole, _ name: String) {
        rows.append(
          AuditPlan.AttackRow(
            name: "\(name): \(base.name)", attack: base.attack, role: role, fingerprint: base.fingerprint))
      }
      // The prior's own inversion is of one image.
      if try call.int("batch") == 1, let ggl = base.attack as? GGL,
        bounded.insert(base.fingerprint + ggl.search.written).inserted
      {
        add(.oracle(of: index), "oracle")
      }
      let knows = base.attack.threatModel.knows
      if kind == .all || knows.contains(.prior) || knows.contains(.publicImages) {
        add(.null(of: index), "null gradient")
        add(.wrong(of: index), "wrong image")
      }
    }
    return rows
  }

  private static func fingerprint(_ attack: any Attack) throws -> String {
    if let own = attack as? UserAttack { return Digest.of(sourceText(own.function, own.session) ?? "") }
    return attack.ingredients.isEmpty ? "" : try Digest.of(attack.ingredients)
  }

  private static func levels(_ call: Call) throws -> [Knowledge] {
    guard let value = call.optionalValue("adapt") else { return [] }
    return try (value.asItems ?? [value]).map { item in
      if let level = item.asString.flatMap(Knowledge.init(rawValue:)) { return level }
      throw call.fault(
        "unknown-option",
        "`adapt` says what attackers know of the defense: \(Knowledge.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))",
        argument: "adapt", help: "adapt: [\"known\", \"estimated\"]")
    }
  }

  /// One value, or a list of them.
  private static func rows(_ call: Call, _ name: String) throws -> [Value] {
    let items = call[name].isList || call[name].isTuple ? try call.list(name) : [call[name]]
    if items.isEmpty {
      throw call.fault("empty", "`\(name)` of `\(call.name)` is empty", argument: name)
    }
    return items
  }

  private static func known(_ record: Record, _ names: [String], _ call: Call, _ argument: String) throws {
    if let odd = record.names.first(where: { !names.contains($0) }) {
      throw call.fault(
        "unknown-field", "a row of `\(argument)` has \(names.map { "`\($0)`" }.joined(separator: ", ")), not `\(odd)`",
        argument: argument, help: nearestName(to: odd, among: names))
    }
  }

  // MARK: Metrics

  /// `ssim`, "ssim", a function of (private, recovered), or a record {name, metric, lower}.
  static func metrics(_ call: Call) throws -> [AuditPlan.Metric] {
    let items =
      call.optionalValue("metrics") == nil ? [Value("ssim"), Value("psnr")] : try Self.rows(call, "metrics")
    return try items.map { item in
      let record = item.asRecord
      if let record { try known(record, ["name", "metric", "lower"], call, "metrics") }
      var function = record?["metric"] ?? item
      if let name = function.asString {
        guard let value = call.session.lookup(name), value.isPlainFunction else {
          throw call.fault(
            "unknown-option", "there is no metric \"\(name)\"", argument: "metrics", help: "[ssim, psnr]")
        }
        function = value
      }
      guard function.isCallable else {
        throw call.fault(
          "type-mismatch", "`metrics` lists functions of (private, recovered), not \(described(function))",
          argument: "metrics", help: "[ssim, psnr]")
      }
      let name = record?["name"]?.asString ?? function.functionName ?? "metric"
      return AuditPlan.Metric(
        name: name, higherIsBetter: record?["lower"]?.asBool.map { !$0 } ?? !lowerIsBetter.contains(name),
        fingerprint: sourceText(function, call.session).map { Digest.of($0) } ?? ""
      ) { [unowned session = call.session] truth, found in
        let given = [truth, found].map { Value(TensorValue(Variable($0))) }
        let result = try session.invoke(function, given)
        guard
          let number = result.asDouble ?? result.asBool.map({ $0 ? 1 : 0 })
            ?? result.foreign(as: TensorValue.self)?.numberValue
        else {
          throw Fault("type-mismatch", "the metric \(name) returned \(described(result)), not a number")
        }
        return number
      }
    }
  }

  // MARK: Known pairs

  /// `canary: {shared:, x:, y:}`: what the client computed for a known example, compared with Seep's own before anything is attacked.
  static func canary(_ call: Call, isFresh: Bool) throws -> String? {
    guard let value = call.optionalValue("canary") else { return nil }
    guard let record = value.asRecord, let update = record["shared"]?.foreign(as: UpdateValue.self)?.update,
      let x = record["x"]?.foreign(as: TensorValue.self)?.tensor, let y = record["y"], record.count == 3
    else {
      throw call.fault(
        "type-mismatch", "`canary` is a record of an update and the example it was computed from", argument: "canary",
        help: "canary: {shared: shared, x: x, y: y}")
    }
    guard !isFresh, let model = call["model"].foreign(as: ModelValue.self)?.model else {
      throw call.fault(
        "bad-argument", "a canary is of one model, and `model` makes a new one for each image", argument: "canary")
    }
    let labels = try AttackRun.labels(y, "the canary")
    let (shared, own) = try update.fitted(to: model)
    let found = try Canary(shared, own, x, Tensor(labels.map(Int64.init), shape: [labels.count]))
    return "cosine \(Float(found.cosine)), scale \(Float(found.scale))"
  }

  /// `captured: [u0, u1, …]`: what clients have sent of the images, in their order, and the model with the clients' normalisation.
  static func captured(_ call: Call, _ images: [Int], batch: Int, isFresh: Bool) throws -> (
    updates: [Int: Update], model: Model
  )? {
    guard call.optionalValue("captured") != nil else { return nil }
    let updates = try rows(call, "captured").map { item in
      guard let update = item.foreign(as: UpdateValue.self)?.update else {
        throw call.fault(
          "type-mismatch", "`captured` lists updates, not \(described(item))", argument: "captured",
          help: "[load(\"update.safetensors\")]")
      }
      return update
    }
    guard !isFresh, let model = call["model"].foreign(as: ModelValue.self)?.model else {
      throw call.fault(
        "bad-argument", "captured updates are of one model, and `model` makes a new one for each image",
        argument: "captured")
    }
    guard updates.count == images.count, try call.ints("seeds").count == 1 else {
      throw call.fault(
        "bad-argument",
        "`captured` has one update for each of `images` and one seed: there are \(updates.count) updates of \(images.count)",
        argument: "captured", help: "images: \(updates.count)")
    }
    if let odd = updates.first(where: { $0.examples != batch }) {
      throw call.fault(
        "bad-argument", "an update of \(odd.examples) examples is captured, and `batch` is \(batch)", argument: "batch",
        help: "batch: \(odd.examples)")
    }
    if updates.contains(where: { $0.normalisation != updates[0].normalisation }) {
      throw call.fault("bad-argument", "captured updates of one audit have one normalisation", argument: "captured")
    }
    let fitted = try updates.map { try $0.fitted(to: model) }
    return (
      Dictionary(zip(images, fitted.map(\.update)), uniquingKeysWith: { first, _ in first }), fitted[0].model
    )
  }

  // MARK: Images, seeds, victims

  /// - Parameter batch: examples that one of `images` stands for.
  static func images(_ call: Call, _ count: Int, batch: Int) throws -> [Int] {
    if let wanted = call["images"].asInt {
      guard wanted >= 1, wanted * batch <= count else {
        throw call.fault(
          "out-of-range", "`images` must be from 1 to \(count / max(batch, 1)) here, not \(wanted)", argument: "images")
      }
      return (0..<wanted).map { $0 * batch }
    }
    return try call.list("images").map { item in
      guard let index = item.asInt else {
        throw call.fault("type-mismatch", "`images` is a number of images or their indices", argument: "images")
      }
      return index
    }
  }

  /// A model, or a function from a seed to a model: a fresh victim for each image.
  static func victim(_ call: Call) throws -> (isFresh: Bool, make: (Int, Int, RandomKey) throws -> Model) {
    let value = call["model"]
    if let model = value.foreign(as: ModelValue.self)?.model { return (false, { _, _, _ in model }) }
    guard value.isPlainFunction else {
      throw call.fault(
        "type-mismatch", "`model` must be a model, or a function from a seed to a model, not \(described(value))",
        argument: "model", help: "model: seed => lenet()")
    }
    return (
      true,
      { [unowned session = call.session] seed, image, key in
        let given = value.builtin == nil ? [Value(seed * 1_000_003 + image)] : []
        let made = try session.invoke(value, given, drawingFrom: key)
        guard let model = made.foreign(as: ModelValue.self)?.model else {
          throw Fault("type-mismatch", "`model` must return a model, and it returned \(described(made))")
        }
        return model
      }
    )
  }

  /// How well a model learns under a defense: a function of the defense, or a record of numbers by the defenses' names.
  static func utility(_ call: Call, _ defenses: [AuditPlan.DefenseRow]) throws -> AuditPlan.Utility? {
    let value = call["utility"]
    if value.asBool == false || value.isNone { return nil }
    if value.asBool == true { return try federated(call, defenses) }
    if let record = value.asRecord {
      for name in record.names where !defenses.contains(where: { $0.name == name }) {
        throw call.fault(
          "unknown-field", "`utility` names \"\(name)\", which is none of the defenses", argument: "utility",
          help: nearestName(to: name, among: defenses.map(\.name)))
      }
      return { defense, _, _ in try record[defenses[defense].name].map { try numbers($0) } ?? [] }
    }
    guard value.isCallable else {
      throw call.fault(
        "type-mismatch",
        "`utility` must be a function of a defense, or a record of numbers by the defenses' names, not \(described(value))",
        argument: "utility", help: "utility: defense => accuracy(train_under(defense), digits.test)")
    }
    return { [unowned session = call.session] defense, _, key in
      let given = defenses[defense].defense.map { Value(DefenseValue($0)) } ?? Value.none
      return try numbers(session.invoke(value, [given], drawingFrom: key))
    }
  }

  /// `utility: true`: the accuracy of the model trained with the defense by ten clients in federated SGD, on the last fifth of the public data.
  private static func federated(_ call: Call, _ defenses: [AuditPlan.DefenseRow]) throws -> AuditPlan.Utility {
    guard call.optionalValue("public") != nil else {
      throw call.fault(
        "missing-argument", "`utility: true` trains on public data, and there is none", argument: "utility",
        help: "public: dataset(\"digits\").public")
    }
    let data = try Data.part(call, "public")
    let (all, victim) = (try ClientData(images: data.images, labels: data.labels), try victim(call).make)
    let cut = all.count - max(1, all.count / 5)
    let labels = try data.labels.converted(to: .int64)
    guard cut >= 10 else { throw Fault("too-few", "\(all.count) public images are too few to train on") }
    let training = try ClientData(
      images: data.images.slice(axis: 0, from: 0, to: cut), labels: labels.slice(axis: 0, from: 0, to: cut))
    return { [progress = call.session.progress] defense, seed, key in
      var federation = Federation()
      (federation.rounds, federation.rate, federation.batch) = (100, 0.2, 32)
      federation.defense = defenses[defense].defense
      // The same clients and the same batches under every defense.
      let clients = try training.split(.even, clients: 10, key: key.derive("split"))
      let model = try federation.train(
        victim(seed, -1, key.derive("model")), clients: clients, key: key.derive("federate"), progress: progress
      ) { _, _ in }
      let accuracy = try model.accuracy(
        on: data.images.slice(axis: 0, from: cut, to: all.count),
        labels: labels.slice(axis: 0, from: cut, to: all.count))
      return [("accuracy", accuracy)]
    }
  }

  private static func numbers(_ value: Value) throws -> [(name: String, value: Double)] {
    func number(_ value: Value) -> Double? { value.asDouble ?? value.foreign(as: TensorValue.self)?.numberValue }
    if let number = number(value) { return [("utility", number)] }
    let fields = value.asRecord?.fields.compactMap { field in number(field.value).map { (field.name, $0) } } ?? []
    if fields.isEmpty {
      throw Fault("type-mismatch", "`utility` gives a number or a record of numbers, not \(described(value))")
    }
    return fields.map { (name: $0.0, value: $0.1) }
  }
}
