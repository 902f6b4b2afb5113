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
        return try pieces(call.text("text"), separator)
      },
      Builtin(
        "join(items, by: \"\")", group: "strings", "The texts of the items with `by` between them.",
        example: "print(join([1, 2], by: \"-\"))  # expect: 1-2"
      ) { call in
        let by = try call.string("by")
        let text = TextBuilder()
        for (i, item) in try call.items("items").enumerated() {
          if i & 0xFFF == 0 || text.count > 1 << 22 { try Interrupt.check() }
          if i > 0 { text.append(by) }
          if item.tag == Tag.string {
            text.append(LongText.bytes(item.string))
          } else {
            text.append(Display.text(item, .long))
          }
        }
        return text.finish()
      },
      Builtin(
        "trim(text)", group: "strings", "Without white space at both ends.",
        example: "print(repr(trim(\" a \")))  # expect: \"a\""
      ) { call in
        return try trimmed(call, start: true, end: true)
      },
      Builtin(
        "upper(text)", group: "strings", "In capital letters.", example: "print(upper(\"ab\"))  # expect: AB"
      ) { call in try byPieces(call) { $0.uppercased() } },
      Builtin(
        "lower(text)", group: "strings", "In small letters.", example: "print(lower(\"AB\"))  # expect: ab"
      ) { call in try byPieces(call) { $0.lowercased() } },
      Builtin(
        "replace(text, old, new)", group: "strings", "With every `old` replaced by `new`.",
        example: "print(replace(\"a-b\", \"-\", \"+\"))  # expect: a+b"
      ) { call in
        let old = try call.string("old")
        if old.isEmpty { throw call.fault("bad-value", "`replace` needs something to replace", argument: "old") }
        return try replaced(call, Array(old.utf8), Array(call.string("new").utf8))
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
        try lines(call.text("text"))
      },
    ]
  }

  /// A list of lines without their ends; what follows the last line's end is no line.
  static func lines(_ bytes: UnsafeBufferPointer<UInt8>) throws -> Value {
    let made = Value(list: [])
    let lineEnd: [UInt8] = [10]
    try lineEnd.withUnsafeBufferPointer { lineEnd in
      var start = 0
      while start < bytes.count {
        if made.slot.list.pointee.count & 0xFFF == 0 { try Interrupt.check() }
        let end = try LongText.place(of: lineEnd, in: bytes, from: start) ?? bytes.count
        let isReturn = end > start && bytes[end - 1] == 13 && end < bytes.count
        Heap.append(
          made.slot.list, Heap.string(UnsafeBufferPointer(rebasing: bytes[start..<(isReturn ? end - 1 : end)])))
        start = end + 1
      }
    }
    return made
  }

  /// The argument `text` without white space at its ends.
  static func trimmed(_ call: Call, start: Bool, end: Bool) throws -> Value {
    let bytes = try call.text("text")
    var (first, last, turns) = (0, bytes.count, 0)
    func ask() throws {
      turns &+= 1
      if turns & 0xFFFF == 0 { try Interrupt.check() }
    }
    while start, first < last {
      let (end, isSpace) = LongText.character(bytes, first)
      if !isSpace { break }
      first = end
      try ask()
    }
    while end, first < last {
      var at = last - 1
      while at > first, bytes[at] & 0xC0 == 0x80 { at -= 1 }
      if !LongText.character(bytes, at).isSpace { break }
      last = at
      try ask()
    }
    return Value(taking: Heap.string(UnsafeBufferPointer(rebasing: bytes[first..<last])))
  }

  /// The argument `text` with its single characters changed, some hundred thousand at a time.
  private static func byPieces(_ call: Call, _ change: (String) -> String) throws -> Value {
    let bytes = try call.text("text")
    let result = TextBuilder(capacity: bytes.count)
    var start = 0
    while start < bytes.count {
      try Interrupt.check()
      var end = min(bytes.count, start + 1 << 18)
      for _ in 0..<3 where end < bytes.count && bytes[end] & 0xC0 == 0x80 { end -= 1 }
      result.append(change(String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)))
      start = end
    }
    return result.finish()
  }

  /// The argument `text` with one part in the place of another.
  private static func replaced(_ call: Call, _ old: [UInt8], _ new: [UInt8]) throws -> Value {
    let bytes = try call.text("text")
    let result = TextBuilder(capacity: bytes.count)
    var (start, turns) = (0, 0)
    return try old.withUnsafeBufferPointer { old in
      try new.withUnsafeBufferPointer { new in
        while true {
          turns &+= 1
          if turns & 0xFFFF == 0 { try Interrupt.check() }
          let end = try LongText.place(of: old, in: bytes, from: start)
          if end == nil, start == 0 { return call.value("text") }
          result.append(UnsafeBufferPointer(rebasing: bytes[start..<(end ?? bytes.count)]))
          guard let end else { return result.finish() }
          result.append(new)
          start = end + old.count
        }
      }
    }
  }

  /// A list of the parts: by bytes, so that it is linear and no two characters melt into one.
  private static func pieces(_ bytes: UnsafeBufferPointer<UInt8>, _ separator: String) throws -> Value {
    let made = Value(list: [])
    var start = 0
    return try Array(separator.utf8).withUnsafeBufferPointer { needle in
      while true {
        if made.slot.list.pointee.count & 0xFFF == 0 { try Interrupt.check() }
        let found = try LongText.place(of: needle, in: bytes, from: start)
        Heap.append(made.slot.list, Heap.string(UnsafeBufferPointer(rebasing: bytes[start..<(found ?? bytes.count)])))
        guard let found else { return made }
        start = found + needle.count
      }
    }
  }
}
