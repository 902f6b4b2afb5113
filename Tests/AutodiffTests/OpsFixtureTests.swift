// Every case of Tests/Fixtures/ops: forward, vector-Jacobian product, and the gradient of S = ½ Σ‖gᵢ‖².
import FixtureSupport
import Ground
import Tensors
import Testing

import Autodiff

private typealias Inputs = [Variable]

@Suite("ops fixtures") struct OpsFixtureTests {
  @Test("every operation, to second order", arguments: [DType.float32, .float64])
  func allCases(dtype: DType) throws {
    let fixtures = try Fixtures.load("ops")
    var checked = 0
    for entry in fixtures.cases {
      if entry.op.hasPrefix("derivatives of orders") || entry.op.hasPrefix("full Hessian") { continue }
      do {
        for problem in try check(entry, fixtures, dtype) {
          Issue.record("\(dtype.name) \(entry.name) (\(entry.op)): \(problem)")
        }
      } catch {
        Issue.record("\(dtype.name) \(entry.name) (\(entry.op)): \(error)")
      }
      checked += 1
    }
    print("ops fixtures, \(dtype.name): \(checked) cases checked")
    #expect(checked >= 370)
  }

  private func check(_ entry: Fixtures.Case, _ fixtures: Fixtures, _ dtype: DType) throws -> [String] {
    let rtol = entry.limit("rtol_max") ?? 1e-5
    let atol = entry.limit("atol") ?? 0
    let second = entry.limit("rtol_max_second_order") ?? 2e-5
    let tensors = try entry.inputs.map { name -> Tensor in
      let tensor = try fixtures.tensor(name)
      return tensor.dtype == .float32 ? try tensor.converted(to: dtype) : tensor
    }
    let differentiable = entry.ints("diff") ?? []
    var inputs = tensors.map { Variable($0) }
    for index in differentiable { inputs[index] = inputs[index].watched() }
    guard let operation = operations[entry.op] else { return ["no closure for this operation"] }
    var out = try operation(inputs, entry)
    if entry.text("then") == "square" { out[0] = try out[0].square() }
    var names = entry.outputs
    var problems: [String] = []
    func size(_ tensor: Tensor) throws -> Double {
      try tensor.doubles().reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    }
    let largest = try entry.outputs.map { try size(fixtures.tensor($0)) }.max() ?? 0
    func compare(_ what: String, _ value: Tensor, _ limit: Double) throws {
      guard !names.isEmpty else { return problems.append("the fixture has no \(what)") }
      let name = names.removeFirst()
      let typed = value.dtype.isFloat ? value : try value.converted(to: .float64)
      let reference = try fixtures.tensor(name)
      // Analytically zero (README of the fixtures): there is no size to be relative to but that of the case's other tensors.
      let isZero = try size(reference) < 1e-7 * largest
      let allowed = isZero ? entry.limit("atol_numerically_zero") ?? limit * largest : atol
      if let problem = try mismatch(typed, reference, rtol: limit, atol: allowed) {
        problems.append("\(what) \(problem)")
      }
    }
    try compare("out", out[0].value, rtol)
    for extra in out.dropFirst() { try compare("aux", extra.value, rtol) }
    guard let cotangent = entry.text("cotangent") else { return problems }
    let u = Variable(try fixtures.tensor(cotangent).converted(to: dtype)).watched()
    let weighted = try (u * out[0]).sum()
    let leaves = differentiable.map { inputs[$0] }
    let first = try gradients(of: weighted, wrt: leaves, recording: true)
    let slopes = try zip(leaves, first).map { try $1 ?? Variable(Tensor.zeros($0.shape, $0.dtype)) }
    for (index, slope) in zip(differentiable, slopes) { try compare("g\(index)", slope.value, rtol) }
    if entry.params["second_order"] as? Bool ?? false {
      var total: Variable?
      for slope in slopes {
        let part = try slope.square().sum() * 0.5
        total = try total.map { try $0 + part } ?? part
      }
      guard let total else { return problems }
      try compare("S", total.value, second)
      let again = try gradients(of: total, wrt: leaves + [u], recording: false)
      for (which, (leaf, gradient)) in zip(leaves + [u], again).enumerated() {
        let name = which < differentiable.count ? "gg\(differentiable[which])" : "ggu"
        try compare(name, try gradient?.value ?? Tensor.zeros(leaf.shape, leaf.dtype), second)
      }
    }
    return problems
  }
}

