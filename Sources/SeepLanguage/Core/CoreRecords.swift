// Records as tables of names.
import Ground

enum CoreRecords {
  static var builtins: [Builtin] {
    [
      Builtin(
        "keys(r)", group: "records", "The names of the fields, in order.",
        example: "print(keys({a: 1, b: 2}))  # expect: [\"a\", \"b\"]"
      ) { call in Value(list: try call.record("r").names.map { Value($0) }) },
      Builtin(
        "values(r)", group: "records", "The values of the fields, in order.",
        example: "print(values({a: 1, b: 2}))  # expect: [1, 2]"
      ) { call in Value(list: try call.record("r").fields.map(\.value)) },
      Builtin(
        "items(r)", group: "records", "Pairs of name and value, in order.",
        example: "print(items({a: 1}))  # expect: [(\"a\", 1)]"
      ) { call in Value(list: try call.session.items(of: Value(call.record("r")))) },
      Builtin(
        "record(pairs)", group: "records", "A record from pairs of name and value.",
        example: "print(record([(\"a\", 1)]))  # expect: {a: 1}"
      ) { call in
        var record = Record()
        for pair in try call.list("pairs") {
          guard let parts = pair.asItems, parts.count == 2, let name = parts[0].asString else {
            throw call.fault("type-mismatch", "`record` needs pairs of a string and a value", argument: "pairs")
          }
          record[name] = parts[1]
        }
        return Value(record)
      },
      Builtin(
        "get(r, name, default: none)", group: "records", "A field, or `default` if there is no such field.",
        example: "print(get({a: 1}, \"b\", default: 0))  # expect: 0"
      ) { call in
        guard call.slot(named: "r").tag == Tag.record else { _ = try call.record("r"); return .none }
        let body = call.slots[0].record
        let at = Heap.find(body, Symbols.number(try call.string("name")))
        return at >= 0 ? Value(copying: body.pointee.values[at]) : call.value("default")
      },
      Builtin(
        "without(r, names...)", group: "records", "The record without some fields.",
        example: "print(without({a: 1, b: 2}, \"a\"))  # expect: {b: 2}"
      ) { call in
        var record = try call.record("r")
        for name in call.rest("names") { if let name = name.asString { record[name] = nil } }
        return Value(record)
      },
      Builtin(
        "merge(a, b)", group: "records", "The fields of both; where both have one, `b`'s value counts.",
        example: "print(merge({a: 1}, {a: 2, b: 3}))  # expect: {a: 2, b: 3}"
      ) { call in Value(record: try call.record("a").fields + call.record("b").fields) },
      Builtin(
        "has(r, name)", group: "records", "Whether there is a field of this name; the same as `name in r`.",
        example: "print(has({a: 1}, \"a\"))  # expect: true"
      ) { call in
        let name = try call.string("name")
        return Value(try call.record("r").names.contains(name))
      },
      Builtin(
        "select(r, names...)", group: "records",
        "The record with these fields only, in this order. Errors: unknown-field.",
        example: "print(select({a: 1, b: 2, c: 3}, \"c\", \"a\"))  # expect: {c: 3, a: 1}"
      ) { call in
        let record = try call.record("r")
        return Value(
          record: try call.rest("names").enumerated().map { i, name in
            guard let name = name.asString else {
              throw Fault(
                "type-mismatch", "`select` needs names of fields, not \(name.slot.describedType)", argument: i + 1)
            }
            guard let value = record[name] else {
              throw Fault(
                "unknown-field", "the record has no field `\(name)`", help: nearestName(to: name, among: record.names),
                argument: i + 1)
            }
            return (name, value)
          })
      },
      Builtin(
        "map_values(r, f)", group: "records", "The record with `f` of each value.",
        example: "print(map_values({a: 1, b: 2}, x => x * 10))  # expect: {a: 10, b: 20}"
      ) { call in
        let f = try call.function("f")
        return Value(record: try call.record("r").fields.map { ($0.name, try call.run(f.slot, $0.value.slot)) })
      },
      Builtin(
        "filter_values(r, f)", group: "records", "The fields whose value `f` holds for.",
        example: "print(filter_values({a: 1, b: 2}, x => x > 1))  # expect: {b: 2}"
      ) { call in
        let f = try call.function("f")
        return Value(
          record: try call.record("r").fields.filter { try call.run(f.slot, $0.value.slot).truth() })
      },
    ]
  }
}
