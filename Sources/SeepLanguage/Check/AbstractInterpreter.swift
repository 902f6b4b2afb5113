// What is known of the values of a text without running it: constants, and what the library's rules make of them, through code that is
// certainly reached in this order. What a rule refuses is reported as the run would report it.
//
// Nothing is said of what may not be reached: a branch whose condition is not known, what follows a possible `return`, the body of
// a loop that may have no turn. A function's body is read as if it were called, with parameters of which nothing is known; a call of a
// function of the top with known arguments is read once more with them.
import Ground

final class AbstractInterpreter {
  /// A name in sight.
  final class Bound {
    var known: Known
    let isMutable: Bool
    /// Functions that are open where it is bound.
    let depth: Int
    /// When it got its value, for what loops may have changed since.
    var stamp = 0
    /// Keeps the value for functions too.
    let isFixed: Bool
    /// A function of the top is in sight in others before its own line.
    var isAhead = false

    init(_ known: Known, isMutable: Bool, depth: Int, isFixed: Bool) {
      self.known = known
      self.isMutable = isMutable
      self.depth = depth
      self.isFixed = isFixed
    }
  }

  /// The ways in which what is being read may be left before its end.
  struct Exits: OptionSet {
    let rawValue: Int
    /// `break` and `continue`.
    static let loop = Exits(rawValue: 1)
    /// `return`.
    static let function = Exits(rawValue: 2)
    /// `raise`.
    static let error = Exits(rawValue: 4)
    /// `exit()`.
    static let program = Exits(rawValue: 8)
  }

  /// Lists with more items are not looked into.
  static let itemLimit = 1024
  /// So many expressions are read once more for calls with known arguments.
  static let inlineLimit = 20_000
  static let findingLimit = 100

  let session: Session
  let file: SourceHandle
  let nativeLimit: UInt
  private(set) var findings: [Failure] = []
  private var reported: Set<Span> = []

  var scopes: [[String: Bound]] = [[:]]
  var depth = 0
  /// Whether what is being read is certainly reached, if the function around it is called.
  var certain = true
  var exits: Exits = []
  var tries = 0
  private var clock = 0
  /// Variables were changed by earlier turns of a loop if they got their value before.
  private var barrier = 0
  /// Variables in the order in which they got values.
  private var log: [Bound] = []
  /// Variables that functions inside of their scope assign, by place; at the top by name.
  private let changedInside: Set<Span>
  private let changedAtTop: Set<String>
  private var bindingsAtTop: [String: Int] = [:]

  /// Calls that are being read with their arguments: at most one.
  var calls: [(name: String, span: Span)] = []
  var inlineRoom = AbstractInterpreter.inlineLimit
  /// What the function that is being read returns.
  var returned: (value: Known, isSure: Bool)?

  init(session: Session, file: SourceHandle, nativeLimit: UInt, names: [CheckedName]) {
    self.session = session
    self.file = file
    self.nativeLimit = nativeLimit
    changedInside = Set(names.lazy.filter(\.isAssignedInside).map(\.span))
    changedAtTop = Set(names.lazy.filter { $0.isAssignedInside && $0.isTop }.map(\.name))
  }

  func run(_ statements: [Statement]) -> [Failure] {
    for statement in statements {
      switch statement.kind {
      case .function(let function, _): if let name = function.name { bindingsAtTop[name, default: 0] += 1 }
      case .binding(let pattern, _, _): for (name, _) in pattern.places { bindingsAtTop[name, default: 0] += 1 }
      case .use(_, _, let name): bindingsAtTop[name, default: 0] += 1
      default: break
      }
    }
    // Functions may use names that are bound further down.
    for (name, _) in bindingsAtTop { scopes[0][name] = Bound(.unknown, isMutable: false, depth: 0, isFixed: false) }
    for case .function(let function, _) in statements.lazy.map(\.kind) {
      if let name = function.name, bindingsAtTop[name] == 1 {
        let made = Bound(.function(function), isMutable: false, depth: 0, isFixed: true)
        made.isAhead = true
        scopes[0][name] = made
      }
    }
    for statement in statements { self.statement(statement) }
    return findings
  }

  // MARK: Findings

  func report(_ fault: Fault, _ span: Span, arguments: [Span], kinds: [Int: String]) {
    guard certain, findings.count < AbstractInterpreter.findingLimit, reported.insert(span).inserted else { return }
    var finding = Failure(
      fault: fault, file: file, span: span, argumentSpans: arguments,
      trace: calls.reversed().map { ($0.name, file, $0.span) })
    finding.directCalls = calls.map { _ in true }
    finding.severity = tries > 0 ? .warning : .error
    finding.isOfRun = true
    if !fault.operands.isEmpty { finding.kinds = kinds }
    findings.append(finding)
  }

