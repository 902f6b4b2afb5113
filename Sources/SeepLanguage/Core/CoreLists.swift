// Lists, tuples, ranges: everything that `for` goes through.
import Ground

enum CoreLists {
  static var builtins: [Builtin] { basics + transforms + searches }

  private static var basics: [Builtin] {
    [
      Builtin(
        "len(x)", group: "lists", "The number of items, of fields, or of characters.",
        example: "print(len([1, 2, 3]))  # expect: 3"
      ) { call in
        let slot = call.slots[0]
        switch slot.tag {
        case Tag.list, Tag.tuple: return Value(slot.list.pointee.count)
        case Tag.string: return Value(try LongText.length(LongText.bytes(slot.string)))
        case Tag.record: return Value(slot.record.pointee.count)
        case Tag.range: return Value(try Access.length(of: slot.range))
        case Tag.foreign:
          if let count = slot.foreignObject.count { return Value(count) }
        default: break
        }
        throw call.fault("type-mismatch", "\(slot.describedType) has no length", argument: "x")
      },
      Builtin(
        "list(items)", group: "lists", "A list of everything that `for` would go through.",
        example: "print(list(0..3))  # expect: [0, 1, 2]"
      ) { call in try Operations.sequence(of: call.value("items"), Tag.list, call.session) },
      Builtin(
        "tuple(items)", group: "lists", "A tuple of everything that `for` would go through.",
        example: "print(tuple([1, 2]))  # expect: (1, 2)"
      ) { call in try Operations.sequence(of: call.value("items"), Tag.tuple, call.session) },
      Builtin(
        "range(start, stop, step: 1)", group: "lists",
        "Whole numbers from `start` up to, not including, `stop`. Errors: out-of-range for a step of 0.",
        example: "print(range(0, 10, step: 4))  # expect: [0, 4, 8]"
      ) { call in
        let step = try call.int("step")
        if step == 0 { throw call.fault("out-of-range", "the step of a range cannot be 0", argument: "step") }
        let start = try call.int("start")
        let stop = try call.int("stop")
        try Operations.requireRoom(abs((stop &- start) / step), 16)
        let made = Value(list: [])
        for (turn, i) in stride(from: start, to: stop, by: step).enumerated() {
          if turn & 0xFFFF == 0 { try Interrupt.check() }
          Heap.append(made.slot.list, Slot(i))
        }
        return made
      },
      Builtin(
        "push(items, item)", group: "lists", "The list with one more item at its end; `xs += [item]` does it in place.",
        example: "print(push([1], 2))  # expect: [1, 2]"
      ) { call in
        let slot = call.slot(named: "items")
        guard slot.tag == Tag.list else {
          throw call.fault("type-mismatch", "`push` adds to a list, not to \(slot.describedType)", argument: "items")
        }
        let items = try call.items("items")
        let item = call.value("item")
        return try Operations.listed(items.count + 1) { $0 < items.count ? items[$0].retained : item.retainedSlot }
      },
      Builtin(
        "enumerate(items, start: 0)", group: "lists", "Pairs of position and item.",
        example: "for (i, x) in enumerate([\"a\"]) { print(i, x) }  # expect: 0 a"
      ) { call in
        let start = try call.int("start")
        let items = try call.items("items")
        return try Operations.listed(items.count) { Operations.tuple(Slot(start + $0), items[$0].retained) }
      },
      Builtin(
        "zip(lists...)", group: "lists", "Tuples of the first items, the second items … until one list ends.",
        example: "print(zip([1, 2], [\"a\", \"b\"]))  # expect: [(1, \"a\"), (2, \"b\")]"
      ) { call in
        let lists = try call.rest("lists").map { try Operations.items(in: $0, call.session) }
        return try Operations.listed(lists.map(\.count).min() ?? 0) { i in
          let row = Heap.emptyList(Tag.tuple, capacity: lists.count)
          for list in lists { Heap.append(row, list[i].retained) }
          return Slot(tag: Tag.tuple, pointer: row)
        }
      },
      Builtin(
        "reversed(items)", group: "lists", "The items from last to first; of a string, its characters.",
        example: "print(reversed([1, 2]), reversed(\"abc\"))  # expect: [2, 1] cba"
      ) { call in
        let slot = call.slot(named: "items")
        if slot.tag == Tag.string {
          return Value(String(String.UnicodeScalarView(Heap.text(slot.string).unicodeScalars.reversed())))
        }
        let items = try call.items("items")
        return try Operations.listed(items.count) { items[items.count &- 1 &- $0].retained }
      },
      Builtin(
        "unique(items)", group: "lists", "The items without repetitions, in order of their first place.",
        example: "print(unique([2, 1, 2]))  # expect: [2, 1]"
      ) { call in
        let made = Value(list: [])
        let kept = made.slot.list
        for item in try call.items("items") {
          try Interrupt.check()
          if try place(of: item, among: kept.pointee.items, kept.pointee.count) == nil {
            Heap.append(kept, item.retained)
          }
        }
        return made
      },
    ]
  }

