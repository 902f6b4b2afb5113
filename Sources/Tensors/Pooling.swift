// Pooling over windows of images [n, c, h, w].
import Ground

/// A window that moves over an image; padding counts as minus infinity for the maximum and as zeros for the average.
public struct PoolGeometry: Hashable, Sendable {
  public var height: Int
  public var width: Int
  public var strideHeight: Int
  public var strideWidth: Int
  public var padHeight: Int
  public var padWidth: Int
  /// Windows may hang over the far border where the size does not divide.
  public var roundUp: Bool
  /// Averages divide by the whole window, padding included.
  public var countPadding: Bool

  public init(
    _ window: Int, stride: Int? = nil, padding: Int = 0, roundUp: Bool = false, countPadding: Bool = true
  ) {
    (height, width) = (window, window)
    (strideHeight, strideWidth) = (stride ?? window, stride ?? window)
    (padHeight, padWidth) = (padding, padding)
    self.roundUp = roundUp
    self.countPadding = countPadding
  }

  func outputs(_ size: Int, _ window: Int, _ stride: Int, _ pad: Int) -> Int {
    let span = size + 2 * pad - window
    if span < 0 { return 0 }
    var count = (span + (roundUp ? stride - 1 : 0)) / stride + 1
    // The last window must start inside the image or its leading padding.
    if roundUp, (count - 1) * stride >= size + pad { count -= 1 }
    return count
  }

  func outputSize(_ shape: [Int]) throws -> (height: Int, width: Int) {
    guard shape.count == 4 else {
      throw Fault("shape-mismatch", "pooling needs images [n, channels, height, width], not \(shapeText(shape))")
    }
    guard height > 0, width > 0, strideHeight > 0, strideWidth > 0, padHeight >= 0, padWidth >= 0 else {
      throw Fault("out-of-range", "window and stride of pooling are at least 1, padding at least 0")
    }
    guard padHeight * 2 <= height, padWidth * 2 <= width else {
      throw Fault("out-of-range", "the padding of pooling is at most half the window")
    }
    let size = (
      outputs(shape[2], height, strideHeight, padHeight), outputs(shape[3], width, strideWidth, padWidth)
    )
    guard size.0 > 0, size.1 > 0 else {
      throw Fault("shape-mismatch", "a \(height)×\(width) window does not fit into images of shape \(shapeText(shape))")
    }
    return size
  }
}

extension Tensor {
  /// The largest element under each window and its place in the image's plane (row · width + column; the first of equals).
  public func maxPool2d(_ g: PoolGeometry) throws -> (values: Tensor, indices: Tensor) {
    let timed = OperationClock.start(.pooling)
    defer { timed.stop() }
    let (oh, ow) = try g.outputSize(shape)
    let source = try contiguous()
    let (ih, iw) = (shape[2], shape[3])
    let planes = shape[0] * shape[1]
    let values = try Tensor(uninitialized: [shape[0], shape[1], oh, ow], dtype)
    let indices = try Tensor(uninitialized: values.shape, .int64)
    func run<T: Comparable>(_: T.Type) throws {
      let grain = Swift.max(1, elementGrain / Swift.max(1, ih * iw))
      try Threads.forRanges(planes, grain: grain) { range in
        for plane in range {
          let x = source.pointer(T.self) + plane * ih * iw
          let y = values.pointer(T.self) + plane * oh * ow
          let place = indices.pointer(Int64.self) + plane * oh * ow
          for r in 0..<oh {
            let top = Swift.max(0, r * g.strideHeight - g.padHeight)
            let bottom = Swift.min(ih, r * g.strideHeight - g.padHeight + g.height)
            for c in 0..<ow {
              let left = Swift.max(0, c * g.strideWidth - g.padWidth)
              let right = Swift.min(iw, c * g.strideWidth - g.padWidth + g.width)
              var best = top * iw + left
              for i in top..<bottom {
                for j in left..<right
                where x[i * iw + j] > x[best] || (x[i * iw + j] != x[i * iw + j] && x[best] == x[best]) {
                  best = i * iw + j
                }
              }
              y[r * ow + c] = x[best]
              place[r * ow + c] = Int64(best)
            }
          }
        }
      }
    }
    switch dtype {
    case .float32: try run(Float.self)
    case .float64: try run(Double.self)
    case .int64, .bool: return try converted(to: .float32).maxPool2d(g)
    }
    return (values, indices)
  }

