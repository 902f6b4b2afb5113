// Going through the items of a value, and making lists, without a copy in between: a Swift array of millions of values takes long to make and longer
// to release, and neither can be interrupted.
import Ground

/// What `for` would go through, read where it lies. The list cannot change meanwhile: it is shared, and who changes a shared list copies it.
struct Items: RandomAccessCollection {
  private let holder: Value
  private let slots: UnsafeMutablePointer<Slot>
  let count: Int

  /// - Parameter value: a list or a tuple.
  init(_ value: Value) {
    holder = value
    slots = value.slot.list.pointee.items
    count = value.slot.list.pointee.count
  }

  var startIndex: Int { 0 }
  var endIndex: Int { count }
  /// Borrowed: who keeps it retains it.
  subscript(index: Int) -> Slot { slots[index] }
}

/// The items of a list or a tuple for Swift code that reads many of them: no value is made of one that is not asked for.
public struct ListItems: RandomAccessCollection {
  private let items: Items

  init(_ items: Items) { self.items = items }

  public var startIndex: Int { 0 }
  public var endIndex: Int { items.count }
  public subscript(index: Int) -> Value { Value(copying: items[index]) }
  public func isRecord(_ index: Int) -> Bool { items[index].tag == Tag.record }
  /// An int.
  public func int(_ index: Int) -> Int? { items[index].tag == Tag.int ? items[index].int : nil }
  /// An int, a float, or a truth value as 0 or 1.
  public func double(_ index: Int) -> Double? {
    let slot = items[index]
    return slot.isNumber ? slot.number : slot.tag == Tag.bool ? (slot.bool ? 1 : 0) : nil
  }
}

extension Value {
  /// The items of a list or a tuple where they lie; nil for anything else.
  public var listItems: ListItems? {
    slot.tag == Tag.list || slot.tag == Tag.tuple ? ListItems(Items(self)) : nil
  }

  /// A list of `count` items, made one by one. Can be interrupted.
  public static func list(_ count: Int, _ item: (Int) throws -> Value) throws -> Value {
    try Operations.listed(count) { try item($0).retainedSlot }
  }
}

extension Call {
  /// The items of a list or tuple as they lie, of anything else that `for` goes through as a list made of them.
  func items(_ name: String) throws -> Items {
    let value = value(name)
    switch value.slot.tag {
    case Tag.list, Tag.tuple: return Items(value)
    case Tag.range: return Items(try Operations.sequence(of: value, Tag.list, session))
    default: return Items(Value(list: try list(name)))
    }
  }
}

extension Call {
  /// The bytes of a string, where they lie as long as the call lasts.
  func text(_ name: String) throws -> UnsafeBufferPointer<UInt8> {
    let slot = slot(named: name)
    // Anything else is refused with the words that are said of every string.
    if slot.tag != Tag.string { _ = try string(name) }
    return slot.tag == Tag.string ? LongText.bytes(slot.string) : UnsafeBufferPointer(start: nil, count: 0)
  }
}

extension Operations {
  /// The same for a value that is no argument.
  /// - Throws: `not-iterable`.
  static func items(in value: Value, _ session: Session) throws -> Items {
    Items(
      value.slot.tag == Tag.list || value.slot.tag == Tag.tuple ? value : try sequence(of: value, Tag.list, session))
  }

  /// A list (or tuple) of `count` items; `item` hands over a reference. Can be interrupted.
  static func listed(_ count: Int, _ tag: UInt = Tag.list, _ item: (Int) throws -> Slot) throws -> Value {
    let made = Value(taking: Slot(tag: tag, pointer: Heap.emptyList(tag, capacity: count)))
    var i = 0
    while i < count {
      if i & 0x3FFF == 0 { try Interrupt.check() }
      Heap.append(made.slot.list, try item(i))
      i &+= 1
    }
    return made
  }

  /// A list of the items at places `first..<first + count`.
  static func part(_ items: Items, _ first: Int, _ count: Int) throws -> Value {
    try listed(count) { items[first &+ $0].retained }
  }

  /// A tuple of slots, which it takes over.
  static func tuple(_ items: Slot...) -> Slot {
    let made = Heap.emptyList(Tag.tuple, capacity: items.count)
    for item in items { Heap.append(made, item) }
    return Slot(tag: Tag.tuple, pointer: made)
  }
}
