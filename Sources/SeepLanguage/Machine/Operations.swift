// What operators mean, for every pair of operands that the machine's own short paths do not take.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Operators on borrowed slots; results carry a reference for the caller.
enum Operations {
  /// Containers nested deeper than this are not compared by order or mapped over.
  static let nestingLimit = 1000

  @inline(never)
  static func binary(_ operation: Operator, _ a: Slot, _ b: Slot, _ session: Session) throws -> Slot {
    if a.tag == Tag.int, b.tag == Tag.int { return try integers(operation, a.int, b.int) }
    if a.isNumber, b.isNumber { return try floats(operation, a, b) }
    if a.tag == Tag.foreign || b.tag == Tag.foreign {
      if let result = try foreign(operation, a, b, session) { return result }
    }
    switch operation {
    case .equal, .notEqual:
      let isEqual = areEqual(a, b)
      // Interrupted, it says something too early.
      try Interrupt.check()
      return Slot(isEqual == (operation == .equal))
    case .less, .lessEqual, .greater, .greaterEqual: return try order(operation, a, b)
    case .contains: return try contains(b, a, session)
    case .and, .or: return b.retained
    case .add, .subtract, .multiply, .divide, .floorDivide, .remainder, .power, .matmul: break
    }
    if a.tag == Tag.record || b.tag == Tag.record { return try map(operation, a, b, session, 0) }
    if let made = try sequence(operation, a, b) { return made }
    throw unsupported(operation, a, b)
  }

  static func unsupported(_ operation: Operator, _ a: Slot, _ b: Slot) -> Fault {
    var help: String?
    if operation == .add && (a.tag == Tag.string || b.tag == Tag.string)
      || operation == .remainder && a.tag == Tag.string
    {
      help = "put the value into the string: \"text {value}\""
    }
    return Fault(
      "type-mismatch", "`\(operation.symbol)` does not work on \(a.describedType) and \(b.describedType)", help: help,
      operands: [0: Display.label(a), 1: Display.label(b)])
  }

  // MARK: Numbers

  static func overflow(_ operation: Operator, _ a: Int, _ b: Int) -> Fault {
    Fault(
      "integer-overflow", "\(a) \(operation.symbol) \(b) does not fit into a 64-bit integer",
      help: "use a float: \(a).0 \(operation.symbol) \(b)")
  }

  static func divisionByZero(_ operation: Operator, _ a: Slot, _ b: Slot) -> Fault {
    Fault("division-by-zero", "division by zero: \(Display.quoted(a)) \(operation.symbol) \(Display.quoted(b))")
  }

  static func integers(_ operation: Operator, _ a: Int, _ b: Int) throws -> Slot {
    switch operation {
    case .add: return try checked(operation, a, b, a.addingReportingOverflow(b))
    case .subtract: return try checked(operation, a, b, a.subtractingReportingOverflow(b))
    case .multiply: return try checked(operation, a, b, a.multipliedReportingOverflow(by: b))
    case .divide:
      if b == 0 { throw divisionByZero(operation, Slot(a), Slot(b)) }
      return Slot(Double(a) / Double(b))
    case .floorDivide, .remainder:
      if b == 0 { throw divisionByZero(operation, Slot(a), Slot(b)) }
      if b == -1 {
        return operation == .remainder ? Slot(0) : try checked(operation, a, b, 0.subtractingReportingOverflow(a))
      }
      let (quotient, rest) = a.quotientAndRemainder(dividingBy: b)
      let adjust = rest != 0 && (rest < 0) != (b < 0)
      return operation == .remainder ? Slot(adjust ? rest + b : rest) : Slot(adjust ? quotient - 1 : quotient)
    case .power: return try power(a, b)
    case .less: return Slot(a < b)
    case .lessEqual: return Slot(a <= b)
    case .greater: return Slot(a > b)
    case .greaterEqual: return Slot(a >= b)
    case .equal: return Slot(a == b)
    case .notEqual: return Slot(a != b)
    case .and, .or: return Slot(b)
    case .matmul, .contains: throw unsupported(operation, Slot(a), Slot(b))
    }
  }

  @inline(__always)
  private static func checked(
    _ operation: Operator, _ a: Int, _ b: Int, _ result: (partialValue: Int, overflow: Bool)
  ) throws -> Slot {
    if result.overflow { throw overflow(operation, a, b) }
    return Slot(result.partialValue)
  }

