// Statements: blocks, bindings, loops, assertions.
import Ground

extension Compiler {
  /// Statements of a block or a program; the value of the last, if it is an expression, goes to `target`.
  func body(_ statements: [Statement], to target: Int?) throws {
    if !isGlobalScope { try hoist(statements) }
    try sequence(statements[...], to: target)
    if !isGlobalScope { f.upcoming.removeLast() }
  }

  private func sequence(_ statements: ArraySlice<Statement>, to target: Int?) throws {
    for (i, statement) in zip(statements.indices, statements) {
      if case .deferred(let body) = statement.kind {
        return try cleanup(body, statement.span, before: statements[(i + 1)...], to: target)
      }
      let isLast = i == statements.endIndex - 1
      if isLast, let target {
        if case .expression(let expression) = statement.kind {
          try self.expression(expression, to: target)
        } else {
          try self.statement(statement)
          f.emit(.loadNone, target, at: site(statement.span))
        }
      } else {
        try self.statement(statement)
      }
    }
    if statements.isEmpty, let target { f.emit(.loadNone, target, at: Site(from: 0, to: 0)) }
  }

  /// The statements after a `defer`, and its body behind them however they are left.
  private func cleanup(
    _ deferred: Expression, _ span: Span, before statements: ArraySlice<Statement>, to target: Int?
  ) throws {
    let at = site(span)
    let closure = try f.allocate()
    let function = FunctionSyntax(name: nil, parameters: [], body: deferred, documentation: nil, span: span)
    try self.function(function, to: closure, own: nil)
    let guarded = FunctionBuilder.Guarded(cleanup: closure, first: f.code.count)
    f.guarded.append(guarded)
    try sequence(statements, to: target)
    f.guarded.removeLast()
    let end = f.code.count
    try runCleanup(closure, at)
    let done = f.emit(.jump, at: at)
    let error = try f.allocate()
    for range in guarded.ranges(to: end) {
      f.info.handlers.append(
        Handler(
          first: range.lowerBound, end: range.upperBound, target: f.label(), register: error, isCleanup: true))
    }
    try runCleanup(closure, at)
    f.emit(.reraise, error, at: at)
    f.patch(done)
  }

  private func runCleanup(_ closure: Int, _ at: Site) throws {
    let mark = f.mark
    let place = try f.allocate()
    f.emit(.move, place, closure, at: at)
    f.emit(.call, place, 0, at: at)
    f.release(to: mark)
  }

  /// Before a jump out of all but the `kept` outermost guarded parts of the function: runs what they defer. The code from
  /// here to `left` is outside of them.
  private func leaving(to kept: Int, _ at: Site) throws -> Bool {
    guard f.guarded[kept...].contains(where: { $0.cleanup != nil }) else { return false }
    for part in f.guarded[kept...].reversed() {
      part.holes.append((f.code.count, f.code.count))
      if let closure = part.cleanup { try runCleanup(closure, at) }
    }
    return true
  }

  private func left(to kept: Int) {
    for part in f.guarded[kept...] { part.holes[part.holes.count - 1].end = f.code.count }
  }

  /// Functions of this block that others above them call get their boxes first.
  private func hoist(_ statements: [Statement]) throws {
    var upcoming: [String: Int] = [:]
    for case .function(let function, let span) in statements.map(\.kind) {
      guard let name = function.name else { continue }
      if boxed.contains(span.start) {
        let register = try f.allocate()
        f.emit(.makeEmptyBox, register, at: site(span))
        f.declare(name, register: register, isMutable: false, isBoxed: true, at: span.start)
      } else {
        upcoming[name] = span.start
      }
    }
    f.upcoming.append(upcoming)
  }

  func block(_ statements: [Statement], to target: Int?) throws {
    let mark = f.mark
    f.pushScope()
    try body(statements, to: target)
    f.popScope()
    f.release(to: mark)
  }

  /// An expression whose value nobody wants.
  func discard(_ expression: Expression) throws {
    let mark = f.mark
    defer { f.release(to: mark) }
    switch expression.kind {
    case .block(let statements): try block(statements, to: nil)
    case .ifElse(let condition, let yes, let no): try ifElse(condition, yes, no, to: nil, expression.span)
    default: try self.expression(expression, to: try f.allocate())
    }
  }

