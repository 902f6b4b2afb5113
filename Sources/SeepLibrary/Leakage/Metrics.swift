// How alike two images are, by their pixels.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

/// A metric of two images or batches, `[n]` from `body`: the mean over the images of a batch, or with `each: true` all values;
/// differentiable in both. The signature has `a`, `b` and `each`.
/// - Parameter source: authors, title, venue and year of the paper that defines it, the last line of the help.
func metric(
  _ signature: String, _ what: String, source: String? = nil, example: String,
  _ body: @escaping (Variable, Variable, Call) throws -> Variable
) -> Builtin {
  let shapes = " Images are `[c, h, w]`, batches `[n, c, h, w]`; `each: true` gives every image's value, `[n]`."
  let words = what + shapes + (source.map { "\n\nSource: \($0)" } ?? "")
  return Builtin(signature, group: "metrics", words, example: example) { call in
    let (a, b) = (try tensorArgument(call, "a"), try tensorArgument(call, "b"))
    guard a.shape == b.shape else {
      throw otherImages(call.name, written(a.shape), written(b.shape), argument: call.index(of: "b"))
    }
    let values = try body(a, b, call)
    return try call.bool("each") ? Value(TensorValue(inDType(of: a, values))) : number(values.mean())
  }
}

/// The words for images that a metric cannot compare, about shapes as they are written.
func otherImages(_ name: String, _ a: String, _ b: String, argument: Int) -> Fault {
  Fault(
    "shape-mismatch", "`\(name)` compares images of one shape, not \(a) and \(b)", argument: argument,
    operands: [0: a, 1: b])
}

/// Metrics are computed in float64; a tensor of them has the dtype of the images.
private func inDType(of image: Variable, _ values: Variable) throws -> Variable {
  image.dtype == .float32 ? try values.converted(to: .float32) : values
}

/// A number; inside a derivative one that can be differentiated.
private func number(_ result: Variable) throws -> Value {
  result.isTracked ? Value(TensorValue(result, isNumber: true)) : Value(try result.value.item())
}

let metricBuiltins: [Builtin] =
  pixelMetricBuiltins + perceptualMetricBuiltins + pairingBuiltins + identificationBuiltins + [
    Builtin(
      "label_accuracy(found, true_labels)", group: "metrics",
      "1 - ½ Σ|counts found - counts true| / n: the overlap of two lists of labels as multisets, order aside.",
      example: "print(label_accuracy([1, 2], [2, 3]))  # expect: 0.5"
    ) { call in
      Value(try labelAccuracy(labels(call, "found").integers(), labels(call, "true_labels").integers()))
    },
    Builtin(
      "paired_interval(a, b, level: 0.95, groups: none)", group: "metrics",
      "The mean difference of paired values with its confidence interval (paired t), as a record {mean, low, high}. `groups` says by an int which values belong together, such as photographs of one person: differences are averaged within a group, and the interval is over groups.",
      example: "print(paired_interval([2, 3, 4], [1, 2, 3]).mean)  # expect: 1.0"
    ) { call in
      let level = try call.double("level", in: 0.5...0.9999)
      let (a, b) = (try call.doubles("a"), try call.doubles("b"))
      let interval =
        call.optionalValue("groups") == nil
        ? try Interval(paired: a, b, level: level)
        : try Interval(paired: a, b, groups: labels(call, "groups").integers(), level: level)
      return Value(record: [
        ("mean", Value(interval.mean)), ("low", Value(interval.low)), ("high", Value(interval.high)),
      ])
    },
  ]

private let pixelMetricBuiltins: [Builtin] = [
  metric(
    "mse(a, b, each: false)",
    "Mean squared difference over channels and pixels, of values as they are (clamp a reconstruction that leaves 0…1 first); of a batch the mean.",
    example: "print(mse(zeros(1, 2, 2), ones(1, 2, 2)))  # expect: 1.0"
  ) { a, b, _ in try Leakage.mse(a, b) },
  metric(
    "psnr(a, b, peak: 1.0, each: false)",
    "Peak signal-to-noise ratio in dB, 10·log₁₀(peak² / mse), higher is closer, `inf` if equal; of a batch the mean of the images' values (not the value of the mean error). `peak` is the range of the data: 1 for images in 0…1, 2 for -1…1.",
    example: "print(psnr(zeros(1, 2, 2), ones(1, 2, 2)))  # expect: 0.0"
  ) { a, b, call in try Leakage.psnr(a, b, peak: call.double("peak")) },
  metric(
    "ssim(a, b, peak: 1.0, window: \"gaussian\", each: false)",
    "Structural similarity, 1 if equal: 11×11 Gaussian window of deviation 1.5, valid region, biased covariance, the mean over channels. `peak` is the range of the data. Other conventions by `window`, which differ by up to 0.1: \(SSIMWindow.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")).",
    source:
      "Wang, Bovik, Sheikh, Simoncelli, \"Image Quality Assessment: From Error Visibility to Structural Similarity\", IEEE TIP 2004.",
    example: "print(ssim(ones(1, 12, 12), ones(1, 12, 12)))  # expect: 1.0"
  ) { a, b, call in
    let window = try call.choice("window", of: SSIMWindow.allCases.map(\.rawValue))
    return try Leakage.ssim(a, b, peak: call.double("peak"), window: SSIMWindow(rawValue: window) ?? .gaussian)
  },
  metric(
    "ms_ssim(a, b, peak: 1.0, each: false)",
    "Multi-scale structural similarity, 1 if equal: five scales with 2×2 mean pooling between them, weights .0448 .2856 .3001 .2363 .1333, as pytorch-msssim. Sides must be longer than 160 pixels.",
    source:
      "Wang, Simoncelli, Bovik, \"Multiscale structural similarity for image quality assessment\", Asilomar 2003.",
    example: "let x = rand(1, 176, 176)\nprint(\"{ms_ssim(x, x):.4}\")  # expect: 1.0000"
  ) { a, b, call in try multiScaleSSIM(a, b, peak: call.double("peak")) },
  Builtin(
    "tv(x)", group: "metrics",
    """
    Total variation: mean |dx| + mean |dy| over an image `[c, h, w]` or batch `[n, c, h, w]`, one number; what `inverting_gradients` keeps small.

    Source: Geiping, Bauermeister, Dröge, Moeller, "Inverting Gradients: How easy is it to break privacy in federated learning?", NeurIPS 2020.
    """,
    example: "print(tv(ones(1, 3, 3)))  # expect: 0.0"
  ) { call in
    let x = try tensorArgument(call, "x")
    return try number(totalVariation(x))
  },
  Builtin(
    "median_filter(x)", group: "metrics",
    """
    Each pixel's median among its 3×3 neighbours, the border reflected, of an image `[c, h, w]` or batch `[n, c, h, w]`, in the same shape: takes
    single wrong pixels out of a reconstruction, as the published code of the paper does before it measures.

    Source: Geiping, Bauermeister, Dröge, Moeller, "Inverting Gradients: How easy is it to break privacy in federated learning?", NeurIPS 2020.
    """,
    example:
      "var x = zeros(1, 5, 5)\nx[0, 2, 2] = 1\nprint(max(median_filter(x)))  # expect: 0.0"
  ) { call in Value(TensorValue(try medianFilter(tensorArgument(call, "x")))) },
]
