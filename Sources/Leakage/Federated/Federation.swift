// Federated training (McMahan et al., AISTATS 2017): rounds of clients that compute updates with the defense of their choice, and a
// server that steps by the mean.
import Autodiff
import Ground
import Networks
import Tensors

/// One client's examples.
public struct ClientData: Sendable {
  /// `[n] + example`.
  public let images: Tensor
  /// int64 `[n]`.
  public let labels: Tensor
  public var count: Int { labels.size }

  /// - Throws: `shape-mismatch`.
  public init(images: Tensor, labels: Tensor) throws {
    guard labels.rank == 1, images.rank > 1, images.shape[0] == labels.size, labels.size > 0 else {
      throw Fault(
        "shape-mismatch",
        "images of shape \(shapeText(images.shape)) and labels of shape \(shapeText(labels.shape)) do not belong together"
      )
    }
    self.images = images
    self.labels = try labels.converted(to: .int64)
  }

  func part(_ indices: [Int]) throws -> ClientData {
    let places = try Tensor(indices.map { Int64($0) }, shape: [indices.count])
    return try ClientData(
      images: images.indexSelect(axis: 0, places), labels: labels.indexSelect(axis: 0, places))
  }

  /// Spread over clients.
  public func split(_ split: ClientSplit, clients: Int, key: RandomKey) throws -> [ClientData] {
    try split.indices(labels.integers(), clients: clients, key: key).map(part)
  }
}

/// What clients and server agree on.
public struct Federation: Sendable {
  public enum Algorithm: String, Sendable, CaseIterable {
    /// A client sends the gradient of one batch.
    case sgd = "fedsgd"
    /// A client trains for some epochs and sends what that changed.
    case averaging = "fedavg"
  }
  public enum Sampling: String, Sendable, CaseIterable {
    /// So many examples, drawn without replacement.
    case fixed
    /// Each example takes part with probability batch / n: what `epsilon` assumes. Sums are divided by the expected number.
    case poisson
  }

  public var algorithm = Algorithm.sgd
  public var rounds = 1
  /// Share of clients that take part in a round, at least one.
  public var fraction = 1.0
  /// The step: of the server on gradients, of the clients when they average.
  public var rate = 0.1
  /// Times the mean of what arrives.
  public var serverRate = 1.0
  /// Examples of a batch; 0: all of the client's.
  public var batch = 0
  /// Epochs on the client, with `averaging`.
  public var epochs = 1
  public var sampling = Sampling.fixed
  public var defense: (any Defense)?

  public init() {}

  func check() throws {
    try requireArgument(rounds >= 1, "federate: there must be at least 1 round, not \(rounds)")
    try requireArgument(
      fraction > 0 && fraction <= 1, "federate: the fraction of clients is above 0 and at most 1, not \(fraction)")
    try requireArgument(rate > 0 && rate.isFinite, "federate: lr must be positive, not \(rate)")
    try requireArgument(
      serverRate > 0 && serverRate.isFinite, "federate: server_lr must be positive, not \(serverRate)")
    try requireArgument(batch >= 0, "federate: the batch must not be negative, and it is \(batch)")
    try requireArgument(epochs >= 1, "federate: there must be at least 1 epoch, not \(epochs)")
    try requireArgument(
      sampling == .fixed || algorithm == .sgd && batch > 0,
      "federate: Poisson sampling goes with fedsgd and a batch, the expected number of examples")
  }

  /// What one round did.
  public struct Round: Sendable {
    /// From 1.
    public let number: Int
    /// Clients that took part, in the order of what they sent.
    public let clients: [Int]
    /// The model they were sent.
    public let model: Model
    /// What the server received: one update from each client, or one in all under secure aggregation.
    public let received: [Update]
    /// ‖mean of what was received‖.
    public let norm: Double
    /// Numbers other than 0 that were sent, of all clients together.
    public let sent: Int
  }

