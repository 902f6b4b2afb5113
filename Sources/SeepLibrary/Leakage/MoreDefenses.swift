// Defenses that send fewer or coarser numbers, that work on the batch or the model, and those of a person's own.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

let sparseDefenses: [Builtin] = [
  defense(
    "prune(rate)",
    """
    Gradient compression: in each tensor, entries below the `rate` quantile of the absolute values become 0; ties are kept.

    Source: Aji, Heafield, "Sparse Communication for Distributed Gradient Descent", EMNLP 2017.
    """,
    example: "print(prune(0.9))  # expect: prune(0.9)"
  ) { try Prune($0.double("rate")) },
  defense(
    "top_k(rate, per: \"layer\")",
    """
    Keeps the max(1, ⌊m (1 - rate)⌋) largest of the m entries of each tensor, or with `per: "global"` of the whole update; ties are kept.

    Source: Aji, Heafield, "Sparse Communication for Distributed Gradient Descent", EMNLP 2017.
    """,
    example: "print(top_k(0.99, per: \"global\"))  # expect: top_k(0.99, per: \"global\")"
  ) {
    let scope = try $0.choice("per", of: TopK.Scope.allCases.map(\.rawValue))
    return try TopK($0.double("rate"), per: TopK.Scope(rawValue: scope) ?? .layer)
  },
  defense(
    "random_k(share)", "Sends each entry with probability `share`, divided by it, so that the mean is right.",
    example: "print(random_k(0.1))  # expect: random_k(0.1)"
  ) { try RandomK($0.double("share")) },
  defense(
    "dropout_gradient(rate, rescale: false, seed: none)",
    """
    Sets each entry to 0 with probability `rate`; `rescale` divides the others by 1 - rate. With a `seed` the same entries are left
    out every time, which hides less over several rounds.
    """, example: "print(dropout_gradient(0.5))  # expect: dropout_gradient(0.5)"
  ) { try DropoutGradient($0.double("rate"), rescale: $0.bool("rescale"), seed: $0.optionalInt("seed")) },
  defense(
    "withhold(tensors...)",
    """
    Does not send some tensors: they arrive as 0. Each is given by its name, by the layer it belongs to, or by its place (from the
    end where negative).
    """, example: "print(withhold(\"dense1\", 0))  # expect: withhold([\"dense1\", 0])"
  ) { call in
    var items = call.rest("tensors")
    if items.count == 1, let inner = items[0].asItems { items = inner }
    return try Withhold(
      items.map { item in
        if let name = item.asString { return .name(name) }
        if let place = item.asInt { return .place(place) }
        throw call.fault(
          "type-mismatch", "`tensors` are names or places of tensors, not \(described(item))", argument: "tensors")
      })
  },
  defense(
    "error_feedback(defense)",
    """
    What the defense removed from one update is added to the client's next one.
    `federate` keeps what was removed; a single `share` begins with nothing.

    Source: Karimireddy, Rebjock, Stich, Jaggi, "Error Feedback Fixes SignSGD and other Gradient Compression Schemes", ICML 2019; Lin et al., "Deep Gradient Compression", ICLR 2018.
    """, example: "print(error_feedback(prune(0.99)))  # expect: error_feedback(prune(0.99))"
  ) { call in
    guard let inner = try Defenses.argument(call, "defense") else {
      throw call.fault("type-mismatch", "`defense` must be a defense, not none", argument: "defense")
    }
    return try ErrorFeedback(inner)
  },
]

