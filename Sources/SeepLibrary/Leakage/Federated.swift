// What clients send, and training with it.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

let federatedBuiltins: [Builtin] = [
  Builtin(
    "share(model, x, y, defense: none, mode: \"eval\")", group: "federated",
    """
    What a client sends in federated SGD: the gradient of its mean cross-entropy with respect to the model's parameters, after
    its defense. `x` is an example or a batch, `y` its label or labels; `mode` is how batch normalisation runs.
    """,
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nprint(share(lenet(), x, y, defense: clip(1)).norm < 1.001)  # expect: true"
  ) { call in
    let x = try call.foreign(as: TensorValue.self, "x", kind: "an example or a batch (a tensor)").tensor
    let mode = try call.choice("mode", of: ["eval", "train"])
    let shared = try Leakage.share(
      model(call, "model"), x, labels(call, "y"), defense: Defenses.argument(call, "defense"),
      mode: mode == "train" ? .train : .eval, key: call.session.nextKey(for: "share"))
    return Value(UpdateValue(shared))
  }
]
