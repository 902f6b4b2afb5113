// What is known of the value of an expression.
import Ground

extension AbstractInterpreter {
  @discardableResult
  func expression(_ expression: Expression) -> Known {
    var here = 0
    // The compiler refuses what is nested this deep.
    if withUnsafeMutablePointer(to: &here, { UInt(bitPattern: $0) }) < nativeLimit { return .unknown }
    if !calls.isEmpty { inlineRoom -= 1 }
    switch expression.kind {
    case .none: return .none
    case .bool(let bool): return .bool(bool)
    case .int(let int): return .int(int)
    case .float(let float): return .float(float)
    case .string(let string): return .string(string)
    case .interpolation(let parts):
      for case .value(let value, _) in parts { self.expression(value) }
      return .unknown
    case .name(let name): return read(name)
    case .list(let items): return values(items).map { .list($0) } ?? .unknown
    case .tuple(let items): return values(items).map { .tuple($0) } ?? .unknown
    case .record(let fields): return .record(fields.map { ($0.name, self.expression($0.value)) })
    case .unary(let operation, let inner):
      let known = self.expression(inner)
      return judged(expression.span, [(known, inner.span)]) { try operate(operation, known) }
    case .field(let inner, let name, let nameSpan):
      let known = self.expression(inner)
      return judged(nameSpan, [(known, inner.span)], saysKinds: false) { try field(known, name) }
    case .binary(let operation, let left, let right):
      let (a, b) = (self.expression(left), self.expression(right))
      return judged(expression.span, [(a, left.span), (b, right.span)]) { try operate(operation, a, b) }
    case .and(let left, let right): return both(.and, left, right, expression.span)
    case .or(let left, let right): return both(.or, left, right, expression.span)
    case .notIn(let left, let right):
      self.expression(left)
      self.expression(right)
      return .unknown
    case .range(let from, let to, let inclusive): return range(from, to, inclusive)
    case .call(let callee, let arguments):
      let known = self.expression(callee)
      return call(known, nil, arguments, expression.span)
    case .method(let subject, let name, _, let arguments):
      let known = self.expression(subject)
      if case .unknown = known {
        for argument in arguments { self.expression(argument.value) }
        return .unknown
      }
      return call(hasField(known, name) ? .unknown : read(name), (known, subject.span), arguments, expression.span)
    case .index(let inner, let items): return index(inner, items, expression.span)
    case .pipe(let subject, let callee): return pipe(subject, callee, expression.span)
    case .compose(let left, let right):
      let (a, b) = (self.expression(left), self.expression(right))
      return judged(expression.span, [(a, left.span), (b, right.span)], saysKinds: false) { try compose(a, b) }
    case .function(let function):
      self.function(function)
      return .unknown
    case .block(let list): return statements(list)
    case .ifElse: return ifElse(expression)
    case .match(let subject, let cases): return match(self.expression(subject), cases)
    case .tryCatch(let body, let pattern, let handler): return tryCatch(body, pattern, handler)
    case .with(let inner, let fields):
      self.expression(inner)
      for field in fields { self.expression(field.value) }
      return .unknown
    }
  }

  /// Does what a run would do, if that is known, and reports what it would report.
  /// - Parameter operands: what the labels of a fault stand under.
  /// - Parameter saysKinds: whether the run says what the operands are, beyond their labels.
  func judged(
    _ span: Span, _ operands: [(known: Known, span: Span)], saysKinds: Bool = true, _ body: () throws -> Known
  ) -> Known {
    do {
      return try body()
    } catch let fault as Fault {
      var kinds: [Int: String] = [:]
      for (i, operand) in operands.enumerated() where saysKinds {
        if case .object(let object) = operand.known { kinds[i] = object.summary }
      }
      report(fault, span, arguments: operands.map(\.span), kinds: kinds)
      return .unknown
    } catch {
      return .unknown
    }
  }

  private func values(_ items: [Expression]) -> [Known]? {
    guard items.count <= AbstractInterpreter.itemLimit else {
      for item in items { expression(item) }
      return nil
    }
    return items.map { expression($0) }
  }

  private func range(_ from: Expression?, _ to: Expression?, _ inclusive: Bool) -> Known {
    let (low, high) = (from.map { expression($0) }, to.map { expression($0) })
    if let low, low.asInt == nil { return .unknown }
    guard let high else { return .range(low?.asInt, nil) }
    guard let stop = high.asInt else { return .unknown }
    let (end, isTooLarge) = stop.addingReportingOverflow(inclusive ? 1 : 0)
    return isTooLarge ? .unknown : .range(low?.asInt, end)
  }

  /// `and`, `or`: elementwise of objects, else the right side counts only if the left does not decide.
  private func both(_ operation: Operator, _ left: Expression, _ right: Expression, _ span: Span) -> Known {
    let a = expression(left)
    if case .object = a {
      let b = expression(right)
      return judged(span, [(a, left.span), (b, right.span)], saysKinds: false) { try operate(operation, a, b) }
    }
    guard let truth = a.truth else {
      branch(isSure: false) { expression(right) }
      return .unknown
    }
    return truth == (operation == .and) ? expression(right) : a
  }

  private func ifElse(_ expression: Expression) -> Known {
    var arm: Expression? = expression
    var isSure = true
    var result: Known?
    while let here = arm {
      guard case .ifElse(let condition, let yes, let no) = here.kind else {
        var value = Known.unknown
        branch(isSure: isSure) { value = self.expression(here) }
        result = isSure ? value : .unknown
        break
      }
      var truth: Bool?
      branch(isSure: isSure) { truth = self.expression(condition).truth }
      if truth != false {
        var value = Known.unknown
        branch(isSure: isSure && truth == true) { value = self.expression(yes) }
        if truth == true {
          result = isSure ? value : .unknown
          break
        }
        isSure = false
      }
      arm = no
    }
    return isSure ? result ?? .none : .unknown
  }

