import Autodiff
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

@Suite struct AttackTests {
  /// An untrained generator: enough to find its own images again.
  private func prior() throws -> Prior {
    let layers: [any Layer] = [
      try Dense(32 * 7 * 7), BatchNorm(), Activation.relu, try Reshape([32, 7, 7]),
      try ConvTranspose(16, kernel: 4, stride: 2, pad: 1), BatchNorm(), Activation.leakyRelu(slope: 0.2),
      try ConvTranspose(1, kernel: 4, stride: 2, pad: 1), Activation.sigmoid,
    ]
    return try Prior(
      Model(layers, key: testKey, initialiser: .dlg), latent: 8, classes: 10, provenance: "untrained, for tests")
  }

  @Test(
    "GGL finds an image of its prior through clip >> noise >> prune; a null gradient does not",
    arguments: [
      Knowledge.known, .estimated,
    ])
  func ggl(knowledge: Knowledge) throws {
    let prior = try prior()
    let net = try Model.lenet(classes: 10, key: testKey)
    let secret = try prior.samples(1, label: 4, key: testKey.derive("secret"))
    let defense = Chain([try Clip(4), try Noise(0.01), try Prune(0.9)])
    let shared = try share(net, secret, Tensor([Int64(4)], shape: [1]), defense: defense, key: testKey)
    let attack = try GGL(prior: prior, search: CMAES(budget: 3000), adapt: knowledge)
    let leak = try attack.run(shared, net, AttackSetting(key: testKey))
    let null = try attack.run(nullGradient(shared, key: testKey), net, AttackSetting(key: testKey, labels: [4]))
    let (found, control) = (try ssim(secret, leak.images)[0], try ssim(secret, null.images)[0])
    print("ggl, \(knowledge): SSIM \(found), null \(control), \(leak.evaluations) evaluations in \(leak.seconds) s")
    #expect(leak.labels == [4] && leak.evaluations == 3000 && !leak.interrupted)
    // The images of an untrained generator are much alike, so errors are compared.
    let (error, other) = (try mse(secret, leak.images)[0], try mse(secret, null.images)[0])
    #expect(found > 0.95 && error < other / 3, "MSE \(error), null \(other)")
    #expect(leak.threatModel.knows.contains(.defenseParameters) == (knowledge == .known))
    let again = try attack.run(shared, net, AttackSetting(key: testKey))
    #expect(again.history == leak.history)
  }

  @Test("GGL by gradient")
  func gradientSearch() throws {
    let prior = try prior()
    let net = try Model.lenet(classes: 10, key: testKey)
    let secret = try prior.samples(1, label: 4, key: testKey.derive("secret"))
    let shared = try share(net, secret, Tensor([Int64(4)], shape: [1]), defense: Clip(4), key: testKey)
    let leak = try GGL(prior: prior, search: AdamSearch(steps: 150, starts: 4)).run(
      shared, net, AttackSetting(key: testKey))
    let found = try ssim(secret, leak.images)[0]
    print("ggl by adam: SSIM \(found) in \(leak.seconds) s")
    #expect(found > 0.9)
  }

  @Test("GGL of two images: one latent vector each")
  func two() throws {
    let prior = try prior()
    let net = try Model.lenet(classes: 10, key: testKey)
    let secret = try Tensor.concat(
      [prior.samples(1, label: 4, key: testKey.derive(1)), prior.samples(1, label: 7, key: testKey.derive(2))], axis: 0)
    let shared = try share(net, secret, Tensor([Int64(4), 7], shape: [2]), key: testKey)
    let leak = try GGL(prior: prior, search: AdamSearch(steps: 200, starts: 4)).run(
      shared, net, AttackSetting(key: testKey, labels: [4, 7]))
    #expect(leak.images.shape == [2, 1, 28, 28])
    let found = try ssim(secret, leak.images)
    #expect(found.allSatisfy { $0 > 0.8 }, "\(found)")
  }

  @Test("a generation of 50 candidates on LeNet at 28 × 28 takes less than 0.2 s")
  func speed() throws {
    let prior = try prior()
    let net = try Model.lenet(classes: 10, key: testKey)
    let secret = try prior.samples(1, label: 4, key: testKey)
    let defense = Chain([try Clip(4), try Noise(0.01), try Prune(0.9)])
    let shared = try share(net, secret, Tensor([Int64(4)], shape: [1]), defense: defense, key: testKey)
    let leak = try GGL(prior: prior, search: CMAES(budget: 1000)).run(shared, net, AttackSetting(key: testKey))
    print("ggl: \(leak.seconds / 20 * 1000) ms a generation of 50")
    #expect(leak.seconds / 20 < 0.2)
  }

