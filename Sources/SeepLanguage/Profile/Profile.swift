// Where a program's time goes. Code that is compiled while a profile follows has marks: each notes in plain memory which line the
// function at its depth of calls stands on, and counts. A thread of its own looks at that memory some thousand times a second. So lines
// cost a few nanoseconds each, calls of the library and operations of the engine two looks at the clock, and nothing where no profile
// follows.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The memory that marks write.
struct ProfileMarks {
  /// The line on which the function at each depth of calls stands.
  let current: UnsafeMutablePointer<Int32>
  /// By line: how often the program came to it, and how often a function began there.
  let hits: UnsafeMutablePointer<UInt64>
  let calls: UnsafeMutablePointer<UInt64>
}

extension Machine {
  /// The program comes to a line.
  @inline(never)
  func mark(_ i: Instruction) {
    guard let marks else { return }
    let line = i.wide
    marks.current[frameCount] = Int32(truncatingIfNeeded: line)
    marks.hits[line] &+= i.a == 0 ? 0 : 1
    marks.calls[line] &+= i.a == 2 ? 1 : 0
  }
}

/// Follows one session from `startProfile` to `stop`.
///
/// The sampler reads numbers in plain memory; the rest is read after it has ended.
public final class Profile: @unchecked Sendable {
  struct Line {
    var file: SourceHandle
    /// From 1.
    var number: Int
    var function: Int
  }

  struct Function {
    /// nil for the statements of a file itself, and empty for a function without a name.
    var name: String?
    var file: SourceHandle
    var line: Int
  }

  /// A call of the library that is open.
  struct OpenCall {
    /// Calls of the program that were open when it began.
    var depth: Int32
    var name: Int32
  }

  /// A call that `enter` began.
  struct Opened {
    fileprivate var name: Int
    fileprivate var count: Int
    fileprivate var start: Int
  }

  struct NativeTotal {
    var name: String
    var calls = 0
    /// From the outermost call of the name to its end.
    var nanoseconds = 0
    var open = 0
  }

  private struct LineKey: Hashable {
    var function: Int
    var line: Int
  }
  private struct FunctionKey: Hashable {
    var file: ObjectIdentifier
    var start: Int
  }

  private static let lineCapacity = 1 << 20
  static let openCapacity = 1 << 14

  private let machine: Machine
  /// Until the end: the two hold each other.
  private var session: Session?
  /// Line 0 stands for none.
  private(set) var lines: [Line?] = [nil]
  private(set) var functions: [Function] = []
  private(set) var natives: [NativeTotal] = []
  private(set) var operations: [(kind: EngineOperation, total: OperationClock.Total)] = []
  private(set) var elsewhere: OperationClock.Total?
  /// From the start to the end.
  private(set) var nanoseconds = 0
  let marks: ProfileMarks
  let open: UnsafeMutablePointer<OpenCall>
  /// How many calls of the library are open.
  let openCount: UnsafeMutablePointer<Int>
  private var lineNumbers: [LineKey: Int] = [:]
  private var functionNumbers: [FunctionKey: Int] = [:]
  private var nativeNumbers: [String: Int] = [:]
  private let sampler: ProfileSampler
  private let start: Int
  private var isStopped = false

  /// Nil where there is no memory for it.
  init?(_ session: Session) {
    var blocks: [UnsafeMutableRawPointer] = []
    /// Zeros, of which the system gives only the pages that are touched.
    func zeros<T>(_ count: Int, _: T.Type) -> UnsafeMutablePointer<T>? {
      guard let block = calloc(count, MemoryLayout<T>.stride) else { return nil }
      blocks.append(block)
      return block.bindMemory(to: T.self, capacity: count)
    }
    guard let current = zeros(Machine.frameCapacity + 1, Int32.self),
      let hits = zeros(Profile.lineCapacity, UInt64.self), let calls = zeros(Profile.lineCapacity, UInt64.self),
      let open = zeros(Profile.openCapacity, OpenCall.self), let openCount = zeros(1, Int.self)
    else {
      for block in blocks { free(block) }
      return nil
    }
    self.session = session
    machine = session.machine
    marks = ProfileMarks(current: current, hits: hits, calls: calls)
    self.open = open
    self.openCount = openCount
    start = MonotonicTime.nanoseconds
    sampler = ProfileSampler(
      ProfileSampler.Source(machine: machine, current: marks.current, open: open, openCount: openCount), start: start)
  }

  deinit {
    free(marks.current)
    free(marks.hits)
    free(marks.calls)
    free(open)
    free(openCount)
  }

  /// The stacks that were seen, and in which order.
  var samples: ProfileSampler.Samples { sampler.samples }

  func begin() {
    machine.marks = marks
    OperationClock.begin()
    sampler.begin()
  }

  /// Ends the measurement; what is compiled from now on has no marks.
  public func stop() {
    if isStopped { return }
    isStopped = true
    let end = MonotonicTime.nanoseconds
    nanoseconds = end - start
    sampler.stop(at: end)
    (operations, elsewhere) = OperationClock.end()
    // Code with marks may run on.
    machine.marks = nil
    session?.profile = nil
    session = nil
  }

  // MARK: Numbers

  func line(_ number: Int, of file: SourceHandle, in function: Int) -> Int? {
    let key = LineKey(function: function, line: number)
    if let known = lineNumbers[key] { return known }
    if lines.count >= Profile.lineCapacity { return nil }
    lineNumbers[key] = lines.count
    lines.append(Line(file: file, number: number, function: function))
    return lines.count - 1
  }

  func function(_ syntax: FunctionSyntax?, in file: SourceHandle) -> Int {
    let key = FunctionKey(file: ObjectIdentifier(file), start: syntax?.span.start ?? -1)
    if let known = functionNumbers[key] { return known }
    functionNumbers[key] = functions.count
    let line = syntax.map { file.lineStart(around: $0.span.start).line + 1 } ?? 1
    functions.append(Function(name: syntax.map { $0.name ?? "" }, file: file, line: line))
    return functions.count - 1
  }

  // MARK: Calls of the library

  /// A call of the library begins, with so many calls of the program open.
  func enter(_ name: String, at depth: Int) -> Opened {
    let number: Int
    if let known = nativeNumbers[name] {
      number = known
    } else {
      number = natives.count
      nativeNumbers[name] = number
      natives.append(NativeTotal(name: name))
    }
    let count = openCount.pointee
    if count < Profile.openCapacity {
      open[count] = OpenCall(
        depth: Int32(truncatingIfNeeded: depth), name: Int32(truncatingIfNeeded: number))
      openCount.pointee = count + 1
    }
    natives[number].calls += 1
    natives[number].open += 1
    return Opened(name: number, count: count, start: MonotonicTime.nanoseconds)
  }

  func leave(_ call: Opened) {
    natives[call.name].open -= 1
    if natives[call.name].open == 0 { natives[call.name].nanoseconds += MonotonicTime.nanoseconds - call.start }
    openCount.pointee = call.count
  }
}

extension Session {
  /// Follows what is run from now on, and ends with `stop` of what this returns. Functions that were compiled before count to the lines that
  /// call them. One profile of a process at a time.
  ///
  /// - Throws: a `Fault` of the code `out-of-memory` where there is none for the counts.
  public func startProfile() throws -> Profile {
    guard let made = Profile(self) else { throw Fault("out-of-memory", "there is no memory for a profile") }
    profile = made
    made.begin()
    return made
  }
}
