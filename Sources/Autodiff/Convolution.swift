// Convolutions. Output, input gradient and weight gradient are three bilinear operations whose derivatives are one another.
import Ground
import Tensors

extension Variable {
  /// y = x ∗ w + b; x [n, in, h, w], w [out, in/groups, kh, kw], b [out].
  public func conv2d(_ w: Variable, bias: Variable? = nil, _ g: ConvGeometry = ConvGeometry()) throws -> Variable {
    let x = self
    let product = Variable.binary(
      x, w, try .conv2d(x.value, w.value, g),
      { gy, _ in try gy.conv2dInputGradient(w, inputSize: (x.shape[2], x.shape[3]), g) },
      { gy, _ in try x.conv2dWeightGradient(gy, kernel: (w.shape[2], w.shape[3]), g) })
    return try product.addingBias(bias)
  }

  /// The gradient of the input; self is the output's gradient. Bilinear in self and w.
  public func conv2dInputGradient(
    _ w: Variable, inputSize: (height: Int, width: Int), _ g: ConvGeometry
  ) throws -> Variable {
    let gy = self
    return .binary(
      gy, w, try .conv2dInputGradient(gy.value, w.value, inputSize: inputSize, g), { u, _ in try u.conv2d(w, g) },
      { u, _ in try u.conv2dWeightGradient(gy, kernel: (w.shape[2], w.shape[3]), g) })
  }

  /// The gradient of the weights; self is the input, gy the output's gradient. Bilinear in both.
  public func conv2dWeightGradient(_ gy: Variable, kernel: (height: Int, width: Int), _ g: ConvGeometry) throws
    -> Variable
  {
    let x = self
    return .binary(
      x, gy, try .conv2dWeightGradient(x.value, gy.value, kernel: kernel, g),
      { u, _ in try gy.conv2dInputGradient(u, inputSize: (x.shape[2], x.shape[3]), g) },
      { u, _ in try x.conv2d(u, g) })
  }

  /// The weight gradient of each example by itself: [n, out, in/groups, kh, kw].
  public func conv2dWeightGradientPerExample(
    _ gy: Variable, kernel: (height: Int, width: Int), _ g: ConvGeometry
  ) throws -> Variable {
    let x = self
    if x.shape.first == 1 { return try x.conv2dWeightGradient(gy, kernel: kernel, g).unsqueeze(axis: 0) }
    // Its derivatives run example by example, as convolutions whose weights are the example's cotangent.
    func each(_ u: Variable, _ body: (_ example: Int, _ weights: Variable) throws -> Variable) throws -> Variable {
      try .concat((0..<x.shape[0]).map { try body($0, u.select(axis: 0, index: $0)) }, axis: 0)
    }
    return .binary(
      x, gy, try .conv2dWeightGradientPerExample(x.value, gy.value, kernel: kernel, g),
      { u, _ in
        try each(u) { i, weights in
          try gy.slice(axis: 0, from: i, to: i + 1)
            .conv2dInputGradient(weights, inputSize: (x.shape[2], x.shape[3]), g)
        }
      },
      { u, _ in try each(u) { i, weights in try x.slice(axis: 0, from: i, to: i + 1).conv2d(weights, g) } })
  }

  /// The adjoint of the convolution `g`, with weights [in, out/groups, kh, kw] as in PyTorch; `outputPadding` (height, width)
  /// enlarges the output where a stride leaves its size open.
  public func convTranspose2d(
    _ w: Variable, bias: Variable? = nil, _ g: ConvGeometry = ConvGeometry(), outputPadding: (Int, Int) = (0, 0)
  ) throws -> Variable {
    guard rank == 4, w.rank == 4 else {
      throw Fault(
        "shape-mismatch", "a transposed convolution needs images [n, channels, height, width] and weights of rank 4",
        operands: [0: shapeText(shape), 1: shapeText(w.shape)])
    }
    guard shape[1] == w.shape[0] else {
      throw Fault(
        "shape-mismatch", "the images have \(shape[1]) channels and the weights take \(w.shape[0])",
        operands: [0: shapeText(shape), 1: shapeText(w.shape)])
    }
    let height =
      (shape[2] - 1) * g.strideHeight - g.top - g.bottom + g.dilationHeight * (w.shape[2] - 1) + outputPadding.0 + 1
    let width =
      (shape[3] - 1) * g.strideWidth - g.left - g.right + g.dilationWidth * (w.shape[3] - 1) + outputPadding.1 + 1
    return try conv2dInputGradient(w, inputSize: (height, width), g).addingBias(bias)
  }

  private func addingBias(_ bias: Variable?) throws -> Variable {
    guard let bias else { return self }
    guard bias.shape == [shape[1]] else {
      throw Fault("shape-mismatch", "a bias of shape \(shapeText(bias.shape)) for \(shape[1]) channels")
    }
    return try self + bias.reshape([1, shape[1], 1, 1])
  }
}
