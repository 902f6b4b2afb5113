// Reading and writing parts of values: `x.f`, `x[i]`, and assignments to them. An assignment changes the container
// where it stands if nobody else holds it, else a copy of it.
import Ground

enum Access {
  // MARK: Fields

  static func field(_ slot: Slot, _ key: Int, _ session: Session) throws -> Slot {
    let name = Symbols.name(key)
    switch slot.tag {
    case Tag.record:
      let at = Heap.find(slot.record, key)
      if at >= 0 { return slot.record.pointee.values[at].retained }
      var fault = unknownField(name, slot, Record(slot).names)
      if name.hasPrefix("_"), session.isModule(slot) {
        fault.notes = ["Names that begin with `_` are private to their module."]
        fault.help = nil
      }
      throw fault
    case Tag.foreign:
      let object = slot.foreignObject
      if let value = try object.field(name, in: session) { return value.retainedSlot }
      throw unknownField(name, slot, object.fieldNames, session)
    default: throw unknownField(name, slot, [], session)
    }
  }

  static func unknownField(_ name: String, _ slot: Slot, _ known: [String], _ session: Session? = nil) -> Fault {
    let near = nearestName(to: name, among: known)
    let function = session?.lookup(name)?.isCallable == true ? "{0}.\(name)()" : nil
    var notes: [String] = []
    if !known.isEmpty, known.count <= 16 { notes = ["It has \(known.map { "`\($0)`" }.joined(separator: ", "))."] }
    return Fault(
      "unknown-field", "\(slot.describedType) has no field `\(name)`", notes: notes,
      help: near.map { ".\($0)" } ?? OtherNames.members[name] ?? function)
  }

  // MARK: Index

  /// `slot[items]`; the items are borrowed.
  static func index(_ slot: Slot, _ items: UnsafeMutablePointer<Slot>, _ count: Int, _ session: Session) throws -> Slot
  {
    if slot.tag == Tag.foreign {
      let indices = try (0..<count).map { try item(items[$0]) }
      if let value = try slot.foreignObject.index(indices, in: session) { return value.retainedSlot }
      throw notIndexable(slot)
    }
    if slot.tag == Tag.closure || slot.tag == Tag.builtin {
      throw Fault("not-indexable", "\(slot.describedType) has no items; a call has parentheses", help: "{0}(…)")
    }
    guard count == 1 else {
      throw Fault("index-count", "\(slot.describedType) takes one index, not \(count)", help: "x[i][j]")
    }
    let at = items[0]
    switch slot.tag {
    case Tag.list, Tag.tuple: return try element(slot, at)
    case Tag.string: return try character(slot, at)
    case Tag.record:
      guard at.tag == Tag.string else {
        throw Fault(
          "type-mismatch", "a record is indexed by the name of a field, not by \(at.describedType)", argument: 1)
      }
      return try field(slot, Symbols.number(of: at.string), session)
    case Tag.range:
      let start = slot.range.pointee.start
      let length = try length(of: slot.range)
      switch at.tag {
      case Tag.int: return Slot(start + (try position(at.int, length, slot)))
      case Tag.range:
        let part = bounds(at.range, length)
        return Heap.range(start + part.lowerBound, start + part.upperBound)
      default: throw wrongIndex(slot, at)
      }
    default: throw notIndexable(slot)
    }
  }

  static func notIndexable(_ slot: Slot) -> Fault {
    Fault("not-indexable", "\(slot.describedType) has no items to index", operands: [0: Display.label(slot)])
  }

  /// A position from 0, counted from the end if negative.
  static func position(_ index: Int, _ count: Int, _ slot: Slot) throws -> Int {
    let at = index < 0 ? index + count : index
    if at >= 0, at < count { return at }
    throw outOfRange(index, count, slot.describedType)
  }

  static func outOfRange(_ index: Int, _ count: Int, _ described: String) -> Fault {
    let range = count == 0 ? "it is empty" : "its indices are 0 to \(count - 1), or -\(count) to -1"
    return Fault("index-out-of-range", "index \(index) is outside \(described) of \(count): \(range)", argument: 1)
  }

  /// How many numbers a range holds.
  static func length(of range: UnsafeMutablePointer<RangeBody>) throws -> Int {
    let (start, stop) = (range.pointee.start, range.pointee.stop)
    if stop <= start { return 0 }
    let (length, isTooLong) = stop.subtractingReportingOverflow(start)
    if !isTooLong { return length }
    throw Fault(
      "integer-overflow",
      start == Int.min
        ? "a range without a beginning has no length"
        : "the length of \(start)..\(stop) does not fit into a 64-bit integer", argument: 0)
  }

  /// Bounds of a slice, clamped to 0...count as in Python.
  static func bounds(_ range: UnsafeMutablePointer<RangeBody>, _ count: Int) -> Range<Int> {
    let start = range.pointee.start
    let stop = range.pointee.stop
    func clamp(_ bound: Int) -> Int { max(0, min(count, bound < 0 ? (bound < -count ? 0 : bound + count) : bound)) }
    let from = start == Int.min ? 0 : clamp(start)
    let to = stop == Int.max ? count : clamp(stop)
    return from..<max(from, to)
  }

