// `xs[i] += v`, `r.f[i].g = v` for a variable of the function, where nothing on the way is shared and numbers meet numbers: no calls, no
// counting of references. All else goes the long way (`assignPath`).

extension Machine {
  /// Whether it was done; if not, nothing has changed.
  @inline(__always)
  func assignQuickly(_ i: Instruction, _ next: Instruction, _ base: Slots) -> Bool {
    guard Place(rawValue: Int(i.a)) == .register else { return false }
    let steps = base[-1].closure.pointee.core.pointee.info._withUnsafeGuaranteedRef { $0.pathStarts[Int(next.a)] }
    var place = base + i.wide
    for step in steps {
      let slot = place.pointee
      if step.key < 0 {
        let at = base[Int(step.register)]
        guard slot.tag == Tag.list, at.tag == Tag.int, step.count == 1 else { return false }
        let body = slot.list
        guard body.pointee.header.refs == 1, at.int >= 0, at.int < body.pointee.count else { return false }
        place = body.pointee.items + at.int
      } else {
        guard slot.tag == Tag.record, slot.header.pointee.refs == 1 else { return false }
        let at = Heap.find(slot.record, step.key)
        guard at >= 0 else { return false }
        place = slot.record.pointee.values + at
      }
    }
    let value = base[Int(next.b)]
    // `xs[0] = xs`: what is put in is the list as it was before.
    if value.isHeap, value.bits == base[i.wide].bits { return false }
    guard next.c != 0 else {
      value.retain()
      put(place, value)
      return true
    }
    let old = place.pointee
    guard let operation = Operator(rawValue: UInt8(next.c - 1)) else { return false }
    if old.tag == Tag.float, value.isNumber {
      let (x, y) = (old.float, value.number)
      switch operation {
      case .add: place.pointee = Slot(x + y)
      case .subtract: place.pointee = Slot(x - y)
      case .multiply: place.pointee = Slot(x * y)
      default: return false
      }
      return true
    }
    guard old.tag == Tag.int, value.tag == Tag.int else { return false }
    let (result, over): (Int, Bool)
    switch operation {
    case .add: (result, over) = old.int.addingReportingOverflow(value.int)
    case .subtract: (result, over) = old.int.subtractingReportingOverflow(value.int)
    case .multiply: (result, over) = old.int.multipliedReportingOverflow(by: value.int)
    default: return false
    }
    if over { return false }
    place.pointee = Slot(result)
    return true
  }
}
