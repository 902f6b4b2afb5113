// Expressions.
import Ground

extension Compiler {
  /// A register that holds the value: a variable's own, or a new one.
  func operand(_ expression: Expression) throws -> Int {
    if case .name(let name) = expression.kind, case .local(let local)? = f.resolve(name), !local.isBoxed {
      return local.register
    }
    let register = try f.allocate()
    try self.expression(expression, to: register)
    return register
  }

  /// As `operand`, for a left side: if what follows may assign the variable, its value now is kept.
  private func leftOperand(_ expression: Expression, before other: Expression, fresh target: Int) throws -> Int {
    if case .name(let name) = expression.kind, case .local(let local)? = f.resolve(name), !local.isBoxed {
      if !local.isMutable || !other.mayAssign { return local.register }
    }
    if !f.isVariable(target) {
      try self.expression(expression, to: target)
      return target
    }
    let register = try f.allocate()
    try self.expression(expression, to: register)
    return register
  }

  /// What a part is read from. It goes where the part will go: left in a register of its own, it would be held by two,
  /// and the next assignment to a part of it would have to copy it.
  private func container(_ inner: Expression, fresh target: Int) throws -> Int {
    if case .name = inner.kind { return try operand(inner) }
    if f.isVariable(target) { return try operand(inner) }
    try expression(inner, to: target)
    return target
  }

  func expression(_ expression: Expression, to target: Int) throws {
    try checkNesting(expression.span)
    let at = site(expression.span)
    let mark = f.mark
    switch expression.kind {
    case .none: f.emit(.loadNone, target, at: at)
    case .bool(let value): f.emit(.loadBool, target, value ? 1 : 0, at: at)
    case .int(let value):
      if let small = Int32(exactly: value) {
        f.emit(.loadInt, target, wide: Int(UInt32(bitPattern: small)), at: at)
      } else {
        f.emit(.loadConstant, target, wide: f.constant(value), at: at)
      }
    case .float(let value): f.emit(.loadConstant, target, wide: f.constant(value), at: at)
    case .string(let value): f.emit(.loadConstant, target, wide: f.constant(value), at: at)
    case .interpolation(let parts): try interpolation(parts, to: target, at)
    case .name(let name): try read(name, to: target, expression.span)
    case .list(let items): try list(items, to: target, at)
    case .tuple(let items):
      let first = try values(items)
      f.emit(.makeTuple, target, first, items.count, at: at)
    case .record(let fields):
      let first = try values(fields.map(\.value))
      f.info.keywordLists.append(fields.map { Symbols.number($0.name) })
      f.emit(.makeRecord, target, first, f.info.keywordLists.count - 1, at: at)
    case .unary(let operation, let inner):
      let register = try operand(inner)
      let index = f.emit(operation == .negate ? .negate : .not, target, register, at: at)
      f.info.argumentSpans[index] = [site(inner.span)]
    case .binary(let operation, let left, let right):
      try binary(operation, left, right, to: target, expression.span)
    case .notIn(let left, let right):
      let a = try leftOperand(left, before: right, fresh: target)
      let b = try operand(right)
      operate(.contains, target, a, b, expression.span, [left.span, right.span])
      f.emit(.not, target, target, at: at)
    case .and(let left, let right): try logic(.and, left, right, to: target, at)
    case .or(let left, let right): try logic(.or, left, right, to: target, at)
    case .range(let from, let to, let inclusive): try range(from, to, inclusive, to: target, at)
    case .call(let callee, let arguments): try call(callee, arguments, to: target, expression.span)
    case .method(let subject, let name, let nameSpan, let arguments):
      try method(subject, name, nameSpan, arguments, to: target, expression.span)
    case .field(let inner, let name, let nameSpan):
      let register = try container(inner, fresh: target)
      let index = f.emit(.field, target, register, f.symbol(name), at: site(nameSpan))
      f.info.argumentSpans[index] = [site(inner.span)]
    case .index(let inner, let items): try index(inner, items, to: target, expression.span)
    case .pipe(let subject, let callee): try pipe(subject, callee, to: target, expression.span)
    case .compose(let left, let right):
      let a = try leftOperand(left, before: right, fresh: target)
      let b = try operand(right)
      let index = f.emit(.compose, target, a, b, at: at)
      f.info.argumentSpans[index] = [site(left.span), site(right.span)]
    case .function(let function): try self.function(function, to: target, own: nil)
    case .block(let statements): try block(statements, to: target)
    case .ifElse(let condition, let yes, let no): try ifElse(condition, yes, no, to: target, expression.span)
    case .match(let subject, let cases): try match(subject, cases, to: target, expression.span)
    case .tryCatch(let body, let pattern, let handler): try tryCatch(body, pattern, handler, to: target, at)
    case .with(let inner, let fields):
      let register = try operand(inner)
      let window = try f.allocate()
      _ = try values(fields.map(\.value))
      f.info.keywordLists.append(fields.map { Symbols.number($0.name) })
      let index = f.emit(.recordWith, window, register, f.info.keywordLists.count - 1, at: at)
      f.info.argumentSpans[index] = [site(inner.span)]
      f.emit(.take, target, window, at: at)
    }
    f.release(to: mark)
  }

