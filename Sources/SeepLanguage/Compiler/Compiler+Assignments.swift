// Assignments to names, to parts of values, and to several at once.
import Ground

extension Compiler {
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
