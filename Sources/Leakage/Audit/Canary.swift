// The canary: before an attack counts, the gradient of a known example must be the one the client sends. What differs is found by
// trying what usually does.
import Autodiff
import Ground
import Networks
import Tensors

/// How alike an update and Seep's own for the same examples are.
public struct Canary: Sendable, Equatable {
  public var cosine: Double
  /// Length of the update, in lengths of Seep's own.
  public var scale: Double

  /// Smallest cosine that counts as the same gradient, and largest difference of lengths.
  public static let cosine = 0.999
  public static let tolerance = 0.01

  /// Compares an update with Seep's own of the same examples. A defense that the update names is applied to both; random ones make
  /// the canary fail, so it is best sent undefended.
  ///
  /// - Parameters:
  ///   - images: a batch `[n, c, h, w]` or one example, as the client's model sees it.
  ///   - labels: int64 `[n]`.
  /// - Throws: `canary-mismatch` saying what differs: sign, scale, mean or sum, mode, normalisation, labels, order of channels or axes,
  ///   or which tensors; `shape-mismatch` where the update is not one of the model's.
  public init(_ shared: Update, _ model: Model, _ images: Tensor, _ labels: Tensor) throws {
    let batch = images.rank == 3 || images.rank == 1 ? try images.unsqueeze(axis: 0) : images
    try model.build(for: Array(batch.shape.dropFirst()))
    try Canary.checkShapes(shared, model)
    let mode = shared.mode
    let own = try Canary.own(shared, model, batch, labels, mode)
    (cosine, scale) = try Canary.compare(shared, own)
    if cosine >= Canary.cosine, abs(scale - 1) <= Canary.tolerance { return }
    if abs(cosine) >= Canary.cosine {
      throw Canary.scaleFault(cosine, scale, examples: labels.size)
    }
    throw try Canary.explain(shared, model, batch, labels, mode, cosine, own)
  }

  private static func checkShapes(_ shared: Update, _ model: Model) throws {
    var plain = shared
    (plain.loss, plain.scale) = ("cross_entropy", 1)
    try plain.check(against: model)
  }

  /// What Seep's client would send in the same way of these examples.
  static func own(
    _ shared: Update, _ model: Model, _ images: Tensor, _ labels: Tensor, _ mode: Mode
  ) throws -> Update {
    let key = RandomKey(seed: 0)
    switch shared.kind {
    case .gradient: return try share(model, images, labels, defense: shared.defense, mode: mode, key: key)
    case .difference(let steps, let rate):
      return try localUpdate(
        model, images, labels, steps: steps, lr: rate, batch: shared.slices?.first?.count ?? 0, defense: shared.defense,
        mode: mode, key: key)
    }
  }

  private static func compare(_ a: Update, _ b: Update) throws -> (Double, Double) {
    let (x, y) = (try a.norm, try b.norm)
    guard x.isFinite, x > 0 else {
      throw Fault("canary-mismatch", "the update has the norm \(x), and Seep's own has \(compact(y))")
    }
    var product = 0.0
    for (one, other) in zip(a.tensors, b.tensors) { product += try inner(one, other) }
    return (y > 0 ? product / (x * y) : 0, y > 0 ? x / y : .infinity)
  }

  private static func inner(_ a: Tensor, _ b: Tensor) throws -> Double {
    try Tensor.combine(.mul, a.converted(to: .float64), b.converted(to: .float64)).reduce(.sum).item()
  }

  // MARK: What differs

  private static func scaleFault(_ cosine: Double, _ scale: Double, examples: Int) -> Fault {
    if cosine < 0 {
      return Fault(
        "canary-mismatch", "the update points the other way: its cosine with Seep's own is \(fixed(cosine, 6))",
        notes: ["It is a step (minus the gradient), and \(compact(scale)) times as long."],
        help: scale == 1 ? "-1 * shared" : "-\(compact(1 / scale)) * shared")
    }
    let isSum = examples > 1 && abs(scale / Double(examples) - 1) < tolerance
    return Fault(
      "canary-mismatch",
      "the update has the direction of Seep's own and is \(short(scale)) times as long"
        + (isSum ? ": the loss is the sum over the \(examples) examples, not their mean" : ""),
      notes: isSum
        ? [] : ["The loss is scaled, or the update is a step with a learning rate, or something clipped it."],
      help: isSum ? "shared / \(examples)" : "shared / \(short(scale))")
  }

  /// A guess at what the client does otherwise.
  private struct Guess {
    var words: String
    var help: String?
    var images: Tensor
    var labels: Tensor
    var mode: Mode
  }

