// Clients, servers, and training with them.
import Autodiff
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

@Suite struct FederatedTests {
  /// Three classes that a linear model tells apart.
  private func blobs(_ count: Int, key: RandomKey = testKey) throws -> ClientData {
    let labels = (0..<count).map { Int64($0 % 3) }
    let noise = try Tensor.normal([count, 6], key: key.derive("blobs")).doubles()
    let values = noise.enumerated().map { i, x in 0.5 * x + (Int64(i % 6 / 2) == labels[i / 6] ? 1.5 : 0) }
    return try ClientData(
      images: Tensor(values.map { Float($0) }, shape: [count, 6]), labels: Tensor(labels, shape: [count]))
  }

  private func federation(_ change: (inout Federation) throws -> Void) rethrows -> Federation {
    var federation = Federation()
    try change(&federation)
    return federation
  }

  private func equal(_ a: Model, _ b: Model) throws -> Bool {
    try zip(a.parameters.tensors, b.parameters.tensors).allSatisfy { try $0.doubles() == $1.doubles() }
  }

  @Test("one client, one step: FedAvg is SGD on the update")
  func oneStep() throws {
    let net = try Model.mlp([6, 5, 3], key: testKey)
    let data = try blobs(12)
    let gradient = try share(net, data.images, data.labels, key: testKey)
    let change = try localUpdate(net, data.images, data.labels, steps: 1, lr: 0.25, key: testKey)
    #expect(change.kind == .difference(steps: 1, rate: 0.25) && change.examples == 12)
    for (d, g) in zip(try change.asGradient.tensors, gradient.tensors) {
      #expect(try mismatch(d, g) < 1e-6)
    }
    let averaging = try federation { ($0.algorithm, $0.rate) = (.averaging, 0.25) }
      .train(net, clients: [data], key: testKey)
    let sgd = try federation { ($0.algorithm, $0.rate) = (.sgd, 0.25) }.train(net, clients: [data], key: testKey)
    let byHand = try net.stepped(by: gradient, rate: 0.25)
    for ((a, b), c) in zip(
      zip(try averaging.parameters.tensors, try sgd.parameters.tensors), try byHand.parameters.tensors)
    {
      #expect(try mismatch(a, b) < 1e-6 && mismatch(b, c) < 1e-6)
    }
  }

