// Defenses that choose entries, send coarser numbers, blend examples, or aggregate clients.
import Autodiff
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

@Suite struct MoreDefenseTests {
  private let sample = [0.1, -0.4, 0.3, 0, 0.2, 0.5, -0.05, 0.6, 0.7, 0.8]

  private func one(_ values: [Double]) throws -> Update { try update([Tensor(values, shape: [values.count])]) }
  private func values(_ defense: any Defense, _ input: [Double], key: RandomKey = testKey) throws -> [Double] {
    try defense.defend(one(input), key: key).tensors[0].doubles()
  }

  @Test("top_k keeps so many, ties as well; of all tensors together with global")
  func topK() throws {
    #expect(try values(TopK(0.8), sample) == [0, 0, 0, 0, 0, 0, 0, 0, 0.7, 0.8])
    #expect(try values(TopK(1), sample) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0.8])
    #expect(try values(TopK(0.5), [1, -1, 1, 1]) == [1, -1, 1, 1])
    // 100 (1 − 0.9) is 10, although floating point has it a little below.
    #expect(try values(TopK(0.9), (1...100).map(Double.init)).count { $0 != 0 } == 10)
    let two = try update([Tensor([1.0, 2, 3, 4], shape: [4]), Tensor([10.0, 20, 30, 40], shape: [4])])
    let global = try TopK(0.5, per: .global).defend(two, key: testKey).tensors.map { try $0.doubles() }
    #expect(global == [[0, 0, 0, 0], [10, 20, 30, 40]])
  }

  @Test("unbiased: the mean of many draws is the gradient")
  func unbiased() throws {
    let unbiased: [any Defense] = [
      try RandomK(0.3), try QSGD(2), TernGrad(), try Quantize(2), try DropoutGradient(0.4, rescale: true),
    ]
    let g = sample.map { $0 - 0.2 }
    for defense in unbiased {
      var sums = [Double](repeating: 0, count: g.count)
      for draw in 0..<4000 {
        for (i, x) in try values(defense, g, key: testKey.derive(draw)).enumerated() { sums[i] += x / 4000 }
      }
      for (a, b) in zip(sums, g) { #expect(abs(a - b) < 0.05, "\(defense.written): \(a), not \(b)") }
    }
  }

  @Test("levels of QSGD and TernGrad, and the bound on QSGD's size")
  func levels() throws {
    let g = sample
    let norm = g.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let coarse = try values(QSGD(4), g)
    for (x, own) in zip(coarse, g) {
      let level = abs(x) / norm * 4
      #expect(abs(level - level.rounded()) < 1e-9 && abs(abs(own) / norm * 4 - level) < 1 && x * own >= 0)
    }
    var mean = 0.0
    for draw in 0..<500 {
      mean += try values(QSGD(4), g, key: testKey.derive(draw)).reduce(0) { $0 + $1 * $1 } / 500
    }
    // E‖·‖² ≤ (1 + min(m / s², √m / s)) ‖g‖².
    #expect(mean <= (1 + min(10.0 / 16, 10.0.squareRoot() / 4)) * norm * norm * 1.02)
    #expect(try Set(values(TernGrad(), g).map { abs($0) }).isSubset(of: [0, 0.8]))
    #expect(try values(SignOnly(scaled: true), [1, -3]) == [2, -2])
    #expect(try values(SignOnly(), [1, 0, -3]) == [1, 0, -1])
  }

  @Test("narrow number formats round as IEEE 754 does")
  func precision() throws {
    // Computed with NumPy 2 (float16) and by hand (bfloat16: 8 significant bits).
    #expect(
      try values(LowPrecision(.float16), [0.1, 1.0009765625, 1e-8, 6e-8, 1e6]) == [
        0.0999755859375, 1.0009765625, 0, 0x1p-24, 65504,
      ])
    #expect(try values(LowPrecision(.bfloat16), [1.00390625, 1.01171875, 3.14159]) == [1, 1.015625, 3.140625])
    #expect(try values(LowPrecision(.int8), [127, -63.4, 0.2]) == [127, -63, 0])
  }

