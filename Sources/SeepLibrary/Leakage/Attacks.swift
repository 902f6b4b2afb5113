// Attacks and controls as values, and what they find.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

final class AttackValue: Foreign {
  let attack: any Attack
  init(_ attack: any Attack) { self.attack = attack }

  var typeName: String { "attack" }
  var isCallable: Bool { true }
  var signature: Signature? { AttackValue.runSignature }
  var callName: String { "\(constructor).run" }
  /// `ggl` of `ggl(search: …)`.
  private var constructor: String { String(attack.written.prefix { $0 != "(" }) }
  func display(_ style: DisplayStyle) -> String { attack.written }
  var fieldNames: [String] { ["run", "threat_model"] }

  private static let runSignature = Signature("run(shared, model, label: none, labels: none)")

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "run":
      return Value(
        Builtin(
          "run(shared, model, label: none, labels: none)", group: "attacks",
          """
          Attacks an update of a model and gives a leak. `label` or `labels` tell the attacker what else it would infer.
          Stopped by Ctrl-C, it gives the best until then. `.image` is `[c, h, w]`, `.images` `[n, c, h, w]`, `.labels` n ints.
          """,
          example:
            "let (x, y) = dataset(\"digits\").private[0]\nlet net = lenet()\nlet leak = class_mean(dataset(\"digits\").public).run(share(net, x, y), net)\nprint(leak.label == y)  # expect: true",
          owner: constructor
        ) { [self] call in try AttackValue.run(attack, call) })
    case "threat_model": return Value(attack.threatModel.description)
    default: return nil
    }
  }

  func call(_ call: inout Call) throws -> Value { try AttackValue.run(attack, call) }

  /// Runs an attack with the arguments `shared`, `model`, `label`, `labels`.
  static func run(_ attack: any Attack, _ call: Call) throws -> Value {
    var told: [Int]?
    if call.isGiven("label"), call.isGiven("labels") {
      throw call.fault("wrong-arguments", "give `label` or `labels`, not both", argument: "labels")
    }
    for name in ["label", "labels"] where call.optionalValue(name) != nil { told = try labels(call, name).integers() }
    let setting = AttackSetting(
      key: call.session.nextKey(for: "attack"), labels: told, progress: call.session.progress)
    let (shared, own) = try update(call, "shared").fitted(to: model(call, "model"))
    let leak = try attack.run(shared, own, setting)
    // The best so far is the answer to Ctrl-C; what follows runs on, unless an attack around this one is to stop as well.
    if leak.interrupted {
      if let outer = AttackRuns.of(call.session).open.last {
        outer.adopt(leak)
      } else {
        Interrupt.clear()
        sayInterrupted(leak, attack, call)
      }
    }
    return Value(LeakValue(leak))
  }

  private static func sayInterrupted(_ leak: Leak, _ attack: any Attack, _ call: Call) {
    call.session.progress.finish("")
    let loss = leak.loss.isNaN ? "" : ", loss \(Float(leak.loss))"
    call.session.output.warn("interrupted: the best of \(attack.written) so far is its leak\(loss)\n")
  }
}

/// What an attack found.
final class LeakValue: Foreign {
  let leak: Leak
  init(_ leak: Leak) { self.leak = leak }

  var typeName: String { "leak" }
  static let fields = [
    "image", "images", "label", "labels", "loss", "history", "evaluations", "seconds", "interrupted", "attack",
    "threat_model",
  ]
  var fieldNames: [String] { LeakValue.fields }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "image": return Value(TensorValue(Variable(try leak.images.select(axis: 0, index: 0))))
    case "images": return Value(TensorValue(Variable(leak.images)))
    case "label": return leak.labels.first.map { Value($0) } ?? Value.none
    case "labels": return Value(list: leak.labels.map { Value($0) })
    case "loss": return Value(leak.loss)
    case "history": return Value(list: leak.history.map { Value($0) })
    case "evaluations": return Value(leak.evaluations)
    case "seconds": return Value(leak.seconds)
    case "interrupted": return Value(leak.interrupted)
    case "attack": return Value(leak.attack)
    case "threat_model": return Value(leak.threatModel.description)
    default: return nil
    }
  }

  func display(_ style: DisplayStyle) -> String {
    let labels = leak.labels.map(String.init).joined(separator: ", ")
    let loss = leak.loss.isNaN ? "" : "loss \(Float(leak.loss)), "  // what compares no gradients has none
    let seconds = (leak.seconds * 10).rounded() / 10
    let stopped = leak.interrupted ? ", interrupted" : ""
    return "leak of \(leak.attack): label \(labels), \(loss)\(leak.evaluations) evaluations in \(seconds) s\(stopped)"
  }
}

func attack(
  _ signature: String, _ what: String, example: String, group: String = "attacks",
  _ make: @escaping (Call) throws -> any Attack
) -> Builtin {
  Builtin(signature, group: group, what, example: example) { Value(AttackValue(try make($0))) }
}

func knowledge(_ call: Call) throws -> Knowledge {
  Knowledge(rawValue: try call.choice("adapt", of: Knowledge.allCases.map(\.rawValue))) ?? .known
}

