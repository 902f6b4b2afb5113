// The one state of a running Seep: variables, random state, sinks. Everything a program can change hangs here, so that a
// statement that fails can be undone and a prompt, a script runner and a notebook are thin shells over it.
import Ground

/// Where `print` goes.
public protocol OutputSink: AnyObject {
  func write(_ text: String)
  /// Where `warn` goes: standard error; a place that has one stream only writes it there.
  func warn(_ text: String)
}

extension OutputSink {
  public func warn(_ text: String) { write(text) }
}

/// Collects output: tests, notebooks.
public final class CollectedOutput: OutputSink {
  public private(set) var text = ""
  public init() {}
  public func write(_ text: String) { self.text += text }
  /// What was written since the last call.
  public func take() -> String {
    defer { text = "" }
    return text
  }
}

/// How often each stream of random numbers was drawn from, under which seed.
public struct RandomState: Sendable, Equatable {
  public var seed: Int
  /// Where all keys come from, if not from the seed.
  private var root: RandomKey?
  var draws: [String: Int] = [:]

  public init(seed: Int) { self.seed = seed }
  /// The draws of a part of the work that has a key of its own.
  public init(root: RandomKey) {
    seed = 0
    self.root = root
  }

  /// The key of the next draw for a purpose; equal seeds and equal histories give equal keys.
  public mutating func nextKey(for purpose: String) -> RandomKey {
    let turn = draws[purpose, default: 0]
    draws[purpose] = turn + 1
    return (root ?? RandomKey(seed: seed)).derive(purpose).derive(turn)
  }
}

/// A running Seep. Used from one thread.
public final class Session {
  /// Where `print` goes.
  public var output: any OutputSink
  /// Where long jobs report.
  public var progress: any ProgressSink
  /// Seed and draws of the random numbers; `seed(3)` sets it anew.
  public var random: RandomState
  /// Shows a prompt and gives a line of input without its end, nil at the end of the input. A shell whose standard input is not the
  /// person's replaces it.
  public var input: (Session, _ prompt: String) throws -> String? = { session, prompt in
    if !prompt.isEmpty { session.output.write(prompt) }
    return readLine()
  }
  /// What a script sees as `args`.
  public var arguments: [String] = []
  /// Folders where `use attacks.dlg` looks, after the folder of the file that says it.
  public var modulePath: [String] = []
  /// Calls that may be open at once.
  public var callDepthLimit: Int {
    get { machine.depthLimit }
    set { machine.depthLimit = newValue }
  }
  /// The value of the last expression statement: `_`.
  public internal(set) var lastValue = Value.none
  /// Blocks `test "name" { … }` met so far, in order; `seep test` calls them.
  public internal(set) var tests: [(name: String, body: Value)] = []

  /// Called after every operator and function of the library that worked on a foreign object; what it throws counts as
  /// thrown by that operation. For a second look at a program that went wrong.
  public var afterOperation: (() throws -> Void)? { didSet { observe() } }
  /// What follows the program's time; see `startProfile`.
  var profile: Profile? { didSet { observe() } }
  /// Whether calls of the library are watched: the one question that a call asks.
  private(set) var isObserved = false
  private func observe() { isObserved = afterOperation != nil || profile != nil }

  /// Called with every error of the language or the library that a `catch`, or `try_call`, takes: for a run that is watched.
  /// What a program raises itself is not among them.
  package var onCatch: ((Fault) -> Void)?
  /// What is known of calls of the library without running them.
  private(set) var rule: ((_ name: String) -> KnownCall.Rule?)?

  let machine: Machine
  let names: GlobalNames
  /// Modules by path; nil while one is being loaded.
  var modules: [String: Value?] = [:]
  /// The modules that are being loaded, outermost first: file, and how it was asked for.
  var loading: [(file: String, written: String)] = []
  private var attachments: [ObjectIdentifier: AnyObject] = [:]

  /// - Parameter library: names every program may use; a later builtin of the same name replaces an earlier one.
  public init(
    library: Library = Library(), output: any OutputSink = CollectedOutput(),
    progress: any ProgressSink = SilentProgress(), seed: Int = 0
  ) {
    self.output = output
    self.progress = progress
    random = RandomState(seed: seed)
    machine = Machine()
    names = GlobalNames()
    machine.session = self
    add(library)
  }

  /// Makes more names known.
  public func add(_ library: Library) {
    if let more = library.rule {
      let known = rule
      rule = { more($0) ?? known?($0) }
    }
    for builtin in library.builtins { machine.define(names.declareBase(builtin.name), Value(builtin).retainedSlot) }
    for constant in library.constants {
      machine.define(names.declareBase(constant.name), constant.value.retainedSlot)
    }
  }

