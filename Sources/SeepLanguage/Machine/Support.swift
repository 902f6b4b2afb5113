// The instructions that are too long for the loop: calls of every kind, building and taking apart of data.
import Ground

extension Machine {
  typealias Code = UnsafeMutablePointer<Instruction>
  typealias Slots = UnsafeMutablePointer<Slot>

  // MARK: Calls

  /// Calls what is not a closure; the result replaces the callee, the arguments are released.
  @inline(never)
  func callNative(_ place: Slots, _ count: Int, _ keywords: [Int]) throws {
    let result = try call(place.pointee, place + 1, count, keywords)
    for i in 1..<max(1, count + 1) { put(place + i, .none) }
    put(place, result)
    try Interrupt.check()
  }

  /// A call with keywords, of anything.
  @inline(never)
  func callGeneral(
    _ place: Slots, _ count: Int, _ keywords: [Int], _ pc: inout Code, _ base: inout Slots, _ constants: inout Slots
  ) throws {
    guard place.pointee.tag == Tag.closure else { return try callNative(place, count, keywords) }
    let core = place.pointee.closure.pointee.core
    let inner = place + 1
    if core.pointee.plainCount != count || !keywords.isEmpty {
      try arrange(core.pointee.info.takeUnretainedValue(), inner, count, keywords)
    }
    if frameCount >= depthLimit || UInt(bitPattern: inner + core.pointee.registerCount) > stackLimit { throw tooDeep }
    frames[frameCount] = Frame(pc: pc, base: base, isEntry: false)
    frameCount += 1
    base = inner
    pc = core.pointee.code
    constants = core.pointee.constants
  }

  /// Ends a frame without a result: releases its registers and its closure. Returns where the caller stands.
  func leaveFrame(_ base: Slots) -> (Code, Slots) {
    let place = base - 1
    for r in 0..<place.pointee.closure.pointee.core.pointee.registerCount { put(base + r, .none) }
    frameCount -= 1
    put(place, .none)
    return (frames[frameCount].pc, frames[frameCount].base)
  }

  /// `a.f(…)`: R[a+1] is the subject, R[a] the function found by name, or absent.
  func findMethod(_ place: Slots, _ key: Int) throws {
    let subject = place[1]
    var found: Slot?
    if subject.tag == Tag.record {
      let at = Heap.find(subject.record, key)
      if at >= 0 { found = subject.record.pointee.values[at].retained }
    } else if subject.tag == Tag.foreign {
      found = try subject.foreignObject.field(Symbols.name(key), in: session)?.retainedSlot
    }
    if let found {
      put(place, found)
      put(place + 1, .absent)
      return
    }
    if place.pointee.tag != Tag.absent { return }
    let name = Symbols.name(key)
    let fields =
      subject.tag == Tag.record
      ? Record(subject).names : (subject.tag == Tag.foreign ? subject.foreignObject.fieldNames : [])
    let isPrivate = name.hasPrefix("_") && subject.tag == Tag.record && session.isModule(subject)
    let near = isPrivate ? nil : nearestName(to: name, among: fields + session.knownNames)
    throw Fault(
      "unknown-name", "\(subject.describedType) has no field `\(name)`, and there is no function of that name",
      notes: isPrivate ? ["Names that begin with `_` are private to their module."] : [],
      help: OtherNames.members[name] ?? near.map { ".\($0)(…)" })
  }

  @inline(never)
  func callSubject(
    _ place: Slots, _ count: Int, _ keywords: [Int], _ pc: inout Code, _ base: inout Slots, _ constants: inout Slots
  ) throws {
    if place[1].tag == Tag.absent {  // The callee is a field of the subject: no first argument.
      for i in 1..<max(1, count) { place[i] = place[i + 1] }
      place[count] = .none
      do {
        return try callGeneral(place, count - 1, keywords, &pc, &base, &constants)
      } catch var fault as Fault
        where fault.argument != nil || !fault.operands.isEmpty || fault.code == "not-callable"
      {
        // In the source the subject stands before the arguments.
        if pending?.fault == fault { throw fault }
        if ![Tag.closure, Tag.builtin, Tag.composed].contains(place.pointee.tag),
          fault.message.hasSuffix("cannot be called")
        {
          fault.notes = ["It is a field, which is read without parentheses."]
        }
        fault.argument = fault.argument.map { $0 + 1 }
        fault.operands = Dictionary(uniqueKeysWithValues: fault.operands.map { ($0 + 1, $1) })
        throw fault
      }
    }
    if place.pointee.tag == Tag.builtin, place.pointee.builtinObject.isConstructor {
      let made = Value(taking: try call(place.pointee, place + 2, count - 1, keywords))
      let result = try apply(made.slot, to: place + 1)
      for i in 1...count { put(place + i, .none) }
      put(place, result)
      return try Interrupt.check()
    }
    try callGeneral(place, count, keywords, &pc, &base, &constants)
  }

