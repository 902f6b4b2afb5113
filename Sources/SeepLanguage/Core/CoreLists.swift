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
        case Tag.string: return Value(Heap.text(slot.string).unicodeScalars.count)
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
        let count = slot.list.pointee.count
        let made = Heap.list(Tag.list, copying: slot.list.pointee.items, count: count, room: 1)
        Heap.append(made.list, call.value("item").retainedSlot)
        return Value(taking: made)
      },
      Builtin(
        "enumerate(items, start: 0)", group: "lists", "Pairs of position and item.",
        example: "for (i, x) in enumerate([\"a\"]) { print(i, x) }  # expect: 0 a"
      ) { call in
        let start = try call.int("start")
        return Value(
          list: try Operations.collected(call.list("items").enumerated()) {
            Value(tuple: [Value(start + $0.offset), $0.element])
          })
      },
      Builtin(
        "zip(lists...)", group: "lists", "Tuples of the first items, the second items … until one list ends.",
        example: "print(zip([1, 2], [\"a\", \"b\"]))  # expect: [(1, \"a\"), (2, \"b\")]"
      ) { call in
        let lists = try call.rest("lists").map { try call.session.items(of: $0) }
        let count = lists.map(\.count).min() ?? 0
        return Value(list: try Operations.collected(0..<count) { i in Value(tuple: lists.map { $0[i] }) })
      },
      Builtin(
        "reversed(items)", group: "lists", "The items from last to first; of a string, its characters.",
        example: "print(reversed([1, 2]), reversed(\"abc\"))  # expect: [2, 1] cba"
      ) { call in
        let slot = call.slot(named: "items")
        if slot.tag == Tag.string {
          return Value(String(String.UnicodeScalarView(Heap.text(slot.string).unicodeScalars.reversed())))
        }
        return Value(list: try call.list("items").reversed())
      },
      Builtin(
        "unique(items)", group: "lists", "The items without repetitions, in order of their first place.",
        example: "print(unique([2, 1, 2]))  # expect: [2, 1]"
      ) { call in
        var kept: [Value] = []
        for item in try call.list("items") {
          try Interrupt.check()
          if !kept.contains(where: { Operations.areEqual($0.slot, item.slot) }) { kept.append(item) }
        }
        return Value(list: kept)
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
        var groups: [(key: Value, items: [Value])] = []
        for item in try call.list("items") {
          try Interrupt.check()
          let key = try call.run(f.slot, item.slot)
          if let at = groups.firstIndex(where: { call.session.areEqual($0.key, key) }) {
            groups[at].items.append(item)
          } else {
            groups.append((key, [item]))
          }
        }
        return Value(list: groups.map { Value(tuple: [$0.key, Value(list: $0.items)]) })
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
        if let text = call.value("items").asString {
          guard let part = wanted.asString else {
            throw call.fault(
              "type-mismatch", "in a string only a string can be found, not \(wanted.slot.describedType)",
              argument: "item")
          }
          return CoreText.place(of: part, in: text).map { Value($0) } ?? .none
        }
        let at = try call.list("items").firstIndex {
          try Interrupt.check()
          return call.session.areEqual($0, wanted)
        }
        return at.map { Value($0) } ?? .none
      },
      Builtin(
        "find(items, f)", group: "lists", "The first item for which `f` is true, or `none`.",
        example: "print(find([1, 2, 3], x => x > 1))  # expect: 2"
      ) { call in
        let f = try call.function("f")
        for item in try call.list("items") where try call.run(f.slot, item.slot).truth() { return item }
        return .none
      },
      Builtin(
        "count(items, f)", group: "lists",
        "For how many items `f` is true, or how many equal `f` if that is no function; in a string, how often the text stands.",
        example: "print(count([1, 2, 3], x => x > 1), count(\"banana\", \"an\"))  # expect: 2 2"
      ) { call in
        let f = call.value("f")
        if let text = call.value("items").asString, let part = f.asString {
          if part.isEmpty { throw call.fault("bad-value", "`count` needs a text to count", argument: "f") }
          return Value(try CoreStrings.split(text, part).count - 1)
        }
        if !f.isCallable { return Value(try call.list("items").count { call.session.areEqual($0, f) }) }
        var found = 0
        try each(call) { item in if try call.run(f.slot, item).truth() { found += 1 } }
        return Value(found)
      },
    ]
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
    default: for item in try call.list("items") { try body(item.slot) }
    }
  }

  private static func holds(_ call: Call, looksFor wanted: Bool) throws -> Bool {
    let f = try call.optionalFunction("f")
    for item in try call.list("items") {
      let result = try f.map { try call.run($0.slot, item.slot) } ?? item
      if try result.truth() == wanted { return true }
    }
    return false
  }

  private static func sorted(_ call: Call) throws -> Value {
    let items = try call.list("items")
    let by = try call.optionalFunction("by")
    let sign = try call.bool("descending") ? -1 : 1
    let keys = try by.map { by in try items.map { try call.run(by.slot, $0.slot) } } ?? items
    var turns = 0
    /// Every comparison comes by here.
    func ask() throws {
      turns &+= 1
      if turns & 0x3FFF == 0 { try Interrupt.check() }
    }
    if keys.allSatisfy({ $0.slot.tag == Tag.int }) {
      var pairs = keys.enumerated().map { (key: $0.element.slot.int, at: $0.offset) }
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
      return Value(list: try Operations.collected(pairs) { items[$0.at] })
    }
    var order = Array(items.indices)
    try order.sort { a, b in
      try ask()
      guard let difference = try Operations.compare(keys[a].slot, keys[b].slot, 0) else {
        throw call.fault(
          "type-mismatch",
          "`sorted` cannot order \(keys[a].slot.describedType) and \(keys[b].slot.describedType)", argument: "items")
      }
      return difference == 2 || difference == 0 ? a < b : difference * sign < 0
    }
    return Value(list: order.map { items[$0] })
  }
}