  /// Refuses a tree that would use up the stack of the compiler.
  func checkNesting(_ span: Span) throws {
    var here = 0
    let address = withUnsafeMutablePointer(to: &here) { UInt(bitPattern: $0) }
    if address < nativeLimit {
      throw fail(Fault("nested-too-deep", "this expression is nested too deeply"), span)
    }
  }

  /// Values into new registers that follow each other.
  private func values(_ items: [Expression]) throws -> Int {
    let first = f.mark
    for item in items {
      let register = try f.allocate()
      try expression(item, to: register)
    }
    return first
  }

  /// Long literals are built in pieces, so that they need few registers.
  private func list(_ items: [Expression], to target: Int, _ at: Site) throws {
    let piece = 200
    if items.count <= piece {
      let first = try values(items)
      f.emit(.makeList, target, first, items.count, at: at)
      return
    }
    let whole = try f.allocate()
    f.emit(.makeList, whole, whole, 0, at: at)
    for start in stride(from: 0, to: items.count, by: piece) {
      let mark = f.mark
      let part = Array(items[start..<min(items.count, start + piece)])
      let first = try values(part)
      f.emit(.makeList, first, first, part.count, at: at)
      f.emit(.add, whole, whole, first, at: at)
      f.emit(.clear, first, at: at)
      f.release(to: mark)
    }
    f.emit(.take, target, whole, at: at)
  }

  private func interpolation(_ parts: [TextPart], to target: Int, _ at: Site) throws {
    let first = f.mark
    for part in parts {
      let register = try f.allocate()
      switch part {
      case .text(let text): f.emit(.loadConstant, register, wide: f.constant(text), at: at)
      case .value(let value, let format):
        try expression(value, to: register)
        if let format { f.emit(.format, register, register, f.constant(format), at: site(value.span)) }
      }
    }
    f.emit(.joinText, target, first, parts.count, at: at)
  }

  // MARK: Operators

  private func binary(
    _ operation: Operator, _ left: Expression, _ right: Expression, to target: Int, _ span: Span
  ) throws {
    let a = try leftOperand(left, before: right, fresh: target)
    if let constant = near(right), let op = operation.constantForm {
      let index = f.emit(op, target, a, constant, at: site(span))
      f.info.argumentSpans[index] = [site(left.span), site(right.span)]
      return
    }
    let b = try operand(right)
    operate(operation, target, a, b, span, [left.span, right.span])
  }

  /// The constant of a number literal, if it fits into an operand.
  private func near(_ expression: Expression) -> Int? {
    let index: Int
    switch expression.kind {
    case .int(let value): index = f.constant(value)
    case .float(let value): index = f.constant(value)
    default: return nil
    }
    return f.isNear(index) ? index : nil
  }

  func operate(_ operation: Operator, _ target: Int, _ a: Int, _ b: Int, _ span: Span, _ parts: [Span]) {
    let index = f.emit(operation.opcode, target, a, b, at: site(span))
    f.info.argumentSpans[index] = parts.map { site($0) }
  }