  private static func power(_ base: Int, _ exponent: Int) throws -> Slot {
    if exponent < 0 {
      if base == 0 { throw Fault("division-by-zero", "division by zero: 0 ^ \(exponent)") }
      return Slot(pow(Double(base), Double(exponent)))
    }
    var result = 1
    var factor = base
    var left = exponent
    while left > 0 {
      if left & 1 == 1 {
        let (product, over) = result.multipliedReportingOverflow(by: factor)
        if over { throw overflow(.power, base, exponent) }
        result = product
      }
      left >>= 1
      if left > 0 {
        let (square, over) = factor.multipliedReportingOverflow(by: factor)
        if over { throw overflow(.power, base, exponent) }
        factor = square
      }
    }
    return Slot(result)
  }

  static func floats(_ operation: Operator, _ x: Slot, _ y: Slot) throws -> Slot {
    let a = x.number
    let b = y.number
    switch operation {
    case .add: return Slot(a + b)
    case .subtract: return Slot(a - b)
    case .multiply: return Slot(a * b)
    case .divide:
      if b == 0 { throw divisionByZero(operation, x, y) }
      return Slot(a / b)
    case .floorDivide:
      if b == 0 { throw divisionByZero(operation, x, y) }
      return Slot((a / b).rounded(.down))
    case .remainder:
      if b == 0 { throw divisionByZero(operation, x, y) }
      let rest = fmod(a, b)
      return Slot(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest)
    case .power:
      if a == 0, b < 0 { throw Fault("division-by-zero", "division by zero: 0.0 ^ \(Display.number(b))") }
      return Slot(pow(a, b))
    case .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual:
      if a.isNaN || b.isNaN { return Slot(operation == .notEqual) }
      return Slot(holds(operation, compareNumbers(x, y)))
    case .and, .or: return y
    case .matmul, .contains: throw unsupported(operation, x, y)
    }
  }

  /// -1, 0 or 1, exactly also where an int has no Double of its own; neither is nan.
  static func compareNumbers(_ x: Slot, _ y: Slot) -> Int {
    if x.tag == Tag.int, y.tag == Tag.int { return x.int < y.int ? -1 : (x.int > y.int ? 1 : 0) }
    let a = x.number
    let b = y.number
    if a < b { return -1 }
    if a > b { return 1 }
    if x.tag == y.tag { return 0 }
    // An int and a float that look equal as Doubles: the float is a whole number, compare it as an int.
    let whole = x.tag == Tag.int ? b : a
    if whole >= 0x1p63 { return x.tag == Tag.int ? -1 : 1 }
    let exact = Int(whole)
    let other = x.tag == Tag.int ? x.int : y.int
    let sign = other < exact ? -1 : (other > exact ? 1 : 0)
    return x.tag == Tag.int ? sign : -sign
  }

  static func holds(_ operation: Operator, _ sign: Int) -> Bool {
    switch operation {
    case .less: sign < 0
    case .lessEqual: sign <= 0
    case .greater: sign > 0
    case .greaterEqual: sign >= 0
    case .equal: sign == 0
    default: sign != 0
    }
  }

  // MARK: Foreign objects and records

  private static func foreign(_ operation: Operator, _ a: Slot, _ b: Slot, _ session: Session) throws -> Slot? {
    if a.tag == Tag.foreign, operation != .contains {
      let other = Value(copying: b)
      if let result = try a.foreignObject.operate(operation, other, reversed: false, in: session) {
        try session.afterOperation?()
        return result.retainedSlot
      }
    }
    if b.tag == Tag.foreign {
      let other = Value(copying: a)
      if let result = try b.foreignObject.operate(operation, other, reversed: true, in: session) {
        try session.afterOperation?()
        return result.retainedSlot
      }
    }
    return nil
  }