  private static func guesses(_ images: Tensor, _ labels: Tensor, _ mode: Mode) throws -> [Guess] {
    var all: [Guess] = []
    func add(_ words: String, _ help: String?, _ x: Tensor? = nil, _ y: Tensor? = nil, _ m: Mode? = nil) {
      all.append(Guess(words: words, help: help, images: x ?? images, labels: y ?? labels, mode: m ?? mode))
    }
    let other: Mode = mode == .eval ? .train : .eval
    add(
      "batch normalisation and dropout run in \(other.rawValue) mode at the client, and the update says \(mode.rawValue)",
      "mode: \"\(other.rawValue)\"", nil, nil, other)
    let scales: [(String, [Double], [Double])] = [
      ("(x - 0.5) / 0.5", [0.5], [0.5]), ("(x - 0.1307) / 0.3081, as for MNIST", [0.1307], [0.3081]),
      ("255 * x", [0], [1 / 255]), ("x / 255", [0], [255]),
      ("ImageNet's means and deviations", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
      ("CIFAR-10's means and deviations", [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
      ("CIFAR-10's means and deviations", [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]),
    ]
    for (name, means, deviations) in scales where images.rank == 4 && (means.count == 1 || images.shape[1] == 3) {
      let shape = [1, means.count, 1, 1]
      let mean = try Tensor(means.map { Float($0) }, shape: shape).converted(to: images.dtype)
      let deviation = try Tensor(deviations.map { Float($0) }, shape: shape).converted(to: images.dtype)
      let normalised = try Tensor.combine(.div, Tensor.combine(.sub, images, mean), deviation)
      let code = means.count == 1 ? String(name.prefix { $0 != "," }) : "…"
      add(
        "the client normalises its images by \(name), and Seep was given them without",
        "canary(shared, net, \(code), y)", normalised)
    }
    if images.rank == 4 {
      if images.shape[2] == images.shape[3] {
        add("height and width of the images are exchanged", nil, try images.permute([0, 1, 3, 2]))
      }
      if images.shape[1] == 3 {
        add(
          "the channels are blue, green, red at the client", nil,
          try images.indexSelect(axis: 1, labelTensor([2, 1, 0])))
      }
    }
    for shift in [1, -1] {
      let shifted = try labels.integers().map { $0 + shift }
      if shifted.contains(where: { $0 < 0 }) { continue }
      add(
        "the client's labels are \(shift > 0 ? "one more" : "one less") than these", nil, nil, try labelTensor(shifted))
    }
    return all
  }

  private static func explain(
    _ shared: Update, _ model: Model, _ images: Tensor, _ labels: Tensor, _ mode: Mode, _ cosine: Double, _ own: Update
  ) throws -> Fault {
    let opening = "the update is not the gradient of these examples: its cosine with Seep's own is \(fixed(cosine, 4))"
    for guess in try guesses(images, labels, mode) {
      guard let tried = try? Canary.own(shared, model, guess.images, guess.labels, guess.mode),
        let (found, scale) = try? compare(shared, tried), found >= Canary.cosine
      else { continue }
      let also = abs(scale - 1) > tolerance ? ["It is also \(short(scale)) times as long."] : []
      return Fault("canary-mismatch", "\(opening); \(guess.words)", notes: also, help: guess.help)
    }
    var (same, different) = ([String](), [String]())
    for (index, name) in shared.names.enumerated() {
      let (a, b) = (shared.tensors[index], own.tensors[index])
      let length = try (squaredNorm(a) * squaredNorm(b)).squareRoot()
      let alike = length > 0 ? try inner(a, b) / length : (try squaredNorm(a) == squaredNorm(b) ? 1 : 0)
      if alike >= Canary.cosine { same.append(name) } else { different.append("\(name) (\(fixed(alike, 3)))") }
    }
    var notes = [
      "The tensors that differ, with their cosines: \(different.prefix(6).joined(separator: ", "))\(different.count > 6 ? ", …" : "")."
    ]
    if !same.isEmpty { notes.append("\(same.count) of \(shared.names.count) tensors agree.") }
    notes.append(
      "It is not the sign, the scale, the mode, a usual normalisation, or the order of axes, channels or labels alone.")
    if let defense = shared.defense {
      notes.append("The update was defended by \(defense.written); a canary is best sent undefended.")
    } else {
      notes.append("The client may have other weights, another example, or another loss.")
    }
    return Fault("canary-mismatch", opening, notes: notes)
  }
}