  private static func element(_ slot: Slot, _ at: Slot) throws -> Slot {
    let body = slot.list
    let count = body.pointee.count
    switch at.tag {
    case Tag.int: return body.pointee.items[try position(at.int, count, slot)].retained
    case Tag.range:
      let range = bounds(at.range, count)
      return Heap.list(slot.tag, copying: body.pointee.items + range.lowerBound, count: range.count)
    case Tag.list:
      let made = Value(items: [], tag: slot.tag)
      for i in 0..<at.list.pointee.count {
        let index = at.list.pointee.items[i]
        guard index.tag == Tag.int else { throw wrongIndex(slot, index) }
        Heap.append(made.slot.list, body.pointee.items[try position(index.int, count, slot)].retained)
      }
      return made.retainedSlot
    default: throw wrongIndex(slot, at)
    }
  }

  private static func wrongIndex(_ slot: Slot, _ at: Slot) -> Fault {
    Fault(
      "type-mismatch", "\(slot.describedType) is indexed by an int or a range, not by \(at.describedType)", argument: 1,
      operands: [1: Display.label(at)])
  }

  /// Strings are indexed by Unicode scalars.
  private static func character(_ slot: Slot, _ at: Slot) throws -> Slot {
    guard at.tag == Tag.int || at.tag == Tag.range else { throw wrongIndex(slot, at) }
    let body = slot.string
    let bytes = LongText.bytes(body)
    let count = try LongText.length(bytes)
    var range: Range<Int>
    if at.tag == Tag.int {
      let index = try position(at.int, count, slot)
      range = index..<index + 1
    } else {
      range = bounds(at.range, count)
    }
    if count < bytes.count {
      let first = try LongText.place(ofCharacter: range.lowerBound, in: bytes)
      range = first..<(try LongText.place(ofCharacter: range.count, in: bytes, from: first))
    }
    return Heap.string(UnsafeBufferPointer(rebasing: bytes[range]))
  }

  /// One index item for a foreign object.
  static func item(_ slot: Slot) throws -> IndexItem {
    switch slot.tag {
    case Tag.int: return .int(slot.int)
    case Tag.range:
      let (start, stop) = (slot.range.pointee.start, slot.range.pointee.stop)
      return .range(from: start == Int.min ? nil : start, to: stop == Int.max ? nil : stop, step: nil)
    case Tag.list:
      var ints: [Int] = []
      for i in 0..<slot.list.pointee.count {
        guard slot.list.pointee.items[i].tag == Tag.int else { return .value(Value(copying: slot)) }
        ints.append(slot.list.pointee.items[i].int)
      }
      return .list(ints)
    default: return .value(Value(copying: slot))
    }
  }

  // MARK: Assignment

  /// Makes the container in `place` ours alone.
  static func own(_ place: UnsafeMutablePointer<Slot>) throws {
    let slot = place.pointee
    if slot.header.pointee.refs == 1 { return }
    let copy =
      slot.tag == Tag.record
      ? Heap.copy(slot.record) : Heap.list(slot.tag, copying: slot.list.pointee.items, count: slot.list.pointee.count)
    place.pointee = copy
    slot.release()
    // A loop that copies a long list each time does not come by its own look at the flag for long.
    if copy.tag != Tag.record, copy.list.pointee.count > 1 << 14 { try Interrupt.check() }
  }

  /// `place[items] = value`; everything but the place is borrowed.
  static func assign(
    _ place: UnsafeMutablePointer<Slot>, _ items: UnsafeMutablePointer<Slot>, _ count: Int, _ value: Slot,
    _ session: Session
  ) throws {
    if place.pointee.tag == Tag.foreign {
      let indices = try (0..<count).map { try item(items[$0]) }
      let object = place.pointee.foreignObject
      guard let changed = try object.assigning(Value(copying: value), at: indices, in: session) else {
        throw Fault("not-assignable", "items of \(Slot.article(object.typeName)) cannot be assigned")
      }
      put(place, changed.retainedSlot)
      return
    }
    if place.pointee.tag == Tag.list, count == 1, items[0].tag == Tag.range {
      try replace(place, bounds(items[0].range, place.pointee.list.pointee.count), value, session)
      return
    }
    let part = try self.part(place, items, count, session, creating: true)
    put(part, value.retained)
  }

  private static func replace(
    _ place: UnsafeMutablePointer<Slot>, _ range: Range<Int>, _ value: Slot, _ session: Session
  ) throws {
    guard let items = try Operations.items(of: value, session) else {
      throw Fault("type-mismatch", "a slice is replaced by a list, not by \(value.describedType)")
    }
    let old = place.pointee.list
    let made = Heap.emptyList(Tag.list, capacity: old.pointee.count - range.count + items.count)
    for i in 0..<range.lowerBound { Heap.append(made, old.pointee.items[i].retained) }
    for item in items { Heap.append(made, item.retainedSlot) }
    for i in range.upperBound..<old.pointee.count { Heap.append(made, old.pointee.items[i].retained) }
    put(place, Slot(tag: Tag.list, pointer: made))
  }

