// Calls of every kind: the instructions that are too long for the loop.
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
}
