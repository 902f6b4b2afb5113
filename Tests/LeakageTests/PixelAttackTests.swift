import Autodiff
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

/// Stops the run when so many reports were made.
private final class Stopper: ProgressSink {
  var left: Int
  init(after count: Int) { left = count }
  func report(_ report: ProgressReport) {
    left -= 1
    if left == 0 { Interrupt.request() }
  }
  func finish(_ name: String) {}
}

@Suite(.serialized) struct PixelAttackTests {
  /// Smooth images of size 16.
  private func images(_ count: Int, channels: Int = 1) throws -> Tensor {
    try Variable(.uniform([count, channels, 4, 4], key: testKey.derive("images"))).resize(
      height: 16, width: 16, mode: .bilinear
    ).value
  }

  private func labels(_ values: [Int64]) throws -> Tensor { try Tensor(values, shape: [values.count]) }

  /// DLG's LeNet for images of size 16.
  private func net(_ example: [Int] = [1, 16, 16], _ activation: Activation = .sigmoid) throws -> Model {
    let layers: [any Layer] = [
      try Conv(12, kernel: 5, stride: 2, pad: 2), activation, try Conv(12, kernel: 5, stride: 2, pad: 2), activation,
      Flatten(), try Dense(10),
    ]
    let model = Model(layers, key: testKey, initialiser: .dlg)
    try model.build(for: example)
    return model
  }

  /// Convolutions with batch normalisation.
  private func normalised() throws -> Model {
    let layers: [any Layer] = [
      try Conv(8, kernel: 3, stride: 2, pad: 1), BatchNorm(), Activation.relu,
      try Conv(8, kernel: 3, stride: 2, pad: 1), BatchNorm(), Activation.relu, Flatten(), try Dense(10),
    ]
    let model = Model(layers, key: testKey)
    try model.build(for: [1, 16, 16])
    return model
  }

  /// SSIM of each image with its partner.
  private func similarity(_ truth: Tensor, _ found: Tensor) throws -> [Double] {
    let order = try pair(truth, found).map(Int64.init)
    return try ssim(truth, found.indexSelect(axis: 0, Tensor(order, shape: [order.count])))
  }

  @Test("a client's round, rehearsed on its own images, is what it sent: gradients, local steps, batch statistics")
  func rehearsal() throws {
    let (x, y) = (try images(4), try labels([7, 1, 3, 5]))
    let (plain, bn) = (try net(), try normalised())
    let cases: [(Model, Update)] = [
      (plain, try share(plain, x, y, key: testKey)),
      (plain, try localUpdate(plain, x, y, steps: 5, lr: 0.05, batch: 2, key: testKey)),
      (bn, try localUpdate(bn, x, y, steps: 3, lr: 0.1, key: testKey)),
      (bn, try share(bn, x, y, mode: .train, key: testKey)),
      (plain, try localUpdate(plain, x, y, steps: 3, lr: 0.05, batch: 2, defense: Clip(0.01), key: testKey)),
    ]
    for (model, shared) in cases {
      for distance in [Distance.cosine, .l2] {
        let rehearsal = try Rehearsal(shared, model, labels: [7, 1, 3, 5], knowing: .known, distance: distance)
        let objective = try PixelObjective(rehearsal, shared, terms: ImageTerms())
        let two = try Tensor.concat([x, images(4).flip(axes: [0])], axis: 0)
        let (losses, slopes) = try objective.withSlopes(two)
        let size = distance == .l2 ? try shared.norm * shared.norm : 1
        #expect(losses[0] < 1e-5 * size, "\(losses) of \(size)")
        #expect(losses[1] > 1e-3 * size, "\(losses) of \(size)")
        #expect(slopes.shape == two.shape)
      }
    }
  }

  @Test("the slope through the client's steps is that of differences")
  func unrolledSlope() throws {
    let (x, y) = (try images(2), try labels([7, 1]))
    var model = try net()
    model = try model.with(values: model.parameters.tensors.map { try $0.converted(to: .float64) })
    let shared = try localUpdate(model, x.converted(to: .float64), y, steps: 3, lr: 0.1, batch: 1, key: testKey)
    let rehearsal = try Rehearsal(shared, model, labels: [7, 1], knowing: .none, distance: .l2)
    let objective = try PixelObjective(rehearsal, shared, terms: ImageTerms())
    let start = try Tensor.uniform([2, 1, 16, 16], key: testKey.derive("start"), dtype: .float64)
    let direction = try Tensor.normal(start.shape, key: testKey.derive("direction"), dtype: .float64)
    let slope = try Tensor.combine(.mul, objective.withSlopes(start).slopes, direction).reduce(.sum).item()
    func value(_ step: Double) throws -> Double {
      try objective.withSlopes(start.multiplyAdd(step, direction)).losses[0]
    }
    let h = 1e-5
    let difference = (try value(h) - value(-h)) / (2 * h)
    #expect(abs(slope - difference) < 1e-6 * abs(difference), "\(slope), \(difference)")
  }

