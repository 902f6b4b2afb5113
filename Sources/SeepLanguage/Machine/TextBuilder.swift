// Long texts: made in place as strings of the machine, searched and compared in pieces that leave room for Ctrl-C.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A string of the machine that grows at its end. One of a gigabyte is moved by the system's page tables, not copied.
final class TextBuilder {
  private var body: UnsafeMutablePointer<StringBody>

  init(capacity: Int = 32) { body = Heap.emptyString(capacity: max(8, capacity)) }
  deinit { Slot(tag: Tag.string, pointer: body).release() }

  var count: Int { body.pointee.count }
  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: Heap.bytes(body), count: count) }

  /// Room for so many more bytes, whose contents the caller sets before `grow`.
  func room(_ more: Int) -> UnsafeMutablePointer<UInt8> {
    let needed = body.pointee.count + more
    if needed > body.pointee.capacity {
      let capacity = max(needed, 2 * body.pointee.capacity)
      let moved = realloc(body, Heap.stringHead + capacity).unsafelyUnwrapped
      body = moved.bindMemory(to: StringBody.self, capacity: 1)
      body.pointee.capacity = capacity
    }
    return Heap.bytes(body) + body.pointee.count
  }

  func grow(_ more: Int) { body.pointee.count += more }

  /// After Ctrl-C many bytes may be missing: who goes on asks first.
  func append(_ source: UnsafeBufferPointer<UInt8>) {
    guard let start = source.baseAddress else { return }
    Heap.copy(room(source.count), start, source.count)
    grow(source.count)
  }

  func append(_ byte: UInt8) {
    room(1).pointee = byte
    grow(1)
  }

  func append(_ text: String) {
    var text = text
    text.withUTF8 { append($0) }
  }

  /// The text so far as a value; the builder begins anew.
  func finish() -> Value {
    let made = Value(taking: Slot(tag: Tag.string, pointer: body))
    body = Heap.emptyString(capacity: 8)
    return made
  }
}

extension Value {
  /// The bytes of a string where they lie; nil for anything else.
  public func withText<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result? {
    guard slot.tag == Tag.string else { return nil }
    return try withExtendedLifetime(self) { try body(LongText.bytes(slot.string)) }
  }

  /// A string of these bytes; nil if they are not UTF-8.
  public init?(text bytes: UnsafeBufferPointer<UInt8>) throws {
    guard try LongText.isValid(bytes) else { return nil }
    let made = TextBuilder(capacity: bytes.count)
    made.append(bytes)
    try Interrupt.check()
    self = made.finish()
  }
}

enum LongText {
  /// Of what one look at the interrupt flag covers.
  private static let piece = 1 << 22

  static func bytes(_ body: UnsafeMutablePointer<StringBody>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: Heap.bytes(body), count: body.pointee.count)
  }

  /// Where a part begins, at `from` or later.
  static func place(
    of needle: UnsafeBufferPointer<UInt8>, in hay: UnsafeBufferPointer<UInt8>, from: Int = 0
  ) throws -> Int? {
    guard let wanted = needle.baseAddress, !needle.isEmpty else { return from }
    guard let start = hay.baseAddress else { return nil }
    var at = from
    while at + needle.count <= hay.count {
      // The last bytes of a piece belong to the next one too: a part may begin there.
      let count = min(hay.count - at, piece + needle.count - 1)
      if let found = findBytes(start + at, count, wanted, needle.count) {
        return UnsafeRawPointer(found) - UnsafeRawPointer(start)
      }
      at += count - needle.count + 1
      try Interrupt.check()
    }
    return nil
  }

  /// As `memcmp`. After Ctrl-C it ends early, with a sign that is none of equality.
  static func order(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Int {
    var at = 0
    while at < count {
      let sign = Int(memcmp(a + at, b + at, min(piece, count - at)))
      if sign != 0 { return sign }
      at += piece
      if at < count, Interrupt.isRequested { return 1 }
    }
    return 0
  }

  /// Characters of a text.
  static func length(_ bytes: UnsafeBufferPointer<UInt8>) throws -> Int {
    var (count, at) = (0, 0)
    while at < bytes.count {
      let end = min(bytes.count, at + piece)
      for i in at..<end where bytes[i] & 0xC0 != 0x80 { count &+= 1 }
      at = end
      if at < bytes.count { try Interrupt.check() }
    }
    return count
  }

  /// The byte where the character with a number begins, counted from one that begins at `from`; the end of the text for one behind it.
  static func place(ofCharacter number: Int, in bytes: UnsafeBufferPointer<UInt8>, from: Int = 0) throws -> Int {
    var (left, at) = (number, from)
    while at < bytes.count, left > 0 {
      at += size(bytes[at])
      left -= 1
      if left & 0xFFFFF == 0 { try Interrupt.check() }
    }
    return min(at, bytes.count)
  }

  /// Bytes of the character that begins with this one.
  @inline(__always) static func size(_ first: UInt8) -> Int {
    first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
  }

  /// Where the character that begins at `at` ends, and whether it is white space.
  static func character(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> (end: Int, isSpace: Bool) {
    let first = bytes[at]
    if first < 0x80 { return (at + 1, first == 32 || first >= 9 && first <= 13) }
    let end = min(bytes.count, at + size(first))
    let scalar = String(decoding: UnsafeBufferPointer(rebasing: bytes[at..<end]), as: UTF8.self).unicodeScalars.first
    return (end, scalar?.properties.isWhitespace ?? false)
  }

  /// A list of the characters.
  static func characters(_ bytes: UnsafeBufferPointer<UInt8>) throws -> Value {
    let made = Value(list: [])
    var at = 0
    while at < bytes.count {
      if made.slot.list.pointee.count & 0x3FFF == 0 { try Interrupt.check() }
      let end = min(bytes.count, at + size(bytes[at]))
      Heap.append(made.slot.list, Heap.string(UnsafeBufferPointer(rebasing: bytes[at..<end])))
      at = end
    }
    return made
  }

  static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) throws -> Bool {
    var at = 0
    while at < bytes.count {
      var end = min(bytes.count, at + piece)
      // Not in the middle of a character; four bytes that begin none are judged by the piece they end.
      for _ in 0..<3 where end < bytes.count && bytes[end] & 0xC0 == 0x80 { end -= 1 }
      if String(validating: UnsafeBufferPointer(rebasing: bytes[at..<end]), as: UTF8.self) == nil { return false }
      at = end
      try Interrupt.check()
    }
    return true
  }
}
