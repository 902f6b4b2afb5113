// BigGAN-deep (Brock, Donahue, Simonyan, "Large scale GAN training for high fidelity natural image synthesis", ICLR 2019), with the names
// and conventions of the checkpoint that pytorch_pretrained_biggan reads. The generator as it is used: weights are constants, spectral
// normalisation is divided out once, batch normalisation takes the statistics of a truncation.
import Autodiff
import Ground
import Tensors

/// A generator of images from `[z, class]`. Differentiable to any order with respect to both.
public struct BigGANDeep: @unchecked Sendable {  // tensors never change
  /// Latent numbers, classes, and numbers that embed a class.
  public let latent: Int
  public let classes: Int
  /// 0 < truncation ≤ 1: which statistics batch normalisation uses; z is to be drawn from a normal distribution cut off accordingly.
  public let truncation: Double
  /// Pixels along a side.
  public let resolution: Int

  private enum Step {
    case block(Block)
    case attention(Attention)
  }
  private let embedding: Variable
  private let start: (weight: Variable, bias: Variable)
  private let steps: [Step]
  private let last: Normalisation
  private let colour: (weight: Variable, bias: Variable)

  /// - Parameters:
  ///   - upsampling: whether each block doubles the image; nil: as in the published models, where a block that halves the channels does,
  ///     and one that follows a block that did not.
  ///   - eps: of batch normalisation.
  /// - Throws: `missing-parameter`, `bad-file`, `bad-argument`.
  public init(
    _ names: [String], _ tensors: [Tensor], truncation: Double = 1, upsampling: [Bool]? = nil, eps: Double = 1e-4
  ) throws {
    guard truncation > 0, truncation <= 1 else {
      throw Fault("out-of-range", "biggan-deep: the truncation is above 0 and at most 1, not \(truncation)")
    }
    let weights = Weights(names, tensors, truncation: truncation, eps: eps)
    self.truncation = truncation
    embedding = Variable(try weights["embeddings.weight"])
    guard embedding.rank == 2 else { throw weights.unreadable("embeddings.weight") }
    classes = embedding.shape[1]
    start = (try weights.normalised("generator.gen_z"), Variable(try weights["generator.gen_z.bias"]))
    guard start.weight.rank == 2, start.weight.shape[0] % 16 == 0, start.weight.shape[1] > embedding.shape[0] else {
      throw weights.unreadable("generator.gen_z")
    }
    latent = start.weight.shape[1] - embedding.shape[0]
    var steps: [Step] = []
    var (blocks, pixels, doubled) = (0, 4, true)
    while weights.hasLayer(steps.count) {
      let prefix = "generator.layers.\(steps.count)"
      if weights.has("\(prefix).gamma") {
        steps.append(.attention(try Attention(weights, prefix)))
        continue
      }
      let inside = try weights["\(prefix).bn_0.running_means"].shape.last ?? 0
      let outside = try weights["\(prefix).conv_3.bias"].size
      if let upsampling, blocks >= upsampling.count {
        throw Fault("bad-argument", "biggan-deep: `upsampling` names \(upsampling.count) blocks, and the file has more")
      }
      doubled = upsampling?[blocks] ?? (outside * 2 == inside || !doubled)
      pixels *= doubled ? 2 : 1
      blocks += 1
      steps.append(.block(try Block(weights, prefix, upsamples: doubled, channels: (inside, outside))))
    }
    guard blocks > 0 else { throw weights.unreadable("generator.layers") }
    self.steps = steps
    resolution = pixels
    last = try Normalisation(weights, "generator.bn", conditional: false)
    colour = (try weights.normalised("generator.conv_to_rgb"), Variable(try weights["generator.conv_to_rgb.bias"]))
  }

  /// Reads a checkpoint in safetensors.
  public static func load(_ path: String, truncation: Double = 1, upsampling: [Bool]? = nil) throws -> BigGANDeep {
    let file = try Safetensors.read(path)
    return try BigGANDeep(file.names, file.tensors, truncation: truncation, upsampling: upsampling)
  }

