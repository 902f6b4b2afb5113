// The works of the comparison; scripts/bench/engine_peer/works.py has the peer's, with the same names.
import Autodiff
import Foundation
import Ground
import Leakage
import Networks
import Tensors

struct WorkResult {
  /// Both sides must agree on these.
  var numbers: [Double] = []
  /// Where only a part of the run is meant; nil: all of it.
  var milliseconds: Double?
}

typealias Work = () throws -> WorkResult

let works: [String: @Sendable (_ inputs: String) throws -> Work] = [
  "ggl_resnet18": { try ggl($0, resnet: true) },
  "ggl_resnet18_vmap": { try ggl($0, resnet: true) },
  "ggl_resnet18_pruned": { try ggl($0, resnet: true, knowledge: .published, defense: Prune(0.9)) },
  "ggl_adam_step": { try ggl($0, resnet: true, step: true) },
  "ggl_lenet": { try ggl($0, resnet: false) },
  "ggl_lenet_vmap": { try ggl($0, resnet: false) },
  "dlg_closure": dlgClosure,
  "ig_step_b1": invertingGradientsStep,
  "ig_step_b8": invertingGradientsStep,
  "wgan_gp_critic": criticStep,
  "resnet18_224": resnet224,
  "cma_es": cmaGenerations,
  "turbo_round": turboRound,
]

/// What the peer wrote: parameters and buffers of networks by prefix, and other tensors by name.
private struct Inputs {
  let tensors: [String: Tensor]

  init(_ path: String) throws {
    let file = try Safetensors.read(path)
    tensors = Dictionary(uniqueKeysWithValues: zip(file.names, file.tensors))
  }

  subscript(name: String) -> Tensor {
    get throws {
      guard let tensor = tensors[name] else { throw Fault("bad-file", "the inputs lack \(name)") }
      return tensor
    }
  }

  /// Tensors `prefix000`, `prefix001`, … in order.
  func list(_ prefix: String) -> [Tensor] {
    tensors.filter { $0.key.hasPrefix(prefix) && $0.key.dropFirst(prefix.count).allSatisfy(\.isNumber) }
      .sorted { $0.key < $1.key }.map(\.value)
  }

  func model(_ prefix: String, _ model: Model, _ shape: [Int]) throws -> Model {
    try model.build(for: shape)
    return try model.with(values: list("\(prefix).p"), buffers: list("\(prefix).b"))
  }

  /// What was received, of a model with these parameters.
  func update(_ model: Model, examples: Int, defense: (any Defense)? = nil) throws -> Update {
    try Update(names: model.parameters.names, tensors: list("t"), examples: examples, defense: defense)
  }
}

private let key = RandomKey(seed: 0)

private func wganGenerator() throws -> Model {
  Model(
    [
      try Dense(8192), BatchNorm(), Activation.relu, try Reshape([512, 4, 4]),
      try ConvTranspose(256, kernel: 2, stride: 2), BatchNorm(), Activation.relu,
      try ConvTranspose(128, kernel: 2, stride: 2), BatchNorm(), Activation.relu,
      try ConvTranspose(3, kernel: 2, stride: 2), Activation.tanh,
    ], key: key)
}

private func digitsGenerator() throws -> Model {
  Model(
    [
      try Dense(3136), BatchNorm(), Activation.relu, try Reshape([64, 7, 7]),
      try ConvTranspose(32, kernel: 4, stride: 2, pad: 1), BatchNorm(), Activation.relu,
      try ConvTranspose(16, kernel: 4, stride: 2, pad: 1), BatchNorm(), Activation.relu,
      try Conv(1, kernel: 3, pad: 1), Activation.sigmoid,
    ], key: key)
}

private func ggl(
  _ path: String, resnet: Bool, knowledge: Knowledge = .none, defense: (any Defense)? = nil, step: Bool = false
) throws -> Work {
  let inputs = try Inputs(path)
  let latent = resnet ? 128 : 32
  let generator = try inputs.model("g", resnet ? wganGenerator() : digitsGenerator(), [latent])
  let model = try inputs.model(
    "f", resnet ? .resnet18(key: key) : .lenet(key: key), resnet ? [3, 32, 32] : [1, 28, 28])
  let objective = GGLObjective(
    model: model,
    matching: try Matching(inputs.update(model, examples: 1, defense: defense), knowing: knowledge, perTensor: true),
    labels: [3], latent: latent, generate: { z, _ in try generator(z) })
  let z = try inputs["z"]
  if step {
    let point = try z.slice(axis: 0, from: 0, to: 1).contiguous()
    return {
      let (losses, _, slopes) = try objective.withSlopes(point)
      return WorkResult(numbers: try losses.doubles() + [slopes.map(.square).reduce(.sum).item().squareRoot()])
    }
  }
  return { WorkResult(numbers: try objective.values(z).losses.doubles()) }
}

private func dlgClosure(_ path: String) throws -> Work {
  let inputs = try Inputs(path)
  let model = try inputs.model("f", .lenet(key: key), [1, 28, 28])
  let objective = try DLGObjective(inputs.update(model, examples: 1), model, labels: nil)
  let point = [try inputs["x"], try inputs["y"]]
  return {
    let (loss, slopes) = try objective.lossAndGradient(point)
    return WorkResult(numbers: [loss] + (try slopes.map { try $0.map(.square).reduce(.sum).item().squareRoot() }))
  }
}