  private func mismatch(_ a: Tensor, _ b: Tensor) throws -> Double {
    zip(try a.doubles(), try b.doubles()).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  @Test("local steps are steps of SGD on slices in turn")
  func localSteps() throws {
    let net = try Model.mlp([6, 3], key: testKey)
    let data = try blobs(6)
    try net.build(for: [6])
    var now = net
    for step in 0..<5 {
      let range = (step % 3) * 2..<(step % 3) * 2 + 2
      let x = try data.images.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
      let y = try data.labels.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
      now = try now.stepped(by: share(now, x, y, key: testKey), rate: 0.3)
    }
    let change = try localUpdate(net, data.images, data.labels, steps: 5, lr: 0.3, batch: 2, key: testKey)
    let stepped = try net.stepped(by: change)
    for (a, b) in zip(try stepped.parameters.tensors, try now.parameters.tensors) { #expect(try mismatch(a, b) < 1e-6) }
    // A defense on the difference acts once, one on single examples in every step.
    let clipped = try localUpdate(net, data.images, data.labels, steps: 5, lr: 0.3, defense: Clip(0.01), key: testKey)
    #expect(try abs(clipped.norm - 0.01) < 1e-5)
    let each = try localUpdate(
      net, data.images, data.labels, steps: 5, lr: 0.3, defense: Clip(0.01, per: .example), key: testKey)
    #expect(try each.norm <= 5 * 0.3 * 0.01 && each.norm > 0.3 * 0.01)
    let noisy = try localUpdate(
      net, data.images, data.labels, steps: 50, lr: 0.3, defense: DifferentialPrivacy(sigma: 3, clip: 1e-3),
      key: testKey)
    // 50 steps of noise 3e-3 / 6 on each number.
    let spread = try noisy.norm / Double(noisy.size).squareRoot()
    #expect(abs(spread - 0.3 * 50.0.squareRoot() * 3e-3 / 6) < 0.5 * spread)
    #expect(throws: Fault.self) { try localUpdate(net, data.images, data.labels, steps: 0, lr: 0.3, key: testKey) }
    #expect(throws: Fault.self) { try localUpdate(net, data.images, data.labels, steps: 1, lr: .nan, key: testKey) }
  }

  @Test("the mean is weighted by examples: clients' gradients of parts are the gradient of the whole")
  func weights() throws {
    let net = try Model.mlp([6, 3], key: testKey)
    let data = try blobs(10)
    func part(_ range: Range<Int>) throws -> Update {
      try share(
        net, data.images.slice(axis: 0, from: range.lowerBound, to: range.upperBound),
        data.labels.slice(axis: 0, from: range.lowerBound, to: range.upperBound), key: testKey)
    }
    let (mean, whole) = (try aggregate([part(0..<2), part(2..<10)]), try part(0..<10))
    for (a, b) in zip(mean.tensors, whole.tensors) { #expect(try mismatch(a, b) < 1e-6) }
    #expect(mean.examples == 10)
    let change = try localUpdate(net, data.images, data.labels, steps: 2, lr: 0.1, key: testKey)
    #expect(#expect(throws: Fault.self) { try aggregate([whole, change]) }?.code == "other-kind")
    var shorter = try localUpdate(net, data.images, data.labels, steps: 5, lr: 0.1, key: testKey)
    shorter.examples = 20
    #expect(try aggregate([change, shorter]).kind == .difference(steps: 4, rate: 0.1))
  }

  @Test("training learns, and the same key gives the same bits", arguments: [Federation.Algorithm.sgd, .averaging])
  func learns(algorithm: Federation.Algorithm) throws {
    let net = try Model.mlp([6, 3], key: testKey)
    let (train, test) = (try blobs(120), try blobs(90, key: testKey.derive("test")))
    let clients = try train.split(.dirichlet(alpha: 0.5, least: 5), clients: 6, key: testKey)
    let setting = try federation {
      ($0.algorithm, $0.rounds, $0.rate, $0.batch, $0.fraction) = (algorithm, 25, 0.3, 8, 0.5)
      $0.defense = Chain([try Clip(1), try Noise(1e-3)])
    }
    var rounds: [Federation.Round] = []
    let found = try setting.train(net, clients: clients, key: testKey) { rounds.append($1) }
    let accuracy = try found.accuracy(on: test.images, labels: test.labels)
    #expect(accuracy > 0.85, "\(algorithm): \(accuracy)")
    #expect(rounds.count == 25 && rounds.allSatisfy { $0.clients.count == 3 && $0.received.count == 3 })
    #expect(
      Set(rounds.flatMap(\.clients)).count == 6 && rounds[0].received[0].defense?.written == "clip(1) >> noise(0.001)")
    #expect(try equal(found, setting.train(net, clients: clients, key: testKey)))
    #expect(try !equal(found, setting.train(net, clients: clients, key: testKey.derive(1))))
    // The model of a round is the one its updates are of: one more step gives the next.
    let mean = try aggregate(rounds[3].received)
    let next = try rounds[3].model.stepped(by: mean, rate: algorithm == .sgd ? 0.3 : 1)
    #expect(try equal(next, rounds[4].model))
  }

  @Test("secure aggregation trains alike and shows sums only")
  func secure() throws {
    let net = try Model.mlp([6, 3], key: testKey)
    let clients = try blobs(40).split(.even, clients: 4, key: testKey)
    func run(_ defense: (any Defense)?) throws -> (Model, [Federation.Round]) {
      var rounds: [Federation.Round] = []
      let model = try federation { ($0.rounds, $0.defense) = (3, defense) }
        .train(net, clients: clients, key: testKey) { rounds.append($1) }
      return (model, rounds)
    }
    let (plain, _) = try run(Clip(1))
    let (hidden, rounds) = try run(Chain([Clip(1), SecureAggregation()]))
    for (a, b) in zip(try plain.parameters.tensors, try hidden.parameters.tensors) {
      #expect(try mismatch(a, b) < 1e-5)
    }
    #expect(rounds[2].received.count == 1 && rounds[2].received[0].examples == 40)
    #expect(rounds[2].received[0].defense?.written == "clip(1) >> secure_aggregate")
    let (_, cut) = try run(Chain([SecureAggregation(), Prune(0.5)]))
    #expect(try cut[0].received[0].sparsity > 0.4)
  }

  @Test("error feedback keeps each client's residual")
  func residuals() throws {
    let net = try Model.mlp([6, 3], key: testKey)
    let clients = try blobs(40).split(.even, clients: 2, key: testKey)
    func last(_ defense: any Defense) throws -> Double {
      let setting = federation { ($0.rounds, $0.rate, $0.defense) = (40, 0.5, defense) }
      let model = try setting.train(net, clients: clients, key: testKey)
      let all = try blobs(40)
      return try model.lossAndGradient(Variable(all.images), .classes(all.labels)).loss.value.item()
    }
    #expect(try last(ErrorFeedback(TopK(0.95))) < last(TopK(0.95)))
  }

  @Test("Poisson batches: sums are divided by the expected number, an empty batch sends noise")
  func poisson() throws {
    let net = try Model.mlp([6, 3], key: testKey)
    let data = try blobs(30)
    let setting = try federation {
      ($0.rounds, $0.rate, $0.batch, $0.sampling) = (400, 1e-9, 3, .poisson)
      $0.defense = try Clip(1, per: .example)
    }
    var sum: Update?
    _ = try setting.train(net, clients: [data], key: testKey) { _, round in
      sum = try sum.map { try $0 + round.received[0] } ?? round.received[0]
    }
    let mean = try 1.0 / 400 * #require(sum)
    let whole = try share(net, data.images, data.labels, defense: Clip(1, per: .example), key: testKey)
    let (apart, size) = (try (mean - whole).norm, try whole.norm)
    #expect(apart < 0.1 * size)
    // One expected example of 30: about a third of the batches is empty.
    let sparse = try federation {
      ($0.rounds, $0.rate, $0.batch, $0.sampling) = (40, 1e-9, 1, .poisson)
      $0.defense = try DifferentialPrivacy(sigma: 1, clip: 0.5)
    }
    var norms: [Double] = []
    _ = try sparse.train(net, clients: [data], key: testKey) { norms.append(try $1.received[0].norm) }
    #expect(norms.allSatisfy { $0 > 0.5 })  // 21 numbers of deviation 0.5
    #expect(throws: Fault.self) {
      try federation { ($0.algorithm, $0.sampling, $0.batch) = (.averaging, .poisson, 3) }
        .train(net, clients: [data], key: testKey)
    }
  }

  @Test("splits are partitions with the skew that was asked for")
  func splits() throws {
    let labels = (0..<1000).map { $0 * 7 % 10 }
    func classes(_ part: [Int]) -> [Int] { (0..<10).map { c in part.count { labels[$0] == c } } }
    for split in [
      ClientSplit.even, .dirichlet(alpha: 0.1, least: 10), .dirichlet(alpha: 100, least: 10), .shards(perClient: 2),
      .byClass,
    ] {
      let parts = try split.indices(labels, clients: 10, key: testKey)
      #expect(parts.count == 10 && Set(parts.joined()).count == 1000 && parts.joined().count == 1000, "\(split)")
      let most = parts.map { Double(classes($0).max() ?? 0) / Double($0.count) }.reduce(0, +) / 10
      switch split {
      case .even: #expect(parts.allSatisfy { $0.count == 100 } && most < 0.25)
      case .dirichlet(let alpha, _):
        #expect(parts.allSatisfy { $0.count >= 10 })
        #expect(alpha < 1 ? most > 0.45 : most < 0.25, "\(alpha): \(most)")
      case .shards: #expect(parts.allSatisfy { classes($0).count { $0 > 0 } <= 2 })
      case .byClass: #expect(parts.allSatisfy { classes($0).count { $0 > 0 } == 1 })
      }
    }
    #expect(try ClientSplit.byClass.indices(labels, clients: 20, key: testKey).allSatisfy { $0.count == 50 })
    #expect(throws: Fault.self) { try ClientSplit.even.indices([1, 2], clients: 3, key: testKey) }
    #expect(throws: Fault.self) { try ClientSplit.byClass.indices(labels, clients: 5, key: testKey).count == 0 }
    #expect(throws: Fault.self) {
      try ClientSplit.dirichlet(alpha: 0.01, least: 90).indices(labels, clients: 10, key: testKey)
    }
    // Dirichlet(α): mean 1/k, variance (1/k)(1 − 1/k)/(kα + 1).
    var stream = RandomStream(testKey)
    for alpha in [0.1, 1, 20] {
      let first = (0..<4000).map { _ in dirichletFirst(&stream, alpha) }
      let mean = first.reduce(0, +) / 4000
      let variance = first.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
      #expect(
        abs(mean - 0.25) < 0.02 && abs(variance - 0.1875 / (4 * alpha + 1)) < 0.02, "\(alpha): \(mean), \(variance)")
    }
  }

  private func dirichletFirst(_ stream: inout RandomStream, _ alpha: Double) -> Double { stream.dirichlet(alpha, 4)[0] }
}