  /// `subject |> callee`.
  func apply(_ callee: Slot, to subject: Slots) throws -> Slot {
    if callee.tag == Tag.foreign {
      let object = callee.foreignObject
      func applied() throws -> Slot { try object.apply(to: Value(copying: subject.pointee), in: session).retainedSlot }
      return session.profile == nil ? try applied() : try observed(object.callName, applied)
    }
    // `update |> sign_only`: made without arguments, then applied.
    if callee.tag == Tag.builtin, callee.builtinObject.isConstructor, callee.builtinObject.signature.neededCount == 0 {
      let made = Value(taking: try call(callee, subject, 0, []))
      return try apply(made.slot, to: subject)
    }
    return try call(callee, subject, 1, [])
  }

  /// `a >> b`: plain functions here, everything else asks the objects.
  func compose(_ a: Slot, _ b: Slot) throws -> Slot {
    let first = Value(copying: a)
    let second = Value(copying: b)
    if a.tag == Tag.foreign, let made = try a.foreignObject.compose(with: second, reversed: false, in: session) {
      return made.retainedSlot
    }
    if b.tag == Tag.foreign, let made = try b.foreignObject.compose(with: first, reversed: true, in: session) {
      return made.retainedSlot
    }
    guard first.isCallable, second.isCallable else {
      let index = first.isCallable ? 1 : 0
      throw Fault(
        "not-composable", "`>>` composes what can be called, not \((index == 0 ? a : b).describedType)",
        argument: index,
        operands: [index: Display.label(index == 0 ? a : b)])
    }
    if a.tag == Tag.foreign, b.tag == Tag.foreign {
      throw Fault(
        "kind-mismatch", "`>>` does not compose \(a.describedType) and \(b.describedType)",
        operands: [0: a.typeName, 1: b.typeName])
    }
    return try Heap.composition(a, b)
  }

  // MARK: Data

  func takeItems(_ tag: UInt, _ from: Slots, _ count: Int) -> Slot {
    Heap.list(tag, taking: from, count: count)
  }

  /// `place += [item]` where the place is shared or no list.
  func appendItem(_ place: Slots, _ item: Slots) throws {
    let list = takeItems(Tag.list, item, 1)
    defer { list.release() }
    try Operations.update(.add, place, list, session)
  }

  func takeFields(_ info: FunctionInfo, _ shape: Int, _ from: Slots) -> Slot {
    let keys = info.keywordLists[shape]
    let made = Heap.emptyRecord(capacity: keys.count)
    for (i, key) in keys.enumerated() {
      Heap.set(made, key, from[i])
      from[i] = .none
    }
    return Slot(tag: Tag.record, pointer: made)
  }

  func recordWith(_ info: FunctionInfo, _ shape: Int, _ old: Slot, _ values: Slots) throws -> Slot {
    let keys = info.keywordLists[shape]
    if old.tag == Tag.foreign {
      var object = old.foreignObject
      var result = Value(copying: old)
      for (i, key) in keys.enumerated() {
        let name = Symbols.name(key)
        guard let changed = try object.assigning(Value(copying: values[i]), field: name, in: session) else {
          throw Access.unknownField(name, result.slot, object.fieldNames)
        }
        result = changed
        if let next = changed.asForeign { object = next }
      }
      return result.retainedSlot
    }
    guard old.tag == Tag.record else {
      throw Fault("type-mismatch", "`with` changes fields of a record, not of \(old.describedType)", argument: 0)
    }
    let made = Heap.copy(old.record, room: keys.count)
    for (i, key) in keys.enumerated() { Heap.set(made.record, key, values[i].retained) }
    return made
  }

  func makeRange(_ from: Slot, _ to: Slot, inclusive: Bool) throws -> Slot {
    guard from.tag == Tag.int, to.tag == Tag.int else {
      let index = from.tag == Tag.int ? 1 : 0
      let wrong = index == 0 ? from : to
      throw Fault(
        "type-mismatch", "the bounds of a range are ints, not \(wrong.describedType)", argument: index,
        operands: [index: Display.label(wrong)])
    }
    return Heap.range(from.int, inclusive ? try behind(to.int) : to.int)
  }

  func prepareRange(_ place: Slots, inclusive: Bool) throws {
    guard place[0].tag == Tag.int, place[1].tag == Tag.int else {
      let made = try makeRange(place[0], place[1], inclusive: inclusive)
      made.release()
      return
    }
    if inclusive { place[1] = Slot(try behind(place[1].int)) }
  }

