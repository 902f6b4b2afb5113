// Deep leakage from gradients (Zhu, Liu, Han, NeurIPS 2019): find pixels, and label logits with them, whose gradient is the
// one received; L-BFGS from standard normal noise. iDLG (Zhao, Mopuri, Bilen 2020) reads the label off the gradient first.
import Autodiff
import Ground
import Networks
import Tensors

/// `dlg()`, `idlg()`.
public struct DLG: Attack {
  /// Label logits are sought with the pixels (DLG); else labels are inferred (iDLG).
  public var jointLabels: Bool
  /// Steps of L-BFGS, each with up to 20 inner iterations.
  public var steps: Int
  /// Beginnings, the one with the least matching loss wins; later ones are not tried once a loss is `enough`.
  public var restarts: Int
  public var rate: Double
  /// A matching loss relative to ‖y‖² that leaves no doubt.
  public var enough: Double
  public var labelRule: LabelRule

  /// - Throws: `bad-argument`.
  public init(
    jointLabels: Bool = true, steps: Int = 300, restarts: Int = 5, rate: Double = 1, enough: Double = 1e-8,
    labelRule: LabelRule = .idlg
  ) throws {
    try requireArgument(steps >= 1 && restarts >= 1, "dlg: steps and restarts must be at least 1")
    try requireArgument(rate > 0 && rate.isFinite, "dlg: the rate must be positive, not \(rate)")
    self.jointLabels = jointLabels
    self.steps = steps
    self.restarts = restarts
    self.rate = rate
    self.enough = enough
    self.labelRule = labelRule
  }

  public var written: String {
    let options =
      (steps == 300 ? [] : ["steps: \(steps)"]) + (restarts == 5 ? [] : ["restarts: \(restarts)"])
      + (rate == 1 ? [] : ["lr: \(code(rate))"])
    return "\(jointLabels ? "dlg" : "idlg")(\(options.joined(separator: ", ")))"
  }

  public var threatModel: ThreatModel { ThreatModel(knows: [.exampleCount, .imageShape]) }

  /// Where one beginning has come to.
  private struct Trial {
    var point: [Tensor]
    var loss: Double
  }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    guard let shape = model.inputShape else {
      throw Fault("model-not-built", "\(written) needs the shape of an example, and \(model.written) has not met one")
    }
    let classes = try classCount(seen)
    let fixed = jointLabels ? nil : try labels(seen, setting, labelRule)
    let objective = try DLGObjective(seen, model, labels: fixed)
    let certain = try enough * max(seen.norm * seen.norm, 1e-30)
    var best: Trial?
    var history: [Double] = []
    var evaluations = 0
    let reason = try untilStopped {
      for restart in 0..<restarts {
        let key = setting.key.derive(restart)
        var start = [try Tensor.normal([seen.examples] + shape, key: key.derive("pixels"))]
        if jointLabels { start.append(try Tensor.normal([seen.examples, classes], key: key.derive("labels"))) }
        try descend(from: start, objective, certain: certain) { point, loss, spent in
          if loss < best?.loss ?? .infinity { best = Trial(point: point, loss: loss) }
          history.append(best?.loss ?? .infinity)
          evaluations += spent
          setting.progress.report(
            ProgressReport(
              written, done: history.count, total: steps * restarts,
              remark: "restart \(restart + 1) of \(restarts), loss \(short(best?.loss ?? .infinity))"))
        }
        if let best, best.loss <= certain { return "found" }
      }
      return "budget"
    }
    guard let best else {
      if reason == "interrupted" { throw Fault.interrupted }
      throw Fault(
        "diverged", "\(written) diverged in all \(restarts) restarts",
        help: "a smaller rate: \(jointLabels ? "dlg" : "idlg")(lr: 0.1)")
    }
    let found = try fixed ?? best.point[1].argmax(axis: 1).integers()
    return Leak(
      images: best.point[0], labels: found, loss: best.loss, history: history, evaluations: evaluations,
      interrupted: reason == "interrupted")
  }

  /// One beginning: steps until the loss is certain, is not a number, or has stood still for 10 steps.
  private func descend(
    from start: [Tensor], _ objective: DLGObjective, certain: Double,
    _ report: (_ point: [Tensor], _ loss: Double, _ evaluations: Int) -> Void
  ) throws {
    var optimiser = LBFGS(rate: rate)
    var point = start
    var lowest = Double.infinity
    var still = 0
    for _ in 0..<steps {
      try Interrupt.check()
      let before = optimiser.evaluations
      // The point with the least loss of the step's own evaluations: free, and never worse than the last.
      var near: (point: [Tensor], loss: Double)?
      point = try optimiser.step(point) { x in
        let value = try objective.lossAndGradient(x)
        if value.loss < near?.loss ?? .infinity { near = (x, value.loss) }
        return value
      }.point
      guard let near, near.loss.isFinite else { return }
      report(near.point, near.loss, optimiser.evaluations - before)
      if near.loss <= certain { return }
      still = near.loss < lowest * (1 - 1e-4) ? 0 : still + 1
      lowest = min(lowest, near.loss)
      if still >= 10 { return }
    }
  }
}

/// DLG's objective Σ_l ‖g̃_l − y_l‖² over pixels, and label logits where they are sought.
public struct DLGObjective {
  public let model: Model
  public let matching: Matching
  /// nil: logits are part of the point.
  public let labels: [Int]?

  public init(_ received: Update, _ model: Model, labels: [Int]?, knowing knowledge: Knowledge = .none) throws {
    self.model = model
    matching = try Matching(received, knowing: knowledge)
    self.labels = labels
  }

  /// - Parameter point: pixels `[k, …]`, then logits `[k, classes]` unless labels are given.
  public func callAsFunction(_ point: [Variable]) throws -> Variable {
    let targets: Labels =
      if let labels { .classes(try labelTensor(labels)) } else { .soft(try point[1].softmax(axis: 1)) }
    let gradient = try model.gradient(point[0], targets, recording: true)
    return try matching(gradient.values.map { try $0.unsqueeze(axis: 0) }).sum()
  }

  public func lossAndGradient(_ point: [Tensor]) throws -> (loss: Double, gradient: [Tensor]) {
    let watched = point.map { Variable($0).watched() }
    let loss = try callAsFunction(watched)
    let slopes = try gradients(of: loss, wrt: watched, recording: false)
    return (try loss.value.item(), try zip(slopes, point).map { try $0?.value ?? Tensor.zeros($1.shape, $1.dtype) })
  }
}
