// What a client would have sent for candidate images: the attacker rehearses the client's round, as one gradient or as several
// steps, for several trials at once, and compares.
import Autodiff
import Ground
import Networks
import Tensors

/// The distance between an update and what the client would have sent for other images. A trial is as many images as the update has
/// examples; trials lie one after another in a batch.
public struct Rehearsal {
  public let model: Model
  public let matching: Matching
  /// One for each example of the update, in the order of a trial's images.
  public let labels: [Int]
  private let kind: Update.Kind
  private let slices: [Range<Int>]?
  private let mode: Mode

  /// - Parameters:
  ///   - model: the client's; a defense that changed it is imitated here.
  ///   - knowledge: what is known of the defense.
  /// - Throws: `shape-mismatch` where the update's steps are on examples it does not have.
  public init(
    _ seen: Update, _ model: Model, labels: [Int], knowing knowledge: Knowledge, distance: Distance = .cosine,
    weights: TensorWeights = .equal
  ) throws {
    self.model = try adapted(model, to: seen, knowing: knowledge)
    matching = try Matching(seen, knowing: knowledge, distance: distance, weights: weights)
    self.labels = labels
    kind = seen.kind
    mode = seen.mode
    slices = seen.slices
    if let wrong = seen.slices?.first(where: { $0.lowerBound < 0 || $0.upperBound > labels.count }) {
      throw Fault("shape-mismatch", "a local step takes the examples \(wrong), and the update has \(labels.count)")
    }
  }

  init(_ matching: Matching, _ model: Model, labels: [Int]) {
    self.model = model
    self.matching = matching
    self.labels = labels
    kind = .gradient
    mode = .eval
    slices = nil
  }

  /// Distances of trials, with the pass on all their images where there was one.
  struct Result {
    /// `[trials]`.
    var distances: Variable
    var pass: Model.Pass?
  }

  /// - Parameter images: `[trials · examples] + example`.
  func callAsFunction(_ images: Variable) throws -> Result {
    let (examples, count) = (labels.count, images.shape[0] / max(labels.count, 1))
    if kind == .gradient, mode == .eval, examples == 1 {
      let targets = Labels.classes(try labelTensor((0..<count).flatMap { _ in labels }))
      let tapped = try model.tappedGradients(images, targets, recording: true)
      let each = try model.trackedGradients(tapped)
      if examples == 1 { return Result(distances: try matching(each), pass: tapped.pass) }
      let means = try each.map {
        let own = try $0.gradients()
        return try own.reshape([count, examples] + own.shape.dropFirst()).mean(axes: [1])
      }
      return Result(distances: try matching(means), pass: tapped.pass)
    }
    let distances = try (0..<count).map { trial in
      let own = count == 1 ? images : try images.slice(axis: 0, from: trial * examples, to: (trial + 1) * examples)
      return try matching(update(of: own).map { try $0.unsqueeze(axis: 0) })
    }
    return Result(distances: distances.count == 1 ? distances[0] : try Variable.concat(distances, axis: 0), pass: nil)
  }

  /// Gradients of single examples are kept where they are no more than 16 M numbers; a lone example's need not be.
  private func fits(trials: Int) -> Bool {
    labels.count == 1 || matching.target.reduce(0) { $0 + $1.size } * labels.count * trials <= 16 << 20
  }

  /// What the client would have sent for one trial's images, differentiable in them.
  func update(of images: Variable) throws -> [Variable] {
    switch kind {
    case .gradient:
      return try model.gradient(images, .classes(labelTensor(labels)), mode: mode, recording: true).values
    case .difference(let steps, let rate):
      try model.build(for: Array(images.shape.dropFirst()))
      let start = try model.parameters.watched()
      var now = start
      let all = 0..<labels.count
      for range in slices ?? [Range<Int>](repeating: all, count: steps) {
        let part = range == all ? images : try images.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
        let targets = Labels.classes(try labelTensor(Array(labels[range])))
        let pass = try model.forward(part, parameters: now, mode: mode)
        let plain = try Model.loss(pass.output, targets)
        let slopes = try gradients(
          of: pass.penalty.map { try plain + $0 } ?? plain, wrt: now.values, recording: true)
        now = try now.with(values: zip(now.values, slopes).map { p, slope in try slope.map { try p - rate * $0 } ?? p })
      }
      return try (now - start).values
    }
  }

  /// Trials whose passes, with what derivatives of derivatives keep, fit in some 800 MB.
  var trialsAtOnce: Int {
    let numbers = model.plan?.slots.reduce(0) { $0 + $1.output.reduce(1, *) } ?? 0
    let steps = slices?.count ?? 1
    return max(1, (24 << 20) / max(1, numbers * labels.count * steps))
  }
}
