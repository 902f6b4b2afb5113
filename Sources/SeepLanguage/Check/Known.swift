// What is known of a value before the program runs. The language knows numbers, texts, lists and functions; of its own objects the
// library says what it knows, and what becomes of it.
import Ground

/// What is known of a value without running.
public indirect enum Known {
  /// Nothing: whatever is done with it, nothing is said.
  case unknown
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  /// Without the last; nil is an open end.
  case range(Int?, Int?)
  case list([Known])
  case tuple([Known])
  case record([(name: String, value: Known)])
  /// A function of the library.
  case builtin(Builtin)
  /// A function that the top of the text binds once.
  case function(FunctionSyntax)
  /// `f >> g` of functions of the library.
  case composition([Builtin])
  /// An object of the library.
  case object(any KnownObject)
}

/// What the library knows of one of its objects: the questions of `Foreign`, asked before the program runs. An answer must hold
/// for every run. A `Fault` is thrown where every run that gets there fails with it, and `Unclear` where nothing is known.
public protocol KnownObject: AnyObject {
  /// In a few words, as the object says it: `float32 [2, 3]`.
  var summary: String { get }
  /// `self op other`, or `other op self` if `reversed`.
  func operate(_ operation: Operator, _ other: Known, reversed: Bool) throws -> Known
  func operate(_ operation: UnaryOperator) throws -> Known
  /// `x[items]`; nil is a bare `:`.
  func index(_ items: [Known?]) throws -> Known
  func field(_ name: String) throws -> Known
  /// Whether `x.name(…)` calls what the object has, and not a function of this name.
  func hasField(_ name: String) -> Bool
  /// A call with these arguments, none of which has a name.
  func call(_ arguments: [Known]) throws -> Known
  /// `self >> other`, or `other >> self` if `reversed`.
  func compose(with other: Known, reversed: Bool) throws -> Known
  /// What `for` goes through: how many items, and what is known of each; nil where that is not known.
  var items: (count: Int?, each: Known)? { get }
}

extension KnownObject {
  public func operate(_ operation: Operator, _ other: Known, reversed: Bool) throws -> Known { throw Unclear() }
  public func operate(_ operation: UnaryOperator) throws -> Known { throw Unclear() }
  public func index(_ items: [Known?]) throws -> Known { throw Unclear() }
  public func field(_ name: String) throws -> Known { throw Unclear() }
  public func call(_ arguments: [Known]) throws -> Known { throw Unclear() }
  public func compose(with other: Known, reversed: Bool) throws -> Known { throw Unclear() }
  public var items: (count: Int?, each: Known)? { nil }
}

/// Thrown where nothing can be said before the program runs.
public struct Unclear: Error {
  public init() {}
}

extension Known {
  /// What is known of a value that is there already: a default, a constant of the library.
  public init(_ value: Value) {
    switch value.content {
    case .none: self = .none
    case .bool(let bool): self = .bool(bool)
    case .int(let int): self = .int(int)
    case .float(let float): self = .float(float)
    case .string(let string): self = .string(string)
    case .range: self = .unknown
    case .list(let items): self = .list(items.map { Known($0) })
    case .tuple(let items): self = .tuple(items.map { Known($0) })
    case .record(let record): self = .record(record.fields.map { ($0.name, Known($0.value)) })
    case .function: self = value.builtin.map { .builtin($0) } ?? .unknown
    case .foreign: self = .unknown
    }
  }

  /// The value itself, where all of it is known and the language has it.
  var value: Value? {
    func all(_ items: [Known]) -> [Value]? {
      var found: [Value] = []
      for item in items {
        guard let value = item.value else { return nil }
        found.append(value)
      }
      return found
    }
    switch self {
    case .none: return Value.none
    case .bool(let bool): return Value(bool)
    case .int(let int): return Value(int)
    case .float(let float): return Value(float)
    case .string(let string): return Value(string)
    case .list(let items): return all(items).map { Value(list: $0) }
    case .tuple(let items): return all(items).map { Value(tuple: $0) }
    case .unknown, .range, .record, .builtin, .function, .composition, .object: return nil
    }
  }

