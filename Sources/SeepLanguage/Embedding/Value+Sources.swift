// What a function rests on: the functions it calls and the values it reads, so that a change of any of them can be seen.

extension Value {
  /// The text of a function written in Seep, then that of every such function and value that it captures or reads by name, directly or by way
  /// of others, in the order in which they are met, each once. nil for anything else. The library's own functions do not count.
  /// - Parameter mark: what stands for a value that is no function; nil: its short display.
  public func sources(in session: Session, mark: (Value) throws -> String?) rethrows -> [String]? {
    guard functionSource != nil else { return nil }
    var texts: [String] = []
    var seen: Set<UInt> = []
    var globals: Set<Int> = []

    func walk(_ core: UnsafeMutablePointer<FunctionCore>) throws {
      let info = core.pointee.info.takeUnretainedValue()
      for place in 0..<info.codeCount where core.pointee.code[place].op == .getGlobal {
        let index = core.pointee.code[place].wide
        if globals.insert(index).inserted { try visit(session.machine.globals[index]) }
      }
      for inner in info.functions { try walk(inner) }
    }
    func visit(_ slot: Slot) throws {
      switch slot.tag {
      case Tag.closure:
        guard seen.insert(slot.bits).inserted else { return }
        texts.append(Value(copying: slot).functionSource ?? "")
        let captured = Heap.captures(slot.closure)
        for i in 0..<slot.closure.pointee.captureCount { try visit(captured[i]) }
        try walk(slot.closure.pointee.core)
      case Tag.composed:
        for member in Value(copying: slot).members { try visit(member.slot) }
      case Tag.box:
        if seen.insert(slot.bits).inserted { try visit(slot.box.pointee.value) }
      case Tag.builtin, Tag.absent: break
      default:
        let value = Value(copying: slot)
        texts.append(try mark(value) ?? session.display(value, .short))
      }
    }
    try visit(slot)
    return texts
  }
}