  // MARK: Names

  func bind(_ name: String, _ span: Span, _ known: Known, isMutable: Bool = false) {
    let isTop = scopes.count == 1
    let isFixed = !isMutable && (!isTop || bindingsAtTop[name] == 1)
    let isChanged = isMutable && (isTop ? changedAtTop.contains(name) : changedInside.contains(span))
    let made = Bound(isChanged ? .unknown : known, isMutable: isMutable, depth: depth, isFixed: isFixed)
    clock += 1
    made.stamp = isChanged ? -1 : clock
    scopes[scopes.count - 1][name] = made
  }

  func bind(_ pattern: Pattern, _ known: Known, isMutable: Bool = false) {
    for value in pattern.values { expression(value) }
    switch pattern.kind {
    case .name(let name): bind(name, pattern.span, known, isMutable: isMutable)
    case .list(let items, rest: nil), .tuple(let items, rest: nil):
      let parts = known.asItems
      for (i, item) in items.enumerated() {
        bind(item, parts.flatMap { $0.count == items.count ? $0[i] : nil } ?? .unknown, isMutable: isMutable)
      }
    default: for (name, span) in pattern.places { bind(name, span, .unknown, isMutable: isMutable) }
    }
  }

  func find(_ name: String) -> Bound? {
    for scope in scopes.reversed() { if let found = scope[name] { return found } }
    return nil
  }

  /// What is known of a name here.
  func read(_ name: String) -> Known {
    if let bound = find(name) {
      if bound.depth < depth { return bound.isFixed ? bound.known : .unknown }
      return !bound.isAhead && (!bound.isMutable || bound.stamp >= barrier) ? bound.known : .unknown
    }
    guard !session.names.isOwn(name), let value = session.lookup(name) else { return .unknown }
    // Other names of the library, such as `args`, are the run's.
    let isConstant = value.builtin != nil || value.asString != nil || value.asDouble != nil
    return isConstant ? Known(value) : .unknown
  }

  func assign(_ name: String, _ known: Known) {
    guard let bound = find(name), bound.stamp >= 0 else { return }
    bound.known = bound.depth < depth ? .unknown : known
    clock += 1
    bound.stamp = clock
    log.append(bound)
  }

  // MARK: Ways through

  /// Reads a part that may be passed over, or passed more than once.
  func branch(isSure: Bool, isLoop: Bool = false, _ body: () -> Void) {
    let (outerCertain, outerExits, outerBarrier, mark) = (certain, exits, barrier, log.count)
    certain = outerCertain && isSure
    exits = []
    if isLoop {
      clock += 1
      barrier = clock
    }
    body()
    for bound in log[mark...] { bound.known = .unknown }
    barrier = outerBarrier
    if isLoop { exits.remove(.loop) }
    certain = outerCertain && exits.isEmpty
    exits.formUnion(outerExits)
  }

  func leave(_ how: Exits) {
    exits.formUnion(how)
    certain = false
  }

  /// A body that `return` leaves, run at a time of which nothing is known.
  /// - Returns: how it may be left.
  @discardableResult
  func inFunction(_ body: () -> Void) -> Exits {
    let (outerCertain, outerExits, outerReturned) = (certain, exits, returned)
    let mark = log.count
    (exits, returned) = ([], nil)
    depth += 1
    body()
    depth -= 1
    for bound in log[mark...] { bound.known = .unknown }
    let left = exits
    (certain, exits, returned) = (outerCertain, outerExits, outerReturned)
    return left
  }

  // MARK: Statements

  /// The value of a block: that of its last statement, if it is an expression.
  @discardableResult
  func statements(_ list: [Statement]) -> Known {
    scopes.append([:])
    defer { scopes.removeLast() }
    // A function is in sight in the whole block.
    for case .function(let function, let span) in list.lazy.map(\.kind) {
      if let name = function.name { bind(name, span, .unknown) }
    }
    var last = Known.none
    for statement in list { last = self.statement(statement) }
    return last
  }