  private func logic(_ operation: Operator, _ left: Expression, _ right: Expression, to target: Int, _ at: Site) throws
  {
    let value = f.isVariable(target) ? try f.allocate() : target
    try expression(left, to: value)
    let done = f.emit(operation == .and ? .jumpUnlessAnd : .jumpUnlessOr, value, at: site(left.span))
    let other = try operand(right)
    let index = f.emit(operation.opcode, value, value, other, at: at)
    f.info.argumentSpans[index] = [site(left.span), site(right.span)]
    f.patch(done)
    if value != target { f.emit(.take, target, value, at: at) }
  }

  /// Jumps, collected in `whenFalse`, unless the condition holds.
  func branch(_ condition: Expression, whenFalse: inout [Int]) throws {
    try checkNesting(condition.span)
    let mark = f.mark
    defer { f.release(to: mark) }
    let at = site(condition.span)
    switch condition.kind {
    case .binary(let operation, let left, let right) where operation.testForm != nil:
      guard let forms = operation.testForm else { return }
      let scratch = try f.allocate()
      let a = try leftOperand(left, before: right, fresh: scratch)
      let index: Int
      if let constant = near(right) {
        index = f.emit(forms.constant, 0, a, constant, at: at)
      } else {
        index = f.emit(forms.register, 0, a, try operand(right), at: at)
      }
      f.info.argumentSpans[index] = [site(left.span), site(right.span)]
      whenFalse.append(f.emit(.jump, at: at))
    case .and(let left, let right):
      try branch(left, whenFalse: &whenFalse)
      try branch(right, whenFalse: &whenFalse)
    case .or(let left, let right):
      var first: [Int] = []
      try branch(left, whenFalse: &first)
      let holds = f.emit(.jump, at: at)
      for jump in first { f.patch(jump) }
      try branch(right, whenFalse: &whenFalse)
      f.patch(holds)
    case .bool(true): break
    default: whenFalse.append(f.emit(.jumpIfFalse, try operand(condition), at: at))
    }
  }

  func ifElse(_ condition: Expression, _ yes: Expression, _ no: Expression?, to target: Int?, _ span: Span) throws {
    var arm = (condition: condition, yes: yes, no: no, span: span)
    var done: [Int] = []
    while true {
      var toElse: [Int] = []
      try branch(arm.condition, whenFalse: &toElse)
      if let target { try expression(arm.yes, to: target) } else { try discard(arm.yes) }
      if arm.no != nil || target != nil { done.append(f.emit(.jump, at: site(arm.span))) }
      for jump in toElse { f.patch(jump) }
      guard let no = arm.no else {
        if let target { f.emit(.loadNone, target, at: site(arm.span)) }
        break
      }
      // `else if`: the next arm, without going deeper.
      guard case .ifElse(let condition, let yes, let other) = no.kind else {
        if let target { try expression(no, to: target) } else { try discard(no) }
        break
      }
      arm = (condition, yes, other, no.span)
    }
    for jump in done { f.patch(jump) }
  }

  private func range(_ from: Expression?, _ to: Expression?, _ inclusive: Bool, to target: Int, _ at: Site) throws {
    func bound(_ expression: Expression?, _ open: Int) throws -> Int {
      if let expression { return try operand(expression) }
      let register = try f.allocate()
      f.emit(.loadConstant, register, wide: f.constant(open), at: at)
      return register
    }
    let a = try bound(from, Int.min)
    let b = try bound(to, Int.max)
    let index = f.emit(inclusive && to != nil ? .makeRangeInclusive : .makeRange, target, a, b, at: at)
    f.info.argumentSpans[index] = [from, to].map { $0.map { site($0.span) } ?? at }
  }

  // MARK: Calls

  private func arguments(_ arguments: [ArgumentSyntax]) throws -> (spans: [Span], keywords: Int?) {
    let named = arguments.filter { $0.name != nil }
    var spans: [Span] = []
    for argument in arguments.filter({ $0.name == nil }) + named {
      let register = try f.allocate()
      try expression(argument.value, to: register)
      spans.append(argument.value.span)
    }
    if named.isEmpty { return (spans, nil) }
    f.info.keywordLists.append(named.compactMap(\.name).map { Symbols.number($0) })
    return (spans, f.info.keywordLists.count - 1)
  }

