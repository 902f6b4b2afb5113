// What must be known of an update that somebody else's code has sent before it means anything: the manifest.
import Autodiff
import Ground
import Networks
import Tensors

/// How a captured update was made, in the client's own terms.
public struct Manifest: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable { case gradient, delta }
  public enum Reduction: String, Sendable, CaseIterable { case mean, sum }

  /// A gradient, or parameters after local steps minus those before.
  public var kind = Kind.gradient
  /// -1: the tensors have the opposite sign (a step instead of a gradient; before minus after).
  public var sign = 1.0
  /// The tensors were multiplied by it.
  public var scale = 1.0
  /// Over the examples of a batch.
  public var reduction = Reduction.mean
  /// Of the local steps of a delta.
  public var rate: Double?
  public var steps = 1
  /// Examples of one step; nil: all of them.
  public var batch: Int?
  public var examples = 1
  public var mode = Mode.eval
  public var loss = "cross_entropy"
  /// What the client subtracts from pixels in 0…1, and divides by, for each channel.
  public var normalisation: Normalisation?
  /// Parameters in the order of the tensors, where these are only numbered.
  public var names: [String]?
  /// What the names of the tensors have before those of the model's parameters.
  public var prefix = ""

  public init() {}

  /// The update that tensors of this kind are: with the model's names, the sign of a gradient (or after minus before) and the mean over the batch.
  /// - Throws: `bad-manifest`, `shape-mismatch`.
  public func update(_ tensors: [(name: String, value: Tensor)]) throws -> Update {
    guard examples > 0, steps > 0, batch ?? 1 > 0, scale != 0, scale.isFinite, abs(sign) == 1 else {
      throw Fault(
        "bad-manifest", "a manifest has positive examples, steps and batch_size, a scale, and the sign 1 or -1")
    }
    if kind == .delta, !((rate ?? 0) > 0) {
      throw Fault(
        "bad-manifest", "a delta means nothing without the learning rate of its steps",
        help: "{kind: \"delta\", lr: 0.1, steps: 1}")
    }
    if let names, names.count != tensors.count {
      throw Fault("shape-mismatch", "the manifest names \(names.count) tensors, and \(tensors.count) are there")
    }
    let perStep = min(batch ?? examples, examples)
    let factor = sign / scale / (reduction == .sum ? Double(perStep) : 1)
    // What an optimiser does not change: counters.
    let kept = tensors.enumerated().filter { $0.element.value.dtype.isFloat }
    let own = try kept.map { try factor == 1 ? $0.element.value : Tensor.combine(.mul, $0.element.value, factor) }
    var update = try Update(
      names: kept.map { plain(names?[$0.offset] ?? $0.element.name) }, tensors: own,
      kind: kind == .gradient ? .gradient : .difference(steps: steps, rate: rate ?? 1), examples: examples, mode: mode,
      loss: loss)
    update.normalisation = normalisation
    update.isCaptured = true
    if kind == .delta {
      update.slices = (0..<steps).map { step in
        let start = (step % max(1, examples / perStep)) * perStep
        return start..<start + perStep
      }
    }
    return update
  }

  private func plain(_ name: String) -> String { name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name }
}

/// (x − mean) / deviation for every channel.
public struct Normalisation: Sendable, Equatable {
  public var mean: [Double]
  public var deviation: [Double]

  /// - Throws: `bad-manifest`.
  public init(mean: [Double], deviation: [Double]) throws {
    guard !mean.isEmpty, mean.count == deviation.count, deviation.allSatisfy({ $0 > 0 && $0.isFinite }),
      mean.allSatisfy(\.isFinite)
    else {
      throw Fault(
        "bad-manifest", "a normalisation has as many means as deviations, and these are positive",
        help: "normalisation: {mean: [0.5], std: [0.5]}")
    }
    (self.mean, self.deviation) = (mean, deviation)
  }

  /// As the first layer of a model that takes pixels in 0…1.
  var layer: FunctionLayer {
    FunctionLayer(written: "x => (x - mean) / std") { [self] x in
      guard x.rank == 4, mean.count == 1 || mean.count == x.shape[1] else {
        throw Fault(
          "shape-mismatch",
          "the update's normalisation is of \(mean.count) channels, and the images have the shape \(x.shape)")
      }
      func constant(_ values: [Double]) throws -> Variable {
        Variable(try Tensor(values, shape: [1, values.count, 1, 1]).converted(to: x.dtype))
      }
      return try (x - constant(mean)) / constant(deviation)
    }
  }
}

extension Update {
  /// A captured update and the model it is of, made to fit: tensors in the order of the model's parameters, and a model that takes pixels in
  /// 0…1 where the client normalises. Others are as they were.
  /// - Throws: `shape-mismatch` naming what is missing or too much.
  public func fitted(to model: Model) throws -> (update: Update, model: Model) {
    guard isCaptured else { return (self, model) }
    let whole = try normalisation.map { try model.inserting($0.layer, at: 0) } ?? model
    var copy = self
    copy.normalisation = nil
    guard model.inputShape != nil else { return (copy, whole) }
    let own = try model.parameters
    let buffers = Set(try model.buffers.names)
    let strangers = names.filter { own[$0] == nil && !buffers.contains($0) }
    let missing = own.names.filter { self[$0] == nil }
    guard missing.isEmpty, strangers.isEmpty else { throw try misfit(model, missing, strangers) }
    copy = try copy.picking(own.names)
    return (copy, whole)
  }

  private func misfit(_ model: Model, _ missing: [String], _ strangers: [String]) throws -> Fault {
    func list(_ names: [String]) -> String {
      names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", … (\(names.count) in all)" : "")
    }
    var (notes, help): ([String], String?) = ([], nil)
    if !strangers.isEmpty { notes.append("It has \(list(strangers)), which the model has not.") }
    if let stranger = strangers.first, let name = missing.first(where: stranger.hasSuffix) {
      help = "{…, prefix: \"\(stranger.dropLast(name.count))\"}"
    } else if !strangers.isEmpty, strangers.allSatisfy({ $0.hasPrefix("arr_") }) {
      help = "{…, names: [\"\(missing.first ?? "")\", …]}"
    } else if strangers.isEmpty {
      help = "onnx(…, fixed: [\"\(missing.first ?? "")\"]) where the client does not train it"
    }
    let what = missing.isEmpty ? "has tensors that are not the model's" : "lacks \(list(missing))"
    return Fault("shape-mismatch", "the update is not one of \(model.written): it \(what)", notes: notes, help: help)
  }
}