  private static var transforms: [Builtin] {
    [
      Builtin(
        "map(items, f)", group: "lists", "The results of `f` on each item.",
        example: "print([1, 2].map(x => x * 2))  # expect: [2, 4]"
      ) { call in
        let f = try call.function("f")
        let made = Value(list: [])
        try each(call) { item in Heap.append(made.slot.list, try call.run(f.slot, item).retainedSlot) }
        return made
      },
      Builtin(
        "filter(items, f)", group: "lists", "The items for which `f` is true.",
        example: "print([1, 2, 3].filter(x => x > 1))  # expect: [2, 3]"
      ) { call in
        let f = try call.function("f")
        let made = Value(list: [])
        try each(call) { item in
          if try call.run(f.slot, item).truth() { Heap.append(made.slot.list, item.retained) }
        }
        return made
      },
      Builtin(
        "reduce(items, f, start?)", group: "lists",
        "`f(f(start, first), second)` …; without `start` it begins with the first item. Errors: empty-list.",
        example: "print(reduce([1, 2, 3], (a, b) => a + b))  # expect: 6"
      ) { call in
        let f = try call.function("f")
        var result: Value? = call.isGiven("start") ? call.value("start") : nil
        try each(call) { item in
          if let before = result {
            result = try call.run(f.slot, before.slot, item)
          } else {
            result = Value(copying: item)
          }
        }
        guard let result else {
          throw call.fault("empty-list", "`reduce` of no items needs a start", argument: "items", help: "start: 0")
        }
        return result
      },
      Builtin(
        "sorted(items, by?, descending: false)", group: "lists",
        "The items in order, or in the order of `by(item)`; equal items keep their places. Errors: type-mismatch.",
        example: "print(sorted([3, 1, 2], by: x => -x))  # expect: [3, 2, 1]"
      ) { call in try sorted(call) },
      Builtin(
        "group_by(items, f)", group: "lists", "A list of `(key, items)`, in order of the keys' first places.",
        example: "print(group_by([1, 2, 3], x => x % 2))  # expect: [(1, [1, 3]), (0, [2])]"
      ) { call in
        let f = try call.function("f")
        let (keys, groups) = (Value(list: []), Value(list: []))
        for item in try call.items("items") {
          try Interrupt.check()
          let key = try call.run(f.slot, item)
          let known = keys.slot.list
          if let at = try place(of: key.slot, among: known.pointee.items, known.pointee.count) {
            Heap.append(groups.slot.list.pointee.items[at].list, item.retained)
          } else {
            Heap.append(known, key.retainedSlot)
            let group = Heap.emptyList(Tag.list, capacity: 1)
            Heap.append(group, item.retained)
            Heap.append(groups.slot.list, Slot(tag: Tag.list, pointer: group))
          }
        }
        let (key, group) = (Items(keys), Items(groups))
        return try Operations.listed(key.count) { Operations.tuple(key[$0].retained, group[$0].retained) }
      },
    ]
  }

