// What a model promises beyond its numbers: names, shapes and their errors, composition, initial values, files, training.
import Autodiff
import Ground
import Networks
import Tensors
import Testing

let RandomKeyForTests = RandomKey(seed: 1)

@Suite struct ModelTests {
  private let key = RandomKeyForTests

  private func block() throws -> Model {
    let main: [any Layer] = [
      try Conv(4, kernel: 3, pad: 1), BatchNorm(), Activation.relu, try Conv(4, kernel: 3, pad: 1),
    ]
    return Model(
      [
        try Conv(4, kernel: 3), BatchNorm(), Residual(main), Activation.relu,
        Residual(main, shortcut: [try Conv(4, kernel: 1)]),
        GlobalAvgPool(), try Dense(3),
      ], key: key)
  }

  @Test func names() throws {
    let model = try block()
    try model.build(for: [2, 8, 8])
    #expect(
      try model.parameters.names == [
        "conv1.weight", "conv1.bias", "batch_norm1.weight", "batch_norm1.bias", "residual1.conv1.weight",
        "residual1.conv1.bias",
        "residual1.batch_norm1.weight", "residual1.batch_norm1.bias", "residual1.conv2.weight", "residual1.conv2.bias",
        "residual2.conv1.weight", "residual2.conv1.bias", "residual2.batch_norm1.weight", "residual2.batch_norm1.bias",
        "residual2.conv2.weight", "residual2.conv2.bias", "residual2.shortcut.conv1.weight",
        "residual2.shortcut.conv1.bias",
        "dense1.weight", "dense1.bias",
      ])
    #expect(try model.buffers.names.first == "batch_norm1.running_mean")
    #expect(model.outputShape == [3])
  }

  @Test func written() throws {
    #expect(
      Model([try Conv(64, kernel: 3, pad: 1), BatchNorm(), Activation.relu, Flatten(), try Dense(10)], key: key).written
        == "conv(64, kernel: 3, pad: 1) >> batch_norm >> relu >> flatten >> dense(10)")
    #expect(
      try Conv(8, kernel: 5, stride: 2, groups: 2, bias: false).written
        == "conv(8, kernel: 5, stride: 2, groups: 2, bias: false)")
    #expect(try Pool(.max, 3, stride: 2, pad: 1).written == "max_pool(3, stride: 2, pad: 1)")
    #expect(Activation.leakyRelu(slope: 0.2).written == "leaky_relu(0.2)")
    #expect(try Model.lenet(key: key).written == "lenet(classes: 10)")
    #expect(
      Residual([Activation.relu, BatchNorm()], shortcut: [Activation.tanh]).written
        == "residual(relu >> batch_norm, shortcut: tanh)")
  }

  @Test("parameters are a function of key and shape only")
  func initialValues() throws {
    let (a, b, other) = (try Model.lenet(key: key), try Model.lenet(key: key), try Model.lenet(key: RandomKey(seed: 2)))
    for model in [a, b, other] { try model.build(for: [1, 28, 28]) }
    let values = try a.parameters.tensors.map { try $0.floats() }
    #expect(try b.parameters.tensors.map { try $0.floats() } == values)
    #expect(try other.parameters.tensors.map { try $0.floats() } != values)
    let all = values.flatMap { $0 }
    #expect(all.allSatisfy { abs($0) <= 0.5 } && all.contains { $0 > 0.49 } && all.contains { $0 < -0.49 })

    let torch = Model([try Conv(32, kernel: 3), Flatten(), try Dense(7)], key: key)
    try torch.build(for: [4, 6, 6])
    let weight = try #require(try torch.parameters["conv1.weight"]).value.floats()
    let bound = Float(1 / 36.0.squareRoot())  // kaiming_uniform(a = √5): 1/√fan_in
    #expect(weight.allSatisfy { abs($0) <= bound } && weight.contains { abs($0) > 0.98 * bound })
    let resnet = try Model.resnet18(width: 32, key: key)
    try resnet.build(for: [3, 32, 32])
    let normal = try #require(try resnet.parameters["residual3.conv2.weight"]).value.doubles()
    let variance = normal.reduce(0) { $0 + $1 * $1 } / Double(normal.count)
    #expect(abs(variance / (2 / (64 * 9.0)) - 1) < 0.05)
    #expect(try #require(try resnet.parameters["batch_norm1.weight"]).value.floats().allSatisfy { $0 == 1 })
  }

  @Test("a lone example gains and loses the batch axis")
  func loneExample() throws {
    for (model, shape) in [
      (try Model.lenet(key: key), [1, 28, 28]), (try Model.mlp([12, 5, 3], key: key), [12]),
      (try Model.mlp([784, 3], key: key), [1, 28, 28]),
    ] {
      let batch = try Tensor.uniform([2] + shape, key: key)
      let lone = try model(Variable(batch.select(axis: 0, index: 1)))
      #expect(lone.rank == 1)
      let both = try model(Variable(batch))
      #expect(both.rank == 2)
      #expect(try distance(both.value.select(axis: 0, index: 1), lone.value).difference < 1e-5)
    }
  }

  @Test func shapeErrors() throws {
    func fault(_ layers: [any Layer], _ shape: [Int]) -> Fault? {
      do { try Model(layers, key: key).build(for: shape) } catch { return error as? Fault }
      return nil
    }
    let dense = fault([try Conv(4, kernel: 3), Activation.relu, try Dense(10)], [1, 8, 8])
    #expect(dense?.code == "shape-mismatch")
    #expect(dense?.message == "dense(10) cannot take an example of shape [4, 6, 6]: it needs a vector of features")
    #expect(dense?.notes.first?.contains("layer 3") == true)
    #expect(dense?.help == "flatten >> dense(10)")
    #expect(fault([try Conv(4, kernel: 9)], [1, 8, 8])?.message.contains("at least 9 pixels") == true)
    #expect(
      fault([Residual([try Conv(4, kernel: 3, stride: 2, pad: 1)])], [1, 8, 8])?.help?.contains("stride: 2") == true)
    #expect(fault([try Reshape([3, 3])], [8])?.code == "shape-mismatch")
    #expect(throws: Fault.self) { try Conv(0, kernel: 3) }
    #expect(throws: Fault.self) { try Dropout(1) }
    #expect(throws: Fault.self) { try Activation(named: "rellu") }

    let model = try Model.lenet(key: key)
    #expect(throws: Fault.self) { try model.parameters }
    try model.build(for: [1, 28, 28])
    #expect(throws: Fault.self) { try model(Variable(Tensor.zeros([2, 1, 32, 32]))) }
    #expect(throws: Fault.self) { try model(Variable(Tensor.zeros([2, 3, 28, 28]))) }
    let all = try model.parameters
    #expect(throws: Fault.self) { try model.with(Parameters([("conv1.wieght", all.values[0])])) }
    #expect(throws: Fault.self) { try model.with(Parameters([("conv1.weight", all.values[0])])) }
    #expect(throws: Fault.self) { try model.with(all.map { _ in all.values[0] }) }
  }

  @Test("layers that keep no size run on other sizes")
  func convolutional() throws {
    let model = Model([try Conv(2, kernel: 3, pad: 1), BatchNorm(), GlobalAvgPool()], key: key)
    try model.build(for: [1, 8, 8])
    #expect(try model(Variable(Tensor.zeros([3, 1, 12, 10]))).shape == [3, 2])
  }

  @Test("composition keeps given values, makes the rest anew")
  func composition() throws {
    let (a, b) = (Model([try Conv(3, kernel: 3)], key: key), Model([Flatten(), try Conv(2, kernel: 1)], key: key))
    let body = Model([try Conv(3, kernel: 3)], key: RandomKey(seed: 9))
    try body.build(for: [1, 6, 6])
    let fixed = try body.with(body.parameters.map { Variable(try Tensor.full($0.shape, 0.5)) })
    let model = try Model.compose(fixed, Model([Flatten(), try Dense(2)], key: key), key: key)
    try model.build(for: [1, 6, 6])
    #expect(try #require(try model.parameters["conv1.weight"]).value.floats().allSatisfy { $0 == 0.5 })
    #expect(try #require(try model.parameters["dense1.weight"]).value.floats().contains { $0 != 0.5 })
    let longer = try Model.compose(Model([try Conv(1, kernel: 1)], key: key), model, key: key)
    try longer.build(for: [1, 6, 6])
    #expect(try #require(try longer.parameters["conv2.weight"]).value.floats().allSatisfy { $0 == 0.5 })
    #expect(a.written == "conv(3, kernel: 3)" && b.layers.count == 2)
  }

  @Test func dropout() throws {
    let model = Model([try Dropout(0.25)], key: key)
    let x = Variable(try Tensor.full([4, 500], 1))
    #expect(try model(x).value.floats().allSatisfy { $0 == 1 })
    let y = try model(x, mode: .train, key: key).value.floats()
    let kept = Double(y.count { $0 != 0 }) / Double(y.count)
    #expect(abs(kept - 0.75) < 0.04 && y.allSatisfy { $0 == 0 || abs($0 - 4 / 3.0) < 1e-6 })
    #expect(try model(x, mode: .train, key: key).value.floats() == y)
    #expect(throws: Fault.self) { try model(x, mode: .train) }
  }

  @Test("per-example gradients of every layer that has parameters")
  func perExample() throws {
    let upsampling: [any Layer] = [
      try Reshape([4, 2, 2]), try ConvTranspose(6, kernel: 4, stride: 2, pad: 1), try GroupNorm(2), Activation.gelu,
      try Upsample(2),
      try Conv(4, kernel: 3, stride: 2, pad: 1, groups: 2), LayerNorm(), Activation.silu, InstanceNorm(),
      try ConvTranspose(2, kernel: 3, stride: 2, pad: 1, outputPad: 1), Activation.elu, try Pool(.average, 2),
      Flatten(), try Dense(3),
    ]
    let model = Model(upsampling, key: key, dtype: .float64)
    let x = try Tensor.normal([3, 16], key: key, dtype: .float64)
    let labels = try Tensor([0, 2, 1] as [Int64], shape: [3])
    let all = try model.perExampleGradients(Variable(x), .classes(labels))
    for example in 0..<3 {
      let one = try model.gradient(
        Variable(x.slice(axis: 0, from: example, to: example + 1)),
        .classes(labels.slice(axis: 0, from: example, to: example + 1)))
      for (name, pair) in zip(one.names, zip(all, one.values)) {
        let (difference, scale) = try distance(pair.0.value.select(axis: 0, index: example), pair.1.value)
        #expect(difference <= 1e-10 * scale + 1e-14, "\(name): \(difference)")
      }
    }
  }

  @Test func conditionalInputs() throws {
    let z = Variable(try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]))
    let labels = try Tensor([2, 0] as [Int64], shape: [2])
    #expect(try conditioned(z, labels: labels, classes: 3).value.floats() == [1, 2, 0, 0, 1, 3, 4, 1, 0, 0])
    let images = Variable(try Tensor.full([2, 1, 1, 2], 7))
    #expect(
      try withClassPlanes(images, labels: labels, classes: 3).value.floats() == [
        7, 7, 0, 0, 0, 0, 1, 1, 7, 7, 1, 1, 0, 0, 0, 0,
      ])
    #expect(throws: Fault.self) { try conditioned(z, labels: Tensor([1] as [Int64], shape: [1]), classes: 3) }
  }

  @Test func files() throws {
    try withTemporaryFolder { folder in
      let model = try block()
      let x = Variable(try Tensor.uniform([2, 2, 8, 8], key: key))
      let y = try model(x).value.floats()
      try model.save(to: "\(folder)/m.safetensors")
      let other = Model(model.layers, key: RandomKey(seed: 7))
      let loaded = try other.load(from: "\(folder)/m.safetensors")
      #expect(try loaded(x).value.floats() == y)
      let bytes = try readBytes("\(folder)/m.safetensors")
      try writeBytes(Array(bytes.prefix(bytes.count / 2)), to: "\(folder)/m.safetensors")
      do {
        _ = try other.load(from: "\(folder)/m.safetensors")
        Issue.record("half a file was loaded")
      } catch let fault as Fault {
        #expect(fault.code == "truncated-file")
      }
    }
  }

  @Test func summary() throws {
    let text = try Model.lenet(key: key).summary(for: [1, 28, 28])
    #expect(text.contains("conv3") && text.contains("[12, 7, 7]") && text.hasSuffix("13,426 parameters in all"))
  }
}