// MARK: The table

private func axes(_ entry: Fixtures.Case, _ rank: Int) -> [Int]? {
  entry.ints("axes")?.map { $0 < 0 ? $0 + rank : $0 }
}
private func axis(_ entry: Fixtures.Case, _ rank: Int, _ key: String = "axis") -> Int {
  let given = entry.int(key) ?? 0
  return given < 0 ? given + rank : given
}
private func pair(_ entry: Fixtures.Case, _ key: String, _ standard: Int) -> (Int, Int) {
  if let both = entry.ints(key) { return both.count == 2 ? (both[0], both[1]) : (both[0], both[0]) }
  let one = entry.int(key) ?? standard
  return (one, one)
}
private func geometry(_ entry: Fixtures.Case) -> ConvGeometry {
  let (stride, padding, dilation) = (pair(entry, "stride", 1), pair(entry, "padding", 0), pair(entry, "dilation", 1))
  return ConvGeometry(
    strideHeight: stride.0, strideWidth: stride.1, top: padding.0, left: padding.1, bottom: padding.0,
    right: padding.1, dilationHeight: dilation.0, dilationWidth: dilation.1, groups: entry.int("groups") ?? 1)
}
private func pool(_ entry: Fixtures.Case) -> PoolGeometry {
  let (kernel, stride, padding) = (pair(entry, "kernel", 1), pair(entry, "stride", 1), pair(entry, "padding", 0))
  var g = PoolGeometry(1, roundUp: entry.flag("ceil_mode"))
  (g.height, g.width, g.strideHeight, g.strideWidth) = (kernel.0, kernel.1, stride.0, stride.1)
  (g.padHeight, g.padWidth) = padding
  g.countPadding = entry.params["count_include_pad"] as? Bool ?? true
  return g
}
private func simple(_ body: @escaping @Sendable (Variable) throws -> Variable)
  -> @Sendable (Inputs, Fixtures.Case) throws -> [Variable]
{
  { x, _ in [try body(x[0])] }
}
private func reduction(
  _ body: @escaping @Sendable (Variable, [Int]?, Bool, Fixtures.Case) throws -> Variable
) -> @Sendable (Inputs, Fixtures.Case) throws -> [Variable] {
  { x, entry in [try body(x[0], axes(entry, x[0].rank), entry.flag("keepdims"), entry)] }
}

