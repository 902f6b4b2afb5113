// Heap objects of the machine: plain memory with a reference count. Nothing here knows threads (the interpreter has
// one), and nothing recurses: an object nested a million deep is released by a loop.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The start of every heap object. When `refs` has reached 0 it links the objects that wait to be freed.
struct Header {
  var refs: Int
  var tag: UInt
}

/// UTF-8 bytes follow the body. `symbol` is the interned identity, 0 if it was not asked for.
struct StringBody {
  var header: Header
  var count: Int
  var capacity: Int
  var symbol: Int
}

struct ListBody {
  var header: Header
  var count: Int
  var capacity: Int
  var items: UnsafeMutablePointer<Slot>
}

/// Fields in order: `keys[i]` names `values[i]`. Above 8 fields `index` is an open-addressed table of positions.
struct RecordBody {
  var header: Header
  var count: Int
  var capacity: Int
  var values: UnsafeMutablePointer<Slot>
  var keys: UnsafeMutablePointer<Int>
  var index: UnsafeMutablePointer<Int32>?
  var indexMask: Int
}

/// Half open: `start..<stop`.
struct RangeBody {
  var header: Header
  var start: Int
  var stop: Int
}

/// Captured slots follow the body.
struct ClosureBody {
  var header: Header
  var core: UnsafeMutablePointer<FunctionCore>
  var captureCount: Int
}

struct BuiltinBody {
  var header: Header
  var builtin: Unmanaged<Builtin>
}

struct ForeignBody {
  var header: Header
  var foreign: any Foreign
}

struct BoxBody {
  var header: Header
  var value: Slot
}

enum Heap {
  // MARK: Allocation

  @inline(__always) static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer { malloc(bytes).unsafelyUnwrapped }

  /// Copies bytes, many of them in pieces; ends early after Ctrl-C, and who made something of the copy asks for that.
  static func copy(_ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int) {
    var done = 0
    while done < count {
      let piece = min(count - done, 1 << 22)
      memcpy(target + done, source + done, piece)
      done += piece
      if piece == 1 << 22, Interrupt.isRequested { return }
    }
  }

  static let stringHead = MemoryLayout<StringBody>.stride
  static let closureHead = MemoryLayout<ClosureBody>.stride

