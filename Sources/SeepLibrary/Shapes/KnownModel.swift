// What is known of a model before a program runs: its layers, which say without parameters what they make of the shape of an example.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

final class KnownModel: KnownObject {
  /// Never built: nothing is kept from one call to the next.
  let model: Model

  init(_ model: Model) { self.model = model }

  static func layer(_ layer: any Layer) throws -> Known { .object(KnownModel(Model([layer], key: RandomKey(seed: 0)))) }

  var summary: String { "model" }

  func hasField(_ name: String) -> Bool { ModelValue.fields.contains(name) }

  /// `net(x)`. What the model was given before may decide whether `x` is a batch or one example, unless a layer does.
  func call(_ arguments: [Known]) throws -> Known {
    guard arguments.count == 1, let x = arguments[0].object(as: KnownTensor.self), x.rank > 0 else { throw Unclear() }
    // Other dtypes are brought to the parameters', or refused, by the layers.
    let dtype = x.dtype == .float32 ? x.dtype : nil
    func output(isLone: Bool) throws -> KnownTensor {
      let example = isLone ? x.dims : Array(x.dims.dropFirst())
      let known = example.compactMap { $0 }
      guard known.count == example.count, !x.dims.contains(0), Growth(model.layers).isSafe(known) else {
        throw Unclear()
      }
      let shape = try model.outputShape(for: known)
      return try KnownTensor((isLone ? [] : [x.dims[0]]) + shape, dtype)
    }
    if let rank = model.fixedExampleRank { return .object(try output(isLone: x.rank == rank)) }
    let isLone = x.rank % 2 == 1
    do {
      let usual = try output(isLone: isLone)
      // The other way may be meant as well.
      do {
        guard try output(isLone: !isLone).dims == usual.dims else { throw Unclear() }
      } catch is Fault {}
      return .object(usual)
    } catch let fault as Fault {
      do {
        return .object(try output(isLone: !isLone))
      } catch is Fault {
        throw fault
      }
    }
  }

  func compose(with other: Known, reversed: Bool) throws -> Known {
    let next: Model
    switch other {
    case .object(let object as KnownModel): next = object.model
    case .builtin(let builtin): next = try KnownModel.named([builtin])
    case .composition(let members): next = try KnownModel.named(members)
    default: throw Unclear()
    }
    let (first, second) = reversed ? (next, model) : (model, next)
    return .object(KnownModel(try .compose(first, second, key: RandomKey(seed: 0))))
  }

  /// The layers that names mean in a composition.
  static func named(_ functions: [Builtin]) throws -> Model {
    let layers = try functions.map { function in
      guard let layer = try? Layers.form(of: function.name) else { throw Unclear() }
      return layer
    }
    return Model(layers, key: RandomKey(seed: 0))
  }

  /// The layers of an argument: a model, or names of layers.
  static func layers(_ known: Known) throws -> [any Layer] {
    switch known {
    case .object(let object as KnownModel): return object.model.layers
    case .builtin(let builtin): return try named([builtin]).layers
    case .composition(let members): return try named(members).layers
    default: throw Unclear()
    }
  }
}

/// How large an example may become on its way through layers: sizes are counted without fear of numbers too large for an int.
private struct Growth {
  private var layers: [any Layer]

  init(_ layers: [any Layer]) { self.layers = layers }

  private static let limit = 0x1p52

  /// Whether no shape, and no parameter, has as many elements as an int cannot count.
  func isSafe(_ example: [Int]) -> Bool {
    var side = Double(max(example.max() ?? 1, 1))
    var channels = side
    var elements = example.reduce(1.0) { $0 * Double(max($1, 1)) }
    return Growth.follow(layers, &side, &channels, &elements)
  }

