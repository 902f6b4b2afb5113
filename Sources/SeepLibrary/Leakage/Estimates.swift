// What an attacker reads off an update about its defense, and how far a candidate is from it.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

let estimateBuiltins: [Builtin] = [
  Builtin(
    "estimate_defense(shared, noisy: true)", group: "attacks",
    """
    What an update gives away about its defense, as a record: `sigma`, the noise on an entry (from the median of the quietest large tensor, an
    upper bound; or from the smallest entry left, where entries were removed by size); `rate`, the share of zeros, and `rates`, that
    of each tensor; `norm`; `bound`, √(norm² - D·sigma²) with D entries that are not 0; `floor`, D·sigma²: the squared distance that
    noise alone makes. `noisy: false` tells that there is no noise.
    """,
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nlet e = estimate_defense(share(lenet(), x, y, defense: clip(4) >> prune(0.9)), noisy: false)\nprint(\"{e.rate:.2} {e.norm <= 4.0}\")  # expect: 0.90 true"
  ) { call in
    let found = try Estimates(update(call, "shared"), noisy: call.bool("noisy"))
    return Value(record: [
      ("sigma", Value(found.sigma)), ("rate", Value(found.rate)), ("rates", Value(list: found.rates.map { Value($0) })),
      ("norm", Value(found.norm)), ("bound", Value(found.bound)), ("floor", Value(found.floor)),
    ])
  },
  Builtin(
    "matching_loss(shared, model, x, y, adapt: \"known\", distance: \"l2\")", group: "attacks",
    """
    The distance between an update of one example and the gradient of each candidate in `x`, `[n, c, h, w]`, with its label in `y`, defended
    alike as far as `adapt` says the defense is known: "known", "estimated", "published", "none". A list, one number for each candidate. `distance`
    is one of those of `gradient_distance`.
    """,
    example:
      "let d = dataset(\"digits\").private\nlet net = lenet()\nlet u = share(net, d[0][0], d[0][1], defense: clip(1) >> prune(0.9))\nlet [own, other] = matching_loss(u, net, d.images[0..2], d.labels[0..2])\nprint(own < 1e-6 * other)  # expect: true"
  ) { call in
    let (shared, given) = (try update(call, "shared"), try model(call, "model"))
    let knowledge = try knowledge(call, of: shared)
    let distance = try call.choice("distance", of: Distance.allCases.map(\.rawValue))
    let x = try given.batched(Variable(call.foreign(as: TensorValue.self, "x", kind: "candidates (a tensor)").tensor))
      .batch
    let flat = try labels(call, "y")
    let y = flat.rank == 0 ? try flat.reshape([1]) : flat
    guard y.shape == [x.shape[0]] else {
      throw call.fault(
        "shape-mismatch", "\(y.size) labels were given for \(x.shape[0]) candidates", argument: "y")
    }
    try given.build(for: Array(x.shape.dropFirst()))
    try shared.check(against: given)
    let own = try adapted(given, to: shared, knowing: knowledge)
    let matching = try Matching(shared, knowing: knowledge, distance: Distance(rawValue: distance) ?? .l2)
    AttackRuns.count(x.shape[0], in: call.session)
    let losses = try matching(own.perExampleGradients(x, .classes(y)))
    return Value(list: try losses.value.doubles().map { Value($0) })
  },
]
