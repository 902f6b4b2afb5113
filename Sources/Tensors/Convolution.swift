// Convolutions, NCHW with weights [out, in/groups, height, width]: three passes, each an operation of its own, so that the
// derivatives of each are the other two. float32 through oneDNN, the batch split by work; float64 by im2col and dgemm.
import CBLAS
import Ground

/// Stride, padding, dilation and groups of a convolution.
public struct ConvGeometry: Hashable, Sendable {
  public var strideHeight: Int
  public var strideWidth: Int
  public var top: Int
  public var left: Int
  public var bottom: Int
  public var right: Int
  public var dilationHeight: Int
  public var dilationWidth: Int
  public var groups: Int

  public init(
    strideHeight: Int = 1, strideWidth: Int = 1, top: Int = 0, left: Int = 0, bottom: Int = 0, right: Int = 0,
    dilationHeight: Int = 1, dilationWidth: Int = 1, groups: Int = 1
  ) {
    self.strideHeight = strideHeight
    self.strideWidth = strideWidth
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
    self.dilationHeight = dilationHeight
    self.dilationWidth = dilationWidth
    self.groups = groups
  }

  /// The same in both directions.
  public init(stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1) {
    self.init(
      strideHeight: stride, strideWidth: stride, top: padding, left: padding, bottom: padding, right: padding,
      dilationHeight: dilation, dilationWidth: dilation, groups: groups)
  }

  /// Positions of a kernel along an axis of `size` elements.
  public func outputHeight(_ size: Int, kernel: Int) -> Int {
    (size + top + bottom - dilationHeight * (kernel - 1) - 1 + strideHeight) / strideHeight
  }
  public func outputWidth(_ size: Int, kernel: Int) -> Int {
    (size + left + right - dilationWidth * (kernel - 1) - 1 + strideWidth) / strideWidth
  }
}

/// All sizes of one convolution, checked.
struct Convolution {
  var n, ic, ih, iw, oc, oh, ow, kh, kw: Int
  let geometry: ConvGeometry
  var patch: Int { ic / geometry.groups * kh * kw }
  var positions: Int { oh * ow }
  /// Multiply-adds for one image.
  var workPerImage: Int { oc * positions * patch }

  init(input: [Int], weight: [Int], _ g: ConvGeometry) throws {
    guard input.count == 4, weight.count == 4 else {
      throw Fault(
        "shape-mismatch",
        "a convolution needs images [n, channels, height, width] and weights [out, in, height, width]; given are \(shapeText(input)) and \(shapeText(weight))",
        operands: [0: shapeText(input), 1: shapeText(weight)])
    }
    guard g.strideHeight > 0, g.strideWidth > 0, g.dilationHeight > 0, g.dilationWidth > 0, g.groups > 0 else {
      throw Fault("out-of-range", "stride, dilation and groups of a convolution are at least 1")
    }
    guard min(g.top, g.left, g.bottom, g.right) >= 0 else {
      throw Fault("out-of-range", "the padding of a convolution is at least 0")
    }
    guard input[1] == weight[1] * g.groups, weight[0] % g.groups == 0 else {
      throw Fault(
        "shape-mismatch",
        "the images have \(input[1]) channels and the weights take \(weight[1] * g.groups)"
          + (g.groups > 1 ? " (\(g.groups) groups)" : ""),
        operands: [0: shapeText(input), 1: shapeText(weight)])
    }
    (n, ic, ih, iw, oc, kh, kw) = (input[0], input[1], input[2], input[3], weight[0], weight[2], weight[3])
    oh = g.outputHeight(ih, kernel: kh)
    ow = g.outputWidth(iw, kernel: kw)
    geometry = g
    guard oh > 0, ow > 0, kh > 0, kw > 0 else {
      throw Fault(
        "shape-mismatch",
        "a \(kh)×\(kw) kernel does not fit into a padded image of \(ih + g.top + g.bottom)×\(iw + g.left + g.right)",
        operands: [0: shapeText(input), 1: shapeText(weight)])
    }
  }
}

