// Learning to invert (Wu, Chen, Guo, Weinberger, UAI 2023): a network is trained to give back the image of a gradient, on public images whose
// gradients the attacker defends as the client does.
import Autodiff
import Ground
import Networks
import Tensors

/// `lti(digits.public)`.
///
/// The attacker plays the client on public images, `draws` times with the client's defense, its randomness drawn afresh; gradients of
/// more than `features` numbers are hashed to that many (as in the paper, for large models), scaled to one length and standardised.
/// A network with two hidden layers learns the image from them, for batches up to the order of the images (least squared error over
/// assignments). Nine tenths of the draws train it, the rest choose the epoch and give the loss. What is learnt is kept for the next
/// update of the same model and defense.
public struct LearnedInversion: Attack {
  public let images: Tensor
  public let imageLabels: [Int]
  public var draws: Int
  public var hidden: Int
  public var features: Int
  public var epochs: Int
  public var rate: Double
  public var seed: Int
  public var adapt: Knowledge
  public var labelRule: LabelRule
  private let shelf = Shelf()

  /// - Parameters:
  ///   - images: public, `[n, c, h, w]`, with their labels.
  ///   - seed: of all draws: the same seed learns the same, whatever was run before.
  /// - Throws: `bad-argument`, `shape-mismatch`.
  public init(
    _ images: Tensor, labels: [Int], draws: Int = 3000, hidden: Int = 512, features: Int = 2048, epochs: Int = 30,
    lr rate: Double = 1e-3, seed: Int = 0, adapt: Knowledge = .known, labelRule: LabelRule = .combined
  ) throws {
    try requireArgument(
      draws >= 20 && epochs >= 1 && hidden >= 1 && features >= 1 && hidden <= 1 << 14 && features <= 1 << 16,
      "lti: draws must be at least 20, epochs at least 1, hidden 1…16384, features 1…65536")
    try requireArgument(rate > 0, "lti: the rate must be positive")
    try requireArgument(
      adapt == .known || adapt == .none,
      "lti plays the client, and for that the defense must be \"known\", or \"none\" be assumed")
    guard images.rank == 4, images.shape[0] == labels.count, !labels.isEmpty else {
      throw Fault(
        "shape-mismatch",
        "public images are a batch [n, c, h, w] with n labels, not \(shapeText(images.shape)) with \(labels.count)")
    }
    self.images = images
    imageLabels = labels
    self.draws = draws
    self.hidden = hidden
    self.features = features
    self.epochs = epochs
    self.rate = rate
    self.seed = seed
    self.adapt = adapt
    self.labelRule = labelRule
  }

  public var written: String {
    func option(_ name: String, _ value: Int, _ standard: Int) -> String {
      value == standard ? "" : ", \(name): \(value)"
    }
    return "lti(\(imageLabels.count) images" + option("draws", draws, 3000) + option("hidden", hidden, 512)
      + option("features", features, 2048) + option("epochs", epochs, 30) + (rate == 1e-3 ? "" : ", lr: \(code(rate))")
      + option("seed", seed, 0) + (adapt == .known ? "" : ", adapt: \"\(adapt.rawValue)\"") + ")"
  }

  public var threatModel: ThreatModel {
    ThreatModel(knows: [.exampleCount, .publicImages] + ThreatModel.facts(for: adapt))
  }
  public var accepts: Accepted { [.trainMode] }
  public var ingredients: [Tensor] { [images] }

  public func adapting(_ knowledge: Knowledge) -> (any Attack)? {
    guard knowledge == .known || knowledge == .none else { return nil }
    var other = self
    other.adapt = knowledge
    return other
  }

  public func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    let found = try labels(seen, setting, labelRule)
    try model.build(for: Array(images.shape.dropFirst()))
    let defense = adapt == .known ? seen.defense : nil
    // A person's own function may do something else though it reads the same.
    let own = defense?.members.contains { $0 is FunctionDefense } ?? false
    let mark = try own ? nil : mark(seen, model, defense)
    var decoder = shelf.decoder(mark)
    if decoder == nil {
      let examples = try Rehearsals(self, seen, model, defense, setting.progress)
      decoder = try GradientDecoder(self, examples, setting.progress)
      if let mark, let decoder, !decoder.interrupted { shelf.keep(decoder, mark) }
    }
    guard let decoder else { throw Fault.interrupted }
    return Leak(
      images: try decoder.images(of: seen.tensors).converted(to: model.dtype), labels: found, loss: decoder.loss,
      history: decoder.history,
      evaluations: draws, interrupted: decoder.interrupted)
  }

  private func mark(_ seen: Update, _ model: Model, _ defense: (any Defense)?) throws -> String {
    var digest = Digest()
    for tensor in try model.parameters.tensors + model.buffers.tensors { try digest.add(tensor) }
    for text in [model.written, defense?.written ?? "none", written, "\(seen.mode)"] { digest.add(text) }
    digest.add(UInt64(seen.examples))
    return digest.text
  }
}

/// The decoders learnt last: as many as an audit has defenses for one model, some 10 MB each.
private final class Shelf: @unchecked Sendable {  // Seep's evaluation is single threaded
  private var kept: [(mark: String, decoder: GradientDecoder)] = []

  func decoder(_ mark: String?) -> GradientDecoder? { kept.first { $0.mark == mark }?.decoder }

  func keep(_ decoder: GradientDecoder, _ mark: String) {
    kept = [(mark, decoder)] + kept.prefix(15)
  }
}
