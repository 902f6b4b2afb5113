// What a client sends: named tensors, and what both sides must agree on for them to mean anything.
import Autodiff
import Ground
import Networks
import Tensors

/// A shared gradient or parameter difference. A value.
public struct Update: Sendable {
  /// What the tensors are.
  public enum Kind: Sendable, Equatable {
    /// One gradient (FedSGD).
    case gradient
    /// Parameters after `steps` steps of rate `rate`, minus those before (FedAvg).
    case difference(steps: Int, rate: Double)
  }

  /// Parameter names in the model's order, and a tensor for each.
  public private(set) var names: [String]
  public private(set) var tensors: [Tensor]
  public var kind: Kind
  /// The loss that was differentiated, and how the batch was reduced: always the mean cross-entropy times `scale`.
  public var loss: String
  public var scale: Double
  /// Examples behind it.
  public var examples: Int
  /// Which of its examples each local step took, where the update is a difference; nil: all in each step.
  public var slices: [Range<Int>]?
  /// How batch normalisation ran.
  public var mode: Mode
  /// What the client says it did to it: part of the protocol in which it takes part. An attack sees it only if its threat model
  /// says so.
  public var defense: (any Defense)?
  /// Whether it came from somebody else's code, so that its tensors may be in another order than the model's parameters.
  public var isCaptured = false
  /// What the client does to pixels before its model sees them, where the model in Seep does not; see `fitted`.
  public var normalisation: Normalisation?
  /// What may be seen of all this where an attack written in Seep looks at it; nil for everybody else.
  public var sight: Sight?

  /// - Throws: `shape-mismatch` where the counts differ.
  public init(
    names: [String], tensors: [Tensor], kind: Kind = .gradient, examples: Int, mode: Mode = .eval,
    loss: String = "cross_entropy", scale: Double = 1, defense: (any Defense)? = nil
  ) throws {
    guard names.count == tensors.count else {
      throw Fault("shape-mismatch", "an update has \(names.count) names and \(tensors.count) tensors")
    }
    self.names = names
    self.tensors = tensors
    self.kind = kind
    self.examples = examples
    self.mode = mode
    self.loss = loss
    self.scale = scale
    self.defense = defense
  }

  public init(_ gradient: Parameters, examples: Int, mode: Mode = .eval) throws {
    try self.init(names: gradient.names, tensors: gradient.tensors, examples: examples, mode: mode)
  }

  public subscript(name: String) -> Tensor? { names.firstIndex(of: name).map { tensors[$0] } }

  public var parameters: Parameters {
    get throws { try Parameters(zip(names, tensors).map { (name: $0, value: Variable($1)) }) }
  }

  /// Numbers in all.
  public var size: Int { tensors.reduce(0) { $0 + $1.size } }

  /// ‖·‖₂ over all tensors together.
  public var norm: Double { get throws { try tensors.reduce(0.0) { $0 + (try squaredNorm($1)) }.squareRoot() } }

  /// Share of entries that are exactly 0.
  public var sparsity: Double {
    get throws {
      let zeros = try tensors.reduce(0) {
        $0 + (try Tensor.compare(.equal, $1, 0).converted(to: .int64).reduce(.sum).item())
      }
      return size == 0 ? 0 : zeros / Double(size)
    }
  }

  /// Checks that this is the gradient of one example, where a defense of single examples is asked to defend it.
  /// - Throws: `needs-batch`.
  func requireLoneExample(_ written: String) throws {
    if kind == .gradient, examples == 1 { return }
    throw Fault(
      "needs-batch", "\(written) changes the gradients of single examples, and the update has only their mean",
      help: "share(model, x, y, defense: \(written))")
  }

  // MARK: Arithmetic

  /// The same update with other tensors.
  /// - Throws: `shape-mismatch` where count or a shape differs.
  public func with(tensors others: [Tensor]) throws -> Update {
    guard others.count == tensors.count else {
      throw Fault("shape-mismatch", "\(others.count) tensors were given for an update of \(tensors.count)")
    }
    for (index, (own, other)) in zip(tensors, others).enumerated() where own.shape != other.shape {
      throw Fault(
        "shape-mismatch",
        "\(names[index]) has shape \(shapeText(own.shape)) in the update, and \(shapeText(other.shape)) was given")
    }
    var copy = self
    copy.tensors = others
    return copy
  }

  /// The tensors of these names, in this order; each must be there.
  func picking(_ chosen: [String]) throws -> Update {
    var copy = self
    copy.tensors = try chosen.map { name in
      guard let tensor = self[name] else { throw Fault("unknown-name", "the update has no tensor \(name)") }
      return tensor
    }
    copy.names = chosen
    return copy
  }

  public func map(_ transform: (Tensor) throws -> Tensor) throws -> Update { try with(tensors: tensors.map(transform)) }

  public func combined(_ other: Update, _ operation: Tensor.BinaryOp) throws -> Update {
    guard names == other.names else {
      throw Fault(
        "shape-mismatch",
        "two updates of different models do not combine: \(names.count) and \(other.names.count) tensors")
    }
    return try with(tensors: zip(tensors, other.tensors).map { try Tensor.combine(operation, $0, $1) })
  }

  public static func + (a: Update, b: Update) throws -> Update { try a.combined(b, .add) }
  public static func - (a: Update, b: Update) throws -> Update { try a.combined(b, .sub) }
  public static func * (scale: Double, a: Update) throws -> Update { try a.map { try Tensor.combine(.mul, $0, scale) } }

  /// Checks that the update is one of `model`'s, and that an attacker's plain gradient means the same as it.
  /// - Throws: `shape-mismatch` naming the first parameter that differs, `other-loss`, `empty`, `not-finite`.
  public func check(against model: Model) throws {
    guard !tensors.isEmpty else { throw Fault("empty", "the update holds no tensors") }
    if loss != "cross_entropy" || scale != 1 {
      throw Fault(
        "other-loss",
        "the update is the gradient of \(scale == 1 ? "" : "\(scale) times ")\(loss), and attacks compare with cross_entropy"
      )
    }
    if let place = try tensors.firstIndex(where: { try !squaredNorm($0).isFinite }) {
      throw Fault("not-finite", "the update holds numbers that are not finite, in \(names[place])")
    }
    try checkForm(against: model)
  }

  /// Whether the tensors are those of the model's parameters, once it has met an example.
  /// - Throws: `shape-mismatch`.
  public func checkForm(against model: Model) throws {
    guard model.inputShape != nil else { return }
    let own = try model.parameters
    for (index, name) in names.enumerated() {
      guard index < own.count, own.names[index] == name, own.values[index].shape == tensors[index].shape else {
        let shape = index < own.count ? shapeText(own.values[index].shape) : "none"
        throw Fault(
          "shape-mismatch",
          "the update is not one of \(model.written): its \(name) has shape \(shapeText(tensors[index].shape)), the model's \(shape)"
        )
      }
    }
    if own.count != names.count {
      throw Fault(
        "shape-mismatch", "the update has \(names.count) tensors and \(model.written) has \(own.count) parameters")
    }
  }
}

/// ‖t‖² in double precision.
func squaredNorm(_ t: Tensor) throws -> Double {
  try t.converted(to: .float64).map(.square).reduce(.sum).item()
}