  private static func follow(
    _ layers: [any Layer], _ side: inout Double, _ channels: inout Double, _ elements: inout Double
  ) -> Bool {
    for layer in layers {
      var kernel = 1.0
      switch layer {
      case let conv as Conv:
        kernel = Double(conv.kernel) * Double(conv.dilation)
        side += 2 * Double(conv.pad)
        channels = max(channels, Double(conv.channels))
      case let conv as ConvTranspose:
        kernel = Double(conv.kernel)
        side = side * Double(conv.stride) + Double(conv.kernel) + Double(conv.outputPad)
        channels = max(channels, Double(conv.channels))
      case let dense as Dense: channels = max(channels, Double(dense.features))
      case let upsample as Upsample: side *= Double(upsample.factor)
      case let pool as Pool: side += 2 * Double(pool.pad)
      case let reshape as Reshape:
        elements = max(elements, reshape.shape.reduce(1.0) { $0 * Double(max($1, 1)) })
        side = max(side, Double(reshape.shape.max() ?? 1))
        channels = max(channels, side)
      case let residual as Residual:
        for way in [residual.main, residual.shortcut] where !follow(way, &side, &channels, &elements) { return false }
      case is Activation, is Flatten, is BatchNorm, is GroupNorm, is LayerNorm, is InstanceNorm, is Dropout,
        is GlobalAvgPool:
        break
      default: return false
      }
      elements = max(elements, channels * side * side)
      guard elements * channels * kernel * kernel < limit else { return false }
    }
    return true
  }
}

/// Layers that are made of constants.
enum Reshaping {
  static func layer(_ shape: [Int]) throws -> any Layer {
    guard shape.allSatisfy({ abs($0.clamped) < 1 << 20 }) else { throw Unclear() }
    return try Reshape(shape)
  }

  static func activation(_ call: KnownCall, _ name: String, _ parameter: String) throws -> any Layer {
    let number = try call.double(parameter)
    return name == "elu" ? Activation.elu(alpha: number) : Activation.leakyRelu(slope: number)
  }
}

extension Int {
  /// Without the one number that has no opposite.
  fileprivate var clamped: Int { Swift.max(self, -Int.max) }
}

private func layer(_ make: @escaping @Sendable (KnownCall) throws -> any Layer) -> Rule {
  { call in try KnownModel.layer(make(call)) }
}

private func ready(_ make: @escaping @Sendable (KnownCall, RandomKey) throws -> Model) -> Rule {
  { call in .object(KnownModel(try make(call, RandomKey(seed: 0)))) }
}

private func activation(_ call: KnownCall) throws -> Activation { try Activation(named: call.string("activation")) }

/// An int that the function takes from a range; what lies outside is the run's to refuse.
private func int(_ call: KnownCall, _ name: String, in range: ClosedRange<Int>) throws -> Int {
  let given = try call.int(name)
  guard range.contains(given) else { throw Unclear() }
  return given
}

private func pool(_ method: Pool.Method) -> Rule {
  { call in
    var arguments = call.rest("args")
    let subject = arguments.first?.object(as: KnownTensor.self)
    if subject != nil { arguments.removeFirst() }
    guard let window = try arguments.first?.asInt ?? call.optionalInt("window") else { throw Unclear() }
    let layer = try Pool(method, window, stride: call.optionalInt("stride"), pad: call.int("pad"))
    guard let subject else { return try KnownModel.layer(layer) }
    return try KnownModel(Model([layer], key: RandomKey(seed: 0))).call([.object(subject)])
  }
}

