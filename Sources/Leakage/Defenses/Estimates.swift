// What an attacker reads off an update about the defense: the noise, the share of zeros, the bound, and how far even the true image's
// gradient must be from what was received.
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

/// Estimates of a defense's parameters from one update alone.
public struct Estimates: Sendable {
  /// Standard deviation of the noise on an entry: an upper one, since the gradient itself cannot be told from it.
  public let sigma: Double
  /// Share of zeros: of each tensor, and of all entries together.
  public let rates: [Double]
  public let rate: Double
  public let norm: Double
  /// √(‖y‖² − D σ̂²) with D entries that are not 0: the norm before the noise.
  public let bound: Double
  /// D σ̂²: the squared distance that noise alone makes.
  public let floor: Double

  /// - Parameter noisy: whether there is noise at all; without it σ̂ is 0.
  public init(_ update: Update, noisy: Bool = true) throws {
    rates = try update.tensors.map { t in
      t.size == 0 ? 0 : try Tensor.compare(.equal, t, 0).converted(to: .float64).reduce(.mean).item()
    }
    rate = try update.sparsity
    norm = try update.norm
    sigma = noisy ? try Estimates.noise(update.tensors, rates) : 0
    floor = sigma * sigma * Double(update.size) * (1 - rate)
    bound = max(0, norm * norm - floor).squareRoot()
  }

  /// 1.4826 · median |y − median y| of the tensor where it is least, among those of at least a tenth of the largest size: a gradient only
  /// adds to it. Where entries were removed by size, the smallest that is left is a quantile of |noise|: σ = t / Φ⁻¹((1 + share of zeros) / 2);
  /// that they were shows in how far from 0 it lies.
  private static func noise(_ tensors: [Tensor], _ rates: [Double]) throws -> Double {
    let largest = tensors.reduce(0) { max($0, $1.size) }
    var best: Double?
    for (t, rate) in zip(tensors, rates) where t.size * 10 >= largest && t.size > 1 && rate < 1 {
      let values = try t.doubles().filter { $0 != 0 }
      let sizes = values.map(abs).sorted()
      let sigma: Double
      let (edge, half) = (normalQuantile((1 + rate) / 2), normalQuantile((3 + rate) / 4))
      if rate > 0.01, sizes[0] > 0.5 * edge / half * percentile(sorted: sizes, 50) {
        sigma = sizes[0] / edge
      } else {
        let middle = percentile(sorted: values.sorted(), 50)
        sigma = 1.4826 * percentile(sorted: values.map { abs($0 - middle) }.sorted(), 50)
      }
      best = min(best ?? sigma, sigma)
    }
    return best ?? 0
  }

  /// Φ⁻¹(p) for ½ < p < 1, by bisection.
  static func normalQuantile(_ p: Double) -> Double {
    var (low, high) = (0.0, 40.0)
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if erfc(-middle / 2.0.squareRoot()) / 2 < p { low = middle } else { high = middle }
    }
    return max(high, 1e-12)
  }
}

/// The squared distance that is to be expected between what was received and the imitation of the true gradient: what the random parts of
/// the defense leave, entry by entry. A search that has come this far has found all there is; less is luck.
///
/// 0 without a defense, or where nothing is known of it.
public func expectedFloor(of update: Update, knowing knowledge: Knowledge) throws -> Double {
  guard knowledge != .none, let members = update.defense?.members else { return 0 }
  let arrived = Double(update.size) * (try members.allSatisfy(\.keepsZeros) ? 1 : 1 - update.sparsity)
  if knowledge == .known { return members.reduce(0) { $0 + $1.noiseVariance(update.examples) } * arrived }
  let noisy = members.contains { $0.noiseVariance(update.examples) > 0 }
  return try noisy ? Estimates(update).floor : 0
}
