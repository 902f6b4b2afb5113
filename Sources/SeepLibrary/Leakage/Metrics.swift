// How alike two images are.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

/// A metric of two images or batches: the mean over the images of a batch; differentiable in both.
private func metric(
  _ signature: String, _ what: String, example: String, _ body: @escaping (Variable, Variable, Call) throws -> Variable
) -> Builtin {
  Builtin(signature, group: "metrics", what, example: example) { call in
    let (a, b) = (try tensorArgument(call, "a"), try tensorArgument(call, "b"))
    guard a.shape == b.shape else {
      throw Fault(
        "shape-mismatch",
        "`\(call.name)` compares images of one shape, not \(written(a.shape)) and \(written(b.shape))",
        argument: call.index(of: "b"), operands: [0: written(a.shape), 1: written(b.shape)])
    }
    let result = try body(a, b, call).mean()
    return result.isTracked ? Value(TensorValue(result)) : Value(try result.value.item())
  }
}

let metricBuiltins: [Builtin] = [
  metric(
    "mse(a, b)", "Mean squared difference of two images in 0…1, the mean over a batch.",
    example: "print(mse(zeros(1, 2, 2), ones(1, 2, 2)))  # expect: 1.0"
  ) { a, b, _ in try Leakage.mse(a, b) },
  metric(
    "psnr(a, b, peak: 1.0)",
    "Peak signal-to-noise ratio in dB, 10·log₁₀(peak² / mse), higher is closer, `inf` if equal; of a batch the mean of the images' values. `peak` is the range of the data: 1 for images in 0…1.",
    example: "print(psnr(zeros(1, 2, 2), ones(1, 2, 2)))  # expect: 0.0"
  ) { a, b, call in try Leakage.psnr(a, b, peak: call.double("peak")) },
  metric(
    "ssim(a, b, peak: 1.0, window: \"gaussian\")",
    "Structural similarity (Wang et al. 2004), 1 if equal: 11×11 Gaussian window of deviation 1.5, valid region, biased covariance. Other conventions by `window`: \(SSIMWindow.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")).",
    example: "print(ssim(ones(1, 12, 12), ones(1, 12, 12)))  # expect: 1.0"
  ) { a, b, call in
    let window = try call.choice("window", of: SSIMWindow.allCases.map(\.rawValue))
    return try Leakage.ssim(a, b, peak: call.double("peak"), window: SSIMWindow(rawValue: window) ?? .gaussian)
  },
  Builtin(
    "tv(x)", group: "metrics", "Total variation: mean |dx| + mean |dy| over an image or batch.",
    example: "print(tv(ones(1, 3, 3)))  # expect: 0.0"
  ) { call in
    let x = try tensorArgument(call, "x")
    let result = try totalVariation(x.rank == 3 ? x.unsqueeze(axis: 0) : x)
    return result.isTracked ? Value(TensorValue(result)) : Value(try result.value.item())
  },
  Builtin(
    "label_accuracy(found, true_labels)", group: "metrics",
    "1 - ½ Σ|counts found - counts true| / n: the overlap of two lists of labels, order aside.",
    example: "print(label_accuracy([1, 2], [2, 3]))  # expect: 0.5"
  ) { call in
    Value(try labelAccuracy(labels(call, "found").integers(), labels(call, "true_labels").integers()))
  },
  Builtin(
    "pair(a, b)", group: "metrics",
    "For each image of batch `a`, the index of its partner in `b`: the assignment with the smallest sum of squared differences.",
    example: "let x = rand(3, 1, 4, 4)\nprint(pair(x, flip(x, 0)))  # expect: [2, 1, 0]"
  ) { call in
    Value(list: try Leakage.pair(tensorArgument(call, "a").value, tensorArgument(call, "b").value).map { Value($0) })
  },
  Builtin(
    "paired_interval(a, b, level: 0.95)", group: "metrics",
    "The mean difference of paired values with its confidence interval (paired t), as a record {mean, low, high}.",
    example: "print(paired_interval([2, 3, 4], [1, 2, 3]).mean)  # expect: 1.0"
  ) { call in
    let interval = try Interval(
      paired: call.doubles("a"), call.doubles("b"), level: call.double("level", in: 0.5...0.9999))
    return Value(record: [("mean", Value(interval.mean)), ("low", Value(interval.low)), ("high", Value(interval.high))])
  },
]