let modelRules: [String: Rule] = [
  "conv": layer {
    try Conv(
      $0.int("channels"), kernel: $0.int("kernel"), stride: $0.int("stride"), pad: $0.int("pad"),
      dilation: $0.int("dilation"), groups: $0.int("groups"), bias: $0.bool("bias"))
  },
  "conv_transpose": layer {
    try ConvTranspose(
      $0.int("channels"), kernel: $0.int("kernel"), stride: $0.int("stride"), pad: $0.int("pad"),
      outputPad: $0.int("output_pad"), bias: $0.bool("bias"))
  },
  "dense": layer { try Dense($0.int("features"), bias: $0.bool("bias")) },
  "batch_norm": layer { try BatchNorm(momentum: $0.double("momentum"), eps: $0.double("eps")) },
  "group_norm": layer { try GroupNorm($0.int("groups"), eps: $0.double("eps")) },
  "layer_norm": layer { try LayerNorm(eps: $0.double("eps")) },
  "instance_norm": layer { try InstanceNorm(eps: $0.double("eps")) },
  "dropout": layer { try Dropout($0.double("rate")) },
  "upsample": layer {
    guard let mode = Upsample.Method(rawValue: try $0.string("mode")) else { throw Unclear() }
    return try Upsample($0.int("factor"), mode: mode)
  },
  "global_avg_pool": layer { _ in GlobalAvgPool() },
  "residual": layer { call in
    var shortcut: [any Layer] = []
    if case .none = call["shortcut"] {} else { shortcut = try KnownModel.layers(call["shortcut"]) }
    return try Residual(KnownModel.layers(call["main"]), shortcut: shortcut)
  },
  "max_pool": pool(.max), "avg_pool": pool(.average),
  "mlp": ready { try .mlp($0.ints("sizes"), activation: activation($0), key: $1) },
  "lenet": ready { try .lenet(classes: int($0, "classes", in: 1...Int.max), activation: activation($0), key: $1) },
  "convnet": ready {
    try .convnet(classes: int($0, "classes", in: 1...Int.max), width: int($0, "width", in: 1...4096), key: $1)
  },
  "cnn": ready {
    try .cnn(classes: int($0, "classes", in: 1...Int.max), width: int($0, "width", in: 1...4096), key: $1)
  },
  "resnet18": ready {
    guard let stem = Model.Stem(rawValue: try $0.string("stem")) else { throw Unclear() }
    return try .resnet18(
      classes: int($0, "classes", in: 1...Int.max), width: int($0, "width", in: 1...4096), stem: stem, key: $1)
  },
  "cnn6": ready { try .cnn6(classes: int($0, "classes", in: 1...Int.max), key: $1) },
  "vgg11": ready {
    try .vgg11(
      classes: int($0, "classes", in: 1...Int.max), width: int($0, "width", in: 1...4096),
      batchNorm: $0.bool("batch_norm"), key: $1)
  },
  "wgan_gp_generator": ready {
    try .wganGPGenerator(channels: int($0, "channels", in: 1...64), width: int($0, "width", in: 1...4096), key: $1)
  },
  "conv2d": { call in
    let (x, w) = (try call.object(as: KnownTensor.self, "x"), try call.object(as: KnownTensor.self, "w"))
    let geometry = ConvGeometry(
      stride: try int(call, "stride", in: 1...65536), padding: try int(call, "pad", in: 0...65536),
      dilation: try int(call, "dilation", in: 1...65536), groups: try int(call, "groups", in: 1...1_000_000))
    guard let input = x.shape, let weight = w.shape, let dtype = x.dtype, dtype.isFloat, w.dtype == dtype,
      (input + weight).allSatisfy({ $0 < 1 << 30 })
    else { throw Unclear() }
    let shape = try Tensor.conv2dShape(input, weight, geometry)
    if case .none = call["bias"] {} else { throw Unclear() }
    return .object(try KnownTensor(shape, dtype))
  },
  "resize": { call in
    let x = try call.object(as: KnownTensor.self, "x")
    let size = try call.ints("size")
    guard (1...2).contains(size.count), let height = size.first, let width = size.last, height > 0, width > 0,
      Variable.ResizeMode(rawValue: try call.string("mode")) != nil, x.rank >= 2, x.dtype?.isFloat == true
    else { throw Unclear() }
    return .object(try KnownTensor(x.dims.dropLast(2) + [height, width], x.dtype))
  },
]