  func statement(_ statement: Statement) throws {
    try checkNesting(statement.span)
    let mark = f.mark
    let at = site(statement.span)
    switch statement.kind {
    case .binding(let pattern, let isMutable, let value): return try binding(pattern, isMutable, value)
    case .function(let function, let span): return try declare(function, span)
    case .use(let path, let isFile, let name):
      let register = try f.allocate()
      let kind = isFile ? "file" : (path == name || path.hasSuffix("." + name) ? "main" : "name")
      f.emit(.useModule, register, wide: f.constant("\(kind):\(path)"), at: at)
      return try bind(name, isMutable: false, from: register, statement.span)
    case .assignment(let target, let operation, let value): try assign(target, operation, value, statement.span)
    case .expression(let expression): try discard(expression)
    case .forIn(let pattern, let items, let body): try forIn(pattern, items, body, statement.span)
    case .whileTrue(let condition, let body): try whileTrue(condition, body, at)
    case .breakLoop:
      guard let loop = f.loops.last else { throw fail(Fault("misplaced", "`break` outside of a loop"), statement.span) }
      let ran = try leaving(to: loop.guarded, at)
      loop.breaks.append(f.emit(.jump, at: at))
      if ran { left(to: loop.guarded) }
    case .continueLoop:
      guard let loop = f.loops.last else {
        throw fail(Fault("misplaced", "`continue` outside of a loop"), statement.span)
      }
      let ran = try leaving(to: loop.guarded, at)
      loop.continues.append(f.emit(.jump, at: at))
      if ran { left(to: loop.guarded) }
    case .returnValue(let value):
      if f.parent == nil { throw fail(Fault("misplaced", "`return` outside of a function"), statement.span) }
      let register = try value.map { try operand($0) }
      let ran = try leaving(to: 0, at)
      if let register {
        f.emit(.returnValue, register, at: at)  // may empty a variable: its frame ends here
      } else {
        f.emit(.returnNone, at: at)
      }
      if ran { left(to: 0) }
    case .deferred(let body): try cleanup(body, statement.span, before: [], to: nil)  // alone: it runs now
    case .raise(let value): f.emit(.raise, try operand(value), at: at)
    case .test(let name, let body):
      let register = try f.allocate()
      let function = FunctionSyntax(name: nil, parameters: [], body: body, documentation: nil, span: statement.span)
      try self.function(function, to: register, own: nil)
      f.emit(.addTest, register, wide: f.constant(name), at: at)
    case .assert(let condition, let message): try assertion(condition, message, statement.span)
    }
    f.release(to: mark)
  }

  private func binding(_ pattern: Pattern, _ isMutable: Bool, _ value: Expression) throws {
    let mark = f.mark
    if case .name(let name) = pattern.kind {
      if case .function(let function) = value.kind, !isMutable {
        return try declare(function, pattern.span, name: name)
      }
      if isGlobalScope {
        let register = try f.allocate()
        try expression(value, to: register)
        f.emit(.takeGlobal, register, wide: names.declare(name, mutable: isMutable), at: site(pattern.span))
        f.release(to: mark)
        return
      }
      let own = try f.allocate()
      try expression(value, to: own)
      let isBoxed = isMutable && boxed.contains(pattern.span.start)
      if isBoxed { f.emit(.makeBox, own, at: site(pattern.span)) }
      f.declare(name, register: own, isMutable: isMutable, isBoxed: isBoxed, at: pattern.span.start)
      return
    }
    let register = try f.allocate()
    try expression(value, to: register)
    try destructure(pattern, register, isMutable: isMutable, site(value.span))
    if isGlobalScope { f.release(to: mark) }
  }

