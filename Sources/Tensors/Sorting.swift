// Sorting along an axis: radix sort of keys and places, 11 bits at a time. Stable, and so with one possible result; rows are shared
// out by size, and a long row asks every 65,536 elements whether to go on.
import Ground

/// A key that orders like an element, and the place it came from.
private protocol SortItem {
  associatedtype Key: FixedWidthInteger & UnsignedInteger
  init(_ key: Key, _ place: Int)
  var key: Key { get }
  var place: Int { get }
}

/// 32-bit keys of rows shorter than 2³²: half the memory traffic.
private struct NarrowItem: SortItem {
  private let bits: UInt64
  @inline(__always) init(_ key: UInt32, _ place: Int) { bits = UInt64(key) << 32 | UInt64(truncatingIfNeeded: place) }
  @inline(__always) var key: UInt32 { UInt32(bits >> 32) }
  @inline(__always) var place: Int { Int(bits & 0xFFFF_FFFF) }
}

private struct WideItem: SortItem {
  let key: UInt64
  let place: Int
  @inline(__always) init(_ key: UInt64, _ place: Int) {
    self.key = key
    self.place = place
  }
}

/// A number's bits so that they order as whole numbers; both zeros are one, NaN is last in either direction.
@inline(__always) private func sortKey(_ value: Float, _ descending: Bool) -> UInt32 {
  if value.isNaN { return .max }
  let bits = (value == 0 ? 0 : value).bitPattern
  let ordered = bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  return descending ? ~ordered : ordered
}

@inline(__always) private func sortKey(_ value: Double, _ descending: Bool) -> UInt64 {
  if value.isNaN { return .max }
  let bits = (value == 0 ? 0 : value).bitPattern
  let ordered = bits >> 63 == 1 ? ~bits : bits | 0x8000_0000_0000_0000
  return descending ? ~ordered : ordered
}

@inline(__always) private func sortKey(_ value: Int64, _ descending: Bool) -> UInt64 {
  let ordered = UInt64(bitPattern: value) ^ 0x8000_0000_0000_0000
  return descending ? ~ordered : ordered
}

extension Tensor {
  /// Sorted along an axis, and the places (int64) the elements came from; equal elements keep their order; NaN comes last.
  public func sort(axis: Int, descending: Bool = false) throws -> (values: Tensor, indices: Tensor) {
    let timed = OperationClock.start(.sort)
    defer { timed.stop() }
    try check(axis: axis)
    let moved = try movedLast(axis).contiguous()
    let count = moved.shape[moved.rank - 1]
    let indices = try Tensor(uninitialized: moved.shape, .int64)
    if size > 0 {
      let target = indices.pointer(Int64.self)
      switch dtype {
      case .float32:
        let x = moved.pointer(Float.self)
        if count < 1 << 32 {
          try sortRows(count, target) { NarrowItem(sortKey(x[$0 + $1], descending), $1) }
        } else {
          try sortRows(count, target) { WideItem(UInt64(sortKey(x[$0 + $1], descending)), $1) }
        }
      case .float64:
        let x = moved.pointer(Double.self)
        try sortRows(count, target) { WideItem(sortKey(x[$0 + $1], descending), $1) }
      case .int64, .bool:
        let whole = try moved.converted(to: .int64).contiguous()
        let x = whole.pointer(Int64.self)
        try sortRows(count, target) { WideItem(sortKey(x[$0 + $1], descending), $1) }
      }
    }
    let values = try moved.gather(axis: moved.rank - 1, indices)
    return (try values.movedBack(axis), try indices.movedBack(axis))
  }

  /// Writes the sorted places of every row; `item` makes the item at a row's start and a place in it.
  private func sortRows<Item: SortItem>(
    _ count: Int, _ target: UnsafeMutablePointer<Int64>, _ item: (Int, Int) -> Item
  ) throws {
    let rows = size / count
    let rowsPerPiece = Swift.max(1, (1 << 16) / count)
    try Threads.run(pieces: (rows + rowsPerPiece - 1) / rowsPerPiece) { piece in
      let scratch = 2 * count * MemoryLayout<Item>.stride
      try MemoryBudget.reserve(scratch, for: "what sorting \(count) elements needs")
      defer { MemoryBudget.release(scratch) }
      let items = UnsafeMutablePointer<Item>.allocate(capacity: 2 * count)
      defer { items.deallocate() }
      for row in piece * rowsPerPiece..<Swift.min(rows, (piece + 1) * rowsPerPiece) {
        try sortRow(count, items) { item(row * count, $0) }
        let line = target + row * count
        try interruptibly(count) { for i in $0 { line[i] = Int64(items[i].place) } }
      }
    }
  }
}

/// The loop over `count` in blocks, with a question between them.
private func interruptibly(_ count: Int, _ body: (Range<Int>) throws -> Void) throws {
  var start = 0
  while start < count {
    try Interrupt.check()
    try body(start..<min(count, start + 1 << 16))
    start += 1 << 16
  }
}

/// Sorts `count` items into the first half of `items`, which has room for twice as many.
private func sortRow<Item: SortItem>(
  _ count: Int, _ items: UnsafeMutablePointer<Item>, _ item: (Int) -> Item
) throws {
  if count <= 64 {
    for i in 0..<count {
      let new = item(i)
      var at = i
      while at > 0, items[at - 1].key > new.key {
        items[at] = items[at - 1]
        at -= 1
      }
      items[at] = new
    }
    return
  }
  let digitBits = count < 4096 ? 8 : 11
  let digits = 1 << digitBits
  let passes = (Item.Key.bitWidth + digitBits - 1) / digitBits
  var counts = [Int](repeating: 0, count: passes * digits)
  let mask = Item.Key(digits - 1)
  try counts.withUnsafeMutableBufferPointer { counts in
    try interruptibly(count) {
      for i in $0 {
        let new = item(i)
        items[i] = new
        var key = new.key
        for pass in 0..<passes {
          counts[pass * digits + Int(key & mask)] += 1
          key >>= Item.Key(digitBits)
        }
      }
    }
    var (from, to) = (items, items + count)
    for pass in 0..<passes {
      let shift = Item.Key(pass * digitBits)
      let starts = UnsafeMutableBufferPointer(rebasing: counts[pass * digits..<(pass + 1) * digits])
      // All in one digit: nothing moves.
      if starts[Int(from[0].key >> shift & mask)] == count { continue }
      var total = 0
      for digit in 0..<digits { (starts[digit], total) = (total, total + starts[digit]) }
      try interruptibly(count) {
        for i in $0 {
          let moving = from[i]
          let digit = Int(moving.key >> shift & mask)
          to[starts[digit]] = moving
          starts[digit] += 1
        }
      }
      (from, to) = (to, from)
    }
    if from != items { try interruptibly(count) { for i in $0 { items[i] = from[i] } } }
  }
}
