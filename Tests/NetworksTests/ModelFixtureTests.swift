// Ready-made models against PyTorch (Tests/Fixtures/models): logits, loss, every gradient, and the derivatives of the squared
// norm of the gradient, which is what gradient matching differentiates.
import Autodiff
import Foundation
import Networks
import Tensors
import Testing

@Suite struct ModelFixtureTests {
  let topic: FixtureTopic
  init() throws { topic = try FixtureTopic("models") }

  private let key = RandomKeyForTests

  /// Seep's model for a case.
  private func model(_ test: FixtureCase, classes: Int) throws -> Model {
    let params = test.params
    let family = String(test.name.prefix { $0 != "." })
    switch family {
    case "mlp_relu", "mlp_tanh", "mlp_sigmoid":
      let sizes = try #require(params["layers"] as? [Int])
      return try .mlp(sizes, activation: Activation(named: #require(params["activation"] as? String)), key: key)
    case "lenet_dlg", "lenet_mnist": return try .lenet(classes: classes, key: key)
    case "convnet64_small": return try .convnet(classes: classes, width: #require(params["width"] as? Int), key: key)
    case "resnet18_cifar":
      return try .resnet18(classes: classes, width: #require(params["base_width"] as? Int), key: key)
    case "resnet20_cifar":
      return try .resnet20(classes: classes, width: #require(params["base_width"] as? Int), key: key)
    case "resnet18_torchvision":
      return try .resnet18(classes: classes, width: #require(params["width"] as? Int), stem: .imagenet, key: key)
    case "bottleneck_cifar":
      return try .resnet(
        blocks: [1, 1, 1], classes: classes, width: #require(params["base_width"] as? Int), bottleneck: true, key: key)
    default: throw Unknown(family: family)
    }
  }

  private struct Unknown: Error { let family: String }

  static let prefixes = [
    "mlp_", "lenet_", "convnet64_small", "resnet18_cifar", "resnet20_cifar", "resnet18_torchvision", "bottleneck_cifar",
  ]

  @Test("models agree with PyTorch to second order", arguments: prefixes)
  func agreement(prefix: String) throws {
    let tests = topic.cases.filter { $0.name.hasPrefix(prefix) }
    #expect(!tests.isEmpty)
    for test in tests { try check(test) }
  }

  /// The model with the fixture's weights: parameters by order, buffers by order.
  private func loaded(_ test: FixtureCase) throws -> (Model, names: [String], buffers: [String]) {
    let names = try #require(test.params["parameter_order"] as? [String])
    let family = String(test.name.prefix { $0 != "." })
    let prefix = "\(family).w."
    let buffers = test.inputs.filter {
      $0.hasPrefix(prefix) && ($0.hasSuffix("running_mean") || $0.hasSuffix("running_var"))
    }
    let classes = try topic["\(test.name).logits"].shape[1]
    let model = try model(test, classes: classes)
    try model.build(for: Array(topic["\(test.name).x"].shape.dropFirst()))
    return (
      try model.with(values: names.map { try topic[prefix + $0] }, buffers: buffers.map { try topic[$0] }), names,
      buffers.map { String($0.dropFirst(prefix.count)) }
    )
  }

  private func check(_ test: FixtureCase) throws {
    let (model, names, buffers) = try loaded(test)
    let mode: Mode = test.params["mode"] as? String == "train" ? .train : .eval
    let secondOrder = test.params["second_order"] as? Bool ?? false
    let x = Variable(try topic["\(test.name).x"]).watched()
    let labels = Labels.classes(try topic["\(test.name).y"].converted(to: .int64))
    let parameters = try model.parameters.watched()

    let found = try model.lossAndGradient(x, labels, parameters: parameters, mode: mode, recording: secondOrder)
    var firstOrder: [(String, Tensor)] = [("logits", found.logits.value), ("loss", found.loss.value)]
    firstOrder += zip(names, found.gradient.values).map { ("g.\($0)", $1.value) }
    firstOrder.append(("gx", try #require(gradients(of: found.loss, wrt: [x], recording: false)[0]).value))
    if mode == .train { firstOrder += zip(buffers, found.buffers).map { ("bn.\($0)", $1) } }
    try compare(test, firstOrder, try #require(test.number("rtol_max")))

    guard secondOrder else { return }
    let squared = try found.gradient.values.map { try $0.square().sum() }
    let d = try squared.dropFirst().reduce(squared[0]) { try $0 + $1 }
    let derivatives = try gradients(of: d, wrt: [x] + parameters.values, recording: false).map {
      try #require($0).value
    }
    var results: [(String, Tensor)] = [("D", d.value), ("dDdx", derivatives[0])]
    if topic.has("\(test.name).dDdpsummary") {
      try compareSummary(test, Array(derivatives.dropFirst()))
    } else {
      results += zip(names, derivatives.dropFirst()).map { ("dDdp.\($0)", $1) }
    }
    try compare(test, results, try #require(test.number("rtol_max_second_order")))
  }

  private func compare(_ test: FixtureCase, _ results: [(String, Tensor)], _ relative: Double) throws {
    let largest =
      try results.map { try distance(topic["\(test.name).\($0.0)"], topic["\(test.name).\($0.0)"]).scale }.max() ?? 0
    for (name, value) in results {
      let reference = try topic["\(test.name).\(name)"]
      #expect(value.shape == reference.shape, "\(test.name) \(name)")
      let (difference, scale) = try distance(value, reference)
      if let zero = test.number("atol_numerically_zero"), scale < 1e-7 * largest {
        #expect(difference <= zero + scale, "\(test.name) \(name): \(difference), analytically zero")
      } else {
        let allowed = relative * scale + (test.number("atol") ?? 0)
        #expect(difference <= allowed, "\(test.name) \(name): \(difference) > \(allowed), scale \(scale)")
      }
    }
  }

  /// [P, 3]: norm, sum, projection on formula numbers, of every parameter's derivative.
  private func compareSummary(_ test: FixtureCase, _ derivatives: [Tensor]) throws {
    let reference = try topic["\(test.name).dDdpsummary"].doubles()
    var summary: [Double] = []
    let relative = try #require(test.number("rtol_max_second_order"))
    let largest = stride(from: 0, to: reference.count, by: 3).map { reference[$0] }.max() ?? 0
    for (index, derivative) in derivatives.enumerated() {
      let g = try derivative.doubles()
      let u = hashUniform(g.count, 9000 + UInt32(index))
      let norm = sqrt(g.reduce(0) { $0 + $1 * $1 })
      let ours = [norm, g.reduce(0, +), zip(g, u).reduce(0) { $0 + $1.0 * $1.1 }]
      summary += ours
      // Errors of single elements add up in norm, sum and projection: at most √n times the norm's share each.
      let expected = Array(reference[(3 * index)..<(3 * index + 3)])
      if expected[0] < 1e-7 * largest { continue }
      let allowed = relative * expected[0] * sqrt(Double(g.count)) + 1e-8
      for (a, b) in zip(ours, expected) {
        #expect(abs(a - b) <= allowed, "\(test.name) dD/dp \(index): \(a), \(b), allowed \(allowed)")
      }
    }
    try compare(test, [("dDdpsummary", Tensor(summary, shape: [derivatives.count, 3]))], relative)
  }

  @Test("per-example gradients are the gradients of single examples, and differentiate")
  func perExample() throws {
    for name in ["mlp_tanh.b3.eval", "lenet_dlg.b2.eval", "convnet64_small.b2.eval", "resnet18_cifar.b2.eval"] {
      let test = try #require(topic.cases.first { $0.name == name })
      let (model, _, _) = try loaded(test)
      let images = try topic["\(name).x"]
      let y = try topic["\(name).y"].converted(to: .int64)
      let x = Variable(images).watched()
      let all = try model.perExampleGradients(x, .classes(y), recording: true)
      var squared: Variable?
      for (index, gradient) in all.enumerated() {
        #expect(gradient.shape == [images.shape[0]] + (try model.parameters.values[index].shape))
        squared = try squared.map { try $0 + gradient.square().sum() } ?? gradient.square().sum()
      }
      // The same by passing every example alone, twice differentiated.
      let total = try #require(squared)
      let derivative = try #require(gradients(of: total, wrt: [x], recording: false)[0]).value
      for example in 0..<images.shape[0] {
        let alone = Variable(try images.slice(axis: 0, from: example, to: example + 1)).watched()
        let label = Labels.classes(try y.slice(axis: 0, from: example, to: example + 1))
        let gradient = try model.gradient(alone, label, recording: true)
        var sum: Variable?
        for (ours, reference) in zip(all, gradient.values) {
          let (difference, scale) = try distance(ours.value.select(axis: 0, index: example), reference.value)
          #expect(difference <= 1e-4 * scale + 1e-6, "\(name): \(difference), scale \(scale)")
          sum = try sum.map { try $0 + reference.square().sum() } ?? reference.square().sum()
        }
        let own = try #require(sum)
        let expected = try #require(gradients(of: own, wrt: [alone], recording: false)[0]).value
        let (difference, scale) = try distance(derivative.slice(axis: 0, from: example, to: example + 1), expected)
        #expect(difference <= 5e-3 * scale, "\(name) dD/dx: \(difference), scale \(scale)")
      }
    }
  }
}

/// The fixtures' formula numbers (README, hash_uniform).
func hashUniform(_ count: Int, _ k: UInt32) -> [Double] {
  (0..<count).map { i in
    var h = UInt32(truncatingIfNeeded: i) &* 2_654_435_761 &+ k &* 2_246_822_519 &+ 374_761_393
    h ^= h >> 16
    h = h &* 0x85EB_CA6B
    h ^= h >> 13
    h = h &* 0xC2B2_AE35
    h ^= h >> 16
    return Double(h) / 4_294_967_296 * 2 - 1
  }
}
