// Mistakes that show without running: names that nothing binds, calls that do not fit what is called, assignments to what
// is fixed; and as warnings and notes what is bound in vain or hides a name of the library.
import Ground

final class Checker {
  /// For so many unknown names a near one is looked for.
  static let suggestionLimit = 100

  let session: Session
  let file: SourceHandle
  let nativeLimit: UInt
  var scopes = CheckedScopes()
  var findings: [Failure] = []
  /// Loops open in the present function, and functions open.
  private var loops = 0
  var functions = 0
  /// Inside of `try`: what fails is caught, so a call that must fail may be meant.
  private var tries = 0
  private var unknown: [String: (finding: Int, more: Int)] = [:]
  private var hidden: Set<String> = []
  /// Whether the text only binds names, for others to use.
  private(set) var isModule = false
  /// Whether constants are followed through the text, for what the library's rules say of them.
  var judgesValues = true
  /// What every name stands for, where somebody asks.
  var map: SourceMap?
  /// The functions that are open, innermost last.
  var openFunctions: [Span] = []

  init(session: Session, file: SourceHandle, nativeLimit: UInt) {
    self.session = session
    self.file = file
    self.nativeLimit = nativeLimit
  }

  func run(_ statements: [Statement]) -> [Failure] {
    isModule = statements.allSatisfy(\.onlyBinds)
    announce(statements)
    warnUnreachable(statements)
    for statement in statements { self.statement(statement) }
    for name in scopes.all where !name.isUsed { reportUnused(name) }
    if judgesValues, session.rule != nil {
      let judged = AbstractInterpreter(session: session, file: file, nativeLimit: nativeLimit, names: scopes.all)
        .run(statements)
      var maps: [ObjectIdentifier: SourceMap] = [:]
      maps[ObjectIdentifier(file)] = map
      findings += judged.map { finding in
        var finding = finding
        finding.origins = session.origins(of: finding, &maps)
        return finding
      }
    }
    for (name, entry) in unknown where entry.more > 0 {
      let times = entry.more == 1 ? "once more" : "\(entry.more) times more"
      findings[entry.finding].fault.notes.append("`\(name)` stands \(times) further down.")
    }
    return findings.sorted { ($0.span.start, $0.span.end) < ($1.span.start, $1.span.end) }
  }

  // MARK: Findings

  func report(
    _ fault: Fault, _ span: Span, _ severity: Severity = .error, arguments: [Span] = []
  ) {
    var finding = Failure(fault: fault, file: file, span: span, argumentSpans: arguments, trace: [])
    finding.severity = severity
    findings.append(finding)
  }

  /// A call that fails when it is reached.
  func reportCall(_ fault: Fault, _ span: Span, arguments: [Span]) {
    report(fault, span, tries > 0 ? .warning : .error, arguments: arguments)
  }

  private func reportUnused(_ name: CheckedName) {
    guard !name.name.hasPrefix("_") else { return }
    let isTop = scopes.atTop(name.name) === name
    switch name.kind {
    case .binding where !(isModule && isTop):
      report(
        Fault("unused-name", "`\(name.name)` is bound, but nothing uses it", help: "_\(name.name)"), name.span, .warning
      )
    case .parameter:
      report(
        Fault("unused-name", "the parameter `\(name.name)` is not used", help: "_\(name.name)"), name.span, .warning)
    default: break
    }
  }

  // MARK: Names

  /// Names of the top may be used in functions above the line that binds them.
  private func announce(_ statements: [Statement]) {
    for statement in statements {
      switch statement.kind {
      case .function(let function, let span):
        if let name = function.name { announce(CheckedName(name, span, .function, function: function)) }
      case .binding(let pattern, let isMutable, let value):
        for (name, span) in pattern.places {
          let made = CheckedName(name, span, .binding, isMutable: isMutable)
          if case .function(let function) = value.kind, case .name = pattern.kind, !isMutable {
            made.function = function
          }
          announce(made)
        }
      default: break
      }
    }
  }

  private func announce(_ name: CheckedName) {
    if let known = scopes.atTop(name.name) {
      known.bindings += 1
      known.function = nil  // which of them it is depends on when it is called
    } else {
      name.bindings = 1
      scopes.declare(name)
    }
  }