let attackBuiltins: [Builtin] =
  pixelAttackBuiltins + generatorAttackBuiltins + [
    attack(
      "ggl(prior:, search: none, rule: \"combined\", adapt: \"known\", regularisation: 0.1, squash: false)",
      """
      Generative Gradient Leakage: searches the latent space of a `prior` for the image `[c, h, w]` whose gradient,
      defended alike, is the one received. `search` is `cma_es(…)` (the default), `adam(…)` or `random_search(…)`. `adapt`: "known"
      (the defense and its parameters are public), "estimated" (parameters from the update alone), "published" (as the paper's
      code estimates them), "none". `rule` infers the labels (see `infer_labels`). `regularisation` weighs the divergence of the latent vector
      from a normal one.

      Source: Li, Zhang, Liu, Liu, "Auditing Privacy Defenses in Federated Learning via Generative Gradient Leakage", CVPR 2022.
      """, example: "print(ggl(prior: prior(\"digits\")))  # expect: ggl(search: cma_es(budget: 5000))"
    ) { call in
      let search = try call.optionalValue("search").map { _ in
        guard let provider = call["search"].asForeign as? any SearchProvider else {
          throw call.fault(
            "type-mismatch", "`search` must be a search, not \(described(call["search"]))", argument: "search",
            help: "cma_es(budget: 5000)")
        }
        return try provider.search()
      }
      return try GGL(
        prior: call.foreign(as: PriorValue.self, "prior", kind: "a prior such as prior(\"digits\")").prior,
        search: search,
        adapt: knowledge(call), labelRule: labelRule(call) ?? .combined, regularisation: call.double("regularisation"),
        squash: call.bool("squash"))
    },
    attack(
      "retrieval(data, adapt: \"known\")",
      "A control: of the public images with the inferred label, the one whose gradient, defended alike, is nearest.",
      example: "print(type(retrieval(dataset(\"digits\").public)))  # expect: attack", group: "controls"
    ) { call in
      let data = try Data.part(call, "data")
      return try Retrieval(data.images, labels: data.labels.integers(), adapt: knowledge(call))
    },
    attack(
      "prior_only(prior, samples: 50)",
      "A control: draws of the inferred class from the prior, whatever the gradient says; `.image` is the first, `.images` has them all, `[n, c, h, w]`.",
      example: "print(type(prior_only(prior(\"digits\"))))  # expect: attack", group: "controls"
    ) { try PriorOnly($0.foreign(as: PriorValue.self, "prior", kind: "a prior").prior, samples: $0.int("samples")) },
    attack(
      "class_mean(data)", "A control: the mean of the public images with the inferred label.",
      example: "print(type(class_mean(dataset(\"digits\").public)))  # expect: attack", group: "controls"
    ) { call in
      let data = try Data.part(call, "data")
      return try ClassMean(data.images, labels: data.labels.integers())
    },
    Builtin(
      "null_gradient(shared, zeros: false)", group: "controls",
      "A control: an update that holds no image, normal numbers with the norm of each tensor; `zeros: true` keeps as many zeros in each.",
      example:
        "let (x, y) = dataset(\"digits\").private[0]\nlet u = share(lenet(), x, y)\nprint(abs(null_gradient(u).norm / u.norm - 1) < 1e-5)  # expect: true"
    ) { call in
      let (shared, key) = (try update(call, "shared"), call.session.nextKey(for: "null"))
      let made = try call.bool("zeros") ? nullGradientWithZeros(shared, key: key) : nullGradient(shared, key: key)
      return Value(UpdateValue(made))
    },
    Builtin(
      "wrong_image(data, index)", group: "controls",
      "A control: the next example after `index` with the same label, as a record {image, label, index}; the image is `[c, h, w]`.",
      example: "let d = dataset(\"digits\").private\nprint(wrong_image(d, 0).label == d[0][1])  # expect: true"
    ) { call in
      let data = try Data.part(call, "data")
      let labels = try data.labels.integers()
      let index = try call.int("index", in: 0...max(0, labels.count - 1))
      let order = (1..<max(1, labels.count)).map { (index + $0) % labels.count }
      guard let other = order.first(where: { labels[$0] == labels[index] }) else {
        throw call.fault("no-such-class", "no other example has the label \(labels[index])", argument: "index")
      }
      let image = Value(TensorValue(Variable(try data.images.select(axis: 0, index: other))))
      return Value(record: [("image", image), ("label", Value(labels[other])), ("index", Value(other))])
    },
    Builtin(
      "infer_labels(shared, rule: \"combined\", model: none)", group: "attacks",
      """
      The labels read from the last layer's gradient, a list of one int for each of the K examples, in ascending order; within an attack that
      was told them, those. Rules:
      \(LabelRule.all.map { "\"\($0.name)\" (\($0.about))" }.joined(separator: "; ")). Those that count ask the `model`.
      What attacks would do with the true labels is no rule: `run(…, labels: …)` and `audit(…, labels: "told")` tell them.

      Source: Zhao, Mopuri, Bilen, "iDLG", 2020 ("idlg"); Li et al., "GGL", CVPR 2022 ("argsort_sum"); Yin et al., "GradInversion", CVPR 2021 ("yin"); Wainakh et al., "LLG", PoPETs 2022 ("llg"); Geng et al., "General Deep Leakage", arXiv:2110.09074, 2021 ("count_softmax"); Dimitrov et al., "Data Leakage in Federated Averaging", TMLR 2022 ("count_fedavg").
      """,
      example:
        "let (x, y) = dataset(\"digits\").private[0]\nprint(infer_labels(share(lenet(), x, y)) == [y])  # expect: true"
    ) { call in
      let rule = try LabelRule.named(call.choice("rule", of: LabelRule.all.map(\.name)))
      var shared = try update(call, "shared")
      var own = call.optionalValue("model") == nil ? nil : try model(call, "model")
      if let whole = own { (shared, own) = try shared.fitted(to: whole) }
      if let own { try shared.check(against: own) }
      let found =
        try shared.sight?.labels
        ?? rule.infer(
          shared, model: own, key: rule.draws ? call.session.nextKey(for: "labels") : RandomKey(seed: 0))
      return Value(list: found.map { Value($0) })
    },
  ]
