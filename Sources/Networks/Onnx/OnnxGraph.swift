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
  /// Constants as they stand in the file, not computed of others.
  private var given: Set<String> = []
  /// Nodes that prepare parameters for one other node, by the name of what they make.
  private(set) var preparations: [String: OnnxNode] = [:]
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
    given = Set(contents.names)
    named = Set(contents.names.filter { !OnnxGraph.isGenerated($0) }).subtracting(fixed)
    if let stranger = fixed.first(where: { contents.constants[$0] == nil }) {
      throw OnnxProblem("it has no numbers named \(stranger)", help: nearestName(to: stranger, among: contents.names))
    }
    try requireKnown(contents.nodes)
    try fold(needed(contents.nodes), fixed)
    setApart()
  }

  /// Names that exporters make up.
  static func isGenerated(_ name: String) -> Bool {
    name.hasPrefix("onnx::") || name.hasPrefix("val_") || name.hasPrefix("/") || name.hasPrefix("_")
      || name.hasPrefix("const")
      || name.allSatisfy(\.isNumber)
  }

  private static let lists: Set<String> = ["SplitToSequence", "SequenceAt"]

  private func requireKnown(_ nodes: [OnnxNode]) throws {
    let strange = nodes.filter { !OnnxCall.known.contains($0.operation) && !OnnxGraph.lists.contains($0.operation) }
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
    var room = (1 << 18) + constants.values.reduce(0) { $0 + $1.size }
    var sequences: [String: OnnxNode] = [:]
    for node in all {
      if node.operation == "SplitToSequence", let name = node.outputs.first {
        sequences[name] = node
        continue
      }
      if node.operation == "SequenceAt" {
        nodes.append(try slice(node, of: sequences[node.inputs.first ?? ""]))
        continue
      }
      var inputs = node.inputs.filter { !$0.isEmpty }
      // The type that a constant takes from a computed value does not matter here.
      if node.operation == "CastLike" { inputs = Array(inputs.prefix(1)) }
      guard inputs.allSatisfy({ constants[$0] != nil }) else {
        nodes.append(node)
        continue
      }
      guard let name = node.outputs.first else { continue }
      if node.operation == "Identity", let source = inputs.first, let value = constants[source] {
        constants[name] = value
        given.insert(name)
        if !OnnxGraph.isGenerated(name), !fixed.contains(name), !fixed.contains(source) { named.insert(name) }
        continue
      }
      if node.operation != "Shape", node.operation != "Size", inputs.contains(where: isTrained) {
        nodes.append(node)
        continue
      }
      if node.operation == "Constant" { given.insert(name) }
      let values = try OnnxCall(
        node: node, inputs: node.inputs.map { $0.isEmpty ? nil : constants[$0].map { OnnxValue($0) } }, opset: opset,
        batch: nil, limit: room
      ).run()
      for (name, value) in zip(node.outputs, values) {
        let constant = OnnxConstant(value)
        room -= constant.size
        guard room >= 0 else { throw OnnxProblem("\(node.title) computes more numbers than the file has") }
        constants[name] = constant
      }
    }
  }

  /// One part of a split as a slice.
  private mutating func slice(_ node: OnnxNode, of split: OnnxNode?) throws -> OnnxNode {
    func integers(_ name: String) -> (values: [Int], isList: Bool)? {
      if case .integers(let values, let shape)? = constants[name] { (values, shape.count == 1) } else { nil }
    }
    guard let split, let source = split.inputs.first, node.inputs.count == 2,
      let index = integers(node.inputs[1])?.values.first,
      let sizes = split.inputs.count > 1 ? integers(split.inputs[1]) : ([1], false), index >= 0, index < 1 << 20,
      let first = sizes.values.first, sizes.values.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }), split.inputs.count > 1
    else {
      throw OnnxProblem("\(node.title) takes a part of a list that Seep does not know", code: "unsupported-operator")
    }
    guard !sizes.isList || index < sizes.values.count else {
      throw OnnxProblem("\(node.title) takes part \(index) of \(sizes.values.count)")
    }
    let start = sizes.isList ? sizes.values[..<index].reduce(0, +) : index * first
    var result = OnnxNode(name: node.name, operation: "Slice", outputs: node.outputs)
    result.inputs = [source]
    for (what, number) in [
      ("from", start), ("to", start + (sizes.isList ? sizes.values[index] : first)),
      ("axis", try split.integer("axis", default: 0)),
    ] {
      let name = "\(node.outputs.first ?? "")/\(what)"
      constants[name] = .integers([number], shape: [1])
      result.inputs.append(name)
    }
    return result
  }

  /// Sets nodes apart that only turn parameters for one other node, such as the transposition of a weight.
  private mutating func setApart() {
    var uses: [String: Int] = [output: 2]
    for node in nodes { for name in node.inputs { uses[name, default: 0] += 1 } }
    nodes = nodes.filter { node in
      guard node.outputs.count == 1, let name = node.outputs.first, uses[name] == 1,
        node.inputs.allSatisfy({ $0.isEmpty || constants[$0] != nil || preparations[$0] != nil })
      else { return true }
      preparations[name] = node
      return false
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

  private static let untrained: Set<String> = ["Clip", "Pad", "Dropout"]

  /// The parameters among the inputs of a node, and the buffers.
  func trained(_ node: OnnxNode) -> (parameters: [Int], buffers: [Int]) {
    func isFloat(_ place: Int) -> Bool {
      guard place < node.inputs.count, case .floats? = constants[node.inputs[place]] else { return false }
      return true
    }
    if OnnxGraph.untrained.contains(node.operation) { return ([], []) }
    if let places = OnnxGraph.weights[node.operation] {
      let found = places.filter { isFloat($0) && given.contains(node.inputs[$0]) && !isFixed(node.inputs[$0]) }
      return (found, node.operation == "BatchNormalization" ? [3, 4].filter(isFloat) : [])
    }
    return (node.inputs.indices.filter { isTrained(node.inputs[$0]) }, [])
  }

  /// Named by the exporter's user as not trained.
  private func isFixed(_ name: String) -> Bool { !OnnxGraph.isGenerated(name) && !named.contains(name) }

  /// Whether something is zero and stays so, as biases that an exporter adds.
  func isZero(_ name: String) throws -> Bool {
    guard !given.contains(name), let value = floats(name) else { return false }
    return try value.floats().allSatisfy { $0 == 0 }
  }

  func floats(_ name: String) -> Tensor? {
    if case .floats(let value)? = constants[name] { value } else { nil }
  }
}
