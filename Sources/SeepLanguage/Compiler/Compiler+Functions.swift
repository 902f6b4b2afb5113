// Functions, and what catches errors.
import Ground

extension Compiler {
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

  func tryCatch(
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
}