private let operations: [String: @Sendable (Inputs, Fixtures.Case) throws -> [Variable]] = [
  "add": { x, _ in [try x[0] + x[1]] }, "sub": { x, _ in [try x[0] - x[1]] }, "mul": { x, _ in [try x[0] * x[1]] },
  "div": { x, _ in [try x[0] / x[1]] },
  "pow": { x, entry in [try entry.number("exponent").map { try x[0].pow($0) } ?? x[0].pow(x[1])] },
  "maximum": { x, _ in [try x[0].maximum(x[1])] }, "minimum": { x, _ in [try x[0].minimum(x[1])] },
  "composite: (2*x - 3)/(x*x + 1)": simple { try (2 * $0 - 3) / ($0 * $0 + 1) },
  "where(c > 0, a, b)": { x, _ in [try .choose(Tensor.compare(.greater, x[0].value, 0), x[1], x[2])] },
  "clamp": { x, entry in [try x[0].clamp(entry.number("min") ?? 0, entry.number("max") ?? 0)] },
  "neg": simple { try -$0 }, "abs": simple { try $0.abs() }, "square": simple { try $0.square() },
  "exp": simple { try $0.exp() }, "log": simple { try $0.log() }, "log1p": simple { try $0.log1p() },
  "expm1": simple { try $0.expm1() }, "sqrt": simple { try $0.sqrt() }, "rsqrt": simple { try $0.rsqrt() },
  "reciprocal": simple { try $0.reciprocal() }, "sin": simple { try $0.sin() }, "cos": simple { try $0.cos() },
  "tanh": simple { try $0.tanh() }, "sigmoid": simple { try $0.sigmoid() }, "relu": simple { try $0.relu() },
  "leaky_relu": { x, entry in [try x[0].leakyRelu(entry.number("negative_slope") ?? 0.01)] },
  "leaky_relu_default": { x, entry in [try x[0].leakyRelu(entry.number("negative_slope") ?? 0.01)] },
  "elu": { x, entry in [try x[0].elu(entry.number("alpha") ?? 1)] },
  "gelu": simple { try $0.gelu() }, "gelu_tanh": simple { try $0.gelu(approximate: true) },
  "softplus": simple { try $0.softplus() },
  "softplus_beta": { x, entry in [try x[0].softplus(beta: entry.number("beta") ?? 1)] },
  "silu": simple { try $0.silu() }, "erf": simple { try $0.erf() }, "log_sigmoid": simple { try $0.logSigmoid() },
  "sign": simple { try $0.sign() },
  "matmul": { x, _ in [try x[0].matmul(x[1])] },
  "matmul(a^T, b^T)": { x, _ in [try x[0].transposed().matmul(x[1].transposed())] },
  "linear": { x, _ in [try x[0].matmul(x[1].transposed()) + x[2]] },
  "x^T A x": { x, _ in [try x[0].matmul(x[1].matmul(x[0]))] },
  "outer": { x, _ in [try x[0].unsqueeze(axis: 1) * x[1].unsqueeze(axis: 0)] },
  "sum": reduction { x, axes, keep, _ in try x.sum(axes: axes, keep: keep) },
  "mean": reduction { x, axes, keep, _ in try x.mean(axes: axes, keep: keep) },
  "max": reduction { x, axes, keep, _ in try x.max(axes: axes, keep: keep) },
  "min": reduction { x, axes, keep, _ in try x.min(axes: axes, keep: keep) },
  "var": reduction { x, axes, keep, entry in
    try x.variance(axes: axes, keep: keep, biased: entry.int("correction") == 0)
  },
  "std": reduction { x, axes, keep, entry in try x.std(axes: axes, keep: keep, biased: entry.int("correction") == 0) },
  "logsumexp": reduction { x, axes, keep, _ in try x.logSumExp(axes: axes, keep: keep) },
  "l2_norm": reduction { x, axes, keep, _ in try x.norm(axes: axes, keep: keep) },
  "prod": reduction { x, axes, keep, _ in try x.prod(axes: axes, keep: keep) },
  "cumsum": { x, entry in [try x[0].cumsum(axis: axis(entry, x[0].rank))] },
  "sum of abs": simple { try $0.abs().sum() },
  "argmax": { x, entry in [Variable(try x[0].argmax(axis: axis(entry, x[0].rank)))] },
  "argmin": { x, entry in [Variable(try x[0].argmin(axis: axis(entry, x[0].rank)))] },
  "argsort ascending": { x, entry in [Variable(try x[0].sort(axis: axis(entry, x[0].rank)).indices)] },
  "reshape": { x, entry in [try x[0].reshape(entry.ints("shape") ?? [])] },
  "flatten from axis 1": { x, _ in [try x[0].reshape([x[0].shape[0], -1])] },
  "transpose": { x, entry in
    var order = Array(0..<x[0].rank)
    let both = axes(entry, x[0].rank) ?? [0, 1]
    order.swapAt(both[0], both[1])
    return [try x[0].permute(order)]
  },
  "permute": { x, entry in [try x[0].permute(axes(entry, x[0].rank) ?? [])] },
  "squeeze": { x, entry in [try x[0].squeeze(axis: axis(entry, x[0].rank))] },
  "unsqueeze": { x, entry in [try x[0].unsqueeze(axis: axis(entry, x[0].rank + 1))] },
  "broadcast_to": { x, entry in [try x[0].broadcast(to: entry.ints("shape") ?? [])] },
  "slice": { x, entry in
    var result = x[0]
    for (axis, slice) in (entry.params["slices"] as? [[Any]] ?? []).enumerated() {
      let size = result.shape[axis]
      func bound(_ value: Any, _ standard: Int) -> Int {
        guard let number = value as? Int else { return standard }
        return min(max(number < 0 ? number + size : number, 0), size)
      }
      result = try result.slice(
        axis: axis, from: bound(slice[0], 0), to: bound(slice[1], size), step: slice[2] as? Int ?? 1)
    }
    return [result]
  },
  "x[1]": { x, entry in [try x[0].select(axis: 0, index: entry.int("index") ?? 1)] },
  "concat": { x, entry in [try .concat(x, axis: axis(entry, x[0].rank))] },
  "concat(x, x)": { x, entry in [try .concat([x[0], x[0]], axis: axis(entry, x[0].rank))] },
  "stack": { x, entry in [try .stack(x, axis: axis(entry, x[0].rank + 1))] },
  "pad": { x, entry in
    let p = entry.ints("left_right_top_bottom") ?? [0, 0, 0, 0]
    let pads = [(Int, Int)](repeating: (0, 0), count: x[0].rank - 2) + [(p[2], p[3]), (p[0], p[1])]
    if let mode = Variable.PadMode(rawValue: entry.text("mode") ?? "") { return [try x[0].pad(pads, mode: mode)] }
    return [try x[0].pad(pads, value: entry.number("value") ?? 0)]
  },
  "gather": { x, entry in [try x[0].gather(axis: axis(entry, x[0].rank), x[1].value)] },
  "index_select": { x, entry in [try x[0].indexSelect(axis: axis(entry, x[0].rank), x[1].value)] },
  "embedding lookup": { x, _ in
    [try x[0].indexSelect(axis: 0, x[1].value.reshape([-1])).reshape(x[1].shape + [x[0].shape[1]])]
  },
  "zeros(5).scatter_add(0, i, x)": { x, entry in
    [try x[0].scatterAdd(axis: 0, x[1].value, size: entry.int("size") ?? 5)]
  },
  "one_hot": { x, entry in [Variable(try x[0].value.oneHot(classes: entry.int("classes") ?? 1))] },
  "flip": { x, entry in [try x[0].flip(axes: [axis(entry, x[0].rank)])] },
  "roll": { x, entry in [try x[0].roll(shift: entry.int("shift") ?? 0, axis: axis(entry, x[0].rank))] },
  "tril": simple { try $0.tril() },
  "softmax": { x, entry in [try x[0].softmax(axis: axis(entry, x[0].rank))] },
  "log_softmax": { x, entry in [try x[0].logSoftmax(axis: axis(entry, x[0].rank))] },
  "cross_entropy": { x, entry in
    let reduction = LossReduction(rawValue: entry.text("reduction") ?? "mean") ?? .mean
    if let smoothing = entry.number("label_smoothing") {
      let classes = x[0].shape[1]
      let hard = try x[1].value.oneHot(classes: classes, dtype: x[0].dtype)
      let soft = try Tensor.combine(
        .add, Tensor.combine(.mul, hard, 1 - smoothing), smoothing / Double(classes))
      return [try x[0].crossEntropy(soft: Variable(soft), reduction: reduction)]
    }
    return x[1].dtype.isFloat
      ? [try x[0].crossEntropy(soft: x[1], reduction: reduction)]
      : [try x[0].crossEntropy(labels: x[1].value, reduction: reduction)]
  },
  "mean_b(sum_c -softmax(y) log_softmax(x)) (DLG)": { x, _ in [try x[0].crossEntropy(soft: x[1].softmax(axis: 1))] },
  "nll_loss": { x, _ in
    [try -(x[0].gather(axis: 1, x[1].value.reshape([-1, 1])).mean())]
  },
  "mse": { x, _ in [try x[0].meanSquaredError(x[1])] },
  "l1": { x, _ in [try (x[0] - x[1]).abs().mean()] },
  "bce_with_logits": { x, _ in [try (x[0].softplus() - x[0] * x[1]).mean()] },
  // p and q are softmaxes of the inputs over the last axis.
  "sum p (log p - log q)": { x, _ in
    [try (x[0].softmax(axis: 1) * (x[0].logSoftmax(axis: 1) - x[1].logSoftmax(axis: 1))).sum()]
  },
  "cosine_similarity over all elements": { x, _ in
    [try (x[0] * x[1]).sum() / (x[0].norm() * x[1].norm())]
  },
  "cosine_similarity": { x, entry in
    let along = [axis(entry, x[0].rank)]
    return [try (x[0] * x[1]).sum(axes: along) / (x[0].norm(axes: along) * x[1].norm(axes: along))]
  },
  "1 - sum<a_i,b_i>/(||a|| ||b||) over a list (IG)": { x, _ in
    let dot = try (x[0] * x[2]).sum() + (x[1] * x[3]).sum()
    let a = try (x[0].square().sum() + x[1].square().sum()).sqrt()
    let b = try (x[2].square().sum() + x[3].square().sum()).sqrt()
    return [try 1 - dot / (a * b)]
  },
  "sqrt(sum x^2)": simple { try $0.square().sum().sqrt() },
  "mean|dx| + mean|dy| (inversefed)": simple { x in
    let (h, w) = (x.shape[2], x.shape[3])
    let dx = try x.slice(axis: 3, from: 0, to: w - 1) - x.slice(axis: 3, from: 1, to: w)
    let dy = try x.slice(axis: 2, from: 0, to: h - 1) - x.slice(axis: 2, from: 1, to: h)
    return try dx.abs().mean() + dy.abs().mean()
  },
  "mean sqrt(dx^2 + dy^2 + 1e-6), forward differences on the (H-1)x(W-1) grid": simple { x in
    let (h, w) = (x.shape[2], x.shape[3])
    let corner = try x.slice(axis: 2, from: 0, to: h - 1).slice(axis: 3, from: 0, to: w - 1)
    let right = try x.slice(axis: 2, from: 0, to: h - 1).slice(axis: 3, from: 1, to: w)
    let below = try x.slice(axis: 2, from: 1, to: h).slice(axis: 3, from: 0, to: w - 1)
    return try ((right - corner).square() + (below - corner).square() + 1e-6).sqrt().mean()
  },
  "conv2d": { x, entry in [try x[0].conv2d(x[1], bias: x.count > 2 ? x[2] : nil, geometry(entry))] },
  "conv_transpose2d": { x, entry in
    [
      try x[0].convTranspose2d(
        x[1], bias: x.count > 2 ? x[2] : nil, geometry(entry), outputPadding: pair(entry, "output_padding", 0))
    ]
  },
  "max_pool2d": { x, entry in [try x[0].maxPool2d(pool(entry))] },
  "avg_pool2d": { x, entry in [try x[0].avgPool2d(pool(entry))] },
  "adaptive_avg_pool2d": { x, entry in
    let size = entry.ints("output_size") ?? [1, 1]
    return [try x[0].adaptiveAvgPool2d(height: size[0], width: size[1])]
  },
  "batch_norm": { x, entry in
    let eps = entry.number("eps") ?? 1e-5
    if !entry.flag("training") {
      return [try x[0].batchNorm(weight: x[1], bias: x[2], mean: x[3], variance: x[4], eps: eps)]
    }
    let (y, mean, variance) = try x[0].batchNormTrain(weight: x[1], bias: x[2], eps: eps)
    let count = Double(x[0].size / x[0].shape[1])
    let momentum = entry.number("momentum") ?? 0.1
    return [
      y, try x[3] * (1 - momentum) + mean * momentum,
      try x[4] * (1 - momentum) + variance * (momentum * count / (count - 1)),
    ]
  },
  "layer_norm": { x, entry in
    [
      try x[0].layerNorm(
        weight: x[1], bias: x[2], axes: entry.ints("normalized_shape")?.count ?? 1, eps: entry.number("eps") ?? 1e-5)
    ]
  },
  "group_norm": { x, entry in
    [try x[0].groupNorm(groups: entry.int("groups") ?? 1, weight: x[1], bias: x[2], eps: entry.number("eps") ?? 1e-5)]
  },
  "instance_norm": { x, entry in
    [
      try x[0].instanceNorm(
        weight: x.count > 1 ? x[1] : nil, bias: x.count > 2 ? x[2] : nil, eps: entry.number("eps") ?? 1e-5)
    ]
  },
  "W / (u^T W v)": { x, _ in
    [try x[0] / x[1].matmul(x[0].reshape([x[0].shape[0], -1]).matmul(x[2]))]
  },
  "interpolate": { x, entry in
    let size = entry.ints("output_size") ?? [1, 1]
    let mode = Variable.ResizeMode(rawValue: entry.text("mode") ?? "") ?? .nearest
    return [try x[0].resize(height: size[0], width: size[1], mode: mode, alignCorners: entry.flag("align_corners"))]
  },
]
