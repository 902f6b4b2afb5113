// The nodes of a file that its output depends on, in order, with what is known beforehand computed, and which of its numbers are trained.
import Autodiff
import Ground
import Tensors

/// A graph from one input to one output, checked.
struct OnnxGraph {
  let opset: Int
  let input: String
  let inputShape: [Int?]
  let output: String
  /// Nodes that depend on the input or on parameters, each after those it needs.
  private(set) var nodes: [OnnxNode] = []
  private(set) var constants: [String: OnnxConstant]
  /// Constants that are trained wherever they stand in an operator with parameters.
  private var named: Set<String> = []
  /// Axes of values, where the file says.
  let ranks: [String: Int]

  /// The batch the file was exported with, where it is fixed.
  var batch: Int? { inputShape.first ?? nil }

  init(_ contents: OnnxContents, fixed: Set<String>) throws {
    opset = contents.opset
    guard contents.inputs.count == 1, let first = contents.inputs.first else {
      let names = contents.inputs.map(\.name).joined(separator: ", ")
      throw OnnxProblem(
        "it has \(contents.inputs.count) inputs (\(names)), and a model in Seep has one: a batch of examples")
    }
    (input, inputShape) = first
    guard let output = contents.outputs.first else { throw OnnxProblem("its graph has no output") }
    self.output = output
    constants = contents.constants
    ranks = contents.ranks
    named = Set(contents.names.filter { !OnnxGraph.isGenerated($0) }).subtracting(fixed)
    if let stranger = fixed.first(where: { contents.constants[$0] == nil }) {
      throw OnnxProblem("it has no numbers named \(stranger)", help: nearestName(to: stranger, among: contents.names))
    }
    try requireKnown(contents.nodes)
    try fold(needed(contents.nodes), fixed)
  }

  /// Names that exporters make up.
  static func isGenerated(_ name: String) -> Bool {
    name.hasPrefix("onnx::") || name.hasPrefix("val_") || name.hasPrefix("/") || name.hasPrefix("_")
      || name.hasPrefix("const")
      || name.allSatisfy(\.isNumber)
  }

  private func requireKnown(_ nodes: [OnnxNode]) throws {
    let strange = nodes.filter { !OnnxCall.known.contains($0.operation) }
    guard let first = strange.first else { return }
    let others = Set(strange.map(\.operation)).subtracting([first.operation]).sorted()
    throw OnnxProblem(
      "\(first.title) is the operator \(first.operation), which Seep does not know"
        + (others.isEmpty ? "" : "; others it does not know are \(others.joined(separator: ", "))"),
      code: "unsupported-operator", help: nearestName(to: first.operation, among: OnnxCall.known))
  }

  /// The nodes that the output depends on; each input must be there before.
  private func needed(_ nodes: [OnnxNode]) throws -> [OnnxNode] {
    var producers: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for name in node.outputs where !name.isEmpty {
        guard producers.updateValue(index, forKey: name) == nil, constants[name] == nil, name != input else {
          throw OnnxProblem("two nodes or tensors are named \(name)")
        }
      }
    }
    for (index, node) in nodes.enumerated() {
      for name in node.inputs where !name.isEmpty && name != input && constants[name] == nil {
        guard let producer = producers[name] else {
          throw OnnxProblem("\(node.title) needs \(name), which nothing in the file makes")
        }
        guard producer < index else {
          throw OnnxProblem(
            "\(node.title) needs \(name), which is made after it: the graph has a cycle, or is out of order")
        }
      }
    }
    guard output == input || constants[output] != nil || producers[output] != nil else {
      throw OnnxProblem("nothing in the file makes its output \(output)")
    }
    var wanted: Set<String> = [output]
    var kept: [OnnxNode] = []
    for node in nodes.reversed() where node.outputs.contains(where: wanted.contains) {
      kept.append(node)
      wanted.formUnion(node.inputs)
    }
    return kept.reversed()
  }

  /// Computes what depends on neither the input nor parameters. A parameter that passes an Identity (exporters store equal tensors once)
  /// is a parameter of its own under its new name.
  private mutating func fold(_ all: [OnnxNode], _ fixed: Set<String>) throws {
    for node in all {
      let given = node.inputs.filter { !$0.isEmpty }
      guard given.allSatisfy({ constants[$0] != nil }) else {
        nodes.append(node)
        continue
      }
      if node.operation == "Identity", let source = given.first, let value = constants[source],
        let name = node.outputs.first
      {
        constants[name] = value
        if !OnnxGraph.isGenerated(name), !fixed.contains(name) { named.insert(name) }
        continue
      }
      if node.operation != "Shape", node.operation != "Size", given.contains(where: isTrained) {
        nodes.append(node)
        continue
      }
      let inputs = node.inputs.map { $0.isEmpty ? nil : constants[$0].map { OnnxValue($0) } }
      let values = try OnnxCall(node: node, inputs: inputs, opset: opset, batch: nil).run()
      for (name, value) in zip(node.outputs, values) {
        switch value {
        case .tensor(let x): constants[name] = .floats(x.value)
        case .integers(let numbers, let shape): constants[name] = .integers(numbers, shape: shape)
        }
      }
    }
  }

  /// Whether a constant would be trained in an operator that may or may not have parameters: a named tensor of more than one number.
  func isTrained(_ name: String) -> Bool {
    guard named.contains(name), case .floats(let value)? = constants[name] else { return false }
    return value.size > 1
  }

  private static let weights: [String: [Int]] = [
    "Conv": [1, 2], "ConvTranspose": [1, 2], "Gemm": [1, 2], "MatMul": [0, 1], "BatchNormalization": [1, 2],
    "LayerNormalization": [1, 2], "InstanceNormalization": [1, 2], "GroupNormalization": [1, 2], "PRelu": [1],
  ]

  private static let untrained: Set<String> = [
    "Clip", "Reshape", "Pad", "Dropout", "Cast", "CastLike", "Slice", "Tile",
  ]

  /// The parameters among the inputs of a node, and the buffers.
  func trained(_ node: OnnxNode) -> (parameters: [Int], buffers: [Int]) {
    func isFloat(_ place: Int) -> Bool {
      guard place < node.inputs.count, case .floats? = constants[node.inputs[place]] else { return false }
      return true
    }
    if OnnxGraph.untrained.contains(node.operation) { return ([], []) }
    if let places = OnnxGraph.weights[node.operation] {
      let found = places.filter { isFloat($0) && !isFixed(node.inputs[$0]) }
      return (found, node.operation == "BatchNormalization" ? [3, 4].filter(isFloat) : [])
    }
    return (node.inputs.indices.filter { isTrained(node.inputs[$0]) }, [])
  }

  /// Named by the exporter's user as not trained.
  private func isFixed(_ name: String) -> Bool { !OnnxGraph.isGenerated(name) && !named.contains(name) }

  func floats(_ name: String) -> Tensor? {
    if case .floats(let value)? = constants[name] { value } else { nil }
  }
}
