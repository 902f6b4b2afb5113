// One function while it is being compiled: its code, its registers, the names in scope, what it captures.
import Ground

/// A variable in a register of some function.
final class Local {
  let name: String
  let register: Int
  let isMutable: Bool
  /// The register holds a box: closures see assignments.
  let isBoxed: Bool
  /// Where it is declared: an offset in the source.
  let declaration: Int

  init(_ name: String, register: Int, isMutable: Bool, isBoxed: Bool, declaration: Int) {
    self.name = name
    self.declaration = declaration
    self.register = register
    self.isMutable = isMutable
    self.isBoxed = isBoxed
  }
}

/// What a name stands for at a place of the program.
enum Binding {
  case local(Local)
  case capture(Int, Local)
  /// The running function itself, by its own name.
  case itself
  case global(Int, isMutable: Bool, isOwn: Bool)
  case unknown
}

final class FunctionBuilder {
  let parent: FunctionBuilder?
  let info: FunctionInfo
  var code: [Instruction] = []
  var constants: [Slot] = []
  private var scopes: [[String: Local]] = [[:]]
  private(set) var registerTop = 0
  private(set) var registerCount = 0
  private var captures: [ObjectIdentifier: Int] = [:]
  /// The variable that this function is the value of: inside, its name is the function itself.
  var ownLocal: Local?
  /// Functions declared further down in the open blocks: name and place of declaration.
  var upcoming: [[String: Int]] = []
  /// Registers of variables in scope, by scope: they must not be used for intermediate values.
  private var variableRegisters: [Set<Int>] = [[]]
  var loops: [Loop] = []
  /// Bodies of `try` and what follows a `defer`, as far as they are open; innermost last.
  var guarded: [Guarded] = []
  /// Marks lines for a profile.
  var marker: LineMarker?
  private var intConstants: [Int: Int] = [:]
  private var floatConstants: [UInt64: Int] = [:]
  private var textConstants: [TextKey: Int] = [:]

  /// Jumps out of the loop that is being compiled.
  final class Loop {
    var breaks: [Int] = []
    var continues: [Int] = []
    /// How many guarded parts of the function it lies in.
    let guarded: Int
    init(guarded: Int) { self.guarded = guarded }
  }

  /// Instructions that a handler covers, from `first` on without the holes.
  final class Guarded {
    /// The register of the function that a `defer` runs; nil for `try`.
    let cleanup: Int?
    let first: Int
    /// Where a `return` or `break` has left it already.
    var holes: [(start: Int, end: Int)] = []

    init(cleanup: Int?, first: Int) {
      self.cleanup = cleanup
      self.first = first
    }

    func ranges(to end: Int) -> [Range<Int>] {
      var ranges: [Range<Int>] = []
      var start = first
      for hole in holes {
        if hole.start > start { ranges.append(start..<hole.start) }
        start = max(start, hole.end)
      }
      if end > start { ranges.append(start..<end) }
      return ranges
    }
  }

  private let made: MadeFunctions

  init(parent: FunctionBuilder?, file: SourceHandle, made: MadeFunctions) {
    self.parent = parent
    self.made = made
    info = FunctionInfo(file: file)
  }

  // MARK: Code

  @discardableResult
  func emit(_ instruction: Instruction, at site: Site) -> Int {
    if let mark = marker?.mark(before: instruction.op, at: site) { append(mark, site) }
    append(instruction, site)
    return code.count - 1
  }

  private func append(_ instruction: Instruction, _ site: Site) {
    code.append(instruction)
    info.spans.append(site)
    marker?.written()
  }

  /// The first instruction of a function, where a profile follows.
  func begin(at site: Site) {
    if let mark = marker?.begin(at: site) { append(mark, site) }
  }

  /// Where the next instruction goes: something jumps there.
  func label() -> Int {
    marker?.joined()
    return code.count
  }

  @discardableResult
  func emit(_ op: Opcode, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0, at site: Site) -> Int {
    emit(Instruction(op, a, b, c), at: site)
  }

  @discardableResult
  func emit(_ op: Opcode, _ a: Int, wide: Int, at site: Site) -> Int {
    emit(Instruction(op, a, wide: wide), at: site)
  }

  /// Makes the jump at `index` go to the next instruction.
  func patch(_ index: Int) {
    marker?.joined(from: index)
    patch(index, to: code.count)
  }
  func patch(_ index: Int, to target: Int) {
    code[index] = Instruction(code[index].op, Int(code[index].a), wide: target)
  }

  // MARK: Constants

