// The walk through expressions.
import Ground

extension Checker {
  func expression(_ expression: Expression) {
    var here = 0
    // The compiler refuses what is nested this deep.
    if withUnsafeMutablePointer(to: &here, { UInt(bitPattern: $0) }) < nativeLimit { return }
    switch expression.kind {
    case .none, .bool, .int, .float, .string: break
    case .interpolation(let parts): for case .value(let value, _) in parts { self.expression(value) }
    case .name(let name): use(name, expression.span)
    case .list(let items), .tuple(let items): for item in items { self.expression(item) }
    case .record(let fields): for field in fields { self.expression(field.value) }
    case .unary(_, let inner): self.expression(inner)
    case .field(let inner, let name, let nameSpan):
      self.expression(inner)
      member(inner, name, nameSpan, isCall: false)
    case .binary(_, let left, let right), .and(let left, let right), .or(let left, let right),
      .notIn(let left, let right), .compose(let left, let right):
      self.expression(left)
      self.expression(right)
    case .range(let from, let to, _):
      if let from { self.expression(from) }
      if let to { self.expression(to) }
    case .call(let callee, let arguments):
      map?.calls[expression.span] = (arguments.filter { $0.name == nil }.map(\.value), arguments)
      self.expression(callee)
      walk(arguments, callee)
      if case .name(let name) = callee.kind { call(name, nil, arguments, expression.span) }
    case .method(let subject, let name, let nameSpan, let arguments):
      map?.calls[expression.span] = ([subject] + arguments.filter { $0.name == nil }.map(\.value), arguments)
      self.expression(subject)
      scopes.find(name)?.isUsed = true  // unless the subject has such a field
      member(subject, name, nameSpan, isCall: true)
      walk(arguments, nil)
    case .index(let inner, let items):
      self.expression(inner)
      for item in items { if let item { self.expression(item) } }
    case .pipe(let subject, let callee): pipe(subject, callee, expression.span)
    case .function(let function): self.function(function)
    case .block(let list): statements(list)
    case .ifElse:
      var arm: Expression? = expression
      while let here = arm {
        guard case .ifElse(let condition, let yes, let no) = here.kind else {
          self.expression(here)
          break
        }
        self.expression(condition)
        self.expression(yes)
        arm = no
      }
    case .match(let subject, let cases):
      self.expression(subject)
      warnUnreachable(cases)
      for one in cases {
        scopes.push()
        declare(one.pattern, .other)
        if let condition = one.condition { self.expression(condition) }
        self.expression(one.body)
        scopes.pop()
      }
    case .tryCatch(let body, let pattern, let handler):
      caught(body)
      scopes.push()
      if let pattern { declare(pattern, .other) }
      if let handler { self.expression(handler) }
      scopes.pop()
    case .with(let inner, let fields):
      self.expression(inner)
      for field in fields { self.expression(field.value) }
    }
  }

  private func walk(_ arguments: [ArgumentSyntax], _ callee: Expression?) {
    for argument in arguments {
      expression(argument.value)
      guard let map, let name = argument.name, let span = argument.nameSpan else { continue }
      var keyword = SourceMap.Keyword(name: name, span: span)
      if case .name(let function)? = callee?.kind {
        keyword.callee = function
        keyword.known = scopes.find(function)
      }
      map.keywords.append(keyword)
    }
  }

  /// `subject.name`, for editors.
  private func member(_ subject: Expression, _ name: String, _ span: Span, isCall: Bool) {
    look(span, subject)
    map?.members.append(
      SourceMap.Member(name: name, span: span, subject: subject, known: isCall ? scopes.find(name) : nil))
  }

  private func pipe(_ subject: Expression, _ callee: Expression, _ span: Span) {
    if let map {
      var given: [ArgumentSyntax] = []
      if case .call(_, let arguments) = callee.kind { given = arguments }
      if case .method(_, _, _, let arguments) = callee.kind { given = arguments }
      map.calls[span] = ([subject] + given.filter { $0.name == nil }.map(\.value), given)
    }
    expression(subject)
    switch callee.kind {
    case .call(let function, let arguments):
      expression(function)
      walk(arguments, function)
      if case .name(let name) = function.kind { call(name, subject, arguments, span) }
    case .method(let object, let name, let nameSpan, let arguments):
      expression(object)
      scopes.find(name)?.isUsed = true
      member(object, name, nameSpan, isCall: true)
      walk(arguments, nil)
    case .name(let name):
      expression(callee)
      call(name, subject, [], span)
    default: expression(callee)
    }
  }

  // MARK: Calls

