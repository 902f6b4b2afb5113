// `f >> g` of plain functions. A long composition that grows shares its beginning: `f = f >> g` in a loop makes a node of
// two, and the members are put side by side when somebody asks for them.
import Ground

extension Heap {
  /// Compositions with more members than this are shared, not copied.
  private static let copied = 16

  /// A composition of two functions, which are retained.
  static func composition(_ a: Slot, _ b: Slot) throws -> Slot {
    let (first, second) = (memberCount(a), memberCount(b))
    let (total, isTooMany) = first.addingReportingOverflow(second)
    try Operations.requireRoom(isTooMany ? Int.max : total, MemoryLayout<Slot>.stride)
    if total > copied {
      let body = emptyList(Tag.composed, capacity: 2)
      append(body, a.retained)
      append(body, b.retained)
      body.pointee.capacity = total  // nothing is ever appended to it
      return Slot(tag: Tag.composed, pointer: body)
    }
    let body = emptyList(Tag.composed, capacity: total)
    for part in [a, b] {
      guard part.tag == Tag.composed else {
        append(body, part.retained)
        continue
      }
      let members = self.members(part)
      for i in 0..<members.pointee.count { append(body, members.pointee.items[i].retained) }
    }
    return Slot(tag: Tag.composed, pointer: body)
  }

  private static func memberCount(_ slot: Slot) -> Int {
    if slot.tag != Tag.composed { return 1 }
    return isNode(slot.list) ? slot.list.pointee.capacity : slot.list.pointee.count
  }

  private static func isNode(_ body: UnsafeMutablePointer<ListBody>) -> Bool {
    body.pointee.count == 2 && (body.pointee.items[0].tag == Tag.composed || body.pointee.items[1].tag == Tag.composed)
  }

  /// The members of a composition, none of which is one. A node becomes a list of them, once.
  static func members(_ slot: Slot) -> UnsafeMutablePointer<ListBody> {
    let body = slot.list
    guard isNode(body) else { return body }
    let flat = emptyList(Tag.composed, capacity: body.pointee.capacity)
    var waiting = [slot]
    while let next = waiting.popLast() {
      guard next.tag == Tag.composed else {
        append(flat, next.retained)
        continue
      }
      let inner = next.list
      for i in (0..<inner.pointee.count).reversed() { waiting.append(inner.pointee.items[i]) }
    }
    swap(&body.pointee.items, &flat.pointee.items)
    swap(&body.pointee.count, &flat.pointee.count)
    swap(&body.pointee.capacity, &flat.pointee.capacity)
    Slot(tag: Tag.composed, pointer: flat).release()  // with the two halves
    return body
  }
}