  /// Where the item of a list or record lies, the container made ours.
  static func part(
    _ place: UnsafeMutablePointer<Slot>, _ items: UnsafeMutablePointer<Slot>, _ count: Int, _ session: Session,
    creating: Bool
  ) throws -> UnsafeMutablePointer<Slot> {
    let slot = place.pointee
    guard count == 1 else {
      throw Fault("index-count", "\(slot.describedType) takes one index, not \(count)", help: "x[i][j] = …")
    }
    let at = items[0]
    switch slot.tag {
    case Tag.list:
      guard at.tag == Tag.int else { throw wrongIndex(slot, at) }
      let index = try position(at.int, slot.list.pointee.count, slot)
      try own(place)
      return place.pointee.list.pointee.items + index
    case Tag.record:
      guard at.tag == Tag.string else {
        throw Fault(
          "type-mismatch", "a record is indexed by the name of a field, not by \(at.describedType)", argument: 1)
      }
      return try part(place, field: Symbols.number(of: at.string), creating: creating)
    case Tag.tuple, Tag.string, Tag.range:
      throw Fault(
        "not-assignable", "the items of \(slot.describedType) cannot be assigned",
        help: slot.tag == Tag.tuple ? "use a list: [a, b]" : nil)
    default: throw notIndexable(slot)
    }
  }

  /// Where a field of a record lies, the record made ours; a new field is made if `creating`.
  static func part(
    _ place: UnsafeMutablePointer<Slot>, field key: Int, creating: Bool
  ) throws -> UnsafeMutablePointer<Slot> {
    let slot = place.pointee
    guard slot.tag == Tag.record else {
      throw Fault("not-assignable", "the field `\(Symbols.name(key))` of \(slot.describedType) cannot be assigned")
    }
    var at = Heap.find(slot.record, key)
    if at < 0, !creating { throw unknownField(Symbols.name(key), slot, Record(slot).names) }
    try own(place)
    if at < 0 {
      Heap.set(place.pointee.record, key, .none)
      at = place.pointee.record.pointee.count - 1
    }
    return place.pointee.record.pointee.values + at
  }

  /// `place.steps… = value`, or `op=` it. Steps through a foreign object read the part, change it and put it back.
  static func assign(
    _ place: UnsafeMutablePointer<Slot>, _ steps: UnsafeBufferPointer<PathStep>, _ operation: Operator?, _ value: Slot,
    _ registers: UnsafeMutablePointer<Slot>, _ session: Session
  ) throws {
    var place = place
    for at in 0..<steps.count {
      let step = steps[at]
      if place.pointee.tag == Tag.foreign || isSlice(step, registers) {
        let rest = UnsafeBufferPointer(rebasing: steps[(at + 1)...])
        return try assignThrough(place, step, rest, operation, value, registers, session)
      }
      if step.key >= 0 {
        if place.pointee.tag == Tag.record, place.pointee.record.pointee.header.refs == 1 {
          let position = Heap.find(place.pointee.record, step.key)
          if position >= 0 {
            place = place.pointee.record.pointee.values + position
            continue
          }
        }
        place = try part(place, field: step.key, creating: operation == nil && at == steps.count - 1)
      } else {
        place = try part(
          place, registers + Int(step.register), Int(step.count), session,
          creating: operation == nil && at == steps.count - 1)
      }
    }
    guard let operation else { return put(place, value.retained) }
    if place.pointee.tag == Tag.float, value.tag == Tag.float {
      if operation == .add {
        place.pointee = Slot(place.pointee.float + value.float)
        return
      }
      if operation == .subtract {
        place.pointee = Slot(place.pointee.float - value.float)
        return
      }
    }
    try Operations.update(operation, place, value, session)
  }

  @inline(__always)
  private static func isSlice(_ step: PathStep, _ registers: UnsafeMutablePointer<Slot>) -> Bool {
    step.count == 1 && step.key < 0 && registers[Int(step.register)].tag == Tag.range
  }

  private static func assignThrough(
    _ place: UnsafeMutablePointer<Slot>, _ step: PathStep, _ rest: UnsafeBufferPointer<PathStep>,
    _ operation: Operator?,
    _ value: Slot, _ registers: UnsafeMutablePointer<Slot>, _ session: Session
  ) throws {
    var part = value.retained
    defer { part.release() }
    let items = registers + Int(step.register)
    if !rest.isEmpty || operation != nil {
      part.release()
      part = .none
      if step.key >= 0 {
        part = try field(place.pointee, step.key, session)
      } else {
        part = try index(place.pointee, items, Int(step.count), session)
      }
      try assign(&part, rest, operation, value, registers, session)
    }
    if step.key < 0 { return try assign(place, items, Int(step.count), part, session) }
    let object = place.pointee.foreignObject
    let name = Symbols.name(step.key)
    guard let changed = try object.assigning(Value(copying: part), field: name, in: session) else {
      throw Fault("not-assignable", "the field `\(name)` of \(Slot.article(object.typeName)) cannot be assigned")
    }
    put(place, changed.retainedSlot)
  }
}
