// Assignments to parts of values, in place where nobody else has them.
import Ground

extension Machine {
  func assignPath(_ i: Instruction, _ next: Instruction, _ base: Slots) throws {
    let info = info(base)
    let operation = next.c == 0 ? nil : Operator(rawValue: UInt8(next.c - 1))
    let path = info.pathStarts[Int(next.a)]
    let place: Slots
    switch Place(rawValue: Int(i.a)) ?? .register {
    case .register: place = base + i.wide
    case .global: place = globals + i.wide
    case .box: return try assignBox(base[i.wide], path, operation, base[Int(next.b)], base)
    case .captureBox:
      let box = Heap.captures(base[-1].closure)[i.wide]
      return try assignBox(box, path, operation, base[Int(next.b)], base)
    }
    if place.pointee.tag == Tag.absent { throw i.a == 1 ? unbound(i.wide) : unboundLocal }
    try assignInPlace(place, isGlobal: i.a == 1, i.wide, path, operation, base[Int(next.b)], base)
  }

  /// A library that is called back during the assignment may grow the globals, so a global's value is taken out, changed
  /// and put back.
  private func assignInPlace(
    _ place: Slots, isGlobal: Bool, _ index: Int, _ path: UnsafeBufferPointer<PathStep>, _ operation: Operator?,
    _ value: Slot,
    _ base: Slots
  ) throws {
    var slot = place.pointee
    // `xs[0] = xs` puts the list in as it was before: with a second owner, `xs` is copied before it changes.
    let isItself = value.isHeap && value.bits == slot.bits
    if isItself { value.retain() }
    defer { if isItself { value.release() } }
    if isGlobal { place.pointee = .none }
    defer {
      if isGlobal {
        let target = globals + index
        let now = target.pointee
        target.pointee = slot
        now.release()
      } else {
        place.pointee = slot
      }
    }
    try Access.assign(&slot, path, operation, value, base, session)
  }

  private func assignBox(
    _ box: Slot, _ path: UnsafeBufferPointer<PathStep>, _ operation: Operator?, _ value: Slot, _ base: Slots
  ) throws {
    box.retain()
    defer { box.release() }
    if box.box.pointee.value.tag == Tag.absent { throw unboundLocal }
    try Access.assign(&box.box.pointee.value, path, operation, value, base, session)
  }

  func updateGlobal(_ i: Instruction, _ index: Int, _ value: Slot) throws {
    guard let operation = Operator(rawValue: UInt8(i.a)) else { return }
    try assignInPlace(
      globals + index, isGlobal: true, index, UnsafeBufferPointer(start: nil, count: 0), operation, value, globals)
  }
}
