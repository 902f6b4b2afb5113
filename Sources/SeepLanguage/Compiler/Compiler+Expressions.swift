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
  func near(_ expression: Expression) -> Int? {
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
}