  @Test("an attack sees no more than its threat model, and refuses what it does not understand")
  func threatModel() throws {
    struct Nosy: Attack {
      let written = "nosy()"
      var threatModel = ThreatModel(knows: [.exampleCount])
      func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
        Leak(images: try Tensor.zeros([1, 1, 2, 2]), labels: [seen.defense == nil ? 0 : 1], loss: 0)
      }
    }
    let net = try Model.lenet(classes: 10, key: testKey)
    let x = try Tensor.uniform([1, 28, 28], key: testKey)
    let y = try Tensor.scalar(6, .int64)
    let shared = try share(net, x, y, defense: Clip(1), key: testKey)
    let setting = AttackSetting(key: testKey)
    #expect(try Nosy().run(shared, net, setting).labels == [0])
    #expect(try Nosy(threatModel: ThreatModel(knows: [.defenseKinds])).run(shared, net, setting).labels == [1])
    var other = shared
    other.scale = 0.5
    #expect(throws: Fault.self) { try Nosy().run(other, net, setting) }
    other = shared
    other.mode = .train
    #expect(throws: Fault.self) { try Nosy().run(other, net, setting) }
    let steps = try localUpdate(net, x, y, steps: 2, lr: 0.1, key: testKey)
    #expect(throws: Fault.self) { try Nosy().run(steps, net, setting) }
  }

  @Test("controls: retrieval finds the image where it is public; means and draws have the class")
  func controls() throws {
    let prior = try prior()
    let net = try Model.lenet(classes: 10, key: testKey)
    let images = try Tensor.concat(
      [prior.samples(120, label: 4, key: testKey), prior.samples(5, label: 2, key: testKey)], axis: 0)
    let labels = [Int](repeating: 4, count: 120) + [Int](repeating: 2, count: 5)
    let secret = try images.slice(axis: 0, from: 111, to: 112)
    let defense = Chain([try Clip(4), try Noise(0.01), try Prune(0.9)])
    let shared = try share(net, secret, Tensor([Int64(4)], shape: [1]), defense: defense, key: testKey)
    let setting = AttackSetting(key: testKey)
    let found = try Retrieval(images, labels: labels).run(shared, net, setting)
    #expect(try mse(found.images, secret) == [0])
    #expect(found.evaluations == 120)
    let mean = try ClassMean(images, labels: labels).run(shared, net, setting)
    #expect(mean.images.shape == [1, 1, 28, 28])
    #expect(try PriorOnly(prior, samples: 7).run(shared, net, setting).images.shape == [7, 1, 28, 28])
    // No public image has this label: all are tried with it.
    let strange = try Retrieval(images, labels: labels).run(shared, net, AttackSetting(key: testKey, labels: [9]))
    #expect(strange.evaluations == 125 && strange.labels == [9])
    let zeros = try nullGradientWithZeros(shared, key: testKey)
    let (sparsity, length) = (try zeros.sparsity - shared.sparsity, try zeros.norm - shared.norm)
    #expect(abs(sparsity) < 1e-9 && abs(length) < 1e-4)
    let best = try priorInversion(
      prior, secret.select(axis: 0, index: 0), label: 4, search: AdamSearch(steps: 150), key: testKey)
    #expect(best.result.value < 1e-3)
  }

  @Test("a prior is kept in a file, which is read as data")
  func files() throws {
    let path = NSTemporaryDirectory() + "seep-prior-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let prior = try prior()
    let before = try prior.samples(3, label: 1, key: testKey)
    try prior.save(to: path)
    let read = try Prior.load(path)
    #expect(
      read.latent == 8 && read.classes == 10 && read.provenance == "untrained, for tests"
        && read.imageShape == [1, 28, 28])
    #expect(try read.samples(3, label: 1, key: testKey).floats() == before.floats())
    #expect(throws: Fault.self) { try LayerNotation.parse("dense(10) >> system(1)") }
    #expect(throws: Fault.self) { try LayerNotation.parse("dense(x => 1)") }
    #expect(
      try LayerNotation.parse("conv(4, kernel: 3, pad: 1, bias: false) >> leaky_relu(0.2)").map(\.written) == [
        "conv(4, kernel: 3, pad: 1, bias: false)", "leaky_relu(0.2)",
      ])
  }
}