  public func avgPool2d(_ g: PoolGeometry) throws -> Tensor {
    let timed = OperationClock.start(.pooling)
    defer { timed.stop() }
    let (oh, ow) = try g.outputSize(shape)
    let source = try (dtype.isFloat ? self : converted(to: .float32)).contiguous()
    let result = try Tensor(uninitialized: [shape[0], shape[1], oh, ow], source.dtype)
    let (ih, iw) = (shape[2], shape[3])
    try g.windows(planes: shape[0] * shape[1], (ih, iw), (oh, ow), source.dtype) { plane, out, window, divisor in
      if source.dtype == .float32 {
        let x = source.pointer(Float.self) + plane * ih * iw
        var total: Float = 0
        for i in window.rows { for j in window.columns { total += x[i * iw + j] } }
        result.pointer(Float.self)[out] = total / Float(divisor)
      } else {
        let x = source.pointer(Double.self) + plane * ih * iw
        var total = 0.0
        for i in window.rows { for j in window.columns { total += x[i * iw + j] } }
        result.pointer(Double.self)[out] = total / Double(divisor)
      }
    }
    return result
  }

  /// The adjoint of `avgPool2d`: spreads the gradient over the windows of an image of the given size.
  public func avgPool2dInputGradient(inputSize: (height: Int, width: Int), _ g: PoolGeometry) throws -> Tensor {
    let timed = OperationClock.start(.poolingGradient)
    defer { timed.stop() }
    let (ih, iw) = inputSize
    let (oh, ow) = try g.outputSize([shape[0], shape[1], ih, iw])
    guard shape[2] == oh, shape[3] == ow else {
      throw Fault("shape-mismatch", "a pooled gradient of shape \(shapeText(shape)) where [.., \(oh), \(ow)] is needed")
    }
    let source = try contiguous()
    let result = try Tensor.zeros([shape[0], shape[1], ih, iw], dtype)
    try g.windows(planes: shape[0] * shape[1], (ih, iw), (oh, ow), dtype) { plane, out, window, divisor in
      if dtype == .float32 {
        let x = result.pointer(Float.self) + plane * ih * iw
        let value = source.pointer(Float.self)[out] / Float(divisor)
        for i in window.rows { for j in window.columns { x[i * iw + j] += value } }
      } else {
        let x = result.pointer(Double.self) + plane * ih * iw
        let value = source.pointer(Double.self)[out] / Double(divisor)
        for i in window.rows { for j in window.columns { x[i * iw + j] += value } }
      }
    }
    return result
  }
}

extension PoolGeometry {
  struct Window {
    var rows: Range<Int>
    var columns: Range<Int>
  }

  /// Every window of every plane; planes may run in parallel, windows of one plane run in order.
  @inline(__always)
  func windows(
    planes: Int, _ input: (Int, Int), _ output: (Int, Int), _ dtype: DType,
    _ body: (_ plane: Int, _ out: Int, Window, _ divisor: Int) -> Void
  ) throws {
    let grain = max(1, elementGrain / max(1, input.0 * input.1))
    try Threads.forRanges(planes, grain: grain) { range in
      for plane in range {
        for r in 0..<output.0 {
          let top = r * strideHeight - padHeight
          for c in 0..<output.1 {
            let left = c * strideWidth - padWidth
            let window = Window(
              rows: max(0, top)..<max(max(0, top), min(input.0, top + height)),
              columns: max(0, left)..<max(max(0, left), min(input.1, left + width)))
            let whole =
              (min(top + height, input.0 + padHeight) - top) * (min(left + width, input.1 + padWidth) - left)
            let divisor = countPadding ? whole : window.rows.count * window.columns.count
            body(plane, (plane * output.0 + r) * output.1 + c, window, max(1, divisor))
          }
        }
      }
    }
  }
}
