// What the language asks of objects it does not know: tensors, models, defenses. A kind of object conforms to
// `Foreign` and answers the questions it understands; each has an answer by default.
import Ground

/// An object of the library in the hands of a program. Immutable to the program: assignments return new objects.
public protocol Foreign: AnyObject {
  /// As `type(x)` says it: `tensor`, `model`.
  var typeName: String { get }
  /// What a profile calls its calls; by default its type.
  var callName: String { get }

  /// `self op other`, or `other op self` if `reversed`; nil if this pair is not understood, and then the other operand is
  /// asked (if it is foreign) before the machine says so.
  func operate(_ operation: Operator, _ other: Value, reversed: Bool, in session: Session) throws -> Value?
  func operate(_ operation: UnaryOperator, in session: Session) throws -> Value?

  /// `x[items]`; nil if it has no items at all.
  func index(_ items: [IndexItem], in session: Session) throws -> Value?
  /// The object after `x[items] = value`; nil if it has no items to assign.
  func assigning(_ value: Value, at items: [IndexItem], in session: Session) throws -> Value?

  /// `x.name`; nil if there is no such field. May compute.
  func field(_ name: String, in session: Session) throws -> Value?
  /// The object after `x.name = value`; nil if that cannot be set.
  func assigning(_ value: Value, field name: String, in session: Session) throws -> Value?
  /// In a diagnostic: what it is, in a few words: `float32 [2, 3]`.
  var summary: String { get }
  /// Names for completion and suggestions.
  var fieldNames: [String] { get }

  var isCallable: Bool { get }
  /// Parameters of a call, matched before `call` is asked; nil takes what is written, see `Call.positional`.
  var signature: Signature? { get }
  func call(_ call: inout Call) throws -> Value

  /// `self >> other`, or `other >> self` if `reversed`; nil if the two do not compose.
  func compose(with other: Value, reversed: Bool, in session: Session) throws -> Value?
  /// `subject |> self`. By default a call with one argument.
  func apply(to subject: Value, in session: Session) throws -> Value

  func display(_ style: DisplayStyle) -> String
  /// What `print` and the prompt show where that depends on where the output goes; nil shows `display(.long)`.
  func printed(in session: Session) -> String?
  /// One truth value for `==` inside lists and records; `==` itself between two objects asks `operate` first.
  func isEqual(to other: any Foreign) -> Bool
  /// A sentence about where it differs from another object, for an assertion that failed; nil where there is none.
  func difference(from other: any Foreign) -> String?
  /// What `if` makes of it; nil if it is neither true nor false.
  func truth() throws -> Bool?

  /// `len(x)` and the number of turns of `for`; nil if it has no items.
  var count: Int? { get }
  func element(_ index: Int, in session: Session) throws -> Value
}

extension Foreign {
  public func operate(_ operation: Operator, _ other: Value, reversed: Bool, in session: Session) throws -> Value? {
    nil
  }
  public func operate(_ operation: UnaryOperator, in session: Session) throws -> Value? { nil }
  public func index(_ items: [IndexItem], in session: Session) throws -> Value? { nil }
  public func assigning(_ value: Value, at items: [IndexItem], in session: Session) throws -> Value? { nil }
  public func field(_ name: String, in session: Session) throws -> Value? { nil }
  public func assigning(_ value: Value, field name: String, in session: Session) throws -> Value? { nil }
  public var callName: String { typeName }
  public var summary: String { typeName }
  public var fieldNames: [String] { [] }
  public var isCallable: Bool { false }
  public var signature: Signature? { nil }
  public func call(_ call: inout Call) throws -> Value {
    throw Fault("not-callable", "a \(typeName) cannot be called")
  }
  public func compose(with other: Value, reversed: Bool, in session: Session) throws -> Value? { nil }
  public func apply(to subject: Value, in session: Session) throws -> Value {
    try session.invoke(Value(self), [subject])
  }
  public func display(_ style: DisplayStyle) -> String { "<\(typeName)>" }
  public func printed(in session: Session) -> String? { nil }
  public func isEqual(to other: any Foreign) -> Bool { self === other }
  public func difference(from other: any Foreign) -> String? { nil }
  public func truth() throws -> Bool? { nil }
  public var count: Int? { nil }
  public func element(_ index: Int, in session: Session) throws -> Value {
    throw Fault("not-iterable", "a \(typeName) has no items to go through")
  }
}
