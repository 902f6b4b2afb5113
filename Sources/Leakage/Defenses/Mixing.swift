// Defenses that blend examples before the gradient is taken, so that what leaks is the blend.
import Autodiff
import Ground
import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `mixup(4)`: each example becomes Σ λᵢ xᵢ of itself and k − 1 others, with the label Σ λᵢ yᵢ (Zhang et al. 2018; with k > 2 as in
/// Huang et al., "InstaHide", ICML 2020): λ ~ Dirichlet(3, 1, …, 1), drawn again until no part is above `largest`. InstaHide also turns
/// the sign of every pixel with probability ½.
public struct MixUp: Defense {
  public let k: Int
  public let largest: Double
  /// Turns signs.
  public let hides: Bool
  /// Where the others come from; nil: the batch itself.
  public let pool: (images: Tensor, labels: Tensor)?
  private let poolName: String?

  /// - Throws: `bad-argument`.
  public init(
    _ k: Int, largest: Double = 0.65, hides: Bool = false, pool: (images: Tensor, labels: Tensor)? = nil,
    poolName: String? = nil
  ) throws {
    let name = hides ? "instahide" : "mixup"
    try requireArgument(k >= 2, "\(name): at least 2 images are mixed, not \(k)")
    try requireArgument(
      largest > 1.05 / Double(k) && largest <= 1,
      "\(name): the largest part of \(k) images lies above \(code(1.05 / Double(k))) and is at most 1, not \(code(largest))"
    )
    self.k = k
    self.largest = largest
    self.hides = hides
    self.pool = pool
    self.poolName = poolName
  }

  public var written: String {
    "\(hides ? "instahide" : "mixup")(\(k)\(largest == 0.65 ? "" : ", largest: \(code(largest))")"
      + "\(poolName.map { ", pool: \($0)" } ?? ""))"
  }
  public var privacy: [PrivacyEffect] { [.mixesExamples] }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    if round != nil { return update }
    throw Fault(
      "needs-batch", "\(written) changes the batch before its gradient is taken, so it cannot be applied to an update",
      help: "share(model, x, y, defense: \(written))")
  }

  public func prepare(_ round: ClientRound, key: RandomKey) throws -> ClientRound {
    let count = round.images.shape[0]
    try round.model.build(for: Array(round.images.shape.dropFirst()))
    guard let classes = round.model.outputShape?.last, round.model.outputShape?.count == 1 else {
      throw Fault(
        "no-classes", "\(written) mixes labels, and \(round.model.written) does not end in one number per class")
    }
    let own = try round.softLabels ?? round.labels.oneHot(classes: classes, dtype: round.images.dtype)
    let others = try candidates(round, own, classes)
    guard others.images.shape[0] >= (pool == nil ? k : k - 1) else {
      throw Fault(
        "batch-too-small", "\(written) mixes \(k) images, and there are \(others.images.shape[0])",
        help: pool == nil
          ? "a batch of at least \(k), or others to mix with: \(hides ? "instahide" : "mixup")(\(k), pool: data.public)"
          : nil)
    }
    // Row i of the mixing matrix: λ at the places of its images, among this batch and, behind it, the pool.
    var stream = RandomStream(key.derive("mix"))
    let width = count + (pool == nil ? 0 : others.images.shape[0])
    var matrix = [Double](repeating: 0, count: count * width)
    for i in 0..<count {
      let parts = try weights(&stream)
      matrix[i * width + i] += parts[0]
      for (part, other) in zip(parts.dropFirst(), partners(of: i, among: others.images.shape[0], &stream)) {
        matrix[i * width + (pool == nil ? 0 : count) + other] += part
      }
    }
    let mixing = try Tensor(matrix, shape: [count, width]).converted(to: round.images.dtype)
    func mixed(_ t: Tensor, _ pool: Tensor) throws -> Tensor {
      let rows = self.pool == nil ? t : try Tensor.concat([t, pool], axis: 0)
      let flat = try rows.reshape([width, rows.size / max(width, 1)])
      return try Tensor.matmul(mixing, flat).reshape(t.shape)
    }
    var result = round
    result.images = try mixed(round.images, others.images)
    result.softLabels = try mixed(own, others.labels)
    if hides {
      let signs = try Tensor.compare(
        .less, Tensor.uniform(round.images.shape, key: key.derive("signs"), dtype: round.images.dtype), 0.5)
      let turned = try Tensor.combine(.sub, 1, Tensor.combine(.mul, signs.converted(to: round.images.dtype), 2))
      result.images = try Tensor.combine(.mul, result.images, turned)
    }
    return result
  }

  private func candidates(_ round: ClientRound, _ own: Tensor, _ classes: Int) throws -> (
    images: Tensor, labels: Tensor
  ) {
    guard let pool else { return (round.images, own) }
    guard pool.images.shape.dropFirst() == round.images.shape.dropFirst() else {
      throw Fault(
        "shape-mismatch",
        "\(written) mixes images of shape \(shapeText(Array(round.images.shape.dropFirst()))) with images of shape \(shapeText(Array(pool.images.shape.dropFirst())))"
      )
    }
    return (
      try pool.images.converted(to: round.images.dtype),
      try pool.labels.oneHot(classes: classes, dtype: round.images.dtype)
    )
  }

  /// Dirichlet(3, 1, …, 1) with no part above `largest`.
  /// - Throws: `bad-argument` where a hundred thousand draws had such a part.
  private func weights(_ stream: inout RandomStream) throws -> [Double] {
    for attempt in 0..<100_000 {
      if attempt % 256 == 0 { try Interrupt.check() }
      // Gamma(n) is the sum of n exponentials.
      let draws = (0..<k).map { i in (0..<(i == 0 ? 3 : 1)).reduce(0.0) { sum, _ in sum - log(1 - stream.uniform()) } }
      let total = draws.reduce(0, +)
      let parts = draws.map { $0 / total }
      if total > 0, parts.allSatisfy({ $0 <= largest }) { return parts }
    }
    throw Fault(
      "bad-argument",
      "\(written): shares of \(k) images that are all at most \(code(largest)) do not come up in 100,000 draws",
      help: "a larger `largest`")
  }

  /// k − 1 different ones; of the batch itself, not i.
  private func partners(of i: Int, among count: Int, _ stream: inout RandomStream) -> [Int] {
    var found: [Int] = []
    while found.count < k - 1 {
      let other = stream.below(count)
      if (pool != nil || other != i) && !found.contains(other) { found.append(other) }
    }
    return found
  }
}
