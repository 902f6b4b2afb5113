// The messages of ONNX that a trained network needs (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): model, graph, node, attribute,
// tensor, and the shape of an input.
import Ground
import Tensors

/// A value that is known before the network runs.
enum OnnxConstant: Sendable {
  /// float32.
  case floats(Tensor)
  /// Whole numbers and truth values: shapes, axes, indices.
  case integers([Int], shape: [Int])

  init(_ value: OnnxValue) {
    switch value {
    case .tensor(let x): self = .floats(x.value)
    case .integers(let numbers, let shape): self = .integers(numbers, shape: shape)
    }
  }

  var size: Int {
    switch self {
    case .floats(let tensor): tensor.size
    case .integers(let numbers, _): numbers.count
    }
  }
}

struct OnnxNode: Sendable {
  var name = ""
  var operation = ""
  var inputs: [String] = []
  var outputs: [String] = []
  var attributes: [(name: String, value: OnnxAttribute)] = []

  /// How messages call it.
  var title: String { name.isEmpty ? "the node that makes \(outputs.first ?? "nothing")" : "the node \(name)" }
}

indirect enum OnnxAttribute: Sendable {
  case float(Float)
  case integer(Int)
  case text(String)
  case tensor(OnnxConstant)
  case floats([Float])
  case integers([Int])
  /// A graph, or texts: in no operator that Seep knows.
  case other
}

/// What a file says, checked message by message.
struct OnnxContents {
  var producer = ""
  var opset = 1
  var nodes: [OnnxNode] = []
  var constants: [String: OnnxConstant] = [:]
  /// Names of `constants` in the order of the file.
  var names: [String] = []
  /// Inputs with their extents; nil where one is free.
  var inputs: [(name: String, shape: [Int?])] = []
  var outputs: [String] = []
  /// Axes of values between nodes, where the file says.
  var ranks: [String: Int] = [:]

  /// - Parameter folder: where files with external data are looked for.
  init(_ bytes: [UInt8], folder: String) throws {
    guard !bytes.isEmpty else { throw OnnxProblem("it is empty") }
    var model = WireReader(bytes[...])
    var graph: ArraySlice<UInt8>?
    var opsets: [(domain: String, version: Int)] = []
    while let (field, value) = try model.next() {
      switch field {
      case 2: producer = try value.text()
      case 7: graph = try value.message()
      case 8: opsets.append(try OnnxContents.opset(value.message()))
      default: break
      }
    }
    guard let graph else { throw OnnxProblem("it holds no graph: it is not an ONNX model, or it is cut off") }
    guard let own = opsets.first(where: { $0.domain.isEmpty || $0.domain == "ai.onnx" }) else {
      throw OnnxProblem("it does not say which version of the operators it uses")
    }
    opset = own.version
    guard (9...23).contains(opset) else {
      throw OnnxProblem(
        "its operators are of version (opset) \(opset), and Seep knows 9 to 23", code: "unsupported-opset",
        help: "torch.onnx.export(…, opset_version=18)")
    }
    try read(graph, folder)
  }

  private static func opset(_ bytes: ArraySlice<UInt8>) throws -> (domain: String, version: Int) {
    var reader = WireReader(bytes)
    var result = (domain: "", version: 0)
    while let (field, value) = try reader.next() {
      if field == 1 { result.domain = try value.text() }
      if field == 2 { result.version = try value.integer() }
    }
    return result
  }

  private mutating func read(_ bytes: ArraySlice<UInt8>, _ folder: String) throws {
    var graph = WireReader(bytes)
    while let (field, value) = try graph.next() {
      switch field {
      case 1: nodes.append(try OnnxNode(value.message(), folder))
      case 5:
        let (name, constant) = try OnnxTensorReader(value.message(), folder).read()
        guard !name.isEmpty else { throw OnnxProblem("an initializer has no name") }
        guard constants.updateValue(constant, forKey: name) == nil else {
          throw OnnxProblem("two initializers are named \(name)")
        }
        names.append(name)
      case 11: inputs.append(try OnnxContents.input(value.message()))
      case 12: outputs.append(try OnnxContents.input(value.message()).name)
      case 13:
        let (name, shape) = try OnnxContents.input(value.message())
        ranks[name] = shape.count
      case 15: throw OnnxProblem("it has sparse initializers, which Seep does not read")
      default: break
      }
    }
    inputs.removeAll { constants[$0.name] != nil }
  }

