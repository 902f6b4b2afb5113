// Learning rates that change with the step, as the attacks of the literature use them.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The learning rate at each step, from a base rate.
public enum Schedule: Sendable, Equatable {
  case constant
  /// GGL's ramp over `steps`: up over the first twentieth, cosine down over the last quarter (StyleGAN2's projector,
  /// Karras et al. 2020, with these lengths).
  case ramp(steps: Int)
  /// Inverting Gradients' decay: a tenth after 3/8, 5/8 and 7/8 of `steps`.
  case decay(steps: Int)
  /// Half a cosine from the base rate to 0.
  case cosine(steps: Int)

  /// The rate for step `index`, counted from 0.
  public func rate(_ base: Double, at index: Int) -> Double {
    switch self {
    case .constant: return base
    case .ramp(let steps):
      let t = Double(index) / Double(max(steps, 1))
      let down = 0.5 - 0.5 * cos(Double.pi * min(1, (1 - t) / 0.25))
      return base * down * min(1, t / 0.05)
    case .decay(let steps):
      let passed = [2.667, 1.6, 1.142].count { Double(index) >= Schedule.floorDivision(Double(steps), $0) }
      return (0..<passed).reduce(base) { rate, _ in rate * 0.1 }
    case .cosine(let steps):
      return base * 0.5 * (1 + cos(Double.pi * Double(min(index, steps)) / Double(max(steps, 1))))
    }
  }

  /// Python's `a // b`: 24 // 1.6 is 14, because 1.6 in binary is a little more.
  private static func floorDivision(_ a: Double, _ b: Double) -> Double {
    ((a - a.truncatingRemainder(dividingBy: b)) / b).rounded()
  }
}