  /// Takes a value apart that must have the pattern's shape.
  func destructure(_ pattern: Pattern, _ register: Int, isMutable: Bool, _ at: Site) throws {
    switch pattern.kind {
    case .anything: break
    case .name(let name): try bind(name, isMutable: isMutable, from: register, pattern.span)
    case .list(let items, nil), .tuple(let items, nil):
      let parts = try f.allocate(items.count)
      f.emit(.unpack, parts, items.count, register, at: at)
      for (i, item) in items.enumerated() {
        if case .name(let name) = item.kind, !isGlobalScope, !boxed.contains(item.span.start) {
          f.declare(name, register: parts + i, isMutable: isMutable, isBoxed: false, at: item.span.start)
        } else {
          try destructure(item, parts + i, isMutable: isMutable, at)
        }
      }
    case .record(let fields, let rest):
      for field in fields {
        let part = try f.allocate()
        if let value = field.defaultValue {
          f.emit(.testField, register, f.symbol(field.name), part, at: site(pattern.span))
          try standIn(value, in: part, site(pattern.span))
        } else {
          f.emit(.field, part, register, f.symbol(field.name), at: site(pattern.span))
        }
        try destructure(field.pattern, part, isMutable: isMutable, at)
      }
      if let rest { try destructure(rest, recordRest(fields, register, at), isMutable: isMutable, at) }
    case .list, .tuple, .value, .either:
      var failures: [Int] = []
      let copy = try f.allocate()
      f.emit(.move, copy, register, at: at)
      try test(pattern, copy, &failures, isMutable: isMutable)
      let done = f.emit(.jump, at: at)
      for failure in failures { f.patch(failure) }
      f.emit(.noMatch, copy, at: at)
      f.patch(done)
    }
  }

  /// After a `testField` into `part`: the value that stands in where there is no such field.
  func standIn(_ value: Expression, in part: Int, _ at: Site) throws {
    let isMissing = f.emit(.jump, at: at)
    let done = f.emit(.jump, at: at)
    f.patch(isMissing)
    try expression(value, to: part)
    f.patch(done)
  }

  /// A register with the record's fields that are not named by the pattern.
  func recordRest(_ fields: [FieldPattern], _ register: Int, _ at: Site) throws -> Int {
    let rest = try f.allocate()
    f.info.keywordLists.append(fields.map { Symbols.number($0.name) })
    f.emit(.recordRest, rest, register, f.info.keywordLists.count - 1, at: at)
    return rest
  }

  private func declare(_ function: FunctionSyntax, _ span: Span, name: String? = nil) throws {
    let name = name ?? function.name ?? ""
    if function.name == nil { function.name = name }
    if isGlobalScope {
      let mark = f.mark
      let index = names.declare(name, mutable: false)
      let register = try f.allocate()
      try self.function(function, to: register, own: nil)
      f.emit(.takeGlobal, register, wide: index, at: site(span))
      f.release(to: mark)
      return
    }
    if let hoisted = f.find(name), hoisted.isBoxed, hoisted.declaration == span.start {
      let register = try f.allocate()
      try self.function(function, to: register, own: nil)
      f.emit(.setBox, hoisted.register, register, at: site(span))
      f.release(to: register)
      return
    }
    if f.upcoming.last?[name] == span.start { f.upcoming[f.upcoming.count - 1][name] = nil }
    let own = try f.allocate()
    let local = f.declare(name, register: own, isMutable: false, isBoxed: false, at: span.start)
    try self.function(function, to: own, own: local)
  }

  // MARK: Loops

  private func forIn(_ pattern: Pattern, _ items: Expression, _ loopBody: Expression, _ span: Span) throws {
    let at = site(items.span)
    let loop = FunctionBuilder.Loop(guarded: f.guarded.count)
    f.pushScope()
    let state = try f.allocate(2)
    let item = try f.allocate()
    let isRange: Bool
    if case .range(let from?, let to?, let inclusive) = items.kind {
      isRange = true
      try expression(from, to: state)
      try expression(to, to: state + 1)
      let index = f.emit(.rangePrepare, state, 0, inclusive ? 1 : 0, at: at)
      f.info.argumentSpans[index] = [site(from.span), site(to.span)]
    } else {
      isRange = false
      try expression(items, to: state)
      f.emit(.iteratePrepare, state, at: at)
    }
    let first = f.emit(.jump, at: at)
    let start = f.label()
    let inner = f.mark
    f.pushScope()
    if case .name(let name) = pattern.kind {
      f.declare(name, register: item, isMutable: false, isBoxed: false, at: pattern.span.start)
    } else {
      try destructure(pattern, item, isMutable: false, site(pattern.span))
    }
    f.loops.append(loop)
    try discard(loopBody)
    f.loops.removeLast()
    f.popScope()
    f.release(to: inner)
    for jump in loop.continues { f.patch(jump) }
    f.patch(first)
    f.emit(isRange ? .rangeLoop : .iterateLoop, state, item, at: at)
    f.emit(.jump, 0, wide: start, at: at)
    for jump in loop.breaks { f.patch(jump) }
    if !isRange { f.emit(.clear, state, at: at) }
    f.popScope()
  }

