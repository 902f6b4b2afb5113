// The loop of the machine. Short paths for numbers are written out here; everything else is a call that may throw. A
// thrown fault is given its place in the source once, then handed to the innermost `catch` or out of the loop.
import Ground

/// Puts a value whose reference is ours into a register.
@inline(__always)
func put(_ register: UnsafeMutablePointer<Slot>, _ value: Slot) {
  let old = register.pointee
  register.pointee = value
  if old.tag >= Tag.firstHeap { old.release() }
}

extension Machine {
  /// Turns between two looks at the interrupt flag: some 20 µs.
  @inline(__always) static var patience: Int { 2048 }

  /// Calls the closure at `start` with `count` arguments after it; takes over all of these slots.
  func runNested(_ start: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int]) throws -> Slot {
    let (oldTop, oldPC, oldBase) = (top, savedPC, savedBase)
    defer { (top, savedPC, savedBase) = (oldTop, oldPC, oldBase) }
    let core = start[0].closure.pointee.core
    let base = start + 1
    do {
      try requireNativeStack()
      try Interrupt.check()
      if frameCount >= depthLimit || UInt(bitPattern: base + core.pointee.registerCount + count) > stackLimit {
        throw tooDeep
      }
    } catch {
      for i in 0...count { put(start + i, .none) }
      throw error
    }
    if core.pointee.plainCount != count || !keywords.isEmpty {
      do {
        try arrange(core.pointee.info.takeUnretainedValue(), base, count, keywords)
      } catch {
        put(start, .none)
        throw error
      }
    }
    frames[frameCount] = Frame(pc: savedPC, base: savedBase, isEntry: true)
    frameCount += 1
    return try run(core, base)
  }

  /// Runs from the start of a function until the frame it was entered with returns.
  private func run(_ entry: UnsafeMutablePointer<FunctionCore>, _ start: UnsafeMutablePointer<Slot>) throws -> Slot {
    var base = start
    var pc = entry.pointee.code
    var constants = entry.pointee.constants
    var fuel = Machine.patience
    while true {
      do {
        while true {
          let i = pc.pointee
          pc += 1
          let a = base + Int(i.a)
          switch i.op {
          case .halt:
            throw Fault("internal-error", "the machine ran past the end of a function")

          // MARK: Moving
          case .move:
            let value = base[Int(i.b)]
            value.retain()
            put(a, value)
          case .take:
            let from = base + Int(i.b)
            let value = from.pointee
            from.pointee = .none
            put(a, value)
          case .loadNone: put(a, .none)
          case .loadBool: put(a, Slot(i.b != 0))
          case .loadInt: put(a, Slot(Int(Int32(truncatingIfNeeded: i.wide))))
          case .loadConstant:
            let value = constants[i.wide]
            value.retain()
            put(a, value)
          case .clear: put(a, .none)
          case .getGlobal:
            let value = globals[i.wide]
            if value.tag == Tag.absent { throw unbound(i.wide) }
            value.retain()
            put(a, value)
          case .setGlobal:
            let value = a.pointee
            value.retain()
            put(globals + i.wide, value)
          case .takeGlobal:
            let value = a.pointee
            a.pointee = .none
            put(globals + i.wide, value)
          case .getCapture:
            let value = Heap.captures(base[-1].closure)[Int(i.b)]
            value.retain()
            put(a, value)
          case .makeBox: a.pointee = Heap.box(a.pointee)
          case .makeEmptyBox: put(a, Heap.box(.absent))
          case .loadAbsent: put(a, .absent)
          case .getBox:
            let value = base[Int(i.b)].box.pointee.value
            if value.tag == Tag.absent { throw unboundLocal }
            value.retain()
            put(a, value)
          case .setBox:
            let value = base[Int(i.b)]
            value.retain()
            let box = a.pointee.box
            let old = box.pointee.value
            box.pointee.value = value
            old.release()
          case .getCaptureBox:
            let value = Heap.captures(base[-1].closure)[Int(i.b)].box.pointee.value
            if value.tag == Tag.absent { throw unboundLocal }
            value.retain()
            put(a, value)
          case .setCaptureBox:
            let value = base[Int(i.b)]
            value.retain()
            let box = Heap.captures(base[-1].closure)[Int(i.a)].box
            let old = box.pointee.value
            box.pointee.value = value
            old.release()
          case .getItself:
            let value = base[-1]
            value.retain()
            put(a, value)

          // MARK: Arithmetic
          case .add:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              let (sum, over) = x.int.addingReportingOverflow(y.int)
              if !over {
                put(a, Slot(sum))
                continue
              }
            } else if x.tag == Tag.float, y.tag == Tag.float {
              put(a, Slot(x.float + y.float))
              continue
            }
            try binary(.add, i, base, y, pc)
          case .subtract:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              let (difference, over) = x.int.subtractingReportingOverflow(y.int)
              if !over {
                put(a, Slot(difference))
                continue
              }
            } else if x.tag == Tag.float, y.tag == Tag.float {
              put(a, Slot(x.float - y.float))
              continue
            }
            try binary(.subtract, i, base, y, pc)
          case .multiply:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              let (product, over) = x.int.multipliedReportingOverflow(by: y.int)
              if !over {
                put(a, Slot(product))
                continue
              }
            } else if x.tag == Tag.float, y.tag == Tag.float {
              put(a, Slot(x.float * y.float))
              continue
            }
            try binary(.multiply, i, base, y, pc)
          case .divide:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.float, y.tag == Tag.float, y.float != 0 {
              put(a, Slot(x.float / y.float))
              continue
            }
            try binary(.divide, i, base, y, pc)
          case .floorDivide:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int, x.int >= 0, y.int > 0 {
              put(a, Slot(x.int / y.int))
              continue
            }
            try binary(.floorDivide, i, base, y, pc)
          case .remainder:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int, x.int >= 0, y.int > 0 {
              put(a, Slot(x.int % y.int))
              continue
            }
            try binary(.remainder, i, base, y, pc)
          case .power: try binary(.power, i, base, base[Int(i.c)], pc)
          case .matmul: try binary(.matmul, i, base, base[Int(i.c)], pc)
          case .addK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              let (sum, over) = x.int.addingReportingOverflow(y.int)
              if !over {
                put(a, Slot(sum))
                continue
              }
            } else if x.tag == Tag.float, y.tag == Tag.float {
              put(a, Slot(x.float + y.float))
              continue
            }
            try binary(.add, i, base, y, pc)
          case .subtractK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              let (difference, over) = x.int.subtractingReportingOverflow(y.int)
              if !over {
                put(a, Slot(difference))
                continue
              }
            } else if x.tag == Tag.float, y.tag == Tag.float {
              put(a, Slot(x.float - y.float))
              continue
            }
            try binary(.subtract, i, base, y, pc)
          case .multiplyK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              let (product, over) = x.int.multipliedReportingOverflow(by: y.int)
              if !over {
                put(a, Slot(product))
                continue
              }
            } else if x.tag == Tag.float, y.tag == Tag.float {
              put(a, Slot(x.float * y.float))
              continue
            }
            try binary(.multiply, i, base, y, pc)
          case .divideK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            if x.tag == Tag.float, y.tag == Tag.float, y.float != 0 {
              put(a, Slot(x.float / y.float))
              continue
            }
            try binary(.divide, i, base, y, pc)
          case .floorDivideK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int, x.int >= 0, y.int > 0 {
              put(a, Slot(x.int / y.int))
              continue
            }
            try binary(.floorDivide, i, base, y, pc)
          case .remainderK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int, x.int >= 0, y.int > 0 {
              put(a, Slot(x.int % y.int))
              continue
            }
            try binary(.remainder, i, base, y, pc)
          case .powerK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            if y.tag == Tag.int, y.int == 2, x.tag == Tag.float {
              put(a, Slot(x.float * x.float))
              continue
            }
            try binary(.power, i, base, y, pc)
          case .less:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              put(a, Slot(x.int < y.int))
              continue
            }
            try binary(.less, i, base, y, pc)
          case .lessEqual:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              put(a, Slot(x.int <= y.int))
              continue
            }
            try binary(.lessEqual, i, base, y, pc)
          case .greater:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              put(a, Slot(x.int > y.int))
              continue
            }
            try binary(.greater, i, base, y, pc)
          case .greaterEqual:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              put(a, Slot(x.int >= y.int))
              continue
            }
            try binary(.greaterEqual, i, base, y, pc)
          case .equal:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              put(a, Slot(x.int == y.int))
              continue
            }
            if x.tag < Tag.firstHeap, y.tag < Tag.firstHeap, x.tag != Tag.float, y.tag != Tag.float {
              put(a, Slot((x.tag == y.tag && x.bits == y.bits)))
              continue
            }
            try binary(.equal, i, base, y, pc)
          case .notEqual:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.int, y.tag == Tag.int {
              put(a, Slot(x.int != y.int))
              continue
            }
            if x.tag < Tag.firstHeap, y.tag < Tag.firstHeap, x.tag != Tag.float, y.tag != Tag.float {
              put(a, Slot(!(x.tag == y.tag && x.bits == y.bits)))
              continue
            }
            try binary(.notEqual, i, base, y, pc)
          case .contains: try binary(.contains, i, base, base[Int(i.c)], pc)
          case .negate:
            let x = base[Int(i.b)]
            if x.tag == Tag.float {
              put(a, Slot(-x.float))
              continue
            }
            leave(pc, base)
            put(a, try Operations.negate(x, session))
          case .not:
            let x = base[Int(i.b)]
            if x.tag == Tag.bool {
              put(a, Slot(!x.bool))
              continue
            }
            leave(pc, base)
            put(a, try Operations.not(x, session))
          case .and, .or:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            if x.tag == Tag.foreign || y.tag == Tag.foreign {
              try binary(i.op == .and ? .and : .or, i, base, y, pc)
              continue
            }
            y.retain()
            put(a, y)

          // MARK: Jumps
          case .jump: pc = code(base) + i.wide
          case .loop:
            pc = code(base) + i.wide
            fuel &-= 1
            if fuel <= 0 {
              fuel = Machine.patience
              try Interrupt.check()
            }
          case .jumpIfFalse:
            let x = a.pointee
            let holds = x.tag == Tag.bool ? x.bool : try Operations.truth(x)
            if !holds { pc = code(base) + i.wide }
          case .jumpIfTrue:
            let x = a.pointee
            let holds = x.tag == Tag.bool ? x.bool : try Operations.truth(x)
            if holds { pc = code(base) + i.wide }
          case .jumpUnlessAnd:
            let x = a.pointee
            if x.tag == Tag.foreign { continue }
            let holds = x.tag == Tag.bool ? x.bool : try Operations.truth(x)
            if !holds { pc = code(base) + i.wide }
          case .jumpUnlessOr:
            let x = a.pointee
            if x.tag == Tag.foreign { continue }
            let holds = x.tag == Tag.bool ? x.bool : try Operations.truth(x)
            if holds { pc = code(base) + i.wide }
          case .jumpIfGiven:
            if a.pointee.tag != Tag.absent { pc = code(base) + i.wide }
          case .testLess:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int < y.int : try test(.less, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testLessEqual:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int <= y.int : try test(.lessEqual, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testGreater:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int > y.int : try test(.greater, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testGreaterEqual:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int >= y.int : try test(.greaterEqual, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testEqual:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int == y.int : try test(.equal, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testNotEqual:
            let x = base[Int(i.b)]
            let y = base[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int != y.int : try test(.notEqual, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testLessK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int < y.int : try test(.less, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testLessEqualK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int <= y.int : try test(.lessEqual, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testGreaterK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int > y.int : try test(.greater, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testGreaterEqualK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int >= y.int : try test(.greaterEqual, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testEqualK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int == y.int : try test(.equal, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testNotEqualK:
            let x = base[Int(i.b)]
            let y = constants[Int(i.c)]
            let holds =
              x.tag == Tag.int && y.tag == Tag.int ? x.int != y.int : try test(.notEqual, x, y, pc, base)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide

          // MARK: Loops
          case .rangePrepare: try prepareRange(a, inclusive: i.c != 0)
          case .rangeLoop:
            let now = a.pointee.int
            if now < a[1].int {
              put(base + Int(i.b), Slot(now))
              a.pointee.bits = UInt(bitPattern: now &+ 1)
              pc = code(base) + pc.pointee.wide
              fuel &-= 1
              if fuel <= 0 {
                fuel = Machine.patience
                try Interrupt.check()
              }
            } else {
              pc += 1
            }
          case .iteratePrepare:
            leave(pc, base)
            try prepareIteration(a)
          case .iterateLoop:
            let at = a[1].int
            if a.pointee.tag == Tag.list || a.pointee.tag == Tag.tuple {
              let body = a.pointee.list
              if at < body.pointee.count {
                let item = body.pointee.items[at]
                item.retain()
                put(base + Int(i.b), item)
                a[1].bits = UInt(bitPattern: at &+ 1)
                pc = code(base) + pc.pointee.wide
              } else {
                pc += 1
              }
            } else {
              leave(pc, base)
              let goesOn = try nextItem(a, base + Int(i.b))
              pc = goesOn ? code(base) + pc.pointee.wide : pc + 1
            }
            fuel &-= 1
            if fuel <= 0 {
              fuel = Machine.patience
              try Interrupt.check()
            }

          // MARK: Calls
          case .call:
            let callee = a.pointee
            if callee.tag == Tag.closure {
              let core = callee.closure.pointee.core
              let count = Int(i.b)
              if core.pointee.plainCount != count {
                try arrange(core.pointee.info.takeUnretainedValue(), a + 1, count, [])
              }
              let inner = a + 1
              if frameCount >= depthLimit || UInt(bitPattern: inner + core.pointee.registerCount) > stackLimit {
                throw tooDeep
              }
              frames[frameCount] = Frame(pc: pc, base: base, isEntry: false)
              frameCount &+= 1
              base = inner
              pc = core.pointee.code
              constants = core.pointee.constants
              fuel &-= 1
              if fuel <= 0 {
                fuel = Machine.patience
                try Interrupt.check()
              }
            } else {
              leave(pc, base)
              try callNative(a, Int(i.b), [])
            }
          case .callNamed:
            leave(pc, base)
            let names = info(base).keywordLists[Int(i.c)]
            var state = (pc, base, constants)  // copies, so that the loop's own stay in processor registers
            try callGeneral(a, Int(i.b), names, &state.0, &state.1, &state.2)
            (pc, base, constants) = state
          case .method:
            leave(pc, base)
            try findMethod(a, constants[Int(i.b)].int)
          case .callSubject:
            leave(pc, base)
            let names = i.c == 0 ? [] : info(base).keywordLists[Int(i.c) - 1]
            var state = (pc, base, constants)
            try callSubject(a, Int(i.b), names, &state.0, &state.1, &state.2)
            (pc, base, constants) = state
          case .returnValue:
            let result = a.pointee
            a.pointee = .none
            let place = base - 1
            var r = base
            let end = base + place.pointee.closure.pointee.core.pointee.registerCount
            while r < end {
              let old = r.pointee
              if old.tag >= Tag.firstHeap { old.release() }
              r.pointee.tag = Tag.none
              r += 1
            }
            frameCount &-= 1
            let frame = frames[frameCount]
            place.pointee.release()
            if frame.isEntry {
              place.pointee = .none
              return result
            }
            place.pointee = result
            pc = frame.pc
            base = frame.base
            constants = base[-1].closure.pointee.core.pointee.constants
          case .returnNone:
            let isEntry = frames[frameCount &- 1].isEntry
            let place = base - 1
            (pc, base) = leaveFrame(base)
            place.pointee = .none
            if isEntry { return .none }
            constants = base[-1].closure.pointee.core.pointee.constants
          case .pipe:
            leave(pc, base)
            put(a, try apply(base[Int(i.c)], to: base + Int(i.b)))
          case .compose:
            leave(pc, base)
            put(a, try compose(base[Int(i.b)], base[Int(i.c)]))

          // MARK: Data
          case .makeList: put(a, takeItems(Tag.list, base + Int(i.b), Int(i.c)))
          case .makeTuple:
            put(a, takeItems(Tag.tuple, base + Int(i.b), Int(i.c)))
          case .makeRecord: put(a, takeFields(info(base), Int(i.c), base + Int(i.b)))
          case .makeRange, .makeRangeInclusive:
            put(a, try makeRange(base[Int(i.b)], base[Int(i.c)], inclusive: i.op == .makeRangeInclusive))
          case .makeClosure: put(a, makeClosure(info(base).functions[i.wide], base))
          case .recordWith:
            leave(pc, base)
            put(a, try recordWith(info(base), Int(i.c), base[Int(i.b)], a + 1))
          case .joinText: put(a, try joinText(base + Int(i.b), Int(i.c)))
          case .format:
            leave(pc, base)
            put(a, try TextFormat.format(base[Int(i.b)], Heap.text(constants[Int(i.c)].string)))
          case .field:
            let x = base[Int(i.b)]
            let key = constants[Int(i.c)].int
            if x.tag == Tag.record {
              let at = Heap.find(x.record, key)
              if at >= 0 {
                let value = x.record.pointee.values[at]
                value.retain()
                put(a, value)
                continue
              }
            }
            leave(pc, base)
            put(a, try Access.field(x, key, session))
          case .index:
            let x = base[Int(i.b)]
            let at = base[Int(i.c)]
            if x.tag == Tag.list, at.tag == Tag.int {
              let body = x.list
              if at.int >= 0, at.int < body.pointee.count {
                let item = body.pointee.items[at.int]
                item.retain()
                put(a, item)
                continue
              }
            }
            leave(pc, base)
            put(a, try Access.index(x, base + Int(i.c), 1, session))
          case .indexMany:
            let count = Int(pc.pointee.a)
            leave(pc, base)
            put(a, try Access.index(base[Int(i.b)], base + Int(i.c), count, session))
            pc += 1
          case .setIndex:
            let at = base[Int(i.b)]
            if a.pointee.tag == Tag.list, at.tag == Tag.int {
              let body = a.pointee.list
              if body.pointee.header.refs == 1, at.int >= 0, at.int < body.pointee.count {
                let value = base[Int(i.c)]
                value.retain()
                if value.bits != a.pointee.bits || !value.isHeap {
                  put(body.pointee.items + at.int, value)
                  continue
                }
                defer { value.release() }
                leave(pc, base)
                try Access.assign(a, base + Int(i.b), 1, value, session)
                continue
              }
            }
            leave(pc, base)
            try Access.assign(a, base + Int(i.b), 1, base[Int(i.c)], session)
          case .append:
            let value = base[Int(i.b)]
            if a.pointee.tag == Tag.list, a.pointee.header.pointee.refs == 1 {
              base[Int(i.b)].tag = Tag.none
              Heap.append(a.pointee.list, value)
              continue
            }
            leave(pc, base)
            try appendItem(a, base + Int(i.b))
          case .assignPath:
            if assignQuickly(i, pc.pointee, base) {
              pc += 1
              continue
            }
            leave(pc, base)
            try assignPath(i, pc.pointee, base)
            pc += 1
          case .updateGlobal:
            let place = globals + i.wide
            let x = place.pointee
            let y = base[Int(pc.pointee.a)]
            if i.a == UInt16(Operator.add.rawValue) {
              if x.tag == Tag.int, y.tag == Tag.int {
                let (sum, over) = x.int.addingReportingOverflow(y.int)
                if !over {
                  place.pointee.bits = UInt(bitPattern: sum)
                  pc += 1
                  continue
                }
              } else if x.tag == Tag.float, y.tag == Tag.float {
                place.pointee.bits = UInt((x.float + y.float).bitPattern)
                pc += 1
                continue
              }
            }
            leave(pc, base)
            if x.tag == Tag.absent { throw unbound(i.wide) }
            try updateGlobal(i, i.wide, y)
            pc += 1
          case .unpack:
            leave(pc, base)
            try unpack(base[Int(i.c)], into: a, Int(i.b))

          // MARK: Patterns
          case .testSequence:
            let holds = matchesSequence(a.pointee, count: Int(i.b), mode: Int(i.c))
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testField:
            leave(pc, base)
            let holds = try matchesField(a.pointee, constants[Int(i.b)].int, into: base + Int(i.c))
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testRecord:
            let holds = a.pointee.tag == Tag.record || a.pointee.tag == Tag.foreign
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .recordRest:
            leave(pc, base)
            put(a, try recordRest(base[Int(i.b)], info(base).keywordLists[Int(i.c)]))
          case .testSame:
            let holds = Operations.areEqual(a.pointee, base[Int(i.b)])
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .testWithin:
            let holds = a.pointee.isNumber && isWithin(a.pointee, base[Int(i.b)], inclusive: i.c != 0)
            pc = holds ? pc + 1 : code(base) + pc.pointee.wide
          case .slice:
            put(a, middle(of: base[Int(pc.pointee.a)], Int(i.b), Int(i.c)))
            pc += 1

          // MARK: Rare
          case .reraise: throw resumed(a.pointee)
          case .raise:
            leave(pc, base)
            throw raised(a.pointee)
          case .noMatch:
            throw Fault("no-match", "no case of this `match` fits \(Display.label(a.pointee))")
          case .addTest:
            session.tests.append((Heap.text(constants[i.wide].string), Value(copying: a.pointee)))
          case .useModule:
            leave(pc, base)
            put(a, try session.loadModule(constants[i.wide], info(base).file))
          case .setLast: session.lastValue = Value(copying: a.pointee)
          case .assertHolds:
            let holds = try Operations.truth(a.pointee)
            if !holds { throw try failedAssertion(info(base), Int(i.b), base) }
          case .mark: mark(i)
          }
        }
      } catch {
        var fault = error as? Fault ?? Fault("internal-error", "\(error)")
        locate(&fault, pc, base)
        guard let resumed = unwind(fault, pc, base) else { throw fault }
        (pc, base) = resumed
        constants = base[-1].closure.pointee.core.pointee.constants
      }
    }
  }

  // MARK: Small helps of the loop

  @inline(__always)
  private func code(_ base: UnsafeMutablePointer<Slot>) -> UnsafeMutablePointer<Instruction> {
    base[-1].closure.pointee.core.pointee.code
  }

  @inline(__always)
  func info(_ base: UnsafeMutablePointer<Slot>) -> FunctionInfo {
    base[-1].closure.pointee.core.pointee.info.takeUnretainedValue()
  }

  /// Before Swift code that may call back: where the loop stands and where the stack is free.
  @inline(__always)
  func leave(_ pc: UnsafeMutablePointer<Instruction>, _ base: UnsafeMutablePointer<Slot>) {
    savedPC = pc
    savedBase = base
    top = base + base[-1].closure.pointee.core.pointee.registerCount
  }

  /// R[a] = R[b] op y; where R[a] is R[b], strings and lists may grow where they are.
  @inline(never)
  private func binary(
    _ operation: Operator, _ i: Instruction, _ base: UnsafeMutablePointer<Slot>, _ y: Slot,
    _ pc: UnsafeMutablePointer<Instruction>
  ) throws {
    leave(pc, base)
    let x = base[Int(i.b)]
    let a = base + Int(i.a)
    if i.a == i.b, operation == .add, x.isHeap {
      try Operations.update(operation, a, y, session)
    } else {
      put(a, try Operations.binary(operation, x, y, session))
    }
    if x.tag == Tag.foreign || y.tag == Tag.foreign { try Interrupt.check() }
  }

  @inline(never)
  private func test(
    _ operation: Operator, _ x: Slot, _ y: Slot, _ pc: UnsafeMutablePointer<Instruction>,
    _ base: UnsafeMutablePointer<Slot>
  ) throws -> Bool {
    if operation == .equal || operation == .notEqual, x.tag == Tag.none || y.tag == Tag.none,
      x.tag != Tag.foreign, y.tag != Tag.foreign
    {
      return (x.tag == y.tag) == (operation == .equal)
    }
    if x.tag == Tag.float, y.tag == Tag.float {
      switch operation {
      case .less: return x.float < y.float
      case .lessEqual: return x.float <= y.float
      case .greater: return x.float > y.float
      case .greaterEqual: return x.float >= y.float
      case .equal: return x.float == y.float
      default: return x.float != y.float
      }
    }
    leave(pc, base)
    let result = try Operations.binary(operation, x, y, session)
    defer { result.release() }
    return try Operations.truth(result)
  }
}