  /// Where a range ends to which `last` belongs.
  private func behind(_ last: Int) throws -> Int {
    if last < Int.max { return last + 1 }
    throw Fault(
      "integer-overflow", "a range cannot hold \(last), the greatest int: it would end behind it", argument: 1)
  }

  func makeClosure(_ core: UnsafeMutablePointer<FunctionCore>, _ base: Slots) -> Slot {
    let sources = core.pointee.info.takeUnretainedValue().captureSources
    let made = Heap.closure(core, captures: sources.count)
    let captures = Heap.captures(made.closure)
    for (i, source) in sources.enumerated() {
      switch source.kind {
      case .register: captures[i] = base[source.index].retained
      case .capture: captures[i] = Heap.captures(base[-1].closure)[source.index].retained
      case .itself: captures[i] = base[-1].retained
      }
    }
    return made
  }

  /// Strings and ints are copied as bytes; anything else is displayed first. The parts are left empty.
  func joinText(_ from: Slots, _ count: Int) throws -> Slot {
    var total = 0
    for i in 0..<count {
      if from[i].tag == Tag.int {
        total += 20
        continue
      }
      if from[i].tag != Tag.string { put(from + i, Heap.string(Display.text(from[i], .long))) }
      total += from[i].string.pointee.count
    }
    let body = Heap.emptyString(capacity: max(8, total))
    let start = Heap.bytes(body)
    var at = start
    for i in 0..<count {
      if from[i].tag == Tag.int {
        at += Heap.write(from[i].int, to: at)
        continue
      }
      let part = from[i].string
      Heap.copy(at, Heap.bytes(part), part.pointee.count)
      at += part.pointee.count
      put(from + i, .none)
    }
    body.pointee.count = at - start
    if total > 1 << 22, Interrupt.isRequested {
      Slot(tag: Tag.string, pointer: body).release()
      throw Fault.interrupted
    }
    return Slot(tag: Tag.string, pointer: body)
  }

  // MARK: Loops

  func prepareIteration(_ place: Slots) throws {
    switch place.pointee.tag {
    case Tag.list, Tag.tuple, Tag.range, Tag.record: break
    case Tag.string:
      put(place, try LongText.characters(LongText.bytes(place.pointee.string)).retainedSlot)
    case Tag.foreign where place.pointee.foreignObject.count != nil: break
    default:
      let help = place.pointee.tag == Tag.int ? "count with a range: 0..\(place.pointee.int)" : nil
      throw Fault(
        "not-iterable", "\(place.pointee.describedType) has no items to go through", help: help,
        operands: [0: Display.label(place.pointee)])
    }
    put(place + 1, Slot(0))
  }

  func nextItem(_ place: Slots, _ target: Slots) throws -> Bool {
    let at = place[1].int
    let slot = place.pointee
    switch slot.tag {
    case Tag.range:
      let (start, stop) = (slot.range.pointee.start, slot.range.pointee.stop)
      if start >= stop || UInt(at) >= UInt(bitPattern: stop &- start) { return false }
      put(target, Slot(start + at))
    case Tag.record:
      if at >= slot.record.pointee.count { return false }
      put(target, Operations.pair(slot.record, at))
    default:
      let object = slot.foreignObject
      if at >= object.count ?? 0 { return false }
      put(target, try object.element(at, in: session).retainedSlot)
      try Interrupt.check()
    }
    place[1] = Slot(at + 1)
    return true
  }

  // MARK: Taking apart

  func unpack(_ slot: Slot, into target: Slots, _ count: Int) throws {
    if slot.tag == Tag.tuple || slot.tag == Tag.list, slot.list.pointee.count == count {
      let items = slot.list.pointee.items
      for i in 0..<count {
        items[i].retain()
        put(target + i, items[i])
      }
      return
    }
    guard slot.tag != Tag.record, slot.tag != Tag.string, let items = try Operations.items(of: slot, session) else {
      throw Fault(
        "cannot-unpack", "\(count) names need a list or a tuple of \(count), not \(slot.describedType)",
        operands: [0: Display.label(slot)])
    }
    guard items.count == count else {
      throw Fault(
        "cannot-unpack", "\(count) names need \(count) values, but \(slot.describedType) of \(items.count) came",
        operands: [0: Display.label(slot)])
    }
    for (i, item) in items.enumerated() { put(target + i, item.retainedSlot) }
  }

  func matchesSequence(_ slot: Slot, count: Int, mode: Int) -> Bool {
    guard slot.tag == Tag.tuple && mode & 4 == 0 || slot.tag == Tag.list && mode & 1 == 0 else { return false }
    let has = slot.list.pointee.count
    return mode & 2 != 0 ? has >= count : has == count
  }