  private func call(_ callee: Expression, _ given: [ArgumentSyntax], to target: Int, _ span: Span) throws {
    let place = try f.allocate()
    try expression(callee, to: place)
    let (spans, keywords) = try arguments(given)
    let index: Int
    if let keywords {
      index = f.emit(.callNamed, place, spans.count, keywords, at: site(span))
    } else {
      index = f.emit(.call, place, spans.count, at: site(span))
    }
    f.info.argumentSpans[index] = spans.map { site($0) }
    if place != target { f.emit(.take, target, place, at: site(span)) }
  }

  private func method(
    _ subject: Expression, _ name: String, _ nameSpan: Span, _ given: [ArgumentSyntax], to target: Int, _ span: Span
  ) throws {
    let place = try f.allocate(2)
    try expression(subject, to: place + 1)
    if case .unknown = try resolve(name, nameSpan) {
      f.emit(.loadAbsent, place, at: site(nameSpan))
    } else {
      try read(name, to: place, nameSpan)
    }
    let finding = f.emit(.method, place, f.symbol(name), at: site(nameSpan))
    f.info.argumentSpans[finding] = [site(subject.span)]
    let (spans, keywords) = try arguments(given)
    let count = spans.count + 1
    let index = f.emit(.callSubject, place, count, keywords.map { $0 + 1 } ?? 0, at: site(span))
    f.info.argumentSpans[index] = ([subject.span] + spans).map { site($0) }
    f.emit(.take, target, place, at: site(span))
  }

  private func pipe(_ subject: Expression, _ callee: Expression, to target: Int, _ span: Span) throws {
    let inner: (callee: Expression, arguments: [ArgumentSyntax])?
    switch callee.kind {
    case .call(let function, let arguments): inner = (function, arguments)
    case .method(let object, let name, let nameSpan, let arguments):
      let field = Expression(
        kind: .field(object, name: name, nameSpan: nameSpan), span: Span(object.span.start, nameSpan.end))
      inner = (field, arguments)
    default: inner = nil
    }
    guard let inner else {
      let a = try leftOperand(subject, before: callee, fresh: target)
      let b = try operand(callee)
      let index = f.emit(.pipe, target, a, b, at: site(span))
      f.info.argumentSpans[index] = [site(subject.span)]
      return
    }
    let place = try f.allocate(2)
    try expression(subject, to: place + 1)
    try expression(inner.callee, to: place)
    let (spans, keywords) = try arguments(inner.arguments)
    let index = f.emit(.callSubject, place, spans.count + 1, keywords.map { $0 + 1 } ?? 0, at: site(span))
    f.info.argumentSpans[index] = ([subject.span] + spans).map { site($0) }
    f.emit(.take, target, place, at: site(span))
  }

  // MARK: Index

  /// The items of an index into registers that follow each other.
  func indexItems(_ items: [Expression?], _ span: Span) throws -> Int {
    let first = try f.allocate(items.count)
    for (i, item) in items.enumerated() {
      if let item {
        try expression(item, to: first + i)
      } else {
        try range(nil, nil, false, to: first + i, site(span))
      }
    }
    return first
  }

  private func index(_ inner: Expression, _ items: [Expression?], to target: Int, _ span: Span) throws {
    let mayChange = items.contains { $0?.mayAssign ?? false }
    let container = mayChange ? try operand(inner) : try container(inner, fresh: target)
    let parts = [site(inner.span)] + items.map { $0.map { site($0.span) } ?? site(span) }
    if items.count == 1, let item = items[0] {
      let at = try operand(item)
      let index = f.emit(.index, target, container, at, at: site(span))
      f.info.argumentSpans[index] = parts
      return
    }
    let first = try indexItems(items, span)
    let index = f.emit(.indexMany, target, container, first, at: site(span))
    f.info.argumentSpans[index] = parts
    f.emit(.halt, items.count, at: site(span))
  }

  // MARK: Functions

