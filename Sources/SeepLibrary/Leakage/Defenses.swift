// The defenses by name, with their documentation.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

private func defense(
  _ signature: String, _ what: String, example: String, _ make: @escaping (Call) throws -> any Defense
) -> Builtin {
  Builtin(signature, group: "defenses", what, example: example, constructor: true) { Value(DefenseValue(try make($0))) }
}

let defenseBuiltins: [Builtin] = [
  defense(
    "noise(sigma)",
    "Adds normal noise of standard deviation `sigma` to every entry. Without clipping it gives no differential privacy.",
    example: "print(noise(0.1))  # expect: noise(0.1)"
  ) { try Noise($0.double("sigma")) },
  defense(
    "laplace(scale)", "Adds Laplace noise of density exp(-|x|/scale)/(2 scale) to every entry.",
    example: "print(laplace(0.1))  # expect: laplace(0.1)"
  ) { try Laplace($0.double("scale")) },
  defense(
    "clip(bound, per: \"global\", norm: 2)",
    """
    Scales down to a norm of at most `bound`, by min(1, bound / (norm + 1e-6)): `per` "global" over all tensors of the update
    together, "layer" each tensor by itself, "example" the gradient of each example before they are averaged. `norm` 2 is
    Euclidean; 1, the sum of absolute values, is what Laplace noise needs for differential privacy (see `epsilon`).
    """,
    example: "print(clip(4) >> noise(0.01))  # expect: clip(4) >> noise(0.01)"
  ) { call in
    let scope = try call.choice("per", of: Clip.Scope.allCases.map(\.rawValue))
    guard let norm = NormKind(rawValue: try call.int("norm")) else {
      throw call.fault("out-of-range", "`norm` of `clip` must be 1 or 2", argument: "norm", help: "clip_value(0.1)")
    }
    return try Clip(call.double("bound"), per: Clip.Scope(rawValue: scope) ?? .global, norm: norm)
  },
  defense(
    "clip_value(bound)", "Keeps every entry within ±`bound`.",
    example: "print(clip_value(0.1))  # expect: clip_value(0.1)"
  ) { try ClipValue($0.double("bound")) },
  defense(
    "dp(sigma:, clip:)",
    """
    Differentially private SGD (Abadi et al. 2016): each example's gradient is clipped to the norm `clip`, they are summed, normal
    noise of standard deviation `sigma`·`clip` is added once, and the sum is divided by the number of examples. `epsilon(…)` says
    what that protects. In a `local_update` every step does so.
    """,
    example: "print(dp(sigma: 1.0, clip: 4) >> prune(0.9))  # expect: dp(sigma: 1, clip: 4) >> prune(0.9)"
  ) { try DifferentialPrivacy(sigma: $0.double("sigma"), clip: $0.double("clip")) },
  defense(
    "prune(rate)",
    "Gradient compression: in each tensor, entries below the `rate` quantile of the absolute values become 0; ties are kept.",
    example: "print(prune(0.9))  # expect: prune(0.9)"
  ) { try Prune($0.double("rate")) },
  defense(
    "soteria(rate)",
    "Representation perturbation (Sun et al. 2021), as in GGL: zeroes the columns of the last layer's gradient whose features have the smallest ‖dr/dx‖/r, a share `rate` of them.",
    example: "print(soteria(0.8))  # expect: soteria(0.8)"
  ) { try Soteria($0.double("rate")) },
  defense(
    "quantize(bits)", "Uniform stochastic rounding to 2^bits levels between each tensor's smallest and largest entry.",
    example: "print(quantize(8))  # expect: quantize(8)"
  ) { try Quantize($0.int("bits")) },
  defense("sign_only()", "Sends only the sign of each entry.", example: "print(type(sign_only()))  # expect: defense") {
    _ in
    SignOnly()
  },
  defense(
    "dropout_gradient(rate)", "Sets each entry to 0 with probability `rate`.",
    example: "print(dropout_gradient(0.5))  # expect: dropout_gradient(0.5)"
  ) { try DropoutGradient($0.double("rate")) },
  Builtin(
    "defense(f, adapt: none)", group: "defenses",
    """
    A function from an update to an update as a defense. `adapt` is a function of a candidate's gradient (a record of tensors)
    and the update received, which imitates the defense for attacks that adapt.
    """, example: "print(type(defense(u => 0.5 * u)))  # expect: defense"
  ) { call in
    guard let made = try Defenses.defense(call.function("f"), call.session, adapt: call.optionalFunction("adapt"))
    else {
      throw call.fault("type-mismatch", "`f` must be a function from an update to an update", argument: "f")
    }
    return Value(DefenseValue(made))
  },
]
