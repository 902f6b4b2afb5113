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
        return try pieces(call.value("text"), separator)
      },
      Builtin(
        "join(items, by: \"\")", group: "strings", "The texts of the items with `by` between them.",
        example: "print(join([1, 2], by: \"-\"))  # expect: 1-2"
      ) { call in
        let by = try call.string("by")
        var text = ""
        for (i, item) in try call.list("items").enumerated() {
          if i & 0xFFF == 0 { try Interrupt.check() }
          if i > 0 { text += by }
          text += call.session.display(item)
        }
        return Value(text)
      },
      Builtin(
        "trim(text)", group: "strings", "Without white space at both ends.",
        example: "print(repr(trim(\" a \")))  # expect: \"a\""
      ) { call in
        return Value(try trimmed(call.string("text"), start: true, end: true))
      },
      Builtin(
        "upper(text)", group: "strings", "In capital letters.", example: "print(upper(\"ab\"))  # expect: AB"
      ) { call in Value(try byPieces(call.string("text")) { $0.uppercased() }) },
      Builtin(
        "lower(text)", group: "strings", "In small letters.", example: "print(lower(\"AB\"))  # expect: ab"
      ) { call in Value(try byPieces(call.string("text")) { $0.lowercased() }) },
      Builtin(
        "replace(text, old, new)", group: "strings", "With every `old` replaced by `new`.",
        example: "print(replace(\"a-b\", \"-\", \"+\"))  # expect: a+b"
      ) { call in
        let old = try call.string("old")
        if old.isEmpty { throw call.fault("bad-value", "`replace` needs something to replace", argument: "old") }
        return Value(try replaced(call.value("text"), try call.string("text"), old, try call.string("new")))
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
        try lines(try call.string("text"))
      },
    ]
  }

  /// By bytes, so that it is linear and no two characters melt into one.
  static func split(_ text: String, _ separator: String) throws -> [String] {
    try pieces(Value(text), separator).asItems?.compactMap(\.asString) ?? []
  }

  /// A list of lines without their ends; what follows the last line's end is no line.
  static func lines(_ text: String) throws -> Value {
    let made = Value(list: [])
    var text = text
    try text.withUTF8 { bytes in
      var start = 0
      while start < bytes.count {
        if made.slot.list.pointee.count & 0xFFF == 0 { try Interrupt.check() }
        let rest = UnsafeBufferPointer(rebasing: bytes[start...])
        let end = start + (rest.firstIndex(of: 10) ?? rest.count)
        let isReturn = end > start && bytes[end - 1] == 13 && end < bytes.count
        Heap.append(
          made.slot.list, Heap.string(UnsafeBufferPointer(rebasing: bytes[start..<(isReturn ? end - 1 : end)])))
        start = end + 1
      }
    }
    return made
  }

  /// A text without white space at its ends.
  static func trimmed(_ text: String, start: Bool, end: Bool) throws -> String {
    var scalars = text.unicodeScalars[...]
    var turns = 0
    func ask() throws {
      turns &+= 1
      if turns & 0xFFFF == 0 { try Interrupt.check() }
    }
    while start, let first = scalars.first, first.properties.isWhitespace {
      scalars.removeFirst()
      try ask()
    }
    while end, let last = scalars.last, last.properties.isWhitespace {
      scalars.removeLast()
      try ask()
    }
    return String(scalars)
  }

  /// A change of single characters, a million at a time.
  static func byPieces(_ text: String, _ change: (String) -> String) throws -> String {
    if text.utf8.count < 1 << 20 { return change(text) }
    var result = ""
    var rest = text.unicodeScalars[...]
    while !rest.isEmpty {
      try Interrupt.check()
      let end = rest.index(rest.startIndex, offsetBy: 1 << 20, limitedBy: rest.endIndex) ?? rest.endIndex
      result += change(String(rest[..<end]))
      rest = rest[end...]
    }
    return result
  }

  private static func replaced(_ text: Value, _ whole: String, _ old: String, _ new: String) throws -> String {
    let needle = Array(old.utf8)
    let replacement = Array(new.utf8)
    let bytes = UnsafePointer(Heap.bytes(text.slot.string))
    let count = text.slot.string.pointee.count
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var (start, turns) = (0, 0)
    while true {
      turns &+= 1
      if turns & 0xFFFF == 0 { try Interrupt.check() }
      let found = needle.withUnsafeBytes { needle in
        needle.baseAddress.flatMap { findBytes(bytes + start, count - start, $0, needle.count) }
      }
      guard let found else {
        if start == 0 { return whole }
        result += UnsafeBufferPointer(start: bytes + start, count: count - start)
        return String(decoding: result, as: UTF8.self)
      }
      let end = UnsafeRawPointer(found) - UnsafeRawPointer(bytes)
      result += UnsafeBufferPointer(start: bytes + start, count: end - start)
      result += replacement
      start = end + needle.count
    }
  }

  /// A list of the parts, which takes no detour over Swift's strings.
  private static func pieces(_ text: Value, _ separator: String) throws -> Value {
    let needle = Array(separator.utf8)
    let made = Value(list: [])
    let bytes = UnsafePointer(Heap.bytes(text.slot.string))
    let count = text.slot.string.pointee.count
    var start = 0
    while true {
      if made.slot.list.pointee.count & 0xFFF == 0 { try Interrupt.check() }
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
