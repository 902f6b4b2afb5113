// Trees of tensors: any nesting of records, lists and tuples of tensors and numbers, for derivatives and arithmetic.
import Autodiff
import Ground
import SeepLanguage
import Tensors

/// A foreign object that holds tensors: an update, a record of parameters.
protocol TensorTree: Foreign {
  var leaves: [Variable] { get }
  /// The same object with other tensors in the same places.
  func rebuilt(_ leaves: [Variable]) throws -> Value
}

enum Tree {
  /// The same tree with ints made numbers: what is differentiated by is continuous.
  static func promoted(_ value: Value) -> Value {
    switch value.content {
    case .int(let int): Value(Double(int))
    case .list(let items): Value(list: items.map(promoted))
    case .tuple(let items): Value(tuple: items.map(promoted))
    case .record(let record): Value(record: record.fields.map { ($0.name, promoted($0.value)) })
    case .none, .bool, .float, .string, .range, .function, .foreign: value
    }
  }

  /// The tensors and float numbers of a tree, in order; nil if it holds none.
  static func leaves(_ value: Value) throws -> [Variable]? {
    var result: [Variable] = []
    try collect(value, &result)
    return result.isEmpty ? nil : result
  }

  private static func collect(_ value: Value, _ result: inout [Variable]) throws {
    switch value.content {
    case .float(let number): result.append(Variable(try Tensor.scalar(number, .float64)))
    case .list(let items), .tuple(let items): for item in items { try collect(item, &result) }
    case .record(let record): for field in record.fields { try collect(field.value, &result) }
    case .foreign(let object):
      if let tensor = object as? TensorValue {
        if tensor.variable.dtype.isFloat { result.append(tensor.variable) }
      } else if let tree = object as? any TensorTree {
        result.append(contentsOf: tree.leaves)
      }
    case .none, .bool, .int, .string, .range, .function: break
    }
  }

  /// The same tree with its tensors and float numbers replaced, in order, by what `next` gives.
  ///
  /// - Parameter next: gets the leaf as it is; `isNumber` says that it was a plain number.
  static func map(_ value: Value, _ next: (Variable, _ isNumber: Bool) throws -> Value) throws -> Value {
    switch value.content {
    case .float(let number): return try next(Variable(Tensor.scalar(number, .float64)), true)
    case .list(let items): return Value(list: try items.map { try map($0, next) })
    case .tuple(let items): return Value(tuple: try items.map { try map($0, next) })
    case .record(let record):
      return Value(record: try record.fields.map { ($0.name, try map($0.value, next)) })
    case .foreign(let object):
      if let tensor = object as? TensorValue, tensor.variable.dtype.isFloat {
        return try next(tensor.variable, tensor.isNumber)
      }
      if let tree = object as? any TensorTree {
        let leaves = try tree.leaves.map { leaf -> Variable in
          guard let new = try next(leaf, false).foreign(as: TensorValue.self) else {
            throw Fault("type-mismatch", "a tensor of an update can only become a tensor")
          }
          return new.variable
        }
        return try tree.rebuilt(leaves)
      }
      return value
    case .none, .bool, .int, .string, .range, .function: return value
    }
  }

  /// A function of tensors on every tensor and number of a record or update, which keeps its form; nil for other values.
  static func each(_ value: Value, _ function: (Variable) throws -> Variable) throws -> Value? {
    guard value.asRecord != nil || value.asForeign is any TensorTree, try leaves(value) != nil else { return nil }
    return try map(value) { leaf, isNumber in try Derivative.plain(function(leaf), isNumber: isNumber) }
  }
}

let treeBuiltins: [Builtin] = [
  Builtin(
    "map_tensors(tensors, f)", group: "records",
    """
    The function `f` of a tensor on every tensor of an update or a record of tensors, which keeps its form. If `f` has two parameters, the
    second is the tensor's name. Arithmetic and functions such as `abs`, `sign`, `clamp` work on updates and records as they are.
    """,
    example: """
      print(map_tensors({w: tensor([1, 3]), b: tensor([2])}, t => t - mean(t)))                      # expect: {w: [-1.0, 1.0], b: [0.0]}
      print(map_tensors({w: ones(2), b: ones(1)}, (t, name) => if name == "b" { 0 * t } else { t }))  # expect: {w: [1.0, 1.0], b: [0.0]}
      """
  ) { call in
    let (value, function) = (call["tensors"], try call.function("f"))
    let names = value.asRecord?.names ?? value.foreign(as: UpdateValue.self)?.update.names ?? []
    var place = 0
    let wantsName = function.parameterCount == 2
    let mapped = try Tree.each(value) { leaf in
      defer { place += 1 }
      let name = wantsName ? [Value(place < names.count ? names[place] : "\(place)")] : []
      let result = try call.invoke(function, [Value(TensorValue(leaf))] + name)
      guard let tensor = result.foreign(as: TensorValue.self) else {
        throw call.fault(
          "type-mismatch", "`f` of `map_tensors` must return a tensor, and it returned \(described(result))",
          argument: "f")
      }
      return tensor.variable
    }
    if let mapped { return mapped }
    throw call.fault(
      "type-mismatch", "`map_tensors` goes through an update or a record of tensors, not \(described(value))",
      argument: "tensors")
  }
]
