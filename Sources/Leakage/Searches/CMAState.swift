// One CMA-ES distribution and its update: Hansen's tutorial (arXiv 1604.00772), active update included. Products and the
// eigendecomposition go to BLAS and LAPACK through `Tensors`; a generation costs O(λ n²) plus, now and then, O(n³).
import Ground
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The normal distribution N(mean, σ² C) of a CMA-ES, with its evolution paths.
public struct CMAState: Sendable {
  public let constants: CMAConstants
  /// C is kept diagonal: O(n) a point.
  public let diagonal: Bool
  public private(set) var mean: [Double]
  public private(set) var sigma: Double
  /// Evolution paths of C and of σ.
  public private(set) var path: [Double]
  public private(set) var stepPath: [Double]
  /// C, row-major n × n; only its diagonal (n numbers) if `diagonal`.
  public private(set) var covariance: [Double]
  /// Generations told.
  public private(set) var generation = 0
  /// Whether the last update took the rank-one path (σ was not growing fast).
  public private(set) var steady = true
  /// Square roots of the eigenvalues of C, and its eigenvectors as columns of a row-major matrix; as of `decomposedAt`.
  public private(set) var axes: [Double]
  private var basis: Tensor?
  /// D Bᵀ: what a row of standard normal numbers is multiplied with.
  private var stretched: Tensor?
  private var decomposedAt = 0

  public init(mean: [Double], sigma: Double, constants: CMAConstants, diagonal: Bool = false) throws {
    let n = mean.count
    self.constants = constants
    self.diagonal = diagonal
    self.mean = mean
    self.sigma = sigma
    path = [Double](repeating: 0, count: n)
    stepPath = path
    axes = [Double](repeating: 1, count: n)
    if diagonal {
      covariance = axes
    } else {
      let eye = try Tensor.eye(n, dtype: .float64)
      covariance = try eye.doubles()
      basis = eye
      stretched = eye
    }
  }

  /// A state in the middle of a run: to resume one, or to check one generation.
  public init(
    mean: [Double], sigma: Double, path: [Double], stepPath: [Double], covariance: [Double], generation: Int,
    constants: CMAConstants
  ) throws {
    try self.init(mean: mean, sigma: sigma, constants: constants)
    self.path = path
    self.stepPath = stepPath
    self.covariance = covariance
    self.generation = generation
    try decompose()
  }

  /// λ points of N(mean, σ² C): xᵢ = mean + σ B D zᵢ, with zᵢ drawn from `key` by generation.
  public mutating func ask(key: RandomKey) throws -> [[Double]] {
    let (n, count) = (mean.count, constants.population)
    if !diagonal, Double(generation - decomposedAt) >= max(1, constants.lazyGap) { try decompose() }
    let draws = try Tensor.normal([count, n], key: key.derive(generation), dtype: .float64)
    let spread =
      try stretched.map { try Tensor.matmul(draws, $0) } ?? Tensor.combine(.mul, draws, Tensor(axes, shape: [1, n]))
    let (centre, step) = (mean, sigma)
    return try spread.withDoubles { y in
      (0..<count).map { i in
        let own = UnsafeBufferPointer(rebasing: y[i * n..<(i + 1) * n])
        return [Double](unsafeUninitializedCapacity: n) { point, size in
          for j in 0..<n { point[j] = centre[j] + step * own[j] }
          size = n
        }
      }
    }
  }