  @inline(__always)
  static func bytes(_ body: UnsafeMutablePointer<StringBody>) -> UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(body).advanced(by: MemoryLayout<StringBody>.stride).assumingMemoryBound(to: UInt8.self)
  }

  @inline(__always)
  static func captures(_ body: UnsafeMutablePointer<ClosureBody>) -> UnsafeMutablePointer<Slot> {
    UnsafeMutableRawPointer(body).advanced(by: MemoryLayout<ClosureBody>.stride).assumingMemoryBound(to: Slot.self)
  }

  /// A string with room for `capacity` bytes, contents not set.
  static func emptyString(capacity: Int) -> UnsafeMutablePointer<StringBody> {
    let body = allocate(stringHead + capacity).bindMemory(to: StringBody.self, capacity: 1)
    body.initialize(to: StringBody(header: Header(refs: 1, tag: Tag.string), count: 0, capacity: capacity, symbol: 0))
    return body
  }

  static func string(_ source: UnsafeBufferPointer<UInt8>) -> Slot {
    let body = emptyString(capacity: max(source.count, 8))
    if let start = source.baseAddress { copy(bytes(body), start, source.count) }
    body.pointee.count = source.count
    return Slot(tag: Tag.string, pointer: body)
  }

  static func string(_ text: String) -> Slot {
    var text = text
    return text.withUTF8 { string($0) }
  }

  /// Decimal digits of a number, at most 20 bytes; returns how many.
  static func write(_ value: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var left = value.magnitude
    var digits = 0
    repeat {
      target[digits] = UInt8(truncatingIfNeeded: 48 + left % 10)
      left /= 10
      digits += 1
    } while left > 0
    if value < 0 {
      target[digits] = 45
      digits += 1
    }
    var i = 0
    while i < digits / 2 {
      let swapped = target[i]
      target[i] = target[digits - 1 - i]
      target[digits - 1 - i] = swapped
      i += 1
    }
    return digits
  }

  /// A list (or tuple, or composition) with room for `capacity` items and none in it.
  static func emptyList(_ tag: UInt, capacity: Int) -> UnsafeMutablePointer<ListBody> {
    let body = allocate(MemoryLayout<ListBody>.stride).bindMemory(to: ListBody.self, capacity: 1)
    let room = max(capacity, 1)
    let items = allocate(room * MemoryLayout<Slot>.stride).bindMemory(to: Slot.self, capacity: room)
    body.initialize(
      to: ListBody(header: Header(refs: 1, tag: tag), count: 0, capacity: room, items: items))
    return body
  }

  /// Appends, taking over the caller's reference.
  @inline(__always)
  static func append(_ body: UnsafeMutablePointer<ListBody>, _ item: Slot) {
    let count = body.pointee.count
    if count == body.pointee.capacity { reserve(body, count + 1) }
    body.pointee.items[count] = item
    body.pointee.count = count &+ 1
  }

  @inline(never)
  static func reserve(_ body: UnsafeMutablePointer<ListBody>, _ needed: Int) {
    if needed <= body.pointee.capacity { return }
    let capacity = max(needed, body.pointee.capacity * 2, 4)
    if body.pointee.items == inlineItems(body) {
      let grown = allocate(capacity * MemoryLayout<Slot>.stride)
      memcpy(grown, body.pointee.items, body.pointee.count * MemoryLayout<Slot>.stride)
      body.pointee.items = grown.bindMemory(to: Slot.self, capacity: capacity)
    } else {
      let grown = realloc(body.pointee.items, capacity * MemoryLayout<Slot>.stride).unsafelyUnwrapped
      body.pointee.items = grown.bindMemory(to: Slot.self, capacity: capacity)
    }
    body.pointee.capacity = capacity
  }

  /// A list of retained copies of `count` slots at `source`.
  static func list(_ tag: UInt, copying source: UnsafePointer<Slot>, count: Int, room: Int = 0) -> Slot {
    let body = emptyList(tag, capacity: count + room)
    let items = body.pointee.items
    for i in 0..<count { items[i] = source[i].retained }
    body.pointee.count = count
    return Slot(tag: tag, pointer: body)
  }

  /// Blocks of lists of two items that died, linked by their counts: pairs come and go more often than anything else.
  nonisolated(unsafe) private static var spare: UnsafeMutablePointer<ListBody>?
  nonisolated(unsafe) private static var spareCount = 0
  private static let mostSpare = 1 << 15

  /// A body with `room` items behind it.
  @inline(__always) private static func block(_ room: Int) -> UnsafeMutablePointer<ListBody> {
    if room == 2, let body = spare {
      spare = UnsafeMutablePointer(bitPattern: body.pointee.header.refs)
      spareCount &-= 1
      return body
    }
    let bytes = MemoryLayout<ListBody>.stride + room * MemoryLayout<Slot>.stride
    return allocate(bytes).bindMemory(to: ListBody.self, capacity: 1)
  }

  /// A list that takes over `count` slots at `source`, which are left empty. Its items lie in the same block as the body,
  /// until it grows.
  static func list(_ tag: UInt, taking source: UnsafeMutablePointer<Slot>, count: Int) -> Slot {
    let room = count <= 2 ? 2 : count
    let body = block(room)
    let items = inlineItems(body)
    body.initialize(to: ListBody(header: Header(refs: 1, tag: tag), count: count, capacity: room, items: items))
    var i = 0
    while i < count {
      items[i] = source[i]
      source[i].tag = Tag.none
      i &+= 1
    }
    return Slot(tag: tag, pointer: body)
  }

  @inline(__always)
  static func inlineItems(_ body: UnsafeMutablePointer<ListBody>) -> UnsafeMutablePointer<Slot> {
    UnsafeMutableRawPointer(body).advanced(by: MemoryLayout<ListBody>.stride).assumingMemoryBound(to: Slot.self)
  }

  static func range(_ start: Int, _ stop: Int) -> Slot {
    let body = allocate(MemoryLayout<RangeBody>.stride).bindMemory(to: RangeBody.self, capacity: 1)
    body.initialize(to: RangeBody(header: Header(refs: 1, tag: Tag.range), start: start, stop: stop))
    return Slot(tag: Tag.range, pointer: body)
  }

  static func builtin(_ builtin: Builtin) -> Slot {
    let body = allocate(MemoryLayout<BuiltinBody>.stride).bindMemory(to: BuiltinBody.self, capacity: 1)
    body.initialize(to: BuiltinBody(header: Header(refs: 1, tag: Tag.builtin), builtin: .passRetained(builtin)))
    return Slot(tag: Tag.builtin, pointer: body)
  }

  static func foreign(_ foreign: any Foreign) -> Slot {
    let body = allocate(MemoryLayout<ForeignBody>.stride).bindMemory(to: ForeignBody.self, capacity: 1)
    body.initialize(to: ForeignBody(header: Header(refs: 1, tag: Tag.foreign), foreign: foreign))
    return Slot(tag: Tag.foreign, pointer: body)
  }

  /// A box that takes over `value`.
  static func box(_ value: Slot) -> Slot {
    let body = allocate(MemoryLayout<BoxBody>.stride).bindMemory(to: BoxBody.self, capacity: 1)
    body.initialize(to: BoxBody(header: Header(refs: 1, tag: Tag.box), value: value))
    return Slot(tag: Tag.box, pointer: body)
  }

  /// A closure whose captures the caller fills.
  static func closure(_ core: UnsafeMutablePointer<FunctionCore>, captures count: Int) -> Slot {
    let bytes = closureHead + count * MemoryLayout<Slot>.stride
    let body = allocate(bytes).bindMemory(to: ClosureBody.self, capacity: 1)
    body.initialize(to: ClosureBody(header: Header(refs: 1, tag: Tag.closure), core: core, captureCount: count))
    return Slot(tag: Tag.closure, pointer: body)
  }

  // MARK: Release

  nonisolated(unsafe) private static var waiting: UnsafeMutablePointer<Header>?
  nonisolated(unsafe) private static var isDraining = false

  /// What died after Ctrl-C, chains of objects as `waiting` is one: freeing millions of them, or one of a gigabyte, takes longer than a person
  /// waits for the prompt.
  nonisolated(unsafe) private static var postponed: [UnsafeMutablePointer<Header>] = []
  /// No more chains than this wait: what goes on dying before somebody looks at the interrupt flag is freed at once, as memory would run out.
  private static let mostPostponed = 32

  /// Frees an object whose count reached 0 and all that only it held. A Swift object that drops values while it dies
  /// adds them to the same queue, so no nesting of objects makes this recurse without bound.
  @inline(never)
  static func destroy(_ object: UnsafeMutablePointer<Header>) {
    enqueue(object)
    if !isDraining { drain() }
  }

  /// Frees what was postponed; a statement begins with this.
  static func freePostponed() {
    while freeSome(Int.max) {}
  }

  /// Frees about so many of the objects that were postponed; whether there are more, and nobody asked to stop.
  static func freeSome(_ count: Int) -> Bool {
    if isDraining || Interrupt.isRequested { return false }
    guard let chain = postponed.popLast() else { return false }
    waiting = chain
    isDraining = true
    var left = count
    while left > 0, let next = waiting, !Interrupt.isRequested {
      waiting = UnsafeMutablePointer(bitPattern: next.pointee.refs)
      if !free(contentsOf: next) { break }
      left &-= 1
    }
    isDraining = false
    postpone()
    return !postponed.isEmpty && !Interrupt.isRequested
  }

  private static func drain() {
    isDraining = true
    defer { isDraining = false }
    var turns = 0
    while let next = waiting {
      if turns & 31 == 0, Interrupt.isRequested, postponed.count < mostPostponed { return postpone() }
      turns &+= 1
      waiting = UnsafeMutablePointer(bitPattern: next.pointee.refs)
      if !free(contentsOf: next) { return postpone() }
    }
  }

  private static func postpone() {
    if let chain = waiting { postponed.append(chain) }
    waiting = nil
  }

  @inline(__always) private static func enqueue(_ object: UnsafeMutablePointer<Header>) {
    object.pointee.refs = Int(bitPattern: waiting)
    waiting = object
  }

  @inline(__always) private static func drop(_ slot: Slot) {
    if !slot.isHeap { return }
    let object = slot.header
    object.pointee.refs &-= 1
    if object.pointee.refs == 0 { enqueue(object) }
  }

  /// False where Ctrl-C put the rest of a long list off.
  private static func free(contentsOf object: UnsafeMutablePointer<Header>) -> Bool {
    let slot = Slot(tag: object.pointee.tag, pointer: object)
    switch slot.tag {
    case Tag.list, Tag.tuple, Tag.composed:
      let items = slot.list.pointee.items
      while slot.list.pointee.count > 0 {
        slot.list.pointee.count &-= 1
        drop(items[slot.list.pointee.count])
        if slot.list.pointee.count & 0xFFFF == 0xFFFF, Interrupt.isRequested, postponed.count < mostPostponed {
          enqueue(object)
          return false
        }
      }
      if items != inlineItems(slot.list) {
        Glibc.free(items)
      } else if slot.list.pointee.capacity == 2, spareCount < mostSpare {
        object.pointee.refs = Int(bitPattern: spare)
        spare = slot.list
        spareCount &+= 1
        return true
      }
    case Tag.record:
      let body = slot.record
      for i in 0..<body.pointee.count { drop(body.pointee.values[i]) }
      Glibc.free(body.pointee.values)
      Glibc.free(body.pointee.index)
    case Tag.closure:
      let captured = captures(slot.closure)
      for i in 0..<slot.closure.pointee.captureCount { drop(captured[i]) }
    case Tag.builtin: slot.builtin.pointee.builtin.release()
    case Tag.foreign: slot.foreign.deinitialize(count: 1)
    case Tag.box: drop(slot.box.pointee.value)
    default: break
    }
    Glibc.free(object)
    return true
  }
}
