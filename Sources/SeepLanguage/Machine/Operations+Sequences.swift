// Texts, lists and tuples under operators, and the items of a value.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Operations {
  /// `+` joins and `*` repeats strings, lists and tuples; nil if neither fits.
  static func sequence(_ operation: Operator, _ a: Slot, _ b: Slot) throws -> Slot? {
    if operation == .add, a.tag == b.tag {
      if a.tag == Tag.string { return try joined(a.string, b.string) }
      if a.tag == Tag.list || a.tag == Tag.tuple {
        let size = a.list.pointee.count + b.list.pointee.count
        try requireRoom(size, MemoryLayout<Slot>.stride)
        return try filled(a.tag, [a.list, b.list], size)
      }
    }
    guard operation == .multiply else { return nil }
    let (thing, times) = a.tag == Tag.int ? (b, a) : (a, b)
    guard times.tag == Tag.int, [Tag.string, Tag.list, Tag.tuple].contains(thing.tag) else { return nil }
    let turns = max(0, times.int)
    let size = thing.tag == Tag.string ? thing.string.pointee.count : thing.list.pointee.count
    let bytes = size.multipliedReportingOverflow(by: turns)
    try requireRoom(bytes.overflow ? Int.max : bytes.partialValue, thing.tag == Tag.string ? 1 : 16)
    if thing.tag == Tag.string {
      let made = Heap.emptyString(capacity: max(8, size * turns))
      let result = Slot(tag: Tag.string, pointer: made)
      made.pointee.count = size * turns
      if size == 0 || turns == 0 { return result }
      // What is there is doubled until all is there; every piece is a multiple of the text.
      let bytes = Heap.bytes(made)
      memcpy(bytes, Heap.bytes(thing.string), size)
      var done = size
      while done < size * turns {
        let piece = min(done, size * turns - done, max(size, (1 << 24) / size * size))
        memcpy(bytes + done, bytes, piece)
        done += piece
        if Interrupt.isRequested {
          result.release()
          throw Fault.interrupted
        }
      }
      return result
    }
    if size == 0 || turns == 0 { return Slot(tag: thing.tag, pointer: Heap.emptyList(thing.tag, capacity: 0)) }
    return try filled(thing.tag, repeatElement(thing.list, count: turns), size * turns)
  }

  /// A list of the items of lists, one after the other.
  private static func filled(
    _ tag: UInt, _ parts: some Sequence<UnsafeMutablePointer<ListBody>>, _ size: Int
  ) throws -> Slot {
    let made = Heap.emptyList(tag, capacity: size)
    for part in parts {
      for i in 0..<part.pointee.count {
        if made.pointee.count & 0xFFFF == 0, Interrupt.isRequested {
          Slot(tag: tag, pointer: made).release()
          throw Fault.interrupted
        }
        Heap.append(made, part.pointee.items[i].retained)
      }
    }
    return Slot(tag: tag, pointer: made)
  }

  /// Refuses a buffer larger than a quarter of what the machine allows.
  static func requireRoom(_ count: Int, _ unit: Int) throws {
    if count > MemoryBudget.limit / 4 / unit {
      throw Fault("out-of-memory", "\(count) items do not fit into this machine's memory")
    }
  }

  private static func joined(
    _ a: UnsafeMutablePointer<StringBody>, _ b: UnsafeMutablePointer<StringBody>
  ) throws -> Slot {
    let count = a.pointee.count + b.pointee.count
    let made = Heap.emptyString(capacity: max(8, count))
    Heap.copy(Heap.bytes(made), Heap.bytes(a), a.pointee.count)
    Heap.copy(Heap.bytes(made) + a.pointee.count, Heap.bytes(b), b.pointee.count)
    made.pointee.count = count
    if count > 1 << 22, Interrupt.isRequested {
      Slot(tag: Tag.string, pointer: made).release()
      throw Fault.interrupted
    }
    return Slot(tag: Tag.string, pointer: made)
  }

  /// `place op= b`: strings and lists grow where they are if nobody else holds them.
  static func update(_ operation: Operator, _ place: UnsafeMutablePointer<Slot>, _ b: Slot, _ session: Session) throws {
    let a = place.pointee
    if operation == .add, a.tag == b.tag, a.isHeap, a.header.pointee.refs == 1 {
      if a.tag == Tag.list || a.tag == Tag.tuple {
        let count = b.list.pointee.count
        Heap.reserve(a.list, a.list.pointee.count + count)
        for i in 0..<count {
          if i & 0x3FFF == 0x3FFF { try Interrupt.check() }
          Heap.append(a.list, b.list.pointee.items[i].retained)
        }
        return
      }
      if a.tag == Tag.string {
        place.pointee = appended(a, b.string)
        if b.string.pointee.count > 1 << 22 { try Interrupt.check() }
        return
      }
    }
    let result = try binary(operation, a, b, session)
    let old = place.pointee
    place.pointee = result
    old.release()
  }

  private static func appended(_ a: Slot, _ b: UnsafeMutablePointer<StringBody>) -> Slot {
    var body = a.string
    let count = body.pointee.count
    let more = b.pointee.count
    if count + more > body.pointee.capacity {
      let capacity = max(count + more, 2 * body.pointee.capacity, 16)
      // `s += s`: the bytes to add move with the rest.
      let isItself = body == b
      let moved = realloc(body, Heap.stringHead + capacity).unsafelyUnwrapped
      body = moved.bindMemory(to: StringBody.self, capacity: 1)
      body.pointee.capacity = capacity
      Heap.copy(Heap.bytes(body) + count, Heap.bytes(isItself ? body : b), more)
    } else {
      Heap.copy(Heap.bytes(body) + count, Heap.bytes(b), more)
    }
    body.pointee.count = count + more
    body.pointee.symbol = 0
    return Slot(tag: Tag.string, pointer: body)
  }

  // MARK: Items

  /// Everything `for` goes through; nil if the value has no items.
  static func items(of slot: Slot, _ session: Session) throws -> [Value]? {
    switch slot.tag {
    case Tag.list, Tag.tuple:
      return try collected(0..<slot.list.pointee.count) { Value(copying: slot.list.pointee.items[$0]) }
    case Tag.range:
      let (start, stop) = (slot.range.pointee.start, slot.range.pointee.stop)
      if stop <= start { return [] }
      try requireRoom(try Access.length(of: slot.range), 16)
      return try collected(start..<stop) { Value($0) }
    case Tag.string: return try LongText.characters(LongText.bytes(slot.string)).asItems
    case Tag.record:
      return (0..<slot.record.pointee.count).map { Value(taking: pair(slot.record, $0)) }
    case Tag.foreign:
      let object = slot.foreignObject
      guard let count = object.count else { return nil }
      return try (0..<count).map { try object.element($0, in: session) }
    default: return nil
    }
  }

  /// A list or tuple of all items.
  static func sequence(of value: Value, _ tag: UInt, _ session: Session) throws -> Value {
    let slot = value.slot
    if slot.tag == Tag.range {
      let (start, stop) = (slot.range.pointee.start, slot.range.pointee.stop)
      try requireRoom(max(0, stop - start), MemoryLayout<Slot>.stride)
      let made = Value(items: [], tag: tag)
      Heap.reserve(made.slot.list, max(0, stop - start))
      if start < stop {
        for i in start..<stop {
          if i & 0xFFFF == 0 { try Interrupt.check() }
          Heap.append(made.slot.list, Slot(i))
        }
      }
      return made
    }
    switch slot.tag {
    case Tag.list, Tag.tuple:
      let items = Items(value)
      return try listed(items.count, tag) { items[$0].retained }
    case Tag.string where tag == Tag.list: return try LongText.characters(LongText.bytes(slot.string))
    default: return Value(items: try session.items(of: value), tag: tag)
    }
  }

  /// `map` that can be interrupted.
  static func collected<Items: Collection, Result>(
    _ items: Items, _ item: (Items.Element) throws -> Result
  ) throws -> [Result] {
    var found: [Result] = []
    found.reserveCapacity(items.count)
    for next in items {
      if found.count & 0x3FFF == 0 { try Interrupt.check() }
      found.append(try item(next))
    }
    return found
  }

  /// `(name, value)` of a field.
  static func pair(_ record: UnsafeMutablePointer<RecordBody>, _ at: Int) -> Slot {
    let body = Heap.emptyList(Tag.tuple, capacity: 2)
    Heap.append(body, Symbols.slot(record.pointee.keys[at]).retained)
    Heap.append(body, record.pointee.values[at].retained)
    return Slot(tag: Tag.tuple, pointer: body)
  }
}