  /// Images `[n, 3, resolution, resolution]` in −1…1 for z `[n, latent]` and class weights `[n, classes]` (one-hot, or any mixture).
  /// - Throws: `shape-mismatch`.
  public func callAsFunction(_ z: Variable, _ labels: Variable) throws -> Variable {
    guard z.rank == 2, z.shape[1] == latent, labels.rank == 2, labels.shape == [z.shape[0], classes] else {
      throw Fault(
        "shape-mismatch",
        "biggan-deep takes z [n, \(latent)] and class weights [n, \(classes)], not \(shapeText(z.shape)) and \(shapeText(labels.shape))"
      )
    }
    let condition = try Variable.concat([z, labels.matmul(embedding.transposed())], axis: 1)
    let channels = start.weight.shape[0] / 16
    // The first layer's features are [height, width, channels].
    var x = try (condition.matmul(start.weight.transposed()) + start.bias).reshape([z.shape[0], 4, 4, channels])
      .permute([0, 3, 1, 2])
    for step in steps {
      try Interrupt.check()
      switch step {
      case .block(let block): x = try block(x, condition)
      case .attention(let attention): x = try attention(x)
      }
    }
    x = try last(x, condition).relu()
    let rgb = try x.conv2d(colour.weight, bias: colour.bias, ConvGeometry(padding: 1))
    return try rgb.slice(axis: 1, from: 0, to: 3).tanh()
  }
}

// MARK: Parts

/// A checkpoint's tensors by name.
private struct Weights {
  private let tensors: [String: Tensor]
  let truncation: Double
  let eps: Double

  init(_ names: [String], _ tensors: [Tensor], truncation: Double, eps: Double) {
    self.tensors = Dictionary(zip(names, tensors), uniquingKeysWith: { first, _ in first })
    self.truncation = truncation
    self.eps = eps
  }

  func has(_ name: String) -> Bool { tensors[name] != nil }
  func hasLayer(_ index: Int) -> Bool {
    has("generator.layers.\(index).gamma") || has("generator.layers.\(index).bn_0.running_means")
  }

  subscript(name: String) -> Tensor {
    get throws {
      guard let tensor = tensors[name] else {
        throw Fault("missing-parameter", "the file has no tensor \(name), which biggan-deep needs")
      }
      return tensor
    }
  }

  func unreadable(_ name: String) -> Fault {
    Fault("bad-file", "\(name) does not have the shape that biggan-deep gives it")
  }

  /// A weight over its largest singular value, as the vectors kept with it say: σ = u · (W v) with W `[out, everything else]`.
  func normalised(_ name: String) throws -> Variable {
    guard has("\(name).weight_orig") else { return Variable(try self["\(name).weight"]) }
    let (weight, u, v) = (try self["\(name).weight_orig"], try self["\(name).weight_u"], try self["\(name).weight_v"])
    let rows = weight.shape.first ?? 0
    guard rows > 0, u.size == rows, v.size * rows == weight.size else { throw unreadable(name) }
    let matrix = try weight.converted(to: .float64).reshape([rows, v.size])
    let through = try Tensor.matmul(matrix, v.converted(to: .float64).reshape([v.size, 1]))
    let norm = try Tensor.combine(.mul, through.reshape([rows]), u.converted(to: .float64).reshape([rows])).reduce(.sum)
      .item()
    guard norm.isFinite, norm != 0 else { throw unreadable("\(name).weight_u") }
    return Variable(try Tensor.combine(.div, weight.converted(to: .float64), norm).converted(to: weight.dtype))
  }

  /// A row of statistics for the truncation. Between two rows the published code weights the first by the fraction, and so does this.
  func statistics(_ name: String) throws -> Tensor {
    let table = try self[name]
    guard table.rank == 2, table.shape[0] >= 2 else { throw unreadable(name) }
    let place = truncation / (1 / Double(table.shape[0] - 1))
    let row = min(Int(place), table.shape[0] - 1)
    let share = place - Double(row)
    let first = try table.select(axis: 0, index: row)
    if share == 0 || row + 1 >= table.shape[0] { return try first.contiguous() }
    let second = try table.select(axis: 0, index: row + 1)
    return try Tensor.combine(.add, Tensor.combine(.mul, first, share), Tensor.combine(.mul, second, 1 - share))
  }
}

/// Batch normalisation with fixed statistics; scale and shift come from the condition, or are constants.
private struct Normalisation {
  /// 1/√(variance + eps), and mean over it.
  let inverse: Variable
  let centre: Variable
  let scale: Variable
  let offset: Variable
  let conditional: Bool

