// Which reconstruction belongs to which image of a batch, and metrics after that.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

/// `by: "mse"`, `by: "ssim"`, `by: net` or `by: (a, b) => …`.
func imageDistance(_ call: Call, _ name: String = "by") throws -> ImageDistance {
  let value = call[name]
  if let word = value.asString {
    switch word {
    case "mse": return .mse
    case "ssim": return .ssim
    default:
      throw call.fault(
        "unknown-option", "there is no distance \"\(word)\"", argument: name,
        help: "\"mse\", \"ssim\", a model (its representation), or a function of two images")
    }
  }
  if let net = value.foreign(as: ModelValue.self) { return .representation(net.model) }
  guard value.isPlainFunction else {
    throw call.fault(
      "type-mismatch",
      "`\(name)` is \"mse\", \"ssim\", a model or a function of two images, not \(described(value))", argument: name)
  }
  let session = call.session
  return .function { a, b in
    try number(
      session.invoke(value, [Value(TensorValue(Variable(a))), Value(TensorValue(Variable(b)))]), call, name)
  }
}

private func number(_ value: Value, _ call: Call, _ name: String) throws -> Double {
  if let number = value.asDouble ?? value.foreign(as: TensorValue.self)?.numberValue { return number }
  throw call.fault(
    "type-mismatch", "a distance or metric gives a number, and this one gave \(described(value))", argument: name)
}

let pairingBuiltins: [Builtin] = [
  Builtin(
    "pair(a, b, by: \"mse\")", group: "metrics",
    """
    For each image of batch `a`, `[n, c, h, w]`, the index of its partner in `b`, a list of n ints: the assignment, each image used once, with the smallest sum of distances
    (Kuhn and Munkres). `by` is "mse" (of values in 0…1), "ssim", a model (its representation) or a function of two images, smaller nearer.
    `b[pair(a, b)]` is `b` in the order of `a`.
    """,
    example: "let x = rand(3, 1, 4, 4)\nprint(pair(x, flip(x, 0)))  # expect: [2, 1, 0]"
  ) { call in
    let (a, b) = (try tensorArgument(call, "a").value, try tensorArgument(call, "b").value)
    return Value(list: try Leakage.pair(a, b, by: imageDistance(call)).map { Value($0) })
  },
  Builtin(
    "compare(found, truth, metrics: none, by: \"mse\")", group: "metrics",
    """
    A batch `[n, c, h, w]` (or an image) against the truth, image by image: pairs them (see `pair`) and gives one record for each found image with the index of its partner
    `truth` and every metric. `metrics` are functions of two images, by default `[mse, psnr, ssim]`.
    """,
    example:
      "let x = rand(2, 1, 16, 16)\nfor row in compare(flip(x, 0), x, metrics: [mse]) { print(row) }\n# expect: {found: 0, truth: 1, mse: 0.0}\n# expect: {found: 1, truth: 0, mse: 0.0}"
  ) { call in
    let call = call
    func batch(_ name: String) throws -> Tensor {
      let images = try tensorArgument(call, name).value
      return images.rank == 3 ? try images.unsqueeze(axis: 0) : images
    }
    let (found, truth) = (try batch("found"), try batch("truth"))
    let chosen: [(name: String, of: (Tensor, Tensor) throws -> Double)]
    if call.optionalValue("metrics") != nil {
      chosen = try call.list("metrics").enumerated().map { place, function in
        guard function.isPlainFunction else {
          throw call.fault(
            "type-mismatch", "`metrics` are functions of two images such as ssim, not \(described(function))",
            argument: "metrics")
        }
        return (
          function.functionName ?? "metric\(place + 1)",
          { a, b in
            try number(
              call.session.invoke(function, [Value(TensorValue(Variable(a))), Value(TensorValue(Variable(b)))]), call,
              "metrics")
          }
        )
      }
    } else {
      chosen = [
        ("mse", { try Leakage.mse($0, $1)[0] }), ("psnr", { try Leakage.psnr($0, $1)[0] }),
        ("ssim", { try Leakage.ssim($0, $1)[0] }),
      ]
    }
    let order = try Leakage.pair(found, truth, by: imageDistance(call))
    return Value(
      list: try order.enumerated().map { place, partner in
        let (a, b) = (try found.select(axis: 0, index: place), try truth.select(axis: 0, index: partner))
        return Value(
          record: [("found", Value(place)), ("truth", Value(partner))]
            + (try chosen.map { ($0.name, Value(try $0.of(a, b))) }))
      })
  },
]
