// From the syntax tree to the machine's code, in one walk with resolved names. Each expression is told the register its
// value goes to. A `var` that a closure captures must live in a box; that is found out on the way, and then the program is
// compiled once more with the knowledge.
import Ground

/// A mistake that shows before the program runs.
struct CompileError: Error {
  var fault: Fault
  var site: Site
  /// The text ended where something had to follow: more input could mend it.
  var isAtEnd = false
  /// Further mistakes of the same text, in order.
  var others: [CompileError] = []
  /// Of a bracket without an end: where it stands, and which token showed it.
  var opener: Int?
  var token: Int?
}

final class Compiler {
  let names: GlobalNames
  let file: SourceHandle
  /// Where `var`s and functions are declared that need a box: offsets of their declarations.
  private(set) var boxed: Set<Int> = []
  private(set) var learned = false
  var f: FunctionBuilder

  /// Addresses of the thread's stack below this one are not for us.
  let nativeLimit: UInt

  let made: MadeFunctions
  /// Where lines are numbered that the code is to mark.
  let profile: Profile?

  init(names: GlobalNames, file: SourceHandle, nativeLimit: UInt, made: MadeFunctions, profile: Profile?) {
    self.names = names
    self.file = file
    self.nativeLimit = nativeLimit
    self.made = made
    self.profile = profile
    f = FunctionBuilder(parent: nil, file: file, made: made)
  }

  /// The program as a function without parameters whose value is that of its last expression.
  func program(_ statements: [Statement]) throws -> UnsafeMutablePointer<FunctionCore> {
    while true {
      learned = false
      f = FunctionBuilder(parent: nil, file: file, made: made)
      f.marker = profile.map { LineMarker($0, file) }
      announce(statements)
      let result = try f.allocate()
      try body(statements, to: result)
      f.emit(.returnValue, result, at: Site(from: 0, to: 0))
      if !learned { return f.finish() }
    }
  }

  func needBox(_ declaration: Int) {
    if boxed.insert(declaration).inserted { learned = true }
  }

  /// Globals may be used in functions above the line that binds them.
  private func announce(_ statements: [Statement]) {
    for statement in statements {
      switch statement.kind {
      case .function(let function, _):
        if let name = function.name { _ = names.declare(name, mutable: false) }
      case .binding(let pattern, let isMutable, _):
        for name in pattern.names where names.entry(name) == nil { _ = names.declare(name, mutable: isMutable) }
      default: break
      }
    }
  }

  var isGlobalScope: Bool { f.parent == nil && f.scopeDepth == 1 }

  func site(_ span: Span) -> Site {
    Site(from: Int32(truncatingIfNeeded: span.start), to: Int32(truncatingIfNeeded: span.end))
  }

  func fail(_ fault: Fault, _ span: Span) -> CompileError { CompileError(fault: fault, site: site(span)) }

  // MARK: Names

  func resolve(_ name: String, _ span: Span) throws -> Binding {
    let binding = f.resolve(name)
    if let binding {
      if case .capture(_, let local) = binding, local.isMutable, !local.isBoxed { needBox(local.declaration) }
      return binding
    }
    if let hoisted = upcomingFunction(name) {
      needBox(hoisted)
      return .unknown
    }
    if let entry = names.entry(name) {
      return .global(entry.index, isMutable: entry.isMutable, isOwn: names.isOwn(name))
    }
    return .unknown
  }

  /// The declaration of a function of an enclosing block further down.
  private func upcomingFunction(_ name: String) -> Int? {
    var builder: FunctionBuilder? = f
    while let here = builder {
      for scope in here.upcoming.reversed() { if let at = scope[name] { return at } }
      builder = here.parent
    }
    return nil
  }

  func unknownName(_ name: String, _ span: Span, orElse help: String? = nil) -> CompileError {
    let near = nearestName(to: name, among: f.localNames + names.own) ?? nearestName(to: name, among: names.all)
    let member = file.member(behind: span.end).map { (name: $0, isKnown: names.entry($0) != nil) }
    return fail(OtherNames.unknownName(name, near: near, orElse: help, member: member), span)
  }

  func read(_ name: String, to target: Int, _ span: Span) throws {
    let at = site(span)
    switch try resolve(name, span) {
    case .local(let local):
      if local.isBoxed {
        f.emit(.getBox, target, local.register, at: at)
      } else if local.register != target {
        f.emit(.move, target, local.register, at: at)
      }
    case .capture(let index, let local): f.emit(local.isBoxed ? .getCaptureBox : .getCapture, target, index, at: at)
    case .itself: f.emit(.getItself, target, at: at)
    case .global(let index, _, _): f.emit(.getGlobal, target, wide: index, at: at)
    case .unknown:
      if learned { return }  // compiled again anyway
      throw unknownName(name, span)
    }
  }

  /// Binds a name to the value in `register`, which the new variable may keep.
  func bind(_ name: String, isMutable: Bool, from register: Int, _ span: Span) throws {
    if isGlobalScope {
      let index = names.declare(name, mutable: isMutable)
      f.emit(.takeGlobal, register, wide: index, at: site(span))
      return
    }
    let own = try f.allocate()
    let isBoxed = boxed.contains(span.start)
    f.emit(.take, own, register, at: site(span))
    if isBoxed { f.emit(.makeBox, own, at: site(span)) }
    f.declare(name, register: own, isMutable: isMutable, isBoxed: isBoxed, at: span.start)
  }

  func source(_ span: Span) -> String {
    let start = min(file.text.count, max(0, span.start))
    return String(decoding: file.text[start..<min(file.text.count, max(start, span.end))], as: UTF8.self)
  }
}