  /// Arithmetic over records, and inside them over lists and tuples: item by item, a single value meets every item.
  private static func map(_ operation: Operator, _ a: Slot, _ b: Slot, _ session: Session, _ depth: Int) throws -> Slot
  {
    if depth > nestingLimit { throw Fault("too-deep", "arithmetic over values nested more than \(nestingLimit) deep") }
    if a.tag == Tag.record || b.tag == Tag.record {
      let shape = a.tag == Tag.record ? a.record : b.record
      if a.tag == Tag.record, b.tag == Tag.record { try requireSameFields(operation, a, b) }
      let made = Heap.emptyRecord(capacity: shape.pointee.count)
      let result = Slot(tag: Tag.record, pointer: made)
      do {
        for i in 0..<shape.pointee.count {
          let key = shape.pointee.keys[i]
          let left = a.tag == Tag.record ? a.record.pointee.values[Heap.find(a.record, key)] : a
          let right = b.tag == Tag.record ? b.record.pointee.values[Heap.find(b.record, key)] : b
          Heap.set(made, key, try map(operation, left, right, session, depth + 1))
        }
      } catch {
        result.release()
        throw error
      }
      return result
    }
    let aHasItems = a.tag == Tag.list || a.tag == Tag.tuple
    let bHasItems = b.tag == Tag.list || b.tag == Tag.tuple
    if !aHasItems, !bHasItems { return try binary(operation, a, b, session) }
    let shape = aHasItems ? a : b
    if aHasItems, bHasItems, a.list.pointee.count != b.list.pointee.count || a.tag != b.tag {
      throw Fault(
        "shape-mismatch",
        "`\(operation.symbol)` meets \(a.typeName) of \(a.list.pointee.count) and \(b.typeName) of \(b.list.pointee.count)"
      )
    }
    let made = Heap.emptyList(shape.tag, capacity: shape.list.pointee.count)
    let result = Slot(tag: shape.tag, pointer: made)
    do {
      for i in 0..<shape.list.pointee.count {
        let left = aHasItems ? a.list.pointee.items[i] : a
        let right = bHasItems ? b.list.pointee.items[i] : b
        Heap.append(made, try map(operation, left, right, session, depth + 1))
      }
    } catch {
      result.release()
      throw error
    }
    return result
  }

  private static func requireSameFields(_ operation: Operator, _ a: Slot, _ b: Slot) throws {
    for (one, other, side) in [(a, b, "right"), (b, a, "left")] {
      for i in 0..<one.record.pointee.count where Heap.find(other.record, one.record.pointee.keys[i]) < 0 {
        throw Fault(
          "field-mismatch",
          "`\(operation.symbol)` needs the same fields on both sides; the record on the \(side) has no `\(Symbols.name(one.record.pointee.keys[i]))`"
        )
      }
    }
  }

  static func negate(_ a: Slot, _ session: Session) throws -> Slot {
    switch a.tag {
    case Tag.int:
      if a.int == Int.min { throw Fault("integer-overflow", "-(\(a.int)) does not fit into a 64-bit integer") }
      return Slot(-a.int)
    case Tag.float: return Slot(-a.float)
    case Tag.record: return try map(.multiply, a, Slot(-1), session, 0)
    case Tag.foreign:
      if let result = try a.foreignObject.operate(.negate, in: session) {
        try session.afterOperation?()
        return result.retainedSlot
      }
    default: break
    }
    throw Fault("type-mismatch", "`-` does not work on \(a.describedType)", operands: [0: Display.label(a)])
  }

  static func not(_ a: Slot, _ session: Session) throws -> Slot {
    if a.tag == Tag.foreign, let result = try a.foreignObject.operate(.not, in: session) { return result.retainedSlot }
    return Slot(!(try truth(a)))
  }

  /// What a condition makes of a value: `true`, `false`, `none` (as false), or an object that can tell.
  static func truth(_ a: Slot) throws -> Bool {
    if a.tag == Tag.bool { return a.bool }
    if a.tag == Tag.none { return false }
    if a.tag == Tag.foreign, let truth = try a.foreignObject.truth() { return truth }
    let help: String? =
      switch a.tag {
      case Tag.int, Tag.float: "compare it: `x != 0`"
      case Tag.string, Tag.list, Tag.record: "ask for its length: `len(x) > 0`"
      default: nil
      }
    throw Fault(
      "type-mismatch", "a condition must be true or false, not \(a.describedType)", help: help,
      operands: [0: Display.label(a)])
  }

  // MARK: Sequences

  /// `+` joins and `*` repeats strings, lists and tuples; nil if neither fits.
  private static func sequence(_ operation: Operator, _ a: Slot, _ b: Slot) throws -> Slot? {
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

  // MARK: Equality and order

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

  private static func order(_ operation: Operator, _ a: Slot, _ b: Slot) throws -> Slot {
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

  private static func contains(_ hay: Slot, _ needle: Slot, _ session: Session) throws -> Slot {
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
