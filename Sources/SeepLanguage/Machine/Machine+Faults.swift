// Faults: where they happened, through which calls, and who catches them.
import Ground

extension Machine {
  func unbound(_ index: Int) -> Fault {
    let name = session.names.title(of: index)
    return Fault("unbound-name", "`\(name)` is used before it gets its value")
  }

  var unboundLocal: Fault { Fault("unbound-name", "this variable is used before it gets its value") }

  /// `raise value`: a string is the message, a record may carry `code`, `message` and more.
  func raised(_ slot: Slot) -> Fault {
    let value = Value(copying: slot)
    var fault = Fault("raised", Display.text(slot, .short))
    if slot.tag == Tag.string { fault.message = Heap.text(slot.string) }
    if let record = value.asRecord {
      if let message = record["message"]?.asString { fault.message = message }
      if let code = record["code"]?.asString { fault.code = code }
      if let help = record["help"]?.asString { fault.help = help }
    }
    pending = PendingFault(
      fault: fault, value: value, file: nil, site: Site(from: 0, to: 0), arguments: [], trace: [])
    return fault
  }

  /// Notes where a fault was thrown, unless that was noted already further in.
  func locate(_ fault: inout Fault, _ pc: Code, _ base: Slots) {
    if let known = pending, known.fault == fault, known.file != nil { return }
    let value = pending?.fault == fault ? pending?.value : nil
    let info = info(base)
    let at = max(0, pc - base[-1].closure.pointee.core.pointee.code - 1)
    pending = PendingFault(
      fault: fault, value: value, file: info.file, site: info.spans[at], arguments: info.argumentSpans[at] ?? [],
      trace: trace(from: base))
    if !fault.operands.isEmpty { pending?.kinds = kinds(of: pc - 1, base) }
  }

  /// The operands of an instruction that failed, as far as they are objects that say more than their type.
  private func kinds(of pc: Code, _ base: Slots) -> [Int: String] {
    let i = pc.pointee
    let first: Slots
    var found: [Int: String] = [:]
    switch i.op {
    case .call, .callNamed, .callSubject: first = base + Int(i.a) + 1
    case .add, .subtract, .multiply, .divide, .floorDivide, .remainder, .power, .matmul, .less, .lessEqual, .greater,
      .greaterEqual, .equal, .notEqual:
      for (operand, register) in [i.b, i.c].enumerated() where base[Int(register)].tag == Tag.foreign {
        found[operand] = base[Int(register)].foreignObject.summary
      }
      return found
    default: return [:]
    }
    for operand in 0..<Int(i.b) where first[operand].tag == Tag.foreign {
      found[operand] = first[operand].foreignObject.summary
    }
    return found
  }

  /// The calls that are open, innermost first: what was called and where from; at most 6.
  private func trace(from base: Slots) -> [TraceEntry] {
    var entries: [TraceEntry] = []
    var inner = info(base)
    var depth = frameCount - 1
    while depth >= 0, entries.count < 6 {
      let frame = frames[depth]
      depth -= 1
      guard frame.base > stack + 1 || frame.base[-1].tag == Tag.closure, frame.base[-1].tag == Tag.closure else {
        break
      }
      let outer = info(frame.base)
      let core = frame.base[-1].closure.pointee.core
      let at = frame.pc - core.pointee.code - 1
      if at >= 0, at < outer.codeCount {
        entries.append(
          TraceEntry(
            function: inner.name ?? TraceEntry.anonymous, file: outer.file, site: outer.spans[at],
            isDirect: !frame.isEntry))
      }
      inner = outer
    }
    return entries
  }

  /// The function in which the loop stands while a builtin runs.
  var callingFunction: FunctionInfo? {
    frameCount > 0 && savedBase > stack && savedBase[-1].tag == Tag.closure ? info(savedBase) : nil
  }

