// Gradient search by Adam (Kingma, Ba, ICLR 2015), several starts side by side in one batch.
import Ground
import Networks

/// How the learning rate of a search changes over its steps, by its name in Seep; see `Networks.Schedule`.
public enum RateShape: String, Sendable, CaseIterable {
  case constant
  /// GGL's for ImageNet, and GIFD's.
  case ramp
  /// Inverting Gradients', and GGL's for CelebA.
  case decay
  case cosine

  func over(_ steps: Int) -> Schedule {
    switch self {
    case .constant: .constant
    case .ramp: .ramp(steps: steps)
    case .decay: .decay(steps: steps)
    case .cosine: .cosine(steps: steps)
    }
  }
}

/// `adam(lr: 0.1, steps: 500)`: follows the gradient from `starts` points of N(0, 1).
public struct AdamSearch: Search, Equatable {
  public var rate: Double
  public var steps: Int
  public var starts: Int
  public var schedule: RateShape
  /// The sign of the gradient instead of the gradient (GGL for CelebA, Inverting Gradients).
  public var signed: Bool
  public var betas: [Double]
  /// Where to start instead of at random, one row a start.
  public var initial: [[Double]]?

  /// - Throws: `bad-argument` for fewer than one step or start, or a rate that is not positive.
  public init(
    lr rate: Double = 0.1, steps: Int = 500, starts: Int = 4, schedule: RateShape = .ramp, signed: Bool = false,
    betas: [Double] = [0.9, 0.999], initial: [[Double]]? = nil
  ) throws {
    try requireArgument(rate > 0 && rate.isFinite, "adam: the rate must be positive, not \(rate)")
    try requireArgument(steps >= 1 && starts >= 1, "adam: steps and starts must be at least 1")
    try requireArgument(
      betas.count == 2 && betas.allSatisfy { 0 <= $0 && $0 < 1 },
      "adam: betas are two numbers from 0 up to, not including, 1")
    self.rate = rate
    self.steps = steps
    self.starts = initial?.count ?? starts
    self.schedule = schedule
    self.signed = signed
    self.betas = betas
    self.initial = initial
  }

  public var written: String {
    "adam(lr: \(code(rate)), steps: \(steps)" + (starts == 4 ? "" : ", starts: \(starts)")
      + (schedule == .ramp ? "" : ", schedule: \"\(schedule.rawValue)\"") + (signed ? ", signed: true" : "")
      + (betas == [0.9, 0.999] ? "" : ", betas: [\(betas.map { code($0) }.joined(separator: ", "))]") + ")"
  }

  public func minimise(_ objective: Objective, key: RandomKey, report: SearchReport) throws -> SearchResult {
    guard let slopes = objective.slopes else {
      throw Fault(
        "not-differentiable", "adam needs the objective's gradient, and it has none",
        help: "cma_es(), which needs only values"
      )
    }
    var points = try initial ?? normalPoints(starts, objective.dimension, 1, key: key)
    var first = points.map { $0.map { _ in 0.0 } }
    var second = first
    var best = BestSoFar()
    var step = 0
    let reason = try untilStopped {
      let (values, gradients) = try slopes(points)
      best.take(points, values.map { $0.isNaN ? .infinity : $0 })
      report(best.evaluations, steps * points.count, best.value)
      let lr = schedule.over(steps).rate(rate, at: step)
      step += 1
      for i in points.indices where values[i].isFinite {
        update(&points[i], &first[i], &second[i], gradients[i], lr, step)
      }
      return step >= steps ? "budget" : nil
    }
    return try best.result(reason: reason)
  }

  /// One step as PyTorch computes it: bias-corrected moments, ε = 1e-8 outside of the root.
  private func update(
    _ x: inout [Double], _ m: inout [Double], _ v: inout [Double], _ gradient: [Double], _ lr: Double, _ step: Int
  ) {
    let (b1, b2) = (betas[0], betas[1])
    let c1 = 1 - power(b1, step)
    let c2 = 1 - power(b2, step)
    for j in x.indices {
      let g = signed ? (gradient[j] > 0 ? 1 : gradient[j] < 0 ? -1 : 0) : gradient[j]
      m[j] = b1 * m[j] + (1 - b1) * g
      v[j] = b2 * v[j] + (1 - b2) * g * g
      x[j] -= lr / c1 * m[j] / ((v[j] / c2).squareRoot() + 1e-8)
    }
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { product, _ in product * base }
  }
}
