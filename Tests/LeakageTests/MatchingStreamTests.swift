// Distances of a population without keeping its gradients, against the same with all gradients kept: for every distance and imitation.
import Autodiff
import Ground
import Networks
import Tensors
import Testing

import Leakage

func labelTensor(_ labels: [Int]) throws -> Tensor { try Tensor(labels.map(Int64.init), shape: [labels.count]) }

private let defenses: [(written: String, make: @Sendable () throws -> (any Defense)?)] = [
  ("none", { nil }),
  ("clip(2)", { try Clip(2) }),
  ("clip(0.5, per_layer)", { try Clip(0.5, per: .layer) }),
  ("prune(0.9)", { try Prune(0.9) }),
  ("clip(2) >> noise(0.01) >> prune(0.8)", { Chain([try Clip(2), try Noise(0.01), try Prune(0.8)]) }),
  ("noise(0.01)", { try Noise(0.01) }),
  ("prune(0.5) >> clip(1)", { Chain([try Prune(0.5), try Clip(1)]) }),
  ("sign_only", { SignOnly() }),
]

@Suite("matching without keeping gradients") struct MatchingStreamTests {
  @Test(
    "the same distances", arguments: defenses.indices, Distance.allCases)
  func distances(_ which: Int, _ distance: Distance) throws {
    let key = RandomKey(seed: 11)
    let layers: [any Layer] = [
      try Conv(32, kernel: 3, pad: 1), BatchNorm(), Activation.relu, try Conv(32, kernel: 3, stride: 2, pad: 1),
      Activation.relu, try Conv(40, kernel: 3, stride: 2, pad: 1, bias: false), Activation.relu, Flatten(),
      try Dense(7),
    ]
    let model = Model(layers, key: key)
    try model.build(for: [3, 8, 8])
    let defense = try defenses[which].make()
    for (knowledge, group) in [(Knowledge.known, 1), (.estimated, 1), (.published, 1), (.none, 1), (.known, 2)] {
      let labels = Array(0..<group)
      let x = try Tensor.uniform([group, 3, 8, 8], key: key.derive("x"))
      let sent = try share(model, x, labelTensor(labels), defense: defense, key: key.derive("share"))
      let matching = try Matching(sent, knowing: knowledge, distance: distance)
      let images = try Tensor.uniform([3 * group, 3, 8, 8], key: key.derive("candidates"))
      let all = Labels.classes(try labelTensor((0..<3).flatMap { _ in labels }))
      let kept = try model.perExampleGradients(Variable(images), all).map {
        try $0.reshape([3, group] + $0.shape.dropFirst()).mean(axes: [1])
      }
      let expected = try matching(kept).value.doubles()
      guard let plan = matching.streamPlan else {
        // Only these need whole gradients.
        #expect(
          [.l1, .tag, .cosineMasked].contains(distance) || defenses[which].written.contains("sign")
            || knowledge == .estimated)
        continue
      }
      let found = try matching.distances(model.gradientSources(Variable(images), all, group: group), plan)
      let size = max(expected.map(abs).max() ?? 0, 1e-6)
      for (a, b) in zip(found, expected) {
        #expect(
          abs(a - b) < 2e-4 * size, "\(defenses[which].written), \(knowledge), group \(group): \(found) for \(expected)"
        )
      }
    }
  }

  @Test("differentiable distances by Gram matrices have the value and the slope of those with gradients kept")
  func tracked() throws {
    let key = RandomKey(seed: 12)
    let model = Model(
      [
        try Conv(64, kernel: 3, stride: 2, pad: 1), Activation.tanh, try Conv(64, kernel: 3, stride: 2, pad: 1),
        Activation.tanh,
        Flatten(), try Dense(5),
      ], key: key)
    try model.build(for: [3, 8, 8])
    let target = try Tensor.uniform([1, 3, 8, 8], key: key.derive("x"))
    let sent = try share(model, target, labelTensor([1]), defense: Clip(0.3), key: key.derive("share"))
    let images = try Tensor.uniform([4, 3, 8, 8], key: key.derive("candidates"))
    let labels = Labels.classes(try labelTensor([1, 1, 1, 1]))
    for distance in [Distance.l2, .cosine, .cosineLocal] {
      for knowledge in [Knowledge.none, .known] {
        let matching = try Matching(sent, knowing: knowledge, distance: distance)
        var results: [(loss: [Double], slope: Tensor)] = []
        for isTracked in [false, true] {
          let x = Variable(images).watched()
          let losses =
            isTracked
            ? try matching(model.trackedGradients(x, labels))
            : try matching(model.perExampleGradients(x, labels, recording: true))
          let slope = try gradients(of: losses.sum(), wrt: [x], recording: false)[0]?.value
          results.append((try losses.value.doubles(), try #require(slope)))
        }
        for (a, b) in zip(results[0].loss, results[1].loss) { #expect(abs(a - b) < 1e-4 * max(abs(a), 1e-3)) }
        let difference = try Tensor.combine(.sub, results[0].slope, results[1].slope).map(.abs).reduce(.max).item()
        #expect(difference < 1e-3 * (try results[0].slope.map(.abs).reduce(.max).item()))
      }
    }
  }
}