let coarseDefenses: [Builtin] = [
  defense(
    "quantize(bits)", "Uniform stochastic rounding to 2^bits levels between each tensor's smallest and largest entry.",
    example: "print(quantize(8))  # expect: quantize(8)"
  ) { try Quantize($0.int("bits")) },
  defense(
    "qsgd(levels)",
    """
    QSGD: each tensor's norm, and for each entry its sign and one of `levels` levels, rounded at random without bias.

    Source: Alistarh, Grubic, Li, Tomioka, Vojnovic, "QSGD: Communication-Efficient SGD via Gradient Quantization and Encoding", NeurIPS 2017.
    """,
    example: "print(qsgd(16))  # expect: qsgd(16)"
  ) { try QSGD($0.int("levels")) },
  defense(
    "terngrad()",
    """
    TernGrad: m·sign(g) with probability |g|/m, else 0, with m the tensor's largest size.

    Source: Wen et al., "TernGrad", NeurIPS 2017.
    """,
    example: "print(clip(1) >> terngrad)  # expect: clip(1) >> terngrad"
  ) { _ in TernGrad() },
  defense(
    "sign_only(scaled: false)",
    """
    Sends only the sign of each entry; `scaled` multiplies it by the mean size of its tensor.

    Source: Bernstein, Wang, Azizzadenesheli, Anandkumar, "signSGD", ICML 2018.
    """,
    example: "print(clip(4) >> sign_only)  # expect: clip(4) >> sign_only"
  ) { SignOnly(scaled: try $0.bool("scaled")) },
  defense(
    "low_precision(form)",
    "Rounds to what \"float16\" or \"bfloat16\" can hold, or to \"int8\" steps of each tensor's largest size / 127.",
    example: "print(low_precision(\"int8\"))  # expect: low_precision(\"int8\")"
  ) {
    let form = try $0.choice("form", of: LowPrecision.Form.allCases.map(\.rawValue))
    return LowPrecision(LowPrecision.Form(rawValue: form) ?? .float16)
  },
]

private func mixing(_ call: Call, hides: Bool) throws -> any Defense {
  let pool = call.optionalValue("pool") == nil ? nil : try Data.part(call, "pool")
  return try MixUp(
    call.int("k"), largest: call.double("largest"), hides: hides, pool: pool.map { ($0.images, $0.labels) },
    poolName: pool?.name)
}

