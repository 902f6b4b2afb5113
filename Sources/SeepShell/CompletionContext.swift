// Where in a text the cursor is: in code or in a string, inside which call, at which of its arguments.

/// What is known of the place after `text`, from its bytes alone.
struct CompletionContext {
  struct Bracket {
    var open: UInt8
    /// It begins a value in a string.
    var isHole = false
    /// Where it stands.
    var at: Int
    var commas = 0
    /// Where the present argument begins.
    var argument: Int { didSet { earlier.append(oldValue) } }
    /// Where the arguments before it begin.
    private(set) var earlier: [Int] = []

    init(open: UInt8, isHole: Bool = false, at: Int, argument: Int) {
      (self.open, self.isHole, self.at, self.argument) = (open, isHole, at, argument)
    }
  }

  let bytes: [UInt8]
  /// Where the string begins that the cursor is in, after its quote.
  private(set) var stringStart: Int?
  private(set) var isComment = false
  /// Brackets that are open, outermost first.
  private(set) var brackets: [Bracket] = []

  init(_ text: String) {
    bytes = Array(text.utf8)
    scan()
  }

  private mutating func scan() {
    // Strings that are open around the code in their braces: how many brackets were open there, and whether `"""` ends them.
    var strings: [(brackets: Int, isLong: Bool)] = []
    var isLong = false
    var at = 0
    func quotes(_ count: Int, _ at: Int) -> Bool {
      at + count <= bytes.count && bytes[at..<(at + count)].allSatisfy { $0 == 34 }
    }
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if isComment {
        isComment = byte != 10
      } else if stringStart != nil {
        if byte == 92 {
          at += 1
        } else if byte == 123 {
          if at < bytes.count, bytes[at] == 123 {
            at += 1
          } else {
            stringStart = nil
            strings.append((brackets.count, isLong))
            brackets.append(Bracket(open: byte, isHole: true, at: at - 1, argument: at))
          }
        } else if byte == 34, !isLong || quotes(2, at) {
          stringStart = nil
          at += isLong ? 2 : 0
        } else if byte == 10, !isLong {
          stringStart = nil  // it has no end; what follows is code again
        }
      } else {
        switch byte {
        case 35: isComment = true
        case 34:
          isLong = quotes(2, at)
          at += isLong ? 2 : 0
          stringStart = at
        case 10:
          // A value in a string ends on its line.
          guard let first = strings.first else { continue }
          brackets.removeLast(max(0, brackets.count - first.brackets))
          strings = []
          isLong = first.isLong
          if isLong { stringStart = at }
        case 40, 91, 123: brackets.append(Bracket(open: byte, at: at - 1, argument: at))
        case 41, 93, 125:
          if !brackets.isEmpty { brackets.removeLast() }
          if let outer = strings.last, brackets.count == outer.brackets {
            strings.removeLast()
            isLong = outer.isLong
            stringStart = at
          }
        case 44:
          if !brackets.isEmpty {
            brackets[brackets.count - 1].commas += 1
            brackets[brackets.count - 1].argument = at
          }
        default: break
        }
      }
    }
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    byte == 95 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte >= 128
  }

  /// Where the name begins that ends at a place; with `dotted`, names joined by dots.
  func nameStart(_ end: Int, dotted: Bool = false) -> Int {
    var at = end
    while at > 0, CompletionContext.isNameByte(bytes[at - 1]) || (dotted && bytes[at - 1] == 46) { at -= 1 }
    return at
  }

  func text(_ from: Int, _ to: Int) -> String { String(decoding: bytes[from..<to], as: UTF8.self) }

  /// The call around the cursor: its dotted name, the number of the argument, its keyword if it has one.
  var call: (name: String, position: Int, keyword: String?)? {
    guard let bracket = brackets.last, bracket.open == 40 else { return nil }
    let name = text(nameStart(bracket.at, dotted: true), bracket.at)
    guard !name.isEmpty else { return nil }
    return (name, bracket.commas, keyword(bracket.argument))
  }

  /// The name of the argument that begins at a place, if it is given by name.
  private func keyword(_ argument: Int) -> String? {
    var start = argument
    while start < bytes.count, bytes[start] == 32 || bytes[start] == 10 { start += 1 }
    var end = start
    while end < bytes.count, CompletionContext.isNameByte(bytes[end]) { end += 1 }
    return end > start && end < bytes.count && bytes[end] == 58 ? text(start, end) : nil
  }

  /// The arguments before the present one: how many are given by place, and the names of the others.
  var given: (count: Int, names: [String]) {
    let names = (brackets.last?.earlier ?? []).map(keyword)
    return (names.count { $0 == nil }, names.compactMap { $0 })
  }

  /// Where the value begins whose index is the string that the cursor is in, and where it ends: `x` of `x["`.
  var indexed: Range<Int>? {
    guard let string = stringStart, let bracket = brackets.last, bracket.open == 91, bracket.commas == 0,
      bytes[(bracket.at + 1)..<(string - 1)].allSatisfy({ $0 == 32 })
    else { return nil }
    let start = pathStart(bracket.at)
    return start < bracket.at ? start..<bracket.at : nil
  }

  /// Where a value begins that ends at a place: names joined by dots, `["…"]` among them.
  func pathStart(_ end: Int) -> Int {
    var at = nameStart(end, dotted: true)
    while at >= 2, bytes[at - 1] == 93, bytes[at - 2] == 34 {
      var quote = at - 3
      while quote >= 0, bytes[quote] != 34 { quote -= 1 }
      guard quote > 0, bytes[quote - 1] == 91 else { return at }
      at = nameStart(quote - 1, dotted: true)
    }
    return at
  }

  /// What closes all that is open, so that a text cut off here can be read.
  var closers: String {
    brackets.reversed().map { bracket in
      switch bracket.open {
      case 40: ")"
      case 91: "]"
      default: bracket.isHole ? "}\"" : "}"
      }
    }.joined()
  }
}
