// Learning rates over the steps of a gradient search.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How the learning rate changes.
public enum Schedule: String, Sendable, CaseIterable {
  case constant
  /// Warm-up over the first twentieth, cosine ramp to 0 over the last quarter: the ramp of StyleGAN2's projector, used by GGL
  /// for ImageNet and by GIFD.
  case ramp
  /// A tenth of the rate after 3/8, 5/8 and 7/8 of the steps: Inverting Gradients, and GGL for CelebA.
  case steps
  /// Half a cosine from the full rate to 0.
  case cosine

  /// The factor at step `step` (from 0) of `total`.
  public func factor(_ step: Int, of total: Int) -> Double {
    let t = Double(step) / Double(max(total, 1))
    switch self {
    case .constant: return 1
    case .ramp:
      let fall = 0.5 - 0.5 * cos(.pi * min(1, (1 - t) / 0.25))
      return fall * min(1, t / 0.05)
    case .steps:
      // Floor divisions as in the published code: 24 steps change at 8, 14 and 21.
      let marks = [2.667, 1.6, 1.142].map { (Double(total) / $0).rounded(.down) }
      return marks.reduce(1) { Double(step) >= $1 ? $0 * 0.1 : $0 }
    case .cosine: return 0.5 + 0.5 * cos(.pi * t)
    }
  }
}