extension Tensor {
  public static func conv2d(_ x: Tensor, _ w: Tensor, _ g: ConvGeometry) throws -> Tensor {
    let timed = OperationClock.start(.convolution)
    defer { timed.stop() }
    let (x, w) = try floats(x, w)
    let c = try Convolution(input: x.shape, weight: w.shape, g)
    let (input, weight) = (try x.contiguous(), try w.contiguous())
    OperationClock.note(flops: 2 * c.n * c.workPerImage)
    if c.n == 0 { return try Tensor(uninitialized: [c.n, c.oc, c.oh, c.ow], x.dtype) }
    if x.dtype == .float64 {
      let result = try Tensor(uninitialized: [c.n, c.oc, c.oh, c.ow], x.dtype)
      try forEachImageColumns(c, input) { image, columns in
        let out = result.pointer(Double.self) + image * c.oc * c.positions
        groupProducts(c) { group, rows in
          seep_dgemm(
            0, 0, rows, c.positions, c.patch, 1, weight.pointer(Double.self) + group * rows * c.patch, c.patch,
            columns + group * c.patch * c.positions, c.positions, 0, out + group * rows * c.positions, c.positions)
        }
      }
      return result
    }
    return try c.forward(input, weight)
  }

  /// The gradient with respect to the input: a transposed convolution of the output gradient.
  public static func conv2dInputGradient(
    _ gy: Tensor, _ w: Tensor, inputSize: (height: Int, width: Int), _ g: ConvGeometry
  ) throws -> Tensor {
    let timed = OperationClock.start(.convolutionInputGradient)
    defer { timed.stop() }
    let (gy, w) = try floats(gy, w)
    guard gy.rank == 4, w.rank == 4 else {
      throw Fault(
        "shape-mismatch", "a transposed convolution needs images [n, channels, height, width] and weights of rank 4",
        operands: [0: shapeText(gy.shape), 1: shapeText(w.shape)])
    }
    let c = try Convolution(
      input: [gy.shape[0], w.shape[1] * g.groups, inputSize.height, inputSize.width], weight: w.shape, g)
    guard gy.shape == [c.n, c.oc, c.oh, c.ow] else {
      throw Fault(
        "shape-mismatch",
        "the images have shape \(shapeText(gy.shape)) where \(shapeText([c.n, c.oc, c.oh, c.ow])) is needed",
        operands: [0: shapeText(gy.shape), 1: shapeText(w.shape)])
    }
    let (gradient, weight) = (try gy.contiguous(), try w.contiguous())
    OperationClock.note(flops: 2 * c.n * c.workPerImage)
    if c.n == 0 { return try .zeros([0, c.ic, c.ih, c.iw], gy.dtype) }
    if gy.dtype == .float64 {
      let result = try Tensor.zeros([c.n, c.ic, c.ih, c.iw], .float64)
      let columns = try Tensor(uninitialized: [c.patch * g.groups, c.positions], .float64)
      for image in 0..<c.n {
        groupProducts(c) { group, rows in
          seep_dgemm(
            1, 0, c.patch, c.positions, rows, 1, weight.pointer(Double.self) + group * rows * c.patch, c.patch,
            gradient.pointer(Double.self) + (image * c.oc + group * rows) * c.positions, c.positions, 0,
            columns.pointer(Double.self) + group * c.patch * c.positions, c.positions)
        }
        scatterColumns(c, columns.pointer(Double.self), result.pointer(Double.self) + image * c.ic * c.ih * c.iw)
      }
      return result
    }
    return try c.inputGradient(gradient, weight)
  }

  public static func conv2dWeightGradient(
    _ x: Tensor, _ gy: Tensor, kernel: (height: Int, width: Int), _ g: ConvGeometry
  ) throws -> Tensor {
    let timed = OperationClock.start(.convolutionWeightGradient)
    defer { timed.stop() }
    let (x, gy) = try floats(x, gy)
    let c = try weightGradientSizes(x, gy, kernel, g)
    let (input, gradient) = (try x.contiguous(), try gy.contiguous())
    OperationClock.note(flops: 2 * c.n * c.workPerImage)
    let shape = [c.oc, c.ic / g.groups, c.kh, c.kw]
    if c.n == 0 { return try .zeros(shape, x.dtype) }
    if x.dtype == .float64 {
      let result = try Tensor.zeros(shape, .float64)
      try forEachImageColumns(c, input) { image, columns in
        groupProducts(c) { group, rows in
          seep_dgemm(
            0, 1, rows, c.patch, c.positions, 1,
            gradient.pointer(Double.self) + (image * c.oc + group * rows) * c.positions, c.positions,
            columns + group * c.patch * c.positions, c.positions, 1,
            result.pointer(Double.self) + group * rows * c.patch,
            c.patch)
        }
      }
      return result
    }
    return try c.weightGradient(input, gradient)
  }

