// Where two values differ that were expected to be equal: the first place, and what stands there on each side.
import Ground

enum Difference {
  /// A sentence; nil where the values themselves say it all.
  static func text(_ a: Slot, _ b: Slot) -> String? {
    var (a, b) = (a, b)
    var path = ""
    while true {
      if a.tag == b.tag, a.tag == Tag.list || a.tag == Tag.tuple {
        let (left, right) = (a.list.pointee, b.list.pointee)
        let common = min(left.count, right.count)
        if let i = (0..<common).first(where: { !Operations.areEqual(left.items[$0], right.items[$0]) }) {
          path += "[\(i)]"
          (a, b) = (left.items[i], right.items[i])
          continue
        }
        return
          "\(place(path, "The left side")) has \(items(left.count)), the right \(right.count)\(surplus(left, right))."
      }
      if a.tag == Tag.record, b.tag == Tag.record {
        let (left, right) = (a.record.pointee, b.record.pointee)
        if let key = (0..<left.count).map({ left.keys[$0] }).first(where: { Heap.find(b.record, $0) < 0 }) {
          return "\(place(path, "The field")) `\(Symbols.name(key))` is only on the left."
        }
        if let key = (0..<right.count).map({ right.keys[$0] }).first(where: { Heap.find(a.record, $0) < 0 }) {
          return "\(place(path, "The field")) `\(Symbols.name(key))` is only on the right."
        }
        func other(_ i: Int) -> Slot { right.values[Heap.find(b.record, left.keys[i])] }
        guard let i = (0..<left.count).first(where: { !Operations.areEqual(left.values[$0], other($0)) }) else {
          return nil
        }
        path += "." + Symbols.name(left.keys[i])
        (a, b) = (left.values[i], other(i))
        continue
      }
      break
    }
    if a.tag == Tag.string, b.tag == Tag.string, let words = strings(Heap.text(a.string), Heap.text(b.string)) {
      return (path.isEmpty ? "" : "At `\(path)`: ") + words
    }
    if a.tag == Tag.foreign, b.tag == Tag.foreign, let words = a.foreignObject.difference(from: b.foreignObject) {
      return (path.isEmpty ? "" : "At `\(path)`: ") + words
    }
    if path.isEmpty { return nil }
    return "They differ at `\(path)`: \(Display.quoted(a)) and \(Display.quoted(b))."
  }

  private static func place(_ path: String, _ words: String) -> String {
    path.isEmpty ? words : "At `\(path)`: " + words.prefix(1).lowercased() + words.dropFirst()
  }

  private static func items(_ count: Int) -> String { count == 1 ? "1 item" : "\(count) items" }

  private static func surplus(_ left: ListBody, _ right: ListBody) -> String {
    let (longer, at) = left.count > right.count ? (left, right.count) : (right, left.count)
    return longer.count > at ? "; the first without a partner is \(Display.quoted(longer.items[at]))" : ""
  }

  /// The first place where two texts differ, with what stands before it; nil where both are a few letters.
  private static func strings(_ a: String, _ b: String) -> String? {
    let (left, right) = (Array(a.unicodeScalars), Array(b.unicodeScalars))
    guard max(left.count, right.count) > 5 || left.contains("\n") || right.contains("\n") else { return nil }
    let common = min(left.count, right.count)
    let at = (0..<common).first { left[$0] != right[$0] } ?? common
    let line = left[..<at].count { $0 == "\n" } + 1
    func part(_ text: [Unicode.Scalar]) -> String {
      var piece = String.UnicodeScalarView()
      piece.append(contentsOf: text[min(at, text.count)..<min(at + 16, text.count)])
      return at >= text.count ? "the end" : String(piece).debugDescription + (text.count > at + 16 ? "…" : "")
    }
    let where_ = line > 1 ? "in line \(line), at character \(at)" : "at character \(at)"
    var before = String.UnicodeScalarView()
    before.append(contentsOf: left[max(0, at - 12)..<at])
    let behind = at == 0 ? "" : ", behind \(at > 12 ? "…" : "")\(String(before).debugDescription)"
    return "The texts differ \(where_)\(behind): \(part(left)) and \(part(right))."
  }
}