  func matchesField(_ slot: Slot, _ key: Int, into target: Slots) throws -> Bool {
    if slot.tag == Tag.record {
      let at = Heap.find(slot.record, key)
      if at < 0 { return false }
      put(target, slot.record.pointee.values[at].retained)
      return true
    }
    guard slot.tag == Tag.foreign, let value = try slot.foreignObject.field(Symbols.name(key), in: session) else {
      return false
    }
    put(target, value.retainedSlot)
    return true
  }

  func recordRest(_ slot: Slot, _ shape: [Int]) throws -> Slot {
    guard slot.tag == Tag.record else {
      throw Fault("type-mismatch", "`...` takes the other fields of a record, not of \(slot.describedType)")
    }
    let old = slot.record
    let body = Heap.emptyRecord(capacity: old.pointee.count)
    for i in 0..<old.pointee.count where !shape.contains(old.pointee.keys[i]) {
      Heap.set(body, old.pointee.keys[i], old.pointee.values[i].retained)
    }
    return Slot(tag: Tag.record, pointer: body)
  }

  /// - Parameter inclusive: the range was written with `..=`: 9.5 is not in `0..=9`.
  func isWithin(_ slot: Slot, _ range: Slot, inclusive: Bool) -> Bool {
    guard range.tag == Tag.range else { return false }
    let (start, stop) = (range.range.pointee.start, range.range.pointee.stop)
    if slot.tag == Tag.int { return slot.int >= start && (slot.int < stop || stop == Int.max) }
    let isBelow = inclusive && stop < Int.max ? slot.number <= Double(stop - 1) : slot.number < Double(stop)
    return slot.number >= Double(start) && (isBelow || stop == Int.max)
  }

  /// Items from `first` on, without the last `dropped`.
  func middle(of slot: Slot, _ first: Int, _ dropped: Int) -> Slot {
    let count = max(0, slot.list.pointee.count - first - dropped)
    return Heap.list(Tag.list, copying: slot.list.pointee.items + first, count: count)
  }

  // MARK: Assignments

  func assignPath(_ i: Instruction, _ next: Instruction, _ base: Slots) throws {
    let info = info(base)
    let operation = next.c == 0 ? nil : Operator(rawValue: UInt8(next.c - 1))
    let path = info.pathStarts[Int(next.a)]
    let place: Slots
    switch Place(rawValue: Int(i.a)) ?? .register {
    case .register: place = base + i.wide
    case .global: place = globals + i.wide
    case .box: return try assignBox(base[i.wide], path, operation, base[Int(next.b)], base)
    case .captureBox:
      let box = Heap.captures(base[-1].closure)[i.wide]
      return try assignBox(box, path, operation, base[Int(next.b)], base)
    }
    if place.pointee.tag == Tag.absent { throw i.a == 1 ? unbound(i.wide) : unboundLocal }
    try assignInPlace(place, isGlobal: i.a == 1, i.wide, path, operation, base[Int(next.b)], base)
  }

  /// A library that is called back during the assignment may grow the globals, so a global's value is taken out, changed
  /// and put back.
  private func assignInPlace(
    _ place: Slots, isGlobal: Bool, _ index: Int, _ path: UnsafeBufferPointer<PathStep>, _ operation: Operator?,
    _ value: Slot,
    _ base: Slots
  ) throws {
    var slot = place.pointee
    // `xs[0] = xs` puts the list in as it was before: with a second owner, `xs` is copied before it changes.
    let isItself = value.isHeap && value.bits == slot.bits
    if isItself { value.retain() }
    defer { if isItself { value.release() } }
    if isGlobal { place.pointee = .none }
    defer {
      if isGlobal {
        let target = globals + index
        let now = target.pointee
        target.pointee = slot
        now.release()
      } else {
        place.pointee = slot
      }
    }
    try Access.assign(&slot, path, operation, value, base, session)
  }

  private func assignBox(
    _ box: Slot, _ path: UnsafeBufferPointer<PathStep>, _ operation: Operator?, _ value: Slot, _ base: Slots
  ) throws {
    box.retain()
    defer { box.release() }
    if box.box.pointee.value.tag == Tag.absent { throw unboundLocal }
    try Access.assign(&box.box.pointee.value, path, operation, value, base, session)
  }

  func updateGlobal(_ i: Instruction, _ index: Int, _ value: Slot) throws {
    guard let operation = Operator(rawValue: UInt8(i.a)) else { return }
    try assignInPlace(
      globals + index, isGlobal: true, index, UnsafeBufferPointer(start: nil, count: 0), operation, value, globals)
  }

  // MARK: Faults

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
