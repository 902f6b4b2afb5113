// How attacks imitate defenses: under every defense the true image's gradient, imitated, is much nearer to what was received than that of
// any other image.
import Autodiff
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

@Suite struct ImitationTests {
  struct Row: Sendable {
    let defense: any Defense
    /// The true image's loss is at most this share of the least of the wrong ones, with known and with estimated parameters.
    var known = 1e-6
    var estimated = 1e-6
    /// A coding so random that its variance, the same for all candidates, hides what they differ by.
    var isCoarse = false
  }

  static func rows() throws -> [Row] {
    [
      Row(defense: try Noise(1e-4), known: 1e-4, estimated: 1e-4),
      Row(defense: try Laplace(1e-4), known: 1e-4, estimated: 1e-4), Row(defense: try Clip(1)),
      Row(defense: try Clip(0.3, per: .layer)), Row(defense: try Clip(1, per: .example)),
      Row(defense: try Clip(5, norm: .l1)), Row(defense: try ClipValue(0.01)),
      Row(defense: try DifferentialPrivacy(sigma: 1e-4, clip: 1), known: 0.01, estimated: 0.01),
      Row(defense: try Prune(0.9)), Row(defense: try TopK(0.9)), Row(defense: try TopK(0.95, per: .global)),
      Row(defense: try RandomK(0.3), estimated: 0.01), Row(defense: try DropoutGradient(0.5)),
      Row(defense: try DropoutGradient(0.5, rescale: true), estimated: 0.01),
      Row(defense: try DropoutGradient(0.5, seed: 4)),
      Row(defense: try Withhold([.place(0), .place(-1)])), Row(defense: try ErrorFeedback(Prune(0.9))),
      Row(defense: try Quantize(8), known: 0.01, estimated: 0.01),
      Row(defense: try QSGD(4096), known: 0.01, estimated: 0.01), Row(defense: TernGrad(), isCoarse: true),
      Row(defense: SignOnly()), Row(defense: SignOnly(scaled: true)),
      Row(defense: LowPrecision(.float16), known: 1e-4, estimated: 1e-4),
      Row(defense: LowPrecision(.bfloat16), known: 1e-3, estimated: 1e-3),
      Row(defense: LowPrecision(.int8), known: 0.01, estimated: 0.01), Row(defense: try Soteria(0.4)),
      Row(defense: try Soteria(0.4, method: .backprop)),
      Row(defense: try Outpost(noise: 1e-3), known: 0.01, estimated: 0.7),
      Row(defense: Chain([try Clip(1), try Noise(1e-4), try Prune(0.9)]), known: 0.01, estimated: 0.01),
      Row(defense: Chain([try Prune(0.9), try Clip(1), try Noise(1e-4)]), known: 0.01, estimated: 0.1),
      Row(defense: Chain([try Soteria(0.4), try Noise(1e-4)]), known: 1e-4, estimated: 1e-4),
      Row(
        defense: Chain([try Clip(0.3, per: .layer), try DropoutGradient(0.5), LowPrecision(.float16)]), known: 0.01,
        estimated: 0.01),
      Row(defense: Chain([try DifferentialPrivacy(sigma: 1e-4, clip: 1), SignOnly()]), known: 0.65, estimated: 0.8),
    ]
  }

