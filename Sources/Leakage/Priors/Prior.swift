// Public knowledge of what images look like: a generator of images from latent vectors.
import Autodiff
import Ground
import Networks
import Tensors

/// A trained generator. Latent vectors are standard normal.
public struct Prior: @unchecked Sendable {  // the evaluation that owns it is single threaded
  /// Maps `[n, latent]`, with `classes` one-hot columns behind them where it is class-conditional, to `[n, c, h, w]`.
  public let generator: Model
  public let latent: Int
  /// Classes it can be asked for; nil where it knows none.
  public let classes: Int?
  /// How it was made, from what.
  public let provenance: String

  /// - Throws: `bad-argument`; `shape-mismatch` where the generator does not take such vectors or does not make images.
  public init(_ generator: Model, latent: Int, classes: Int?, provenance: String = "") throws {
    try requireArgument(
      latent >= 1 && classes ?? 1 >= 1, "a prior needs a latent size and a number of classes of at least 1")
    self.generator = generator
    self.latent = latent
    self.classes = classes
    self.provenance = provenance
    let plan = try generator.build(for: [latent + (classes ?? 0)])
    guard plan.output.count == 3 else {
      throw Fault(
        "shape-mismatch",
        "a prior makes images [channels, height, width], and this generator makes \(shapeText(plan.output))")
    }
  }

  /// Shape of one image.
  public var imageShape: [Int] { generator.outputShape ?? [] }

  /// Builds a model for images of this prior.
  /// - Throws: `shape-mismatch` where it was made for others.
  func prepare(_ model: Model) throws {
    do {
      try model.build(for: imageShape)
    } catch let fault as Fault where fault.code == "shape-mismatch" {
      guard let taken = model.inputShape, taken != imageShape else { throw fault }
      throw Fault(
        "shape-mismatch",
        "the prior draws images of shape \(shapeText(imageShape)), and the model was made for \(shapeText(taken))")
    }
  }

  /// Images for latent vectors `[n, latent]` and a class for each: `[n, c, h, w]`, differentiable.
  /// - Throws: `shape-mismatch`, `bad-label`.
  public func images(_ z: Variable, labels: [Int]) throws -> Variable { try generator(input(z, labels: labels)) }

  /// What the generator is given for latent vectors `[n, latent]` and a class for each.
  /// - Throws: `shape-mismatch`, `bad-label`.
  func input(_ z: Variable, labels: [Int]) throws -> Variable {
    guard z.rank == 2, z.shape[1] == latent, labels.count == z.shape[0] else {
      throw Fault(
        "shape-mismatch",
        "the prior takes latent vectors [n, \(latent)] and n labels, not \(shapeText(z.shape)) and \(labels.count)")
    }
    guard let classes else { return z }
    if let wrong = labels.first(where: { $0 < 0 || $0 >= classes }) {
      throw Fault("bad-label", "the prior knows the classes 0 to \(classes - 1), not \(wrong)")
    }
    return try conditioned(z, labels: labelTensor(labels), classes: classes)
  }

  /// `count` images of a class, for latent vectors drawn from `key`.
  public func samples(_ count: Int, label: Int, key: RandomKey) throws -> Tensor {
    try withoutRecording {
      let z = try Tensor.normal([count, latent], key: key)
      return try images(Variable(z), labels: [Int](repeating: label, count: count)).value
    }
  }

  /// The same generator with images whose pixels are the means of squares of `factor` by `factor`.
  /// - Throws: `shape-mismatch` where the images do not divide.
  public func reduced(by factor: Int) throws -> Prior {
    guard factor >= 1, imageShape.dropFirst().allSatisfy({ $0 % factor == 0 }) else {
      throw Fault("shape-mismatch", "images of shape \(shapeText(imageShape)) do not divide by \(factor)")
    }
    let smaller = try Model.compose(generator, Model([Pool(.average, factor)], key: generator.key), key: generator.key)
    return try Prior(smaller, latent: latent, classes: classes, provenance: provenance)
  }

  // MARK: Files

  /// Writes the generator with what is known about it.
  public func save(to path: String) throws {
    try generator.save(
      to: path,
      metadata: ["kind": "prior", "latent": "\(latent)", "classes": "\(classes ?? 0)", "provenance": provenance])
  }

  /// Reads a prior. The generator is what the file's metadata says in Seep's notation of layers, read as data: nothing is run.
  /// - Throws: `file-not-found`, `truncated-file`, `bad-file`, `not-a-prior`.
  public static func load(_ path: String) throws -> Prior {
    let file = try Safetensors.read(path)
    guard file.metadata["kind"] == "prior", let notation = file.metadata["model"],
      let latent = file.metadata["latent"].flatMap({ Int($0) }),
      let classes = file.metadata["classes"].flatMap({ Int($0) })
    else {
      throw Fault("not-a-prior", "\(path) holds weights, but not the notes of a prior (kind, model, latent, classes)")
    }
    let model = Model(try LayerNotation.parse(notation), key: RandomKey(seed: 0))
    try model.build(for: [latent + classes])
    let values = try Parameters(zip(file.names, file.tensors).map { (name: $0, value: Variable($1)) })
    return try Prior(
      model.with(values), latent: latent, classes: classes == 0 ? nil : classes,
      provenance: file.metadata["provenance"] ?? "")
  }
}
