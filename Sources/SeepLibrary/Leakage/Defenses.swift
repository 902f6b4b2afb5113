// The defenses by name, with their documentation.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

func defense(
  _ signature: String, _ what: String, example: String, _ make: @escaping (Call) throws -> any Defense
) -> Builtin {
  Builtin(signature, group: "defenses", what, example: example, constructor: true) { Value(DefenseValue(try make($0))) }
}

let defenseBuiltins: [Builtin] =
  [
    defense(
      "noise(sigma)",
      """
      Adds normal noise of standard deviation `sigma` to every entry. Without clipping it gives no differential privacy.

      Source: Abadi et al., "Deep Learning with Differential Privacy", CCS 2016.
      """,
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

      Source: Abadi et al., "Deep Learning with Differential Privacy", CCS 2016.
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
      Differentially private SGD: each example's gradient is clipped to the norm `clip`, they are summed, normal
      noise of standard deviation `sigma`·`clip` is added once, and the sum is divided by the number of examples. `epsilon(…)` says
      what that protects. In a `local_update` every step does so.

      Source: Abadi et al., "Deep Learning with Differential Privacy", CCS 2016.
      """,
      example: "print(dp(sigma: 1.0, clip: 4) >> prune(0.9))  # expect: dp(sigma: 1, clip: 4) >> prune(0.9)"
    ) { try DifferentialPrivacy(sigma: $0.double("sigma"), clip: $0.double("clip")) },
  ] + sparseDefenses + coarseDefenses + batchDefenses + [userDefense]