  func constant(_ value: Int) -> Int {
    if let known = intConstants[value] { return known }
    intConstants[value] = constants.count
    constants.append(Slot(value))
    return constants.count - 1
  }

  func constant(_ value: Double) -> Int {
    if let known = floatConstants[value.bitPattern] { return known }
    floatConstants[value.bitPattern] = constants.count
    constants.append(Slot(value))
    return constants.count - 1
  }

  func constant(_ text: String) -> Int {
    let key = TextKey(text)
    if let known = textConstants[key] { return known }
    textConstants[key] = constants.count
    constants.append(Heap.string(text))
    return constants.count - 1
  }

  /// The symbol of a field as a number among the constants.
  func symbol(_ name: String) -> Int { constant(Symbols.number(name)) }

  /// Constants that still fit into 16 bits of an instruction.
  func isNear(_ index: Int) -> Bool { index < 0xFFFF }

  // MARK: Registers

  func allocate(_ count: Int = 1) throws -> Int {
    let first = registerTop
    registerTop += count
    registerCount = max(registerCount, registerTop)
    if registerTop > 60_000 {
      throw Fault("function-too-large", "this function needs more than 60000 places for its values at once")
    }
    return first
  }

  var mark: Int { registerTop }
  func release(to mark: Int) { registerTop = mark }

  // MARK: Names

  func pushScope() {
    scopes.append([:])
    variableRegisters.append([])
  }
  func popScope() {
    scopes.removeLast()
    variableRegisters.removeLast()
  }
  func isVariable(_ register: Int) -> Bool { variableRegisters.contains { $0.contains(register) } }
  var scopeDepth: Int { scopes.count }

  @discardableResult
  func declare(_ name: String, register: Int, isMutable: Bool, isBoxed: Bool, at declaration: Int) -> Local {
    let local = Local(name, register: register, isMutable: isMutable, isBoxed: isBoxed, declaration: declaration)
    variableRegisters[variableRegisters.count - 1].insert(register)
    scopes[scopes.count - 1][name] = local
    return local
  }

  func find(_ name: String) -> Local? {
    for scope in scopes.reversed() { if let local = scope[name] { return local } }
    return nil
  }

  var localNames: [String] { scopes.flatMap(\.keys) + (parent?.localNames ?? []) }

  /// Looks through this function and those around it; captures what is found outside. nil: a global, or nothing.
  func resolve(_ name: String) -> Binding? {
    if let local = find(name) { return .local(local) }
    guard let parent else { return nil }
    if let own = ownLocal, own.name == name, !own.isBoxed, case .local(let outer)? = parent.resolve(name), outer === own
    {
      return .itself
    }
    switch parent.resolve(name) {
    case .local(let local):
      return .capture(capture(local, CaptureSource(kind: .register, index: local.register)), local)
    case .capture(let index, let local):
      return .capture(capture(local, CaptureSource(kind: .capture, index: index)), local)
    case .itself:
      guard let own = parent.ownLocal else { return nil }
      return .capture(capture(own, CaptureSource(kind: .itself, index: 0)), own)
    case .global, .unknown, nil: return nil
    }
  }

  private func capture(_ local: Local, _ source: CaptureSource) -> Int {
    if let known = captures[ObjectIdentifier(local)] { return known }
    let index = info.captureSources.count
    captures[ObjectIdentifier(local)] = index
    info.captureSources.append(source)
    return index
  }

  // MARK: The end

  /// The finished function. It lives as long as the process, if it is run.
  func finish() -> UnsafeMutablePointer<FunctionCore> {
    let codeMemory = UnsafeMutablePointer<Instruction>.allocate(capacity: code.count)
    codeMemory.initialize(from: code, count: code.count)
    let constantMemory = UnsafeMutablePointer<Slot>.allocate(capacity: max(1, constants.count))
    constantMemory.initialize(from: constants, count: constants.count)
    info.codeCount = code.count
    info.constantCount = constants.count
    info.pathStarts = info.paths.map { path in
      let memory = UnsafeMutablePointer<PathStep>.allocate(capacity: max(1, path.count))
      memory.initialize(from: path, count: path.count)
      return UnsafeBufferPointer(start: memory, count: path.count)
    }
    let isPlain = info.variadicIndex == nil
    let core = UnsafeMutablePointer<FunctionCore>.allocate(capacity: 1)
    core.initialize(
      to: FunctionCore(
        code: codeMemory, constants: constantMemory, registerCount: max(registerCount, info.parameters.count),
        parameterCount: info.parameters.count, plainCount: isPlain ? info.parameters.count : -1,
        info: Unmanaged.passRetained(info)))
    made.cores.append(core)
    return core
  }
}