  /// The source of an argument of the call of a builtin at which the loop stands.
  func writtenArgument(_ parameter: Int, of call: Call) -> String? {
    guard let info = callingFunction, let signature = call.signature else { return nil }
    let at = savedPC - savedBase[-1].closure.pointee.core.pointee.code - 1
    guard at >= 0, at < info.codeCount, let sites = info.argumentSpans[at] else { return nil }
    let i = (savedPC - 1).pointee
    var names: [Int] = []
    let callee: Slot
    switch i.op {
    case .call: callee = savedBase[Int(i.a)]
    case .callNamed:
      callee = savedBase[Int(i.a)]
      names = info.keywordLists[Int(i.c)]
    case .callSubject:
      callee = savedBase[Int(i.a)]
      if i.c > 0 { names = info.keywordLists[Int(i.c) - 1] }
    case .pipe: callee = savedBase[Int(i.c)]
    default: return nil
    }
    // A function that calls this one (`map(xs, plot)`) stands there under its own name.
    guard callee.tag == Tag.builtin, callee.builtinObject.name == call.name else { return nil }
    let positional = sites.count - names.count
    let place: Int
    if let named = names.firstIndex(where: { Symbols.name($0) == signature.parameters[parameter].name }) {
      place = positional + named
    } else if parameter < positional {
      place = parameter
    } else {
      return nil
    }
    guard sites.indices.contains(place) else { return nil }
    let (from, to) = (Int(sites[place].from), min(Int(sites[place].to), info.file.text.count))
    return from >= 0 && from < to ? String(decoding: info.file.text[from..<to], as: UTF8.self) : nil
  }

  /// Finds who catches a fault within this run of the loop and puts the error there; nil if nobody does, and then all
  /// its frames are gone.
  func unwind(_ fault: Fault, _ pc: Code, _ base: Slots) -> (Code, Slots)? {
    var pc = pc
    var base = base
    while true {
      let core = base[-1].closure.pointee.core
      let at = pc - core.pointee.code - 1
      let isCaught = fault.code != "interrupted" && fault.code != ExitRequest.code
      let handlers = core.pointee.info.takeUnretainedValue().handlers
      if !handlers.isEmpty {
        if let handler = handlers.first(where: { $0.first <= at && at < $0.end && (isCaught || $0.isCleanup) }) {
          if !handler.isCleanup { noteCaught(fault) }
          if let kept = handler.kept { put(base + kept, suspended(fault)) }
          put(base + handler.register, handler.isCleanup ? suspended(fault) : errorValue(fault))
          pending = nil
          return (core.pointee.code + handler.target, base)
        }
      }
      let isEntry = frames[frameCount - 1].isEntry
      (pc, base) = leaveFrame(base)
      if isEntry { return nil }
    }
  }

  /// Tells who watches the session of a fault that the program did not raise itself.
  func noteCaught(_ fault: Fault) {
    guard let note = session.onCatch else { return }
    if let known = pending, known.fault == fault, known.value != nil { return }
    note(fault)
  }

  /// A fault that waits for a `defer`, with its place.
  private func suspended(_ fault: Fault) -> Slot {
    if fault.code == Fault.interrupted.code { Interrupt.clear() }  // what is deferred must be able to run
    return Heap.foreign(SuspendedFault(fault: fault, place: pending?.fault == fault ? pending : nil))
  }

  func resumed(_ slot: Slot) -> Fault {
    guard slot.tag == Tag.foreign, let known = slot.foreignObject as? SuspendedFault else {
      return Fault("internal-error", "no fault is there to go on with")
    }
    pending = known.place
    return known.fault
  }

  /// What `catch e` binds: the raised value, or a record of the fault.
  private func errorValue(_ fault: Fault) -> Slot {
    if let known = pending, known.fault == fault, let value = known.value { return value.retainedSlot }
    var fields: [(name: String, value: Value)] = [("code", Value(fault.code)), ("message", Value(fault.message))]
    if let help = fault.help { fields.append(("help", Value(help))) }
    return Value(record: fields).retainedSlot
  }

  /// The operands of a comparison that an assertion found false are named by path `number`: registers to show.
  func failedAssertion(_ info: FunctionInfo, _ number: Int, _ base: Slots) throws -> Fault {
    var notes: [String] = []
    if number < info.assertions.count {
      for shown in info.assertions[number].shown {
        notes.append("`\(shown.text)` is \(Display.quoted(base[shown.register])).")
      }
      if let (a, b) = info.assertions[number].compared, let words = Difference.text(base[a], base[b]) {
        notes.append(words)
      }
      if let register = info.assertions[number].message {
        notes.insert(Display.text(base[register], .long), at: 0)
      }
    }
    return Fault("assertion-failed", "this assertion does not hold", notes: notes)
  }
}

/// A fault on its way, in the register of a `defer`'s handler.
private final class SuspendedFault: Foreign {
  let fault: Fault
  let place: PendingFault?
  var typeName: String { "fault" }

  init(fault: Fault, place: PendingFault?) {
    self.fault = fault
    self.place = place
  }
}
