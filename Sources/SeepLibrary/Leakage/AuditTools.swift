// What an audit is prepared and watched with: strengths that mean something, the canary, the state of a journal.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

/// The first `images` examples of a part with the model of each: one for all, or a fresh one by a function.
private func clients(_ call: Call) throws -> (data: DataPart, labels: [Int], each: [(place: Int, model: Model)]) {
  let data = try Data.part(call, "data")
  let labels = try data.labels.integers()
  let count = try call.int("images", in: 1...Int.max)
  guard count <= labels.count else {
    throw call.fault(
      "out-of-range", "`images` must be from 1 to \(labels.count) here, not \(count)", argument: "images")
  }
  let make = try AuditArguments.victim(call).make
  return (
    data, labels,
    try (0..<count).map { ($0, try make(0, $0, AuditPlan.victimKey(seed: 0, image: $0))) }
  )
}

private func measured(_ call: Call, _ body: (DataPart, [Int], Int, Model) throws -> Double?) throws -> [Double] {
  let (data, labels, each) = try clients(call)
  return try each.compactMap { place, model in
    try call.session.checkInterrupt()
    return try body(data, labels, place, model)
  }
}

/// The median distance of the gradients of each image and the nearest one of its class.
private func neighbourDistance(_ call: Call) throws -> Double {
  try median(
    measured(call) { data, labels, place, model in
      try neighbourDistances(model, data.images, labels, of: [place])[0]
    })
}

let auditToolBuiltins: [Builtin] = [
  Builtin(
    "median_norm(model, data, images: 50)", group: "audit",
    """
    The median norm of the gradients that clients with one of the first `images` examples of `data` would send. A bound for clipping that means
    something is a share of it. `model` may be a function from a seed to a model, as in `audit`.
    """,
    example:
      "let d = dataset(\"digits\").private\nlet net = lenet()\nlet m = median_norm(net, d, images: 9)\nprint(m == ((0..9) |> map(i => share(net, d[i][0], d[i][1]).norm) |> sorted)[4])  # expect: true"
  ) { call in
    Value(
      try median(
        measured(call) { data, labels, place, model in
          try gradientNorms(model, data.images, labels, of: [place])[0]
        }))
  },
  Builtin(
    "discriminability(model, data, defense, images: 20)", group: "audit",
    """
    μ = ‖g(x) - g(x′)‖ / σ, the median over the first `images` examples x of `data`, with x′ the nearest other image of the same class and σ the deviation
    of the noise that `defense` adds: who must tell which of the two was sent is right with probability Φ(μ/2). 400 hides nothing, at 1 little is
    left. What comes before the noise counts (clipping brings gradients closer); none without noise.

    Source: Dong, Roth, Su, "Gaussian Differential Privacy", JRSS B 2022 (the meaning of μ).
    """,
    example:
      "let d = dataset(\"digits\").private\nlet net = lenet()\nlet mu = discriminability(net, d, noise(0.1), images: 5)\nprint(abs(discriminability(net, d, noise(0.2), images: 5) / mu - 0.5) < 1e-4)  # expect: true"
  ) { call in
    guard let defense = try Defenses.argument(call, "defense") else {
      throw call.fault("type-mismatch", "`defense` must be a defense that adds noise, not none", argument: "defense")
    }
    let values = try measured(call) { data, labels, place, model in
      try discriminability(
        model, data.images, labels, place, defense: defense, key: RandomKey(seed: 0).derive(place))
    }
    return values.isEmpty ? .none : Value(try median(values))
  },
  Builtin(
    "sigma_for(model, data, mu: 40, images: 20)", group: "audit",
    """
    The deviation of the noise with which two images of a class are `mu` deviations apart (see `discriminability`): the median ‖g(x) - g(x′)‖ / mu.
    `noise(sigma_for(net, data, mu: 4))` is the same strength for a large model and for a small one.

    Source: Dong, Roth, Su, "Gaussian Differential Privacy", JRSS B 2022 (the meaning of μ).
    """,
    example:
      "let d = dataset(\"digits\").private\nlet net = lenet()\nlet defense = noise(sigma_for(net, d, mu: 4, images: 5))\nprint(abs(discriminability(net, d, defense, images: 5) - 4) < 1e-3)  # expect: true"
  ) { call in
    let mu = try call.double("mu")
    guard mu > 0, mu.isFinite else {
      throw call.fault("out-of-range", "`mu` must be positive, not \(mu)", argument: "mu")
    }
    return Value(try neighbourDistance(call) / mu)
  },
  Builtin(
    "canary(shared, model, x, y)", group: "audit",
    """
    Checks that an update from a client's own code is what Seep computes for the same known example, before an attack on such updates counts: cosine above
    0.999 and length within 1 %. Gives {cosine, scale}; else an error says what differs: sign, scale, mean or sum over the batch, mode of
    batch normalisation, normalisation of the images, order of channels or axes, labels, or which tensors.
    """,
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nlet net = lenet()\nprint(abs(canary(share(net, x, y), net, x, y).cosine - 1) < 1e-6)  # expect: true"
  ) { call in
    let x = try call.foreign(as: TensorValue.self, "x", kind: "an example or a batch (a tensor)").tensor
    let (shared, own) = try update(call, "shared").fitted(to: model(call, "model"))
    let found = try Canary(shared, own, x, labels(call, "y"))
    return Value(record: [("cosine", Value(found.cosine)), ("scale", Value(found.scale))])
  },
  Builtin(
    "audit_status(path)", group: "audit",
    """
    How far the audit in a file is, while others compute it or after: {total, done, failed, running, begun, most_finished, manifest}. `begun` counts how often a
    cell was begun; no cell is ever finished more than once.
    """,
    example: """
      let digits = dataset("digits")
      audit(model: lenet(), data: digits.private, attacks: [class_mean(digits.public)], images: 3, path: "example.audit")
      print(audit_status("example.audit").done)   # expect: 3
      """
  ) { call in
    let status = try JournalStatus(call.string("path"))
    return Value(record: [
      ("total", Value(status.total)), ("done", Value(status.done)), ("failed", Value(status.failed)),
      ("running", Value(status.running)), ("begun", Value(status.begun)), ("most_finished", Value(status.mostFinished)),
      (
        "manifest",
        Value(record: status.manifest.sorted { $0.key < $1.key }.map { ($0.key, Value($0.value)) })
      ),
    ])
  },
]
