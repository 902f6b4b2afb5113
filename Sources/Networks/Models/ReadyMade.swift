// The models of the field, by the names it uses.
import Ground

extension Model {
  /// `mlp([784, 128, 10])`: flatten, then dense layers with an activation between them. The first number is how many
  /// features an example has.
  /// - Throws: `bad-argument`.
  public static func mlp(
    _ sizes: [Int], activation: Activation = .relu, initialiser: Initialiser = .torch, key: RandomKey
  ) throws -> Model {
    guard sizes.count >= 2 else {
      throw Fault(
        "bad-argument", "mlp needs at least two sizes, of the input and of the output, not \(sizes)",
        help: "mlp([784, 128, 10])")
    }
    var layers: [any Layer] = [Flatten()]
    for index in 1..<sizes.count {
      layers.append(try Dense(sizes[index], expecting: sizes[index - 1]))
      if index < sizes.count - 1 { layers.append(activation) }
    }
    let name = "mlp(\(sizes)" + (activation == .relu ? ")" : ", activation: \"\(activation.written)\")")
    return Model(layers, key: key, initialiser: initialiser, name: name)
  }

  /// DLG's LeNet (Zhu et al. 2019): three 5×5 convolutions of 12 channels with strides 2, 2, 1 and sigmoids, then one
  /// dense layer; everything uniform in ±0.5. Any size of image: 768 features at 32 pixels, 588 at 28.
  /// `activation` replaces the sigmoid.
  public static func lenet(
    classes: Int = 10, activation: Activation = .sigmoid, initialiser: Initialiser = .dlg, key: RandomKey
  ) throws -> Model {
    let layers: [any Layer] = [
      try Conv(12, kernel: 5, stride: 2, pad: 2), activation, try Conv(12, kernel: 5, stride: 2, pad: 2), activation,
      try Conv(12, kernel: 5, pad: 2), activation, Flatten(), try Dense(classes),
    ]
    let name = "lenet(classes: \(classes)" + (activation == .sigmoid ? ")" : ", activation: \"\(activation.written)\")")
    return Model(layers, key: key, initialiser: initialiser, name: name)
  }

  /// Inverting Gradients' ConvNet (Geiping et al. 2020): eight 3×3 convolutions with batch normalisation and ReLU, of
  /// widths w, 2w, 2w, 4w, 4w, 4w, 4w, 4w, max-pooling by 3 after the sixth and the eighth; the published code lists one
  /// more, which its own duplicate key drops.
  public static func convnet(classes: Int = 10, width: Int = 64, initialiser: Initialiser = .torch, key: RandomKey)
    throws -> Model
  {
    var layers: [any Layer] = []
    for (index, factor) in [1, 2, 2, 4, 4, 4, 4, 4].enumerated() {
      layers += [try Conv(factor * width, kernel: 3, pad: 1), BatchNorm(), Activation.relu]
      if index == 5 || index == 7 { layers.append(try Pool(.max, 3)) }
    }
    layers += [Flatten(), try Dense(classes)]
    return Model(
      layers, key: key, initialiser: initialiser,
      name: "convnet(classes: \(classes)\(option("width", width, default: 64)))")
  }

  /// A small ReLU network that learns digits in seconds: two 3×3 convolutions with pooling, and one hidden layer.
  public static func cnn(classes: Int = 10, width: Int = 16, initialiser: Initialiser = .torch, key: RandomKey) throws
    -> Model
  {
    let layers: [any Layer] = [
      try Conv(width, kernel: 3, pad: 1), Activation.relu, try Pool(.max, 2),
      try Conv(2 * width, kernel: 3, pad: 1), Activation.relu, try Pool(.max, 2),
      Flatten(), try Dense(8 * width), Activation.relu, try Dense(classes),
    ]
    return Model(
      layers, key: key, initialiser: initialiser, name: "cnn(classes: \(classes)\(option("width", width, default: 16)))"
    )
  }

  /// R-GAP's network (Zhu, Blaschko, ICLR 2021): six convolutions without bias, three of stride 2, LeakyReLU with slope 0.2, one dense layer.
  public static func cnn6(classes: Int = 10, initialiser: Initialiser = .torch, key: RandomKey) throws -> Model {
    let leaky = Activation.leakyRelu(slope: 0.2)
    var layers: [any Layer] = [try Conv(12, kernel: 4, stride: 2, pad: 2, bias: false), leaky]
    for (channels, stride) in [(36, 2), (36, 1), (36, 1), (64, 2), (128, 1)] {
      layers += [try Conv(channels, kernel: 3, stride: stride, pad: 1, bias: false), leaky]
    }
    layers += [Flatten(), try Dense(classes, bias: false)]
    return Model(layers, key: key, initialiser: initialiser, name: "cnn6(classes: \(classes))")
  }

  /// VGG-11 (Simonyan, Zisserman 2015) for 32-pixel images: its eight convolutions and five poolings, then one dense layer, as is usual
  /// for CIFAR; `batchNorm` puts normalisation after every convolution.
  public static func vgg11(
    classes: Int = 10, width: Int = 64, batchNorm: Bool = false, initialiser: Initialiser = .torch, key: RandomKey
  ) throws -> Model {
    var layers: [any Layer] = []
    for stage in [[1], [2], [4, 4], [8, 8], [8, 8]] {
      for factor in stage {
        layers.append(try Conv(factor * width, kernel: 3, pad: 1))
        if batchNorm { layers.append(BatchNorm()) }
        layers.append(Activation.relu)
      }
      layers.append(try Pool(.max, 2))
    }
    layers += [Flatten(), try Dense(classes)]
    let options = option("width", width, default: 64) + option("batch_norm", batchNorm, default: false)
    return Model(layers, key: key, initialiser: initialiser, name: "vgg11(classes: \(classes)\(options))")
  }