  // MARK: What the library asks for

  /// The key for the next draw of random numbers; `purpose` names the stream: `noise`, `init`.
  public func nextKey(for purpose: String) -> RandomKey { random.nextKey(for: purpose) }

  /// Refuses `read_line`, as nobody can answer.
  /// - Parameter place: `a test`, `this notebook`.
  public func refuseInput(in place: String) {
    input = { _, _ in
      throw Fault(
        "no-input", "there is nobody to answer `read_line` in \(place)",
        help: "give the value by a variable, or read it by `read_text(path)`")
    }
  }

  /// Throws if the person asked to stop. Loops that may run long ask once per round.
  public func checkInterrupt() throws { try Interrupt.check() }

  /// State of the library or of a shell that lives as long as the session: one object per type.
  public func attachment<T: AnyObject>(_ type: T.Type, make: () -> T) -> T {
    if let known = attachments[ObjectIdentifier(type)] as? T { return known }
    let made = make()
    attachments[ObjectIdentifier(type)] = made
    return made
  }

  /// Replaces an attachment: a shell installs where pictures go.
  public func attach<T: AnyObject>(_ object: T, as type: T.Type = T.self) {
    attachments[ObjectIdentifier(type)] = object
  }

  /// Frees some of what an interrupted statement left behind, a few milliseconds' worth; whether there is more.
  public func tidy() -> Bool { Heap.freeSome(20_000) }

  /// Calls any callable value.
  public func invoke(
    _ function: Value, _ arguments: [Value] = [], _ keywords: [(name: String, value: Value)] = []
  ) throws -> Value {
    try machine.invoke(function.slot, arguments, keywords)
  }

  /// Calls a function whose random draws all come from this key, whatever was drawn before; those of the session stay untouched.
  public func invoke(_ function: Value, _ arguments: [Value], drawingFrom key: RandomKey) throws -> Value {
    let outer = random
    random = RandomState(root: key)
    defer { random = outer }
    return try invoke(function, arguments)
  }

  /// `a op b` as the language does it.
  public func operate(_ operation: Operator, _ a: Value, _ b: Value) throws -> Value {
    Value(taking: try Operations.binary(operation, a.slot, b.slot, self))
  }

  /// The items that `for` goes through.
  public func items(of value: Value) throws -> [Value] {
    guard let items = try Operations.items(of: value.slot, self) else {
      throw Fault("not-iterable", "\(value.slot.describedType) has no items to go through")
    }
    return items
  }

  /// `==` as one truth value.
  public func areEqual(_ a: Value, _ b: Value) -> Bool { Operations.areEqual(a.slot, b.slot) }

  /// The text of a value: `short` as an item or in a list of variables, `long` as `print` shows it.
  public func display(_ value: Value, _ style: DisplayStyle = .long) -> String { Display.text(value.slot, style) }

  /// The text of a value for the place where `output` goes: an object may draw itself in its width and colours.
  public func printed(_ value: Value) -> String { value.asForeign?.printed(in: self) ?? display(value) }

  // MARK: Variables

  /// A variable of the program or a name of the library.
  public func lookup(_ name: String) -> Value? {
    guard let index = names.find(name) else { return nil }
    let slot = machine.globals[index]
    return slot.tag == Tag.absent ? nil : Value(copying: slot)
  }

  /// Binds a variable as `let` at the prompt does.
  public func bind(_ name: String, _ value: Value, mutable: Bool = false) {
    machine.define(names.declare(name, mutable: mutable), value.retainedSlot)
  }

  /// The program's own variables, in order of their first binding.
  public var variables: [(name: String, value: Value)] {
    names.own.compactMap { name in lookup(name).map { (name, $0) } }
  }

  /// All names a program can use now, for completion and suggestions.
  public var knownNames: [String] { names.all }

  // MARK: Undoing

  /// What a statement that fails is undone to.
  public struct Snapshot {
    let names: GlobalNames.State
    let values: [Value]
    let random: RandomState
    let lastValue: Value
    let testCount: Int
  }

  public func snapshot() -> Snapshot {
    Snapshot(
      names: names.state,
      values: names.ownIndices.map { Value(copying: machine.globals[$0]) }, random: random, lastValue: lastValue,
      testCount: tests.count)
  }

  public func rollback(to snapshot: Snapshot) {
    names.state = snapshot.names
    for (index, value) in zip(names.ownIndices, snapshot.values) { machine.define(index, value.retainedSlot) }
    random = snapshot.random
    lastValue = snapshot.lastValue
    tests.removeLast(tests.count - snapshot.testCount)
  }
}