  /// The weight gradient of every image by itself: [n, out, in/groups, height, width].
  public static func conv2dWeightGradientPerExample(
    _ x: Tensor, _ gy: Tensor, kernel: (height: Int, width: Int), _ g: ConvGeometry
  ) throws -> Tensor {
    let timed = OperationClock.start(.convolutionWeightGradient)
    defer { timed.stop() }
    let (x, gy) = try floats(x, gy)
    let c = try weightGradientSizes(x, gy, kernel, g)
    let (input, gradient) = (try x.contiguous(), try gy.contiguous())
    OperationClock.note(flops: 2 * c.n * c.workPerImage)
    let result = try Tensor(uninitialized: [c.n, c.oc, c.ic / g.groups, c.kh, c.kw], x.dtype)
    let width = c.oc * c.patch
    _ = Libraries.prepared
    func run<T: BinaryFloatingPoint>(
      _: T.Type,
      _ product: (Int, Int, Int, UnsafeMutablePointer<T>, UnsafeMutablePointer<T>, UnsafeMutablePointer<T>) -> Void
    ) throws {
      let grain = Swift.max(1, (4 << 20) / Swift.max(1, c.workPerImage))
      try Threads.run(pieces: (c.n + grain - 1) / grain) { piece in
        let columns = try Tensor(uninitialized: [c.patch * g.groups * c.positions], x.dtype)
        for image in piece * grain..<Swift.min(c.n, (piece + 1) * grain) {
          gatherColumns(c, input.pointer(T.self) + image * c.ic * c.ih * c.iw, columns.pointer(T.self))
          groupProducts(c) { group, rows in
            product(
              rows, c.patch, c.positions,
              gradient.pointer(T.self) + (image * c.oc + group * rows) * c.positions,
              columns.pointer(T.self) + group * c.patch * c.positions,
              result.pointer(T.self) + image * width + group * rows * c.patch)
          }
        }
      }
    }
    if x.dtype == .float64 {
      try run(Double.self) { seep_dgemm(0, 1, $0, $1, $2, 1, $3, $2, $4, $2, 0, $5, $1) }
    } else {
      try run(Float.self) { seep_sgemm(0, 1, $0, $1, $2, 1, $3, $2, $4, $2, 0, $5, $1) }
    }
    return result
  }

  // MARK: Pieces

  static func floats(_ a: Tensor, _ b: Tensor) throws -> (Tensor, Tensor) {
    let (x, y) = try common(a, b)
    return x.dtype.isFloat ? (x, y) : (try x.converted(to: .float32), try y.converted(to: .float32))
  }

  static func weightGradientSizes(
    _ x: Tensor, _ gy: Tensor, _ kernel: (height: Int, width: Int), _ g: ConvGeometry
  ) throws -> Convolution {
    guard x.rank == 4, gy.rank == 4 else {
      throw Fault(
        "shape-mismatch", "a weight gradient needs two batches of images",
        operands: [0: shapeText(x.shape), 1: shapeText(gy.shape)])
    }
    let c = try Convolution(
      input: x.shape, weight: [gy.shape[1], x.shape[1] / Swift.max(1, g.groups), kernel.height, kernel.width], g)
    guard gy.shape == [c.n, c.oc, c.oh, c.ow] else {
      throw Fault(
        "shape-mismatch",
        "an output gradient of shape \(shapeText(gy.shape)) where \(shapeText([c.n, c.oc, c.oh, c.ow])) is needed",
        operands: [0: shapeText(x.shape), 1: shapeText(gy.shape)])
    }
    return c
  }
}
