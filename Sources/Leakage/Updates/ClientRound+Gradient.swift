// One gradient of a client, through the hooks of its defense that come before the update.
import Autodiff
import Ground
import Networks
import Tensors

extension ClientRound {
  /// The gradient of the mean cross-entropy of some of the round's examples, after what the defense does to single examples and
  /// to their mean.
  ///
  /// - Parameters:
  ///   - range: which examples.
  ///   - parameters: where the gradient is taken.
  /// - Throws: `other-mode` where single gradients are needed and batch normalisation would mix the examples.
  func gradient(_ range: Range<Int>, defense: (any Defense)?, parameters: Parameters, key: RandomKey) throws -> [Tensor]
  {
    let divisor = expected ?? range.count
    if range.isEmpty {
      let nothing = try parameters.values.map { try Tensor.zeros($0.shape, $0.dtype) }
      return try defense.map { try Chain([$0]).mean(nothing, examples: divisor, key: key.derive("mean")) } ?? nothing
    }
    let all = range == 0..<(images.shape.first ?? 0)
    func part(_ t: Tensor, _ range: Range<Int>) throws -> Tensor {
      try t.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
    }
    func targets(_ range: Range<Int>) throws -> Labels {
      try softLabels.map { .soft(Variable(try part($0, range))) } ?? .classes(try part(labels, range))
    }
    guard let defense, defense.needsExamples else {
      var gradient = try model.lossAndGradient(
        Variable(all ? images : part(images, range)), all ? self.targets : targets(range), parameters: parameters,
        mode: mode, key: key
      ).gradient.tensors
      if divisor != range.count {
        let share = Double(range.count) / Double(divisor)
        gradient = try gradient.map { try Tensor.combine(.mul, $0, share) }
      }
      return try defense.map { try Chain([$0]).mean(gradient, examples: divisor, key: key.derive("mean")) } ?? gradient
    }
    if mode == .train {
      throw Fault(
        "other-mode",
        "\(defense.written) needs the gradients of single examples, and in train mode they depend on each other",
        help: "mode: \"eval\"")
    }
    let chain = Chain([defense])
    // At most 16 M numbers of single gradients at a time (64 MB).
    let size = parameters.values.reduce(0) { $0 + $1.size }
    let chunk = max(1, (16 << 20) / max(size, 1))
    var sum: [Tensor]?
    for start in stride(from: range.lowerBound, to: range.upperBound, by: chunk) {
      try Interrupt.check()
      let piece = start..<min(start + chunk, range.upperBound)
      let each = try model.perExampleGradients(Variable(part(images, piece)), targets(piece), parameters: parameters)
      let changed = try chain.examples(
        each.map(\.value), names: parameters.names, key: key.derive("examples").derive(start))
      let own = try changed.map { try $0.reduce(.sum, axes: [0]) }
      sum = try sum.map { try zip($0, own).map { try Tensor.combine(.add, $0, $1) } } ?? own
    }
    let mean = try (sum ?? []).map { try Tensor.combine(.div, $0, Double(divisor)) }
    return try chain.mean(mean, examples: divisor, key: key.derive("mean"))
  }
}
