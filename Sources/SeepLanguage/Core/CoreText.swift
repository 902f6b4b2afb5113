// Characters, words and padding of strings.
import Ground

enum CoreText {
  static var builtins: [Builtin] { pieces + edges + codes }

  private static var pieces: [Builtin] {
    [
      Builtin(
        "chars(text)", group: "strings", "The characters, each as a string; what `for` goes through.",
        example: "print(chars(\"abc\"))  # expect: [\"a\", \"b\", \"c\"]"
      ) { call in
        try LongText.characters(call.text("text"))
      },
      Builtin(
        "words(text)", group: "strings", "The parts between white space of any length.",
        example: "print(words(\" to  be\\n\"))  # expect: [\"to\", \"be\"]"
      ) { call in
        let bytes = try call.text("text")
        let made = Value(list: [])
        var (start, at, turns) = (0, 0, 0)
        while at < bytes.count {
          turns &+= 1
          if turns & 0xFFFF == 0 { try Interrupt.check() }
          let (end, isSpace) = LongText.character(bytes, at)
          if isSpace {
            if start < at { Heap.append(made.slot.list, Heap.string(UnsafeBufferPointer(rebasing: bytes[start..<at]))) }
            start = end
          }
          at = end
        }
        if start < at { Heap.append(made.slot.list, Heap.string(UnsafeBufferPointer(rebasing: bytes[start..<at]))) }
        return made
      },
      Builtin(
        "split_once(text, by)", group: "strings",
        "The text before and after the first `by`, or `none` if it is not there.",
        example: "print(split_once(\"lr=0.1\", \"=\"))  # expect: (\"lr\", \"0.1\")"
      ) { call in
        let (bytes, by) = (try call.text("text"), try call.string("by"))
        guard !by.isEmpty, let at = try place(of: by, in: bytes) else { return .none }
        return Value(tuple: [
          Value(taking: Heap.string(UnsafeBufferPointer(rebasing: bytes[..<at]))),
          Value(taking: Heap.string(UnsafeBufferPointer(rebasing: bytes[(at + by.utf8.count)...]))),
        ])
      },
    ]
  }

  private static var edges: [Builtin] {
    func padding(_ name: String, _ words: String, _ example: String, _ isStart: Bool) -> Builtin {
      Builtin("\(name)(text, width, fill: \" \")", group: "strings", words, example: example) { call in
        let text = try call.string("text")
        let fill = try call.string("fill")
        guard fill.unicodeScalars.count == 1 else {
          throw call.fault("bad-value", "`fill` is one character, not \(fill.debugDescription)", argument: "fill")
        }
        let missing = max(0, try call.int("width", in: 0...1_000_000) - text.unicodeScalars.count)
        let padding = String(repeating: fill, count: missing)
        return Value(isStart ? padding + text : text + padding)
      }
    }
    func trimming(_ name: String, _ words: String, _ example: String, _ isStart: Bool) -> Builtin {
      Builtin("\(name)(text)", group: "strings", words, example: example) { call in
        try CoreStrings.trimmed(call, start: isStart, end: !isStart)
      }
    }
    return [
      padding(
        "pad_start", "With `fill` before it until it is `width` characters long.",
        "print(pad_start(\"7\", 3, fill: \"0\"))  # expect: 007", true),
      padding(
        "pad_end", "With `fill` behind it until it is `width` characters long.",
        "print(pad_end(\"ab\", 4, fill: \".\"))  # expect: ab..", false),
      trimming(
        "trim_start", "Without white space at the beginning.", "print(repr(trim_start(\" a \")))  # expect: \"a \"",
        true),
      trimming(
        "trim_end", "Without white space at the end.", "print(repr(trim_end(\" a \")))  # expect: \" a\"", false),
      Builtin(
        "without_prefix(text, prefix)", group: "strings", "The text without this beginning, if it has it.",
        example: "print(without_prefix(\"layer.weight\", \"layer.\"))  # expect: weight"
      ) { call in
        let (text, prefix) = (try call.string("text"), try call.string("prefix"))
        return Value(
          text.utf8.starts(with: prefix.utf8)
            ? String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : text)
      },
      Builtin(
        "without_suffix(text, suffix)", group: "strings", "The text without this end, if it has it.",
        example: "print(without_suffix(\"x.seep\", \".seep\"))  # expect: x"
      ) { call in
        let (text, suffix) = (try call.string("text"), try call.string("suffix"))
        return Value(
          text.utf8.reversed().starts(with: suffix.utf8.reversed())
            ? String(decoding: text.utf8.dropLast(suffix.utf8.count), as: UTF8.self) : text)
      },
      Builtin(
        "capitalize(text)", group: "strings", "With a capital letter at its beginning.",
        example: "print(capitalize(\"private\"))  # expect: Private"
      ) { call in
        let text = try call.string("text")
        return Value(text.prefix(1).uppercased() + text.dropFirst())
      },
    ]
  }

  private static var codes: [Builtin] {
    [
      Builtin(
        "code_point(character)", group: "strings", "The number of a character in Unicode.",
        example: "print(code_point(\"a\"))  # expect: 97"
      ) { call in
        let text = try call.string("character").unicodeScalars
        guard text.count == 1, let one = text.first else {
          throw call.fault("bad-value", "`code_point` needs one character, not \(text.count)", argument: "character")
        }
        return Value(Int(one.value))
      },
      Builtin(
        "character(code)", group: "strings", "The character with a number in Unicode. Errors: out-of-range.",
        example: "print(character(955))  # expect: λ"
      ) { call in
        let code = try call.int("code", in: 0...0x10FFFF)
        guard let one = Unicode.Scalar(UInt32(code)) else {
          throw call.fault("out-of-range", "\(code) is the number of no character", argument: "code")
        }
        return Value(String(Character(one)))
      },
    ]
  }

  /// The byte where a part begins in a text.
  static func place(of part: String, in bytes: UnsafeBufferPointer<UInt8>) throws -> Int? {
    try Array(part.utf8).withUnsafeBufferPointer { try LongText.place(of: $0, in: bytes) }
  }
}
