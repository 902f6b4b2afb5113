// Ready-made models, and what is done with models: summary, training, accuracy.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

private func ready(
  _ signature: String, _ what: String, example: String, _ make: @escaping (Call, RandomKey) throws -> Model
) -> Builtin {
  Builtin(signature, group: "models", what, example: example) { call in
    Value(ModelValue(try make(call, call.session.nextKey(for: "model"))))
  }
}

private func activation(_ call: Call) throws -> Activation { try Activation(named: call.string("activation")) }

/// A model argument; a layer or a plain function counts as one.
func model(_ call: Call, _ name: String) throws -> Model {
  if let model = try Layers.model(of: call[name], call.session) { return model }
  return try call.foreign(as: ModelValue.self, name, kind: "a model").model
}

let modelBuiltins: [Builtin] = [
  ready(
    "mlp(sizes, activation: \"relu\")",
    "A fully connected network with the given sizes, input first: `[n, …]` of that many numbers each to logits `[n, last size]`.",
    example: "print(mlp([4, 8, 2])(zeros(3, 4)).shape)  # expect: [3, 2]"
  ) { try .mlp($0.ints("sizes"), activation: activation($0), key: $1) },
  ready(
    "lenet(classes: 10, activation: \"sigmoid\")",
    """
    The LeNet of Deep Leakage from Gradients: three 5×5 convolutions of 12 channels, sigmoid, one dense layer; all parameters uniform in ±0.5.
    Images `[n, c, h, w]`, or one, to logits `[n, classes]`.

    Source: Zhu, Liu, Han, "Deep Leakage from Gradients", NeurIPS 2019; LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 1998.
    """,
    example: "print(lenet(classes: 10)(zeros(1, 28, 28)).shape)  # expect: [10]"
  ) { try .lenet(classes: $0.int("classes", in: 1...Int.max), activation: activation($0), key: $1) },
  ready(
    "convnet(classes: 10, width: 64)",
    """
    The ConvNet of Inverting Gradients. Images `[n, c, h, w]`, or one, to logits `[n, classes]`.

    Source: Geiping, Bauermeister, Dröge, Moeller, "Inverting Gradients: How easy is it to break privacy in federated learning?", NeurIPS 2020.
    """,
    example: "print(convnet(width: 2)(zeros(3, 32, 32)).shape)  # expect: [10]"
  ) { try .convnet(classes: $0.int("classes", in: 1...Int.max), width: $0.int("width", in: 1...4096), key: $1) },
  ready(
    "cnn(classes: 10, width: 16)",
    "A small ReLU network of two convolutions that learns digits in seconds. Images `[n, c, h, w]`, or one, to logits `[n, classes]`.",
    example: "print(cnn(width: 4)(zeros(1, 28, 28)).shape)  # expect: [10]"
  ) { try .cnn(classes: $0.int("classes", in: 1...Int.max), width: $0.int("width", in: 1...4096), key: $1) },
  ready(
    "resnet18(classes: 10, width: 64, stem: \"cifar\")",
    """
    ResNet-18 with a stem for 32-pixel images, or torchvision's with `stem: "imagenet"`. Images `[n, c, h, w]`, or one, to logits `[n, classes]`.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
    """,
    example: "print(resnet18(width: 4)(zeros(3, 32, 32)).shape)  # expect: [10]"
  ) {
    let stem = try $0.choice("stem", of: Model.Stem.allCases.map(\.rawValue))
    return try .resnet18(
      classes: $0.int("classes", in: 1...Int.max), width: $0.int("width", in: 1...4096),
      stem: Model.Stem(rawValue: stem) ?? .cifar, key: $1)
  },
  ready(
    "cnn6(classes: 10)",
    """
    R-GAP's network: six convolutions without bias, three of stride 2, and LeakyReLU. Images `[n, c, h, w]`, or one, to logits `[n, classes]`.

    Source: Zhu, Blaschko, "R-GAP: Recursive Gradient Attack on Privacy", ICLR 2021.
    """,
    example: "print(cnn6()(zeros(3, 32, 32)).shape)  # expect: [10]"
  ) { try .cnn6(classes: $0.int("classes", in: 1...Int.max), key: $1) },
  ready(
    "vgg11(classes: 10, width: 64, batch_norm: false)",
    """
    VGG-11 for 32-pixel images, with one dense layer at the end. Images `[n, c, h, w]`, or one, to logits `[n, classes]`.

    Source: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
    """,
    example: "print(vgg11(width: 4)(zeros(3, 32, 32)).shape)  # expect: [10]"
  ) {
    try .vgg11(
      classes: $0.int("classes", in: 1...Int.max), width: $0.int("width", in: 1...4096),
      batchNorm: $0.bool("batch_norm"), key: $1)
  },
  ready(
    "wgan_gp_generator(channels: 3, width: 128)",
    """
    The generator of GGL's 32-pixel prior: `[n, latent]` to images `[n, channels, 32, 32]` in -1…1, to be trained as a WGAN with gradient penalty.

    Source: Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville, "Improved Training of Wasserstein GANs", NeurIPS 2017.
    """,
    example: "print(wgan_gp_generator(width: 4)(zeros(2, 128)).shape)  # expect: [2, 3, 32, 32]"
  ) { try .wganGPGenerator(channels: $0.int("channels", in: 1...64), width: $0.int("width", in: 1...4096), key: $1) },

  Builtin(
    "summary(model, shape)", group: "models",
    "The layers of a model for one example of a shape (no batch axis), with output shapes and numbers of parameters, as text.",
    example: "print(len(summary(mlp([4, 2]), [4])) > 0)  # expect: true"
  ) { call in Value(try model(call, "model").summary(for: call.ints("shape"))) },

  Builtin(
    "calibrate(model, x)", group: "models",
    "The model with the running statistics of its batch normalisation replaced by those of the batch `x`, `[n, …]`, layer by layer.",
    example: "let net = dense(2) >> batch_norm\nprint(type(net.calibrate(rand(8, 3))))  # expect: model"
  ) { call in
    let given = try call.foreign(as: ModelValue.self, "model", kind: "a model")
    let x = try tensorArgument(call, "x")
    return Value(ModelValue(try given.model.calibrated(on: x), mode: given.mode))
  },

  Builtin(
    "accuracy(model, data)", group: "models",
    "The share of examples of a data set whose largest logit is their label's.",
    example: "print(accuracy(lenet(), dataset(\"digits\").test[0..10]) >= 0.0)  # expect: true"
  ) { call in
    let data = try Data.part(call, "data")
    return Value(try model(call, "model").accuracy(on: data.images, labels: data.labels))
  },

  Builtin(
    "train(model, data, epochs: 1, batch: 64, optimizer: none)", group: "models",
    """
    A new model trained on a data set (images `[n, c, h, w]`, n labels) with cross-entropy, in batches drawn anew each epoch.
    `optimizer` is `adam(lr: …)` (by default with 0.001) or `sgd(lr: …)`. The same seed gives the same bits, whatever the number
    of threads.
    """,
    example:
      "let net = train(mlp([784, 10]), dataset(\"digits\").public[0..64], epochs: 1)\nprint(type(net))  # expect: model"
  ) { call in
    let data = try Data.part(call, "data")
    let optimiser = try call.optionalForeign(
      as: OptimiserValue.self, "optimizer", kind: "an optimizer such as adam(lr: 0.001)")
    let epochs = try call.int("epochs", in: 1...1_000_000)
    let options = TrainingOptions(
      epochs: epochs, batch: try call.int("batch", in: 1...1_000_000), optimiser: try optimiser?.optimiser() ?? Adam())
    let result = try model(call, "model").trained(
      on: data.images, labels: data.labels, options: options, key: call.session.nextKey(for: "train"),
      progress: call.session.progress)
    return Value(ModelValue(result.model))
  },
]