  init(_ weights: Weights, _ name: String, conditional: Bool) throws {
    let (mean, variance) = (
      try weights.statistics("\(name).running_means"), try weights.statistics("\(name).running_vars")
    )
    let root = try Tensor.combine(.add, variance, weights.eps).map(.rsqrt)
    inverse = Variable(root)
    centre = Variable(try Tensor.combine(.mul, mean, root))
    self.conditional = conditional
    if conditional {
      (scale, offset) = (try weights.normalised("\(name).scale"), try weights.normalised("\(name).offset"))
    } else {
      (scale, offset) = (Variable(try weights["\(name).weight"]), Variable(try weights["\(name).bias"]))
    }
  }

  func callAsFunction(_ x: Variable, _ condition: Variable) throws -> Variable {
    var (gain, shift) = (scale, offset)
    if conditional {
      gain = try condition.matmul(scale.transposed()) + 1
      shift = try condition.matmul(offset.transposed())
    }
    let factor = try gain * inverse
    let rest = try shift - gain * centre
    let rows = conditional ? x.shape[0] : 1
    let shape = [rows, x.shape[1], 1, 1]
    return try x * factor.reshape(shape) + rest.reshape(shape)
  }
}

/// 1×1, 3×3, 3×3, 1×1 convolutions with a quarter of the channels, beside the input as it is.
private struct Block {
  let norms: [Normalisation]
  let convolutions: [(weight: Variable, bias: Variable)]
  let upsamples: Bool
  let channels: (inside: Int, outside: Int)

  init(_ weights: Weights, _ prefix: String, upsamples: Bool, channels: (inside: Int, outside: Int)) throws {
    norms = try (0..<4).map { try Normalisation(weights, "\(prefix).bn_\($0)", conditional: true) }
    convolutions = try (0..<4).map {
      (try weights.normalised("\(prefix).conv_\($0)"), Variable(try weights["\(prefix).conv_\($0).bias"]))
    }
    self.upsamples = upsamples
    self.channels = channels
  }

  func callAsFunction(_ input: Variable, _ condition: Variable) throws -> Variable {
    var x = input
    for i in 0..<4 {
      x = try norms[i](x, condition).relu()
      if i == 1, upsamples { x = try doubled(x) }
      x = try x.conv2d(
        convolutions[i].weight, bias: convolutions[i].bias, ConvGeometry(padding: i == 1 || i == 2 ? 1 : 0))
    }
    var aside = channels.inside == channels.outside ? input : try input.slice(axis: 1, from: 0, to: input.shape[1] / 2)
    if upsamples { aside = try doubled(aside) }
    return try x + aside
  }

  /// Every pixel four times.
  private func doubled(_ x: Variable) throws -> Variable {
    let s = x.shape
    return try x.reshape([s[0], s[1], s[2], 1, s[3], 1]).broadcast(to: [s[0], s[1], s[2], 2, s[3], 2])
      .reshape([s[0], s[1], 2 * s[2], 2 * s[3]])
  }
}

/// Self-attention over positions (Zhang, Goodfellow, Metaxas, Odena, 2019), with keys and values at half the resolution.
private struct Attention {
  let theta, phi, g, out: Variable
  let gamma: Variable

  init(_ weights: Weights, _ prefix: String) throws {
    theta = try weights.normalised("\(prefix).snconv1x1_theta")
    phi = try weights.normalised("\(prefix).snconv1x1_phi")
    g = try weights.normalised("\(prefix).snconv1x1_g")
    out = try weights.normalised("\(prefix).snconv1x1_o_conv")
    gamma = Variable(try weights["\(prefix).gamma"])
  }

  func callAsFunction(_ x: Variable) throws -> Variable {
    let (n, pixels) = (x.shape[0], x.shape[2] * x.shape[3])
    let pool = PoolGeometry(2)
    let queries = try x.conv2d(theta).reshape([n, theta.shape[0], pixels])
    let keys = try x.conv2d(phi).maxPool2d(pool).reshape([n, phi.shape[0], pixels / 4])
    let values = try x.conv2d(g).maxPool2d(pool).reshape([n, g.shape[0], pixels / 4])
    let attention = try queries.transposed().matmul(keys).softmax(axis: 2)
    let seen = try values.matmul(attention.transposed()).reshape([n, g.shape[0], x.shape[2], x.shape[3]])
    return try x + seen.conv2d(out) * gamma.reshape([1, 1, 1, 1])
  }
}
