// How far a candidate's gradient is from the one received, for many candidates at once.
import Autodiff
import Ground
import Networks
import Tensors

/// A distance between lists of gradient tensors.
public enum Distance: String, Sendable, CaseIterable {
  /// Σ w_l ‖a_l − b_l‖² (DLG).
  case l2
  /// Σ w_l ‖a_l − b_l‖₂ (GradInversion).
  case l2norm
  /// Σ w_l ‖a_l − b_l‖₁.
  case l1
  /// 1 − cos(a, b) over all tensors jointly (Inverting Gradients): blind to scale, so to clipping.
  case cosine
  /// Σ (1 − cos(a_l, b_l)): blind to the scale of each tensor.
  case cosineLocal = "cosine_local"
  /// The angle between a and b over all tensors jointly as a share of a half turn: steeper near the target than the cosine (breaching).
  case angular
  /// `cosine` over the entries that arrived, |b| > 1e-6: for updates that lost most of theirs (breaching).
  case cosineMasked = "cosine_masked"
  /// ½ Σ (‖a_l − b_l‖² + 0.1 (L − l)/L ‖a_l − b_l‖₁) for l from 0 (Deng et al., "TAG", Findings of EMNLP 2021).
  case tag

  /// Whether it follows from Σa², Σab and Σb² of each tensor.
  var isOfSums: Bool {
    switch self {
    case .l2, .l2norm, .cosine, .cosineLocal, .angular: true
    case .l1, .cosineMasked, .tag: false
    }
  }

  /// What lies between a cosine of 1 and the largest one whose angle has a finite slope.
  static let leastAngle = 1e-7
}

extension Variable {
  /// Angles, as shares of a half turn, from distances 1 − cos.
  func angles() throws -> Variable {
    try (1 - self).clamp(-1 + Distance.leastAngle, 1 - Distance.leastAngle).acos() / Double.pi
  }
}

/// How much each tensor counts.
public enum TensorWeights: String, Sendable, CaseIterable {
  case equal
  /// (L − l) / L for l from 0.
  case linear
  /// softmax(L, L − 1, …, 1) over its first entry: e^(−l).
  case exp
  /// GGL's: 2^(−⌊l / 3⌋), and 1 for the last two.
  case halving

  func values(_ count: Int) -> [Double] {
    (0..<count).map { l in
      switch self {
      case .equal: 1
      case .linear: Double(count - l) / Double(count)
      case .exp: (0..<l).reduce(1.0) { product, _ in product * 0.36787944117144233 }
      case .halving: l >= count - 2 ? 1 : (0..<(l / 3)).reduce(1.0) { product, _ in product / 2 }
      }
    }
  }
}

/// The objective of gradient matching: distance between T̂(candidate) and what was received.
public struct Matching: Sendable {
  public let target: [Tensor]
  public let imitation: Imitation
  public let distance: Distance
  public let weights: [Double]
  /// Which tensors count.
  public let chosen: [Int]
  /// Multiplies the distance: 1 / number of tensors in GGL, 1 elsewhere.
  public let scale: Double
  /// Σ y² of each tensor received.
  private let receivedSquares: [Double]

  /// - Parameters:
  ///   - largest: only so many tensors count, those with the largest norm received; nil: all.
  ///   - perTensor: divide by the number of tensors, as GGL does.
  public init(
    _ received: Update, knowing knowledge: Knowledge = .none, distance: Distance = .l2, weights: TensorWeights = .equal,
    largest: Int? = nil, perTensor: Bool = false
  ) throws {
    target = received.tensors
    imitation = try Leakage.imitation(of: received, knowing: knowledge)
    receivedSquares = try received.tensors.map(squaredNorm)
    self.distance = distance
    self.weights = weights.values(received.tensors.count)
    if let largest {
      let norms = receivedSquares
      chosen = norms.indices.sorted { (-norms[$0], $0) < (-norms[$1], $1) }.prefix(largest).sorted()
    } else {
      chosen = Array(received.tensors.indices)
    }
    scale = perTensor ? 1 / Double(max(received.tensors.count, 1)) : 1
  }

  func targetSquares(_ l: Int) throws -> Double { receivedSquares[l] }

  /// The distance of each candidate: `[n]`.
  /// - Parameter candidates: one `[n] + shape` for each tensor.
  public func callAsFunction(_ candidates: [Variable]) throws -> Variable {
    let imitated = try imitation(candidates)
    let count = candidates.first?.shape.first ?? 0
    let total: Variable
    switch distance {
    case .l2:
      total = try sum { l in try imitated[l].rowDistances(target[l]) }
    case .l2norm:
      total = try sum { l in try lengthened(imitated[l].rowDistances(target[l])) }
    case .l1:
      total = try sum { l in try steps(imitated[l], target[l], count) }
    case .tag:
      let shares = TensorWeights.linear.values(target.count)
      total = try sum { l in
        try (imitated[l].rowDistances(target[l]) + steps(imitated[l], target[l], count) * (0.1 * shares[l])) * 0.5
      }
    case .cosine, .angular, .cosineMasked:
      let (own, theirs) = try distance == .cosineMasked ? arrived(imitated) : (imitated, target)
      let length = try sum { l in try squaresPerCandidate(own[l]) }.sqrt()
      let inner = try sum { l in try product(own[l], theirs[l], count) }
      let norm = try chosen.reduce(0.0) { $0 + weights[$1] * (try squaredNorm(theirs[$1])) }.squareRoot()
      let apart = try 1 - inner / (length * norm)
      total = try distance == .angular ? apart.angles() : apart
    case .cosineLocal:
      total = try sum(weighted: false) { l in
        let own = try squaresPerCandidate(imitated[l]).sqrt().maximum(Variable.constant(1e-10, imitated[l].dtype))
        return try 1 - product(imitated[l], target[l], count) / (own * max(squaredNorm(target[l]).squareRoot(), 1e-10))
      }
    }
    return scale == 1 ? total : try total * scale
  }

  /// Σ |a_i − b| for each candidate i.
  private func steps(_ a: Variable, _ b: Tensor, _ count: Int) throws -> Variable {
    let steps = try (a - Variable(b.unsqueeze(axis: 0))).abs()
    return try steps.reshape([count, steps.size / max(count, 1)]).sum(axes: [1])
  }

  /// Candidates and target without the entries that did not arrive.
  private func arrived(_ imitated: [Variable]) throws -> ([Variable], [Tensor]) {
    var (own, theirs) = (imitated, target)
    for l in target.indices {
      let mask = try Tensor.compare(.greater, target[l].map(.abs), 1e-6).converted(to: target[l].dtype)
      own[l] = try imitated[l] * Variable(mask.unsqueeze(axis: 0))
      theirs[l] = try Tensor.combine(.mul, target[l], mask)
    }
    return (own, theirs)
  }

  /// The root, with a slope that stays finite at 0.
  func lengthened(_ squares: Variable) throws -> Variable { try (squares + 1e-12).sqrt() }

  func sum(weighted: Bool = true, _ term: (Int) throws -> Variable) throws -> Variable {
    var total: Variable?
    for l in chosen {
      let part = try term(l)
      let share = weighted && weights[l] != 1 ? try part * weights[l] : part
      total = try total.map { try $0 + share } ?? share
    }
    guard let total else { throw Fault("empty", "there are no gradient tensors to compare") }
    return total
  }

  /// ⟨a_i, b⟩ for each candidate i.
  func product(_ a: Variable, _ b: Tensor, _ count: Int) throws -> Variable {
    let flat = try a.reshape([count, b.size])
    return try flat.matmul(Variable(b.reshape([b.size, 1]))).reshape([count])
  }
}
