// The machine's code: 8 bytes an instruction, operands are registers of the running function or numbers.

struct Instruction {
  var op: Opcode
  var a: UInt16
  var b: UInt16
  var c: UInt16

  init(_ op: Opcode, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0) {
    self.op = op
    self.a = UInt16(truncatingIfNeeded: a)
    self.b = UInt16(truncatingIfNeeded: b)
    self.c = UInt16(truncatingIfNeeded: c)
  }

  /// `b` and `c` together: jump targets and large numbers.
  @inline(__always) var wide: Int { Int(b) | Int(c) << 16 }

  init(_ op: Opcode, _ a: Int, wide: Int) {
    self.init(op, a, wide & 0xFFFF, wide >> 16)
  }
}

enum Opcode: UInt8 {
  case halt
}
