// Layers without parameters that change shapes: pooling, flatten, reshape, upsample; and dropout.
import Autodiff
import Ground
import Tensors

/// `max_pool(2)`, `avg_pool(3, stride: 2, pad: 1)`.
public struct Pool: Layer {
  public enum Method: String, Sendable { case max = "max_pool", average = "avg_pool" }

  public var method: Method
  public var window: Int
  public var stride: Int
  public var pad: Int

  /// - Throws: `bad-argument`.
  public init(_ method: Method, _ window: Int, stride: Int? = nil, pad: Int = 0) throws {
    try require(method.rawValue, positive: ["window": window, "stride": stride ?? window])
    try require(method.rawValue, notNegative: ["pad": pad])
    guard pad <= window / 2 else {
      throw Fault("bad-argument", "\(method.rawValue): pad \(pad) must be at most half the window of \(window)")
    }
    self.method = method
    self.window = window
    self.stride = stride ?? window
    self.pad = pad
  }

  public var kind: String { method.rawValue }
  public var exampleRank: Int? { 3 }
  public var written: String {
    "\(kind)(\(window)" + option("stride", stride, default: window) + option("pad", pad, default: 0) + ")"
  }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard input.count == 3 else { throw builder.refuse(input, needs: "[channels, height, width]") }
    guard input[1] + 2 * pad >= window, input[2] + 2 * pad >= window else {
      throw builder.refuse(input, needs: "at least \(window - 2 * pad) pixels in height and width")
    }
    return [input[0]] + input[1...].map { ($0 + 2 * pad - window) / stride + 1 }
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    let geometry = PoolGeometry(window, stride: stride, padding: pad)
    return try method == .max ? x.maxPool2d(geometry) : x.avgPool2d(geometry)
  }
}

/// `global_avg_pool`: the mean of every channel, `[c, h, w]` to `[c]`.
public struct GlobalAvgPool: Layer {
  public init() {}
  public var kind: String { "global_avg_pool" }
  public var written: String { kind }
  public var exampleRank: Int? { 3 }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard input.count == 3, input.allSatisfy({ $0 > 0 }) else {
      throw builder.refuse(input, needs: "[channels, height, width]")
    }
    return [input[0]]
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable { try x.mean(axes: [2, 3]) }
}

/// `flatten`: an example as one vector.
public struct Flatten: Layer {
  public init() {}
  public var kind: String { "flatten" }
  public var written: String { kind }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] { [input.reduce(1, *)] }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try x.reshape([x.shape[0], x.shape.dropFirst().reduce(1, *)])
  }
}

/// `reshape(64, 4, 4)`: the shape of one example; one extent may be -1.
public struct Reshape: Layer {
  public var shape: [Int]

  /// - Throws: `bad-argument`.
  public init(_ shape: [Int]) throws {
    guard shape.count(where: { $0 == -1 }) <= 1, shape.allSatisfy({ $0 > 0 || $0 == -1 }) else {
      throw Fault("bad-argument", "reshape: \(shape) is not a shape: extents are positive, and one of them may be -1")
    }
    self.shape = shape
  }

  public var kind: String { "reshape" }
  public var written: String { "reshape(\(shape.map(String.init).joined(separator: ", ")))" }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    let size = input.reduce(1, *)
    let known = shape.filter { $0 != -1 }.reduce(1, *)
    let output = shape.map { $0 == -1 ? size / known : $0 }
    guard output.reduce(1, *) == size else {
      throw builder.refuse(input, needs: "\(known) elements, and there are \(size)")
    }
    return output
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try x.reshape([x.shape[0]] + shape)
  }
}

/// `upsample(2)`: images enlarged by a whole factor; `mode` is "nearest" or "bilinear".
public struct Upsample: Layer {
  public enum Method: String, Sendable, CaseIterable { case nearest, bilinear }

  public var factor: Int
  public var method: Method

  /// - Throws: `bad-argument`.
  public init(_ factor: Int, mode: Method = .nearest) throws {
    try require("upsample", positive: ["factor": factor])
    self.factor = factor
    method = mode
  }

  public var kind: String { "upsample" }
  public var written: String { "upsample(\(factor)\(method == .nearest ? "" : ", mode: \"\(method.rawValue)\""))" }
  public var exampleRank: Int? { 3 }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    guard input.count == 3 else { throw builder.refuse(input, needs: "[channels, height, width]") }
    return [input[0], input[1] * factor, input[2] * factor]
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    switch method {
    case .nearest:
      let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
      let spread = try x.reshape([n, c, h, 1, w, 1]).broadcast(to: [n, c, h, factor, w, factor])
      return try spread.reshape([n, c, h * factor, w * factor])
    case .bilinear:
      return try x.resize(height: x.shape[2] * factor, width: x.shape[3] * factor, mode: .bilinear)
    }
  }
}

/// `dropout(0.5)`: in training, sets a share of the numbers to 0 and scales the others up (Srivastava et al. 2014).
public struct Dropout: Layer {
  public var rate: Double

  /// - Throws: `bad-argument`.
  public init(_ rate: Double) throws {
    guard rate >= 0, rate < 1 else {
      throw Fault("bad-argument", "dropout: the rate must be from 0 to below 1, not \(rate)")
    }
    self.rate = rate
  }

  public var kind: String { "dropout" }
  public var written: String { "dropout(\(rate))" }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] { input }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    guard scope.mode == .train, rate > 0 else { return x }
    let draws = try Tensor.uniform(x.shape, key: scope.randomKey(), dtype: x.dtype)
    let kept = try Tensor.compare(.greaterEqual, draws, rate).converted(to: x.dtype)
    return try x * Variable(Tensor.combine(.div, kept, 1 - rate))
  }
}
