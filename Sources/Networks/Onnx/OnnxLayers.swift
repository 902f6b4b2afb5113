// Nodes of an ONNX graph as layers: one operator with parameters, and a piece of graph with one input and one output.
import Autodiff
import Ground
import Tensors

/// What an operator is given besides values that are computed.
enum OnnxInput: Sendable {
  case none
  /// Computed from the example, or the input itself.
  case value(String)
  case constant(OnnxConstant)
  /// By its place among the parameters of the layer that runs the node.
  case parameter(Int)
}

/// A node and where its inputs come from.
struct OnnxStep: Sendable {
  let node: OnnxNode
  let inputs: [OnnxInput]
  let opset: Int
  let batch: Int?

  func run(
    _ values: [String: OnnxValue], _ parameters: (Int) -> Variable, dtype: DType, limit: Int = OnnxCall.mostElements
  ) throws
    -> [OnnxValue]
  {
    let given = try inputs.map { input -> OnnxValue? in
      switch input {
      case .none: return nil
      case .value(let name): return values[name]
      case .parameter(let index): return .tensor(parameters(index))
      case .constant(.integers(let numbers, let shape)): return .integers(numbers, shape: shape)
      case .constant(.floats(let tensor)):
        return .tensor(Variable(dtype == .float64 ? try tensor.converted(to: dtype) : tensor))
      }
    }
    do {
      return try OnnxCall(node: node, inputs: given, opset: opset, batch: batch, limit: limit).run()
    } catch let problem as OnnxProblem {
      throw Fault(problem.code, problem.reason, help: problem.help)
    }
  }
}

/// One operator with parameters, of one computed input.
struct OnnxOperator: Layer {
  let step: OnnxStep
  /// What turns its parameters first.
  let preparations: [OnnxStep]
  /// Shapes of its parameters.
  let shapes: [[Int]]
  let input: String

  var kind: String { onnxKind(step.node.operation) }
  var written: String { step.node.operation }

  private func apply(_ x: Variable, _ parameters: [Variable], limit: Int = OnnxCall.mostElements) throws -> Variable {
    var values: [String: OnnxValue] = [input: .tensor(x)]
    for preparation in preparations {
      let made = try preparation.run(values, { parameters[$0] }, dtype: x.dtype, limit: limit)
      for (name, value) in zip(preparation.node.outputs, made) { values[name] = value }
    }
    let result = try step.run(values, { parameters[$0] }, dtype: x.dtype, limit: limit)
    guard case .tensor(let y)? = result.first else {
      throw Fault("unsupported-operator", "\(step.node.title) made no tensor")
    }
    return y
  }

  func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    for (index, shape) in shapes.enumerated() { builder.parameter("weight\(index)", shape, .shift) }
    let zeros = try shapes.map { Variable(try Tensor.zeros($0)) }
    let result = try apply(onnxZeros([1] + input, step.node.title), zeros, limit: OnnxCall.mostElementsOfOne)
    return Array(result.shape.dropFirst())
  }

  func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try apply(x, shapes.indices.map { scope.parameter($0) })
  }

  /// Example by example: no operator is known better here.
  func perExampleGradients(input: Variable, outputGradient: Variable, _ scope: ParameterScope) throws -> [Variable] {
    let parameters = shapes.indices.map { scope.parameter($0) }
    let isTracked = input.isTracked || outputGradient.isTracked
    let each = try (0..<input.shape[0]).map { example -> [Variable] in
      try Interrupt.check()
      let x = try input.slice(axis: 0, from: example, to: example + 1)
      let d = try outputGradient.slice(axis: 0, from: example, to: example + 1)
      let (watched, sum) = try withRecording {
        let watched = parameters.map { $0.watched() }
        return (watched, try (apply(x, watched) * d).sum())
      }
      return try zip(gradients(of: sum, wrt: watched, recording: isTracked), watched).map {
        try $0 ?? Variable(Tensor.zeros($1.shape, $1.dtype))
      }
    }
    return try shapes.indices.map { index in
      try Variable.concat(each.map { try $0[index].unsqueeze(axis: 0) }, axis: 0)
    }
  }
}

