// What clients send, and training with it.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

/// One update, or a list of them.
private func updates(_ call: Call, _ name: String) throws -> [Update] {
  if let one = call[name].foreign(as: UpdateValue.self)?.update { return [one] }
  let items = try call.list(name)
  return try items.map { item in
    guard let update = item.foreign(as: UpdateValue.self)?.update else {
      throw call.fault(
        "type-mismatch", "`\(name)` of `\(call.name)` must be updates, not \(described(item))", argument: name)
    }
    return update
  }
}

private func split(_ call: Call) throws -> ClientSplit {
  switch try call.choice("by", of: ["even", "dirichlet", "shards", "class"]) {
  case "dirichlet": try .dirichlet(alpha: call.double("alpha"), least: call.int("at_least", in: 0...Int.max))
  case "shards": try .shards(perClient: call.int("shards", in: 1...Int.max))
  case "class": .byClass
  default: .even
  }
}

/// A part of a data set that is split evenly, or parts that are the clients' already.
private func clients(_ call: Call) throws -> [DataPart] {
  // A pair (images, labels) is one part, a list is one part for each client.
  let items = call["data"].foreign(as: DataPart.self) == nil ? call["data"].asItems : nil
  let parts = items?.compactMap { $0.foreign(as: DataPart.self) } ?? []
  if let items, !parts.isEmpty, parts.count == items.count {
    if call.isGiven("clients") {
      throw call.fault(
        "wrong-arguments", "`data` holds the examples of \(parts.count) clients already; `clients` is for one part",
        argument: "clients")
    }
    return parts
  }
  let whole = try Data.part(call, "data")
  let count = try call.int("clients", in: 1...Int.max)
  return try ClientData(images: whole.images, labels: whole.labels)
    .split(.even, clients: count, key: call.session.nextKey(for: "split"))
    .map { DataPart(name: whole.name, images: $0.images, labels: $0.labels) }
}

private func mode(_ call: Call) throws -> Mode {
  try call.choice("mode", of: ["eval", "train"]) == "train" ? .train : .eval
}