  private static var searches: [Builtin] {
    [
      Builtin(
        "any(items, f?)", group: "lists", "Whether one item is true, or `f` is true of one.",
        example: "print(any([1, 2], x => x > 1))  # expect: true"
      ) { call in Value(try holds(call, looksFor: true)) },
      Builtin(
        "all(items, f?)", group: "lists", "Whether all items are true, or `f` is true of all.",
        example: "print(all([1, 2], x => x > 1))  # expect: false"
      ) { call in Value(!(try holds(call, looksFor: false))) },
      Builtin(
        "index_of(items, item)", group: "lists",
        "The position of the first equal item, or `none`; in a string, where the text `item` begins.",
        example: "print(index_of([4, 5], 5), index_of(\"seep\", \"ep\"))  # expect: 1 2"
      ) { call in
        let wanted = call.value("item")
        if call.value("items").slot.tag == Tag.string {
          let text = try call.text("items")
          guard let part = wanted.asString else {
            throw call.fault(
              "type-mismatch", "in a string only a string can be found, not \(wanted.slot.describedType)",
              argument: "item")
          }
          guard let at = try CoreText.place(of: part, in: text) else { return .none }
          return Value(try LongText.length(UnsafeBufferPointer(rebasing: text[..<at])))
        }
        let items = try call.items("items")
        for (at, item) in items.enumerated() where try areEqual(item, wanted.slot, at) { return Value(at) }
        return .none
      },
      Builtin(
        "find(items, f)", group: "lists", "The first item for which `f` is true, or `none`.",
        example: "print(find([1, 2, 3], x => x > 1))  # expect: 2"
      ) { call in
        let f = try call.function("f")
        for item in try call.items("items") where try call.run(f.slot, item).truth() { return Value(copying: item) }
        return .none
      },
      Builtin(
        "count(items, f)", group: "lists",
        "For how many items `f` is true, or how many equal `f` if that is no function; in a string, how often the text stands.",
        example: "print(count([1, 2, 3], x => x > 1), count(\"banana\", \"an\"))  # expect: 2 2"
      ) { call in
        let f = call.value("f")
        var found = 0
        if call.value("items").slot.tag == Tag.string, let part = f.asString {
          if part.isEmpty { throw call.fault("bad-value", "`count` needs a text to count", argument: "f") }
          let bytes = try call.text("items")
          var (start, turns) = (0, 0)
          try Array(part.utf8).withUnsafeBufferPointer { part in
            while let at = try LongText.place(of: part, in: bytes, from: start) {
              (found, start, turns) = (found + 1, at + part.count, turns &+ 1)
              if turns & 0xFFFF == 0 { try Interrupt.check() }
            }
          }
          return Value(found)
        }
        if !f.isCallable {
          for (at, item) in try call.items("items").enumerated() where try areEqual(item, f.slot, at) { found += 1 }
          return Value(found)
        }
        try each(call) { item in if try call.run(f.slot, item).truth() { found += 1 } }
        return Value(found)
      },
    ]
  }

  /// `==` of the item at a place, with a look at the interrupt flag now and then.
  static func areEqual(_ a: Slot, _ b: Slot, _ at: Int) throws -> Bool {
    if at & 0xFFF == 0 { try Interrupt.check() }
    return Operations.areEqual(a, b)
  }

  /// Where the first of `count` slots that equals `wanted` is.
  static func place(of wanted: Slot, among slots: UnsafeMutablePointer<Slot>, _ count: Int) throws -> Int? {
    for at in 0..<count where try areEqual(slots[at], wanted, at) { return at }
    return nil
  }

  /// Goes through `items` without making a list of them.
  private static func each(_ call: Call, _ body: (Slot) throws -> Void) throws {
    let items = call.value("items")
    switch items.slot.tag {
    case Tag.list, Tag.tuple:
      let list = items.slot.list
      for i in 0..<list.pointee.count { try body(list.pointee.items[i]) }
    case Tag.range:
      let (start, stop) = (items.slot.range.pointee.start, items.slot.range.pointee.stop)
      if start < stop { for i in start..<stop { try body(Slot(i)) } }
    default: for item in try call.items("items") { try body(item) }
    }
  }

  private static func holds(_ call: Call, looksFor wanted: Bool) throws -> Bool {
    let f = try call.optionalFunction("f")
    for (at, item) in try call.items("items").enumerated() {
      if at & 0xFFF == 0 { try Interrupt.check() }
      let result = try f.map { try call.run($0.slot, item) } ?? Value(copying: item)
      if try result.truth() == wanted { return true }
    }
    return false
  }

  private static func sorted(_ call: Call) throws -> Value {
    let items = try call.items("items")
    let by = try call.optionalFunction("by")
    let sign = try call.bool("descending") ? -1 : 1
    let keys =
      try by.map { by in
        Items(try Operations.listed(items.count) { try call.run(by.slot, items[$0]).retainedSlot })
      } ?? items
    var turns = 0
    /// Every comparison comes by here.
    func ask() throws {
      turns &+= 1
      if turns & 0x3FFF == 0 { try Interrupt.check() }
    }
    if try keys.allSatisfy({
      try ask()
      return $0.tag == Tag.int
    }) {
      var pairs = try Operations.collected(keys.indices) { (key: keys[$0].int, at: $0) }
      if sign > 0 {
        try pairs.sort {
          try ask()
          return $0.key < $1.key || $0.key == $1.key && $0.at < $1.at
        }
      } else {
        try pairs.sort {
          try ask()
          return $0.key > $1.key || $0.key == $1.key && $0.at < $1.at
        }
      }
      return try Operations.listed(pairs.count) { items[pairs[$0].at].retained }
    }
    var order = try Operations.collected(items.indices) { $0 }
    try order.sort { a, b in
      try ask()
      guard let difference = try Operations.compare(keys[a], keys[b], 0) else {
        throw call.fault(
          "type-mismatch",
          "`sorted` cannot order \(keys[a].describedType) and \(keys[b].describedType)", argument: "items")
      }
      return difference == 2 || difference == 0 ? a < b : difference * sign < 0
    }
    return try Operations.listed(order.count) { items[order[$0]].retained }
  }
}