  /// ValueInfoProto: a name, and the extents of a tensor.
  private static func input(_ bytes: ArraySlice<UInt8>) throws -> (name: String, shape: [Int?]) {
    func inside(_ bytes: ArraySlice<UInt8>?, _ field: Int) throws -> [ArraySlice<UInt8>] {
      guard let bytes else { return [] }
      var reader = WireReader(bytes)
      var found: [ArraySlice<UInt8>] = []
      while let (number, value) = try reader.next() {
        if number == field { found.append(try value.message()) }
      }
      return found
    }
    var reader = WireReader(bytes)
    var name = ""
    var type: ArraySlice<UInt8>?
    while let (field, value) = try reader.next() {
      if field == 1 { name = try value.text() }
      if field == 2 { type = try value.message() }
    }
    guard !name.isEmpty else { throw OnnxProblem("an input or output has no name") }
    let shape = try inside(inside(type, 1).first, 2).first
    let extents = try inside(shape, 1).map { dimension -> Int? in
      var reader = WireReader(dimension)
      while let (field, value) = try reader.next() {
        if field == 1 {
          let extent = try value.integer()
          return extent > 0 ? extent : nil
        }
      }
      return nil
    }
    guard extents.count <= 16 else { throw OnnxProblem("\(name) has \(extents.count) axes") }
    return (name, extents)
  }
}

extension OnnxNode {
  init(_ bytes: ArraySlice<UInt8>, _ folder: String) throws {
    var reader = WireReader(bytes)
    var domain = ""
    while let (field, value) = try reader.next() {
      switch field {
      case 1: inputs.append(try value.text())
      case 2: outputs.append(try value.text())
      case 3: name = try value.text()
      case 4: operation = try value.text()
      case 5: attributes.append(try OnnxNode.attribute(value.message(), folder))
      case 7: domain = try value.text()
      default: break
      }
    }
    guard !operation.isEmpty, outputs.first?.isEmpty == false else {
      throw OnnxProblem("a node\(name.isEmpty ? "" : " (\(name))") has no operator or no output")
    }
    guard domain.isEmpty || domain == "ai.onnx" else {
      throw OnnxProblem(
        "\(title) is the operator \(operation) of the domain \(domain), which Seep does not know",
        code: "unsupported-operator")
    }
  }

  private static func attribute(_ bytes: ArraySlice<UInt8>, _ folder: String) throws -> (
    name: String, value: OnnxAttribute
  ) {
    var reader = WireReader(bytes)
    var name = ""
    var (floats, integers): ([Float], [Int]) = ([], [])
    var type: Int?
    var single: OnnxAttribute?
    while let (field, value) = try reader.next() {
      switch field {
      case 1: name = try value.text()
      case 2: single = .float(try value.floats().first ?? 0)
      case 3: single = .integer(try value.integer())
      case 4: single = .text(String(decoding: try value.message(), as: UTF8.self))
      case 5: single = .tensor(try OnnxTensorReader(value.message(), folder).read().value)
      case 7: floats += try value.floats()
      case 8: integers += try value.integers()
      case 20: type = try value.integer()
      default: break
      }
    }
    guard !name.isEmpty else { throw OnnxProblem("an attribute has no name") }
    // A value of 0 may be left out of the bytes; the type tells what it was.
    switch type {
    case 6: return (name, .floats(floats))
    case 7: return (name, .integers(integers))
    case 1: return (name, single ?? .float(0))
    case 2: return (name, single ?? .integer(0))
    default:
      return (name, single ?? (floats.isEmpty ? (integers.isEmpty ? .other : .integers(integers)) : .floats(floats)))
    }
  }

  subscript(name: String) -> OnnxAttribute? { attributes.first { $0.name == name }?.value }

  func integer(_ name: String, default standard: Int) throws -> Int {
    guard let value = self[name] else { return standard }
    guard case .integer(let number) = value else { throw odd(name) }
    return try OnnxNode.small(number, name, title)
  }

  func integers(_ name: String) throws -> [Int]? {
    guard let value = self[name] else { return nil }
    guard case .integers(let numbers) = value else { throw odd(name) }
    return try numbers.map { try OnnxNode.small($0, name, title) }
  }

  func number(_ name: String, default standard: Double) throws -> Double {
    guard let value = self[name] else { return standard }
    guard case .float(let number) = value else { throw odd(name) }
    // 0.1 was written as a float: what was meant is the shortest decimal that gives it.
    return Double("\(number)") ?? Double(number)
  }

  func text(_ name: String, default standard: String) throws -> String {
    guard let value = self[name] else { return standard }
    guard case .text(let text) = value else { throw odd(name) }
    return text
  }

  /// Sizes and axes stay far from where sums and products of them overflow.
  static func small(_ number: Int, _ name: String, _ title: String) throws -> Int {
    guard abs(number.clamped) < 1 << 31 else { throw OnnxProblem("\(title) has the \(name) \(number)") }
    return number
  }

  private func odd(_ name: String) -> OnnxProblem { OnnxProblem("\(title): its attribute \(name) is of another kind") }
}

extension Int {
  fileprivate var clamped: Int { self == Int.min ? Int.max : self }
}