  public var asInt: Int? { if case .int(let int) = self { int } else { nil } }
  public var asString: String? { if case .string(let string) = self { string } else { nil } }
  public var isUnknown: Bool { if case .unknown = self { true } else { false } }
  /// An int or a float.
  public var asDouble: Double? {
    switch self {
    case .int(let int): Double(int)
    case .float(let float): float
    default: nil
    }
  }
  /// The items of a list or a tuple.
  public var asItems: [Known]? {
    switch self {
    case .list(let items), .tuple(let items): items
    default: nil
    }
  }
  public func object<T>(as type: T.Type = T.self) -> T? {
    if case .object(let object) = self { object as? T } else { nil }
  }

  /// What a condition makes of it; nil where that is not known.
  var truth: Bool? {
    switch self {
    case .bool(let bool): bool
    case .none: false
    default: nil
    }
  }
}

/// What is known of a call of a function of the library, by the names of its parameters.
public struct KnownCall {
  /// The function's name.
  public let name: String
  let signature: Signature
  /// One for each parameter; nil where nothing was given.
  let given: [Known?]

  /// What a rule gets: it answers what the call gives. It throws a `Fault` where the call certainly fails with it, `Unclear` where
  /// nothing is known.
  public typealias Rule = @Sendable (KnownCall) throws -> Known

  /// The number of a parameter, for `Fault.argument`.
  public func index(of name: String) -> Int {
    guard let index = signature.index(of: name) else { preconditionFailure("\(self.name) has no parameter \(name)") }
    return index
  }

  /// The texts among the arguments, by parameter.
  public var words: [(parameter: String, word: String)] {
    zip(signature.parameters, given).compactMap { parameter, known in
      known?.asString.map { (parameter.name, $0) }
    }
  }

  public func isGiven(_ name: String) -> Bool { given[index(of: name)] != nil }

  /// The argument, or its default.
  public subscript(_ name: String) -> Known {
    let at = index(of: name)
    return given[at] ?? signature.parameters[at].defaultValue.map { Known($0) } ?? .unknown
  }

  public func fault(_ code: String, _ message: String, argument name: String, help: String? = nil) -> Fault {
    Fault(code, message, help: help, argument: index(of: name))
  }

  public func int(_ name: String) throws -> Int {
    guard let int = self[name].asInt else { throw Unclear() }
    return int
  }

  public func bool(_ name: String) throws -> Bool {
    guard case .bool(let bool) = self[name] else { throw Unclear() }
    return bool
  }

  public func string(_ name: String) throws -> String {
    guard let string = self[name].asString else { throw Unclear() }
    return string
  }

  public func double(_ name: String) throws -> Double {
    guard let double = self[name].asDouble else { throw Unclear() }
    return double
  }

  public func object<T>(as type: T.Type = T.self, _ name: String) throws -> T {
    guard let object = self[name].object(as: T.self) else { throw Unclear() }
    return object
  }

  /// An int, or nil for `none`.
  public func optionalInt(_ name: String) throws -> Int? {
    if case .none = self[name] { return nil }
    return try int(name)
  }

  /// One int, or a list of ints.
  public func ints(_ name: String) throws -> [Int] {
    let value = self[name]
    if let int = value.asInt { return [int] }
    guard let items = value.asItems else { throw Unclear() }
    return try items.map {
      guard let int = $0.asInt else { throw Unclear() }
      return int
    }
  }

  /// The arguments of a variadic parameter.
  public func rest(_ name: String) -> [Known] { given[index(of: name)]?.asItems ?? [] }

  /// A shape given as `2, 3` or as one list; nil where an extent is not known.
  public func shape(_ name: String) throws -> [Int?] {
    var items = rest(name)
    if items.count == 1 {
      switch items[0] {
      case .list(let inner), .tuple(let inner): items = inner
      case .int: break
      default: throw Unclear()  // an int or a list
      }
    }
    return try items.map {
      switch $0 {
      case .int(let int): int
      case .unknown: nil
      default: throw Unclear()
      }
    }
  }
}
