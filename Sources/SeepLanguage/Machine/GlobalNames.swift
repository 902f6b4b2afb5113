// Which name stands for which place in the machine's array of globals. The library's names are the base; a program's
// own names lie above them and may hide them.

/// The names of one session (or, for its own part, of one module).
final class GlobalNames {
  struct Entry {
    var index: Int
    var isMutable: Bool
  }

  /// The program's part, which a failed statement restores.
  struct State {
    var entries: [String: Entry] = [:]
    var order: [String] = []
    /// Where they were bound last, for diagnostics of later entries.
    var places: [String: (file: SourceHandle, span: Span)] = [:]
  }

  private var base: [String: Int] = [:]
  private var baseOrder: [String] = []
  private let counter: Counter
  var state = State()

  /// Places are never used twice, so a module's functions keep theirs.
  final class Counter {
    var names: [String] = []
  }

  init() { counter = Counter() }

  /// The names of a module: the same library, nothing of the program.
  init(moduleOf other: GlobalNames) {
    base = other.base
    baseOrder = other.baseOrder
    counter = other.counter
  }

  func declareBase(_ name: String) -> Int {
    if let known = base[name] { return known }
    let index = fresh(name)
    base[name] = index
    baseOrder.append(name)
    return index
  }

  private func fresh(_ name: String) -> Int {
    counter.names.append(name)
    return counter.names.count - 1
  }

  func title(of index: Int) -> String { counter.names[index] }

  func declare(_ name: String, mutable: Bool) -> Int {
    if let known = state.entries[name] {
      state.entries[name] = Entry(index: known.index, isMutable: mutable)
      return known.index
    }
    let index = fresh(name)
    state.entries[name] = Entry(index: index, isMutable: mutable)
    state.order.append(name)
    return index
  }

  /// Notes where the top of a text binds names.
  func note(_ statements: [Statement], _ file: SourceHandle) {
    for statement in statements {
      guard case .binding(let pattern, _, let value) = statement.kind else { continue }
      for place in pattern.places { state.places[place.name] = (file, value.span) }
    }
  }

  func entry(_ name: String) -> Entry? {
    state.entries[name] ?? base[name].map { Entry(index: $0, isMutable: false) }
  }
  func find(_ name: String) -> Int? { entry(name)?.index }
  func isOfLibrary(_ name: String) -> Bool { base[name] != nil }
  func isOwn(_ name: String) -> Bool { state.entries[name] != nil }

  /// The program's names in order of their first binding.
  var own: [String] { state.order }
  var ownIndices: [Int] { state.order.compactMap { state.entries[$0]?.index } }
  var all: [String] { state.order + baseOrder.filter { state.entries[$0] == nil } }
  var needed: Int { counter.names.count }
  /// Gives up the places after the first `count`, which nothing uses.
  func forget(after count: Int) { counter.names.removeLast(max(0, counter.names.count - count)) }
}
