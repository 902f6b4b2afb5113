// Elementwise layers, and any function of a person's own as a layer.
import Autodiff
import Ground
import Tensors

/// `relu`, `leaky_relu(0.2)`, `sigmoid`, …
public enum Activation: Layer, Equatable {
  case relu, sigmoid, tanh, softplus, gelu, silu
  case leakyRelu(slope: Double)
  case elu(alpha: Double)

  /// PyTorch's defaults for those that have a number.
  public static let leakyRelu = Activation.leakyRelu(slope: 0.01)
  public static let elu = Activation.elu(alpha: 1)

  /// Every activation by its name in Seep.
  public static let named: [(name: String, layer: Activation)] = [
    ("relu", .relu), ("leaky_relu", .leakyRelu), ("elu", .elu), ("sigmoid", .sigmoid), ("tanh", .tanh),
    ("softplus", .softplus), ("gelu", .gelu), ("silu", .silu),
  ]

  /// - Throws: `unknown-option`, with the nearest name.
  public init(named name: String) throws {
    guard let found = Activation.named.first(where: { $0.name == name }) else {
      let names = Activation.named.map(\.name)
      throw Fault(
        "unknown-option", "there is no activation \"\(name)\"",
        notes: ["Known are \(names.joined(separator: ", "))."],
        help: nearestName(to: name, among: names))
    }
    self = found.layer
  }

  public var kind: String {
    switch self {
    case .relu: "relu"
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    case .softplus: "softplus"
    case .gelu: "gelu"
    case .silu: "silu"
    case .leakyRelu: "leaky_relu"
    case .elu: "elu"
    }
  }

  public var written: String {
    switch self {
    case .leakyRelu(let slope) where slope != 0.01: "leaky_relu(\(slope))"
    case .elu(let alpha) where alpha != 1: "elu(\(alpha))"
    default: kind
    }
  }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] { input }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable { try callAsFunction(x) }

  public func callAsFunction(_ x: Variable) throws -> Variable {
    switch self {
    case .relu: try x.relu()
    case .sigmoid: try x.sigmoid()
    case .tanh: try x.tanh()
    case .softplus: try x.softplus()
    case .gelu: try x.gelu()
    case .silu: try x.silu()
    case .leakyRelu(let slope): try x.leakyRelu(slope)
    case .elu(let alpha): try x.elu(alpha)
    }
  }
}

/// A function from batch to batch as a layer. It is tried on zeros to learn what it does to shapes.
public struct FunctionLayer: Layer, @unchecked Sendable {  // Seep's evaluation is single threaded
  public let written: String
  private let body: (Variable) throws -> Variable

  /// - Parameter written: how the function is written in Seep, such as `x => 2 * x`.
  public init(written: String, _ body: @escaping (Variable) throws -> Variable) {
    self.written = written
    self.body = body
  }

  public var kind: String { "function" }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    let output = try body(Variable(Tensor.zeros([1] + input))).shape
    guard output.first == 1 else {
      throw builder.refuse(input, needs: "to keep the batch axis, and it made \(output) of \([1] + input)")
    }
    return Array(output.dropFirst())
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable { try body(x) }
}