/// Nodes between two values through which everything passes.
struct OnnxSegment: Layer {
  enum Part: Sendable {
    case step(OnnxStep)
    /// A layer between two values; `parameters` of it are named by the model.
    case layer(any Layer, from: String, to: String)

    var title: String {
      switch self {
      case .step(let step): step.node.title
      case .layer(let layer, _, let to): "\(layer.written), which makes \(to),"
      }
    }
  }

  let parts: [Part]
  let input: String
  let output: String
  /// Parameters of nodes that are no layers: their shapes.
  let shapes: [[Int]]
  let exampleRank: Int?

  var kind: String {
    if parts.count == 1, case .step(let step)? = parts.first { return onnxKind(step.node.operation) }
    return "graph"
  }

  var written: String {
    let names = parts.map { part in
      switch part {
      case .step(let step): step.node.operation
      case .layer(let layer, _, _): layer.written
      }
    }
    return names.count == 1 ? names[0] : "graph(\(names.joined(separator: ", ")))"
  }

  /// The same with other layers in the places of its own.
  func mapped(_ change: (any Layer) -> any Layer) -> OnnxSegment {
    let changed = parts.map { part -> Part in
      if case .layer(let layer, let from, let to) = part { return .layer(change(layer), from: from, to: to) }
      return part
    }
    return OnnxSegment(parts: changed, input: input, output: output, shapes: shapes, exampleRank: exampleRank)
  }

  func build(input shape: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    for (index, shape) in shapes.enumerated() { builder.parameter("weight\(index)", shape, .shift) }
    let zeros = try shapes.map { Variable(try Tensor.zeros($0)) }
    guard let first = parts.first else { return shape }
    let example = try onnxZeros([1] + shape, first.title)
    let result = try run(example, { zeros[$0] }, limit: OnnxCall.mostElementsOfOne) { layer, x in
      try onnxZeros([1] + builder.visit(layer, input: Array(x.shape.dropFirst())), first.title)
    }
    guard result.shape.first == 1 else {
      throw builder.refuse(shape, needs: "to keep the batch axis first, and it made \(result.shape) of \([1] + shape)")
    }
    return Array(result.shape.dropFirst())
  }

  func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    try run(x, { scope.parameter($0) }) { try scope.apply($0, $1) }
  }

  private func run(
    _ x: Variable, _ parameters: (Int) -> Variable, limit: Int = OnnxCall.mostElements,
    _ layer: (any Layer, Variable) throws -> Variable
  ) throws -> Variable {
    var values: [String: OnnxValue] = [input: .tensor(x)]
    for part in parts {
      switch part {
      case .step(let step):
        for (name, value) in zip(step.node.outputs, try step.run(values, parameters, dtype: x.dtype, limit: limit)) {
          values[name] = value
        }
      case .layer(let inner, let from, let to):
        guard case .tensor(let given)? = values[from], given.rank > 0 else {
          throw Fault("unsupported-operator", "\(inner.written) is given \(from), which is no batch")
        }
        values[to] = .tensor(try layer(inner, given))
      }
    }
    guard case .tensor(let y)? = values[output] else {
      throw Fault("unsupported-operator", "\(written) makes whole numbers, and a model makes tensors")
    }
    return y
  }
}

/// `MaxPool` as part of a name: `max_pool`.
func onnxKind(_ operation: String) -> String {
  var result = ""
  for character in operation {
    if character.isUppercase, let last = result.last, last.isLowercase { result += "_" }
    result += character.lowercased()
  }
  return result
}

/// Zeros of one example, without memory of their own.
private func onnxZeros(_ shape: [Int], _ title: String) throws -> Variable {
  guard let count = byteCount(shape, .int8), count <= OnnxCall.mostElementsOfOne else {
    throw Fault(
      "shape-mismatch", "\(title) is given or makes an example of shape \(shape.dropFirst()), which is absurdly large")
  }
  return Variable(try Tensor.zeros([]).broadcast(to: shape))
}
