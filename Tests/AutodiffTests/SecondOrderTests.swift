// Every differentiable operation against finite differences, in float64, at odd shapes: the gradient of Σ (∂Σf²/∂x)²
// passes through each rule twice.
import Autodiff
import Ground
import Tensors
import Testing

private typealias Operation = @Sendable ([Variable]) throws -> Variable

/// A name, the shapes of the arguments, how they are drawn, and the operation.
private struct Case: Sendable, CustomTestStringConvertible {
  enum Draw: Sendable {
    /// ±(0.2 … 1.2): away from the kinks at 0.
    case signed
    /// 0.2 … 1.2.
    case positive
    /// Multiples of 0.05 in random order, none 0: no two close together.
    case distinct
  }

  var name: String
  var shapes: [[Int]]
  var draw: Draw
  var operation: Operation
  var testDescription: String { name }

  init(_ name: String, _ shapes: [Int]..., draw: Draw = .signed, _ operation: @escaping Operation) {
    (self.name, self.shapes, self.draw, self.operation) = (name, shapes, draw, operation)
  }

  func points() throws -> [Tensor] {
    try shapes.enumerated().map { index, shape in
      let key = RandomKey(seed: 100 + index)
      let uniform = try Tensor.uniform(shape, key: key, dtype: .float64)
      switch draw {
      case .positive: return try Tensor.combine(.add, uniform, 0.2)
      case .signed:
        let side = try Tensor.uniform(shape, key: RandomKey(seed: 200 + index), dtype: .float64)
        let size = try Tensor.combine(.add, uniform, 0.2)
        return try Tensor.choose(Tensor.compare(.less, side, 0.5), size, size.map(.neg))
      case .distinct:
        let order = try uniform.reshape([uniform.size]).sort(axis: 0).indices.converted(to: .float64)
        let centred = try Tensor.combine(.sub, order, Double(uniform.size / 2) + 0.4 - 0.3 * Double(index))
        return try Tensor.combine(.mul, centred, 0.05).reshape(shape)
      }
    }
  }
}

private let mask: Tensor? = try? Tensor([true, false, true, true, false], shape: [5])
private func labels(_ values: [Int64]) throws -> Tensor { try Tensor(values, shape: [values.count]) }
private let uneven = ConvGeometry(
  strideHeight: 2, strideWidth: 1, top: 1, left: 0, bottom: 1, right: 2, dilationWidth: 2, groups: 2)

