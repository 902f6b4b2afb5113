// Instructions that build data, go through it and take it apart.
import Ground

extension Machine {
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
}