  @Test("the true image under every defense")
  func table() throws {
    let net = try Model.lenet(classes: 10, key: testKey)
    let images = try Tensor.uniform([6, 1, 28, 28], key: testKey.derive("images"))
    let labels = try Tensor([Int64](repeating: 3, count: 6), shape: [6])
    let pool = try (
      Tensor.uniform([5, 1, 28, 28], key: testKey.derive("pool")), Tensor([0, 1, 2, 3, 4] as [Int64], shape: [5])
    )
    let mixed = Row(defense: Chain([try MixUp(3, pool: pool, poolName: "pool"), try Clip(1)]))
    for row in try Self.rows() + [mixed] {
      let (x, y) = (try images.slice(axis: 0, from: 2, to: 3), try labels.slice(axis: 0, from: 2, to: 3))
      let shared = try share(net, x, y, defense: row.defense, key: testKey)
      // What the client's gradient is of: the image itself, unless a defense mixes it.
      let round = try Chain([row.defense]).prepare(
        ClientRound(model: net, images: x, labels: y), key: testKey.derive("batch"))
      let own = try round.softLabels ?? y.oneHot(classes: 10)
      let candidates = try Tensor.concat(
        [images.slice(axis: 0, from: 0, to: 2), round.images, images.slice(axis: 0, from: 3, to: 6)], axis: 0)
      let all = try labels.oneHot(classes: 10)
      let targets = try Tensor.concat(
        [all.slice(axis: 0, from: 0, to: 2), own, all.slice(axis: 0, from: 3, to: 6)], axis: 0)
      for knowledge in [Knowledge.known, .estimated] {
        let model = try adapted(net, to: shared, knowing: knowledge)
        let gradients = try model.perExampleGradients(Variable(candidates), .soft(Variable(targets)))
        let losses = try Matching(shared, knowing: knowledge)(gradients).value.doubles()
        let what = "\(row.defense.written), \(knowledge): \(losses)"
        for wrong in losses.indices where wrong != 2 {
          if row.isCoarse {
            let apart = try gradients.reduce(0.0) { sum, g in
              let pair = try [wrong, 2].map { try g.value.select(axis: 0, index: $0).doubles() }
              return sum + zip(pair[0], pair[1]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
            #expect(losses[wrong] - losses[2] > 0.5 * apart, "\(what), apart by \(apart)")
          } else {
            #expect(losses[2] <= (knowledge == .known ? row.known : row.estimated) * losses[wrong], "\(what)")
          }
        }
      }
    }
  }

  @Test("a person's own defense is imitated by its adapt")
  func adaptOfFunctions() throws {
    let net = try Model.lenet(classes: 10, key: testKey)
    let images = try Tensor.uniform([4, 1, 28, 28], key: testKey)
    let labels = try Tensor([Int64](repeating: 1, count: 4), shape: [4])
    func cubed(_ g: Tensor) throws -> Tensor { try Tensor.combine(.mul, g, g.map(.square)) }
    let cube = FunctionDefense(
      written: "cube",
      adapt: { g, received in
        #expect(received.names.count == g.count)
        return try g.map { try $0 * $0.square() }
      }
    ) { try $0.map(cubed) }
    let mute = FunctionDefense(written: "cube") { try $0.map(cubed) }
    let (x, y) = (try images.slice(axis: 0, from: 0, to: 1), try labels.slice(axis: 0, from: 0, to: 1))
    let gradients = try net.perExampleGradients(Variable(images), .classes(labels))
    for chain in [Chain([cube]), Chain([cube, try Prune(0.5)]), Chain([try Clip(1), cube])] {
      let shared = try share(net, x, y, defense: chain, key: testKey)
      for knowledge in [Knowledge.known, .estimated] {
        let losses = try Matching(shared, knowing: knowledge)(gradients).value.doubles()
        // Under clip(1) >> cube the bound is estimated from nothing: the scale that fits is the best guess.
        if knowledge == .estimated, chain.members[0] is Clip { continue }
        #expect(losses[1...].allSatisfy { losses[0] < 1e-6 * $0 }, "\(chain.written), \(knowledge): \(losses)")
      }
    }
    let shared = try share(net, x, y, defense: mute, key: testKey)
    let losses = try Matching(shared, knowing: .known)(gradients).value.doubles()
    #expect(losses[0] > 1e-3 * losses[1])
  }

  @Test("estimates of noise, rate and bound", arguments: [0.0, 0.5, 0.9])
  func estimates(rate: Double) throws {
    // A gradient of norm 4 in a few entries, under noise.
    var peaks = [Double](repeating: 0, count: 20_000)
    for i in 0..<64 { peaks[i * 300] = i % 2 == 0 ? 0.5 : -0.5 }
    let g = try update([Tensor(peaks, shape: [200, 100]), Tensor([0.1, 0.2], shape: [2])])
    let chain = Chain([try Clip(3), try Noise(0.01)] + (rate > 0 ? [try Prune(rate)] : []))
    let sent = try chain.defend(g, key: testKey)
    let found = try Estimates(sent)
    #expect(abs(found.sigma - 0.01) < 4e-4, "σ̂ is \(found.sigma)")
    #expect(abs(found.rate - rate) < 1e-3 && abs(found.rates[0] - rate) < 1e-3)
    if rate == 0 {
      #expect(abs(found.bound - 3) < 0.03, "Ŝ is \(found.bound)")
      #expect(abs(try expectedFloor(of: sent, knowing: .known) - 20_002 * 1e-4) < 1e-9)
      #expect(abs(try expectedFloor(of: sent, knowing: .estimated) - 2) < 0.15)
    }
    #expect(try expectedFloor(of: sent, knowing: .none) == 0)
    // Zeros that were not chosen by size do not mislead.
    let dropped = try Chain([Noise(0.01), DropoutGradient(0.6)]).defend(g, key: testKey)
    #expect(abs(try Estimates(dropped).sigma - 0.01) < 4e-4)
  }
}
