// Operators that move numbers: convolutions, pooling, and changes of shape.
import Autodiff
import Ground
import Tensors

extension OnnxCall {
  static let shaping: Set<String> = [
    "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Flatten", "Reshape",
    "Shape",
    "Size", "Gather", "Slice", "Concat", "Split", "Unsqueeze", "Squeeze", "Transpose", "Pad", "Expand", "Constant",
    "ConstantOfShape",
  ]

  static let known = arithmetic.union(shaping)

  func run() throws -> [OnnxValue] {
    if OnnxCall.arithmetic.contains(node.operation) { return [try runArithmetic()] }
    switch node.operation {
    case "Conv": return [.tensor(try convolution())]
    case "ConvTranspose": return [.tensor(try transposedConvolution())]
    case "MaxPool", "AveragePool": return [.tensor(try pool())]
    case "GlobalAveragePool", "GlobalMaxPool":
      let x = try tensor(0)
      guard x.rank > 2 else { throw problem("takes images, not \(x.shape)") }
      let places = Array(2..<x.rank)
      return [
        .tensor(
          try node.operation == "GlobalMaxPool" ? x.max(axes: places, keep: true) : x.mean(axes: places, keep: true))
      ]
    case "Split": return try split()
    case "Concat": return [try concat()]
    case "Constant": return [try constant()]
    case "ConstantOfShape":
      let shape = try integers(0, "shape")
      try allow(shape)
      guard case .tensor(.floats(let value))? = node["value"] else {
        guard case .tensor(.integers(let value, _))? = node["value"], let one = value.first else {
          return [.tensor(Variable(try Tensor.zeros(shape)))]
        }
        guard shape.reduce(1, *) <= 1 << 16 else { throw problem("makes too many whole numbers") }
        return [.integers([Int](repeating: one, count: shape.reduce(1, *)), shape: shape)]
      }
      return [.tensor(Variable(try Tensor.full(shape, value.size > 0 ? value.floats()[0].double : 0)))]
    default: return [try reshaped()]
    }
  }

  // MARK: Convolutions and pooling