  private func match(_ subject: Known, _ cases: [CaseSyntax]) -> Known {
    var isSure = true
    for one in cases {
      let fits = fits(one.pattern, subject)
      if fits == false { continue }
      var truth: Bool? = true
      var value = Known.unknown
      branch(isSure: isSure && fits == true) {
        scopes.append([:])
        bind(one.pattern, subject)
        if let condition = one.condition { truth = expression(condition).truth }
        if truth != false { branch(isSure: truth == true) { value = expression(one.body) } }
        scopes.removeLast()
      }
      if fits == true, truth == true { return isSure ? value : .unknown }
      if truth != false { isSure = false }
    }
    return .unknown
  }

  private func tryCatch(_ body: Expression, _ pattern: Pattern?, _ handler: Expression?) -> Known {
    let outer = exits
    tries += 1
    exits = []
    let wasCertain = certain
    branch(isSure: true) { expression(body) }
    tries -= 1
    exits.remove(.error)
    certain = wasCertain && exits.isEmpty
    exits.formUnion(outer)
    branch(isSure: false) {
      scopes.append([:])
      if let pattern { bind(pattern, .unknown) }
      if let handler { expression(handler) }
      scopes.removeLast()
    }
    return .unknown
  }

  private func index(_ inner: Expression, _ items: [Expression?], _ span: Span) -> Known {
    let container = expression(inner)
    let places = items.map { item in item.map { expression($0) } }
    let operands = [(container, inner.span)] + zip(items, places).map { ($1 ?? .unknown, $0?.span ?? span) }
    return judged(span, operands, saysKinds: false) { try index(container, places) }
  }

  // MARK: Calls

  private func pipe(_ subject: Expression, _ callee: Expression, _ span: Span) -> Known {
    let known = expression(subject)
    switch callee.kind {
    case .call(let function, let arguments):
      return call(expression(function), (known, subject.span), arguments, span)
    case .method(let object, _, _, let arguments):
      expression(object)
      for argument in arguments { expression(argument.value) }
      return .unknown
    default: return call(expression(callee), (known, subject.span), [], span)
    }
  }

  private func call(
    _ callee: Known, _ subject: (known: Known, span: Span)?, _ arguments: [ArgumentSyntax], _ span: Span
  ) -> Known {
    // Arguments without a name come first.
    let first = arguments.filter { $0.name == nil }
    let positional = (subject.map { [$0] } ?? []) + first.map { (expression($0.value), $0.value.span) }
    let named = arguments.compactMap { argument in
      argument.name.map { (name: $0, value: expression(argument.value), span: argument.value.span) }
    }
    let operands = positional.map { (known: $0.0, span: $0.1) } + named.map { ($0.value, $0.span) }
    switch callee {
    case .builtin(let builtin):
      if builtin.name == "exit" { leave(.program) }
      guard let rule = session.rule?(builtin.name) else { return .unknown }
      guard builtin.isConstructor, subject != nil else {
        return judged(span, operands) {
          try apply(builtin, rule, positional.map(\.0), named.map { ($0.name, $0.value) })
        }
      }
      // Makes an object, and applies it to the subject.
      return judged(span, operands) {
        let made: Known
        do {
          made = try apply(builtin, rule, positional.dropFirst().map(\.0), named.map { ($0.name, $0.value) })
        } catch var fault as Fault {
          fault.argument = fault.argument.map { $0 + 1 }
          fault.operands = Dictionary(uniqueKeysWithValues: fault.operands.map { ($0 + 1, $1) })
          throw fault
        }
        guard case .object(let object) = made, let subject else { throw Unclear() }
        return try object.call([subject.known])
      }
    case .function(let function): return inline(function, positional.map(\.0), named.map { ($0.name, $0.value) }, span)
    case .object(let object):
      guard named.isEmpty else { return .unknown }
      return judged(span, operands) { try object.call(positional.map(\.0)) }
    default: return .unknown
    }
  }

  /// Matches arguments with parameters as the machine does, asks the rule, and turns a fault's parameter back into an argument.
  private func apply(
    _ builtin: Builtin, _ rule: KnownCall.Rule, _ positional: [Known], _ named: [(name: String, value: Known)]
  ) throws -> Known {
    let signature = builtin.signature
    let parameters = signature.parameters
    var given = [Known?](repeating: nil, count: parameters.count)
    for i in 0..<min(positional.count, signature.positionalCount) { given[i] = positional[i] }
    if let variadic = signature.variadicIndex {
      given[variadic] = .list(Array(positional.dropFirst(signature.positionalCount)))
    } else if positional.count > signature.positionalCount {
      throw Unclear()
    }
    for argument in named {
      guard let place = signature.index(of: argument.name), !parameters[place].isVariadic, given[place] == nil else {
        throw Unclear()
      }
      given[place] = argument.value
    }
    for (i, parameter) in parameters.enumerated() where parameter.isNeeded && given[i] == nil { throw Unclear() }
    do {
      return try rule(KnownCall(name: signature.name, signature: signature, given: given))
    } catch var fault as Fault where !signature.isPlain || !named.isEmpty || positional.count < parameters.count {
      func source(_ parameter: Int) -> Int? {
        guard parameters.indices.contains(parameter) else { return nil }
        if let k = named.firstIndex(where: { $0.name == parameters[parameter].name }) { return positional.count + k }
        return parameter < positional.count ? parameter : nil
      }
      fault.argument = fault.argument.flatMap(source)
      var moved: [Int: String] = [:]
      for (at, label) in fault.operands { if let to = source(at) { moved[to] = label } }
      fault.operands = moved
      throw fault
    }
  }
}
