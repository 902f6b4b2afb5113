// The way down for attacks whose images come out of a network: Adam on what it is given, on what passes between its layers, or on its
// weights, until the gradient of its images comes near to the one received.
import Autodiff
import Ground
import Networks
import Tensors

/// Adam on tensors that images are made of.
struct GeneratorDescent {
  let objective: PixelObjective
  var steps: Int
  var rate: Double
  var schedule = RateShape.cosine
  /// Puts the values back where they may be, after each step.
  var project: (([Tensor]) throws -> [Tensor])?

  init(_ objective: PixelObjective, steps: Int, rate: Double, schedule: RateShape = .cosine) {
    self.objective = objective
    self.steps = steps
    self.rate = rate
    self.schedule = schedule
  }

  /// The best that was found, of one trial.
  struct Best {
    /// What the images were made of; rows of all trials where there were several.
    var values: [Tensor]
    var images: Tensor
    var loss: Double
    /// Which trial it was.
    var trial: Int
  }

  /// - Parameters:
  ///   - draw: images `[trials · examples, c, h, w]` of the values.
  ///   - report: after each step, with the best so far, nil while no loss was finite.
  func run(
    from start: [Tensor], draw: ([Variable]) throws -> Variable, report: (_ best: Best?) throws -> Void
  ) throws {
    let examples = max(1, objective.rehearsal.labels.count)
    var best: Best?
    var values = start
    var optimiser = Adam(rate: rate)
    for step in 0..<steps {
      try Interrupt.check()
      let leaves = values.map { Variable($0).watched() }
      let drawn = try draw(leaves)
      let images = try drawn.value.contiguous()
      let (losses, slopes) = try objective.withSlopes(images)
      let usable = losses.indices.filter { losses[$0].isFinite }
      if let trial = usable.min(by: { losses[$0] < losses[$1] }), losses[trial] < best?.loss ?? .infinity {
        let own = try images.slice(axis: 0, from: trial * examples, to: (trial + 1) * examples).contiguous()
        best = Best(values: values, images: own, loss: losses[trial], trial: trial)
      }
      try report(best)
      if usable.isEmpty { return }
      let pulled = try gradients(of: (drawn * Variable(slopes)).sum(), wrt: leaves, recording: false)
      optimiser.rate = schedule.over(steps).rate(rate, at: step)
      values = try optimiser.step(
        values, zip(values, pulled).map { try $1?.value ?? .zeros($0.shape, $0.dtype) })
      if let project { values = try project(values) }
    }
  }
}

/// What attacks in several stages have found so far, and where they tell it.
final class StagedSearch {
  private let written: String
  private let total: Int
  private let progress: any ProgressSink
  private(set) var best: (images: Tensor, loss: Double)?
  private(set) var history: [Double] = []

  /// - Parameter total: steps of all stages.
  init(_ written: String, total: Int, _ progress: any ProgressSink) {
    self.written = written
    self.total = total
    self.progress = progress
  }

  /// Takes a step in.
  func take(_ found: GeneratorDescent.Best?, stage: String) {
    if let found, found.loss < best?.loss ?? .infinity { best = (found.images, found.loss) }
    history.append(best?.loss ?? .infinity)
    guard history.count % 5 == 0 else { return }
    progress.report(
      ProgressReport(
        written, done: history.count, total: total, remark: "\(stage), loss \(short(best?.loss ?? .infinity))",
        preview: best.map { Preview(of: $0.images) }))
  }

  /// - Parameters:
  ///   - reason: why the search ended.
  ///   - again: computes the first loss once more, for the diagnostic where none was finite.
  /// - Throws: `interrupted` where nothing was found yet, `diverged`.
  func leak(_ labels: [Int], reason: String, evaluations: Int, again: () throws -> Void) throws -> Leak {
    guard let best else {
      if reason == "interrupted" { throw Fault.interrupted }
      throw diverged(written, step: 1, again)
    }
    return Leak(
      images: best.images, labels: labels, loss: best.loss, history: history, evaluations: evaluations,
      interrupted: reason == "interrupted")
  }
}