  func function(_ function: FunctionSyntax, to target: Int, own: Local?) throws {
    let outer = f
    let inner = FunctionBuilder(parent: outer, file: file, made: made)
    inner.ownLocal = own
    inner.info.name = function.name
    inner.info.documentation = function.documentation
    inner.info.declaration = function.span
    f = inner
    defer { f = outer }
    if let profile {
      inner.marker = LineMarker(profile, file, function: function)
      inner.begin(at: site(function.span))
    }
    do {
      try parameters(function)
      try functionBody(function)
    } catch let fault as Fault where fault.code == "function-too-large" {
      throw fail(fault, function.span)
    }
    outer.info.functions.append(inner.finish())
    outer.emit(.makeClosure, target, wide: outer.info.functions.count - 1, at: site(function.span))
  }

  private func functionBody(_ function: FunctionSyntax) throws {
    let result = try f.allocate()
    if case .block(let statements) = function.body.kind {
      try body(statements, to: result)
    } else {
      f.upcoming.append([:])
      try expression(function.body, to: result)
    }
    f.emit(.returnValue, result, at: site(Span(max(function.span.start, function.span.end - 1), function.span.end)))
  }

  private func parameters(_ function: FunctionSyntax) throws {
    let first = try f.allocate(function.parameters.count)
    var destructured: [(Pattern, Int)] = []
    for (i, parameter) in function.parameters.enumerated() {
      let register = first + i
      var name = "_\(i + 1)"
      if case .name(let plain) = parameter.pattern.kind {
        name = plain
        f.declare(plain, register: register, isMutable: false, isBoxed: false, at: parameter.pattern.span.start)
      } else {
        destructured.append((parameter.pattern, register))
      }
      f.info.parameters.append(
        FunctionInfo.Parameter(
          symbol: Symbols.number(name), isNeeded: parameter.defaultValue == nil && !parameter.isVariadic,
          text: source(parameter.span)))
      if parameter.isVariadic { f.info.variadicIndex = i }
    }
    for (i, parameter) in function.parameters.enumerated() {
      guard let value = parameter.defaultValue else { continue }
      let given = f.emit(.jumpIfGiven, first + i, at: site(value.span))
      try expression(value, to: first + i)
      f.patch(given)
    }
    for (pattern, register) in destructured {
      try destructure(pattern, register, isMutable: false, site(pattern.span))
    }
  }

  // MARK: Errors

  private func tryCatch(
    _ body: Expression, _ pattern: Pattern?, _ handler: Expression?, to target: Int, _ at: Site
  ) throws {
    let value = f.isVariable(target) ? try f.allocate() : target
    let error = try f.allocate()
    let kept = try pattern?.mayFail == true ? f.allocate() : nil
    let guarded = FunctionBuilder.Guarded(cleanup: nil, first: f.code.count)
    f.guarded.append(guarded)
    try expression(body, to: value)
    f.guarded.removeLast()
    let end = f.code.count
    let done = f.emit(.jump, at: at)
    // Those of inner `try`s stand before.
    for range in guarded.ranges(to: end) {
      f.info.handlers.append(
        Handler(first: range.lowerBound, end: range.upperBound, target: f.label(), register: error, kept: kept))
    }
    f.pushScope()
    if let pattern, let kept {
      var failures: [Int] = []
      try test(pattern, error, &failures, isMutable: false)
      let fits = f.emit(.jump, at: at)
      for failure in failures { f.patch(failure) }
      f.emit(.reraise, kept, at: at)
      f.patch(fits)
    } else if let pattern {
      if case .name(let name) = pattern.kind {
        f.declare(name, register: error, isMutable: false, isBoxed: false, at: pattern.span.start)
      } else {
        try destructure(pattern, error, isMutable: false, site(pattern.span))
      }
    }
    if let handler { try expression(handler, to: value) } else { f.emit(.loadNone, value, at: at) }
    f.popScope()
    f.patch(done)
    if value != target { f.emit(.take, target, value, at: at) }
  }

  // MARK: Match

