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
}
