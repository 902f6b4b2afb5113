import Autodiff
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

@Suite struct DefenseTests {
  /// ‖t‖₂ of everything.
  private func norm(_ tensors: [Tensor]) throws -> Double {
    try tensors.flatMap { try $0.doubles() }.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  @Test("compositions keep their order and print as written")
  func written() throws {
    let chain = Chain([try Clip(4), Chain([try Noise(0.01), try Prune(0.9)])])
    #expect(chain.written == "clip(4) >> noise(0.01) >> prune(0.9)")
    #expect(compose(try Prune(0.9), try Clip(4, per: .layer))?.written == "prune(0.9) >> clip(4, per: \"layer\")")
    #expect(compose(nil, SignOnly())?.written == "sign_only")
    for maker in Defenses.named { #expect(try maker.make(1).written.hasPrefix(maker.name)) }
    #expect(throws: Fault.self) { try Clip(-1) }
    #expect(throws: Fault.self) { try Prune(1.5) }
    #expect(throws: Fault.self) { try Noise(.nan) }
  }

  @Test("order matters: clip then prune is shorter than the bound, prune then clip is at it")
  func order() throws {
    let g = try update([Tensor.normal([40, 30], key: testKey), Tensor.normal([30], key: testKey.derive(1))])
    let (clip, prune) = (try Clip(4), try Prune(0.9))
    #expect(try Chain([clip, prune]).defend(g, key: testKey).norm < 3.9)
    let last = try Chain([prune, clip]).defend(g, key: testKey)
    #expect(abs(try last.norm - 4) < 1e-5)
    #expect(last.defense?.written == "prune(0.9) >> clip(4)")
    // A gradient of norm 8 clipped to 4 has norm 8 · 4 / (8 + 1e-6).
    let eight = try update([Tensor([Double](repeating: 4, count: 4), shape: [4])])
    #expect(abs(try clip.defend(eight, key: testKey).norm - 3.9999995) < 1e-8)
  }

  // Computed by hand from the percentile's definition.
  @Test("thresholds of pruning", arguments: [(10.0, 9), (20, 8), (50, 5), (80, 2), (90, 1), (95, 1)])
  func thresholds(percent: Double, kept: Int) throws {
    let g = try update([Tensor([0.1, -0.4, 0.3, 0, 0.2, 0.5, -0.05, 0.6, 0.7, 0.8], shape: [10])])
    let pruned = try Prune(percent / 100).defend(g, key: testKey).tensors[0].doubles()
    // At 10 % the entry 0 and one more lie below the threshold of 0.045.
    #expect(pruned.filter { $0 != 0 }.count == min(kept, 9))
  }

  @Test("random defenses: moments, and draws of the key alone")
  func random() throws {
    let zeros = try update([Tensor.zeros([100_000])])
    let values = try Noise(0.1).defend(zeros, key: testKey).tensors[0].doubles()
    let deviation = try norm([Tensor(values, shape: [values.count])]) / 100_000.0.squareRoot()
    #expect(abs(deviation - 0.1) < 1e-3)
    #expect(try Noise(0.1).defend(zeros, key: testKey).tensors[0].doubles() == values)
    #expect(try Noise(0.1).defend(zeros, key: testKey.derive(1)).tensors[0].doubles() != values)
    let laplace = try Laplace(0.1).defend(zeros, key: testKey).tensors[0].doubles()
    #expect(abs(laplace.reduce(0) { $0 + abs($1) } / 100_000 - 0.1) < 2e-3)  // E|x| = b
    #expect(abs(laplace.reduce(0, +) / 100_000) < 2e-3)
    let ones = try update([Tensor.full([100_000], 1)])
    let left = try DropoutGradient(0.3).defend(ones, key: testKey)
    #expect(abs(try left.sparsity - 0.3) < 0.01)
    // Rounding without bias, to 4 levels between 0 and 3.
    let ramp = try update([Tensor((0..<60_000).map { Double($0 % 6) * 0.6 }, shape: [60_000])])
    let coarse = try Quantize(2).defend(ramp, key: testKey).tensors[0].doubles()
    #expect(Set(coarse) == [0, 1, 2, 3])
    #expect(abs(coarse.reduce(0, +) / 60_000 - 1.5) < 0.01)
  }

  @Test("a function is a defense as good as any")
  func function() throws {
    let halve = FunctionDefense(written: "halve", adapt: { g, _ in try g.map { try $0 * 0.5 } }) { try 0.5 * $0 }
    let chain = Chain([halve, try Prune(0.5)])
    #expect(chain.written == "halve >> prune(0.5)")
    let g = try update([Tensor([1.0, -4, 2, 8], shape: [4])])
    let shared = try chain.defend(g, key: testKey)
    #expect(try shared.tensors[0].doubles() == [0, -2, 0, 4])
    let loss = try Matching(shared, knowing: .known)([Variable(Tensor([1.0, -4, 2, 8, 1, -4, 9, 8], shape: [2, 4]))])
    // What was removed lies below the smallest entry kept (2): a candidate's 9 / 2 exceeds it by 2.5.
    #expect(try loss.value.doubles() == [0, 6.25])
  }

  @Test(
    "under known parameters the true image costs nothing but the noise, and others more",
    arguments: [
      "clip", "prune", "clip>prune", "prune>clip", "clip>noise>prune", "sign", "dropout", "per-layer>prune",
    ])
  func imitation(which: String) throws {
    let net = try Model.lenet(classes: 10, key: testKey)
    let images = try Tensor.uniform([6, 1, 28, 28], key: testKey.derive("images"))
    let labels = try Tensor([Int64](repeating: 3, count: 6), shape: [6])
    let defense: any Defense =
      switch which {
      case "clip": try Clip(1)
      case "prune": try Prune(0.9)
      case "clip>prune": Chain([try Clip(1), try Prune(0.9)])
      case "prune>clip": Chain([try Prune(0.9), try Clip(1)])
      case "clip>noise>prune": Chain([try Clip(1), try Noise(1e-4), try Prune(0.9)])
      case "sign": SignOnly()
      case "dropout": try DropoutGradient(0.5)
      default: Chain([try Clip(0.3, per: .layer), try Prune(0.8)])
      }
    let one = try images.select(axis: 0, index: 2)
    let shared = try share(net, one, Tensor([Int64(3)], shape: [1]), defense: defense, key: testKey)
    let candidates = try net.perExampleGradients(Variable(images), .classes(labels))
    for knowledge in [Knowledge.known, .estimated] {
      let losses = try Matching(shared, knowing: knowledge)(candidates).value.doubles()
      let noise = which.contains("noise") ? 1e-8 * Double(shared.size) : 1e-6
      #expect(losses[2] <= noise, "\(which), \(knowledge): \(losses[2]) where the noise is \(noise)")
      #expect(
        losses.enumerated().allSatisfy { $0.offset == 2 || $0.element > 10 * losses[2] },
        "\(which), \(knowledge): \(losses)")
    }
  }

  @Test("imitations have the gradient that finite differences see")
  func differentiable() throws {
    let shape = [2, 3, 4]
    let chain = Chain([try Clip(0.5), try Noise(0.01), try Prune(0.5)])
    let g = try update([Tensor.normal([3, 4], key: testKey, dtype: .float64)])
    let shared = try chain.defend(g, key: testKey)
    for knowledge in [Knowledge.known, .estimated, .published] {
      let matching = try Matching(shared, knowing: knowledge)
      let x = try Tensor.normal(shape, key: testKey.derive("x"), dtype: .float64)
      let watched = Variable(x).watched()
      let slope = try #require(gradients(of: matching([watched]).sum(), wrt: [watched], recording: false)[0]).value
        .doubles()
      let values = try x.doubles()
      for i in values.indices {
        func at(_ step: Double) throws -> Double {
          var moved = values
          moved[i] += step
          return try matching([Variable(Tensor(moved, shape: shape))]).sum().value.item()
        }
        let finite = (try at(1e-6) - at(-1e-6)) / 2e-6
        #expect(abs(finite - slope[i]) < 1e-5, "\(knowledge) \(i): \(slope[i]), finite differences \(finite)")
      }
    }
  }

  @Test("what is shared says what it is, and is checked")
  func sharing() throws {
    let net = try Model.lenet(classes: 10, key: testKey)
    let x = try Tensor.uniform([1, 28, 28], key: testKey)
    let shared = try share(net, x, Tensor.scalar(3, .int64), defense: Clip(2), key: testKey)
    #expect(shared.examples == 1 && shared.mode == .eval)
    #expect(try shared.names == net.parameters.names)
    #expect(shared.defense?.written == "clip(2)")
    let other = try Model.mlp([784, 10], key: testKey)
    try other.build(for: [1, 28, 28])
    #expect(throws: Fault.self) { try shared.check(against: other) }
    #expect(throws: Fault.self) { try share(net, x, Tensor([Int64(1), 2], shape: [2]), key: testKey) }
    let null = try nullGradient(shared, key: testKey)
    for (a, b) in zip(null.tensors, shared.tensors) {
      let difference = try norm([a]) - norm([b])
      #expect(abs(difference) < 1e-5)
    }
    let nothing = try shared - shared
    #expect(try nothing.norm == 0)
  }

  @Test("label rules on the worked example")  // computed in float64 with NumPy
  func labels() throws {
    let net = Model([try Dense(3)], key: testKey)
    try net.build(for: [4])
    let model = try net.with(values: [
      Tensor([0.2, -0.1, 0.4, 0.3, -0.5, 0.25, 0.1, 0.05, 0.3, 0.3, -0.2, 0.1] as [Float], shape: [3, 4]),
      Tensor([0.1, -0.2, 0.05] as [Float], shape: [3]),
    ])
    let one = try share(
      model, Tensor([0.9, 0.1, 0.5, 0.7] as [Float], shape: [1, 4]), Tensor([Int64(2)], shape: [1]), key: testKey)
    #expect(abs(try one.norm - 1.33494542) < 1e-6)
    for rule in [LabelRule.idlg, .argsortSum, .biasSign, .yin, .combined, .biasCorrected] {
      #expect(try rule.infer(one) == [2], "\(rule.name)")
    }
    let rows: [Float] = [0.9, 0.1, 0.5, 0.7, 0.2, 0.8, 0.3, 0.1, 0.4, 0.4, 0.6, 0.9, 0.1, 0.2, 0.9, 0.3]
    let four = try share(
      model, Tensor(rows, shape: [4, 4]), Tensor([2, 0, 2, 2] as [Int64], shape: [4]), key: testKey)
    let layer = try LastLayer(four)
    #expect(try LabelRule.biasSign.infer(layer, count: 4) == [2])
    #expect(try LabelRule.yin.infer(layer, count: 2) == [0, 2])
  }

  @Test("the default label rule stands clip(4) >> noise(0.01) >> prune(0.9)")
  func labelsUnderDefense() throws {
    let defense = Chain([try Clip(4), try Noise(0.01), try Prune(0.9)])
    var (hits, visible) = (0, 0)
    for i in 0..<40 {
      let net = try Model.lenet(classes: 10, key: testKey.derive(i))
      let x = try Tensor.uniform([1, 28, 28], key: testKey.derive(100 + i))
      let shared = try share(
        net, x, Tensor.scalar(Double(i % 10), .int64), defense: defense, key: testKey.derive(200 + i))
      // A network that happens to be sure of the label has a gradient below the noise: nothing can be read off it.
      let clean = try share(net, x, Tensor.scalar(Double(i % 10), .int64), key: testKey)
      guard let bias = try LastLayer(clean).bias, bias[i % 10] < -0.05 else { continue }
      visible += 1
      if try LabelRule.combined.infer(shared) == [i % 10] { hits += 1 }
    }
    print("default label rule under clip(4) >> noise(0.01) >> prune(0.9): \(hits) of \(visible)")
    #expect(hits == visible && visible >= 30)
  }
}
