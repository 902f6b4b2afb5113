// Hyper-parameters of a Gaussian process by Adam on its marginal likelihood, kept in ranges by a sigmoid.
import Ground
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Ranges, beginning and steps of a fit; the defaults are TuRBO's (Eriksson, Pearce, Gardner, Turner, Poloczek, "Scalable global
/// optimization via local Bayesian optimization", NeurIPS 2019).
public struct GPFit: Sendable {
  public var lengthscale = 0.005...2.0
  public var outputscale = 0.05...20.0
  public var noise = 5e-4...0.2
  public var startLengthscale = 0.5
  public var startOutputscale = 1.0
  public var startNoise = 0.005
  public var steps = 50
  public var rate = 0.1

  public init(steps: Int = 50) { self.steps = steps }

  /// Parameters after Adam's steps on −log likelihood / n, from the beginning.
  /// - Parameter points: `[n, d]` in the unit box, float64.
  public func callAsFunction(_ points: Tensor, _ values: [Double]) throws -> GPParameters {
    let d = points.shape[1]
    var raw =
      [GPFit.raw(startOutputscale, outputscale)]
      + [Double](repeating: GPFit.raw(startLengthscale, lengthscale), count: d)
      + [GPFit.raw(startNoise, noise), 0]
    var first = [Double](repeating: 0, count: raw.count)
    var second = first
    let n = Double(values.count)
    let likelihood = try MarginalLikelihood(points, values)
    for step in 1...max(steps, 1) where steps > 0 {
      try Interrupt.check()
      let parameters = self.parameters(raw)
      let slope = try likelihood(parameters).gradient
      // From the logarithm of a parameter p to its raw value: dp/draw / p.
      var gradient = [slope.outputscale * share(raw[0], outputscale)]
      for k in 0..<d { gradient.append(slope.lengthscales[k] * share(raw[1 + k], lengthscale)) }
      gradient += [slope.noise * share(raw[d + 1], noise), slope.mean]
      for k in raw.indices {
        let g = -gradient[k] / n
        first[k] = 0.9 * first[k] + 0.1 * g
        second[k] = 0.999 * second[k] + 0.001 * g * g
        let m = first[k] / (1 - pow(0.9, Double(step)))
        let v = second[k] / (1 - pow(0.999, Double(step)))
        raw[k] -= rate * m / (v.squareRoot() + 1e-8)
      }
    }
    return parameters(raw)
  }

  private func parameters(_ raw: [Double]) -> GPParameters {
    GPParameters(
      lengthscales: raw[1..<raw.count - 2].map { GPFit.value($0, lengthscale) },
      outputscale: GPFit.value(raw[0], outputscale), noise: GPFit.value(raw[raw.count - 2], noise),
      mean: raw[raw.count - 1])
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  private static func value(_ raw: Double, _ range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * sigmoid(raw)
  }
  private static func raw(_ value: Double, _ range: ClosedRange<Double>) -> Double {
    let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return log(share / (1 - share))
  }
  /// d log(value) / d raw.
  private func share(_ raw: Double, _ range: ClosedRange<Double>) -> Double {
    let s = GPFit.sigmoid(raw)
    return (range.upperBound - range.lowerBound) * s * (1 - s) / GPFit.value(raw, range)
  }
}