  @discardableResult
  private func statement(_ statement: Statement) -> Known {
    var here = 0
    // The compiler refuses what is nested this deep.
    if withUnsafeMutablePointer(to: &here, { UInt(bitPattern: $0) }) < nativeLimit { return .unknown }
    switch statement.kind {
    case .binding(let pattern, let isMutable, let value):
      let known = expression(value)
      bind(pattern, known, isMutable: isMutable)
    case .function(let function, let span):
      if let name = function.name {
        let isKnown = scopes.count == 1 && bindingsAtTop[name] == 1
        bind(name, span, isKnown ? .function(function) : .unknown)
      }
      self.function(function)
    case .use(_, _, let name): bind(name, statement.span, .unknown)
    case .assignment(let target, let operation, let value): assignment(target, operation, value)
    case .expression(let value): return expression(value)
    case .forIn(let pattern, let items, let body):
      let (count, each) = self.items(expression(items))
      if count == 0 { break }
      branch(isSure: (count ?? 0) > 0, isLoop: true) {
        scopes.append([:])
        bind(pattern, each)
        expression(body)
        scopes.removeLast()
      }
    case .whileTrue(let condition, let body):
      var isSure = false
      branch(isSure: true, isLoop: true) {
        let truth = expression(condition).truth
        isSure = truth == true
        if truth != false { branch(isSure: isSure) { expression(body) } }
      }
    case .breakLoop, .continueLoop: leave(.loop)
    case .returnValue(let value):
      let known = value.map { expression($0) } ?? .none
      if certain { returned = (known, true) } else if returned == nil { returned = (.unknown, false) }
      leave(.function)
    case .raise(let value):
      expression(value)
      leave(.error)
    case .deferred(let body): inFunction { expression(body) }
    case .test(_, let body): inFunction { expression(body) }
    case .assert(let condition, let message):
      expression(condition)
      if let message { branch(isSure: false) { expression(message) } }
    }
    return .none
  }

  private func assignment(_ target: Expression, _ operation: Operator?, _ value: Expression) {
    if operation == nil, let items = target.assignedItems {
      let parts = expression(value).asItems
      for (i, item) in items.enumerated() {
        assigned(item, parts.flatMap { $0.count == items.count ? $0[i] : nil } ?? .unknown)
      }
      return
    }
    let known = expression(value)
    guard let operation else { return assigned(target, known) }
    guard case .name(let name) = target.kind else { return assigned(target, .unknown) }
    let old = read(name)
    assigned(
      target, judged(target.span, [(old, target.span), (known, value.span)]) { try operate(operation, old, known) })
  }

  private func assigned(_ target: Expression, _ known: Known) {
    switch target.kind {
    case .name(let name): assign(name, known)
    case .field(let inner, _, _): assigned(inner, .unknown)
    case .index(let inner, let items):
      for item in items { if let item { expression(item) } }
      // An object whose items are replaced stays what it was.
      if case .name(let name) = inner.kind, case .object = read(name) { return }
      assigned(inner, .unknown)
    default: break
    }
  }

  // MARK: Functions

  func function(_ function: FunctionSyntax) {
    inFunction {
      scopes.append([:])
      for parameter in function.parameters {
        if let value = parameter.defaultValue { branch(isSure: false) { expression(value) } }
        bind(parameter.pattern, .unknown)
      }
      expression(function.body)
      scopes.removeLast()
    }
  }

  /// What a call of a function of the top gives, read with its arguments.
  func inline(
    _ function: FunctionSyntax, _ positional: [Known], _ named: [(name: String, value: Known)], _ span: Span
  ) -> Known {
    guard certain, calls.isEmpty, inlineRoom > 0, let name = function.name,
      let arguments = arranged(function, positional, named)
    else { return .unknown }
    let outer = scopes
    var result = Known.unknown
    calls.append((name, span))
    let left = inFunction {
      scopes = [outer[0], [:]]
      for (parameter, argument) in zip(function.parameters, arguments) {
        bind(parameter.pattern, argument ?? parameter.defaultValue.map { expression($0) } ?? .unknown)
      }
      let value = expression(function.body)
      result = returned.map { $0.isSure ? $0.value : .unknown } ?? value
    }
    calls.removeLast()
    scopes = outer
    if !left.isDisjoint(with: [.error, .program]) { leave(left.intersection([.error, .program])) }
    return result
  }

  /// Arguments in the order of the parameters; nil where they do not fit.
  private func arranged(
    _ function: FunctionSyntax, _ positional: [Known], _ named: [(name: String, value: Known)]
  ) -> [Known?]? {
    let parameters = function.parameters
    guard positional.count <= parameters.count, !parameters.contains(where: \.isVariadic) else { return nil }
    var found = positional.map { Optional($0) } + [Known?](repeating: nil, count: parameters.count - positional.count)
    for argument in named {
      let place = parameters.firstIndex { parameter in
        if case .name(argument.name) = parameter.pattern.kind { true } else { false }
      }
      guard let place, found[place] == nil else { return nil }
      found[place] = argument.value
    }
    for (parameter, argument) in zip(parameters, found) where argument == nil && parameter.defaultValue == nil {
      return nil
    }
    return found
  }
}