  func declare(
    _ name: String, _ span: Span, _ kind: CheckedName.Kind, isMutable: Bool = false, function: FunctionSyntax? = nil
  ) {
    noteHiding(name, span, kind)
    defer { map?.note(scopes.find(name), span, .binding, file) }
    if scopes.isTop, let known = scopes.atTop(name) {
      known.isMutable = isMutable
      return
    }
    if kind == .function, scopes.arrive(name, span) != nil { return }
    let made = CheckedName(name, span, kind, isMutable: isMutable, function: function)
    made.depth = functions
    scopes.declare(made)
  }

  private func noteHiding(_ name: String, _ span: Span, _ kind: CheckedName.Kind) {
    guard session.names.isOfLibrary(name), !(isModule && scopes.isTop), kind != .other || !scopes.isTop else { return }
    guard hidden.insert(name).inserted else { return }
    report(Fault("hides-builtin", "from here on `\(name)` is not the library's"), span, .note)
  }

  func declare(_ pattern: Pattern, _ kind: CheckedName.Kind, isMutable: Bool = false) {
    for value in pattern.values { expression(value) }
    for (name, span) in pattern.places { declare(name, span, kind, isMutable: isMutable) }
    if let map {
      for (name, span) in pattern.furtherPlaces { map.note(scopes.find(name), span, .binding, file) }
      map.shorthands.formUnion(pattern.shorthands(file))
    }
  }

  /// Marks a name as used; reports it if nothing binds it.
  func use(_ name: String, _ span: Span) {
    look(span, nil)
    if let known = scopes.find(name) {
      known.isUsed = true
      map?.uses[span] = SourceMap.Use(name: known, function: openFunctions.last)
      map?.note(known, span, .read, file)
    } else if session.names.entry(name) == nil {
      reportUnknown(name, span, orElse: nil)
    }
  }

  private func reportUnknown(_ name: String, _ span: Span, orElse help: String?) {
    if unknown[name] != nil {
      unknown[name]?.more += 1
      return
    }
    // Beyond these the text is not misspelt, it is no text of Seep.
    let near =
      unknown.count >= Checker.suggestionLimit
      ? nil
      : nearestName(to: name, among: scopes.names + session.names.own)
        ?? nearestName(to: name, among: session.names.all)
    if let near { scopes.find(near)?.isUsed = true }
    unknown[name] = (findings.count, 0)
    let member = file.member(behind: span.end).map { (name: $0, isKnown: session.names.entry($0) != nil) }
    report(OtherNames.unknownName(name, near: near, orElse: help, member: member), span)
  }

  // MARK: Statements

  func statements(_ list: [Statement]) {
    scopes.push()
    let functions = list.compactMap { statement -> CheckedName? in
      guard case .function(let function, let span) = statement.kind, let name = function.name else { return nil }
      return CheckedName(name, span, .function, function: function)
    }
    scopes.pushUpcoming(functions)
    warnUnreachable(list)
    for statement in list { self.statement(statement) }
    scopes.popUpcoming()
    scopes.pop()
  }

  private func statement(_ statement: Statement) {
    var here = 0
    // The compiler refuses what is nested this deep.
    if withUnsafeMutablePointer(to: &here, { UInt(bitPattern: $0) }) < nativeLimit { return }
    switch statement.kind {
    case .binding(let pattern, let isMutable, let value):
      if case .function(let function) = value.kind, case .name(let name) = pattern.kind, !isMutable {
        declare(name, pattern.span, .binding, function: function)
        scopes.find(name)?.values.append(value.span)
        note(pattern, value, statement.span)
        self.function(function)
      } else {
        expression(value)
        declare(pattern, .binding, isMutable: isMutable)
        for (name, _) in pattern.places { scopes.find(name)?.values.append(value.span) }
        note(pattern, value, statement.span)
      }
    case .function(let function, let span):
      if let name = function.name { declare(name, span, .function, function: function) }
      self.function(function)
    case .use(let path, let isFile, let name):
      declare(name, statement.span, .other)
      if let map {
        let module = SourceMap.Module(path: path, isFile: isFile, statement: statement.span)
        scopes.find(name)?.module = module
        map.modules.append(module)
      }
    case .assignment(let target, let operation, let value): assignment(target, operation, value)
    case .expression(let value): expression(value)
    case .forIn(let pattern, let items, let body):
      expression(items)
      scopes.push()
      declare(pattern, .other)
      note(pattern, items, statement.span, isEach: true)
      loops += 1
      expression(body)
      loops -= 1
      scopes.pop()
    case .whileTrue(let condition, let body):
      expression(condition)
      loops += 1
      expression(body)
      loops -= 1
    case .breakLoop: if loops == 0 { report(Fault("misplaced", "`break` outside of a loop"), statement.span) }
    case .continueLoop: if loops == 0 { report(Fault("misplaced", "`continue` outside of a loop"), statement.span) }
    case .returnValue(let value):
      if functions == 0 { report(Fault("misplaced", "`return` outside of a function"), statement.span) }
      if let value { expression(value) }
    case .raise(let value): expression(value)
    case .deferred(let body): inFunction { expression(body) }
    case .test(_, let body): inFunction { expression(body) }
    case .assert(let condition, let message):
      expression(condition)
      if let message { expression(message) }
    }
  }

