// What the language itself does with what is known: arithmetic of numbers, lists, indices, patterns.
import Ground

extension AbstractInterpreter {
  // MARK: Operators

  func operate(_ operation: Operator, _ a: Known, _ b: Known) throws -> Known {
    if a.isUnknown || b.isUnknown { throw Unclear() }
    if case .object(let object) = a { return try object.operate(operation, b, reversed: false) }
    if case .object(let object) = b { return try object.operate(operation, a, reversed: true) }
    switch (operation, a, b) {
    case (.add, .list(let x), .list(let y)) where x.count + y.count <= AbstractInterpreter.itemLimit:
      return .list(x + y)
    case (.add, .tuple(let x), .tuple(let y)) where x.count + y.count <= AbstractInterpreter.itemLimit:
      return .tuple(x + y)
    default: break
    }
    let isArithmetic = a.asDouble != nil && b.asDouble != nil
    guard isArithmetic || operation.isComparison, let x = a.value, let y = b.value else { throw Unclear() }
    // A fault of arithmetic depends on numbers, not on shapes: it is the run's to report.
    guard let result = try? session.operate(operation, x, y) else { throw Unclear() }
    return Known(result)
  }

  func operate(_ operation: UnaryOperator, _ a: Known) throws -> Known {
    switch (operation, a) {
    case (_, .object(let object)): return try object.operate(operation)
    case (.negate, .int(let int)) where int != Int.min: return .int(-int)
    case (.negate, .float(let float)): return .float(-float)
    case (.not, _): if let truth = a.truth { return .bool(!truth) }
    default: break
    }
    throw Unclear()
  }

  func compose(_ a: Known, _ b: Known) throws -> Known {
    if case .object(let object) = a { return try object.compose(with: b, reversed: false) }
    if case .object(let object) = b { return try object.compose(with: a, reversed: true) }
    func members(_ known: Known) throws -> [Builtin] {
      switch known {
      case .builtin(let builtin): return [builtin]
      case .composition(let members): return members
      default: throw Unclear()
      }
    }
    return .composition(try members(a) + members(b))
  }

  // MARK: Parts

  func field(_ known: Known, _ name: String) throws -> Known {
    switch known {
    case .record(let fields):
      guard let field = fields.last(where: { $0.name == name }) else { throw Unclear() }
      return field.value
    case .object(let object): return try object.field(name)
    default: throw Unclear()
    }
  }

  func hasField(_ known: Known, _ name: String) -> Bool {
    switch known {
    case .record(let fields): fields.contains { $0.name == name }
    case .object(let object): object.hasField(name)
    default: false
    }
  }

  func index(_ container: Known, _ items: [Known?]) throws -> Known {
    if case .object(let object) = container { return try object.index(items) }
    guard items.count == 1, let at = items[0] else { throw Unclear() }
    if case .record = container, case .string(let name) = at { return try field(container, name) }
    guard let all = container.asItems else { throw Unclear() }
    let isList = if case .list = container { true } else { false }
    switch at {
    case .int(let index):
      let place = index < 0 ? index + all.count : index
      guard all.indices.contains(place) else {
        throw Access.outOfRange(index, all.count, isList ? "a list" : "a tuple")
      }
      return all[place]
    case .range(let from, let to):
      func clamp(_ bound: Int) -> Int { max(0, min(all.count, bound < 0 ? max(bound, -all.count) + all.count : bound)) }
      let low = clamp(from ?? 0)
      let part = Array(all[low..<max(low, clamp(to ?? all.count))])
      return isList ? .list(part) : .tuple(part)
    default: throw Unclear()
    }
  }

  /// What `for` goes through.
  func items(_ known: Known) -> (count: Int?, each: Known) {
    switch known {
    case .list(let items), .tuple(let items): (items.count, items.count == 1 ? items[0] : .unknown)
    case .range(let from?, let to?): (to > from ? to.subtractingReportingOverflow(from).partialValue : 0, .unknown)
    case .object(let object): object.items ?? (nil, .unknown)
    default: (nil, .unknown)
    }
  }

  // MARK: Patterns

  /// Whether a value fits a pattern; nil where that is not known.
  func fits(_ pattern: Pattern, _ known: Known) -> Bool? {
    switch pattern.kind {
    case .anything, .name: return true
    case .either(let items):
      var isOpen = false
      for item in items {
        switch fits(item, known) {
        case true: return true
        case nil: isOpen = true
        default: break
        }
      }
      return isOpen ? nil : false
    case .list(let items, let rest), .tuple(let items, let rest):
      guard let parts = known.asItems else { return nil }
      // A list pattern fits no tuple in `match`.
      let wantsList = if case .list = pattern.kind { true } else { false }
      let isList = if case .list = known { true } else { false }
      guard wantsList == isList else { return nil }
      if rest == nil, items.count != parts.count { return false }
      if rest != nil, parts.count < items.count - 1 { return false }
      guard rest == nil else { return nil }
      var isOpen = false
      for (item, part) in zip(items, parts) {
        switch fits(item, part) {
        case false: return false
        case nil: isOpen = true
        default: break
        }
      }
      return isOpen ? nil : true
    case .value(let value):
      switch (constant(value), known) {
      case (.int(let a)?, .int(let b)): return a == b
      case (.string(let a)?, .string(let b)): return a == b
      case (.bool(let a)?, .bool(let b)): return a == b
      default: return nil
      }
    case .record: return nil
    }
  }

  /// A literal of a pattern.
  private func constant(_ expression: Expression) -> Known? {
    switch expression.kind {
    case .int(let int): .int(int)
    case .string(let string): .string(string)
    case .bool(let bool): .bool(bool)
    case .unary(.negate, let inner): if case .int(let int) = inner.kind { .int(0 &- int) } else { nil }
    default: nil
    }
  }
}