  private func match(_ subject: Expression, _ cases: [CaseSyntax], to target: Int, _ span: Span) throws {
    let value = try f.allocate()
    try expression(subject, to: value)
    var done: [Int] = []
    for oneCase in cases {
      let mark = f.mark
      f.pushScope()
      var failures: [Int] = []
      try test(oneCase.pattern, value, &failures, isMutable: false)
      if let condition = oneCase.condition { try branch(condition, whenFalse: &failures) }
      try expression(oneCase.body, to: target)
      done.append(f.emit(.jump, at: site(span)))
      f.popScope()
      f.release(to: mark)
      for failure in failures { f.patch(failure) }
    }
    f.emit(.noMatch, value, at: site(subject.span))
    for jump in done { f.patch(jump) }
  }

  /// Tests whether the value in a register has a shape, binding names on the way; jumps in `failures` if not.
  func test(_ pattern: Pattern, _ register: Int, _ failures: inout [Int], isMutable: Bool) throws {
    let at = site(pattern.span)
    switch pattern.kind {
    case .anything: break
    case .name(let name):
      let copy = try f.allocate()
      f.emit(.move, copy, register, at: at)
      try bind(name, isMutable: isMutable, from: copy, pattern.span)
    case .value(let value):
      let wanted = try f.allocate()
      try expression(value, to: wanted)
      if case .range(_, _, let inclusive) = value.kind {
        f.emit(.testWithin, register, wanted, inclusive ? 1 : 0, at: at)
      } else {
        f.emit(.testSame, register, wanted, at: at)
      }
      failures.append(f.emit(.jump, at: at))
    case .list(let items, let rest): try sequence(items, rest, 4, register, &failures, isMutable, at)
    case .tuple(let items, let rest): try sequence(items, rest, 1, register, &failures, isMutable, at)
    case .record(let fields, let rest):
      f.emit(.testRecord, register, at: at)
      failures.append(f.emit(.jump, at: at))
      for field in fields {
        let part = try f.allocate()
        f.emit(.testField, register, f.symbol(field.name), part, at: at)
        if let value = field.defaultValue {
          try standIn(value, in: part, at)
        } else {
          failures.append(f.emit(.jump, at: at))
        }
        try test(field.pattern, part, &failures, isMutable: isMutable)
      }
      if let rest { try test(rest, recordRest(fields, register, at), &failures, isMutable: isMutable) }
    case .either(let patterns):
      try alternatives(patterns, register, &failures, isMutable, at)
    }
  }

  /// The first pattern that fits binds the names; all must have the same ones.
  private func alternatives(
    _ patterns: [Pattern], _ register: Int, _ failures: inout [Int], _ isMutable: Bool, _ at: Site
  ) throws {
    let names = patterns.first?.places ?? []
    for one in patterns {
      let own = Set(one.names)
      let all = Set(names.map(\.name))
      if let odd = own.symmetricDifference(all).min() {
        throw fail(Fault("syntax", "`\(odd)` is not bound by every alternative of this pattern"), one.span)
      }
    }
    let shared = try f.allocate(names.count)
    var found: [Int] = []
    for (i, one) in patterns.enumerated() {
      let mark = f.mark
      f.pushScope()
      var next: [Int] = []
      try test(one, register, &next, isMutable: false)
      for (k, (name, span)) in names.enumerated() { try read(name, to: shared + k, span) }
      f.popScope()
      f.release(to: mark)
      if i == patterns.count - 1 {
        failures += next
      } else {
        found.append(f.emit(.jump, at: at))
        for jump in next { f.patch(jump) }
      }
    }
    for jump in found { f.patch(jump) }
    for (k, (name, span)) in names.enumerated() { try bind(name, isMutable: isMutable, from: shared + k, span) }
  }

  private func sequence(
    _ items: [Pattern], _ rest: Int?, _ mode: Int, _ register: Int, _ failures: inout [Int], _ isMutable: Bool,
    _ at: Site
  ) throws {
    let needed = items.count - (rest == nil ? 0 : 1)
    f.emit(.testSequence, register, needed, mode | (rest == nil ? 0 : 2), at: at)
    failures.append(f.emit(.jump, at: at))
    for (i, item) in items.enumerated() {
      let part = try f.allocate()
      if i == rest {
        f.emit(.slice, part, i, items.count - 1 - i, at: at)
        f.emit(.halt, register, at: at)
      } else {
        let position = try f.allocate()
        let fromEnd = rest.map { i > $0 } ?? false
        let index = fromEnd ? i - items.count : i
        f.emit(.loadInt, position, wide: Int(UInt32(bitPattern: Int32(index))), at: at)
        f.emit(.index, part, register, position, at: at)
      }
      try test(item, part, &failures, isMutable: isMutable)
    }
  }