  @Test("trials side by side are trials one by one", arguments: [Distance.cosine, .l2, .l2norm, .l1])
  func trials(distance: Distance) throws {
    let model = try normalised()
    var terms = ImageTerms()
    (terms.variation, terms.size, terms.statistics, terms.features) = (0.1, 0.01, 0.1, 0.1)
    for count in [1, 2] {
      let labels = Array([7, 1].prefix(count))
      let shared = try share(
        model, images(count), self.labels(labels.map(Int64.init)), defense: Chain([try Clip(1), try Prune(0.5)]),
        key: testKey)
      for form in Variation.allCases {
        terms.variationForm = form
        let rehearsal = try Rehearsal(shared, model, labels: labels, knowing: .known, distance: distance)
        let objective = try PixelObjective(rehearsal, shared, terms: terms)
        let starts = try (0..<3).map { try Tensor.uniform([count, 1, 16, 16], key: testKey.derive($0)) }
        let together = try objective.withSlopes(Tensor.concat(starts, axis: 0))
        let apart = try starts.map { try objective.withSlopes($0) }
        for (a, b) in zip(together.losses, apart.map { $0.losses[0] }) { #expect(abs(a - b) < 1e-4 * abs(b)) }
        let slopes = try Tensor.concat(apart.map(\.slopes), axis: 0)
        let away = try Tensor.combine(.sub, together.slopes, slopes).map(.abs).reduce(.max).item()
        let largest = try slopes.map(.abs).reduce(.max).item()
        #expect(away < 1e-3 * largest, "\(away) of \(largest)")
      }
    }
  }

  @Test("Σ ‖·‖₂ is the sum of the roots")
  func norms() throws {
    let target = [try Tensor([1.0, 2], shape: [2]), try Tensor([0.0], shape: [1])]
    let candidate = [try Tensor([4.0, 6], shape: [1, 2]), try Tensor([2.0], shape: [1, 1])]
    let matching = try Matching(update(target), distance: .l2norm)
    #expect(try abs(matching(candidate.map { Variable($0) }).value.doubles()[0] - 7) < 1e-9)
  }

  @Test("angles, entries that arrived, TAG's sum: by hand, and their slopes by differences")
  func furtherDistances() throws {
    func distance(_ kind: Distance, _ a: [[Double]], _ b: [[Double]]) throws -> Double {
      let target = try b.map { try Tensor($0, shape: [$0.count]) }
      let candidate = try a.map { Variable(try Tensor($0, shape: [1, $0.count])) }
      return try Matching(update(target), distance: kind)(candidate).value.doubles()[0]
    }
    #expect(try abs(distance(.angular, [[1, 0]], [[0, 2]]) - 0.5) < 1e-12)
    #expect(try abs(distance(.angular, [[1], [1]], [[1], [0]]) - 0.25) < 1e-12)
    #expect(try abs(distance(.cosineMasked, [[3, 5, 4]], [[3, 0, 4]])) < 1e-12)
    #expect(try abs(distance(.cosine, [[3, 5, 4]], [[3, 0, 4]]) - (1 - 25 / (50.0.squareRoot() * 5))) < 1e-12)
    // ½ (1 + 0.1 · 1 + 4 + 0.1 · ½ · 2)
    #expect(try abs(distance(.tag, [[1], [2]], [[0], [0]]) - 2.6) < 1e-12)
    for kind in [Distance.angular, .cosineMasked, .tag] {
      let target = [try Tensor([0.3, 0, -1, 2], shape: [4])]
      let matching = try Matching(update(target), distance: kind)
      let at = [0.7, 0.2, -0.4, 1.1]
      let point = Variable(try Tensor(at, shape: [1, 4])).watched()
      let total = try matching([point]).sum()
      let slope = try #require(gradients(of: total, wrt: [point], recording: false)[0]).value.doubles()
      for (i, own) in slope.enumerated() {
        let sides = try [1e-6, -1e-6].map { step in
          var moved = at
          moved[i] += step
          return try matching([Variable(Tensor(moved, shape: [1, 4]))]).value.doubles()[0]
        }
        #expect(abs((sides[0] - sides[1]) / 2e-6 - own) < 1e-7, "\(kind), entry \(i)")
      }
    }
  }

  @Test("presets of the literature bring a digit nearer than it began", arguments: InvertingGradients.Preset.allCases)
  func presets(_ preset: InvertingGradients.Preset) throws {
    let x = try images(1)
    let model = try net()
    let shared = try share(model, x, labels([6]), key: testKey)
    let attack = try InvertingGradients(steps: 120, preset: preset)
    let leak = try attack.run(shared, model, AttackSetting(key: testKey))
    let first = try InvertingGradients(steps: 1, preset: preset).run(shared, model, AttackSetting(key: testKey))
    let (now, then) = (try similarity(x, leak.images)[0], try similarity(x, first.images)[0])
    print("\(attack.written): SSIM \(then) to \(now), loss \(first.loss) to \(leak.loss)")
    #expect(leak.labels == [6] && leak.loss < first.loss && now > then + 0.1)
    #expect(leak.history == leak.history.sorted(by: >))
    let name = preset == .original ? "" : "preset: \"\(preset.rawValue)\", "
    #expect(attack.written == "inverting_gradients(\(name)steps: 120)")
  }

  @Test("four images come back from one gradient, and from a FedAvg client's four steps")
  func batches() throws {
    let (x, y) = (try images(4), try labels([1, 3, 5, 7]))
    let model = try net()
    let attack = try InvertingGradients(steps: 800, tv: 1e-3, restarts: 1, preset: .modern)
    for shared in [
      try share(model, x, y, key: testKey),
      try localUpdate(model, x, y, steps: 4, lr: 0.01, batch: 2, key: testKey),
    ] {
      let leak = try attack.run(shared, model, AttackSetting(key: testKey, labels: [1, 3, 5, 7]))
      let found = try similarity(x, leak.images)
      print("modern, K = 4, \(shared.kind): SSIM \(found) in \(leak.seconds) s")
      #expect(found.reduce(0, +) / 4 > 0.5, "\(found)")
      #expect(leak.images.shape == x.shape && leak.evaluations == 800)
      #expect(leak.threatModel.knows.contains(.localSteps) == (shared.kind != .gradient))
    }
  }

  @Test("cosine does not see global clipping")
  func clipping() throws {
    let (x, y) = (try images(1), try labels([6]))
    let model = try net()
    let attack = try InvertingGradients(steps: 40)
    let setting = AttackSetting(key: testKey)
    let plain = try attack.run(share(model, x, y, key: testKey), model, setting)
    let clipped = try attack.run(share(model, x, y, defense: Clip(0.01), key: testKey), model, setting)
    #expect(plain.labels == clipped.labels)
    for (a, b) in zip(plain.history, clipped.history) { #expect(abs(a - b) < 1e-3 * a, "\(a), \(b)") }
  }

  @Test("GradInversion: seeds kept together, with and without batch normalisation")
  func gradInversion() throws {
    let (x, y) = (try images(2), try labels([3, 6]))
    for (model, least) in [(try net(), 0.9), (try normalised(), 0.25)] {
      let shared = try share(model, x, y, key: testKey)
      let attack = try GradInversion(steps: 1000, seeds: 3, gradient: 1, bn: 1e-3)
      let leak = try attack.run(shared, model, AttackSetting(key: testKey))
      let found = try similarity(x, leak.images)
      print("grad_inversion: SSIM \(found) in \(leak.seconds) s")
      #expect(leak.labels == [3, 6] && leak.evaluations == 3000)
      #expect(found.reduce(0, +) / 2 > least, "\(found)")
    }
  }

  @Test("stopped, the best so far; stopped before anything, an error")
  func interrupted() throws {
    let model = try net()
    let shared = try share(model, images(1), labels([6]), key: testKey)
    for attack in [
      try InvertingGradients(steps: 5000) as any Attack, try GradInversion(steps: 5000, seeds: 2),
      try UntrainedPrior(steps: 5000), try InvertingGradients(preset: .wei),
    ] {
      let leak = try attack.run(shared, model, AttackSetting(key: testKey, progress: Stopper(after: 3)))
      Interrupt.clear()
      #expect(leak.interrupted && leak.loss.isFinite && leak.history.count < 5000 && leak.labels == [6])
      Interrupt.request()
      #expect(throws: Fault.interrupted) { try attack.run(shared, model, AttackSetting(key: testKey)) }
      Interrupt.clear()
    }
  }

  @Test("attacks print as they are written")
  func written() throws {
    #expect(try InvertingGradients().written == "inverting_gradients(steps: 4800)")
    #expect(
      try InvertingGradients(steps: 5, lr: 0.2, restarts: 2, preset: .modern, start: .dark, adapt: .known).written
        == "inverting_gradients(preset: \"modern\", steps: 5, lr: 0.2, restarts: 2, start: \"dark\")")
    #expect(
      try GradInversion(steps: 7, bn: 0, labelRule: .llg).written == "grad_inversion(steps: 7, bn: 0, rule: \"llg\")")
    #expect(throws: Fault.self) { try InvertingGradients(steps: 0) }
    #expect(throws: Fault.self) { try GradInversion(tv: -1) }
  }
}
