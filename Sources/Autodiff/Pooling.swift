// Pooling and resizing.
import Ground
import Tensors

extension Variable {
  public func maxPool2d(_ g: PoolGeometry) throws -> Variable {
    let x = self
    let (values, indices) = try value.maxPool2d(g)
    let planes = [x.shape[0], x.shape[1]]
    let flat = try indices.reshape(planes + [-1])
    return .unary(x, values) { gy, _ in
      try gy.reshape(flat.shape).scatterAdd(axis: 2, flat, size: x.shape[2] * x.shape[3]).reshape(x.shape)
    }
  }

  public func avgPool2d(_ g: PoolGeometry) throws -> Variable {
    let x = self
    return .unary(x, try value.avgPool2d(g)) { gy, _ in
      try gy.avgPool2dInputGradient(inputSize: (x.shape[2], x.shape[3]), g)
    }
  }

  private func avgPool2dInputGradient(inputSize: (height: Int, width: Int), _ g: PoolGeometry) throws -> Variable {
    .unary(self, try value.avgPool2dInputGradient(inputSize: inputSize, g)) { u, _ in try u.avgPool2d(g) }
  }

  /// The mean over all positions: [n, c].
  public func globalAveragePool() throws -> Variable {
    guard rank == 4 else {
      throw Fault("shape-mismatch", "pooling needs images [n, channels, height, width], not \(shapeText(shape))")
    }
    return try mean(axes: [2, 3])
  }

  /// Averages over windows from ⌊i·h/height⌋ to ⌈(i+1)·h/height⌉.
  public func adaptiveAvgPool2d(height: Int, width: Int) throws -> Variable {
    try separable(height, width) { source, target in
      var weights = [Double](repeating: 0, count: target * source)
      for i in 0..<target {
        let (low, high) = (i * source / target, ((i + 1) * source + target - 1) / target)
        for j in low..<high { weights[i * source + j] = 1 / Double(high - low) }
      }
      return weights
    }
  }

  public enum ResizeMode: String, Sendable, CaseIterable { case nearest, bilinear, bicubic, area }

  /// Images at another size. Pixel centres lie at half-integers unless `alignCorners` puts the corner pixels on each other.
  public func resize(height: Int, width: Int, mode: ResizeMode = .area, alignCorners: Bool = false) throws -> Variable {
    if mode == .area { return try adaptiveAvgPool2d(height: height, width: width) }
    return try separable(height, width) { source, target in
      Variable.weights(source, target, mode, alignCorners)
    }
  }

  /// The rows of an interpolation along one axis, [target, source].
  private static func weights(_ source: Int, _ target: Int, _ mode: ResizeMode, _ alignCorners: Bool) -> [Double] {
    var weights = [Double](repeating: 0, count: target * source)
    let scale = Double(source) / Double(target)
    for i in 0..<target {
      func add(_ place: Int, _ weight: Double) {
        weights[i * source + Swift.min(Swift.max(place, 0), source - 1)] += weight
      }
      if mode == .nearest {
        add(Swift.min(Int(Double(i) * scale), source - 1), 1)
        continue
      }
      let position =
        alignCorners
        ? (target > 1 ? Double(i) * Double(source - 1) / Double(target - 1) : 0) : (Double(i) + 0.5) * scale - 0.5
      if mode == .bilinear {
        let clipped = Swift.max(position, 0)
        let low = Swift.min(Int(clipped), source - 1)
        add(low, 1 - (clipped - Double(low)))
        add(low + 1, clipped - Double(low))
      } else {
        // Keys (1981) with a = -0.75.
        let low = position.rounded(.down)
        let t = position - low
        func near(_ x: Double) -> Double { ((1.25 * x) - 2.25) * x * x + 1 }
        func far(_ x: Double) -> Double { ((-0.75 * x + 3.75) * x - 6) * x + 3 }
        add(Int(low) - 1, far(t + 1))
        add(Int(low), near(t))
        add(Int(low) + 1, near(1 - t))
        add(Int(low) + 2, far(2 - t))
      }
    }
    return weights
  }

  /// A linear map along each of the last two axes, as products with two constant matrices.
  private func separable(_ height: Int, _ width: Int, _ rows: (_ source: Int, _ target: Int) -> [Double]) throws
    -> Variable
  {
    guard rank >= 2, shape[rank - 2] > 0, shape[rank - 1] > 0 else {
      throw Fault("shape-mismatch", "only images can be resized, not a tensor of shape \(shapeText(shape))")
    }
    guard height > 0, width > 0 else {
      throw Fault("out-of-range", "an image of \(height)×\(width) pixels has no pixels")
    }
    let (h, w) = (shape[rank - 2], shape[rank - 1])
    if h == height, w == width { return self }
    let across = Variable(try Tensor(rows(w, width), shape: [width, w]).transposed().contiguous().converted(to: dtype))
    let down = Variable(try Tensor(rows(h, height), shape: [height, h]).converted(to: dtype))
    let narrow = try matmul(across)
    return try down.matmul(narrow)
  }
}
