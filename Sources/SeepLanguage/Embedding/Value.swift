// A value of the language as Swift code sees it: copied freely, released by itself. Looking inside is explicit:
// `content` for a switch over all kinds, or one of the typed accessors.
import Ground

/// Any value of Seep. Belongs to the interpreter's thread.
public struct Value: @unchecked Sendable {
  let slot: Slot
  private let owner: Owner?

  private final class Owner {
    let slot: Slot
    init(_ slot: Slot) { self.slot = slot }
    deinit { slot.release() }
  }

  /// Takes over the caller's reference.
  init(taking slot: Slot) {
    self.slot = slot
    owner = slot.isHeap ? Owner(slot) : nil
  }

  init(copying slot: Slot) { self.init(taking: slot.retained) }

  /// The slot with a reference for the caller.
  var retainedSlot: Slot {
    slot.retain()
    return slot
  }

  /// What a condition makes of it: `true`, `false`, `none` (as false), or an object that can tell.
  /// - Throws: `type-mismatch`, `ambiguous-truth`.
  public func truth() throws -> Bool { try withExtendedLifetime(self) { try Operations.truth(slot) } }

  // MARK: Making values

  public static var none: Value { Value(taking: .none) }
  public init(_ value: Bool) { self.init(taking: Slot(value)) }
  public init(_ value: Int) { self.init(taking: Slot(value)) }
  public init(_ value: Double) { self.init(taking: Slot(value)) }
  public init(_ value: String) { self.init(taking: Heap.string(value)) }
  public init(_ foreign: any Foreign) { self.init(taking: Heap.foreign(foreign)) }
  public init(_ builtin: Builtin) { self.init(taking: Heap.builtin(builtin)) }
  public init(_ record: Record) { self.init(record: record.fields) }
  public init(_ range: Range<Int>) { self.init(taking: Heap.range(range.lowerBound, range.upperBound)) }

  public init(list: [Value]) { self.init(items: list, tag: Tag.list) }
  public init(tuple: [Value]) { self.init(items: tuple, tag: Tag.tuple) }

  /// Fields in this order; of two with one name the later value counts.
  public init(record fields: [(name: String, value: Value)]) {
    let body = Heap.emptyRecord(capacity: fields.count)
    for field in fields { Heap.set(body, Symbols.number(field.name), field.value.retainedSlot) }
    self.init(taking: Slot(tag: Tag.record, pointer: body))
  }

  init(items: [Value], tag: UInt) {
    let body = Heap.emptyList(tag, capacity: items.count)
    for (i, item) in items.enumerated() {
      // After Ctrl-C, fewer of millions, as above.
      if i & 0xFFFFF == 0xFFFFF, Interrupt.isRequested { break }
      Heap.append(body, item.retainedSlot)
    }
    self.init(taking: Slot(tag: tag, pointer: body))
  }

  // MARK: Looking inside

  /// All kinds of values, for an exhaustive `switch`. Reading a list or record this way copies its slots, not their contents.
  public enum Content {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    case list([Value])
    case tuple([Value])
    case record(Record)
    case range(Range<Int>)
    /// A closure, a builtin or a composition; see `members`, `builtin` and `Call.invoke`.
    case function
    case foreign(any Foreign)
  }

  public var content: Content {
    switch slot.tag {
    case Tag.bool: .bool(slot.bool)
    case Tag.int: .int(slot.int)
    case Tag.float: .float(slot.float)
    case Tag.string: .string(Heap.text(slot.string))
    case Tag.list: .list(items)
    case Tag.tuple: .tuple(items)
    case Tag.record: .record(Record(slot))
    case Tag.range: .range(Value.bounds(slot.range))
    case Tag.closure, Tag.builtin, Tag.composed: .function
    case Tag.foreign: .foreign(slot.foreignObject)
    default: .none
    }
  }

  /// One whose length does not fit into an int ends earlier: nobody gets to its end.
  private static func bounds(_ range: UnsafeMutablePointer<RangeBody>) -> Range<Int> {
    let (start, stop) = (range.pointee.start, range.pointee.stop)
    if stop <= start { return start..<start }
    return start..<(stop.subtractingReportingOverflow(start).overflow ? start + Int.max : stop)
  }

  public var isNone: Bool { slot.tag == Tag.none || slot.tag == Tag.absent }
  public var asBool: Bool? { slot.tag == Tag.bool ? slot.bool : nil }
  public var asInt: Int? { slot.tag == Tag.int ? slot.int : nil }
  /// An int or a float as a Double.
  public var asDouble: Double? { slot.isNumber ? slot.number : nil }
  public var asString: String? { slot.tag == Tag.string ? Heap.text(slot.string) : nil }
  /// The items of a list or a tuple.
  public var asItems: [Value]? { slot.tag == Tag.list || slot.tag == Tag.tuple ? items : nil }
  public var asRecord: Record? { slot.tag == Tag.record ? Record(slot) : nil }
  public var asForeign: (any Foreign)? { slot.tag == Tag.foreign ? slot.foreignObject : nil }
  public func foreign<T>(as type: T.Type = T.self) -> T? { asForeign as? T }
  public var isList: Bool { slot.tag == Tag.list }
  public var isTuple: Bool { slot.tag == Tag.tuple }

  /// After Ctrl-C, fewer of millions: who asks for so many looks at the flag.
  private var items: [Value] {
    let body = slot.tag == Tag.composed ? Heap.members(slot) : slot.list
    let count = body.pointee.count
    if count <= 1 << 20 { return (0..<count).map { Value(copying: body.pointee.items[$0]) } }
    return (try? Operations.collected(0..<count) { Value(copying: body.pointee.items[$0]) }) ?? []
  }

