// An ONNX file as a model: nodes become Seep's own layers where there is one, and pieces of graph where there is not.
import Autodiff
import Ground
import Tensors

/// Networks exported to ONNX (https://onnx.ai), operators of versions 9 to 23.
public enum Onnx {
  /// The network in a file, with its numbers; parameters have the names of the file.
  ///
  /// - Parameters:
  ///   - folded: whether a network is taken whose batch normalisation was folded into its convolutions. Its logits are those of the
  ///     client's; its gradients are not, because it has other parameters.
  ///   - fixed: names of tensors that are not trained (buffers of the client's, such as means of pixels).
  ///   - largest: numbers of an example up to which the model is built at once where the file says the example's shape.
  ///   - key: for what is random in training (dropout).
  /// - Throws: `file-not-found`, `bad-file`, `unsupported-opset`, `unsupported-operator` naming operator and node, `folded-batch-norm`
  ///   with the line that exports without folding.
  public static func read(
    _ path: String, folded: Bool = false, fixed: [String] = [], largest: Int = 1 << 20, key: RandomKey,
    name: String? = nil
  ) throws
    -> Model
  {
    let file = try InputFile(path)
    let bytes = try file.bytes(at: 0, count: file.size, as: "ONNX")
    let folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
    do {
      let contents = try OnnxContents(bytes, folder: folder.isEmpty ? "/" : folder)
      if !folded, let weight = contents.foldedWeight { throw Onnx.folded(weight) }
      let graph = try OnnxGraph(contents, fixed: Set(fixed))
      let model = try OnnxAssembly(graph).model(key: key, name: name ?? "onnx(\"\(path)\")")
      let example = graph.inputShape.dropFirst().compactMap { $0 }
      if example.count == graph.inputShape.count - 1,
        example.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) <= largest
      {
        try model.build(for: example)
      }
      return model
    } catch let problem as OnnxProblem {
      throw Fault(
        problem.code, "cannot read \(path) as ONNX: \(problem.reason)", notes: problem.notes, help: problem.help)
    } catch let fault as Fault where fault.code == "unsupported-operator" {
      throw Fault(fault.code, "cannot read \(path) as ONNX: \(fault.message)", notes: fault.notes, help: fault.help)
    }
  }

  /// Exports with everything as the client has it.
  static let exportLine =
    "torch.onnx.export(model, (x,), \"client.onnx\", dynamo=False, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)"

  private static func folded(_ weight: String) -> OnnxProblem {
    OnnxProblem(
      "its batch normalisation was folded into its convolutions (\(weight)), so that it has other parameters than the client's model",
      code: "folded-batch-norm", help: exportLine,
      notes: ["For its logits alone, onnx(…, folded: true) takes it as it is."])
  }
}

extension OnnxContents {
  /// A convolution's weight that PyTorch's exporters have multiplied by a batch normalisation: one of them gives it a number for a name,
  /// the other gives it a bias named after it.
  var foldedWeight: String? {
    guard producer == "pytorch", !nodes.contains(where: { $0.operation == "BatchNormalization" }) else { return nil }
    for node in nodes where node.operation == "Conv" && node.inputs.count == 3 {
      let (weight, bias) = (node.inputs[1], node.inputs[2])
      if weight.hasPrefix("onnx::Conv_") || bias == "\(weight)_bias" { return weight }
    }
    return nil
  }
}

/// Makes layers of nodes.
struct OnnxAssembly {
  private struct Made {
    var layer: any Layer
    var from: String
    var parameters: [String] = []
    var buffers: [String] = []
  }

  private let graph: OnnxGraph

  init(_ graph: OnnxGraph) throws {
    self.graph = graph
    var users: [String: OnnxNode] = [:]
    for node in graph.nodes + graph.preparations.values {
      let trained = graph.trained(node)
      for place in trained.parameters + trained.buffers {
        if let other = users.updateValue(node, forKey: node.inputs[place]) {
          throw OnnxProblem(
            "\(other.title) and \(node.title) share the numbers \(node.inputs[place]), and Seep's models share none",
            code: "unsupported-operator")
        }
      }
    }
  }

  func model(key: RandomKey, name: String) throws -> Model {
    var (layers, names) = ([any Layer](), [Int: LayerNames]())
    var from = graph.input
    for (nodes, to) in pieces() {
      let (layer, own) = try layer(of: nodes, from: from, to: to)
      names[layers.count] = own
      layers.append(layer)
      from = to
    }
    let model = Model(layers, key: key, name: name, names: names)
    let all = (0..<layers.count).flatMap { (names[$0]?.parameters ?? []) + (names[$0]?.buffers ?? []) }
    let given = try model.with(
      Parameters(
        all.map { name in
          guard let value = graph.floats(name) else { throw OnnxProblem("\(name) is not a tensor of numbers") }
          return (name: name, value: Variable(value))
        }))
    return given
  }