  /// Compares a call of a known function with its parameters.
  private func call(_ name: String, _ subject: Expression?, _ arguments: [ArgumentSyntax], _ span: Span) {
    guard let callee = callee(name) else { return }
    // A constructor takes the subject of `|>` afterwards.
    let first = callee.isConstructor ? nil : subject
    let named = arguments.filter { $0.name != nil }
    let positional = arguments.filter { $0.name == nil }.map(\.value.span)
    let count = positional.count + (first == nil ? 0 : 1)
    let spans = (subject.map { [$0.span] } ?? []) + positional + named.map(\.value.span)
    let offset = spans.count - named.count
    let machine = session.machine
    var given = Set(callee.parameters.prefix(min(count, callee.positionalCount)).map(\.name))
    if !callee.isVariadic, count > callee.positionalCount {
      let next = callee.parameters.count > callee.positionalCount ? callee.parameters[callee.positionalCount].name : nil
      var fault = machine.surplusArgument(callee.title, callee.positionalCount, count, next: next)
      if callee.isConstructor, subject != nil { fault.argument = fault.argument.map { $0 + 1 } }
      reportCall(fault, span, arguments: spans)
    }
    var isMisspelt = false
    for (k, argument) in named.enumerated() {
      guard let keyword = argument.name else { continue }
      guard let parameter = callee.parameters.first(where: { $0.name == keyword }), !parameter.isVariadic else {
        isMisspelt = true
        let known = callee.parameters.filter { !$0.isVariadic }.map(\.name)
        reportCall(machine.unknownKeyword(keyword, name, known, offset + k), span, arguments: spans)
        continue
      }
      if !given.insert(keyword).inserted {
        reportCall(machine.givenTwice(keyword, name, offset + k), span, arguments: spans)
      }
    }
    if isMisspelt { return }  // what is missing may be what is misspelt
    for parameter in callee.parameters where parameter.isNeeded && !given.contains(parameter.name) {
      reportCall(machine.missingArgument(parameter.name, callee.title, name), span, arguments: spans)
    }
  }

  private struct Callee {
    var title: String
    var parameters: [(name: String, isNeeded: Bool, isVariadic: Bool)]
    var positionalCount: Int
    var isConstructor = false
    var isVariadic: Bool { parameters.contains(where: \.isVariadic) }
  }

  private func callee(_ name: String) -> Callee? {
    if let known = scopes.find(name) { return known.function.map { callee($0, name) } }
    guard !session.names.isOwn(name), let builtin = session.lookup(name)?.builtin else { return nil }
    let signature = builtin.signature
    return Callee(
      title: signature.text,
      parameters: signature.parameters.map { ($0.name, $0.isNeeded, $0.isVariadic) },
      positionalCount: signature.positionalCount, isConstructor: builtin.isConstructor)
  }

  private func callee(_ function: FunctionSyntax, _ name: String) -> Callee {
    let parameters = function.parameters.enumerated().map { i, parameter in
      var own = "_\(i + 1)"
      if case .name(let plain) = parameter.pattern.kind { own = plain }
      return (
        name: own, isNeeded: parameter.defaultValue == nil && !parameter.isVariadic, isVariadic: parameter.isVariadic
      )
    }
    let texts = function.parameters.map {
      String(
        decoding: file.text[min($0.span.start, file.text.count)..<min($0.span.end, file.text.count)], as: UTF8.self)
    }
    return Callee(
      title: "\(name)(\(texts.joined(separator: ", ")))", parameters: parameters,
      positionalCount: parameters.firstIndex(where: \.isVariadic) ?? parameters.count)
  }
}

extension Pattern {
  /// The names it binds, with their places; a name of alternatives once.
  package var places: [(name: String, span: Span)] {
    switch kind {
    case .anything, .value: return []
    case .name(let name): return [(name, span)]
    case .list(let items, _), .tuple(let items, _): return items.flatMap(\.places)
    case .either(let items):
      var seen: Set<String> = []
      return items.flatMap(\.places).filter { seen.insert($0.name).inserted }
    case .record(let fields, let rest): return fields.flatMap(\.pattern.places) + (rest?.places ?? [])
    }
  }

  /// The places where alternatives bind the same names again.
  var furtherPlaces: [(name: String, span: Span)] {
    switch kind {
    case .anything, .value, .name: return []
    case .list(let items, _), .tuple(let items, _): return items.flatMap(\.furtherPlaces)
    case .either(let items):
      let first = Set(places.map(\.span))
      return items.flatMap { $0.places + $0.furtherPlaces }.filter { !first.contains($0.span) }
    case .record(let fields, let rest): return fields.flatMap(\.pattern.furtherPlaces) + (rest?.furtherPlaces ?? [])
    }
  }

  /// The places of fields that are bound to their own name.
  func shorthands(_ file: SourceHandle) -> [Span] {
    switch kind {
    case .anything, .value, .name: []
    case .list(let items, _), .tuple(let items, _), .either(let items): items.flatMap { $0.shorthands(file) }
    case .record(let fields, let rest):
      fields.flatMap { field -> [Span] in
        guard case .name(field.name) = field.pattern.kind else { return field.pattern.shorthands(file) }
        return file.keyword(before: field.pattern.span) == nil ? [field.pattern.span] : []
      } + (rest?.shorthands(file) ?? [])
    }
  }

  /// The expressions in it.
  var values: [Expression] {
    switch kind {
    case .anything, .name: []
    case .value(let value): [value]
    case .list(let items, _), .tuple(let items, _), .either(let items): items.flatMap(\.values)
    case .record(let fields, _): fields.flatMap { $0.pattern.values + ($0.defaultValue.map { [$0] } ?? []) }
    }
  }
}

extension Statement {
  /// It gives names to others and does nothing itself.
  var onlyBinds: Bool {
    switch kind {
    case .binding, .function, .use, .test: true
    default: false
    }
  }
}
