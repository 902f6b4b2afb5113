// How examples are spread over clients.
import Ground
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A way to spread labelled examples over clients; each gives the indices of every client's examples.
public enum ClientSplit: Sendable, Equatable {
  /// Shuffled, then in parts of equal size (±1).
  case even
  /// For every class c its shuffled examples are cut at ⌊cumsum(p_c) n_c⌋ with p_c ~ Dirichlet(α, …, α); drawn again until every client has
  /// `least` examples. α = 0.1 is very uneven, 0.5 common, 100 nearly even.
  case dirichlet(alpha: Double, least: Int)
  /// Sorted by label and cut into `perClient` shards for each client, dealt at random (McMahan et al. 2017).
  case shards(perClient: Int)
  /// Client i has examples of class i mod classes only.
  case byClass

  /// - Throws: `bad-argument`, `too-few`.
  public func indices(_ labels: [Int], clients: Int, key: RandomKey) throws -> [[Int]] {
    try requireArgument(clients >= 1, "split_clients: there must be at least 1 client, not \(clients)")
    func tooFew(_ what: String) -> Fault {
      Fault(
        "too-few", "\(labels.count) examples are too few for \(clients) clients\(what)", help: "fewer clients")
    }
    if labels.count < clients { throw tooFew("") }
    var stream = RandomStream(key)
    let shuffled = stream.permutation(labels.count)
    switch self {
    case .even:
      return (0..<clients).map { i in
        Array(shuffled[(i * labels.count / clients)..<((i + 1) * labels.count / clients)])
      }
    case .shards(let each):
      try requireArgument(each >= 1, "split_clients: there must be at least 1 shard for a client, not \(each)")
      if labels.count / clients < each { throw tooFew(" of \(each) shards") }
      let count = each * clients
      let sorted = shuffled.enumerated().sorted { (labels[$0.element], $0.offset) < (labels[$1.element], $1.offset) }
        .map(\.element)
      let dealt = stream.permutation(count)
      return (0..<clients).map { client in
        dealt[(client * each)..<((client + 1) * each)].flatMap { shard in
          sorted[(shard * labels.count / count)..<((shard + 1) * labels.count / count)]
        }
      }
    case .byClass:
      let classes = Set(labels).sorted()
      try requireArgument(
        clients >= classes.count,
        "split_clients: \(clients) clients of one class each leave out some of \(classes.count) classes")
      var result = [[Int]](repeating: [], count: clients)
      for (place, label) in classes.enumerated() {
        let own = shuffled.filter { labels[$0] == label }
        // The clients of this class share its examples.
        let takers = (0..<clients).filter { $0 % classes.count == place }
        for (i, client) in takers.enumerated() {
          result[client] = Array(own[(i * own.count / takers.count)..<((i + 1) * own.count / takers.count)])
        }
      }
      if result.contains(where: \.isEmpty) { throw tooFew(" of one class each") }
      return result
    case .dirichlet(let alpha, let least):
      try requireArgument(alpha > 0 && alpha.isFinite, "split_clients: alpha must be positive, not \(alpha)")
      if labels.count / clients < max(least, 1) { throw tooFew(" of at least \(least)") }
      for _ in 0..<1000 {
        try Interrupt.check()
        var result = [[Int]](repeating: [], count: clients)
        for label in Set(labels).sorted() {
          let own = shuffled.filter { labels[$0] == label }
          let parts = stream.dirichlet(alpha, clients)
          var (sum, from) = (0.0, 0)
          for client in 0..<clients {
            sum += parts[client]
            let to = client == clients - 1 ? own.count : min(own.count, max(from, Int(sum * Double(own.count))))
            result[client] += own[from..<to]
            from = to
          }
        }
        if result.allSatisfy({ $0.count >= max(least, 1) }) { return result }
      }
      throw Fault(
        "too-few",
        "1000 draws with alpha \(code(alpha)) left a client with fewer than \(max(least, 1)) of \(labels.count) examples",
        help: "a larger alpha, fewer clients, or at_least: 1")
    }
  }
}

extension RandomStream {
  /// Standard normal, by Box and Muller.
  mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// ln of a Gamma(shape) draw (Marsaglia, Tsang 2000); for shapes below 1 as Gamma(shape + 1) · U^(1/shape).
  mutating func logGamma(_ shape: Double) -> Double {
    if shape < 1 {
      let boosted = logGamma(shape + 1)
      return boosted + log(1 - uniform()) / shape
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
      if v > 0, log(1 - uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return log(d * v) }
    }
  }

  /// Dirichlet(alpha, …, alpha).
  public mutating func dirichlet(_ alpha: Double, _ count: Int) -> [Double] {
    let logs = (0..<count).map { _ in logGamma(alpha) }
    let largest = logs.max() ?? 0
    let parts = logs.map { exp($0 - largest) }
    let total = parts.reduce(0, +)
    return parts.map { $0 / total }
  }
}
