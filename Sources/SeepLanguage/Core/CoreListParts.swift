// Parts of lists, and lists made of lists.
import Ground

enum CoreListParts {
  static var builtins: [Builtin] { parts + changes + combinations + choices }

  private static var parts: [Builtin] {
    [
      Builtin(
        "take(items, n)", group: "lists", "The first `n` items, or all if there are fewer.",
        example: "print(take([1, 2, 3], 2))  # expect: [1, 2]"
      ) { call in
        let items = try call.items("items")
        return try Operations.part(items, 0, min(items.count, call.int("n", in: 0...Int.max)))
      },
      Builtin(
        "drop(items, n)", group: "lists", "All but the first `n` items.",
        example: "print(drop([1, 2, 3], 2))  # expect: [3]"
      ) { call in
        let items = try call.items("items")
        let n = try min(items.count, call.int("n", in: 0...Int.max))
        return try Operations.part(items, n, items.count - n)
      },
      Builtin(
        "take_while(items, f)", group: "lists", "The items before the first for which `f` is false.",
        example: "print(take_while([1, 2, 9, 1], x => x < 5))  # expect: [1, 2]"
      ) { call in
        let items = try call.items("items")
        return try Operations.part(items, 0, boundary(call, items))
      },
      Builtin(
        "drop_while(items, f)", group: "lists", "The items from the first for which `f` is false.",
        example: "print(drop_while([1, 2, 9, 1], x => x < 5))  # expect: [9, 1]"
      ) { call in
        let items = try call.items("items")
        let at = try boundary(call, items)
        return try Operations.part(items, at, items.count - at)
      },
      Builtin(
        "chunks(items, n)", group: "lists", "Lists of `n` items each, in order; the last may be shorter.",
        example: "print(chunks([1, 2, 3, 4, 5], 2))  # expect: [[1, 2], [3, 4], [5]]"
      ) { call in
        let items = try call.items("items")
        let n = try call.int("n", in: 1...Int.max)
        return try Operations.listed(items.count / n + (items.count % n > 0 ? 1 : 0)) { i in
          try Operations.part(items, i * n, min(n, items.count - i * n)).retainedSlot
        }
      },
      Builtin(
        "windows(items, n)", group: "lists", "Every list of `n` items that follow each other.",
        example: "print(windows([1, 2, 3], 2))  # expect: [[1, 2], [2, 3]]"
      ) { call in
        let items = try call.items("items")
        let n = try call.int("n", in: 1...Int.max)
        return try Operations.listed(n > items.count ? 0 : items.count - n + 1) { i in
          try Operations.part(items, i, n).retainedSlot
        }
      },
    ]
  }

  private static var changes: [Builtin] {
    [
      Builtin(
        "insert(items, at, item)", group: "lists",
        "The list with `item` at position `at`, which may count from the end. Errors: index-out-of-range.",
        example: "print(insert([1, 3], 1, 2))  # expect: [1, 2, 3]"
      ) { call in
        let items = try call.items("items")
        let at = try position(call, items.count + 1)
        let item = call.value("item")
        return try Operations.listed(items.count + 1) {
          $0 == at ? item.retainedSlot : items[$0 < at ? $0 : $0 - 1].retained
        }
      },
      Builtin(
        "remove_at(items, at)", group: "lists", "The list without the item at a position. Errors: index-out-of-range.",
        example: "print(remove_at([1, 2, 3], -1))  # expect: [1, 2]"
      ) { call in
        let items = try call.items("items")
        let at = try position(call, items.count)
        return try Operations.listed(items.count - 1) { items[$0 < at ? $0 : $0 + 1].retained }
      },
      Builtin(
        "remove(items, item)", group: "lists", "The list without the items that equal `item`.",
        example: "print(remove([1, 2, 1], 1))  # expect: [2]"
      ) { call in
        let item = call.value("item")
        let made = Value(list: [])
        for (at, kept) in try call.items("items").enumerated() where try !CoreLists.areEqual(kept, item.slot, at) {
          Heap.append(made.slot.list, kept.retained)
        }
        return made
      },
      Builtin(
        "repeat(x, times)", group: "lists",
        "A string, list or tuple repeated, as `x * times`; anything else as a list of so many.",
        example: "print(repeat(\"ab\", 2), repeat(0, 3))  # expect: abab [0, 0, 0]"
      ) { call in
        let x = call.value("x")
        let times = try call.int("times", in: 0...Int.max)
        switch x.slot.tag {
        case Tag.string, Tag.list, Tag.tuple: return try call.session.operate(.multiply, x, Value(times))
        default: return try call.session.operate(.multiply, Value(list: [x]), Value(times))
        }
      },
    ]
  }

