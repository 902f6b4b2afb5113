// The way down for attacks on pixels: Adam from several beginnings side by side, with the habits of the literature (signs of the
// slope, a box, noise, seeds that are kept together), keeping the best images so far.
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

/// Where pixels begin.
public enum PixelStart: String, Sendable, CaseIterable {
  /// Normal numbers around the middle of the box, of half its width.
  case normal
  /// Uniform in the box.
  case uniform
  case grey
  case dark
  /// A random patch of 4 × 4 pixels, tiled.
  case patterned
  /// One of 16 × 16 pixels.
  case patterned16 = "patterned_16"

  /// `[count] + shape`.
  func images(_ count: Int, _ shape: [Int], low: Double, high: Double, key: RandomKey, dtype: DType) throws -> Tensor {
    let half = (high - low) / 2
    func boxed(_ draws: Tensor) throws -> Tensor {
      try Tensor.combine(.add, Tensor.combine(.mul, draws, half), low + half)
    }
    switch self {
    case .normal: return try boxed(.normal([count] + shape, key: key, dtype: dtype))
    case .uniform:
      let draws = try Tensor.uniform([count] + shape, key: key, dtype: dtype)
      return try Tensor.combine(.add, Tensor.combine(.mul, draws, high - low), low)
    case .grey: return try .full([count] + shape, low + half, dtype)
    case .dark: return try .full([count] + shape, low, dtype)
    case .patterned, .patterned16:
      guard shape.count == 3 else {
        return try PixelStart.normal.images(count, shape, low: low, high: high, key: key, dtype: dtype)
      }
      let (h, w) = (shape[1], shape[2])
      let side = self == .patterned ? 4 : 16
      let patch = try boxed(.normal([count, shape[0], 1, side, 1, side], key: key, dtype: dtype))
      let tiles = ((h + side - 1) / side, (w + side - 1) / side)
      return
        try patch
        .broadcast(to: [count, shape[0], tiles.0, side, tiles.1, side])
        .reshape([count, shape[0], tiles.0 * side, tiles.1 * side])
        .slice(axis: 2, from: 0, to: h).slice(axis: 3, from: 0, to: w).contiguous()
    }
  }
}

/// What becomes of the slope before Adam sees it.
public enum SlopeSign: String, Sendable, CaseIterable {
  case none
  /// Its sign (Inverting Gradients).
  case hard
  /// tanh(s·g)/s with s from 1 down to 0 over the steps (breaching): signs at first, the slope in the end.
  case soft
}

/// How pixels are moved.
public struct PixelDescent: Sendable {
  public var steps: Int
  public var rate: Double
  public var schedule = RateShape.decay
  /// Steps over which the rate grows to its own.
  public var warmUp = 0
  public var sign = SlopeSign.hard
  public var start = PixelStart.normal
  /// Pixels are kept in `low...high`.
  public var boxed = true
  public var low = 0.0
  public var high = 1.0
  /// Normal noise of rate · this on the pixels after each step.
  public var langevin = 0.0
  /// L-BFGS instead of Adam: one beginning after the other, `sign`, `schedule`, `warmUp`, `langevin` and `group` mean nothing.
  public var isQuasiNewton = false
  /// Weight of each trial's distance to the mean of the trials, from step `groupFrom` on.
  public var group = 0.0
  public var groupFrom = 0

  public init(steps: Int, rate: Double) {
    self.steps = steps
    self.rate = rate
  }

  /// What a descent found.
  public struct Found {
    public var images: Tensor
    public var loss: Double
    public var history: [Double]
    public var evaluations: Int
    public var interrupted: Bool
  }

