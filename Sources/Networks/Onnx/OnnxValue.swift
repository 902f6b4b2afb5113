// What flows between the nodes of an ONNX graph: tensors, and the whole numbers of shapes, axes and indices.
import Autodiff
import Ground
import Tensors

enum OnnxValue {
  case tensor(Variable)
  case integers([Int], shape: [Int])

  init(_ constant: OnnxConstant) {
    switch constant {
    case .floats(let tensor): self = .tensor(Variable(tensor))
    case .integers(let values, let shape): self = .integers(values, shape: shape)
    }
  }

  var shape: [Int] {
    switch self {
    case .tensor(let x): x.shape
    case .integers(_, let shape): shape
    }
  }
}

/// What a node is given when it runs.
struct OnnxCall {
  let node: OnnxNode
  let inputs: [OnnxValue?]
  let opset: Int
  /// The batch the file was exported with, where it is fixed.
  let batch: Int?

  /// Elements that one value may have.
  var limit = OnnxCall.mostElements

  static let mostElements = 1 << 30
  /// The same for the lone example that shapes are learned from.
  static let mostElementsOfOne = 1 << 26

  func problem(_ words: String) -> Fault {
    Fault("unsupported-operator", "\(node.title) (\(node.operation)) \(words)")
  }

  func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

  func value(_ index: Int) throws -> OnnxValue {
    guard has(index), let value = inputs[index] else { throw problem("lacks its input \(index + 1)") }
    return value
  }

  func tensor(_ index: Int, like other: Variable? = nil) throws -> Variable {
    switch try value(index) {
    case .tensor(let x): return x
    case .integers(let values, let shape):
      return Variable(try Tensor(values.map { Float($0) }, shape: shape).converted(to: other?.dtype ?? .float32))
    }
  }

  func optionalTensor(_ index: Int) throws -> Variable? { has(index) ? try tensor(index) : nil }

  func integers(_ index: Int, _ what: String) throws -> [Int] {
    guard case .integers(let values, _) = try value(index) else { throw problem("takes whole numbers as its \(what)") }
    return values
  }

  /// Whole numbers from an attribute or, in later versions of the operator, an input.
  func integers(_ index: Int, or attribute: String) throws -> [Int]? {
    if has(index) { return try integers(index, attribute) }
    return try node.integers(attribute)
  }

  /// A number from an input or an attribute.
  func number(_ index: Int, or attribute: String) throws -> Double? {
    guard has(index) else { return node[attribute] == nil ? nil : try node.number(attribute, default: 0) }
    switch try value(index) {
    case .tensor(let x) where x.size == 1: return try x.value.item()
    case .integers(let values, _) where values.count == 1: return Double(values[0])
    default: throw problem("takes one number as its \(attribute)")
    }
  }

  /// An axis counted from the front.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    let place = axis < 0 ? axis + rank : axis
    guard place >= 0, place < rank else { throw problem("has the axis \(axis) for \(rank) axes") }
    return place
  }

  func axes(_ axes: [Int], rank: Int) throws -> [Int] {
    let places = try axes.map { try axis($0, rank: rank) }
    guard Set(places).count == places.count else { throw problem("names an axis twice") }
    return places
  }

  /// Checks that a value of this shape may be made.
  func allow(_ shape: [Int]) throws {
    guard let count = byteCount(shape, .int8), count <= limit else {
      throw problem("would make a tensor of shape \(shape)")
    }
  }

  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    var result: [Int] = []
    for i in 0..<rank {
      let (x, y) = (i < rank - a.count ? 1 : a[i - rank + a.count], i < rank - b.count ? 1 : b[i - rank + b.count])
      guard x == y || x == 1 || y == 1 else { return nil }
      result.append(x == 1 ? y : x)
    }
    return result
  }
}
