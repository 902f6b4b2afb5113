// The statements of a text one by one, for places where people run several at once: what ran before a mistake stays done.
import Ground

extension Session {
  /// A text of more statements than this is run as a whole.
  private static let stepLimit = 2000

  /// The parts of a text that run one after another, each on the lines where it stands in the text. Functions run with the
  /// statement that follows them, because they may call each other. A text with mistakes is one part.
  public func steps(of text: String) -> [String] {
    let bytes = Array(text.utf8)
    let parsed = QuickParser.read(bytes, nativeLimit: machine.stackFloor() + (256 << 10))
    let statements = parsed.statements
    guard parsed.errors.isEmpty, statements.count > 1, statements.count <= Session.stepLimit else { return [text] }
    // A part goes from the end of the one before it, so that its `##` comments belong to it.
    var parts: [String] = []
    var start = 0
    for (index, statement) in statements.enumerated() {
      let isLast = index == statements.count - 1
      if case .function = statement.kind, !isLast { continue }
      let end = isLast ? bytes.count : min(statement.span.end, bytes.count)
      // Two statements of one line stay together.
      if !isLast, !bytes[end..<statements[index + 1].span.start].contains(10) { continue }
      let skipped = bytes[..<start].count { $0 == 10 }
      parts.append(String(repeating: "\n", count: skipped) + String(decoding: bytes[start..<end], as: UTF8.self))
      start = end
    }
    return parts
  }
}
