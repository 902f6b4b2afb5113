// The register machine: one raw stack of slots, one of frames, the globals. Run.swift is its loop.
//
// Invariant: every slot of the stack is always a valid slot that owns what it points to, and above the registers of the
// running frame (and the arguments of running Swift code) nothing points anywhere. So a frame needs no initialisation:
// the compiler writes a register before it reads it, and writing releases whatever an earlier use left there.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a call saves of its caller.
struct Frame {
  var pc: UnsafeMutablePointer<Instruction>
  var base: UnsafeMutablePointer<Slot>
  /// Called from Swift: returning leaves the loop.
  var isEntry: Bool
}

/// Where the fault that is on its way was thrown; kept beside it because faults carry no spans.
struct PendingFault {
  var fault: Fault
  /// The value of `raise value`; nil for faults of the machine or the library.
  var value: Value?
  var file: SourceHandle?
  var site: Site
  var arguments: [Site]
  var trace: [TraceEntry]
  /// Further mistakes of the same text: several syntax errors.
  var others: [CompileError] = []
  /// Operands in more detail than the fault's labels.
  var kinds: [Int: String] = [:]
}

struct TraceEntry {
  var function: String
  var file: SourceHandle
  var site: Site
  /// Called by Seep code, and not by a builtin that was given the function.
  var isDirect = true

  /// How a function without a name is called in a trace.
  static let anonymous = "an anonymous function"
}

final class Machine {
  unowned(unsafe) var session: Session!
  /// Slots the stack may hold: 8 M, of which the system gives only the pages that are touched.
  static let stackCapacity = 8 << 20
  static let frameCapacity = 1 << 17

  let stack: UnsafeMutablePointer<Slot>
  /// Address above which no frame may reach.
  let stackLimit: UInt
  let frames: UnsafeMutablePointer<Frame>
  var frameCount = 0
  /// The first free slot while Swift code runs.
  var top: UnsafeMutablePointer<Slot>
  /// Where the loop stands while Swift code runs.
  var savedPC: UnsafeMutablePointer<Instruction>
  var savedBase: UnsafeMutablePointer<Slot>
  var globals: UnsafeMutablePointer<Slot>
  private(set) var globalCapacity = 1024
  var depthLimit = 20_000
  var pending: PendingFault?
  /// Where the code's marks are noted, while a profile follows.
  var marks: ProfileMarks?
  private let idle: UnsafeMutablePointer<Instruction>
  private var nativeLimit: UInt = 0
  private var nativeThread: pthread_t?

  init() {
    func reserve(_ bytes: Int) -> UnsafeMutableRawPointer {
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
      let block = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
      precondition(block != MAP_FAILED, "no address space for the machine's stack")
      return block.unsafelyUnwrapped
    }
    stack = reserve(Machine.stackCapacity * MemoryLayout<Slot>.stride)
      .bindMemory(to: Slot.self, capacity: Machine.stackCapacity)
    stackLimit = UInt(bitPattern: stack + (Machine.stackCapacity - 70_000))
    frames = reserve(Machine.frameCapacity * MemoryLayout<Frame>.stride)
      .bindMemory(to: Frame.self, capacity: Machine.frameCapacity)
    globals = .allocate(capacity: globalCapacity)
    globals.initialize(repeating: .absent, count: globalCapacity)
    idle = .allocate(capacity: 1)
    idle.initialize(to: Instruction(.halt))
    stack[0] = .none
    top = stack + 1
    savedPC = idle
    savedBase = stack + 1
  }

  deinit {
    for i in 0..<globalCapacity { globals[i].release() }
    globals.deallocate()
    idle.deallocate()
    munmap(stack, Machine.stackCapacity * MemoryLayout<Slot>.stride)
    munmap(frames, Machine.frameCapacity * MemoryLayout<Frame>.stride)
  }

  /// Sets a global, taking over `value`.
  func define(_ index: Int, _ value: Slot) {
    requireGlobals(index + 1)
    let old = globals[index]
    globals[index] = value
    old.release()
  }

  func requireGlobals(_ count: Int) {
    if count <= globalCapacity { return }
    let capacity = max(count, globalCapacity * 2)
    let grown = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
    grown.initialize(repeating: .absent, count: capacity)
    memcpy(grown, globals, globalCapacity * MemoryLayout<Slot>.stride)
    globals.deallocate()
    globals = grown
    globalCapacity = capacity
  }

  // MARK: Limits

  var tooDeep: Fault {
    Fault(
      "recursion-too-deep", "more than \(depthLimit) calls are open at once",
      notes: ["A function that calls itself needs a case in which it does not."])
  }

  func requireStack(_ start: UnsafeMutablePointer<Slot>, _ count: Int) throws {
    if UInt(bitPattern: start + count) > stackLimit { throw tooDeep }
  }

  /// Swift code that calls back into Seep uses the thread's own stack: refuses while 512 KiB are left.
  @inline(never)
  func requireNativeStack() throws {
    var here = 0
    let address = withUnsafeMutablePointer(to: &here) { UInt(bitPattern: $0) }
    if address < stackFloor() {
      throw Fault("recursion-too-deep", "functions call each other through the library too deeply for the stack")
    }
  }

  /// The lowest address of this thread's stack that may be used.
  func stackFloor() -> UInt {
    if nativeThread != pthread_self() { measureNativeStack() }
    return nativeLimit
  }

  private func measureNativeStack() {
    nativeThread = pthread_self()
    var attributes = pthread_attr_t()
    var low: UnsafeMutableRawPointer?
    var size = 0
    guard threadAttributes(pthread_self(), &attributes) == 0 else { return }
    pthread_attr_getstack(&attributes, &low, &size)
    pthread_attr_destroy(&attributes)
    nativeLimit = UInt(bitPattern: low) + UInt(min(512 << 10, size / 2))
  }
}
