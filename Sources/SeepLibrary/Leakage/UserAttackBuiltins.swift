// What attacks written in Seep are made with: attack, run, report, progress, gradient_distance, imitate.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

enum AttackKinds {
  /// Any value that attacks: an attack, a function (shared, model) => leak, or the name of an attack that needs no arguments.
  static func attack(_ value: Value, _ session: Session) throws -> (any Attack)? {
    if let attack = value.foreign(as: AttackValue.self) { return attack.attack }
    guard value.isPlainFunction else { return nil }
    if let builtin = value.builtin, ["attacks", "controls"].contains(builtin.group),
      !builtin.signature.parameters.contains(where: \.isNeeded),
      let made = try session.invoke(value, []).foreign(as: AttackValue.self)
    {
      return made.attack
    }
    return UserAttack(written: value.functionName ?? "(shared, model) => …", value, session)
  }

  /// An argument that attacks.
  static func argument(_ call: Call, _ name: String) throws -> any Attack {
    if let attack = try attack(call[name], call.session) { return attack }
    throw call.fault(
      "type-mismatch",
      "`\(name)` must be an attack or a function of (shared, model), not \(described(call[name]))", argument: name,
      help: "dlg()")
  }

  /// `mine(steps: 5)`: the name, and the options that differ from the defaults of the function of that name that makes it.
  fileprivate static func written(_ call: Call, _ name: String) throws -> String {
    guard let options = call.optionalValue("options") else { return name }
    guard let record = options.asRecord else {
      throw call.fault(
        "type-mismatch", "`options` is a record of what the attack was made with, not \(described(options))",
        argument: "options", help: "options: {steps: steps}")
    }
    let defaults = call.caller.flatMap { $0.name == name ? $0.parameters : nil } ?? []
    let shown = record.fields.filter { field in
      guard let value = defaults.first(where: { $0.name == field.name })?.defaultValue else { return true }
      return !call.session.areEqual(value, field.value)
    }
    return "\(name)(\(shown.map { "\($0.name): \(call.session.display($0.value, .short))" }.joined(separator: ", ")))"
  }

  fileprivate static func facts(_ call: Call) throws -> [ThreatModel.Fact] {
    guard let given = call.optionalValue("knows") else { return UserAttack.usual }
    let all = ThreatModel.Fact.allCases.map(\.rawValue)
    return try (given.asItems ?? [given]).map { item in
      if let fact = item.asString.flatMap(ThreatModel.Fact.init(rawValue:)) { return fact }
      throw call.fault(
        "unknown-option",
        "`knows` lists what an attacker may know: \(all.map { "\"\($0)\"" }.joined(separator: ", "))",
        argument: "knows",
        help: item.asString.flatMap { nearestName(to: $0, among: all) }.map { "knows: [\"\($0)\"]" })
    }
  }
}

/// What an attack may use of a defense: as `adapt` says, if the attack declared it.
func knowledge(_ call: Call, of shared: Update) throws -> Knowledge {
  let knowledge = try knowledge(call)
  guard let sight = shared.sight else { return knowledge }
  switch knowledge {
  case .none: break
  case .known:
    try sight.require(.defenseParameters, "`adapt: \"known\"` uses the parameters of the defense")
  case .estimated, .published:
    if !sight.knows.contains(.defenseParameters) {
      try sight.require(.defenseKinds, "`adapt: \"\(knowledge.rawValue)\"` uses the kinds of defense")
    }
  }
  return knowledge
}

