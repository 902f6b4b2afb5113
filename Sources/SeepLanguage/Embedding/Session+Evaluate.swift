// From a text to its value: parse, compile, run.
import Ground

extension Session {
  /// Runs a text. What ran before a failure stays done; a prompt takes a `snapshot` first and rolls back.
  public func evaluate(_ text: String, name: String, folder: String? = nil) -> Result<Value, Failure> {
    let file = SourceHandle(name: name, text: Array(text.utf8), folder: folder)
    machine.pending = nil
    defer { machine.pending = nil }
    Heap.freePostponed()
    do {
      return .success(try run(file, names))
    } catch {
      return .failure(failure(error as? Fault ?? Fault("internal-error", "\(error)"), file))
    }
  }

  /// Reports mistakes that show without running: syntax, unknown names.
  public func check(_ text: String, name: String) -> Failure? {
    check(SourceHandle(name: name, text: Array(text.utf8)))
  }

  func check(_ file: SourceHandle) -> Failure? {
    let (state, count) = (names.state, names.needed)
    let made = MadeFunctions()
    machine.pending = nil
    defer {
      machine.pending = nil
      names.state = state
      // An editor checks with every key: nothing of what was never run is kept.
      names.forget(after: count)
      made.release()
    }
    do {
      _ = try compile(file, names, made)
      return nil
    } catch {
      return failure(error as? Fault ?? Fault("internal-error", "\(error)"), file)
    }
  }

  private func compile(
    _ file: SourceHandle, _ names: GlobalNames, _ made: MadeFunctions = MadeFunctions()
  ) throws -> (program: UnsafeMutablePointer<FunctionCore>, hasValue: Bool) {
    let floor = machine.stackFloor()
    do {
      let statements = try QuickParser.parse(file.text, nativeLimit: floor)
      let program = try Compiler(
        names: names, file: file, nativeLimit: floor, made: made, profile: profile
      ).program(statements)
      machine.requireGlobals(names.needed)
      names.note(statements, file)
      if case .expression? = statements.last?.kind { return (program, true) }
      return (program, false)
    } catch let error as CompileError {
      machine.pending = PendingFault(
        fault: error.fault, value: nil, file: file, site: error.site, arguments: [], trace: [], others: error.others)
      throw error.fault
    }
  }

  /// Runs a file under its own names; faults leave their place in `machine.pending`.
  func run(_ file: SourceHandle, _ names: GlobalNames) throws -> Value {
    let (program, hasValue) = try compile(file, names)
    let closure = Value(taking: Heap.closure(program, captures: 0))
    let value = try machine.invoke(closure.slot, [], [])
    if hasValue, !value.isNone {
      lastValue = value
      machine.define(names.declare("_", mutable: false), value.retainedSlot)
    }
    return hasValue ? value : .none
  }

  private func failure(_ fault: Fault, _ file: SourceHandle) -> Failure {
    guard let known = machine.pending, known.fault == fault, let place = known.file else {
      return Failure(fault: fault, file: file, span: Span(0, 0), argumentSpans: [], trace: [])
    }
    func span(_ site: Site) -> Span { Span(Int(site.from), Int(site.to)) }
    var failure = Failure(
      fault: fault, file: place, span: span(known.site), argumentSpans: known.arguments.map(span),
      trace: known.trace.map { ($0.function, $0.file, span($0.site)) })
    failure.directCalls = known.trace.map(\.isDirect)
    failure.kinds = known.kinds
    failure.isRaised = known.value != nil
    failure.others = known.others.map {
      Failure(fault: $0.fault, file: place, span: span($0.site), argumentSpans: [], trace: [])
    }
    failure.origins = origins(of: failure)
    return failure
  }
}
