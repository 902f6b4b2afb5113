// Attacks that search pixels, as values.
import Leakage
import SeepLanguage

func choice<T: RawRepresentable & CaseIterable>(_ call: Call, _ name: String, _ type: T.Type) throws -> T?
where T.RawValue == String {
  if call.optionalValue(name) == nil { return nil }
  return T(rawValue: try call.choice(name, of: T.allCases.map(\.rawValue)))
}

/// `rule`: how an attack infers labels.
func labelRule(_ call: Call) throws -> LabelRule? {
  if call.optionalValue("rule") == nil { return nil }
  return try LabelRule.named(call.choice("rule", of: LabelRule.all.map(\.name)))
}

private func names<T: RawRepresentable & CaseIterable>(_ type: T.Type) -> String where T.RawValue == String {
  T.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
}

let pixelAttackBuiltins: [Builtin] = [
  attack(
    "inverting_gradients(steps: none, lr: none, tv: none, restarts: 1, preset: \"original\", distance: none, sign: none, start: none, features: none, rule: none, adapt: \"known\")",
    """
    Inverting Gradients: cosine distance and total variation, Adam on the signs of the gradient, pixels kept in 0…1.
    Takes batches, and gives `[n, c, h, w]` (`pair` says which image is which), and what a FedAvg client sends, whose steps it rehearses.
    `restarts` run side by side. What is none is the preset's. `preset` "original": 4800 steps. As breaching has them: "modern", a patterned start, soft signs, cosine
    decay, isotropic variation of weight 0.1, and the last layer's input as the gradient tells it (`features`, 0.1); "legacy", the same from grey, with the statistics of
    batch normalisation; "clsattack", variation 0.2 and no features; and by L-BFGS, "wei", 300 steps on the squared distance and the model's own loss, and
    "beyond_inferring", 400 steps with steep variation. `distance`: \(names(Distance.self)), as in `gradient_distance`. `sign`: \(names(SlopeSign.self)).
    `start`: \(names(PixelStart.self)). `rule` infers the labels. `adapt`: "known" (the defense and its parameters are public), "estimated",
    "published", or "none": as the paper has it, candidates are compared undefended.

    Source: Geiping, Bauermeister, Dröge, Moeller, "Inverting Gradients: How easy is it to break privacy in federated learning?", NeurIPS 2020.
    """,
    example: "print(inverting_gradients(steps: 10))  # expect: inverting_gradients(steps: 10)"
  ) {
    try InvertingGradients(
      steps: $0.optionalInt("steps"), lr: $0.optionalDouble("lr"), tv: $0.optionalDouble("tv"),
      restarts: $0.int("restarts"), preset: choice($0, "preset", InvertingGradients.Preset.self) ?? .original,
      distance: choice($0, "distance", Distance.self), sign: choice($0, "sign", SlopeSign.self),
      start: choice($0, "start", PixelStart.self), features: $0.optionalDouble("features"), adapt: knowledge($0),
      labelRule: labelRule($0))
  },
  attack(
    "grad_inversion(steps: 2000, lr: 0.1, seeds: 8, gradient: 1e-3, tv: 1e-4, l2: 1e-6, bn: 0.1, group: 0.01, langevin: 0.2, distance: \"l2norm\", rule: \"yin\", adapt: \"known\")",
    """
    GradInversion, for batches `[n, c, h, w]` of distinct labels: `gradient` times the distance of gradients, total variation, size, the
    statistics batch normalisation remembers (`bn`, where the model has any), Adam with warm-up and cosine decay, Langevin noise. `seeds`
    beginnings run side by side and are drawn to their mean (`group`). `distance`: \(names(Distance.self)).

    Source: Yin, Mallya, Vahdat, Alvarez, Kautz, Molchanov, "See through Gradients: Image Batch Recovery via GradInversion", CVPR 2021.
    """,
    example: "print(grad_inversion(steps: 10, seeds: 2))  # expect: grad_inversion(steps: 10, seeds: 2)"
  ) {
    try GradInversion(
      steps: $0.int("steps"), lr: $0.double("lr"), seeds: $0.int("seeds"), gradient: $0.double("gradient"),
      tv: $0.double("tv"), l2: $0.double("l2"), bn: $0.double("bn"), group: $0.double("group"),
      langevin: $0.double("langevin"), distance: choice($0, "distance", Distance.self) ?? .l2norm,
      adapt: knowledge($0), labelRule: labelRule($0) ?? .yin)
  },
  attack(
    "untrained_prior(steps: 1000, lr: 0.01, channels: 32, restarts: 1, tv: 1e-4, distance: \"cosine\", rule: none, adapt: \"known\")",
    """
    A decoder that was never trained as the prior (deep image prior): Adam moves its weights until the gradient of the image
    it makes of fixed noise comes near to the one received. Takes batches and what a FedAvg client sends, as `inverting_gradients` does, and gives
    `[n, c, h, w]`.

    Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", CVPR 2018.
    """,
    example: "print(untrained_prior(steps: 10))  # expect: untrained_prior(steps: 10)"
  ) {
    try UntrainedPrior(
      steps: $0.int("steps"), lr: $0.double("lr"), channels: $0.int("channels"), restarts: $0.int("restarts"),
      tv: $0.double("tv"), distance: choice($0, "distance", Distance.self) ?? .cosine, adapt: knowledge($0),
      labelRule: labelRule($0))
  },
  attack(
    "lti(data, draws: 3000, hidden: 512, features: 2048, epochs: 30, lr: 1e-3, seed: 0, adapt: \"known\")",
    """
    Learning to Invert: plays the client on public images of `data`, with the defense drawn afresh each time, and trains a network
    to give the image back from the gradient. Gradients of more than `features` numbers are hashed to that many. What it learnt serves the next
    update of the same model and defense. The leak's image is `[c, h, w]`, its loss the squared error per pixel on public images it was not
    trained on.

    Source: Wu, Chen, Guo, Weinberger, "Learning to Invert: Simple Adaptive Attacks for Gradient Inversion in Federated Learning", UAI 2023.
    """,
    example: "print(type(lti(dataset(\"digits\").public, draws: 100)))  # expect: attack"
  ) { call in
    let data = try Data.part(call, "data")
    return try LearnedInversion(
      data.images, labels: data.labels.integers(), draws: call.int("draws"), hidden: call.int("hidden"),
      features: call.int("features"), epochs: call.int("epochs"), lr: call.double("lr"), seed: call.int("seed"),
      adapt: knowledge(call))
  },
]
