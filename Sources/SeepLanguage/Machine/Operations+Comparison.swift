// Equality, order and `in`.
import Ground

extension Operations {
  /// Structural equality without recursion. False where it was interrupted: who asks for long looks at the flag.
  static func areEqual(_ a: Slot, _ b: Slot) -> Bool {
    if !a.isHeap || !b.isHeap { return areEqualAtoms(a, b) }
    var waiting: [(Slot, Slot)] = [(a, b)]
    var turns = 0
    while let (x, y) = waiting.popLast() {
      turns &+= 1
      if turns & 0xFFFF == 0, Interrupt.isRequested { return false }
      if x.tag == y.tag, x.isHeap, x.bits == y.bits { continue }
      guard x.tag == y.tag, x.isHeap else {
        if areEqualAtoms(x, y) { continue }
        return false
      }
      switch x.tag {
      case Tag.list, Tag.tuple, Tag.composed:
        let (left, right) = x.tag == Tag.composed ? (Heap.members(x), Heap.members(y)) : (x.list, y.list)
        if left.pointee.count != right.pointee.count { return false }
        // Atoms are compared at once; only what has items of its own waits.
        let start = waiting.count
        for i in 0..<left.pointee.count {
          if i & 0xFFFF == 0, Interrupt.isRequested { return false }
          let (a, b) = (left.pointee.items[i], right.pointee.items[i])
          if a.isHeap, b.isHeap, a.tag != Tag.string {
            waiting.append((a, b))
          } else if !areEqualAtoms(a, b) {
            return false
          }
        }
        waiting[start...].reverse()
      case Tag.record:
        if x.record.pointee.count != y.record.pointee.count { return false }
        for i in 0..<x.record.pointee.count {
          let at = Heap.find(y.record, x.record.pointee.keys[i])
          if at < 0 { return false }
          waiting.append((x.record.pointee.values[i], y.record.pointee.values[at]))
        }
      case Tag.foreign:
        if !x.foreignObject.isEqual(to: y.foreignObject) { return false }
      default:
        if !areEqualAtoms(x, y) { return false }
      }
    }
    return true
  }

  private static func areEqualAtoms(_ a: Slot, _ b: Slot) -> Bool {
    if a.isNumber, b.isNumber {
      if a.number.isNaN || b.number.isNaN { return false }
      return compareNumbers(a, b) == 0
    }
    if a.tag != b.tag { return false }
    switch a.tag {
    case Tag.string:
      let count = a.string.pointee.count
      return count == b.string.pointee.count
        && LongText.order(Heap.bytes(a.string), Heap.bytes(b.string), count) == 0
    case Tag.range:
      return a.range.pointee.start == b.range.pointee.start && a.range.pointee.stop == b.range.pointee.stop
    case Tag.builtin: return a.builtinObject === b.builtinObject
    case Tag.list, Tag.tuple, Tag.record, Tag.composed: return areEqual(a, b)
    default: return a.bits == b.bits
    }
  }

  static func order(_ operation: Operator, _ a: Slot, _ b: Slot) throws -> Slot {
    guard let sign = try compare(a, b, 0) else {
      let near = a.tag == b.tag ? nil : "compare values of one kind"
      throw Fault(
        "type-mismatch", "`\(operation.symbol)` does not order \(a.describedType) and \(b.describedType)", help: near,
        operands: [0: Display.label(a), 1: Display.label(b)])
    }
    if sign == 2 { return Slot(false) }
    return Slot(holds(operation, sign))
  }

  /// -1, 0, 1; 2 where a nan decides; nil if the two have no order.
  static func compare(_ a: Slot, _ b: Slot, _ depth: Int) throws -> Int? {
    if a.isNumber, b.isNumber { return a.number.isNaN || b.number.isNaN ? 2 : compareNumbers(a, b) }
    guard a.tag == b.tag else { return nil }
    if depth > nestingLimit { throw Fault("too-deep", "these values are nested more than \(nestingLimit) deep") }
    switch a.tag {
    case Tag.string:
      let common = min(a.string.pointee.count, b.string.pointee.count)
      let sign = LongText.order(Heap.bytes(a.string), Heap.bytes(b.string), common)
      if common > 1 << 22 { try Interrupt.check() }
      if sign != 0 { return sign < 0 ? -1 : 1 }
      return (a.string.pointee.count - b.string.pointee.count).signum()
    case Tag.list, Tag.tuple:
      for i in 0..<min(a.list.pointee.count, b.list.pointee.count) {
        guard let sign = try compare(a.list.pointee.items[i], b.list.pointee.items[i], depth + 1) else { return nil }
        if sign != 0 { return sign }
      }
      return (a.list.pointee.count - b.list.pointee.count).signum()
    default: return nil
    }
  }

  static func contains(_ hay: Slot, _ needle: Slot, _ session: Session) throws -> Slot {
    switch hay.tag {
    case Tag.list, Tag.tuple:
      for i in 0..<hay.list.pointee.count {
        if i & 0xFFFF == 0 { try Interrupt.check() }
        if areEqual(hay.list.pointee.items[i], needle) { return Slot(true) }
      }
      return Slot(false)
    case Tag.string where needle.tag == Tag.string:
      return Slot(try LongText.place(of: LongText.bytes(needle.string), in: LongText.bytes(hay.string)) != nil)
    case Tag.record where needle.tag == Tag.string:
      return Slot(Heap.find(hay.record, Symbols.number(of: needle.string)) >= 0)
    case Tag.range:
      guard needle.tag == Tag.int else { return Slot(false) }
      return Slot(needle.int >= hay.range.pointee.start && needle.int < hay.range.pointee.stop)
    default: throw unsupported(.contains, needle, hay)
    }
  }
}