  /// Trains.
  ///
  /// - Parameters:
  ///   - key: clients, batches and defenses, each from a stream of its own.
  ///   - afterRound: gets the new model and what the round did.
  /// - Throws: `bad-argument`, `not-finite`, what the defense throws, `interrupted`.
  public func train(
    _ model: Model, clients: [ClientData], key: RandomKey, progress: any ProgressSink = SilentProgress(),
    afterRound: (_ model: Model, _ round: Round) throws -> Void = { _, _ in }
  ) throws -> Model {
    try check()
    guard let first = clients.first else { throw Fault("empty", "federate: there are no clients") }
    try model.build(for: Array(first.images.shape.dropFirst()))
    defer { progress.finish("federate") }
    let memories = clients.map { _ in ClientMemory() }
    var current = model
    for number in 1...rounds {
      let roundKey = key.derive("round").derive(number)
      var stream = RandomStream(roundKey.derive("clients"))
      let count = min(clients.count, max(1, Int((fraction * Double(clients.count)).rounded())))
      let chosen = count == clients.count ? Array(0..<count) : Array(stream.permutation(clients.count).prefix(count))
      let sent = try chosen.map { client in
        try Interrupt.check()
        return try update(
          current, clients[client], memory: memories[client], key: roundKey.derive("client").derive(client))
      }
      let received = try sums(sent, key: roundKey.derive("server"))
      let mean = try aggregate(received)
      let nonzero = try sent.reduce(0) { try $0 + Int((Double($1.size) * (1 - $1.sparsity)).rounded()) }
      let done = Round(
        number: number, clients: chosen, model: current, received: received, norm: try mean.norm, sent: nonzero)
      current = try current.stepped(by: mean, rate: algorithm == .sgd ? rate * serverRate : serverRate)
      try afterRound(current, done)
      progress.report(ProgressReport("federate", done: number, total: rounds))
    }
    return current
  }

  /// What a client does itself: everything before secure aggregation.
  private var own: (any Defense)? {
    guard let defense, let place = defense.members.firstIndex(where: { $0 is SecureAggregation }) else {
      return defense
    }
    return place == 0 ? nil : Chain(Array(defense.members[..<place]))
  }

  private func sums(_ sent: [Update], key: RandomKey) throws -> [Update] {
    guard let defense, let place = defense.members.firstIndex(where: { $0 is SecureAggregation }) else { return sent }
    let rest = Chain(Array(defense.members[place...]))
    return try rest.defend(all: sent, key: key)
  }

  private func update(_ model: Model, _ data: ClientData, memory: ClientMemory, key: RandomKey) throws -> Update {
    var stream = RandomStream(key.derive("order"))
    let size = batch == 0 ? data.count : min(batch, data.count)
    func round(_ part: ClientData) -> ClientRound {
      var round = ClientRound(model: model, images: part.images, labels: part.labels)
      round.memory = memory
      return round
    }
    switch algorithm {
    case .sgd:
      if sampling == .poisson {
        let rate = Double(size) / Double(data.count)
        let chosen = (0..<data.count).filter { _ in stream.uniform() < rate }
        // An empty batch sends noise as well: that nobody took part must not show.
        var own = round(try data.part(chosen.isEmpty ? [0] : chosen))
        if chosen.isEmpty {
          own.images = try own.images.slice(axis: 0, from: 0, to: 0)
          own.labels = try own.labels.slice(axis: 0, from: 0, to: 0)
        }
        own.expected = size
        return try own.gradientUpdate(defense: self.own, key: key)
      }
      let part = size == data.count ? data : try data.part(Array(stream.permutation(data.count).prefix(size)))
      return try round(part).gradientUpdate(defense: own, key: key)
    case .averaging:
      // Epochs one after another in one order of examples, cut into batches; the last of an epoch may be smaller.
      let whole = size == data.count
      let order = whole ? Array(0..<data.count) : (0..<epochs).flatMap { _ in stream.permutation(data.count) }
      var ranges: [Range<Int>] = []
      for epoch in 0..<epochs {
        let begin = whole ? 0 : epoch * data.count
        for start in stride(from: 0, to: data.count, by: size) {
          ranges.append(begin + start..<begin + min(start + size, data.count))
        }
      }
      let part = whole ? data : try data.part(order)
      let prepared = try round(part).prepared(by: own, key: key)
      var update = try prepared.difference(ranges, lr: rate, defense: own, key: key)
      update.examples = data.count
      return update
    }
  }
}
