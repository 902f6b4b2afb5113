// Layers by name. Given a tensor first, a layer that needs no parameters runs on it; otherwise the call makes the layer.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

private func layer(
  _ signature: String, _ what: String, example: String, _ make: @escaping (Call) throws -> any Layer
) -> Builtin {
  Builtin(signature, group: "layers", what, example: example, constructor: true) { call in
    Layers.value(try make(call), call.session)
  }
}

/// A layer without parameters: `max_pool(x, 2)` runs it, `max_pool(2)` makes it.
private func both(
  _ signature: String, _ what: String, example: String, _ make: @escaping ([Value], Call) throws -> any Layer
) -> Builtin {
  Builtin(signature, group: "layers", what, example: example) { call in
    var arguments = call.rest("args")
    let subject = arguments.first?.foreign(as: TensorValue.self)
    if subject != nil { arguments.removeFirst() }
    let layer = try make(arguments, call)
    guard let subject else { return Layers.value(layer, call.session) }
    return Value(TensorValue(try Model([layer], key: RandomKey(seed: 0))(subject.variable)))
  }
}

private func window(_ arguments: [Value], _ call: Call) throws -> Int {
  if let first = arguments.first?.asInt { return first }
  if let given = try call.optionalInt("window") { return given }
  throw Fault("missing-argument", "`\(call.name)` needs the size of its window: `\(call.name)(2)`")
}

private func pool(_ method: Pool.Method, _ what: String, result: String) -> Builtin {
  let name = method.rawValue
  return both(
    "\(name)(args..., window: none, stride: none, pad: 0)",
    "\(what) under a square window that moves by `stride` (by default its size). `\(name)(x, 2)` on images `[n, c, h, w]` or `[c, h, w]`; `\(name)(2)` makes a layer.",
    example: "print(\(name)(arange(4).reshape(1, 2, 2), 2))  # expect: \(result)"
  ) { arguments, call in
    try Pool(method, window(arguments, call), stride: call.optionalInt("stride"), pad: call.int("pad"))
  }
}

