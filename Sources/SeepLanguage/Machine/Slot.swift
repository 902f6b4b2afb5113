// The machine's values: 16 plain bytes, a tag and a payload. Numbers, truth values and none live in the slot itself;
// everything else is a pointer to a counted heap object (Heap.swift). Slots are copied as bytes; whoever stores a copy
// retains it, whoever overwrites one releases it. Code outside the machine uses `Value`, which does both by itself.

/// What a slot holds. Tags from `firstHeap` on are pointers to heap objects.
enum Tag {
  @inline(__always) static var none: UInt { 0 }
  @inline(__always) static var bool: UInt { 1 }
  @inline(__always) static var int: UInt { 2 }
  @inline(__always) static var float: UInt { 3 }
  /// A global that is not bound yet, or an argument that was not given.
  @inline(__always) static var absent: UInt { 4 }
  @inline(__always) static var firstHeap: UInt { 8 }
  @inline(__always) static var string: UInt { 8 }
  @inline(__always) static var list: UInt { 9 }
  @inline(__always) static var tuple: UInt { 10 }
  @inline(__always) static var record: UInt { 11 }
  @inline(__always) static var range: UInt { 12 }
  @inline(__always) static var closure: UInt { 13 }
  @inline(__always) static var builtin: UInt { 14 }
  @inline(__always) static var composed: UInt { 15 }
  @inline(__always) static var foreign: UInt { 16 }
  /// A captured variable that is assigned; never seen by a program.
  @inline(__always) static var box: UInt { 17 }
}

struct Slot {
  var tag: UInt
  var bits: UInt

  @inline(__always) init(tag: UInt, bits: UInt) {
    self.tag = tag
    self.bits = bits
  }
  @inline(__always) init(_ value: Int) {
    tag = Tag.int
    bits = UInt(bitPattern: value)
  }
  @inline(__always) init(_ value: Double) {
    tag = Tag.float
    bits = UInt(value.bitPattern)
  }
  @inline(__always) init(_ value: Bool) {
    tag = Tag.bool
    bits = value ? 1 : 0
  }
  @inline(__always) init(tag: UInt, pointer: UnsafeMutableRawPointer) {
    self.tag = tag
    bits = UInt(bitPattern: pointer)
  }

  @inline(__always) static var none: Slot { Slot(tag: Tag.none, bits: 0) }
  @inline(__always) static var absent: Slot { Slot(tag: Tag.absent, bits: 0) }

  @inline(__always) var isHeap: Bool { tag >= Tag.firstHeap }
  @inline(__always) var int: Int { Int(bitPattern: bits) }
  @inline(__always) var float: Double { Double(bitPattern: UInt64(bits)) }
  @inline(__always) var bool: Bool { bits != 0 }
  @inline(__always) var isNumber: Bool { tag == Tag.int || tag == Tag.float }
  /// The number as a Double; only for ints and floats.
  @inline(__always) var number: Double { tag == Tag.int ? Double(int) : float }

  @inline(__always) var pointer: UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(bitPattern: bits).unsafelyUnwrapped
  }
  @inline(__always) var header: UnsafeMutablePointer<Header> { pointer.assumingMemoryBound(to: Header.self) }
  @inline(__always) var string: UnsafeMutablePointer<StringBody> { pointer.assumingMemoryBound(to: StringBody.self) }
  /// Lists, tuples and composed functions share a layout.
  @inline(__always) var list: UnsafeMutablePointer<ListBody> { pointer.assumingMemoryBound(to: ListBody.self) }
  @inline(__always) var record: UnsafeMutablePointer<RecordBody> { pointer.assumingMemoryBound(to: RecordBody.self) }
  @inline(__always) var range: UnsafeMutablePointer<RangeBody> { pointer.assumingMemoryBound(to: RangeBody.self) }
  @inline(__always) var closure: UnsafeMutablePointer<ClosureBody> {
    pointer.assumingMemoryBound(to: ClosureBody.self)
  }
  @inline(__always) var builtin: UnsafeMutablePointer<BuiltinBody> {
    pointer.assumingMemoryBound(to: BuiltinBody.self)
  }
  @inline(__always) var foreign: UnsafeMutablePointer<ForeignBody> {
    pointer.assumingMemoryBound(to: ForeignBody.self)
  }
  @inline(__always) var box: UnsafeMutablePointer<BoxBody> { pointer.assumingMemoryBound(to: BoxBody.self) }

  @inline(__always) func retain() {
    if isHeap { header.pointee.refs &+= 1 }
  }
  @inline(__always) func release() {
    if isHeap {
      let object = header
      let left = object.pointee.refs &- 1
      object.pointee.refs = left
      if left == 0 { Heap.destroy(object) }
    }
  }
  /// This slot, retained.
  @inline(__always) var retained: Slot {
    retain()
    return self
  }
}