  /// The best images of all trials and steps.
  /// - Parameters:
  ///   - shape: of one example.
  ///   - name: for progress.
  /// - Throws: `interrupted` where nothing was found yet, `diverged`.
  public func run(
    _ objective: PixelObjective, trials: Int, shape: [Int], key: RandomKey, name: String, progress: any ProgressSink
  ) throws -> Found {
    let examples = objective.rehearsal.labels.count
    var best: (images: Tensor, loss: Double)?
    var history: [Double] = []
    let reason = try untilStopped {
      let parts = try (0..<trials).map {
        try start.images(
          examples, shape, low: low, high: high, key: key.derive($0), dtype: objective.rehearsal.model.dtype)
      }
      let begun = parts.count == 1 ? parts[0] : try Tensor.concat(parts, axis: 0)
      let all = isQuasiNewton ? steps * trials : steps
      try descend(from: begun, objective, key: key) { images, losses in
        let usable = losses.indices.filter { losses[$0].isFinite }
        if let place = usable.min(by: { losses[$0] < losses[$1] }), losses[place] < best?.loss ?? .infinity {
          let own =
            losses.count == 1 ? images : try images.slice(axis: 0, from: place * examples, to: (place + 1) * examples)
          best = (try own.contiguous(), losses[place])
        }
        history.append(best?.loss ?? .infinity)
        if history.count % 5 == 0 || trials > 4 {
          progress.report(
            ProgressReport(
              name, done: history.count, total: max(all, history.count),
              remark: "loss \(short(best?.loss ?? .infinity))",
              preview: best.map { Preview(of: $0.images) }))
        }
      }
      return "budget"
    }
    guard let best else {
      if reason == "interrupted" { throw Fault.interrupted }
      let first = try start.images(
        examples, shape, low: low, high: high, key: key.derive(0), dtype: objective.rehearsal.model.dtype)
      throw diverged(name, step: 1) { _ = try objective.withSlopes(first) }
    }
    return Found(
      images: best.images, loss: best.loss, history: history, evaluations: history.count * (isQuasiNewton ? 1 : trials),
      interrupted: reason == "interrupted")
  }

  /// The steps from one beginning; `report` gets each point and its losses before the step.
  /// - Returns: the images after the last step.
  @discardableResult public func descend(
    from start: Tensor, _ objective: PixelObjective, key: RandomKey,
    _ report: (_ images: Tensor, _ losses: [Double]) throws -> Void
  ) throws -> Tensor {
    if isQuasiNewton { return try descendByLBFGS(from: start, objective, report) }
    var optimiser = Adam(rate: rate)
    var images = start
    let trials = max(1, start.shape[0] / max(1, objective.rehearsal.labels.count))
    for step in 0..<steps {
      try Interrupt.check()
      var (losses, slope) = try objective.withSlopes(images)
      try report(images, losses)
      if losses.allSatisfy({ !$0.isFinite }) { return images }
      if group > 0, trials > 1, step >= groupFrom { slope = try Tensor.combine(.add, slope, pull(images, trials)) }
      let now = schedule.over(steps).rate(rate, at: step) * min(1, Double(step + 1) / Double(max(1, warmUp)))
      optimiser.rate = now
      images = try optimiser.step([images], [changed(slope, step)])[0]
      if langevin > 0 {
        let noise = try Tensor.normal(
          images.shape, key: key.derive("langevin").derive(step), dtype: images.dtype)
        images = try images.multiplyAdd(langevin * now, noise)
      }
      if boxed { images = try images.clamp(low, high) }
    }
    return images
  }

  private func changed(_ slope: Tensor, _ step: Int) throws -> Tensor {
    switch sign {
    case .none: return slope
    case .hard: return try slope.map(.sign)
    case .soft:
      let s = 1 - Double(step) / Double(max(1, steps))
      return try Tensor.combine(.div, Tensor.combine(.mul, slope, s).map(.tanh), s)
    }
  }

  /// The slope of weight · Σ ‖xᵢ − mean‖₂ over the trials, the mean held still (GradInversion's lazy group consistency).
  private func pull(_ images: Tensor, _ trials: Int) throws -> Tensor {
    let split = try images.reshape([trials, images.size / trials])
    let away = try Tensor.combine(.sub, split, split.reduce(.mean, axes: [0], keep: true))
    let lengths = try away.map(.square).reduce(.sum, axes: [1], keep: true).map(.sqrt)
    let unit = try Tensor.combine(.div, away, Tensor.combine(.add, lengths, 1e-12))
    return try Tensor.combine(.mul, unit, group).reshape(images.shape)
  }
}
