// One call of a builtin or of a foreign object: its matched arguments, and the way back into the interpreter.
import Ground

/// What a body gets. Arguments are read by parameter name; a wrong type throws a `Fault` that names the parameter, what
/// was expected and what came, and the machine underlines the argument.
public struct Call {
  public let session: Session
  /// For messages: the function's name.
  public let name: String
  /// nil if the callee has no signature: then see `positional` and `keywords`.
  public let signature: Signature?
  /// One slot per parameter, `absent` where nothing was given; borrowed for the time of the call.
  let slots: UnsafeMutablePointer<Slot>
  let slotCount: Int
  /// Names of the last arguments of an unmatched call.
  let keywordNames: [String]

  // MARK: Any value

  private func place(_ name: String) -> Int {
    if let signature, let index = signature.index(of: name) { return index }
    preconditionFailure("\(self.name) has no parameter \(name)")
  }

  private func slot(_ index: Int) -> Slot {
    let slot = slots[index]
    if slot.tag != Tag.absent { return slot }
    return signature?.parameters[index].defaultValue?.slot ?? .none
  }

  /// Whether the caller wrote this argument.
  public func isGiven(_ name: String) -> Bool { slots[place(name)].tag != Tag.absent }

  /// The argument, its default, or `none`.
  public func value(_ name: String) -> Value { Value(copying: slot(place(name))) }
  public subscript(_ name: String) -> Value { value(name) }
  /// The argument by its place in the signature.
  public func value(_ index: Int) -> Value { Value(copying: slot(index)) }

  /// The number of a parameter, for `Fault.argument`.
  public func index(of name: String) -> Int { place(name) }

  /// A `Fault` about one argument.
  public func fault(_ code: String, _ message: String, argument name: String, help: String? = nil) -> Fault {
    let at = place(name)
    return Fault(code, message, help: help, argument: at)
  }

  private func wrong(_ name: String, _ at: Int, _ expected: String) -> Fault {
    let came = slot(at)
    if slots[at].tag == Tag.absent { return Fault("missing-argument", "`\(self.name)` needs `\(name)`: \(expected)") }
    return Fault(
      "type-mismatch", "`\(name)` of `\(self.name)` must be \(expected), not \(came.describedType)", argument: at,
      operands: [at: Display.label(came)])
  }

  // MARK: Typed

  public func int(_ name: String) throws -> Int {
    let at = place(name)
    let slot = slot(at)
    if slot.tag == Tag.int { return slot.int }
    if slot.tag == Tag.foreign, let number = try slot.foreignObject.number(), let int = Int(exactly: number) {
      return int
    }
    throw wrong(name, at, "an int")
  }

  /// An int within bounds, both included.
  public func int(_ name: String, in range: ClosedRange<Int>) throws -> Int {
    let value = try int(name)
    if range.contains(value) { return value }
    let bounds =
      range.upperBound == Int.max ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    throw Fault("out-of-range", "`\(name)` of `\(self.name)` must be \(bounds), not \(value)", argument: place(name))
  }

  /// An int or a float.
  public func double(_ name: String) throws -> Double {
    let at = place(name)
    let slot = slot(at)
    if slot.isNumber { return slot.number }
    if slot.tag == Tag.foreign, let number = try slot.foreignObject.number() { return number }
    throw wrong(name, at, "a number")
  }

  /// A number within bounds, both included.
  public func double(_ name: String, in range: ClosedRange<Double>) throws -> Double {
    let value = try double(name)
    if range.contains(value) { return value }
    let bounds =
      range.upperBound == .infinity || range.upperBound == .greatestFiniteMagnitude
      ? "at least \(Display.number(range.lowerBound))"
      : "from \(Display.number(range.lowerBound)) to \(Display.number(range.upperBound))"
    throw Fault(
      "out-of-range", "`\(name)` of `\(self.name)` must be \(bounds), not \(Display.number(value))",
      argument: place(name))
  }

  public func bool(_ name: String) throws -> Bool {
    let at = place(name)
    let slot = slot(at)
    if slot.tag == Tag.bool { return slot.bool }
    throw wrong(name, at, "true or false")
  }

  public func string(_ name: String) throws -> String {
    let at = place(name)
    let slot = slot(at)
    if slot.tag == Tag.string { return Heap.text(slot.string) }
    throw wrong(name, at, "a string")
  }

  /// One of the allowed strings; anything else is an error that lists them.
  public func choice(_ name: String, of allowed: [String]) throws -> String {
    let given = try string(name)
    if allowed.contains(given) { return given }
    throw Choice.unknown(name, of: self.name, given, allowed, argument: place(name))
  }

  /// The items of a list, tuple or range, or of anything that `for` goes through.
  public func list(_ name: String) throws -> [Value] {
    let at = place(name)
    let slot = slot(at)
    if slot.tag == Tag.record || slot.tag == Tag.string { throw wrong(name, at, "a list") }
    guard let items = try Operations.items(of: slot, session) else { throw wrong(name, at, "a list") }
    return items
  }

  public func record(_ name: String) throws -> Record {
    let at = place(name)
    guard let record = value(at).asRecord else { throw wrong(name, at, "a record") }
    return record
  }

  /// Anything that can be called.
  public func function(_ name: String) throws -> Value {
    let at = place(name)
    let value = value(at)
    if value.isCallable { return value }
    throw wrong(name, at, "a function")
  }