  private static var combinations: [Builtin] {
    [
      Builtin(
        "flat(lists)", group: "lists", "The items of all lists in one list.",
        example: "print(flat([[1, 2], [], [3]]))  # expect: [1, 2, 3]"
      ) { call in
        let made = Value(list: [])
        for list in try call.items("lists") { try append(Value(copying: list), to: made, call.session) }
        return made
      },
      Builtin(
        "flat_map(items, f)", group: "lists", "The items of all lists that `f` gives, in one list.",
        example: "print(flat_map([1, 2], x => [x, x * 10]))  # expect: [1, 10, 2, 20]"
      ) { call in
        let f = try call.function("f")
        let made = Value(list: [])
        for item in try call.items("items") { try append(call.run(f.slot, item), to: made, call.session) }
        return made
      },
      Builtin(
        "unzip(pairs)", group: "lists", "The lists of the first items, of the second items …: what `zip` undoes.",
        example: "let (xs, ys) = unzip([(1, \"a\"), (2, \"b\")])\nprint(xs, ys)  # expect: [1, 2] [\"a\", \"b\"]"
      ) { call in
        let pairs = try call.items("pairs")
        var columns: [Value] = pairs.isEmpty ? [Value(list: []), Value(list: [])] : []
        for (at, pair) in pairs.enumerated() {
          if at & 0xFFF == 0 { try Interrupt.check() }
          let row = try Operations.items(in: Value(copying: pair), call.session)
          if at == 0 { columns = row.map { _ in Value(list: []) } }
          if row.count != columns.count {
            throw call.fault(
              "bad-value", "`unzip` needs items of one length: \(columns.count) and \(row.count)", argument: "pairs")
          }
          for (column, item) in zip(columns, row) { Heap.append(column.slot.list, item.retained) }
        }
        return Value(tuple: columns)
      },
      Builtin(
        "scan(items, f, start?)", group: "lists",
        "Every value on the way of `reduce`: `start`, `f(start, first)`, …; without `start` from the first item on.",
        example: "print(scan([1, 2, 3], (a, b) => a + b))  # expect: [1, 3, 6]"
      ) { call in
        let f = try call.function("f")
        let steps = Value(list: call.isGiven("start") ? [call.value("start")] : [])
        for item in try call.items("items") {
          let made = steps.slot.list.pointee
          let last = made.count > 0 ? made.items[made.count - 1] : nil
          Heap.append(steps.slot.list, try last.map { try call.run(f.slot, $0, item).retainedSlot } ?? item.retained)
        }
        return steps
      },
      Builtin(
        "partition(items, f)", group: "lists", "Two lists: the items for which `f` is true, and the others.",
        example: "print(partition([1, 2, 3], x => x > 1))  # expect: ([2, 3], [1])"
      ) { call in
        let f = try call.function("f")
        let (yes, no) = (Value(list: []), Value(list: []))
        for item in try call.items("items") {
          Heap.append(try call.run(f.slot, item).truth() ? yes.slot.list : no.slot.list, item.retained)
        }
        return Value(tuple: [yes, no])
      },
      Builtin(
        "tally(items)", group: "lists", "How often each item occurs: `(item, count)` in order of first places.",
        example: "print(tally([\"a\", \"b\", \"a\"]))  # expect: [(\"a\", 2), (\"b\", 1)]"
      ) { call in
        let found = Value(list: [])
        var counts: [Int] = []
        for item in try Operations.items(in: call.value("items"), call.session) {
          try Interrupt.check()
          let known = found.slot.list
          if let at = try CoreLists.place(of: item, among: known.pointee.items, known.pointee.count) {
            counts[at] += 1
          } else {
            Heap.append(known, item.retained)
            counts.append(1)
          }
        }
        return try Operations.listed(counts.count) { Operations.tuple(Items(found)[$0].retained, Slot(counts[$0])) }
      },
    ]
  }

