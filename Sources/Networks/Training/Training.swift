// Supervised training with cross-entropy. The order of the examples and every random draw come from keys, so the same seed
// gives the same bits whatever the number of threads.
import Autodiff
import Ground
import Tensors

/// What training did.
public struct Training {
  public let model: Model
  /// Mean loss over the examples of each epoch, measured while it ran.
  public let losses: [Double]
}

/// How a model is trained.
public struct TrainingOptions: Sendable {
  public var epochs: Int
  public var batch: Int
  public var optimiser: any Optimiser
  public var schedule: @Sendable (_ base: Double, _ step: Int, _ steps: Int) -> Double

  public init(
    epochs: Int, batch: Int = 64, optimiser: any Optimiser = Adam(),
    schedule: @escaping @Sendable (_ base: Double, _ step: Int, _ steps: Int) -> Double = { base, _, _ in base }
  ) {
    self.epochs = epochs
    self.batch = batch
    self.optimiser = optimiser
    self.schedule = schedule
  }
}

extension Model {
  /// Trains on images `[n, …]` with int64 labels `[n]`.
  ///
  /// - Parameters:
  ///   - key: order of the examples and dropout.
  ///   - afterEpoch: is given the model after every epoch and its mean loss: for checkpoints, so that an interrupt (which
  ///     is thrown) loses at most one epoch.
  /// - Throws: `shape-mismatch`, `bad-argument`, `not-finite` where the loss stops being a number, `interrupted`.
  public func trained(
    on images: Tensor, labels: Tensor, options: TrainingOptions, key: RandomKey,
    progress: any ProgressSink = SilentProgress(),
    afterEpoch: (_ epoch: Int, _ model: Model, _ loss: Double) throws -> Void = { _, _, _ in }
  ) throws -> Training {
    let count = try pairedCount(images, labels)
    guard options.epochs > 0, options.batch > 0 else {
      throw Fault(
        "bad-argument",
        "training needs at least 1 epoch and a batch of at least 1, not \(options.epochs) and \(options.batch)")
    }
    try build(for: Array(images.shape.dropFirst()))
    defer { progress.finish("training") }
    let steps = options.epochs * ((count + options.batch - 1) / options.batch)
    let base = options.optimiser.rate
    var optimiser = options.optimiser
    var (model, losses, step) = (self, [Double](), 0)
    for epoch in 0..<options.epochs {
      var stream = RandomStream(key.derive("order").derive(epoch))
      let order = stream.permutation(count)
      var total = 0.0
      for start in stride(from: 0, to: count, by: options.batch) {
        let chosen = order[start..<min(start + options.batch, count)]
        let indices = try Tensor(chosen.map { Int64($0) }, shape: [chosen.count])
        let found = try model.lossAndGradient(
          Variable(images.indexSelect(axis: 0, indices)), .classes(labels.indexSelect(axis: 0, indices)),
          mode: .train, key: key.derive("noise").derive(step))
        let loss = try found.loss.value.item()
        guard loss.isFinite else {
          let origin = firstNotFinite {
            _ = try model.lossAndGradient(
              Variable(images.indexSelect(axis: 0, indices)), .classes(labels.indexSelect(axis: 0, indices)),
              mode: .train, key: key.derive("noise").derive(step))
          }
          throw Fault(
            "not-finite", "the loss is \(loss) at step \(step + 1) of training", notes: origin.map { [$0] } ?? [],
            help: "a smaller learning rate")
        }
        optimiser.rate = options.schedule(base, step, steps)
        let values = try optimiser.step(model.parameters.tensors, found.gradient.tensors)
        model = try model.with(values: values, buffers: found.buffers)
        total += loss * Double(chosen.count)
        step += 1
        progress.report(ProgressReport("training", done: step, total: steps, remark: "loss \(rounded(loss))"))
      }
      losses.append(total / Double(count))
      try afterEpoch(epoch, model, total / Double(count))
    }
    return Training(model: model, losses: losses)
  }

  /// Outputs for images `[n, …]`, computed `batch` at a time.
  public func predict(_ images: Tensor, batch: Int = 256) throws -> Tensor {
    guard batch > 0, images.rank > 0, images.shape[0] > 0 else {
      throw Fault(
        "bad-argument", "predict needs at least one image and a batch of at least 1, not \(images.shape) and \(batch)")
    }
    let pieces = try stride(from: 0, to: images.shape[0], by: batch).map { start in
      let piece = try images.slice(axis: 0, from: start, to: min(start + batch, images.shape[0]), step: 1)
      return try forward(Variable(piece)).output.value
    }
    return pieces.count == 1 ? pieces[0] : try Tensor.concat(pieces, axis: 0)
  }

  /// Share of images whose largest logit is their label's.
  public func accuracy(on images: Tensor, labels: Tensor, batch: Int = 256) throws -> Double {
    let count = try pairedCount(images, labels)
    let guesses = try predict(images, batch: batch).argmax(axis: 1, keep: false).integers()
    let truths = try labels.integers()
    return Double(zip(guesses, truths).count { $0 == $1 }) / Double(count)
  }

  private func pairedCount(_ images: Tensor, _ labels: Tensor) throws -> Int {
    guard let count = images.shape.first, count > 0, labels.shape == [count] else {
      throw Fault(
        "shape-mismatch", "images of shape \(images.shape) and labels of shape \(labels.shape) do not belong together",
        notes: ["They should be [n, channels, height, width] and [n]."],
        operands: [0: "\(images.shape)", 1: "\(labels.shape)"])
    }
    return count
  }

  /// Four decimals.
  private func rounded(_ value: Double) -> String { "\((value * 10000).rounded() / 10000)" }
}
