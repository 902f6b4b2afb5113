// Strings.
import Ground

enum CoreStrings {
  static var builtins: [Builtin] {
    [
      Builtin(
        "split(text, by: \" \")", group: "strings", "The parts between the places where `by` stands.",
        example: "print(split(\"a,b\", by: \",\"))  # expect: [\"a\", \"b\"]"
      ) { call in
        let separator = try call.string("by")
        if separator.isEmpty { throw call.fault("bad-value", "`split` needs a separator", argument: "by") }
        _ = try call.string("text")
        return pieces(call.value("text"), separator)
      },
      Builtin(
        "join(items, by: \"\")", group: "strings", "The texts of the items with `by` between them.",
        example: "print(join([1, 2], by: \"-\"))  # expect: 1-2"
      ) { call in
        Value(try call.list("items").map { call.session.display($0) }.joined(separator: call.string("by")))
      },
      Builtin(
        "trim(text)", group: "strings", "Without white space at both ends.",
        example: "print(repr(trim(\" a \")))  # expect: \"a\""
      ) { call in
        var text = try call.string("text")[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return Value(String(text))
      },
      Builtin(
        "upper(text)", group: "strings", "In capital letters.", example: "print(upper(\"ab\"))  # expect: AB"
      ) { call in Value(try call.string("text").uppercased()) },
      Builtin(
        "lower(text)", group: "strings", "In small letters.", example: "print(lower(\"AB\"))  # expect: ab"
      ) { call in Value(try call.string("text").lowercased()) },
      Builtin(
        "replace(text, old, new)", group: "strings", "With every `old` replaced by `new`.",
        example: "print(replace(\"a-b\", \"-\", \"+\"))  # expect: a+b"
      ) { call in
        let old = try call.string("old")
        if old.isEmpty { throw call.fault("bad-value", "`replace` needs something to replace", argument: "old") }
        return Value(split(try call.string("text"), old).joined(separator: try call.string("new")))
      },
      Builtin(
        "starts_with(text, prefix)", group: "strings", "Whether the text begins so.",
        example: "print(starts_with(\"seep\", \"se\"))  # expect: true"
      ) { call in Value(try call.string("text").utf8.starts(with: call.string("prefix").utf8)) },
      Builtin(
        "ends_with(text, suffix)", group: "strings", "Whether the text ends so.",
        example: "print(ends_with(\"seep\", \"ep\"))  # expect: true"
      ) { call in Value(try call.string("text").utf8.reversed().starts(with: call.string("suffix").utf8.reversed())) },
      Builtin(
        "lines(text)", group: "strings", "The lines, without their line ends.",
        example: "print(len(lines(\"a\\nb\\n\")))  # expect: 2"
      ) { call in
        var parts = split(try call.string("text"), "\n")
        if parts.last == "" { parts.removeLast() }
        return Value(list: parts.map { Value($0.hasSuffix("\r") ? String($0.dropLast()) : $0) })
      },
    ]
  }

  /// By bytes, so that it is linear and no two characters melt into one.
  static func split(_ text: String, _ separator: String) -> [String] {
    pieces(Value(text), separator).asItems?.compactMap(\.asString) ?? []
  }

  /// A list of the parts, which takes no detour over Swift's strings.
  private static func pieces(_ text: Value, _ separator: String) -> Value {
    let needle = Array(separator.utf8)
    let made = Value(list: [])
    let bytes = UnsafePointer(Heap.bytes(text.slot.string))
    let count = text.slot.string.pointee.count
    var start = 0
    while true {
      let found = needle.withUnsafeBytes { needle in
        needle.baseAddress.flatMap { findBytes(bytes + start, count - start, $0, needle.count) }
      }
      let end = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(bytes) } ?? count
      Heap.append(made.slot.list, Heap.string(UnsafeBufferPointer(start: bytes + start, count: end - start)))
      if found == nil { return made }
      start = end + needle.count
    }
  }
}