  /// Whether it can be called: a function of any kind, or a foreign object that says so.
  public var isCallable: Bool {
    switch slot.tag {
    case Tag.closure, Tag.builtin, Tag.composed: true
    case Tag.foreign: slot.foreignObject.isCallable
    default: false
    }
  }

  /// A closure, builtin or composition of such: what `>>` calls a plain function.
  public var isPlainFunction: Bool {
    slot.tag == Tag.closure || slot.tag == Tag.builtin || slot.tag == Tag.composed
  }

  /// The builtin itself if the value is one: `relu` next to a layer is turned into its layer form by name.
  public var builtin: Builtin? { slot.tag == Tag.builtin ? slot.builtinObject : nil }

  /// The members of a composition of plain functions, flat and in order; a value that is none is its own only member.
  public var members: [Value] {
    slot.tag == Tag.composed ? items : [self]
  }

  /// Name of a plain function, as it was declared; nil for an anonymous one.
  public var functionName: String? {
    switch slot.tag {
    case Tag.closure: slot.closure.pointee.core.pointee.info.takeUnretainedValue().name
    case Tag.builtin: slot.builtinObject.name
    default: nil
    }
  }

  /// Parameters of a function written in Seep; nil for anything else.
  public var parameterCount: Int? { slot.tag == Tag.closure ? slot.closure.pointee.core.pointee.parameterCount : nil }

  /// The text of what a function written in Seep does, with its parameters; of a composition, of all its members; nil for
  /// anything else. Two functions of one text may still differ by what they capture.
  public var functionSource: String? {
    if slot.tag == Tag.composed {
      return members.map { $0.functionSource ?? $0.functionName ?? "" }.joined(separator: " >> ")
    }
    guard slot.tag == Tag.closure else { return nil }
    let core = slot.closure.pointee.core
    let info = core.pointee.info.takeUnretainedValue()
    var (low, high) = (Int.max, 0)
    func cover(_ info: FunctionInfo) {
      for site in info.spans where site.to > site.from {
        low = min(low, Int(site.from))
        high = max(high, Int(site.to))
      }
      for inner in info.functions { cover(inner.pointee.info.takeUnretainedValue()) }
    }
    cover(info)
    high = min(high, info.file.text.count)
    guard low >= 0, low < high else { return info.title }
    return info.title + " " + String(decoding: info.file.text[low..<high], as: UTF8.self)
  }

  /// A function written in Seep as it stands in its file, with the `##` lines above it; nil for anything else.
  public var declaration: String? {
    guard slot.tag == Tag.closure else { return nil }
    let info = slot.closure.pointee.core.pointee.info.takeUnretainedValue()
    let (text, span) = (info.file.text, info.declaration)
    guard span.start < span.end, span.end <= text.count else { return nil }
    var start = span.start
    if info.documentation != nil {
      while true {
        let (_, line) = info.file.lineStart(around: start)
        guard line > 0, text[line..<start].allSatisfy({ $0 == 32 }) else { break }
        let (_, above) = info.file.lineStart(around: line - 1)
        let words = text[above..<line].drop { $0 == 32 }
        guard words.starts(with: [35, 35]) else { break }
        start = words.startIndex
      }
    }
    return String(decoding: text[start..<span.end], as: UTF8.self)
  }

  /// How a function written in Seep is called, and its `##` comments; nil for anything else.
  public var heading: (title: String, documentation: String?)? {
    guard slot.tag == Tag.closure else { return nil }
    let info = slot.closure.pointee.core.pointee.info.takeUnretainedValue()
    return (info.title, info.documentation)
  }

  /// `int`, `float`, `list`, `tensor` … as `type(x)` says it.
  public var typeName: String { slot.typeName }
}

extension Slot {
  var foreignObject: any Foreign { foreign.pointee.foreign }
  var builtinObject: Builtin { builtin.pointee.builtin.takeUnretainedValue() }

  var typeName: String {
    switch tag {
    case Tag.bool: "bool"
    case Tag.int: "int"
    case Tag.float: "float"
    case Tag.string: "string"
    case Tag.list: "list"
    case Tag.tuple: "tuple"
    case Tag.record: "record"
    case Tag.range: "range"
    case Tag.closure, Tag.builtin, Tag.composed: "function"
    case Tag.foreign: foreignObject.typeName
    default: "none"
    }
  }

  /// The type with its article, for sentences: `an int`, `a list`, `none`.
  var describedType: String {
    let name = typeName
    if name == "none" { return name }
    guard let first = name.utf8.first else { return name }
    return ([97, 101, 105, 111, 117].contains(first) ? "an " : "a ") + name
  }
}

/// An ordered record: fields by name.
public struct Record {
  public private(set) var fields: [(name: String, value: Value)]

  public init(_ fields: [(name: String, value: Value)] = []) { self.fields = fields }

  init(_ slot: Slot) {
    let body = slot.record
    fields = (0..<body.pointee.count).map {
      (Symbols.name(body.pointee.keys[$0]), Value(copying: body.pointee.values[$0]))
    }
  }

  public var names: [String] { fields.map(\.name) }
  public var count: Int { fields.count }

  /// Reading a missing field gives nil; setting nil removes; a new field goes to the end.
  public subscript(name: String) -> Value? {
    get { fields.first { $0.name == name }?.value }
    set {
      let at = fields.firstIndex { $0.name == name }
      switch (at, newValue) {
      case (let at?, let value?): fields[at].value = value
      case (let at?, nil): fields.remove(at: at)
      case (nil, let value?): fields.append((name, value))
      case (nil, nil): break
      }
    }
  }
}