  @Test("what is not sent, and a mask that stays")
  func masks() throws {
    let two = try Update(
      names: ["conv1.weight", "dense1.weight", "dense1.bias"],
      tensors: [.full([2], 1), .full([2, 2], 1), .full([2], 1)], examples: 1)
    func kept(_ defense: any Defense) throws -> [Bool] {
      try defense.defend(two, key: testKey).tensors.map { try $0.doubles()[0] != 0 }
    }
    #expect(try kept(Withhold([.name("dense1")])) == [true, false, false])
    #expect(try kept(Withhold([.place(-1), .name("conv1.weight")])) == [false, true, false])
    #expect(throws: Fault.self) { try kept(Withhold([.name("dense")])) }
    #expect(throws: Fault.self) { try kept(Withhold([.place(3)])) }
    let fixed = try DropoutGradient(0.5, seed: 3)
    let g = (1...50).map(Double.init)
    #expect(try values(fixed, g) == values(fixed, g, key: testKey.derive(1)))
    #expect(try values(DropoutGradient(0.5), g) != values(DropoutGradient(0.5), g, key: testKey.derive(1)))
    #expect(try values(ClipValue(0.5), [1, -2, 0.25]) == [0.5, -0.5, 0.25])
  }

  @Test("error feedback: nothing is lost, it comes later")
  func errorFeedback() throws {
    let defense = try ErrorFeedback(Prune(0.75))
    let net = try Model.mlp([1, 1], key: testKey)
    var round = ClientRound(model: net, images: try .zeros([1, 1]), labels: try .zeros([1], .int64))
    round.memory = ClientMemory()
    var sent = [Double](repeating: 0, count: 4)
    for step in 1...40 {
      let own = try defense.update(one([4.1, -3.07, 2.013, 1.0071]), round, key: testKey).tensors[0].doubles()
      sent = zip(sent, own).map { $0 + $1 }
      #expect(own.count { $0 != 0 } <= 2, "step \(step)")
    }
    for (a, b) in zip(sent, [4.1, -3.07, 2.013, 1.0071]) { #expect(abs(a / 40 - b) < 0.5) }
    // Without a memory it is the compression alone.
    #expect(try values(defense, [4, -3, 2, 1]) == [4, 0, 0, 0])
  }

  @Test("mixup: weights add up, labels follow the images, hard examples of the batch are needed")
  func mixup() throws {
    let net = try Model.mlp([6, 3], key: testKey)
    // Images that are one-hot: a blend shows its weights.
    let images = try Tensor.eye(6)
    let labels = try Tensor([0, 1, 2, 0, 1, 2] as [Int64], shape: [6])
    let round = ClientRound(model: net, images: images, labels: labels)
    let mixed = try MixUp(3).prepare(round, key: testKey)
    let soft = try #require(mixed.softLabels)
    for i in 0..<6 {
      let weights = try mixed.images.select(axis: 0, index: i).doubles()
      #expect(abs(weights.reduce(0, +) - 1) < 1e-6 && weights.count { $0 > 0 } == 3 && weights[i] > 0)
      #expect((weights.max() ?? 1) <= 0.65 + 1e-6)
      let expected = (0..<3).map { weights[$0] + weights[$0 + 3] }
      for (a, b) in zip(try soft.select(axis: 0, index: i).doubles(), expected) { #expect(abs(a - b) < 1e-6) }
    }
    let hidden = try MixUp(3, hides: true).prepare(round, key: testKey)
    #expect(try hidden.images.map(.abs).doubles() == mixed.images.doubles())
    #expect(try hidden.images.doubles().contains { $0 < 0 })
    let few = ClientRound(
      model: net, images: try .eye(6).slice(axis: 0, from: 0, to: 2), labels: try .zeros([2], .int64))
    #expect(#expect(throws: Fault.self) { try MixUp(3).prepare(few, key: testKey) }?.code == "batch-too-small")
    let pooled = try MixUp(3, pool: (images, labels), poolName: "others").prepare(few, key: testKey)
    #expect(try pooled.images.shape == [2, 6] && abs(pooled.images.reduce(.sum).item() - 2) < 1e-5)
    // The first of a Dirichlet(3, 1, 1) has mean 3/5 without the bound, less with it.
    #expect(throws: Fault.self) { try MixUp(1) }
    #expect(throws: Fault.self) { try MixUp(4, largest: 0.2) }
    // The shared gradient is that of the blend.
    let shared = try share(net, images, labels, defense: MixUp(3), key: testKey)
    let own = try net.gradient(
      Variable(MixUp(3).prepare(round, key: testKey.derive("batch").derive(0)).images),
      .soft(Variable(#require(MixUp(3).prepare(round, key: testKey.derive("batch").derive(0)).softLabels))))
    for (a, b) in zip(shared.tensors, own.tensors) { #expect(try a.doubles() == b.doubles()) }
    #expect(throws: Fault.self) { try MixUp(3).defend(shared, key: testKey) }
  }

  @Test(
    "soteria by back-propagation: the columns are the same, and the rest is the gradient of the smaller representation")
  func soteria() throws {
    let net = Model([try Dense(12), Activation.sigmoid, try Dense(4)], key: testKey)
    let x = try Tensor.uniform([2, 8], key: testKey)
    let y = try Tensor([1, 3] as [Int64], shape: [2])
    let plain = try share(net, x, y, key: testKey)
    let masked = try share(net, x, y, defense: Soteria(0.5), key: testKey)
    let deep = try share(net, x, y, defense: Soteria(0.5, method: .backprop), key: testKey)
    #expect(deep.names == plain.names && deep.defense?.written == "soteria(0.5, mode: \"backprop\")")
    func zeroColumns(_ u: Update) throws -> [Bool] {
      try u.tensors[2].map(.abs).reduce(.max, axes: [0]).doubles().map { $0 == 0 }
    }
    #expect(try zeroColumns(deep) == zeroColumns(masked) && zeroColumns(deep).count { $0 } == 6)
    // The mask alone leaves the first layer; the hidden features do not reach it.
    #expect(try masked.tensors[0].doubles() == plain.tensors[0].doubles())
    #expect(try deep.tensors[0].map(.abs).reduce(.max, axes: [1]).doubles().map { $0 == 0 } == zeroColumns(deep))
    // An attack that adapts takes its gradients in the same way.
    let model = try adapted(net, to: deep, knowing: .known)
    let again = try share(model, x, y, key: testKey)
    for (a, b) in zip(again.tensors, deep.tensors) { #expect(try a.doubles() == b.doubles()) }
    #expect(try adapted(net, to: deep, knowing: .none).layers.count == 3)
  }

  @Test("secure aggregation: the masked numbers look uniform, their sum is the weighted mean")
  func aggregation() throws {
    let updates = try (0..<4).map { i in
      try update(
        [Tensor.normal([200, 3], key: testKey.derive(i)), Tensor.normal([5], key: testKey.derive(10 + i))],
        examples: i + 1)
    }
    let plain = try aggregate(updates)
    let secure = try SecureAggregation().aggregate(updates, key: testKey)
    #expect(secure.examples == 10 && plain.examples == 10)
    for (a, b) in zip(secure.tensors, plain.tensors) {
      // Each client rounds to 2^-20 / 2, and the sum is divided by 10.
      for (x, y) in zip(try a.doubles(), try b.doubles()) { #expect(abs(x - y) < 4 * 0x1p-21 / 10 + 1e-6) }
    }
    let seen = try SecureAggregation().masked(updates[0], client: 0, of: 4, key: testKey)[0].map { Double($0) / 0x1p32 }
    let mean = seen.reduce(0, +) / 600
    #expect(abs(mean - 0.5) < 0.05 && seen.count { $0 < 0.25 } > 110 && seen.count { $0 < 0.25 } < 190)
    #expect(
      #expect(throws: Fault.self) { try SecureAggregation().aggregate([updates[0]], key: testKey) }?.code
        == "needs-clients")
    let large = try update([Tensor([1e6], shape: [1])])
    #expect(
      #expect(throws: Fault.self) { try SecureAggregation().aggregate([large, large], key: testKey) }?.code
        == "out-of-range")
    // In a composition: what stands before it happens on each client.
    let chain = Chain([try Clip(1), try SecureAggregation(), try Prune(0.5)])
    let received = try chain.defend(all: updates, key: testKey)
    #expect(received.count == 1 && received[0].defense?.written == "clip(1) >> secure_aggregate >> prune(0.5)")
    #expect(try received[0].norm <= 1 && received[0].sparsity > 0.45)
    #expect(try Clip(1).defend(all: updates, key: testKey).count == 4)
    let net = try Model.mlp([4, 2], key: testKey)
    #expect(throws: Fault.self) {
      try share(net, Tensor.zeros([1, 4]), Tensor.zeros([1], .int64), defense: SecureAggregation(), key: testKey)
    }
  }

  @Test("OUTPOST prunes, and adds noise only where the mean square is large")
  func outpost() throws {
    let net = Model([try Dense(20), Activation.relu, try Dense(4)], key: testKey)
    let x = try Tensor.uniform([1, 30], key: testKey)
    let y = try Tensor([2] as [Int64], shape: [1])
    let plain = try share(net, x, y, key: testKey)
    let pruned = try share(net, x, y, defense: Prune(0.8), key: testKey)
    let sent = try share(net, x, y, defense: Outpost(phi: 0.4), key: testKey)
    var noisy = 0
    for (a, b) in zip(sent.tensors, pruned.tensors) {
      noisy += zip(try a.doubles(), try b.doubles()).count { $0 != $1 }
    }
    #expect(noisy > 0 && noisy < plain.size)
    let still = try share(net, x, y, defense: Outpost(noise: 0), key: testKey)
    for (a, b) in zip(still.tensors, pruned.tensors) { #expect(try a.doubles() == b.doubles()) }
    #expect(throws: Fault.self) { try Outpost().defend(plain, key: testKey) }
  }

  @Test("PRECODE: parameters keep their names, a client draws, an attacker does not, the loss has its divergence")
  func precode() throws {
    let net = try Model.mlp([6, 5, 3], key: testKey)
    try net.build(for: [6])
    let wide = try net.withBottleneck(4, beta: 0.5, key: testKey)
    #expect(
      try wide.parameters.names == [
        "dense1.weight", "dense1.bias", "bottleneck1.dense1.weight", "bottleneck1.dense1.bias",
        "bottleneck1.dense2.weight", "bottleneck1.dense2.bias", "dense2.weight", "dense2.bias",
      ])
    #expect(try wide.parameters.tensors[0].doubles() == net.parameters.tensors[0].doubles())
    let x = try Tensor.uniform([3, 6], key: testKey)
    let y = try Tensor([0, 1, 2] as [Int64], shape: [3])
    let (a, b) = (try share(wide, x, y, key: testKey), try share(wide, x, y, key: testKey.derive(1)))
    #expect(try (a - b).norm > 1e-4)
    #expect(try wide(Variable(x)).value.doubles() == wide(Variable(x)).value.doubles())
    // β KL / ln 2 by hand, from the encoder's output.
    let p = try wide.parameters.tensors.map { try $0.converted(to: .float64) }
    let hidden = try Tensor.combine(
      .add, Tensor.matmul(x.converted(to: .float64), p[0].transposed()), p[1]
    ).map(.relu)
    let h = try Tensor.combine(.add, Tensor.matmul(hidden, p[2].transposed()), p[3]).doubles()
    var kl = 0.0
    for row in 0..<3 {
      for i in 0..<4 {
        let (mean, s) = (h[row * 8 + i], log(1 + exp(h[row * 8 + 4 + i])))
        kl -= 0.5 * (1 + 2 * log(s) - mean * mean - s * s) / 3
      }
    }
    let free = try net.withBottleneck(4, beta: 0, key: testKey).with(values: wide.parameters.tensors)
    let gap =
      try wide.lossAndGradient(Variable(x), .classes(y)).loss.value.item()
      - free.lossAndGradient(Variable(x), .classes(y)).loss.value.item()
    #expect(abs(gap - 0.5 * kl / log(2)) < 1e-5)
    // Single gradients average to the whole one.
    let each = try wide.perExampleGradients(Variable(x), .classes(y))
    for (a, b) in zip(each, try wide.gradient(Variable(x), .classes(y)).tensors) {
      let mean = try a.value.reduce(.mean, axes: [0])
      #expect(zip(try mean.doubles(), try b.doubles()).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test("functions for every hook")
  func hooks() throws {
    let net = try Model.mlp([4, 3], key: testKey)
    let x = try Tensor.uniform([2, 4], key: testKey)
    let y = try Tensor([0, 2] as [Int64], shape: [2])
    let dark = FunctionDefense(
      written: "dark",
      round: { round in
        var changed = round
        changed.images = try Tensor.combine(.mul, round.images, 0.5)
        return changed
      }, example: nil, adapt: nil, update: nil)
    let half = try share(net, Tensor.combine(.mul, x, 0.5), y, key: testKey)
    #expect(try share(net, x, y, defense: dark, key: testKey).tensors[0].doubles() == half.tensors[0].doubles())
    #expect(throws: Fault.self) { try dark.defend(half, key: testKey) }
    let first = FunctionDefense(
      written: "first", round: nil,
      example: { g, names in
        #expect(names == ["dense1.weight", "dense1.bias"])
        return try g.map { try Tensor.combine(.mul, $0, 2) }
      }, adapt: nil, update: nil)
    let plain = try share(net, x, y, key: testKey)
    let doubled = try share(net, x, y, defense: first, key: testKey)
    #expect(
      zip(try doubled.tensors[0].doubles(), try plain.tensors[0].doubles()).allSatisfy { abs($0 - 2 * $1) < 1e-6 })
    let wrong = FunctionDefense(written: "wrong", round: nil, example: { g, _ in [g[0]] }, adapt: nil, update: nil)
    #expect(throws: Fault.self) { try share(net, x, y, defense: wrong, key: testKey) }
  }
}
