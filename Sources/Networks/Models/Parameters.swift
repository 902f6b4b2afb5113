// The numbers of a model: an ordered record of named variables.
import Autodiff
import Ground
import Tensors

/// Named variables in the order of a model's layers. A gradient with respect to parameters has the same form.
public struct Parameters: Sendable {
  public let names: [String]
  public let values: [Variable]
  private let positions: [String: Int]

  /// - Throws: `duplicate-name`.
  public init(_ pairs: [(name: String, value: Variable)]) throws {
    names = pairs.map(\.name)
    values = pairs.map(\.value)
    positions = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    if positions.count < names.count {
      let twice = names.enumerated().first { positions[$1] != $0 }?.element ?? ""
      throw Fault("duplicate-name", "two parameters are named \(twice)")
    }
  }

  /// The same names with other values; there must be as many.
  private init(like other: Parameters, _ values: [Variable]) {
    precondition(values.count == other.names.count)
    names = other.names
    positions = other.positions
    self.values = values
  }

  public var count: Int { names.count }
  /// Numbers in all.
  public var size: Int { values.reduce(0) { $0 + $1.size } }
  public var tensors: [Tensor] { values.map(\.value) }

  public subscript(name: String) -> Variable? { positions[name].map { values[$0] } }

  public func map(_ transform: (Variable) throws -> Variable) rethrows -> Parameters {
    Parameters(like: self, try values.map(transform))
  }

  /// Constants with the same values, fresh leaves of a new tape.
  public func watched() -> Parameters { map { Variable($0.value).watched() } }

  /// Values in the order of `names`.
  /// - Throws: `shape-mismatch` where the number of values differs.
  public func with(values: [Variable]) throws -> Parameters {
    guard values.count == count else {
      throw Fault("shape-mismatch", "\(values.count) values were given for \(count) parameters")
    }
    return Parameters(like: self, values)
  }

  /// Pairs the parameters of two records by name.
  /// - Throws: `unknown-name` where their names differ.
  public func zip(_ other: Parameters, _ combine: (Variable, Variable) throws -> Variable) throws -> Parameters {
    guard other.count == count else {
      throw Fault("shape-mismatch", "a record of \(count) parameters meets one of \(other.count)")
    }
    if other.names == names { return Parameters(like: self, try Swift.zip(values, other.values).map(combine)) }
    return Parameters(
      like: self,
      try Swift.zip(names, values).map { name, value in
        guard let partner = other[name] else {
          throw Fault(
            "unknown-name", "only one of two records has a parameter \(name)",
            help: nearestName(to: name, among: other.names))
        }
        return try combine(value, partner)
      })
  }

  public static func + (a: Parameters, b: Parameters) throws -> Parameters { try a.zip(b) { try $0 + $1 } }
  public static func - (a: Parameters, b: Parameters) throws -> Parameters { try a.zip(b) { try $0 - $1 } }
  public static func * (scale: Double, a: Parameters) throws -> Parameters { try a.map { try scale * $0 } }
}
