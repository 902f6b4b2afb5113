import Autodiff
import Ground
import Leakage
import Networks
import Tensors
import Testing

private final class Stopper: ProgressSink {
  var left: Int
  init(after count: Int) { left = count }
  func report(_ report: ProgressReport) {
    left -= 1
    if left == 0 { Interrupt.request() }
  }
  func finish(_ name: String) {}
}

@Suite("attacks that leave what a generator was trained to make", .serialized) struct GeneratorAttackTests {
  private func prior() throws -> Prior {
    let layers: [any Layer] = [
      try Dense(8 * 4 * 4), Activation.relu, try Reshape([8, 4, 4]), try ConvTranspose(8, kernel: 4, stride: 2, pad: 1),
      BatchNorm(), Activation.relu, try ConvTranspose(1, kernel: 4, stride: 2, pad: 1), Activation.sigmoid,
    ]
    return try Prior(Model(layers, key: testKey, initialiser: .dlg), latent: 4, classes: 10)
  }

  private func net() throws -> Model {
    let layers: [any Layer] = [
      try Conv(12, kernel: 5, stride: 2, pad: 2), Activation.sigmoid, Flatten(), try Dense(10),
    ]
    let model = Model(layers, key: testKey, initialiser: .dlg)
    try model.build(for: [1, 16, 16])
    return model
  }

  /// Images of the prior with a bright bar, which it cannot make.
  private func secrets(_ prior: Prior, _ labels: [Int]) throws -> Tensor {
    let own = try labels.enumerated().map {
      try prior.samples(1, label: $0.element, key: testKey.derive("secret").derive($0.offset))
    }
    var values = try Tensor.concat(own, axis: 0).doubles()
    for image in labels.indices {
      for row in 5..<8 { for column in 3..<13 { values[image * 256 + row * 16 + column] = 0.95 } }
    }
    return try Tensor(values, shape: [labels.count, 1, 16, 16]).converted(to: .float32)
  }

  @Test("weights and features find what latent vectors alone cannot")
  func beyondThePrior() throws {
    let (prior, model) = (try prior(), try net())
    let x = try secrets(prior, [4])
    let shared = try share(model, x, labelTensor([4]), key: testKey)
    func similarity(_ attack: any Attack) throws -> Double {
      let leak = try attack.run(shared, model, AttackSetting(key: testKey))
      #expect(leak.labels == [4] && leak.images.shape == x.shape && leak.history == leak.history.sorted(by: >))
      let again = try attack.run(shared, model, AttackSetting(key: testKey))
      #expect(again.history == leak.history)
      return try ssim(x, leak.images)[0]
    }
    let latent = try similarity(GIAS(prior: prior, steps: 150, weightSteps: 0, restarts: 2))
    let weights = try similarity(GIAS(prior: prior, steps: 150, weightSteps: 400, weightRate: 0.01, restarts: 2))
    let features = try similarity(GIFD(prior: prior, steps: 150, radius: 0.5, restarts: 2))
    print("SSIM by latent vectors \(latent), then weights \(weights), features \(features)")
    #expect(weights > latent + 0.1 && features > latent + 0.1)
  }

  @Test("batches, a FedAvg client's steps, and a generator of one layer")
  func kinds() throws {
    let (prior, model) = (try prior(), try net())
    let x = try secrets(prior, [2, 7])
    let flat = try Prior(
      Model([try Dense(256), try Reshape([1, 16, 16]), Activation.sigmoid], key: testKey), latent: 4, classes: nil)
    for shared in [
      try share(model, x, labelTensor([2, 7]), key: testKey),
      try localUpdate(model, x, labelTensor([2, 7]), steps: 2, lr: 0.01, batch: 1, key: testKey),
    ] {
      for attack in [
        try GIAS(prior: prior, steps: 20, weightSteps: 20, restarts: 2) as any Attack,
        try GIFD(prior: prior, steps: 20, restarts: 2), try GIFD(prior: flat, steps: 20),
      ] {
        let leak = try attack.run(shared, model, AttackSetting(key: testKey, labels: [2, 7]))
        #expect(leak.images.shape == [2, 1, 16, 16] && leak.loss < leak.history[0])
        #expect(leak.threatModel.knows.contains(.prior))
      }
    }
  }

  @Test("stopped, the best so far; stopped before anything, an error")
  func interrupted() throws {
    let (prior, model) = (try prior(), try net())
    let shared = try share(model, secrets(prior, [4]), labelTensor([4]), key: testKey)
    for attack in [try GIAS(prior: prior) as any Attack, try GIFD(prior: prior) as any Attack] {
      let leak = try attack.run(shared, model, AttackSetting(key: testKey, progress: Stopper(after: 3)))
      Interrupt.clear()
      #expect(leak.interrupted && leak.loss.isFinite && leak.history.count < 100)
      Interrupt.request()
      #expect(throws: Fault.interrupted) { try attack.run(shared, model, AttackSetting(key: testKey)) }
      Interrupt.clear()
    }
    #expect(throws: Fault.self) { try GIAS(prior: prior, steps: 0) }
    #expect(throws: Fault.self) { try GIFD(prior: prior, radius: 0) }
  }

  @Test("features outside of the ball go to its nearest point, those inside stay")
  func ball() throws {
    let centre = try Tensor([1.0, 1, 1, 1], shape: [2, 2])
    // Changes (3, −1) and (0.5, 0): ℓ1 radius 2, so the first loses 1 of each size.
    let found = try nearestInBall(Tensor([4.0, 0, 1.5, 1], shape: [2, 2]), around: centre, radius: 1).doubles()
    #expect(zip(found, [3.0, 1, 1.5, 1]).allSatisfy { abs($0 - $1) < 1e-12 })
    let draws = try Tensor.normal([5, 30], key: testKey, dtype: .float64)
    let zero = try Tensor.zeros([5, 30], .float64)
    let back = try nearestInBall(draws, around: zero, radius: 0.2)
    for row in try back.map(.abs).reduce(.mean, axes: [1]).doubles() { #expect(abs(row - 0.2) < 1e-9) }
    let twice = try nearestInBall(back, around: zero, radius: 0.2)
    #expect(try Tensor.combine(.sub, twice, back).map(.abs).reduce(.max).item() < 1e-12)
  }

  @Test("a model in two parts computes what it did whole")
  func parts() throws {
    let generator = try prior().generator
    try generator.build(for: [14])
    let x = Variable(try Tensor.normal([3, 14], key: testKey))
    let whole = try generator(x).value
    #expect(try generator.weightedLayers == [0, 3, 6])
    for place in 0...generator.layers.count {
      let (first, rest) = try generator.split(at: place)
      let joined = try rest.forward(first.forward(x).output).output.value
      #expect(try Tensor.combine(.sub, joined, whole).map(.abs).reduce(.max).item() == 0, "split at \(place)")
    }
  }

  @Test("attacks print as they are written")
  func written() throws {
    let prior = try prior()
    #expect(try GIAS(prior: prior).written == "gias(steps: 500, weight_steps: 1000)")
    #expect(
      try GIFD(prior: prior, steps: 5, radius: 0.1, restarts: 2, adapt: .estimated).written
        == "gifd(steps: 5, radius: 0.1, restarts: 2, adapt: \"estimated\")")
  }
}