  // MARK: Pieces

  /// Nodes between values through which everything passes, each with the value it ends in.
  private func pieces() -> [(nodes: [OnnxNode], output: String)] {
    var last: [String: Int] = [:]
    for (index, node) in graph.nodes.enumerated() { for name in node.inputs { last[name] = index } }
    last[graph.output] = graph.nodes.count
    var (result, nodes): ([(nodes: [OnnxNode], output: String)], [OnnxNode]) = ([], [])
    var alive: Set<String> = [graph.input]
    for (index, node) in graph.nodes.enumerated() {
      nodes.append(node)
      alive.formUnion(node.outputs.filter { !$0.isEmpty })
      alive = alive.filter { last[$0] ?? -1 > index }
      if alive.count == 1, let only = alive.first {
        result.append((nodes, only))
        nodes = []
      }
    }
    return result
  }

  private func layer(of nodes: [OnnxNode], from: String, to: String) throws -> (any Layer, LayerNames) {
    if nodes.count == 1, let made = try layer(of: nodes[0]), made.from == from, nodes[0].outputs.first == to {
      return (made.layer, LayerNames(parameters: made.parameters, buffers: made.buffers))
    }
    var (parts, loose, shapes): ([OnnxSegment.Part], [String], [[Int]]) = ([], [], [])
    var names = LayerNames()
    for node in nodes {
      if let made = try layer(of: node), let output = node.outputs.first {
        parts.append(.layer(made.layer, from: made.from, to: output))
        names.parameters += made.parameters
        names.buffers += made.buffers
        continue
      }
      for step in turned(node) + [node] {
        let trained = Set(graph.trained(step).parameters)
        parts.append(
          .step(
            self.step(step) { place in
              guard trained.contains(place), let value = graph.floats(step.inputs[place]) else { return nil }
              loose.append(step.inputs[place])
              shapes.append(value.shape)
              return .parameter(loose.count - 1)
            }))
      }
    }
    names.parameters = loose + names.parameters
    let rank = from == graph.input ? graph.inputShape.count - 1 : nil
    return (
      OnnxSegment(parts: parts, input: from, output: to, shapes: shapes, exampleRank: rank), names
    )
  }

  private func step(_ node: OnnxNode, _ parameter: (Int) -> OnnxInput?) -> OnnxStep {
    let inputs = node.inputs.indices.map { place -> OnnxInput in
      let name = node.inputs[place]
      if name.isEmpty { return .none }
      if let own = parameter(place) { return own }
      return graph.constants[name].map { .constant($0) } ?? .value(name)
    }
    return OnnxStep(node: node, inputs: inputs, opset: graph.opset, batch: graph.batch)
  }

  // MARK: Layers

  /// The node as a layer: one of Seep's own, or an operator with parameters; nil where it is neither.
  private func layer(of node: OnnxNode) throws -> Made? {
    let computed = Set(
      node.inputs.filter { !$0.isEmpty && graph.constants[$0] == nil && graph.preparations[$0] == nil })
    guard computed.count == 1, let from = computed.first else { return nil }
    let (trained, first) = (graph.trained(node), turned(node))
    if trained.parameters.isEmpty, first.isEmpty { return try plain(node).map { Made(layer: $0, from: from) } }
    if let weight = try product(node, first, from) {
      return Made(
        layer: try Dense(weight.shape[0], bias: false, expecting: weight.shape[1]), from: from,
        parameters: [first[0].inputs[0]])
    }
    if node.inputs.first == from, first.isEmpty,
      let layer = try own(node, trained.parameters, trained.buffers.map { node.inputs[$0] })
    {
      return Made(
        layer: layer, from: from, parameters: trained.parameters.map { node.inputs[$0] },
        buffers: layer is BatchNorm ? trained.buffers.map { node.inputs[$0] } : [])
    }
    var names: [String] = []
    let steps = (first + [node]).map { part in
      let places = Set(graph.trained(part).parameters)
      return step(part) { place in
        guard places.contains(place) else { return nil }
        names.append(part.inputs[place])
        return .parameter(names.count - 1)
      }
    }
    guard let last = steps.last else { return nil }
    let shapes = names.compactMap { graph.floats($0)?.shape }
    return Made(
      layer: OnnxOperator(step: last, preparations: steps.dropLast(), shapes: shapes, input: from), from: from,
      parameters: names)
  }

  /// What turns parameters for a node, first things first.
  private func turned(_ node: OnnxNode) -> [OnnxNode] {
    node.inputs.flatMap { name in graph.preparations[name].map { turned($0) + [$0] } ?? [] }
  }