  private static var choices: [Builtin] {
    [
      Builtin(
        "min_by(items, f)", group: "lists", "The first item with the smallest `f(item)`. Errors: empty-list.",
        example: "print(min_by([\"ccc\", \"a\", \"bb\"], len))  # expect: a"
      ) { call in try extreme(call, -1) },
      Builtin(
        "max_by(items, f)", group: "lists", "The first item with the largest `f(item)`. Errors: empty-list.",
        example: "print(max_by([\"a\", \"ccc\", \"bb\"], len))  # expect: ccc"
      ) { call in try extreme(call, 1) },
      Builtin(
        "index_where(items, f)", group: "lists", "The position of the first item for which `f` is true, or `none`.",
        example: "print(index_where([1, 5, 9], x => x > 4))  # expect: 1"
      ) { call in
        let f = try call.function("f")
        for (i, item) in try call.items("items").enumerated()
        where try call.run(f.slot, item).truth() { return Value(i) }
        return .none
      },
      Builtin(
        "contains(items, item)", group: "lists",
        "As `item in items`: an item of a list, a part of a string, a field of a record.",
        example: "print(contains([1, 2], 2), \"seep\".contains(\"ee\"))  # expect: true true"
      ) { call in try call.session.operate(.contains, call.value("item"), call.value("items")) },
    ]
  }

  /// The first position whose item `f` does not hold for.
  private static func boundary(_ call: Call, _ items: Items) throws -> Int {
    let f = try call.function("f")
    for (i, item) in items.enumerated() where !(try call.run(f.slot, item).truth()) { return i }
    return items.count
  }

  private static func append(_ list: Value, to made: Value, _ session: Session) throws {
    for (at, item) in try Operations.items(in: list, session).enumerated() {
      if at & 0x3FFF == 0 { try Interrupt.check() }
      Heap.append(made.slot.list, item.retained)
    }
  }

  /// `at` as a place among `count`.
  private static func position(_ call: Call, _ count: Int) throws -> Int {
    let at = try call.int("at")
    let place = at < 0 ? at + count : at
    if place < 0 || place >= count {
      throw call.fault("index-out-of-range", "position \(at) is outside of a list with \(count) places", argument: "at")
    }
    return place
  }

  private static func extreme(_ call: Call, _ sign: Int) throws -> Value {
    let f = try call.function("f")
    let items = try call.items("items")
    let keys = Items(try Operations.listed(items.count) { try call.run(f.slot, items[$0]).retainedSlot })
    if keys.isEmpty { throw call.fault("empty-list", "`\(call.name)` of no items has no value", argument: "items") }
    var best = 0
    for i in 1..<max(1, keys.count) {
      if i & 0xFFF == 0 { try Interrupt.check() }
      guard let difference = try Operations.compare(keys[i], keys[best], 0) else {
        throw call.fault(
          "type-mismatch", "`\(call.name)` cannot order \(keys[i].describedType) and \(keys[best].describedType)",
          argument: "f")
      }
      if difference == sign { best = i }
    }
    return Value(copying: items[best])
  }
}