let federatedBuiltins: [Builtin] = [
  Builtin(
    "share(model, x, y, defense: none, mode: \"eval\")", group: "federated",
    """
    What a client sends in federated SGD: the gradient of its mean cross-entropy with respect to the model's parameters, after
    its defense. `x` is an example `[c, h, w]` or a batch `[n, c, h, w]`, `y` its label or n labels; `mode` is how batch normalisation runs.
    """,
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nprint(share(lenet(), x, y, defense: clip(1)).norm < 1.001)  # expect: true"
  ) { call in
    let x = try call.foreign(as: TensorValue.self, "x", kind: "an example or a batch (a tensor)").tensor
    let shared = try Leakage.share(
      model(call, "model"), x, labels(call, "y"), defense: Defenses.argument(call, "defense"), mode: mode(call),
      key: call.session.nextKey(for: "share"))
    return Value(UpdateValue(shared))
  },
  Builtin(
    "local_update(model, x, y, steps: 1, lr: 0.1, batch: none, defense: none, mode: \"eval\")", group: "federated",
    """
    What a client sends in federated averaging: its parameters after `steps` steps of SGD with rate `lr`, minus those
    it was sent. Step i takes `batch` examples from the i-th slice of the data, in order and around again; all of them by default.
    What a defense does to single examples it does in every step, what it does to the update once, at the end.

    Source: McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data", AISTATS 2017.
    """,
    example:
      "let d = dataset(\"digits\").private\nlet u = local_update(lenet(), d.images[0..8], d.labels[0..8], steps: 4, batch: 2)\nprint(u.kind, u.steps, u.lr)  # expect: difference 4 0.1"
  ) { call in
    let x = try call.foreign(as: TensorValue.self, "x", kind: "an example or a batch (a tensor)").tensor
    let batch = call.optionalValue("batch") == nil ? 0 : try call.int("batch", in: 1...Int.max)
    let changed = try localUpdate(
      model(call, "model"), x, labels(call, "y"), steps: call.int("steps", in: 1...1_000_000), lr: call.double("lr"),
      batch: batch, defense: Defenses.argument(call, "defense"), mode: mode(call),
      key: call.session.nextKey(for: "share"))
    return Value(UpdateValue(changed))
  },
  Builtin(
    "as_gradient(shared)", group: "federated",
    """
    The gradient that a parameter difference stands for, -Δ / (lr·steps): exact after one step, the mean along the way after several. Attacks
    take gradients.
    """,
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nlet net = lenet()\nlet (a, b) = (as_gradient(local_update(net, x, y, lr: 0.5)), share(net, x, y))\nprint((a - b).norm < 1e-4 * b.norm)  # expect: true"
  ) { call in Value(UpdateValue(try update(call, "shared").asGradient)) },
  Builtin(
    "aggregate(updates)", group: "federated",
    "The mean of several clients' updates, weighted by their numbers of examples. `secure_aggregate` is the same without showing them.",
    example:
      "let d = dataset(\"digits\").private\nlet net = lenet()\nprint(aggregate([share(net, d[0][0], d[0][1]), share(net, d.images[1..4], d.labels[1..4])]).examples)  # expect: 4"
  ) { call in Value(UpdateValue(try Leakage.aggregate(updates(call, "updates")))) },
  Builtin(
    "server_step(model, updates, lr: 1.0)", group: "federated",
    """
    The model after a server's step with one update, or the weighted mean of several: parameters - lr·gradient, or parameters + lr·difference.
    """,
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nlet net = lenet()\nlet next = net.server_step(share(net, x, y), lr: 0.1)\nprint(share(next, x, y).norm != share(net, x, y).norm)  # expect: true"
  ) { call in
    let mean = try Leakage.aggregate(updates(call, "updates"))
    return Value(ModelValue(try model(call, "model").stepped(by: mean, rate: call.double("lr"))))
  },
  Builtin(
    "split_clients(data, clients, by: \"even\", alpha: 0.5, at_least: 10, shards: 2)", group: "federated",
    """
    A part of a data set spread over clients, as a list of parts. `by` "even": shuffled, in equal parts; "dirichlet": for each class the clients'
    shares are Dirichlet(`alpha`) (0.1 very uneven, 100 nearly even), drawn again until each client has `at_least` examples; "shards": sorted by
    label and dealt in `shards` pieces for each client; "class": one class for each client.
    """,
    example:
      "let parts = split_clients(dataset(\"digits\").private, 10, by: \"dirichlet\", alpha: 0.5)\nprint(len(parts), sum(map(parts, p => len(p))) == 1500)  # expect: 10 true"
  ) { call in
    let whole = try Data.part(call, "data")
    let parts = try ClientData(images: whole.images, labels: whole.labels)
      .split(split(call), clients: call.int("clients", in: 1...Int.max), key: call.session.nextKey(for: "split"))
    return Value(
      list: parts.enumerated().map {
        Value(
          DataPart(name: "\(whole.name) of client \($0.offset)", images: $0.element.images, labels: $0.element.labels))
      })
  },
  Builtin(
    "federate(model, data, clients: 10, rounds: 10, defense: none, algorithm: \"fedsgd\", lr: 0.1, batch: 32, epochs: 1, fraction: 1.0, server_lr: 1.0, sampling: \"fixed\", test: none, capture: none)",
    group: "federated",
    """
    Federated training. `data` is a part of a data set, split evenly over `clients`, or a list of the clients' own parts. In each round a
    `fraction` of the clients takes part: with "fedsgd" each shares the gradient of `batch` of its examples (none: all), and the
    server steps by `lr` times the mean; with "fedavg" each trains for `epochs` with rate `lr`, and the server adds `server_lr` times
    the mean of the differences. Each client runs `defense`; with `secure_aggregate()` in it the server gets sums only, and what stands behind
    it happens there. `sampling: "poisson"` lets each example take part with probability batch / n, as `epsilon` assumes. Batch
    normalisation runs in eval mode.

    The result is a record: `model`; `history`, for each round a record {round, clients, norm, sent, accuracy} (`sent`: numbers other than 0 in all
    updates; accuracy on `test`, or none); `captured`, what an attacker on the server has of round `capture` (by default the last): {round, model,
    updates, clients}; `clients`, their parts.

    Source: McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data", AISTATS 2017.
    """,
    example:
      "let d = dataset(\"digits\")\nlet run = federate(mlp([784, 10]), d.public[0..200], clients: 4, rounds: 2, defense: clip(1))\nprint(len(run.history), len(run.captured.updates), run.captured.updates[0].defense)  # expect: 2 4 clip(1)"
  ) { call in
    let given = try model(call, "model")
    let parts = try clients(call)
    var federation = Federation()
    federation.rounds = try call.int("rounds", in: 1...Int.max)
    federation.algorithm =
      try Federation.Algorithm(
        rawValue: call.choice("algorithm", of: Federation.Algorithm.allCases.map(\.rawValue))) ?? .sgd
    federation.rate = try call.double("lr")
    federation.batch = call.optionalValue("batch") == nil ? 0 : try call.int("batch", in: 1...Int.max)
    federation.epochs = try call.int("epochs", in: 1...Int.max)
    federation.fraction = try call.double("fraction", in: 0...1)
    federation.serverRate = try call.double("server_lr")
    federation.sampling =
      try Federation.Sampling(
        rawValue: call.choice("sampling", of: Federation.Sampling.allCases.map(\.rawValue))) ?? .fixed
    federation.defense = try Defenses.argument(call, "defense")
    let test = call.optionalValue("test") == nil ? nil : try Data.part(call, "test")
    let wanted =
      call.optionalValue("capture") == nil ? federation.rounds : try call.int("capture", in: 1...federation.rounds)
    var history: [Value] = []
    var captured = Value.none
    let trained = try federation.train(
      given, clients: parts.map { try ClientData(images: $0.images, labels: $0.labels) },
      key: call.session.nextKey(for: "federate"), progress: call.session.progress
    ) { model, round in
      let accuracy = try test.map { try model.accuracy(on: $0.images, labels: $0.labels) }
      let took = Value(list: round.clients.map { Value($0) })
      history.append(
        Value(record: [
          ("round", Value(round.number)), ("clients", took), ("norm", Value(round.norm)), ("sent", Value(round.sent)),
          ("accuracy", accuracy.map { Value($0) } ?? .none),
        ]))
      guard round.number == wanted else { return }
      captured = Value(record: [
        ("round", Value(round.number)), ("model", Value(ModelValue(round.model))),
        ("updates", Value(list: round.received.map { Value(UpdateValue($0)) })), ("clients", took),
      ])
    }
    return Value(record: [
      ("model", Value(ModelValue(trained))), ("history", Value(list: history)), ("captured", captured),
      ("clients", Value(list: parts.map { Value($0) })),
    ])
  },
]