  // MARK: Assignments

  func assign(_ target: Expression, _ operation: Operator?, _ value: Expression, _ span: Span) throws {
    var steps: [Expression] = []
    var root = target
    while true {
      switch root.kind {
      case .field(let inner, _, _), .index(let inner, _):
        steps.append(root)
        root = inner
        continue
      default: break
      }
      break
    }
    steps.reverse()
    if operation == nil, let items = target.assignedItems { return try assignAll(items, value, span) }
    guard case .name(let name) = root.kind else {
      throw fail(
        Fault(
          "not-assignable", "only a variable, or a part of one, can be assigned", help: "give it a name: var x = …"),
        root.span)
    }
    let binding = try assignable(name, root.span, isWhole: steps.isEmpty)
    if steps.isEmpty { return try assign(binding, operation, value, span) }
    if case .local(let local) = binding, !local.isBoxed, operation == nil, steps.count == 1,
      case .index(_, let items) = steps[0].kind, items.count == 1, let item = items[0]
    {
      let at = try operand(item)
      let register = try operand(value)
      let index = f.emit(.setIndex, local.register, at, register, at: site(target.span))
      f.info.argumentSpans[index] = [site(root.span), site(item.span)]
      return
    }
    var path: [PathStep] = []
    for step in steps {
      switch step.kind {
      case .field(_, let name, _): path.append(.field(Symbols.number(name)))
      case .index(_, let items): path.append(.index(register: try indexItems(items, step.span), count: items.count))
      default: break
      }
    }
    let register = try operand(value)
    f.info.paths.append(path)
    let (place, number) = place(of: binding)
    let index = f.emit(.assignPath, place.rawValue, wide: number, at: site(target.span))
    f.info.argumentSpans[index] = [site(target.span), site(value.span)]
    let code = operation.map { Int($0.rawValue) + 1 } ?? 0
    f.emit(.halt, f.info.paths.count - 1, register, code, at: site(span))
  }

  /// `(a, b) = (b, a)`
  private func assignAll(_ items: [Expression], _ value: Expression, _ span: Span) throws {
    let whole = try operand(value)
    let parts = try f.allocate(items.count)
    f.emit(.unpack, parts, items.count, whole, at: site(value.span))
    for (i, item) in items.enumerated() {
      // A name that no program can write stands for the part.
      let hidden = " \(i)"
      f.declare(hidden, register: parts + i, isMutable: false, isBoxed: false, at: item.span.start)
      try assign(item, nil, Expression(kind: .name(hidden), span: value.span), span)
    }
  }

  private func assignable(_ name: String, _ span: Span, isWhole: Bool) throws -> Binding {
    let binding = try resolve(name, span)
    let isMutable: Bool
    switch binding {
    case .local(let local), .capture(_, let local): isMutable = local.isMutable
    case .global(_, let mutable, let isOwn):
      isMutable = mutable
      if !isOwn {
        throw fail(
          Fault("not-assignable", "`\(name)` is a name of the library", help: "var \(name) = …"), span)
      }
    case .itself: isMutable = false
    case .unknown:
      if learned { return binding }
      throw unknownName(name, span, orElse: isWhole ? "var \(name) = …" : nil)
    }
    if !isMutable {
      throw fail(
        Fault(
          "not-assignable", "`\(name)` was bound by `let` and cannot be assigned",
          notes: OtherNames.notes[name].map { [$0] } ?? [], help: "bind it by `var`: var \(name) = …"), span)
    }
    return binding
  }

  private func place(of binding: Binding) -> (Place, Int) {
    switch binding {
    case .local(let local): return (local.isBoxed ? .box : .register, local.register)
    case .capture(let index, _): return (.captureBox, index)
    case .global(let index, _, _): return (.global, index)
    case .itself, .unknown: return (.register, 0)
    }
  }

