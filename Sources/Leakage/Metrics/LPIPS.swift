// Learned perceptual distance (Zhang, Isola, Efros, Shechtman, Wang: "The unreasonable effectiveness of deep features as a
// perceptual metric", CVPR 2018), version 0.1: distances of unit-length features of a network trained on ImageNet.
import Autodiff
import Ground
import Networks
import Tensors

/// LPIPS with given weights. Seep comes without them: they are read from safetensors.
///
/// Convention: images in 0…1 are brought to −1…1 (`2x − 1`), then to the backbone's scale; grey images are repeated to three channels.
/// At each of five taps features are divided by their length over channels (+1e-10), squared differences are weighted by the head and
/// averaged over positions; the taps are summed. 0 for equal images; lower is closer.
public struct LPIPS: @unchecked Sendable {  // tensors are immutable
  /// The network whose features are compared.
  public enum Backbone: String, Sendable, CaseIterable {
    /// torchvision's vgg16 after relu1_2, 2_2, 3_3, 4_3, 5_3: what GGL and GIFD report. Sides of at least 16 pixels.
    case vgg
    /// torchvision's alexnet after its five ReLUs: what breaching reports. Sides of at least 31 pixels; unreliable that small.
    case alex

    /// torchvision's `features`, one list a tap: convolutions by (index, channels, kernel, stride, pad) behind an optional pooling.
    var taps: [(pool: PoolGeometry?, convolutions: [Unit])] {
      switch self {
      case .vgg:
        let stages = [(64, [0, 2]), (128, [5, 7]), (256, [10, 12, 14]), (512, [17, 19, 21]), (512, [24, 26, 28])]
        return stages.enumerated().map { number, stage in
          (number == 0 ? nil : PoolGeometry(2), stage.1.map { Unit(index: $0, channels: stage.0, kernel: 3, pad: 1) })
        }
      case .alex:
        let pool = PoolGeometry(3, stride: 2)
        return [
          (nil, [Unit(index: 0, channels: 64, kernel: 11, stride: 4, pad: 2)]),
          (pool, [Unit(index: 3, channels: 192, kernel: 5, pad: 2)]),
          (pool, [Unit(index: 6, channels: 384, kernel: 3, pad: 1)]),
          (nil, [Unit(index: 8, channels: 256, kernel: 3, pad: 1)]),
          (nil, [Unit(index: 10, channels: 256, kernel: 3, pad: 1)]),
        ]
      }
    }

    /// Shortest side that reaches the last tap.
    public var smallestSide: Int { self == .vgg ? 16 : 31 }

    /// The line of Python that writes the file, with the packages torch, torchvision, lpips and safetensors.
    public var recipe: String {
      "python3 -c 'import lpips, safetensors.torch as s; "
        + "s.save_file({k: v.clone() for k, v in lpips.LPIPS(net=\"\(rawValue)\").state_dict().items()}, "
        + "\"lpips-\(rawValue).safetensors\")'"
    }
  }

  struct Unit {
    var index: Int
    var channels: Int
    var kernel: Int
    var stride = 1
    var pad = 0
  }

  public let backbone: Backbone
  /// Weight and bias of each convolution, in their order.
  private let trunk: [(weight: Variable, bias: Variable)]
  /// One `[1, channels, 1, 1]` a tap, float64.
  private let heads: [Variable]

  /// - Parameters:
  ///   - trunk: weight `[out, in, k, k]` and bias `[out]` of each convolution, alternating.
  ///   - heads: five weights, `[channels]` or `[1, channels, 1, 1]`.
  /// - Throws: `shape-mismatch` naming the tensor.
  public init(_ backbone: Backbone, trunk: [Tensor], heads: [Tensor]) throws {
    self.backbone = backbone
    let units = backbone.taps.flatMap(\.convolutions)
    guard trunk.count == 2 * units.count, heads.count == 5 else {
      throw Fault(
        "shape-mismatch",
        "lpips with \(backbone.rawValue) takes \(2 * units.count) tensors of the backbone and 5 of the heads, not \(trunk.count) and \(heads.count)"
      )
    }
    var channels = 3
    self.trunk = try units.enumerated().map { place, unit in
      let (weight, bias) = (trunk[2 * place], trunk[2 * place + 1])
      let shape = [unit.channels, channels, unit.kernel, unit.kernel]
      guard weight.shape == shape, bias.shape == [unit.channels] else {
        throw Fault(
          "shape-mismatch",
          "features.\(unit.index) of \(backbone.rawValue) has a weight \(shapeText(shape)) and a bias [\(unit.channels)], not \(shapeText(weight.shape)) and \(shapeText(bias.shape))"
        )
      }
      channels = unit.channels
      return (Variable(weight), Variable(bias))
    }
    self.heads = try zip(heads, backbone.taps).enumerated().map { number, pair in
      let (head, width) = (pair.0, pair.1.convolutions.last?.channels ?? 0)
      guard head.size == width else {
        throw Fault("shape-mismatch", "lin\(number) has \(width) weights, not \(shapeText(head.shape))")
      }
      return Variable(try head.reshape([1, width, 1, 1]).converted(to: .float64))
    }
  }

