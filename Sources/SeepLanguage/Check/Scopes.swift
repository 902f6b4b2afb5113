// What names stand for while a text is read without being run: the scopes are the compiler's.
import Ground

/// A name that the text binds.
package final class CheckedName {
  package enum Kind {
    case binding, parameter, function
    /// Loop variables, names of `catch` and of a case, modules: they may go unused.
    case other
  }

  package let name: String
  package let span: Span
  package let kind: Kind
  package fileprivate(set) var isTop = false
  package internal(set) var isMutable: Bool
  /// What it is called with, where that can only be one function.
  package internal(set) var function: FunctionSyntax?
  /// For editors, which give a `SourceMap`: what it is bound to by `let`, `var`, `for`, and the module of a `use`.
  package internal(set) var sources: [SourceMap.Binding] = []
  package internal(set) var module: SourceMap.Module?
  var isUsed = false
  /// What it is bound to, each time that the top of the text binds it, or once.
  var values: [Span] = []
  /// Assigned after it was bound: where its value comes from depends on the run.
  package internal(set) var isAssigned = false
  /// A function inside of its scope assigns it: it may change whenever one is called.
  var isAssignedInside = false
  /// Functions that are open where it is bound.
  var depth = 0
  /// The function whose parameter it is, by the place of that function, and which.
  package internal(set) var parameter: (function: Span, index: Int)?
  /// How often the top of the text binds it.
  var bindings = 0

  init(_ name: String, _ span: Span, _ kind: Kind, isMutable: Bool = false, function: FunctionSyntax? = nil) {
    self.name = name
    self.span = span
    self.kind = kind
    self.isMutable = isMutable
    self.function = function
  }
}

/// The names in sight at a place of the text.
struct CheckedScopes {
  /// Innermost last; the first is the top of the text.
  private var scopes: [[String: CheckedName]] = [[:]]
  /// Functions that stand further down in the open blocks.
  private var upcoming: [[String: CheckedName]] = []
  /// Every name bound so far, in order.
  private(set) var all: [CheckedName] = []

  var isTop: Bool { scopes.count == 1 }
  var names: [String] { (scopes + upcoming).flatMap(\.keys) }
  /// Every name in sight, as `find` finds it.
  var inSight: [String: CheckedName] {
    (scopes.prefix(1) + upcoming + scopes.dropFirst()).reduce(into: [:]) { $0.merge($1) { $1 } }
  }

  mutating func push() { scopes.append([:]) }
  mutating func pop() { scopes.removeLast() }
  mutating func pushUpcoming(_ functions: [CheckedName]) {
    upcoming.append(Dictionary(functions.map { ($0.name, $0) }, uniquingKeysWith: { $1 }))
    all += functions
  }
  mutating func popUpcoming() { upcoming.removeLast() }

  func find(_ name: String) -> CheckedName? {
    for scope in scopes.dropFirst().reversed() { if let found = scope[name] { return found } }
    for block in upcoming.reversed() { if let found = block[name] { return found } }
    return scopes[0][name]
  }

  /// The name as the top of the text binds it.
  func atTop(_ name: String) -> CheckedName? { scopes[0][name] }

  mutating func declare(_ name: CheckedName) {
    name.isTop = isTop
    if scopes[scopes.count - 1].updateValue(name, forKey: name.name) !== name { all.append(name) }
  }

  /// A function of the open block that was announced comes into its place.
  mutating func arrive(_ name: String, _ span: Span) -> CheckedName? {
    guard let known = upcoming.last?[name], known.span == span else { return nil }
    scopes[scopes.count - 1][name] = known
    return known
  }
}
