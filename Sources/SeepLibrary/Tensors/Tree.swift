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
}