  /// GGL's generator for 32-pixel images, trained as a WGAN with gradient penalty (Gulrajani et al. 2017): a dense layer and three transposed
  /// convolutions of stride 2, images in −1…1. `width` is the channels before the last layer.
  public static func wganGPGenerator(
    channels: Int = 3, width: Int = 128, initialiser: Initialiser = .torch, key: RandomKey
  ) throws -> Model {
    let relu = Activation.relu
    let layers: [any Layer] = [
      try Dense(64 * width), BatchNorm(), relu, try Reshape([4 * width, 4, 4]),
      try ConvTranspose(2 * width, kernel: 2, stride: 2), BatchNorm(), relu,
      try ConvTranspose(width, kernel: 2, stride: 2), BatchNorm(), relu,
      try ConvTranspose(channels, kernel: 2, stride: 2), Activation.tanh,
    ]
    return Model(layers, key: key, initialiser: initialiser)
  }

  /// How a residual network meets the image.
  public enum Stem: String, Sendable, CaseIterable {
    /// 3×3 convolution, stride 1: for images of about 32 pixels.
    case cifar
    /// torchvision's 7×7 convolution of stride 2 and max-pooling: for images of about 224 pixels.
    case imagenet
  }

  /// ResNet-18 (He et al. 2016): two basic blocks at each of four widths. `width` is the first stage's (64).
  public static func resnet18(
    classes: Int = 10, width: Int = 64, stem: Stem = .cifar, initialiser: Initialiser = .kaiming, key: RandomKey
  ) throws -> Model {
    let options = option("width", width, default: 64) + (stem == .cifar ? "" : ", stem: \"\(stem.rawValue)\"")
    return try resnet(
      blocks: [2, 2, 2, 2], classes: classes, width: width, stem: stem, bottleneck: false, initialiser: initialiser,
      key: key,
      name: "resnet18(classes: \(classes)\(options))")
  }

  /// ResNet-20 with three stages of three blocks; `width: 64` is Inverting Gradients' ResNet20-4.
  public static func resnet20(classes: Int = 10, width: Int = 16, initialiser: Initialiser = .kaiming, key: RandomKey)
    throws -> Model
  {
    try resnet(
      blocks: [3, 3, 3], classes: classes, width: width, stem: .cifar, bottleneck: false, initialiser: initialiser,
      key: key,
      name: "resnet20(classes: \(classes)\(option("width", width, default: 16)))")
  }

  /// ResNet-32 with three stages of five blocks; `width: 160` is Inverting Gradients' ResNet32-10.
  public static func resnet32(classes: Int = 10, width: Int = 16, initialiser: Initialiser = .kaiming, key: RandomKey)
    throws -> Model
  {
    try resnet(
      blocks: [5, 5, 5], classes: classes, width: width, stem: .cifar, bottleneck: false, initialiser: initialiser,
      key: key,
      name: "resnet32(classes: \(classes)\(option("width", width, default: 16)))")
  }

  /// A residual network with `blocks[i]` blocks in stage i, each stage twice as wide as the one before and, after the
  /// first, half as large. `bottleneck` takes 1×1, 3×3, 1×1 convolutions with four times the width at the end.
  public static func resnet(
    blocks: [Int], classes: Int, width: Int, stem: Stem = .cifar, bottleneck: Bool = false,
    initialiser: Initialiser = .kaiming, key: RandomKey, name: String? = nil
  ) throws -> Model {
    var layers: [any Layer] =
      switch stem {
      case .cifar: [try Conv(width, kernel: 3, pad: 1, bias: false), BatchNorm(), Activation.relu]
      case .imagenet:
        [
          try Conv(width, kernel: 7, stride: 2, pad: 3, bias: false), BatchNorm(), Activation.relu,
          try Pool(.max, 3, stride: 2, pad: 1),
        ]
      }
    var channels = width
    for (stage, count) in blocks.enumerated() {
      for block in 0..<count {
        let inner = width << stage
        let outer = bottleneck ? 4 * inner : inner
        let stride = block == 0 && stage > 0 ? 2 : 1
        let shortcut: [any Layer] =
          stride == 1 && channels == outer
          ? [] : [try Conv(outer, kernel: 1, stride: stride, bias: false), BatchNorm()]
        layers += [Residual(try mainWay(inner, outer, stride, bottleneck), shortcut: shortcut), Activation.relu]
        channels = outer
      }
    }
    layers += [GlobalAvgPool(), try Dense(classes)]
    return Model(layers, key: key, initialiser: initialiser, name: name)
  }

  private static func mainWay(_ inner: Int, _ outer: Int, _ stride: Int, _ bottleneck: Bool) throws -> [any Layer] {
    let relu = Activation.relu
    if bottleneck {
      return [
        try Conv(inner, kernel: 1, bias: false), BatchNorm(), relu,
        try Conv(inner, kernel: 3, stride: stride, pad: 1, bias: false), BatchNorm(), relu,
        try Conv(outer, kernel: 1, bias: false), BatchNorm(),
      ]
    }
    return [
      try Conv(inner, kernel: 3, stride: stride, pad: 1, bias: false), BatchNorm(), relu,
      try Conv(outer, kernel: 3, pad: 1, bias: false), BatchNorm(),
    ]
  }
}
