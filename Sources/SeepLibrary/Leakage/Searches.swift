// Searches as values. `adam(…)` is an optimizer as well.
import Ground
import Networks
import SeepLanguage

let searchBuiltins: [Builtin] = [
  Builtin(
    "adam(lr: 0.001, steps: 1000, betas: [0.9, 0.999], weight_decay: 0.0)", group: "searches",
    """
    Adam (Kingma, Ba 2015): an optimizer for `train` and `update`, and a search by gradient for attacks, of `steps` steps.
    """, example: "let (p, s) = adam(lr: 1.0).update(tensor([2]), tensor([1]))\nprint(p)  # expect near: 1.0 ± 1e-4"
  ) { call in
    let (rate, decay) = (try call.double("lr"), try call.double("weight_decay"))
    let betas = try call.doubles("betas")
    guard betas.count == 2, betas.allSatisfy({ (0.0..<1.0).contains($0) }) else {
      throw call.fault("out-of-range", "`betas` are two numbers from 0 to below 1", argument: "betas")
    }
    func make() throws -> Adam { Adam(rate: rate, beta1: betas[0], beta2: betas[1], weightDecay: decay) }
    return Value(OptimiserValue(written: "adam(lr: \(rate))", make))
  }
]