let batchDefenses: [Builtin] = [
  defense(
    "soteria(rate, mode: \"mask\", eps: 1e-10)",
    """
    Representation perturbation: hides a share `rate` of the features before the last layer, those with the smallest
    ‖dr/dx‖/(r + eps). `mode` "mask" zeroes their columns in the last layer's gradient, as GGL and the published code do; "backprop" takes the whole
    gradient with these features at 0, as the paper describes it.

    Source: Sun et al., "Soteria: Provable Defense against Privacy Leakage in Federated Learning from Representation Perspective", CVPR 2021.
    """, example: "print(soteria(0.8))  # expect: soteria(0.8)"
  ) {
    let mode = try $0.choice("mode", of: Soteria.Method.allCases.map(\.rawValue))
    return try Soteria($0.double("rate"), eps: $0.double("eps"), method: Soteria.Method(rawValue: mode) ?? .mask)
  },
  defense(
    "outpost(phi: 0.4, prune: 0.8, noise: 0.8)",
    """
    OUTPOST: prunes each tensor, then adds normal noise of deviation `noise`·min(1, variance of the parameters) to the
    share `phi` of entries with the largest mean squared gradient. Without the decay over local steps that the paper adds.

    Source: Wang, Hugh, Li, "More than Enough is Too Much: Adaptive Defenses against Gradient Leakage in Production Federated Learning", INFOCOM 2023.
    """, example: "print(outpost())  # expect: outpost(phi: 0.4, prune: 0.8, noise: 0.8)"
  ) { try Outpost(phi: $0.double("phi"), prune: $0.double("prune"), noise: $0.double("noise")) },
  defense(
    "mixup(k, largest: 0.65, pool: none)",
    """
    Blends each example of the batch with k - 1 others, and their labels alike, before the gradient is taken; what leaks is the blend.
    Weights are Dirichlet(3, 1, …, 1), drawn again until none is above `largest`. The others come from the batch, or from `pool` (a part
    of a data set).

    Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """,
    example:
      "let d = dataset(\"digits\").private\nlet u = share(lenet(), d.images[0..8], d.labels[0..8], defense: mixup(4))\nprint(u.defense)  # expect: mixup(4)"
  ) { try mixing($0, hides: false) },
  defense(
    "instahide(k, largest: 0.65, pool: none)",
    """
    InstaHide: `mixup`, then the sign of every pixel is turned with probability 1/2.

    Source: Huang, Song, Li, Arora, "InstaHide: Instance-hiding Schemes for Private Distributed Learning", ICML 2020.
    """,
    example:
      "let d = dataset(\"digits\")\nlet (x, y) = d.private[0]\nprint(share(lenet(), x, y, defense: instahide(4, pool: d.public)).examples)  # expect: 1"
  ) { try mixing($0, hides: true) },
  defense(
    "secure_aggregate(bits: 32, fraction: 20)",
    """
    Secure aggregation, simulated exactly: of several clients' updates the server gets the mean weighted by their
    examples, and nothing else. `[a, b] |> secure_aggregate()`, or at the end of a composition in `federate`. Numbers are sent in fixed
    point, round(examples·x·2^fraction) modulo 2^bits, with pairwise masks that cancel; what does not fit is an error.

    Source: Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine Learning", CCS 2017.
    """,
    example:
      "let d = dataset(\"digits\").private\nlet net = lenet()\nlet both = [share(net, d[0][0], d[0][1]), share(net, d[1][0], d[1][1])] |> clip(1) >> secure_aggregate()\nprint(both.examples)  # expect: 2"
  ) { try SecureAggregation(bits: $0.int("bits"), fraction: $0.int("fraction")) },
  Builtin(
    "precode(model, size: 256, beta: 1e-3)", group: "defenses",
    """
    PRECODE: the model with a variational bottleneck of `size` random features before its last dense layer, and
    `beta`·KL/ln 2 in its loss. Client and server both use this model: `share(precode(net), x, y)`. A client's pass draws the features, an attacker's
    takes their mean.

    Source: Scheliga, Mäder, Seeland, "PRECODE: A Generic Model Extension to Prevent Deep Gradient Leakage", WACV 2022.
    """,
    example:
      "let net = precode(lenet(), size: 8)\nlet (x, y) = dataset(\"digits\").private[0]\nprint(len(share(net, x, y)))  # expect: 12"
  ) { call in
    let given = try model(call, "model")
    return Value(
      ModelValue(
        try given.withBottleneck(
          call.int("size", in: 1...1_000_000), beta: call.double("beta"), key: call.session.nextKey(for: "model"))))
  },
]

let userDefense = Builtin(
  "defense(f: none, batch: none, model: none, examples: none, adapt: none)", group: "defenses",
  """
  Functions as a defense, one for each hook: `f` from an update to an update; `batch` from images `[n, c, h, w]` and labels (numbers, or probabilities
  `[n, classes]`) to both; `model` from model to model; `examples` from one example's gradient (a record of tensors) to another, before
  they are averaged. `adapt` is a function of a candidate's gradient (a record of tensors) and the update received, which imitates the
  defense for attacks that adapt. A plain function in a composition is one on the update.
  """,
  example:
    "let brighter = defense(batch: (x, y) => (clamp(2 * x, 0, 1), y))\nprint(type(brighter >> clip(1)))  # expect: defense"
) { call in
  let hooks = Defenses.Hooks(
    update: try call.optionalFunction("f"), batch: try call.optionalFunction("batch"),
    model: try call.optionalFunction("model"), example: try call.optionalFunction("examples"),
    adapt: try call.optionalFunction("adapt"))
  guard [hooks.update, hooks.batch, hooks.model, hooks.example].contains(where: { $0 != nil }) else {
    throw call.fault("missing-argument", "a defense needs a function for at least one hook", argument: "f")
  }
  return Value(DefenseValue(try Defenses.function(hooks, call.session)))
}