  private func whileTrue(_ condition: Expression, _ loopBody: Expression, _ at: Site) throws {
    let loop = FunctionBuilder.Loop(guarded: f.guarded.count)
    let start = f.label()
    var exits: [Int] = []
    try branch(condition, whenFalse: &exits)
    f.loops.append(loop)
    try discard(loopBody)
    f.loops.removeLast()
    for jump in loop.continues { f.patch(jump) }  // to `loop`, which asks whether to stop
    f.emit(.loop, 0, wide: start, at: at)
    for jump in exits + loop.breaks { f.patch(jump) }
  }

  // MARK: Assertions

  /// Both sides of a comparison are kept, to be shown.
  private func assertion(_ condition: Expression, _ message: Expression?, _ span: Span) throws {
    var assertion = Assertion()
    let result = try f.allocate()
    if case .binary(let operation, let left, let right) = condition.kind,
      operation.isComparison || operation == .contains
    {
      let a = try f.allocate()
      try expression(left, to: a)
      let b = try f.allocate()
      try expression(right, to: b)
      operate(operation, result, a, b, condition.span, [left.span, right.span])
      if operation == .equal { assertion.compared = (a, b) }
      if !left.isLiteral { assertion.shown.append((source(left.span), a)) }
      if !right.isLiteral { assertion.shown.append((source(right.span), b)) }
    } else if case .notIn(let left, let right) = condition.kind {
      let (a, b) = (try f.allocate(), try f.allocate())
      try expression(left, to: a)
      try expression(right, to: b)
      operate(.contains, result, a, b, condition.span, [left.span, right.span])
      f.emit(.not, result, result, at: site(condition.span))
      if !left.isLiteral { assertion.shown.append((source(left.span), a)) }
      if !right.isLiteral { assertion.shown.append((source(right.span), b)) }
    } else if case .call(let all, let arguments) = condition.kind, case .name("all") = all.kind, arguments.count == 1,
      arguments[0].name == nil, case .binary(.equal, let left, let right) = arguments[0].value.kind
    {
      // `assert all(t == u)`: the tensors are kept under names that no program can write.
      let (a, b) = (try f.allocate(), try f.allocate())
      try expression(left, to: a)
      try expression(right, to: b)
      f.declare(" left", register: a, isMutable: false, isBoxed: false, at: left.span.start)
      f.declare(" right", register: b, isMutable: false, isBoxed: false, at: right.span.start)
      let comparison = Expression(
        kind: .binary(
          .equal, Expression(kind: .name(" left"), span: left.span), Expression(kind: .name(" right"), span: right.span)
        ),
        span: arguments[0].value.span)
      let call = Expression(
        kind: .call(all, [ArgumentSyntax(name: nil, nameSpan: nil, value: comparison)]), span: condition.span)
      try expression(call, to: result)
      assertion.compared = (a, b)
      if !left.isLiteral { assertion.shown.append((source(left.span), a)) }
      if !right.isLiteral { assertion.shown.append((source(right.span), b)) }
    } else {
      try expression(condition, to: result)
    }
    if let message {
      let done = f.emit(.jumpIfTrue, result, at: site(condition.span))
      let words = try f.allocate()
      try expression(message, to: words)
      assertion.message = words
      emitAssertion(assertion, result, condition.span)
      f.patch(done)
    } else {
      emitAssertion(assertion, result, condition.span)
    }
  }

  private func emitAssertion(_ assertion: Assertion, _ result: Int, _ span: Span) {
    f.info.assertions.append(assertion)
    f.emit(.assertHolds, result, f.info.assertions.count - 1, at: site(span))
  }
}

extension Pattern {
  /// There are values that it does not fit.
  var mayFail: Bool {
    switch kind {
    case .anything, .name: false
    default: true
    }
  }

  var names: [String] {
    switch kind {
    case .anything, .value: []
    case .name(let name): [name]
    case .list(let items, _), .tuple(let items, _), .either(let items): items.flatMap(\.names)
    case .record(let fields, let rest): fields.flatMap(\.pattern.names) + (rest?.names ?? [])
    }
  }
}

extension Expression {
  var isLiteral: Bool {
    switch kind {
    case .none, .bool, .int, .float, .string: true
    default: false
    }
  }
}