  private func assignment(_ target: Expression, _ operation: Operator?, _ value: Expression) {
    if operation == nil, let items = target.assignedItems {
      expression(value)
      for item in items { assigned(item, nil, isWhole: true) }
      return
    }
    assigned(target, operation, isWhole: true)
    expression(value)
  }

  private func assigned(_ target: Expression, _ operation: Operator?, isWhole: Bool) {
    switch target.kind {
    case .field(let inner, _, _): assigned(inner, operation, isWhole: false)
    case .index(let inner, let items):
      assigned(inner, operation, isWhole: false)
      for item in items { if let item { expression(item) } }
    case .name(let name): assigned(name, target.span, isWhole)
    default:
      report(
        Fault(
          "not-assignable", "only a variable, or a part of one, can be assigned", help: "give it a name: var x = …"),
        target.span)
      expression(target)
    }
  }

  private func assigned(_ name: String, _ span: Span, _ isWhole: Bool) {
    look(span, nil)
    map?.note(scopes.find(name), span, .write, file)
    if let known = scopes.find(name) {
      known.isAssigned = true
      if functions > known.depth { known.isAssignedInside = true }
      if !isWhole { known.isUsed = true }
      if known.isMutable { return }
      known.isUsed = true
      let how = known.kind == .binding ? "was bound by `let` and" : "is not a `var` and"
      report(
        Fault(
          "not-assignable", "`\(name)` \(how) cannot be assigned", help: "bind it by `var`: var \(name) = …"), span)
    } else if let entry = session.names.entry(name) {
      if entry.isMutable { return }
      let isOwn = session.names.isOwn(name)
      report(
        Fault(
          "not-assignable",
          isOwn ? "`\(name)` was bound by `let` and cannot be assigned" : "`\(name)` is a name of the library",
          help: "var \(name) = …"), span)
    } else {
      reportUnknown(name, span, orElse: isWhole ? "var \(name) = …" : nil)
    }
  }

  // MARK: Functions

  /// A body that `break` does not leave and `return` does.
  private func inFunction(_ body: () -> Void) {
    let (outerLoops, outerTries) = (loops, tries)
    (loops, functions) = (0, functions + 1)
    body()
    (loops, functions, tries) = (outerLoops, functions - 1, outerTries)
  }

  func function(_ function: FunctionSyntax) {
    openFunctions.append(function.span)
    defer { openFunctions.removeLast() }
    inFunction {
      scopes.push()
      for (index, parameter) in function.parameters.enumerated() {
        guard case .name(let name) = parameter.pattern.kind else { continue }
        declare(name, parameter.pattern.span, .parameter)
        if !parameter.isVariadic { scopes.find(name)?.parameter = (function.span, index) }
      }
      for parameter in function.parameters { if let value = parameter.defaultValue { expression(value) } }
      for parameter in function.parameters {
        if case .name = parameter.pattern.kind { continue }
        declare(parameter.pattern, .parameter)
      }
      expression(function.body)
      scopes.pop()
    }
  }

  func caught(_ body: Expression) {
    tries += 1
    expression(body)
    tries -= 1
  }
}
