// Records in the machine: ordered fields whose names are interned numbers, found by scan up to 8 fields and by an
// open-addressed table above; and the table of interned names itself.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A text by its bytes: Swift's own equality takes `é` and `e` with an accent for one.
struct TextKey: Hashable {
  private var text: String

  init(_ text: String) {
    self.text = text
    self.text.makeContiguousUTF8()
  }

  static func == (a: TextKey, b: TextKey) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// Names of fields as small numbers, for the life of the process. 0 is never a symbol.
enum Symbols {
  nonisolated(unsafe) private static var numbers: [TextKey: Int] = [:]
  nonisolated(unsafe) private static var names: [String] = [""]
  nonisolated(unsafe) private static var slots: [Slot] = [Slot.none]

  static func number(_ name: String) -> Int {
    let key = TextKey(name)
    if let known = numbers[key] { return known }
    let number = names.count
    names.append(name)
    numbers[key] = number
    let slot = Heap.string(name)
    slot.string.pointee.symbol = number
    slots.append(slot)
    return number
  }

  static func name(_ symbol: Int) -> String { names[symbol] }

  /// The interned string itself, not retained.
  static func slot(_ symbol: Int) -> Slot { slots[symbol] }

  /// The symbol of a string, remembered in the string.
  @inline(__always)
  static func number(of body: UnsafeMutablePointer<StringBody>) -> Int {
    if body.pointee.symbol != 0 { return body.pointee.symbol }
    let found = number(Heap.text(body))
    body.pointee.symbol = found
    return found
  }
}

import Ground

extension Heap {
  /// A long one is made of pieces, and ends early after Ctrl-C.
  static func text(_ body: UnsafeMutablePointer<StringBody>) -> String {
    let all = UnsafeBufferPointer(start: bytes(body), count: body.pointee.count)
    if all.count <= 1 << 23 { return String(decoding: all, as: UTF8.self) }
    var text = ""
    text.reserveCapacity(all.count)
    var start = 0
    while start < all.count, !Interrupt.isRequested {
      var end = min(all.count, start + 1 << 22)
      // Not in the middle of a character.
      for _ in 0..<3 where end < all.count && all[end] & 0xC0 == 0x80 { end -= 1 }
      text += String(decoding: UnsafeBufferPointer(rebasing: all[start..<end]), as: UTF8.self)
      start = end
    }
    return text
  }

  /// Above this many fields a record has a table of positions.
  @inline(__always) static var scanLimit: Int { 8 }

  static func emptyRecord(capacity: Int) -> UnsafeMutablePointer<RecordBody> {
    let body = allocate(MemoryLayout<RecordBody>.stride).bindMemory(to: RecordBody.self, capacity: 1)
    let room = max(capacity, 1)
    let (values, keys) = store(room)
    body.initialize(
      to: RecordBody(
        header: Header(refs: 1, tag: Tag.record), count: 0, capacity: room, values: values, keys: keys, index: nil,
        indexMask: 0))
    return body
  }

  /// One block: `room` slots, then `room` keys.
  private static func store(_ room: Int) -> (UnsafeMutablePointer<Slot>, UnsafeMutablePointer<Int>) {
    let block = allocate(room * (MemoryLayout<Slot>.stride + MemoryLayout<Int>.stride))
    let values = block.bindMemory(to: Slot.self, capacity: room)
    let keys = block.advanced(by: room * MemoryLayout<Slot>.stride).bindMemory(to: Int.self, capacity: room)
    return (values, keys)
  }

  /// Position of a field, or -1.
  @inline(__always)
  static func find(_ body: UnsafeMutablePointer<RecordBody>, _ key: Int) -> Int {
    let count = body.pointee.count
    if count <= scanLimit {
      let keys = body.pointee.keys
      var i = 0
      while i < count {
        if keys[i] == key { return i }
        i &+= 1
      }
      return -1
    }
    return probe(body, key)
  }

  @inline(never)
  private static func probe(_ body: UnsafeMutablePointer<RecordBody>, _ key: Int) -> Int {
    guard let table = body.pointee.index else { return -1 }
    let mask = body.pointee.indexMask
    var at = scatter(key) & mask
    while table[at] >= 0 {
      let position = Int(table[at])
      if body.pointee.keys[position] == key { return position }
      at = (at + 1) & mask
    }
    return -1
  }

  @inline(__always) private static func scatter(_ key: Int) -> Int {
    Int(truncatingIfNeeded: (UInt(bitPattern: key) &* 0x9E37_79B9_7F4A_7C15) >> 20)
  }

  /// Sets a field of an unshared record, taking over `value`; a new field goes to the end.
  static func set(_ body: UnsafeMutablePointer<RecordBody>, _ key: Int, _ value: Slot) {
    let at = find(body, key)
    if at >= 0 {
      let old = body.pointee.values[at]
      body.pointee.values[at] = value
      old.release()
      return
    }
    let count = body.pointee.count
    if count == body.pointee.capacity { grow(body) }
    body.pointee.keys[count] = key
    body.pointee.values[count] = value
    body.pointee.count = count + 1
    if count + 1 > scanLimit { note(body, key, count) }
  }

  private static func grow(_ body: UnsafeMutablePointer<RecordBody>) {
    let count = body.pointee.count
    let room = max(4, body.pointee.capacity * 2)
    let (values, keys) = store(room)
    memcpy(values, body.pointee.values, count * MemoryLayout<Slot>.stride)
    memcpy(keys, body.pointee.keys, count * MemoryLayout<Int>.stride)
    free(body.pointee.values)
    body.pointee.values = values
    body.pointee.keys = keys
    body.pointee.capacity = room
  }

  private static func note(_ body: UnsafeMutablePointer<RecordBody>, _ key: Int, _ position: Int) {
    let count = body.pointee.count
    if body.pointee.index == nil || count * 2 > body.pointee.indexMask {
      var size = 32
      while size < count * 4 { size *= 2 }
      free(body.pointee.index)
      let table = allocate(size * MemoryLayout<Int32>.stride).bindMemory(to: Int32.self, capacity: size)
      for i in 0..<size { table[i] = -1 }
      body.pointee.index = table
      body.pointee.indexMask = size - 1
      for i in 0..<count { place(body, body.pointee.keys[i], i) }
    } else {
      place(body, key, position)
    }
  }

  private static func place(_ body: UnsafeMutablePointer<RecordBody>, _ key: Int, _ position: Int) {
    guard let table = body.pointee.index else { return }
    var at = scatter(key) & body.pointee.indexMask
    while table[at] >= 0 { at = (at + 1) & body.pointee.indexMask }
    table[at] = Int32(truncatingIfNeeded: position)
  }

  /// A copy whose fields are retained.
  static func copy(_ body: UnsafeMutablePointer<RecordBody>, room: Int = 0) -> Slot {
    let count = body.pointee.count
    let made = emptyRecord(capacity: count + room)
    for i in 0..<count { set(made, body.pointee.keys[i], body.pointee.values[i].retained) }
    return Slot(tag: Tag.record, pointer: made)
  }
}
