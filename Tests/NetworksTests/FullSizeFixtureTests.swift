// Full-size ResNet-18s whose weights come from a formula (Tests/Fixtures/models_formula): float32 at real widths.
import Autodiff
import Foundation
import Networks
import Tensors
import Testing

@Suite struct FullSizeFixtureTests {
  let topic: FixtureTopic
  init() throws { topic = try FixtureTopic("models_formula") }

  static let names = [
    "resnet18_inversefed.b1.eval", "resnet18_inversefed.b1.train", "resnet18_inversefed.b2.eval",
    "resnet18_inversefed.b2.train", "resnet18_torchvision.b1.eval", "resnet18_torchvision.b1.train",
    "resnet18_torchvision.b2.eval", "resnet18_torchvision.b2.train",
  ]

  @Test("ResNet-18 of full width, to second order", arguments: names)
  func fullWidth(name: String) throws {
    let test = try #require(topic.cases.first { $0.name == name })
    let (model, parameterOrder) = try loaded(test)
    let shape = try #require(test.params["input"] as? [Int])
    let input = hashUniform(shape.reduce(1, *), UInt32(try #require(test.params["input_k"] as? Int)))
    let x = Variable(try Tensor(input.map { Float($0) }, shape: shape)).watched()
    let labels = Labels.classes(try topic["\(name).y"].converted(to: .int64))
    let secondOrder = test.params["second_order"] as? Bool ?? false
    let found = try model.lossAndGradient(
      x, labels, mode: name.hasSuffix("train") ? .train : .eval, recording: secondOrder)

    let close = try #require(test.number("rtol_logits"))
    for (part, value) in [("logits", found.logits.value), ("loss", found.loss.value)] {
      let (difference, scale) = try distance(value, topic["\(name).\(part)"])
      #expect(difference <= close * scale, "\(name) \(part): \(difference), scale \(scale)")
    }
    try compare(test, "gsummary", found.gradient.tensors)
    #expect(parameterOrder.count == found.gradient.count)
    guard secondOrder else { return }
    let squared = try found.gradient.values.map { try $0.square().sum() }
    let d = try squared.dropFirst().reduce(squared[0]) { try $0 + $1 }
    let dx = try #require(gradients(of: d, wrt: [x], recording: false)[0]).value
    let wide = try #require(test.number("rtol_l2"))
    let expected = try topic["\(name).D"].item()
    #expect(abs(try d.value.item() - expected) <= wide * expected)
    let norm = sqrt(try dx.doubles().reduce(0) { $0 + $1 * $1 })
    let reference = try topic["\(name).dDdxsummary"].doubles()[0]
    #expect(abs(norm - reference) <= wide * reference, "\(name) |dD/dx|: \(norm), \(reference)")
  }

  /// Norm and projection of every gradient, within the width a flipped ReLU needs.
  private func compare(_ test: FixtureCase, _ part: String, _ gradients: [Tensor]) throws {
    let reference = try topic["\(test.name).\(part)"].doubles()
    let wide = try #require(test.number("rtol_l2"))
    for (index, gradient) in gradients.enumerated() {
      let g = try gradient.doubles()
      let u = hashUniform(g.count, 9000 + UInt32(index))
      let norm = sqrt(g.reduce(0) { $0 + $1 * $1 })
      let projection = zip(g, u).reduce(0) { $0 + $1.0 * $1.1 }
      let expected = reference[3 * index]
      #expect(abs(norm - expected) <= wide * expected, "\(test.name) gradient \(index): norm \(norm), \(expected)")
      #expect(abs(projection - reference[3 * index + 2]) <= wide * expected, "\(test.name) gradient \(index) projected")
    }
  }

  /// The model with formula weights: state-dict order is parameters and statistics of each layer together.
  private func loaded(_ test: FixtureCase) throws -> (Model, [String]) {
    let classes = try topic["\(test.name).logits"].shape[1]
    let stem: Model.Stem = test.name.hasPrefix("resnet18_torchvision") ? .imagenet : .cifar
    let model = try Model.resnet18(classes: classes, stem: stem, key: RandomKeyForTests)
    let shape = try #require(test.params["input"] as? [Int])
    let plan = try model.build(for: Array(shape.dropFirst()))
    let gain = try #require(test.params["gain"] as? Double)
    var k = UInt32(try #require(test.params["k_base"] as? Int))
    var parameters = [Tensor?](repeating: nil, count: plan.parameters.count)
    var buffers = [Tensor?](repeating: nil, count: plan.buffers.count)
    func fill(_ shape: [Int], _ value: (Double) -> Double) throws -> Tensor {
      k += 1
      return try Tensor(hashUniform(shape.reduce(1, *), k).map { Float(value($0)) }, shape: shape)
    }
    for slot in plan.slots {
      for index in slot.parameters {
        let spec = plan.parameters[index]
        if spec.shape.count > 1 {
          let scale = (6 / Double(spec.shape.dropFirst().reduce(1, *))).squareRoot() * gain
          parameters[index] = try fill(spec.shape) { $0 * scale }
        } else {
          parameters[index] = try fill(spec.shape) { spec.name.hasSuffix("weight") ? 1 + 0.2 * $0 : 0.1 * $0 }
        }
      }
      for index in slot.buffers {
        let isMean = plan.buffers[index].name.hasSuffix("mean")
        buffers[index] = try fill(plan.buffers[index].shape) { isMean ? 0.1 * $0 : 1 + 0.5 * $0 }
      }
    }
    let filled = try model.with(values: parameters.compactMap { $0 }, buffers: buffers.compactMap { $0 })
    let order = try #require(test.params["parameter_order"] as? [String])
    // The first eight numbers of a few tensors say whether the formula was understood.
    let family = String(test.name.prefix { $0 != "." })
    for name in test.params["probe"] as? [String] ?? [] {
      guard let index = order.firstIndex(of: name) else { continue }
      let first = try filled.parameters.tensors[index].reshape([-1]).slice(axis: 0, from: 0, to: 8)
      #expect(try distance(first, topic["\(family).probe.\(name)"]).difference == 0, "\(name)")
    }
    return (filled, order)
  }
}