let userAttackBuiltins: [Builtin] = [
  Builtin(
    "attack(name, run:, knows: none, options: none, adapt: none, again: none)", group: "attacks",
    """
    An attack of your own. `run` is a function of the update that was shared and the model; it returns an image `[c, h, w]`, a batch
    `[n, c, h, w]`, a leak, or a record of `image` or `images`, `label` or `labels`, `loss`, `history`, `evaluations`. What it does not give is filled in: the labels it was told or that
    the gradient shows, and as loss the squared distance of gradients. It may return nothing if it hands what it finds to `report`: then the best
    is the leak, also when it is interrupted.

    `knows` is the threat model, as words of: \(ThreatModel.Fact.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")); the update shows no
    more than that. `options` is a record of what the attack was made with: made in a function `name`, it prints as the call
    of it. An attack that imitates the client's defense says by `adapt` how much it knows of it ("known", "estimated", "published", "none"), which is added to `knows`,
    and by `again`, a function of such a word, how it is made with other knowledge, for `audit(…, adapt: […])`. Where an attack is wanted, a plain
    function (shared, model) => … will do.
    """,
    example: """
      let blank = attack("blank", run: (shared, model) => zeros(shared.examples, 1, 28, 28), knows: ["number of examples"])
      print(blank)                            # expect: blank
      let (x, y) = dataset("digits").private[0]
      let net = lenet()
      print(blank.run(share(net, x, y), net).label == y)   # expect: true
      """
  ) { call in
    let function = try call.function("run")
    let name = try AttackKinds.written(call, call.string("name"))
    var knows = try AttackKinds.facts(call)
    if call.optionalValue("adapt") != nil {
      for fact in ThreatModel.facts(for: try knowledge(call)) where !knows.contains(fact) { knows.append(fact) }
    }
    var made = UserAttack(written: name, knows: knows, function, call.session)
    if call.optionalValue("again") != nil {
      let again = try call.function("again")
      made.again = { [unowned session = call.session] level in
        try session.invoke(again, [Value(level.rawValue)]).foreign(as: AttackValue.self)?.attack
      }
    }
    return Value(AttackValue(made))
  },
  Builtin(
    "run(attack, shared, model, label: none, labels: none)", group: "attacks",
    """
    Attacks an update of a model and gives a leak: `dlg().run(shared, net)`; `attack` may be a function of (shared, model). `label` or `labels`
    tell the attacker what else it would infer. Stopped by Ctrl-C, it gives the best until then. `.image` of the leak is `[c, h, w]`, `.images`
    `[n, c, h, w]`, `.labels` n ints.
    """,
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nlet net = lenet()\nfn grey(shared, model) { full([1, 28, 28], 0.5) }\nprint(grey.run(share(net, x, y), net).image.shape)  # expect: [1, 28, 28]"
  ) { call in try AttackValue.run(AttackKinds.argument(call, "attack"), call) },
  Builtin(
    "report(image, loss: none, label: none, labels: none, done: 0, total: 0, remark: \"\")", group: "attacks",
    """
    Within an attack: what it has found so far. The image `[c, h, w]` or batch `[n, c, h, w]` with the smallest `loss` (without losses, the latest) is the leak if the attack
    is interrupted or returns nothing. `done` of `total` and `remark` are shown as progress.
    """,
    example:
      "let twice = attack(\"twice\", run: (shared, model) => { for i in 0..2 { report(rand(1, 28, 28), loss: 2 - i) } })\nlet (x, y) = dataset(\"digits\").private[0]\nlet net = lenet()\nprint(twice.run(share(net, x, y), net).history)  # expect: [2.0, 1.0]"
  ) { call in
    guard let run = AttackRuns.of(call.session).open.last else {
      throw Fault(
        "misplaced", "`report` hands over what an attack has found, and no attack is running",
        help: "progress(done, total)")
    }
    let labels = call.optionalValue("labels") ?? call.optionalValue("label")
    let found = AttackRun.Found(
      images: try run.images(call["image"]), labels: try labels.map { try AttackRun.labels($0, run.attack.written) },
      loss: try call.optionalDouble("loss"))
    run.report(
      found, done: try call.int("done"), total: try call.int("total"), remark: try call.string("remark"))
    return .none
  },
  Builtin(
    "progress(done, total: 0, remark: \"\")", group: "output",
    "Shows how far a long job is: a bar on a terminal, a line now and then elsewhere.",
    example: "for i in 1..=3 { progress(i, 3) }\nprint(1)  # expect: 1"
  ) { call in
    let name = AttackRuns.of(call.session).open.last?.attack.written ?? "progress"
    let (done, total) = (try call.int("done"), try call.int("total"))
    call.session.progress.report(ProgressReport(name, done: done, total: total, remark: try call.string("remark")))
    if done >= total, total > 0 { call.session.progress.finish(name) }
    return .none
  },
  Builtin(
    "gradient_distance(a, b, measure: \"l2\")", group: "attacks",
    """
    How far the gradient `a` (a record such as `net.gradient(x, y)` gives, or an update) is from `b`, an update or record of the same tensors:
    "l2" is Σ‖a - b‖², "l2norm" Σ‖a - b‖ over tensors, "l1" Σ|a - b|, "cosine" 1 - cos over all tensors together, "cosine_local" the sum of that of each tensor,
    "cosine_masked" that over the entries of `b` that are not 0, "angular" the angle as a share of a half turn, "tag" half of l2 with a tenth of l1, which
    counts less the later a tensor comes.
    Differentiable in `a`; `b` is constant.
    """,
    example:
      "let g = {w: tensor([1, 2])}\nprint(gradient_distance(g, {w: tensor([1, 4])}))              # expect: 4.0\nprint(gradient_distance(g, {w: tensor([2, 4])}, measure: \"cosine\") < 1e-6)  # expect: true"
  ) { call in
    let a = try leaves(call, "a")
    let target = try Update(call, "b")
    guard a.count == target.tensors.count, zip(a, target.tensors).allSatisfy({ $0.shape == $1.shape }) else {
      throw call.fault(
        "shape-mismatch", "`a` and `b` of `gradient_distance` must hold tensors of the same shapes", argument: "b")
    }
    let measure = try call.choice("measure", of: Distance.allCases.map(\.rawValue))
    let matching = try Matching(target, distance: Distance(rawValue: measure) ?? .l2)
    return number(try matching(a.map { try $0.unsqueeze(axis: 0) }).sum())
  },
  Builtin(
    "imitate(candidate, shared, adapt: \"known\")", group: "attacks",
    """
    What the client's defense would have made of a candidate, so that the two can be compared: of a gradient (a record such as `net.gradient(x, y)`),
    or of a model, for defenses that change it. `adapt` says what is known of the defense: "known", "estimated" (its kinds; the parameters from
    the update), "published", "none". An attack must declare what it uses. Differentiable.
    """,
    example: """
      let (x, y) = dataset("digits").private[0]
      let net = lenet()
      let shared = share(net, x, y, defense: clip(1))
      print("{norm(imitate(net.gradient(x, y), shared)):.3}")   # expect: 1.000
      """
  ) { call in
    let shared = try update(call, "shared")
    let knowledge = try knowledge(call, of: shared)
    if shared.defense == nil || knowledge == .none { return call["candidate"] }
    if let model = call["candidate"].foreign(as: ModelValue.self) {
      return Value(ModelValue(try adapted(model.model, to: shared, knowing: knowledge), mode: model.mode))
    }
    let candidate = try leaves(call, "candidate").map { try $0.unsqueeze(axis: 0) }
    let imitated = try Matching(shared, knowing: knowledge).imitation(candidate)
    let values = try imitated.map { Value(TensorValue(try $0.select(axis: 0, index: 0))) }
    return Value(record: zip(shared.names, values).map { ($0, $1) })
  },
]

private func leaves(_ call: Call, _ name: String) throws -> [Variable] {
  if let leaves = try Tree.leaves(call[name]) { return leaves }
  throw call.fault(
    "type-mismatch", "`\(name)` of `\(call.name)` is a gradient, a record of tensors, not \(described(call[name]))",
    argument: name, help: "net.gradient(x, y)")
}

/// A number to a program, unless a derivative follows it.
private func number(_ variable: Variable) -> Value {
  variable.isTracked ? Value(TensorValue(variable)) : (try? variable.value.item()).map { Value($0) } ?? Value.none
}

extension Update {
  /// An update, or a record of tensors as one.
  fileprivate init(_ call: Call, _ name: String) throws {
    if let update = call[name].foreign(as: UpdateValue.self)?.update {
      self = update
    } else {
      let tensors = try leaves(call, name).map(\.value)
      let names = call[name].asRecord.flatMap { $0.count == tensors.count ? $0.names : nil }
      self = try Update(names: names ?? tensors.indices.map { "\($0)" }, tensors: tensors, examples: 1)
    }
  }
}
