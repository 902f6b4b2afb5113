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

/// R is the register file of the running function, K its constants. An instruction "with a jump" is followed by one
/// `jump` that it takes or skips.
enum Opcode: UInt8 {
  case halt

  // Moving
  /// R[a] = R[b], copied.
  case move
  /// R[a] = R[b], which is left empty.
  case take
  case loadNone
  case loadBool
  /// R[a] = wide as a signed number.
  case loadInt
  case loadConstant
  /// R[a] is emptied: a variable's scope has ended.
  case clear
  case getGlobal
  case setGlobal
  /// As `setGlobal`, leaving R[a] empty.
  case takeGlobal
  case getCapture
  case makeBox
  /// R[a] = a box for a function that is declared further down.
  case makeEmptyBox
  case loadAbsent
  /// R[a] = the box in R[b].
  case getBox
  /// The box in R[a] = R[b].
  case setBox
  case getCaptureBox
  /// The box in capture a = R[b].
  case setCaptureBox
  case getItself

  // Arithmetic: R[a] = R[b] op R[c], or op K[c]
  case add, subtract, multiply, divide, floorDivide, remainder, power, matmul
  case addK, subtractK, multiplyK, divideK, floorDivideK, remainderK, powerK
  case less, lessEqual, greater, greaterEqual, equal, notEqual, contains
  case negate, not
  /// R[a] = R[b] and R[c] (b is a), once both are known to matter.
  case and, or

  // Jumps
  case jump
  /// Backwards: asks for interrupts.
  case loop
  case jumpIfFalse
  case jumpIfTrue
  /// As the two above, but an object with elementwise logic goes on to the right operand.
  case jumpUnlessAnd
  case jumpUnlessOr
  /// An argument was given: its default is skipped.
  case jumpIfGiven
  /// With a jump, taken unless R[b] op R[c] (or K[c]).
  case testLess, testLessEqual, testGreater, testGreaterEqual, testEqual, testNotEqual
  case testLessK, testLessEqualK, testGreaterK, testGreaterEqualK, testEqualK, testNotEqualK

  // Loops
  /// R[a] and R[a+1] are the bounds of a range, c = 1 if the last belongs to it.
  case rangePrepare
  /// With a jump, taken while R[a] < R[a+1]: R[b] = R[a], R[a] += 1.
  case rangeLoop
  /// R[a] is what to go through; R[a+1] becomes the position.
  case iteratePrepare
  /// With a jump, taken while items are left: R[b] = the next one.
  case iterateLoop

  // Calls: callee in R[a], b arguments after it, result in R[a]
  case call
  /// The last arguments have the names of keyword list c.
  case callNamed
  /// R[a] = the field K[b] of R[a+1] if there is one, and R[a+1] becomes absent.
  case method
  /// A call whose first argument R[a+1] was written before the function; c is 1 + the keyword list, or 0.
  case callSubject
  case returnValue
  case returnNone
  /// R[a] = R[b] |> R[c]
  case pipe
  /// R[a] = R[b] >> R[c]
  case compose

  // Data
  /// From the c registers at b, which are left empty.
  case makeList, makeTuple
  /// Names are shape c; values at b are left empty.
  case makeRecord
  case makeRange, makeRangeInclusive
  case makeClosure
  /// R[a] = the record R[b] without the fields of shape c.
  case recordRest
  /// R[a] = R[b] with the fields of shape c from the registers after a.
  case recordWith
  /// R[a] = the texts of the c registers at b, joined.
  case joinText
  /// R[a] = R[b] in the format K[c].
  case format
  case field
  case index
  /// R[a] = R[b][items at R[c]…]; the next word's a is their number.
  case indexMany
  /// R[a][R[b]] = R[c]
  case setIndex
  /// R[a] += [R[b]], which is left empty.
  case append
  /// Place a (see `Place`) number wide; next word: a the path, b the value's register, c 1 + operator or 0.
  case assignPath
  /// global wide op= R[next word's a], the operator is a.
  case updateGlobal
  /// The b items of R[c] to registers from a on; exactly that many.
  case unpack

  // Patterns: with a jump, taken if R[a] does not match
  /// R[a] is a list or tuple (c & 1: tuple only, c & 4: list only) of b items, or at least b if c & 2.
  case testSequence
  /// R[a] has field K[b]; it goes to R[c].
  case testField
  /// R[a] is a record, or an object that may have fields.
  case testRecord
  /// R[a] equals R[b].
  case testSame
  /// R[a] is in the range R[b] (used for range patterns), c = 1 if it was written with `..=`.
  case testWithin
  /// R[a] = items b ..< count - c of the sequence R[next word's a].
  case slice

  // Rare
  case raise
  /// The fault in R[a] goes on as it was before a `defer` ran.
  case reraise
  case noMatch
  case addTest
  case useModule
  /// `_` = R[a]
  case setLast
  case assertHolds
  /// A profile follows: the program comes to line wide of its list; a is 0, or 1 if that counts, or 2 at the begin of a function.
  case mark
}

/// What kind of variable an `assignPath` starts at.
enum Place: Int {
  case register, global, box, captureBox
}
