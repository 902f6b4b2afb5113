// The words that string arguments may be, for completion: the same lists that the functions check against.
import Autodiff
import Leakage
import Networks
import SeepLanguage
import Tensors

public enum Options {
  /// What an argument may be, by the function's name and the parameter's; empty where anything goes.
  public static func words(_ function: String, _ parameter: String) -> [String] {
    if parameter == "dtype" { return DType.allCases.map(\.name) }
    if parameter == "adapt", function != "audit", function != "defense" { return Knowledge.allCases.map(\.rawValue) }
    return table["\(function).\(parameter)"]?() ?? []
  }

  /// All entries, for the test that each is a parameter.
  public static var entries: [(function: String, parameter: String)] {
    table.keys.sorted().map { key in
      let parts = key.split(separator: ".").map(String.init)
      return (parts[0], parts[1])
    }
  }

  private static let distances: @Sendable () -> [String] = { Distance.allCases.map(\.rawValue) }
  private static let rules: @Sendable () -> [String] = { LabelRule.all.map(\.name) }
  private static let modes: @Sendable () -> [String] = { ["eval", "train"] }

  private static let logs: @Sendable () -> [String] = { ["x", "y", "xy"] }

  private static let table: [String: @Sendable () -> [String]] = [
    "dataset.name": { Data.names },
    "prior.name": { PriorValue.bundled },
    "generator.kind": { ["biggan-deep"] },
    "resnet18.stem": { Model.Stem.allCases.map(\.rawValue) },
    "resize.mode": { Variable.ResizeMode.allCases.map(\.rawValue) },
    "upsample.mode": { Upsample.Method.allCases.map(\.rawValue) },
    "lbfgs.line_search": { ["none", "strong_wolfe"] },
    "adam.schedule": { RateShape.allCases.map(\.rawValue) },
    "clip.per": { Clip.Scope.allCases.map(\.rawValue) },
    "top_k.per": { TopK.Scope.allCases.map(\.rawValue) },
    "low_precision.form": { LowPrecision.Form.allCases.map(\.rawValue) },
    "soteria.mode": { Soteria.Method.allCases.map(\.rawValue) },
    "epsilon.neighbours": { ["add_remove", "replace"] },
    "epsilon.unit": { PrivacyUnit.allCases.map(\.rawValue) },
    "split_clients.by": { ["even", "dirichlet", "shards", "class"] },
    "share.mode": modes,
    "local_update.mode": modes,
    "federate.algorithm": { Federation.Algorithm.allCases.map(\.rawValue) },
    "federate.sampling": { Federation.Sampling.allCases.map(\.rawValue) },
    "inverting_gradients.preset": { InvertingGradients.Preset.allCases.map(\.rawValue) },
    "inverting_gradients.distance": distances,
    "inverting_gradients.sign": { SlopeSign.allCases.map(\.rawValue) },
    "inverting_gradients.start": { PixelStart.allCases.map(\.rawValue) },
    "inverting_gradients.rule": rules,
    "grad_inversion.distance": distances,
    "grad_inversion.rule": rules,
    "untrained_prior.distance": distances,
    "untrained_prior.rule": rules,
    "gias.distance": distances,
    "gias.rule": rules,
    "gifd.distance": distances,
    "gifd.rule": rules,
    "ggl.rule": rules,
    "infer_labels.rule": rules,
    "gradient_distance.measure": distances,
    "matching_loss.distance": distances,
    "audit.labels": { ["inferred", "told"] },
    "audit.cluster": { ["image", "label"] },
    "lpips.backbone": { LPIPS.Backbone.allCases.map(\.rawValue) },
    "plot.log": logs,
    "scatter.log": logs,
    "hist.log": { ["y"] },
    "heatmap.scale": { ["auto", "sequential", "diverging"] },
    "ssim.window": { SSIMWindow.allCases.map(\.rawValue) },
  ]
}