  /// A foreign object of a Swift type. `kind` is what messages call it: `a model`.
  public func foreign<T>(as type: T.Type = T.self, _ name: String, kind: String? = nil) throws -> T {
    let at = place(name)
    let slot = slot(at)
    if slot.tag == Tag.foreign, let object = slot.foreignObject as? T { return object }
    throw wrong(name, at, kind ?? "a \(T.self)")
  }

  /// Integers: one int, or a list or tuple of ints.
  public func ints(_ name: String) throws -> [Int] {
    let at = place(name)
    let value = value(at)
    if let one = value.asInt { return [one] }
    guard let items = value.asItems else { throw wrong(name, at, "an int or a list of ints") }
    return try items.map {
      guard let int = $0.asInt else { throw wrong(name, at, "an int or a list of ints") }
      return int
    }
  }

  /// Numbers: one number, or a list or tuple of numbers.
  public func doubles(_ name: String) throws -> [Double] {
    let at = place(name)
    let value = value(at)
    if let one = value.asDouble { return [one] }
    guard let items = value.asItems else { throw wrong(name, at, "a number or a list of numbers") }
    return try items.map {
      guard let double = $0.asDouble else { throw wrong(name, at, "a number or a list of numbers") }
      return double
    }
  }

  /// The arguments of a variadic parameter.
  public func rest(_ name: String) -> [Value] { value(name).asItems ?? [] }

  /// A shape given as `2, 3` or as one list `[2, 3]` to a variadic parameter.
  public func shape(_ name: String) throws -> [Int] {
    var items = rest(name)
    if items.count == 1, let inner = items[0].asItems { items = inner }
    return try items.map {
      guard let int = $0.asInt else {
        throw Fault(
          "type-mismatch", "`\(name)` of `\(self.name)` must be ints, not \($0.slot.describedType)",
          argument: place(name))
      }
      return int
    }
  }

  // MARK: Optional: nil where nothing, or `none`, was given

  private func isNone(_ name: String) -> Bool {
    let slot = slot(place(name))
    return slot.tag == Tag.none || slot.tag == Tag.absent
  }
  public func optionalInt(_ name: String) throws -> Int? { isNone(name) ? nil : try int(name) }
  public func optionalDouble(_ name: String) throws -> Double? { isNone(name) ? nil : try double(name) }
  public func optionalString(_ name: String) throws -> String? { isNone(name) ? nil : try string(name) }
  public func optionalInts(_ name: String) throws -> [Int]? { isNone(name) ? nil : try ints(name) }
  public func optionalValue(_ name: String) -> Value? { isNone(name) ? nil : value(name) }
  public func optionalFunction(_ name: String) throws -> Value? { isNone(name) ? nil : try function(name) }
  public func optionalForeign<T>(as type: T.Type = T.self, _ name: String, kind: String? = nil) throws -> T? {
    isNone(name) ? nil : try foreign(as: type, name, kind: kind)
  }

  // MARK: Without a signature

  /// Arguments without a name, where the callee has no signature.
  public var positional: [Value] { (0..<(slotCount - keywordNames.count)).map { Value(copying: slots[$0]) } }
  /// Arguments with a name, where the callee has no signature.
  public var keywords: [(name: String, value: Value)] {
    let first = slotCount - keywordNames.count
    return keywordNames.enumerated().map { ($0.element, Value(copying: slots[first + $0.offset])) }
  }

  /// The Seep function that makes this call: its name, and its parameters with their defaults as far as those are literals.
  /// nil where the call comes from the top of a program or from Swift.
  public var caller: (name: String, parameters: [(name: String, defaultValue: Value?)])? {
    session.machine.callingFunction.flatMap { info in
      info.name.map { name in
        (
          name,
          info.parameters.map { parameter in
            let parts = parameter.text.split(separator: "=", maxSplits: 1)
            return (
              Symbols.name(parameter.symbol), parts.count == 2 ? Signature.literal(String(parts[1]).trimmed) : nil
            )
          }
        )
      }
    }
  }

  /// How an argument was written where the program makes this call: `leak.history`. nil for one that was left out, and where
  /// another function makes the call.
  public func written(_ name: String) -> String? { session.machine.writtenArgument(place(name), of: self) }

  // MARK: Back into the interpreter

  /// Calls a function value. Errors and interrupts of the callee pass through.
  public func invoke(
    _ function: Value, _ arguments: [Value] = [], _ keywords: [(name: String, value: Value)] = []
  ) throws -> Value {
    try session.invoke(function, arguments, keywords)
  }
}

/// The words for a word that an argument cannot be.
public enum Choice {
  public static func unknown(
    _ name: String, of function: String, _ given: String, _ allowed: [String], argument: Int
  ) -> Fault {
    let list = allowed.map { "\"\($0)\"" }.joined(separator: ", ")
    let near = nearestName(to: given, among: allowed)
    return Fault(
      "unknown-option", "`\(name)` of `\(function)` must be one of \(list), not \"\(given)\"",
      help: near.map { "\(name): \"\($0)\"" }, argument: argument)
  }
}

extension Foreign {
  /// The number that a one-element object is, where an argument wants a number.
  fileprivate func number() throws -> Double? {
    (self as? any NumberLike)?.numberValue
  }
}

/// A foreign object that may stand for a number, such as a tensor of one element.
public protocol NumberLike: Foreign {
  /// nil if it does not hold exactly one number.
  var numberValue: Double? { get }
}