let layerBuiltins: [Builtin] = [
  layer(
    "conv(channels, kernel:, stride: 1, pad: 0, dilation: 1, groups: 1, bias: true)",
    """
    A convolution layer with `channels` output channels and a square `kernel`: `[n, in, h, w]` to `[n, channels, h′, w′]`, with
    h′ = ⌊(h + 2 pad - dilation (kernel - 1) - 1) / stride⌋ + 1 and w′ alike; or one image, without n.
    """,
    example: "print(conv(4, kernel: 3, pad: 1)(zeros(1, 8, 8)).shape)  # expect: [4, 8, 8]"
  ) {
    try Conv(
      $0.int("channels"), kernel: $0.int("kernel"), stride: $0.int("stride"), pad: $0.int("pad"),
      dilation: $0.int("dilation"), groups: $0.int("groups"), bias: $0.bool("bias"))
  },
  layer(
    "conv_transpose(channels, kernel:, stride: 1, pad: 0, output_pad: 0, bias: true)",
    """
    A transposed convolution: it enlarges images by `stride`, `[n, in, h, w]` to `[n, channels, h′, w′]`, with
    h′ = stride (h - 1) - 2 pad + kernel + output_pad and w′ alike; or one image, without n.
    """,
    example: "print(conv_transpose(2, kernel: 4, stride: 2, pad: 1)(zeros(3, 7, 7)).shape)  # expect: [2, 14, 14]"
  ) {
    try ConvTranspose(
      $0.int("channels"), kernel: $0.int("kernel"), stride: $0.int("stride"), pad: $0.int("pad"),
      outputPad: $0.int("output_pad"), bias: $0.bool("bias"))
  },
  layer(
    "dense(features, bias: true)", "A fully connected layer: x @ weight.T + bias, `[n, in]` to `[n, features]`.",
    example: "print(dense(3)(zeros(5, 2)).shape)  # expect: [5, 3]"
  ) { try Dense($0.int("features"), bias: $0.bool("bias")) },
  layer(
    "batch_norm(momentum: 0.1, eps: 1e-5)",
    "Batch normalisation (Ioffe, Szegedy 2015): by the running statistics in eval mode, by the batch's own in train mode. `[n, c, …]`, shape kept.",
    example: "print(batch_norm()(zeros(2, 3, 4, 4)).shape)  # expect: [2, 3, 4, 4]"
  ) { try BatchNorm(momentum: $0.double("momentum"), eps: $0.double("eps")) },
  layer(
    "group_norm(groups, eps: 1e-5)",
    "Group normalisation (Wu, He 2018) of `[n, c, …]` in `groups` groups of channels, shape kept.",
    example: "print(group_norm(2)(zeros(1, 4, 3, 3)).shape)  # expect: [1, 4, 3, 3]"
  ) { try GroupNorm($0.int("groups"), eps: $0.double("eps")) },
  layer(
    "layer_norm(eps: 1e-5)", "Layer normalisation (Ba, Kiros, Hinton 2016) over all axes but the batch's; shape kept.",
    example: "print(layer_norm()(ones(2, 3)).shape)  # expect: [2, 3]"
  ) { try LayerNorm(eps: $0.double("eps")) },
  layer(
    "instance_norm(eps: 1e-5)",
    "Instance normalisation (Ulyanov et al. 2016) of each channel of each image `[n, c, h, w]`, shape kept.",
    example: "print(instance_norm()(zeros(1, 2, 3, 3)).shape)  # expect: [1, 2, 3, 3]"
  ) { try InstanceNorm(eps: $0.double("eps")) },
  layer(
    "dropout(rate)",
    "Sets each number to 0 with probability `rate` in train mode and scales the others; nothing in eval mode. Shape kept.",
    example: "print(dropout(0.5)(ones(1, 2)))  # expect: [[1.0, 1.0]]"
  ) { try Dropout($0.double("rate")) },
  layer(
    "upsample(factor, mode: \"nearest\")",
    "Enlarges images by a whole factor, \"nearest\" or \"bilinear\": `[n, c, h, w]` to `[n, c, factor·h, factor·w]`.",
    example: "print(upsample(2)(zeros(1, 3, 3)).shape)  # expect: [1, 6, 6]"
  ) {
    let mode = try $0.choice("mode", of: Upsample.Method.allCases.map(\.rawValue))
    return try Upsample($0.int("factor"), mode: Upsample.Method(rawValue: mode) ?? .nearest)
  },
  layer(
    "global_avg_pool()", "The mean over all positions of each channel: `[n, c, h, w]` to `[n, c]`.",
    example: "print(global_avg_pool()(ones(1, 2, 3, 3)))  # expect: [[1.0, 1.0]]"
  ) { _ in GlobalAvgPool() },
  layer(
    "residual(main, shortcut: none)",
    "main(x) + x, or main(x) + shortcut(x): both are layers or compositions that give one shape.",
    example: "print(residual(dense(3) >> relu)(zeros(2, 3)).shape)  # expect: [2, 3]"
  ) {
    try Residual(
      Layers.list($0["main"], $0, "main"),
      shortcut: $0.optionalValue("shortcut").map { [call = $0] in try Layers.list($0, call, "shortcut") } ?? [])
  },
  pool(.max, "The largest value", result: "[[[3.0]]]"),
  pool(.average, "The mean", result: "[[[1.5]]]"),
  Builtin(
    "conv2d(x, w, bias: none, stride: 1, pad: 0, dilation: 1, groups: 1)", group: "tensors",
    "The convolution of images `[n, in, h, w]` with weights `[out, in/groups, kh, kw]`.",
    example: "print(conv2d(ones(1, 1, 3, 3), ones(1, 1, 2, 2)))  # expect: [[[[4.0, 4.0], [4.0, 4.0]]]]"
  ) { call in
    let g = try geometry(call)
    let bias = try call.optionalForeign(as: TensorValue.self, "bias", kind: "a tensor")
    return Value(TensorValue(try tensorArgument(call, "x").conv2d(tensorArgument(call, "w"), bias: bias?.variable, g)))
  },
  Builtin(
    "conv_transpose2d(x, w, bias: none, stride: 1, pad: 0, output_pad: 0, dilation: 1, groups: 1)", group: "tensors",
    "The transposed convolution of images `[n, in, h, w]` with weights `[in, out/groups, kh, kw]`.",
    example: "print(conv_transpose2d(ones(1, 1, 2, 2), ones(1, 1, 2, 2), stride: 2).shape)  # expect: [1, 1, 4, 4]"
  ) { call in
    let pad = try call.int("output_pad", in: 0...1024)
    let bias = try call.optionalForeign(as: TensorValue.self, "bias", kind: "a tensor")
    return Value(
      TensorValue(
        try tensorArgument(call, "x").convTranspose2d(
          tensorArgument(call, "w"), bias: bias?.variable, geometry(call), outputPadding: (pad, pad))))
  },
  Builtin(
    "resize(x, size, mode: \"area\")", group: "tensors",
    "Images `[n, c, h, w]` or `[c, h, w]` at another size: an int, or [height, width]. Modes: \"area\", \"nearest\", \"bilinear\", \"bicubic\".",
    example: "print(resize(ones(1, 4, 4), 2).shape)  # expect: [1, 2, 2]"
  ) { call in
    let size = try call.ints("size")
    guard (1...2).contains(size.count), let height = size.first, let width = size.last else {
      throw call.fault("bad-shape", "a size is an int or [height, width]", argument: "size")
    }
    let mode = try call.choice("mode", of: Variable.ResizeMode.allCases.map(\.rawValue))
    return Value(
      TensorValue(
        try tensorArgument(call, "x").resize(height: height, width: width, mode: .init(rawValue: mode) ?? .area)))
  },
  Builtin(
    "cross_entropy(logits, labels)", group: "tensors",
    "The mean of -log softmax(logits)[label] over a batch `[n, classes]`; labels are ints, or distributions `[n, classes]`.",
    example: "print(cross_entropy(zeros(1, 2), [0]))  # expect near: 0.6931 ± 1e-3"
  ) { call in
    let logits = try tensorArgument(call, "logits")
    let batch = logits.rank == 1 ? try logits.unsqueeze(axis: 0) : logits
    if let soft = call["labels"].foreign(as: TensorValue.self), soft.variable.dtype.isFloat {
      let targets = soft.variable.rank == 1 ? try soft.variable.unsqueeze(axis: 0) : soft.variable
      return Value(
        TensorValue(try blaming(call, "labels", labelling: "logits") { try batch.crossEntropy(soft: targets) }))
    }
    let classes = try labels(call, "labels")
    return Value(
      TensorValue(try blaming(call, "labels", labelling: "logits") { try batch.crossEntropy(labels: classes) }))
  },
]

private func geometry(_ call: Call) throws -> ConvGeometry {
  ConvGeometry(
    stride: try call.int("stride", in: 1...65536), padding: try call.int("pad", in: 0...65536),
    dilation: try call.int("dilation", in: 1...65536), groups: try call.int("groups", in: 1...1_000_000))
}
