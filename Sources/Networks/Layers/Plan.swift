// What a model consists of for one shape of example: found once by walking the layers, used by every later pass.
import Autodiff
import Ground
import Tensors

/// What a parameter is for, which decides how it begins.
public enum ParameterRole: Sendable, Equatable {
  /// Weights of a product; fans as PyTorch counts them.
  case weight(fanIn: Int, fanOut: Int, convolution: Bool)
  case bias(fanIn: Int)
  /// Scale and shift of a normalisation.
  case scale, shift
}

/// A parameter or a buffer before it has a value.
public struct ParameterSpec: Sendable {
  /// `residual1.conv1.weight`.
  public let name: String
  public let shape: [Int]
  public let role: ParameterRole
}

/// One layer's place in a model.
public struct LayerSlot: Sendable {
  /// `residual1.conv1`.
  public internal(set) var path: String
  public let written: String
  /// Index of the outermost layer it belongs to, from 0.
  public let position: Int
  public internal(set) var parameters: [Int] = []
  public internal(set) var buffers: [Int] = []
  public internal(set) var output: [Int] = []
}

/// What the parameters and buffers of an outermost layer are called, in the order it declares them, where that is given.
struct LayerNames: Sendable {
  var parameters: [String] = []
  var buffers: [String] = []
}

/// All layers of a model in the order they run, for examples of one shape.
public struct Plan: Sendable {
  public private(set) var input: [Int]
  public internal(set) var output: [Int] = []
  public internal(set) var slots: [LayerSlot] = []
  public internal(set) var parameters: [ParameterSpec] = []
  public internal(set) var buffers: [ParameterSpec] = []

  /// - Parameter names: by the layers' positions.
  init(_ layers: [any Layer], input: [Int], names: [Int: LayerNames] = [:]) throws {
    self.input = input
    var builder = ParameterBuilder(plan: self)
    var shape = input
    for (position, layer) in layers.enumerated() {
      builder.position = position
      builder.names = names[position]
      shape = try builder.visit(layer, input: shape)
    }
    self = builder.plan
    output = shape
  }
}

/// Collects what layers declare.
public struct ParameterBuilder {
  fileprivate(set) var plan: Plan
  var position = 0
  /// Names that are left for the current outermost layer.
  var names: LayerNames?
  private var prefix = ""
  private var counts: [String: Int] = [:]
  private var current = 0

  fileprivate init(plan: Plan) { self.plan = plan }

  /// Builds a sub-layer under its own name and returns the shape of its output.
  public mutating func visit(_ layer: any Layer, input: [Int]) throws -> [Int] {
    let count = counts[prefix + layer.kind, default: 0] + 1
    counts[prefix + layer.kind] = count
    let path = "\(prefix)\(layer.kind)\(count)"
    let (outerPrefix, outerSlot) = (prefix, current)
    prefix = path + "."
    current = plan.slots.count
    plan.slots.append(LayerSlot(path: path, written: layer.written, position: position))
    let output = try layer.build(input: input, into: &self)
    plan.slots[current].output = output
    // A slot is called after its parameters where their names were given.
    if names != nil, let first = plan.slots[current].parameters.first,
      let dot = plan.parameters[first].name.lastIndex(of: ".")
    {
      plan.slots[current].path = String(plan.parameters[first].name[..<dot])
    }
    (prefix, current) = (outerPrefix, outerSlot)
    return output
  }

  /// Names inside `body` get `part.` before them.
  mutating func inside<R>(_ part: String, _ body: (inout ParameterBuilder) throws -> R) rethrows -> R {
    let outer = prefix
    prefix += part + "."
    defer { prefix = outer }
    return try body(&self)
  }

  /// Declares a parameter of the current layer.
  public mutating func parameter(_ name: String, _ shape: [Int], _ role: ParameterRole) {
    plan.slots[current].parameters.append(plan.parameters.count)
    let given = names.flatMap { $0.parameters.isEmpty ? nil : $0.parameters[0] }
    if given != nil { names?.parameters.removeFirst() }
    plan.parameters.append(ParameterSpec(name: given ?? prefix + name, shape: shape, role: role))
  }

  /// Declares a value of the current layer that is kept but not trained; it begins as `role` says.
  public mutating func buffer(_ name: String, _ shape: [Int], _ role: ParameterRole) {
    plan.slots[current].buffers.append(plan.buffers.count)
    let given = names.flatMap { $0.buffers.isEmpty ? nil : $0.buffers[0] }
    if given != nil { names?.buffers.removeFirst() }
    plan.buffers.append(ParameterSpec(name: given ?? prefix + name, shape: shape, role: role))
  }

  /// The Fault for an example the current layer cannot take. `needs` continues "… cannot take …: it needs".
  public func refuse(_ input: [Int], needs: String, help: String? = nil) -> Fault {
    let slot = plan.slots[current]
    return Fault(
      "shape-mismatch",
      "\(slot.written) cannot take an example of shape \(input): it needs \(needs)",
      notes: [
        "It is layer \(slot.position + 1) of the model (\(slot.path)); the model was given examples of shape \(plan.input)."
      ],
      help: help, operands: [0: "\(input)"])
  }
}