  /// Pads before and after each of two axes, by the attributes.
  private func pads(_ size: (Int, Int), kernel: [Int], strides: [Int], dilations: [Int]) throws -> [Int] {
    switch try node.text("auto_pad", default: "NOTSET") {
    case "NOTSET", "":
      let pads = try node.integers("pads") ?? [0, 0, 0, 0]
      guard pads.count == 4, pads.allSatisfy({ $0 >= 0 && $0 < 1 << 20 }) else { throw problem("has the pads \(pads)") }
      return pads
    case "VALID": return [0, 0, 0, 0]
    case let way where way == "SAME_UPPER" || way == "SAME_LOWER":
      let totals = [size.0, size.1].enumerated().map { axis, size in
        let outputs = (size + strides[axis] - 1) / strides[axis]
        return max(0, (outputs - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - size)
      }
      let small = totals.map { way == "SAME_UPPER" ? $0 / 2 : $0 - $0 / 2 }
      return [small[0], small[1], totals[0] - small[0], totals[1] - small[1]]
    case let way: throw problem("has the auto_pad \(way)")
    }
  }

  /// Two positive numbers.
  private func pair(_ name: String, default standard: Int = 1) throws -> [Int] {
    let found = try node.integers(name) ?? [standard, standard]
    guard found.count == 2, found.allSatisfy({ $0 > 0 && $0 < 1 << 20 }) else {
      throw problem("has the \(name) \(found); Seep runs it in two dimensions")
    }
    return found
  }

  private func images() throws -> Variable {
    let x = try tensor(0)
    guard x.rank == 4 else { throw problem("takes images [n, channels, height, width], not \(x.shape)") }
    return x
  }

  /// Geometry of a convolution whose input has `size` pixels.
  func geometry(_ size: (Int, Int), kernel: [Int]) throws -> ConvGeometry {
    let (strides, dilations) = (try pair("strides"), try pair("dilations"))
    let pads = try pads(size, kernel: kernel, strides: strides, dilations: dilations)
    let groups = try node.integer("group", default: 1)
    guard groups > 0 else { throw problem("has \(groups) groups") }
    return ConvGeometry(
      strideHeight: strides[0], strideWidth: strides[1], top: pads[0], left: pads[1], bottom: pads[2], right: pads[3],
      dilationHeight: dilations[0], dilationWidth: dilations[1], groups: groups)
  }

  private func convolution() throws -> Variable {
    let (x, w) = (try images(), try tensor(1))
    guard w.rank == 4, w.size > 0 else { throw problem("takes weights [out, in, height, width], not \(w.shape)") }
    let geometry = try geometry((x.shape[2], x.shape[3]), kernel: Array(w.shape[2...]))
    try allow([
      x.shape[0], w.shape[0], max(geometry.outputHeight(x.shape[2], kernel: w.shape[2]), 0),
      max(geometry.outputWidth(x.shape[3], kernel: w.shape[3]), 0),
    ])
    return try x.conv2d(w, bias: optionalTensor(2), geometry)
  }

  private func transposedConvolution() throws -> Variable {
    let (x, w) = (try images(), try tensor(1))
    guard w.rank == 4, w.size > 0 else { throw problem("takes weights [in, out, height, width], not \(w.shape)") }
    guard try node.text("auto_pad", default: "NOTSET") == "NOTSET", node["output_shape"] == nil else {
      throw problem("has an output shape of its own, which Seep does not run")
    }
    let geometry = try geometry((x.shape[2], x.shape[3]), kernel: Array(w.shape[2...]))
    let extra = try node.integers("output_padding") ?? [0, 0]
    guard extra.count == 2, extra.allSatisfy({ $0 >= 0 && $0 < 1 << 20 }) else {
      throw problem("has the output_padding \(extra)")
    }
    try allow([
      x.shape[0], w.shape[1], x.shape[2] * geometry.strideHeight + geometry.dilationHeight * w.shape[2] + extra[0],
      x.shape[3] * geometry.strideWidth + geometry.dilationWidth * w.shape[3] + extra[1],
    ])
    return try x.convTranspose2d(w, bias: optionalTensor(2), geometry, outputPadding: (extra[0], extra[1]))
  }

  private func pool() throws -> Variable {
    var x = try images()
    guard node["kernel_shape"] != nil else { throw problem("has no kernel_shape") }
    let (kernel, strides) = (try pair("kernel_shape"), try pair("strides"))
    guard try pair("dilations") == [1, 1] else { throw problem("is dilated, which Seep does not run") }
    var pads = try pads((x.shape[2], x.shape[3]), kernel: kernel, strides: strides, dilations: [1, 1])
    let isMax = node.operation == "MaxPool"
    let counts = try node.integer("count_include_pad", default: 0) != 0
    if pads[0] != pads[2] || pads[1] != pads[3] {
      guard isMax || counts else { throw problem("has different pads on its sides, which Seep does not run") }
      x = try x.pad(
        [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])],
        value: isMax ? -Double(Float.greatestFiniteMagnitude) : 0)
      pads = [0, 0, 0, 0]
    }
    var geometry = PoolGeometry(kernel[0])
    (geometry.height, geometry.width) = (kernel[0], kernel[1])
    (geometry.strideHeight, geometry.strideWidth) = (strides[0], strides[1])
    (geometry.padHeight, geometry.padWidth) = (pads[0], pads[1])
    geometry.roundUp = try node.integer("ceil_mode", default: 0) != 0
    geometry.countPadding = counts
    return try isMax ? x.maxPool2d(geometry) : x.avgPool2d(geometry)
  }

  // MARK: Parts and their order

  private func constant() throws -> OnnxValue {
    for (name, attribute) in node.attributes {
      switch attribute {
      case .tensor(let value): return OnnxValue(value)
      case .float(let number): return .tensor(Variable(try Tensor([number], shape: [])))
      case .integer(let number): return .integers([number], shape: [])
      case .floats(let numbers): return .tensor(Variable(try Tensor(numbers, shape: [numbers.count])))
      case .integers(let numbers): return .integers(numbers, shape: [numbers.count])
      default: throw problem("holds a value of another kind (\(name))")
      }
    }
    throw problem("holds no value")
  }

  private func concat() throws -> OnnxValue {
    let all = try inputs.indices.map { try value($0) }
    let numbers = all.map { value -> [Int]? in
      if case .integers(let numbers, let shape) = value, shape.count <= 1 { return numbers }
      return nil
    }
    if numbers.allSatisfy({ $0 != nil }) {
      let joined = numbers.flatMap { $0 ?? [] }
      return .integers(joined, shape: [joined.count])
    }
    let parts = try inputs.indices.map { try tensor($0) }
    guard let first = parts.first else { throw problem("has no inputs") }
    let place = try axis(node.integer("axis", default: 0), rank: first.rank)
    return .tensor(try Variable.concat(parts, axis: place))
  }

  private func split() throws -> [OnnxValue] {
    let x = try tensor(0)
    let place = try axis(node.integer("axis", default: 0), rank: x.rank)
    let count = node.outputs.count
    let piece = (x.shape[place] + count - 1) / max(count, 1)
    let sizes =
      try integers(1, or: "split") ?? (0..<count).map { min(piece, max(0, x.shape[place] - $0 * piece)) }
    guard sizes.count == count, sizes.allSatisfy({ $0 >= 0 && $0 <= x.shape[place] }),
      sizes.reduce(0, +) == x.shape[place]
    else { throw problem("splits \(x.shape[place]) into \(sizes)") }
    var start = 0
    return try sizes.map { size in
      defer { start += size }
      return .tensor(try x.slice(axis: place, from: start, to: start + size))
    }
  }
}

extension Float {
  fileprivate var double: Double { Double(self) }
}