  private func assign(_ binding: Binding, _ operation: Operator?, _ value: Expression, _ span: Span) throws {
    let at = site(span)
    if case .local(let local) = binding, !local.isBoxed {
      guard let operation else { return try expression(value, to: local.register) }
      if let constant = near(value), let op = operation.constantForm {
        let index = f.emit(op, local.register, local.register, constant, at: at)
        f.info.argumentSpans[index] = [at, site(value.span)]
        return
      }
      if operation == .add, case .list(let items) = value.kind, items.count == 1 {
        let item = try f.allocate()
        try expression(items[0], to: item)
        f.emit(.append, local.register, item, at: at)
        return
      }
      let register = try operand(value)
      operate(operation, local.register, local.register, register, span, [span, value.span])
      return
    }
    let register = try operand(value)
    if let operation {
      if case .global(let index, _, _) = binding {
        f.emit(.updateGlobal, Int(operation.rawValue), wide: index, at: at)
        f.emit(.halt, register, at: at)
        return
      }
      f.info.paths.append([])
      let (place, number) = place(of: binding)
      f.emit(.assignPath, place.rawValue, wide: number, at: at)
      f.emit(.halt, f.info.paths.count - 1, register, Int(operation.rawValue) + 1, at: at)
      return
    }
    switch binding {
    case .local(let local): f.emit(.setBox, local.register, register, at: at)
    case .capture(let index, _): f.emit(.setCaptureBox, index, register, at: at)
    case .global(let index, _, _):
      f.emit(f.isVariable(register) ? .setGlobal : .takeGlobal, register, wide: index, at: at)
    case .itself, .unknown: break
    }
  }
}

extension Operator {
  var opcode: Opcode {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .floorDivide: .floorDivide
    case .remainder: .remainder
    case .power: .power
    case .matmul: .matmul
    case .less: .less
    case .lessEqual: .lessEqual
    case .greater: .greater
    case .greaterEqual: .greaterEqual
    case .equal: .equal
    case .notEqual: .notEqual
    case .contains: .contains
    case .and: .and
    case .or: .or
    }
  }

  /// With a constant on the right.
  var constantForm: Opcode? {
    switch self {
    case .add: .addK
    case .subtract: .subtractK
    case .multiply: .multiplyK
    case .divide: .divideK
    case .floorDivide: .floorDivideK
    case .remainder: .remainderK
    case .power: .powerK
    case .matmul, .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual, .contains, .and, .or: nil
    }
  }

  /// As the condition of a branch.
  var testForm: (register: Opcode, constant: Opcode)? {
    switch self {
    case .less: (.testLess, .testLessK)
    case .lessEqual: (.testLessEqual, .testLessEqualK)
    case .greater: (.testGreater, .testGreaterK)
    case .greaterEqual: (.testGreaterEqual, .testGreaterEqualK)
    case .equal: (.testEqual, .testEqualK)
    case .notEqual: (.testNotEqual, .testNotEqualK)
    default: nil
    }
  }
}

extension Expression {
  /// What `(a, b) = …` and `[a, b] = …` assign.
  var assignedItems: [Expression]? {
    switch kind {
    case .tuple(let items), .list(let items): items
    default: nil
    }
  }

  /// Whether evaluating it may assign a variable of the same function: only blocks can.
  var mayAssign: Bool {
    switch kind {
    case .none, .bool, .int, .float, .string, .name, .function: false
    case .unary(_, let inner), .field(let inner, _, _): inner.mayAssign
    case .binary(_, let a, let b), .and(let a, let b), .or(let a, let b), .notIn(let a, let b), .pipe(let a, let b),
      .compose(let a, let b):
      a.mayAssign || b.mayAssign
    case .call(let callee, let arguments): callee.mayAssign || arguments.contains { $0.value.mayAssign }
    case .method(let subject, _, _, let arguments): subject.mayAssign || arguments.contains { $0.value.mayAssign }
    case .index(let inner, let items): inner.mayAssign || items.contains { $0?.mayAssign ?? false }
    case .list(let items), .tuple(let items): items.contains(where: \.mayAssign)
    case .record, .interpolation, .range, .block, .ifElse, .match, .tryCatch, .with: true
    }
  }
}
