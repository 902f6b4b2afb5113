// A compiled function: plain memory that the machine reads on every call, and a Swift object with everything that is
// asked for rarely (names, spans, handlers). Functions live as long as the process.
import Ground

/// What a call reads. Plain bytes.
struct FunctionCore {
  var code: UnsafeMutablePointer<Instruction>
  var constants: UnsafeMutablePointer<Slot>
  var registerCount: Int
  var parameterCount: Int
  /// `parameterCount` if every call must give exactly that many arguments in order, else -1.
  var plainCount: Int
  var info: Unmanaged<FunctionInfo>
}

/// The functions of one compilation.
final class MadeFunctions {
  var cores: [UnsafeMutablePointer<FunctionCore>] = []

  /// Frees them; none of them may have been run.
  func release() {
    for core in cores {
      let info = core.pointee.info.takeRetainedValue()
      for constant in 0..<info.constantCount { core.pointee.constants[constant].release() }
      core.pointee.constants.deallocate()
      core.pointee.code.deallocate()
      for path in info.pathStarts { path.deallocate() }
      core.deallocate()
    }
    cores = []
  }
}

/// What errors, help and unusual calls read.
final class FunctionInfo {
  /// nil for an anonymous function.
  var name: String?
  var parameters: [Parameter] = []
  var variadicIndex: Int?
  /// Where each instruction comes from, and where the arguments of a call come from.
  var spans: [Site] = []
  var argumentSpans: [Int: [Site]] = [:]
  var handlers: [Handler] = []
  var codeCount = 0
  var constantCount = 0
  /// Names of keyword arguments, by the number that a call instruction carries.
  var keywordLists: [[Int]] = []
  /// Paths of nested assignments and index lists, by number.
  var paths: [[PathStep]] = []
  /// The same as plain memory, for the machine.
  var pathStarts: [UnsafeBufferPointer<PathStep>] = []
  /// Functions made by this one.
  var functions: [UnsafeMutablePointer<FunctionCore>] = []
  /// Where each function's captures come from in its maker.
  var captureSources: [CaptureSource] = []
  var documentation: String?
  /// All of it in its file, from `fn` on.
  var declaration = Span(0, 0)
  /// What a failed `assert` shows, by number.
  var assertions: [Assertion] = []
  var file: SourceHandle

  init(file: SourceHandle) { self.file = file }

  struct Parameter {
    var symbol: Int
    var isNeeded: Bool
    /// As written, for messages: `rate = 0.1`.
    var text: String
  }

  /// `name(a, b = 1)`.
  var title: String { "\(name ?? "")(\(parameters.map(\.text).joined(separator: ", ")))" }
}

/// Values that explain why an assertion does not hold, and its own words.
struct Assertion {
  var shown: [(text: String, register: Int)] = []
  var message: Int?
  /// Registers of both sides of an `==`.
  var compared: (Int, Int)?
}

/// A part of a source: byte offsets.
struct Site {
  var from: Int32
  var to: Int32
}

/// The instructions `first..<end` are inside `try`; an error there goes on at `target` with the error in `register`.
struct Handler {
  var first: Int
  var end: Int
  var target: Int
  var register: Int
  /// It belongs to a `defer`: it sees every fault, and goes on with `reraise`.
  var isCleanup = false
  /// Where the fault itself goes as well, for a `catch` whose pattern may not fit.
  var kept: Int?
}

struct CaptureSource {
  enum Kind { case register, capture, itself }
  var kind: Kind
  var index: Int
}

/// One step of `a.b[i].c = v`: a field, or index items in registers. Plain bytes.
struct PathStep {
  /// The symbol of the field; -1 for an index.
  var key: Int
  var register: Int32
  var count: Int32

  static func field(_ key: Int) -> PathStep { PathStep(key: key, register: 0, count: 0) }
  static func index(register: Int, count: Int) -> PathStep {
    PathStep(key: -1, register: Int32(truncatingIfNeeded: register), count: Int32(truncatingIfNeeded: count))
  }
}