  /// Reads the weights from one safetensors file, or from two (backbone, heads).
  ///
  /// Names: torchvision's `features.0.weight`, `features.0.bias`, … or lpips' `net.slice1.0.weight`, …; heads `lin0.model.1.weight`
  /// to `lin4.model.1.weight`, as in lpips' own files. What else a file holds is ignored.
  /// - Throws: `file-not-found`, `bad-file`, `missing-parameter` naming what is not there, `shape-mismatch`.
  public static func load(_ paths: [String], _ backbone: Backbone) throws -> LPIPS {
    var tensors: [String: Tensor] = [:]
    for path in paths {
      let file = try Safetensors.read(path)
      for (name, value) in zip(file.names, file.tensors) { tensors[name] = value }
    }
    func find(_ names: [String]) throws -> Tensor {
      if let name = names.first(where: { tensors[$0] != nil }), let value = tensors[name] { return value }
      throw Fault(
        "missing-parameter",
        "\(paths.joined(separator: " and ")) has no \(names[0]), which lpips with \(backbone.rawValue) needs",
        notes: [
          "It is looked for as \(names.joined(separator: " or ")).",
          "This writes such a file: \(backbone.recipe)",
        ])
    }
    let trunk = try backbone.taps.enumerated().flatMap { number, tap in
      try tap.convolutions.flatMap { unit in
        try ["weight", "bias"].map {
          try find(["features.\(unit.index).\($0)", "net.slice\(number + 1).\(unit.index).\($0)"])
        }
      }
    }
    let heads = try (0..<5).map { try find(["lin\($0).model.1.weight", "lin\($0).model.0.weight", "lin\($0)"]) }
    return try LPIPS(backbone, trunk: trunk, heads: heads)
  }

  /// The distance of each pair of images: `[n]`, float64, differentiable.
  /// - Parameter signed: values are −1…1 already.
  /// - Throws: `shape-mismatch`, `empty`, `bad-shape`, `image-too-small`.
  public func callAsFunction(_ a: Variable, _ b: Variable, signed: Bool = false) throws -> Variable {
    let taps = try perTap(a, b, signed: signed)
    return try taps.dropFirst().reduce(taps[0]) { try $0 + $1 }
  }

  public func callAsFunction(_ a: Tensor, _ b: Tensor, signed: Bool = false) throws -> [Double] {
    try self(Variable(a), Variable(b), signed: signed).value.doubles()
  }

  /// What each of the five taps adds: `[n]` each.
  public func perTap(_ a: Variable, _ b: Variable, signed: Bool = false) throws -> [Variable] {
    let (x, y) = try imagePair(a, b)
    let side = min(x.shape[2], x.shape[3])
    guard side >= backbone.smallestSide else {
      throw Fault(
        "image-too-small",
        "lpips with \(backbone.rawValue) needs sides of at least \(backbone.smallestSide) pixels, and the shorter is \(side)"
      )
    }
    var (p, q) = (try scaled(x, signed), try scaled(y, signed))
    var next = 0
    return try zip(backbone.taps, heads).map { tap, head in
      if let pool = tap.pool { (p, q) = (try p.maxPool2d(pool), try q.maxPool2d(pool)) }
      for unit in tap.convolutions {
        let (weight, bias) = trunk[next]
        next += 1
        let geometry = ConvGeometry(stride: unit.stride, padding: unit.pad)
        p = try p.conv2d(weight, bias: bias, geometry).relu()
        q = try q.conv2d(weight, bias: bias, geometry).relu()
      }
      return try ((unitLength(p) - unitLength(q)).square() * head).sum(axes: [1]).mean(axes: [1, 2])
    }
  }

  /// On the scale of the backbone, three channels, its dtype.
  private func scaled(_ x: Variable, _ signed: Bool) throws -> Variable {
    guard x.shape[1] == 3 || x.shape[1] == 1 else {
      throw Fault("bad-shape", "lpips compares grey or colour images, with 1 or 3 channels, not \(x.shape[1])")
    }
    let shift = Variable(try Tensor([-0.030, -0.088, -0.188], shape: [1, 3, 1, 1]))
    let scale = Variable(try Tensor([0.458, 0.448, 0.450], shape: [1, 3, 1, 1]))
    let colour = try x.broadcast(to: [x.shape[0], 3, x.shape[2], x.shape[3]])
    return try (((signed ? colour : 2 * colour - 1) - shift) / scale).converted(to: trunk[0].weight.dtype)
  }

  private func unitLength(_ x: Variable) throws -> Variable {
    let wide = try x.converted(to: .float64)
    return try wide / (wide.norm(axes: [1], keep: true) + 1e-10)
  }
}
