// Parts of lists, and lists made of lists.
import Ground

enum CoreListParts {
  static var builtins: [Builtin] { parts + changes + combinations + choices }

  private static var parts: [Builtin] {
    [
      Builtin(
        "take(items, n)", group: "lists", "The first `n` items, or all if there are fewer.",
        example: "print(take([1, 2, 3], 2))  # expect: [1, 2]"
      ) { call in Value(list: Array(try call.list("items").prefix(call.int("n", in: 0...Int.max)))) },
      Builtin(
        "drop(items, n)", group: "lists", "All but the first `n` items.",
        example: "print(drop([1, 2, 3], 2))  # expect: [3]"
      ) { call in Value(list: Array(try call.list("items").dropFirst(call.int("n", in: 0...Int.max)))) },
      Builtin(
        "take_while(items, f)", group: "lists", "The items before the first for which `f` is false.",
        example: "print(take_while([1, 2, 9, 1], x => x < 5))  # expect: [1, 2]"
      ) { call in
        let items = try call.list("items")
        return Value(list: Array(items[..<(try boundary(call, items))]))
      },
      Builtin(
        "drop_while(items, f)", group: "lists", "The items from the first for which `f` is false.",
        example: "print(drop_while([1, 2, 9, 1], x => x < 5))  # expect: [9, 1]"
      ) { call in
        let items = try call.list("items")
        return Value(list: Array(items[(try boundary(call, items))...]))
      },
      Builtin(
        "chunks(items, n)", group: "lists", "Lists of `n` items each, in order; the last may be shorter.",
        example: "print(chunks([1, 2, 3, 4, 5], 2))  # expect: [[1, 2], [3, 4], [5]]"
      ) { call in
        let items = try call.list("items")
        let n = try call.int("n", in: 1...Int.max)
        return Value(
          list: stride(from: 0, to: items.count, by: n).map { start in
            Value(list: Array(items[start...].prefix(n)))
          })
      },
      Builtin(
        "windows(items, n)", group: "lists", "Every list of `n` items that follow each other.",
        example: "print(windows([1, 2, 3], 2))  # expect: [[1, 2], [2, 3]]"
      ) { call in
        let items = try call.list("items")
        let n = try call.int("n", in: 1...Int.max)
        if n > items.count { return Value(list: []) }
        return Value(list: (0...(items.count - n)).map { Value(list: Array(items[$0..<($0 + n)])) })
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
        var items = try call.list("items")
        let at = try position(call, items.count + 1)
        items.insert(call.value("item"), at: at)
        return Value(list: items)
      },
      Builtin(
        "remove_at(items, at)", group: "lists", "The list without the item at a position. Errors: index-out-of-range.",
        example: "print(remove_at([1, 2, 3], -1))  # expect: [1, 2]"
      ) { call in
        var items = try call.list("items")
        items.remove(at: try position(call, items.count))
        return Value(list: items)
      },
      Builtin(
        "remove(items, item)", group: "lists", "The list without the items that equal `item`.",
        example: "print(remove([1, 2, 1], 1))  # expect: [2]"
      ) { call in
        let item = call.value("item")
        return Value(list: try call.list("items").filter { !call.session.areEqual($0, item) })
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
        Value(list: try call.list("lists").flatMap { try call.session.items(of: $0) })
      },
      Builtin(
        "flat_map(items, f)", group: "lists", "The items of all lists that `f` gives, in one list.",
        example: "print(flat_map([1, 2], x => [x, x * 10]))  # expect: [1, 10, 2, 20]"
      ) { call in
        let f = try call.function("f")
        return Value(
          list: try call.list("items").flatMap { try call.session.items(of: call.run(f.slot, $0.slot)) })
      },
      Builtin(
        "unzip(pairs)", group: "lists", "The lists of the first items, of the second items …: what `zip` undoes.",
        example: "let (xs, ys) = unzip([(1, \"a\"), (2, \"b\")])\nprint(xs, ys)  # expect: [1, 2] [\"a\", \"b\"]"
      ) { call in
        let rows = try call.list("pairs").map { try call.session.items(of: $0) }
        guard let width = rows.first?.count else { return Value(tuple: [Value(list: []), Value(list: [])]) }
        if let odd = rows.first(where: { $0.count != width }) {
          throw call.fault(
            "bad-value", "`unzip` needs items of one length: \(width) and \(odd.count)", argument: "pairs")
        }
        return Value(tuple: (0..<width).map { column in Value(list: rows.map { $0[column] }) })
      },
      Builtin(
        "scan(items, f, start?)", group: "lists",
        "Every value on the way of `reduce`: `start`, `f(start, first)`, …; without `start` from the first item on.",
        example: "print(scan([1, 2, 3], (a, b) => a + b))  # expect: [1, 3, 6]"
      ) { call in
        let f = try call.function("f")
        var steps: [Value] = call.isGiven("start") ? [call.value("start")] : []
        for item in try call.list("items") {
          steps.append(try steps.last.map { try call.run(f.slot, $0.slot, item.slot) } ?? item)
        }
        return Value(list: steps)
      },
      Builtin(
        "partition(items, f)", group: "lists", "Two lists: the items for which `f` is true, and the others.",
        example: "print(partition([1, 2, 3], x => x > 1))  # expect: ([2, 3], [1])"
      ) { call in
        let f = try call.function("f")
        var (yes, no): ([Value], [Value]) = ([], [])
        for item in try call.list("items") {
          if try call.run(f.slot, item.slot).truth() { yes.append(item) } else { no.append(item) }
        }
        return Value(tuple: [Value(list: yes), Value(list: no)])
      },
      Builtin(
        "tally(items)", group: "lists", "How often each item occurs: `(item, count)` in order of first places.",
        example: "print(tally([\"a\", \"b\", \"a\"]))  # expect: [(\"a\", 2), (\"b\", 1)]"
      ) { call in
        var groups: [(item: Value, count: Int)] = []
        for item in try call.session.items(of: call.value("items")) {
          try Interrupt.check()
          if let at = groups.firstIndex(where: { call.session.areEqual($0.item, item) }) {
            groups[at].count += 1
          } else {
            groups.append((item, 1))
          }
        }
        return Value(list: groups.map { Value(tuple: [$0.item, Value($0.count)]) })
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
        for (i, item) in try call.list("items").enumerated()
        where try call.run(f.slot, item.slot).truth() { return Value(i) }
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
  private static func boundary(_ call: Call, _ items: [Value]) throws -> Int {
    let f = try call.function("f")
    for (i, item) in items.enumerated() where !(try call.run(f.slot, item.slot).truth()) { return i }
    return items.count
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
    let items = try call.list("items")
    let keys = try items.map { try call.run(f.slot, $0.slot) }
    guard var best = keys.indices.first else {
      throw call.fault("empty-list", "`\(call.name)` of no items has no value", argument: "items")
    }
    for i in keys.indices.dropFirst() {
      guard let difference = try Operations.compare(keys[i].slot, keys[best].slot, 0) else {
        throw call.fault(
          "type-mismatch",
          "`\(call.name)` cannot order \(keys[i].slot.describedType) and \(keys[best].slot.describedType)",
          argument: "f")
      }
      if difference == sign { best = i }
    }
    return items[best]
  }
}
