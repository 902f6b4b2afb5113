// Attacks by way of a generator besides `ggl`, as values.
import Leakage
import SeepLanguage

private func generator(_ call: Call) throws -> Prior {
  try call.foreign(as: PriorValue.self, "prior", kind: "a prior such as prior(\"digits\")").prior
}

let generatorAttackBuiltins: [Builtin] = [
  attack(
    "gias(prior:, steps: 500, lr: 0.03, weight_steps: 1000, weight_lr: 1e-3, restarts: 4, tv: 1e-4, distance: \"cosine\", rule: none, adapt: \"known\")",
    """
    Gradient inversion with a generative prior in two stages: Adam on the latent vector from `restarts` beginnings side by side, then on the weights of a
    copy of the `prior`'s generator, which finds details that the generator was not trained to make. Takes batches and what a FedAvg client sends, as
    `inverting_gradients` does, and gives `[n, c, h, w]`. `distance` as in `gradient_distance`, `adapt` as in `ggl`.

    Source: Jeon, Kim, Lee, Oh, Ok, "Gradient Inversion with Generative Image Prior", NeurIPS 2021.
    """,
    example: "print(gias(prior: prior(\"digits\"), steps: 9))  # expect: gias(steps: 9, weight_steps: 1000)"
  ) {
    try GIAS(
      prior: generator($0), steps: $0.int("steps"), lr: $0.double("lr"), weightSteps: $0.int("weight_steps"),
      weightRate: $0.double("weight_lr"), restarts: $0.int("restarts"), tv: $0.double("tv"),
      distance: choice($0, "distance", Distance.self) ?? .cosine, adapt: knowledge($0), labelRule: labelRule($0))
  },
  attack(
    "gifd(prior:, steps: 500, lr: 0.1, radius: 0.05, restarts: 4, tv: 1e-4, l2: 1e-6, distance: \"cosine\", rule: none, adapt: \"known\")",
    """
    Generative inversion over feature domains: Adam for `steps` each on the latent vector, which stays on the sphere it began on, and then on the features before each
    further layer of the `prior`'s generator, which stay within a mean absolute change of `radius`. The stage with the smallest loss gives the images,
    `[n, c, h, w]`. Takes batches and what a FedAvg client sends. `distance` as in `gradient_distance`, `adapt` as in `ggl`.

    Source: Fang, Chen, Wang, Wang, Xia, "GIFD: A Generative Gradient Inversion Method with Feature Domain Optimization", ICCV 2023.
    """,
    example: "print(gifd(prior: prior(\"digits\"), steps: 10))  # expect: gifd(steps: 10)"
  ) {
    try GIFD(
      prior: generator($0), steps: $0.int("steps"), lr: $0.double("lr"), radius: $0.double("radius"),
      restarts: $0.int("restarts"), tv: $0.double("tv"), l2: $0.double("l2"),
      distance: choice($0, "distance", Distance.self) ?? .cosine, adapt: knowledge($0), labelRule: labelRule($0))
  },
]
