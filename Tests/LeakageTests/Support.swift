import Autodiff
import FixtureSupport
import Ground
import Leakage
import Networks
import Tensors
import Testing

let testKey = RandomKey(seed: 7)

/// The small models of Tests/Fixtures/leakage with their weights.
struct FixtureModels {
  let fixtures: Fixtures

  func model(_ name: String) throws -> Model {
    switch name {
    case "toy_relu", "toy_tanh", "toy_sigmoid":
      let activation = try Activation(named: String(name.dropFirst(4)))
      let layers: [any Layer] = [
        try Conv(6, kernel: 3, stride: 2, pad: 1), activation, try Conv(8, kernel: 3, stride: 2, pad: 1), activation,
        Flatten(),
        try Dense(5),
      ]
      return try loaded(
        Model(layers, key: testKey), [3, 16, 16], name,
        ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias"], [])
    case "labelnet":
      let layers: [any Layer] = [try Dense(16), Activation.relu, try Dense(10)]
      return try loaded(
        Model(layers, key: testKey), [20], name, ["fc0.weight", "fc0.bias", "fc.weight", "fc.bias"], [])
    case "ig_lenet":
      let names = ["body.0", "body.2", "body.4", "fc.0"].flatMap { ["\($0).weight", "\($0).bias"] }
      return try loaded(.lenet(classes: 10, key: testKey), [3, 32, 32], name, names, [])
    case "ig_convnet":
      let blocks = (0..<8).flatMap {
        ["model.conv\($0).weight", "model.conv\($0).bias", "model.bn\($0).weight", "model.bn\($0).bias"]
      }
      let buffers = (0..<8).flatMap { ["model.bn\($0).running_mean", "model.bn\($0).running_var"] }
      return try loaded(
        .convnet(classes: 10, width: 3, key: testKey), [3, 32, 32], name,
        blocks + ["model.linear.weight", "model.linear.bias"], buffers)
    case "fl_resnet18":
      let order = try #require(
        fixtures.cases.first { $0.op.hasPrefix("GGL ng_loss (CelebA") }?.params["parameter_order"] as? [String])
      let buffers = order.filter { $0.contains("bn") && $0.hasSuffix("weight") || $0.hasSuffix("downsample.1.weight") }
        .map { String($0.dropLast(6)) }.flatMap { [$0 + "running_mean", $0 + "running_var"] }
      return try loaded(.resnet18(classes: 5, width: 4, key: testKey), [3, 32, 32], name, order, buffers)
    case "fl_tv_resnet18":
      let order = try #require(
        fixtures.cases.first { $0.op == "GGL ng_loss (ImageNet version)" }?.params["parameter_order"] as? [String])
      let buffers = order.filter { $0.contains("bn") && $0.hasSuffix("weight") || $0.hasSuffix("downsample.1.weight") }
        .map { String($0.dropLast(6)) }.flatMap { [$0 + "running_mean", $0 + "running_var"] }
      let classes = try fixtures.tensor("fl_tv_resnet18.w.fc.bias").size
      return try loaded(
        .resnet18(classes: classes, width: 4, stem: .imagenet, key: testKey), [3, 224, 224], name, order, buffers)
    default: throw Fault("unknown-model", "no model \(name)")
    }
  }

  /// GGL's generator for CelebA with 4 channels before the last layer.
  func generator() throws -> Model {
    let relu = Activation.relu
    let layers: [any Layer] = [
      try Dense(256), BatchNorm(), relu, try Reshape([16, 4, 4]), try ConvTranspose(8, kernel: 2, stride: 2),
      BatchNorm(), relu,
      try ConvTranspose(4, kernel: 2, stride: 2), BatchNorm(), relu, try ConvTranspose(3, kernel: 2, stride: 2),
      Activation.tanh,
    ]
    let parts = ["preprocess.0", "preprocess.1", "block1.0", "block1.1", "block2.0", "block2.1", "deconv_out"]
    let buffers = ["preprocess.1", "block1.1", "block2.1"].flatMap { ["\($0).running_mean", "\($0).running_var"] }
    return try loaded(
      Model(layers, key: testKey), [128], "wgan_gp", parts.flatMap { ["\($0).weight", "\($0).bias"] }, buffers)
  }

  private func loaded(
    _ model: Model, _ input: [Int], _ name: String, _ parameters: [String], _ buffers: [String]
  ) throws -> Model {
    try model.build(for: input)
    return try model.with(
      values: parameters.map { try fixtures.tensor("\(name).w.\($0)") },
      buffers: buffers.map { try fixtures.tensor("\(name).w.\($0)") })
  }
}

/// An update of tensors alone.
func update(_ tensors: [Tensor], examples: Int = 1) throws -> Update {
  try Update(names: tensors.indices.map { "t\($0)" }, tensors: tensors, examples: examples)
}

/// Bowl with its bottom at `centre`.
func sphere(_ dimension: Int, centre: Double = 0.5) -> Objective {
  Objective(
    dimension: dimension,
    slopes: { points in
      (points.map { $0.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } }, points.map { $0.map { 2 * ($0 - centre) } })
    },
    values: { $0.map { $0.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } } })
}
