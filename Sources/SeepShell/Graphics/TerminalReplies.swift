// What a terminal answers when it is asked what it is, told apart from keys that were pressed meanwhile.

public struct TerminalReplies: Sendable, Equatable {
  /// XTVERSION: name and version.
  public var name: String?
  /// Primary device attributes; 4 is sixel.
  public var attributes: [Int] = []
  /// Pixels of a cell.
  public var cellWidth: Int?
  public var cellHeight: Int?
  /// The status report, which every terminal gives; it is asked for last.
  public var isDone = false
  /// Whether the question for kitty's graphics was answered with OK.
  public var hasKitty = false
  /// Bytes that belong to no answer.
  public var keys: [UInt8] = []
  /// Why there is no answer, as the end of a sentence.
  public var problem: String?

  public init() {}

  public var hasSixel: Bool { attributes.contains(4) }

  public init(problem: String) { self.problem = problem }

  /// Reads all that came so far. An answer that is not whole yet is neither an answer nor a key.
  public init(_ bytes: [UInt8]) {
    var at = 0
    while at < bytes.count {
      guard bytes[at] == 0x1B, at + 1 < bytes.count else {
        if bytes[at] != 0x1B { keys.append(bytes[at]) }
        at += 1
        continue
      }
      switch bytes[at + 1] {
      case UInt8(ascii: "["):
        guard let end = bytes[(at + 2)...].firstIndex(where: { (0x40...0x7E).contains($0) }) else { return }
        if !takeControl(bytes[(at + 2)..<end], bytes[end]) { keys += bytes[at...end] }
        at = end + 1
      case UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "]"):
        guard let end = stringEnd(bytes, at + 2) else { return }
        takeString(bytes[at + 1], bytes[(at + 2)..<end])
        at = end + (bytes[end] == 0x1B ? 2 : 1)
      default:
        keys += bytes[at...(at + 1)]
        at += 2
      }
    }
  }

  /// These and those to a later question.
  func with(_ later: TerminalReplies) -> TerminalReplies {
    var all = later
    all.name = later.name ?? name
    if later.attributes.isEmpty { all.attributes = attributes }
    (all.cellWidth, all.cellHeight) = (later.cellWidth ?? cellWidth, later.cellHeight ?? cellHeight)
    all.keys = keys + later.keys
    return all
  }

  /// Where a string ends: at ESC \ or BEL.
  private func stringEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
    bytes.indices.dropFirst(start).first { place in
      bytes[place] == 0x07 || bytes[place] == 0x1B && place + 1 < bytes.count && bytes[place + 1] == UInt8(ascii: "\\")
    }
  }

  private func numbers(_ bytes: ArraySlice<UInt8>) -> [Int] {
    bytes.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map {
      Int(String(decoding: $0, as: UTF8.self)) ?? 0
    }
  }

  /// Whether a control sequence is one of the answers; else it is a key such as an arrow.
  private mutating func takeControl(_ parameters: ArraySlice<UInt8>, _ final: UInt8) -> Bool {
    switch final {
    case UInt8(ascii: "c") where parameters.first == UInt8(ascii: "?"):
      attributes = numbers(parameters.dropFirst())
    case UInt8(ascii: "n") where numbers(parameters) == [0] || numbers(parameters) == [3]:
      isDone = true
    case UInt8(ascii: "t"):
      let size = numbers(parameters)
      if size.count == 3, size[0] == 6, (1...400).contains(size[1]), (1...400).contains(size[2]) {
        (cellHeight, cellWidth) = (size[1], size[2])
      }
    default: return false
    }
    return true
  }

  private mutating func takeString(_ kind: UInt8, _ body: ArraySlice<UInt8>) {
    let text = String(decoding: body, as: UTF8.self)
    if kind == UInt8(ascii: "P"), text.hasPrefix(">|") {
      name = String(
        text.dropFirst(2).unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.map(Character.init).prefix(60))
    } else if kind == UInt8(ascii: "_"), text.hasPrefix("G"), text.hasSuffix(";OK") {
      hasKitty = true
    }
  }
}
