// Line search for the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6) with cubic
// interpolation, and the safeguards of torch.optim.LBFGS, so that evaluations can be compared with it.

/// Looks along one direction for a step with enough decrease and a slope near zero.
struct StrongWolfe {
  /// The loss along the direction at one step.
  struct Trial {
    var step: Double
    var loss: Double
    var gradient: [Double]
    var slope: Double
  }

  private let origin: Trial
  private let direction: [Double]
  private let decrease = 1e-4
  private let curvature = 0.9
  private let tolerance = 1e-9
  private let mostTrials: Int
  private var trials = 0

  /// - Parameter mostTrials: evaluations after the first.
  init(loss: Double, gradient: [Double], slope: Double, direction: [Double], mostTrials: Int) {
    origin = Trial(step: 0, loss: loss, gradient: gradient, slope: slope)
    self.direction = direction
    self.mostTrials = mostTrials
  }

  mutating func run(from first: Double, _ look: (Double) throws -> (loss: Double, gradient: [Double])) throws -> Trial {
    let bracket = try expand(trial(first, look), look)
    guard bracket.count == 2 else { return bracket[0] }
    return try narrow(bracket, look)
  }

  private typealias Look = (Double) throws -> (loss: Double, gradient: [Double])

  private func trial(_ step: Double, _ look: Look) throws -> Trial {
    let (loss, gradient) = try look(step)
    return Trial(step: step, loss: loss, gradient: gradient, slope: dot(gradient, direction))
  }

  private func isTooHigh(_ trial: Trial) -> Bool { trial.loss > origin.loss + decrease * trial.step * origin.slope }
  private func isFlat(_ trial: Trial) -> Bool { abs(trial.slope) <= -curvature * origin.slope }

  /// Grows the step until a good one is found (one trial) or lies between two.
  private mutating func expand(_ first: Trial, _ look: Look) throws -> [Trial] {
    var (last, now) = (origin, first)
    while trials < mostTrials {
      if isTooHigh(now) || (trials > 1 && now.loss >= last.loss) { return [last, now] }
      if isFlat(now) { return [now] }
      if now.slope >= 0 { return [last, now] }
      let bounds = (now.step + 0.01 * (now.step - last.step), now.step * 10)
      let step = cubicMinimum(last, now, bounds: bounds)
      (last, now) = (now, try trial(step, look))
      trials += 1
    }
    return [origin, now]
  }

  /// Shrinks the bracket around a good step.
  private mutating func narrow(_ start: [Trial], _ look: Look) throws -> Trial {
    var bracket = start
    let width = largest(direction)
    var stalled = false
    var low = bracket[0].loss <= bracket[1].loss ? 0 : 1
    while trials < mostTrials, abs(bracket[1].step - bracket[0].step) * width >= tolerance {
      let ends = (min(bracket[0].step, bracket[1].step), max(bracket[0].step, bracket[1].step))
      var step = cubicMinimum(bracket[0], bracket[1], bounds: ends)
      (step, stalled) = keptInside(step, ends, stalled)
      let trial = try trial(step, look)
      trials += 1
      if isTooHigh(trial) || trial.loss >= bracket[low].loss {
        bracket[1 - low] = trial
        low = bracket[0].loss <= bracket[1].loss ? 0 : 1
      } else {
        let isDone = isFlat(trial)
        if !isDone, trial.slope * (bracket[1 - low].step - bracket[low].step) >= 0 { bracket[1 - low] = bracket[low] }
        bracket[low] = trial
        if isDone { break }
      }
    }
    return bracket[low]
  }

  /// A step near an end of the bracket twice in a row is moved a tenth inside.
  private func keptInside(_ step: Double, _ ends: (Double, Double), _ stalled: Bool) -> (Double, Bool) {
    let margin = 0.1 * (ends.1 - ends.0)
    guard min(ends.1 - step, step - ends.0) < margin else { return (step, false) }
    guard stalled || step >= ends.1 || step <= ends.0 else { return (step, true) }
    return (abs(step - ends.1) < abs(step - ends.0) ? ends.1 - margin : ends.0 + margin, false)
  }

  /// Minimum of the cubic through two losses and slopes, kept within bounds; the middle of the bounds if it has none.
  private func cubicMinimum(_ a: Trial, _ b: Trial, bounds: (Double, Double)) -> Double {
    let d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.step - b.step)
    let square = d1 * d1 - a.slope * b.slope
    guard square >= 0 else { return (bounds.0 + bounds.1) / 2 }
    let (near, far) = a.step <= b.step ? (a, b) : (b, a)
    let d2 = square.squareRoot()
    let position = far.step - (far.step - near.step) * ((far.slope + d2 - d1) / (far.slope - near.slope + 2 * d2))
    return min(max(position, bounds.0), bounds.1)
  }
}