  /// Moves the distribution towards the better points of the last `ask`.
  public mutating func tell(_ points: [[Double]], _ values: [Double]) throws {
    let (n, k) = (mean.count, constants)
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    // Steps yᵢ = (xᵢ − m) / σ, best first, one a row.
    let (centre, width) = (mean, sigma)
    let steps = try Tensor.makeDoubles([k.population, n]) { y in
      for (rank, which) in order.enumerated() {
        let row = UnsafeMutableBufferPointer(rebasing: y[rank * n..<(rank + 1) * n])
        points[which].withUnsafeBufferPointer { x in for j in 0..<n { row[j] = (x[j] - centre[j]) / width } }
      }
    }
    let positive = try Tensor(Array(k.weights[..<k.parents]), shape: [1, k.parents])
    let step = try Tensor.matmul(positive, steps.slice(axis: 0, from: 0, to: k.parents)).doubles()
    for j in 0..<n { mean[j] += sigma * step[j] }

    generation += 1
    let whitened = try whiten(Tensor(step, shape: [1, n])).doubles()
    let stepGain = (k.stepRate * (2 - k.stepRate) * k.effective).squareRoot()
    for j in 0..<n { stepPath[j] = (1 - k.stepRate) * stepPath[j] + stepGain * whitened[j] }
    let squaredLength = stepPath.reduce(0) { $0 + $1 * $1 }
    let settling = 1 - pow(1 - k.stepRate, Double(2 * generation))
    steady = squaredLength / settling / Double(n) < 2 + 4 / Double(n + 1)
    let gain = steady ? (k.pathRate * (2 - k.pathRate) * k.effective).squareRoot() : 0
    for j in 0..<n { path[j] = (1 - k.pathRate) * path[j] + gain * step[j] }

    var weights = k.weights
    if weights.last.map({ $0 < 0 }) ?? false {
      // ‖C^(−1/2) y‖² = ‖D⁻¹ Bᵀ y‖², of the worse half.
      let worse = try steps.slice(axis: 0, from: k.parents, to: k.population)
      let lengths = try turned(worse).rowDistances().doubles()
      for rank in k.parents..<k.population where weights[rank] < 0 {
        weights[rank] *= Double(n) / max(lengths[rank - k.parents], 1e-300)
      }
    }
    let forgotten = steady ? 0 : k.rankOne * k.pathRate * (2 - k.pathRate)
    let keep = 1 + forgotten - k.rankOne - k.rankMu * k.weights.reduce(0, +)
    try learn(steps, weights, keep: keep)
    sigma *= exp(min(1, k.stepRate / k.damping * (squaredLength.squareRoot() / k.expectedLength - 1)))
  }

  /// C ← keep·C + c₁ p pᵀ + c_μ Σ wᵢ yᵢ yᵢᵀ.
  private mutating func learn(_ steps: Tensor, _ weights: [Double], keep: Double) throws {
    let (n, k) = (mean.count, constants)
    let column = try Tensor(weights.map { $0 * k.rankMu }, shape: [k.population, 1])
    if diagonal {
      let learned = try Tensor.combine(.mul, steps.map(.square), column).reduce(.sum, axes: [0]).doubles()
      for j in 0..<n {
        covariance[j] = max(keep * covariance[j] + k.rankOne * path[j] * path[j] + learned[j], 1e-300)
        axes[j] = covariance[j].squareRoot()
      }
      return
    }
    let learned = try Tensor.matmul(steps.transposed(), Tensor.combine(.mul, steps, column))
    try learned.withDoubles { learned in
      path.withUnsafeBufferPointer { p in
        covariance.withUnsafeMutableBufferPointer { c in
          guard let c = c.baseAddress, let p = p.baseAddress, let learned = learned.baseAddress else { return }
          for i in 0..<n {
            let (own, c, learned) = (k.rankOne * p[i], c + i * n, learned + i * n)
            for j in 0..<n { c[j] = keep * c[j] + (own * p[j] + learned[j]) }
          }
        }
      }
    }
  }

  /// C^(−1/2) y for each row y.
  private func whiten(_ rows: Tensor) throws -> Tensor {
    guard let basis else { return try turned(rows) }
    return try Tensor.matmul(turned(rows), basis.transposed())
  }

  /// D⁻¹ Bᵀ y for each row y.
  private func turned(_ rows: Tensor) throws -> Tensor {
    let inverse = try Tensor(axes.map { 1 / $0 }, shape: [1, axes.count])
    return try Tensor.combine(.mul, basis.map { try Tensor.matmul(rows, $0) } ?? rows, inverse)
  }

  private mutating func decompose() throws {
    let n = mean.count
    covariance.withUnsafeMutableBufferPointer { c in
      guard let c = c.baseAddress else { return }
      for i in 0..<n {
        for j in 0..<i {
          let middle = (c[i * n + j] + c[j * n + i]) / 2
          c[i * n + j] = middle
          c[j * n + i] = middle
        }
      }
    }
    let (values, vectors) = try Tensor(covariance, shape: [n, n]).symmetricEigen()
    let spectrum = try values.doubles()
    let floor = max(spectrum.last ?? 1, 1e-300) * 1e-20
    axes = spectrum.map { max($0, floor).squareRoot() }
    basis = try vectors.contiguous()
    stretched = try Tensor.combine(.mul, vectors.transposed(), Tensor(axes, shape: [n, 1]))
    decomposedAt = generation
  }

  /// Standard deviation of each coordinate.
  public var deviations: [Double] {
    let n = mean.count
    return (0..<n).map { sigma * covariance[diagonal ? $0 : $0 * n + $0].squareRoot() }
  }
  /// Ratio of the longest to the shortest axis.
  public var axisRatio: Double { (axes.max() ?? 1) / max(axes.min() ?? 1, 1e-300) }
}