private let elementwise: [Case] = [
  Case("add", [3, 1], [5]) { try $0[0] + $0[1] }, Case("sub", [3, 1], [2, 1, 5]) { try $0[0] - $0[1] },
  Case("mul", [3, 1], [5]) { try $0[0] * $0[1] }, Case("div", [3, 1], [5]) { try $0[0] / $0[1] },
  Case("number / x", [3]) { try 2 / $0[0] }, Case("number - x", [3]) { try 2 - $0[0] }, Case("neg", [3]) { try -$0[0] },
  Case("pow", [3, 1], [5], draw: .positive) { try $0[0].pow($0[1]) },
  Case("pow 2.5", [5], draw: .positive) { try $0[0].pow(2.5) }, Case("pow 3", [5]) { try $0[0].pow(3) },
  Case("maximum", [7], [7], draw: .distinct) { try $0[0].maximum($0[1]) },
  Case("minimum", [7], [1], draw: .distinct) { try $0[0].minimum($0[1]) },
  Case("choose", [3, 5], [5]) { try .choose(#require(mask), $0[0].exp(), $0[1]) },
  Case("abs", [5]) { try $0[0].abs() }, Case("square", [5]) { try $0[0].square() },
  Case("exp", [5]) { try $0[0].exp() },
  Case("log", [5], draw: .positive) { try $0[0].log() }, Case("log1p", [5], draw: .positive) { try $0[0].log1p() },
  Case("expm1", [5]) { try $0[0].expm1() }, Case("sqrt", [5], draw: .positive) { try $0[0].sqrt() },
  Case("rsqrt", [5], draw: .positive) { try $0[0].rsqrt() }, Case("reciprocal", [5]) { try $0[0].reciprocal() },
  Case("sin", [5]) { try $0[0].sin() }, Case("cos", [5]) { try $0[0].cos() }, Case("tan", [5]) { try $0[0].tan() },
  Case("acos", [5]) { try ($0[0].tanh() * 0.9).acos() },
  Case("tanh", [5]) { try $0[0].tanh() }, Case("sigmoid", [5]) { try $0[0].sigmoid() },
  Case("erf", [5]) { try $0[0].erf() },
  Case("relu", [5]) { try $0[0].relu() }, Case("leakyRelu", [5]) { try $0[0].leakyRelu(0.2) },
  Case("clamp", [7], draw: .distinct) { try $0[0].clamp(-0.11, 0.06) }, Case("elu", [5]) { try $0[0].elu(1.3) },
  Case("softplus", [5]) { try $0[0].softplus() }, Case("softplus β", [5]) { try $0[0].softplus(beta: 2.5) },
  Case("logSigmoid", [5]) { try $0[0].logSigmoid() }, Case("silu", [5]) { try $0[0].silu() },
  Case("gelu", [5]) { try $0[0].gelu() }, Case("gelu tanh", [5]) { try $0[0].gelu(approximate: true) },
]

private let reductions: [Case] = [
  Case("sum", [3, 5, 2]) { try $0[0].sum(axes: [0, 2]) },
  Case("mean", [3, 5, 2]) { try $0[0].mean(axes: [1], keep: true) },
  Case("variance", [3, 5, 2]) { try $0[0].variance(axes: [0, 1]) },
  Case("variance, biased", [3, 5]) { try $0[0].variance(biased: true) },
  Case("std", [3, 5]) { try $0[0].std(axes: [1]) },
  Case("norm", [3, 5]) { try $0[0].norm(axes: [0]) },
  Case("max", [3, 5], draw: .distinct) { try $0[0].max(axes: [1]) },
  Case("min", [3, 5], draw: .distinct) { try $0[0].min(axes: [0], keep: true) },
  Case("prod", [3, 5]) { try $0[0].prod(axes: [1]) },
  Case("prod with zeros", [3]) { try Variable.concat([$0[0], $0[0] * 0, $0[0]], axis: 0).prod() + $0[0].sum() },
  Case("logSumExp", [3, 5]) { try $0[0].logSumExp(axes: [1]) }, Case("cumsum", [3, 5]) { try $0[0].cumsum(axis: 0) },
  Case("sort", [3, 5], draw: .distinct) { try $0[0].sort(axis: 1, descending: true).values.cumsum(axis: 1) },
  Case("softmax", [3, 5]) { try $0[0].softmax(axis: 0) }, Case("logSoftmax", [3, 5]) { try $0[0].logSoftmax(axis: 1) },
]

private let arrangements: [Case] = [
  Case("reshape", [3, 4]) { try $0[0].reshape([2, -1]) }, Case("permute", [2, 3, 4]) { try $0[0].permute([2, 0, 1]) },
  Case("transposed", [2, 3, 4]) { try $0[0].transposed() },
  Case("broadcast", [3, 1]) { try $0[0].broadcast(to: [2, 3, 4]) },
  Case("sum to", [2, 3, 4]) { try $0[0].sum(to: [3, 1]) }, Case("squeeze", [3, 1, 2]) { try $0[0].squeeze(axis: 1) },
  Case("unsqueeze", [3, 2]) { try $0[0].unsqueeze(axis: 1) }, Case("flip", [3, 2]) { try $0[0].flip(axes: [0, 1]) },
  Case("slice", [3, 8]) { try $0[0].slice(axis: 1, from: 1, to: 7, step: 3) },
  Case("select", [3, 5]) { try $0[0].select(axis: 1, index: 3) },
  Case("roll", [3, 5]) { try $0[0].roll(shift: -2, axis: 1) },
  Case("concat", [3, 2], [3, 1]) { try .concat([$0[0], $0[1], $0[0]], axis: 1) },
  Case("stack", [3], [3]) { try .stack([$0[0], $0[1]], axis: 1) }, Case("tril", [2, 3, 4]) { try $0[0].tril() },
  Case("pad", [3, 4]) { try $0[0].pad([(1, 0), (2, 1)], value: 0.5) },
  Case("pad reflect", [3, 4]) { try $0[0].pad([(1, 0), (2, 3)], mode: .reflect) },
  Case("pad replicate", [3, 4]) { try $0[0].pad([(4, 0), (2, 1)], mode: .replicate) },
  Case("pad circular", [3, 4]) { try $0[0].pad([(1, 0), (2, 1)], mode: .circular) },
  Case("gather", [3, 4]) { try $0[0].gather(axis: 1, labels([0, 3, 3, 1, 2, 2]).reshape([3, 2])) },
  Case("scatterAdd", [6]) { try $0[0].scatterAdd(axis: 0, labels([0, 3, 3, 1, 4, 3]), size: 5) },
  Case("indexSelect", [4, 2]) { try $0[0].indexSelect(axis: 0, labels([3, 3, 0])) },
  Case("indexAdd", [3, 2]) { try $0[0].indexAdd(axis: 0, labels([3, 3, 0]), size: 4) },
]

private let products: [Case] = [
  Case("matmul", [3, 4], [4, 5]) { try $0[0].matmul($0[1]) }, Case("dot", [4], [4]) { try $0[0].matmul($0[1]) },
  Case("row by matrix", [4], [2, 4, 3]) { try $0[0].matmul($0[1]) },
  Case("matrix by column", [2, 3, 4], [4]) { try $0[0].matmul($0[1]) },
  Case("batched, broadcast", [2, 1, 3, 4], [3, 4, 2]) { try $0[0].matmul($0[1]) },
  Case("batch by matrix", [2, 3, 4], [4, 2]) { try $0[0].matmul($0[1]) },
  Case("conv2d", [2, 4, 5, 7], [6, 2, 3, 2], [6]) { try $0[0].conv2d($0[1], bias: $0[2], uneven) },
  Case("conv2d input gradient", [2, 6, 3, 7], [6, 2, 3, 2]) {
    try $0[0].conv2dInputGradient($0[1], inputSize: (5, 7), uneven)
  },
  Case("conv2d weight gradient", [2, 4, 5, 7], [2, 6, 3, 7]) {
    try $0[0].conv2dWeightGradient($0[1], kernel: (3, 2), uneven)
  },
  Case("conv2d weight gradient per example", [2, 4, 5, 7], [2, 6, 3, 7]) {
    try $0[0].conv2dWeightGradientPerExample($0[1], kernel: (3, 2), uneven)
  },
  Case("convTranspose2d", [2, 4, 3, 2], [4, 3, 3, 2], [6]) {
    try $0[0].convTranspose2d($0[1], bias: $0[2], ConvGeometry(stride: 2, padding: 1, groups: 2), outputPadding: (1, 0))
  },
]

private let images: [Case] = [
  Case("maxPool2d", [2, 3, 5, 4], draw: .distinct) { try $0[0].maxPool2d(PoolGeometry(3, stride: 2, padding: 1)) },
  Case("avgPool2d", [2, 3, 5, 4]) { try $0[0].avgPool2d(PoolGeometry(3, stride: 2, padding: 1, countPadding: false)) },
  Case("globalAveragePool", [2, 3, 5, 4]) { try $0[0].globalAveragePool() },
  Case("adaptiveAvgPool2d", [2, 3, 5, 4]) { try $0[0].adaptiveAvgPool2d(height: 3, width: 2) },
  Case("nearest", [2, 3, 5, 4]) { try $0[0].resize(height: 7, width: 3, mode: .nearest) },
  Case("bilinear", [2, 3, 5, 4]) { try $0[0].resize(height: 3, width: 9, mode: .bilinear, alignCorners: true) },
  Case("bicubic", [2, 3, 5, 4]) { try $0[0].resize(height: 7, width: 3, mode: .bicubic) },
  Case("area", [2, 3, 5, 4]) { try $0[0].resize(height: 7, width: 3, mode: .area) },
]

private let normalisations: [Case] = [
  Case("batchNorm", [3, 2, 2, 3], [2], [2], [2], [2], draw: .positive) {
    try $0[0].batchNorm(weight: $0[1], bias: $0[2], mean: $0[3], variance: $0[4])
  },
  Case("batchNormTrain", [3, 2, 2, 3], [2], [2]) { try $0[0].batchNormTrain(weight: $0[1], bias: $0[2]).y.pow(3) },
  Case("batchNormTrain mean", [3, 2, 2]) { try $0[0].batchNormTrain(weight: nil, bias: nil).mean },
  Case("batchNormTrain variance", [5, 2]) { try $0[0].batchNormTrain(weight: nil, bias: nil).variance },
  Case("layerNorm", [2, 3, 4], [3, 4], [3, 4]) { try $0[0].layerNorm(weight: $0[1], bias: $0[2], axes: 2).pow(3) },
  Case("groupNorm", [2, 6, 3], [6], [6]) { try $0[0].groupNorm(groups: 2, weight: $0[1], bias: $0[2]).pow(3) },
  Case("instanceNorm", [2, 3, 4, 2], [3], [3]) { try $0[0].instanceNorm(weight: $0[1], bias: $0[2]).pow(3) },
  Case("crossEntropy", [3, 4]) { try $0[0].crossEntropy(labels: labels([1, 3, 0]), reduction: .none) },
  Case("crossEntropy, soft", [3, 4], [3, 4]) { try $0[0].crossEntropy(soft: $0[1].softmax(axis: 1)) },
  Case("meanSquaredError", [3, 4], [3, 4]) { try $0[0].meanSquaredError($0[1]) },
]

@Suite("second order against finite differences") struct SecondOrderTests {
  @Test("second order", arguments: elementwise + reductions + arrangements + products + images + normalisations)
  fileprivate func secondOrder(_ entry: Case) throws {
    let points = try entry.points()
    let worst = try checkGradient(at: points) { inputs in
      // Differences are taken without recording; what is under test records its own first order.
      try withRecording {
        let tracked = inputs.map { $0.isTracked ? $0 : $0.watched() }
        let output = try entry.operation(tracked).square().sum()
        var total = try output * 0.5
        for slope in try gradients(of: output, wrt: tracked, recording: true) {
          if let slope { total = try total + slope.square().sum() }
        }
        return total
      }
    }
    #expect(worst < 2e-5, "\(entry.name) at \(entry.shapes): \(worst)")
  }
}