  /// The weight of a product of features and a transposed weight.
  private func product(_ node: OnnxNode, _ first: [OnnxNode], _ from: String) throws -> Tensor? {
    guard node.operation == "MatMul", node.inputs.first == from, graph.ranks[from] == 2, first.count == 1,
      first[0].operation == "Transpose", let weight = graph.floats(first[0].inputs[0]), weight.rank == 2,
      weight.size > 0,
      try first[0].integers("perm") ?? [1, 0] == [1, 0], graph.trained(first[0]).parameters == [0]
    else { return nil }
    return weight
  }

  /// Layers without parameters that Seep has.
  private func plain(_ node: OnnxNode) throws -> (any Layer)? {
    switch node.operation {
    case "Relu": return Activation.relu
    case "Sigmoid": return Activation.sigmoid
    case "Tanh": return Activation.tanh
    case "Softplus": return Activation.softplus
    case "LeakyRelu": return Activation.leakyRelu(slope: try node.number("alpha", default: 0.01))
    case "Elu": return Activation.elu(alpha: try node.number("alpha", default: 1))
    case "Flatten" where try node.integer("axis", default: 1) == 1: return Flatten()
    case "Dropout":
      var rate = try node.number("ratio", default: 0.5)
      if node.inputs.count > 1, let given = graph.floats(node.inputs[1]), given.size == 1 { rate = try given.item() }
      guard rate >= 0, rate < 1 else { throw OnnxProblem("\(node.title) drops a share of \(rate)") }
      return try Dropout(rate)
    case "MaxPool", "AveragePool":
      guard let window = try square(node.integers("kernel_shape")), window > 0, try isExplicit(node),
        let stride = try square(node.integers("strides") ?? [1, 1]), stride > 0,
        let pad = try square(node.integers("pads") ?? [0, 0, 0, 0]), pad >= 0, pad <= window / 2,
        try node.integer("ceil_mode", default: 0) == 0, try square(node.integers("dilations") ?? [1, 1]) == 1,
        try node.operation == "MaxPool" || pad == 0 || node.integer("count_include_pad", default: 0) != 0
      else { return nil }
      return try Pool(node.operation == "MaxPool" ? .max : .average, window, stride: stride, pad: pad)
    default: return nil
    }
  }

  /// Layers with parameters that Seep has.
  private func own(_ node: OnnxNode, _ places: [Int], _ buffers: [String]) throws -> (any Layer)? {
    guard places.first == 1, let weight = graph.floats(node.inputs[1]) else { return nil }
    let bias = places.contains(2) ? graph.floats(node.inputs[2]) : nil
    // A bias that is fixed or computed is left to the operator.
    if node.inputs.count > 2, !node.inputs[2].isEmpty, bias == nil, try !graph.isZero(node.inputs[2]) { return nil }
    switch node.operation {
    case "Conv":
      guard weight.rank == 4, weight.shape[2] == weight.shape[3], weight.size > 0, try isExplicit(node),
        let stride = try square(node.integers("strides") ?? [1, 1]),
        let pad = try square(node.integers("pads") ?? [0, 0, 0, 0]),
        let dilation = try square(node.integers("dilations") ?? [1, 1]), stride > 0, pad >= 0, dilation > 0,
        bias.map({ $0.shape == [weight.shape[0]] }) ?? true
      else { return nil }
      let groups = try node.integer("group", default: 1)
      guard groups > 0, weight.shape[0] % groups == 0 else { return nil }
      return try Conv(
        weight.shape[0], kernel: weight.shape[2], stride: stride, pad: pad, dilation: dilation, groups: groups,
        bias: bias != nil)
    case "Gemm":
      guard weight.rank == 2, weight.size > 0, try node.integer("transA", default: 0) == 0,
        try node.integer("transB", default: 0) != 0, try node.number("alpha", default: 1) == 1,
        try node.number("beta", default: 1) == 1, bias.map({ $0.shape == [weight.shape[0]] }) ?? true
      else { return nil }
      return try Dense(weight.shape[0], bias: bias != nil, expecting: weight.shape[1])
    case "BatchNormalization":
      guard weight.rank == 1, bias?.shape == weight.shape, buffers.count == 2,
        buffers.allSatisfy({ graph.floats($0)?.shape == weight.shape })
      else { return nil }
      return BatchNorm(
        momentum: 1 - (try node.number("momentum", default: 0.9)), eps: try node.number("epsilon", default: 1e-5))
    default: return nil
    }
  }

  /// The number that all of them are.
  private func square(_ numbers: [Int]?) -> Int? {
    guard let numbers, let first = numbers.first, numbers.count % 2 == 0, numbers.allSatisfy({ $0 == first }) else {
      return nil
    }
    return first
  }

  private func isExplicit(_ node: OnnxNode) throws -> Bool {
    try ["NOTSET", ""].contains(node.text("auto_pad", default: "NOTSET"))
  }
}