private func invertingGradientsStep(_ path: String) throws -> Work {
  let inputs = try Inputs(path)
  let model = try inputs.model("f", .convnet(key: key), [3, 32, 32])
  let x = try inputs["x"]
  let matching = try Matching(inputs.update(model, examples: x.shape[0]), distance: .cosine)
  let attack = try InvertingGradients(steps: 1)
  let labels = Array(0..<x.shape[0])
  return {
    var loss = 0.0
    let images = try attack.descend(from: x, matching, labels, model) { loss = $1 }
    return WorkResult(numbers: [loss, try images.reduce(.mean).item()])
  }
}

private func criticStep(_ path: String) throws -> Work {
  let inputs = try Inputs(path)
  let leaky = Activation.leakyRelu(slope: 0.01)
  let critic = try inputs.model(
    "f",
    Model(
      [
        try Conv(128, kernel: 3, stride: 2, pad: 1), leaky, try Conv(256, kernel: 3, stride: 2, pad: 1), leaky,
        try Conv(512, kernel: 3, stride: 2, pad: 1), leaky, Flatten(), try Dense(1),
      ], key: key), [3, 32, 32])
  let (real, fake, mix) = (Variable(try inputs["real"]), Variable(try inputs["fake"]), Variable(try inputs["mix"]))
  return {
    let parameters = try critic.parameters.map { $0.watched() }
    func score(_ x: Variable) throws -> Variable { try critic.forward(x, parameters: parameters).output }
    let between = try (mix * real + (1 - mix) * fake).watched()
    guard let slopes = try gradients(of: score(between).sum(), wrt: [between], recording: true)[0] else {
      throw Fault("engine-failure", "the critic does not look at its input")
    }
    let norms = try slopes.reshape([64, -1]).square().sum(axes: [1]).sqrt()
    let loss = try score(fake).mean() - score(real).mean() + 10 * (norms - 1).square().mean()
    let found = try gradients(of: loss, wrt: parameters.values, recording: false)
    // The last bias has no part in the penalty and cancels in the difference.
    let slopesOfAll = try zip(found, parameters.values).map { try $0?.value ?? Tensor.zeros($1.shape) }
    var adam = Adam(rate: 1e-4, beta1: 0.5)
    let moved = try adam.step(parameters.values.map(\.value), slopesOfAll)
    guard moved.count == slopesOfAll.count else { throw Fault("engine-failure", "Adam lost a parameter") }
    let total = try slopesOfAll.reduce(0.0) { $0 + (try $1.map(.square).reduce(.sum).item()) }.squareRoot()
    return WorkResult(numbers: [try loss.value.item(), total])
  }
}

private func resnet224(_ path: String) throws -> Work {
  let inputs = try Inputs(path)
  let model = try inputs.model("f", .resnet18(classes: 1000, stem: .imagenet, key: key), [3, 224, 224])
  let x = Variable(try inputs["x"])
  let labels = try Labels.classes(Tensor((0..<8).map { Int64($0) }, shape: [8]))
  return {
    let result = try model.lossAndGradient(x, labels)
    let total = try result.gradient.values.reduce(0.0) { $0 + (try $1.value.map(.square).reduce(.sum).item()) }
    return WorkResult(numbers: [try result.loss.value.item(), total.squareRoot()])
  }
}

private func cmaGenerations(_ path: String) throws -> Work {
  return {
    let constants = CMAConstants(dimension: 128, population: 50, active: true, diagonal: false)
    var state = try CMAState(mean: [Double](repeating: 0, count: 128), sigma: 1, constants: constants)
    let clock = ContinuousClock()
    var spent = Duration.zero
    for _ in 0..<20 {
      var points: [[Double]] = []
      spent += try clock.measure { points = try state.ask(key: key) }
      let values = points.map { $0.reduce(0) { $0 + ($1 - 1) * ($1 - 1) } }
      spent += try clock.measure { try state.tell(points, values) }
    }
    let total = Double(spent.components.attoseconds) * 1e-15 + Double(spent.components.seconds) * 1e3
    return WorkResult(milliseconds: total / 20)
  }
}

private func turboRound(_ path: String) throws -> Work {
  let inputs = try Inputs(path)
  let (x, values, at) = (try inputs["x"], try inputs["y"].doubles(), try inputs["at"])
  let flat = try x.doubles()
  let points = (0..<500).map { Array(flat[$0 * 32..<($0 + 1) * 32]) }
  return {
    var region = TrustRegion(dimension: 32, batch: 10)
    region.begin(points, values)
    let clock = ContinuousClock()
    let spent = try clock.measure { _ = try region.propose(10, key: key) }
    // Outside of the time: what both sides must agree on.
    let parameters = try GPFit()(x, values)
    let process = try GaussianProcess(x, values, parameters)
    return WorkResult(
      numbers: [try MarginalLikelihood(x, values)(parameters).value] + (try process.predict(at).mean),
      milliseconds: Double(spent.components.attoseconds) * 1e-15 + Double(spent.components.seconds) * 1e3)
  }
}
