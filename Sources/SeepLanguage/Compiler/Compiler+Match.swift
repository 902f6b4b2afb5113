// `match`: patterns and the tests they are made of.
import Ground

extension Compiler {
  func match(_ subject: Expression, _ cases: [CaseSyntax], to target: Int, _ span: Span) throws {
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
}
