import Autodiff
import Ground
import Leakage
import Networks
import Tensors
import Testing

/// The softmax-linear model of the specification's section 2, with its values.
@Suite struct LabelRuleTests {
  private let inputs: [[Double]] = [
    [0.9, 0.1, 0.5, 0.7], [0.2, 0.8, 0.3, 0.1], [0.4, 0.4, 0.6, 0.9], [0.1, 0.2, 0.9, 0.3],
  ]
  private let truth: [Int64] = [2, 0, 2, 2]

  private func model() throws -> Model {
    let model = Model([try Dense(3)], key: testKey, dtype: .float64)
    try model.build(for: [4])
    let weight = [0.2, -0.1, 0.4, 0.3, -0.5, 0.25, 0.1, 0.05, 0.3, 0.3, -0.2, 0.1]
    return try model.with(values: [Tensor(weight, shape: [3, 4]), Tensor([0.1, -0.2, 0.05], shape: [3])])
  }

  private func shared(_ count: Int) throws -> Update {
    let x = try Tensor(inputs.prefix(count).flatMap { $0 }, shape: [count, 4])
    return try share(model(), x, Tensor(Array(truth.prefix(count)), shape: [count]), key: testKey)
  }

  private func close(_ a: [Double], _ b: [Double]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-7 } }

  @Test("one example")
  func one() throws {
    let update = try shared(1)
    let layer = try LastLayer(update)
    #expect(close(layer.bias ?? [], [0.501779689, 0.148140501, -0.649920190]))
    #expect(close(layer.rowSums, [1.10391532, 0.3259091, -1.42982442]))
    #expect(close(layer.weight[2], [-0.584928171, -0.064992019, -0.324960095, -0.454944133]))
    #expect(try abs(update.norm - 1.33494542) < 1e-7)
    for rule in LabelRule.all where rule.name != "random" {
      let found = try rule.infer(update, model: model(), key: testKey)
      #expect(found == [2], "\(rule.name): \(found)")
    }
  }

  @Test("four examples of two classes")
  func four() throws {
    let update = try shared(4)
    let layer = try LastLayer(update)
    #expect(close(layer.bias ?? [], [0.201005018, 0.217136867, -0.418141885]))
    #expect(close(layer.rowSums, [0.500497631, 0.385757499, -0.88625513]))
    #expect(close(layer.rowMinima, [-0.046046237, 0.073289120, -0.317952878]))
    #expect(try abs(update.norm - 0.806861135) < 1e-7)
    #expect(try LabelRule.biasSign.infer(layer, count: 4) == [2])
    #expect(try LabelRule.yin.infer(layer, count: 2) == [0, 2])
    let probed = ProbedOutputs(softmax: [0.451005018, 0.217136867, 0.331858115], featureSum: 0)
    #expect(close(layer.counts(of: 4, probed), [1, 0, 3]))
    #expect(wholeCounts(layer.counts(of: 4, probed), total: 4) == [1, 0, 3])
  }

  @Test("whole counts sum to the number of examples, whatever they are made from")
  func whole() {
    #expect(wholeCounts([1.6, 0.7, 0.7], total: 3) == [1, 1, 1])
    #expect(wholeCounts([-3, 9.5, .nan], total: 4) == [0, 4, 0])
    #expect(wholeCounts([0, 0], total: 5).reduce(0, +) == 5)
    #expect(wholeCounts([3.2, 3.9], total: 4).reduce(0, +) == 4)
  }

  @Test("llg takes the first class again and again until there are K")
  func stages() throws {
    let weight = try Tensor([-4.0, 1, 3], shape: [3, 1])
    let layer = try LastLayer(weight: weight, bias: nil)
    // m = (1 + 1/3) · (−4 / 3) = −16/9: −4 + 16/9 < −4 + 32/9 < 1.
    #expect(try LabelRule.llg.infer(layer, count: 3) == [0, 0, 0])
  }

  @Test("counts are exact for batches of untrained networks, and along a FedAvg client's way")
  func counts() throws {
    let model = try Model.mlp([49, 32, 5], key: testKey)
    let x = try Tensor.uniform([8, 49], key: testKey)
    let y: [Int64] = [0, 0, 0, 2, 2, 3, 4, 4]
    let labels = try Tensor(y, shape: [8])
    try model.build(for: [49])
    let sent = try share(model, x, labels, key: testKey)
    #expect(try LabelRule.countSoftmax.infer(sent, model: model) == y.map(Int.init))
    let local = try localUpdate(model, x, labels, steps: 8, lr: 0.05, batch: 2, key: testKey)
    #expect(try LabelRule.countFedAvg.infer(local, model: model) == y.map(Int.init))
    #expect(throws: Fault.self) { try LabelRule.countSoftmax.infer(sent) }
    #expect(try LabelRule.random.infer(sent, key: testKey).count == 8)
    #expect(try LabelRule.oracle([1, 1]).infer(LastLayer(sent), count: 2) == [1, 1])
  }
}
