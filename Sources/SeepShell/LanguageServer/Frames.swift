// The framing of the Language Server Protocol: `Content-Length: N`, an empty line, N bytes of JSON.

/// Cuts a stream of bytes into messages.
package struct FrameReader {
  package enum Frame: Equatable {
    case body([UInt8])
    /// Bytes that belong to no message.
    case garbage
  }

  /// Longer messages are not read: nobody edits such a text.
  static let longest = 1 << 28
  /// A header is never this long.
  private static let longestHeader = 8192

  private var bytes: [UInt8] = []
  /// What was already looked at of `bytes` without an end of a header.
  private var looked = 0

  package init() {}

  /// Takes more bytes; the messages that are whole now.
  package mutating func take(_ more: some Sequence<UInt8>) -> [Frame] {
    bytes += more
    var frames: [Frame] = []
    var start = 0
    defer {
      bytes.removeFirst(start)
      looked = max(0, looked - start)
    }
    while let (headerEnd, bodyStart) = endOfHeader(from: max(start, looked - 3)) {
      let header = FrameReader.header(bytes[start..<headerEnd])
      if header.hasGarbage { frames.append(.garbage) }
      guard let length = header.length else {
        start = bodyStart
        looked = bodyStart
        continue
      }
      guard bytes.count - bodyStart >= length else {
        // The header is read again when more has come; the garbage before it is reported then.
        if header.hasGarbage { frames.removeLast() }
        return frames
      }
      frames.append(.body(Array(bytes[bodyStart..<(bodyStart + length)])))
      start = bodyStart + length
      looked = start
    }
    looked = bytes.count
    if bytes.count - start > FrameReader.longestHeader {
      frames.append(.garbage)
      start = bytes.count - FrameReader.longestHeader / 2
    }
    return frames
  }

  /// Where the empty line begins that ends a header, and where the body does.
  private func endOfHeader(from start: Int) -> (Int, Int)? {
    var at = start
    while at + 3 < bytes.count {
      if bytes[at] == 13, bytes[at + 1] == 10, bytes[at + 2] == 13, bytes[at + 3] == 10 { return (at, at + 4) }
      at += 1
    }
    return nil
  }

  private static func header(_ bytes: ArraySlice<UInt8>) -> (length: Int?, hasGarbage: Bool) {
    var length: Int?
    var hasGarbage = false
    for line in bytes.split(separator: 10, omittingEmptySubsequences: true) {
      let text = String(decoding: line, as: UTF8.self).lowercased()
      let name = "content-length:"
      if text.hasSuffix("\r") || line.endIndex == bytes.endIndex, let place = text.range(of: name) {
        if place.lowerBound != text.startIndex { hasGarbage = true }
        let digits = text[place.upperBound...].filter { $0 != " " && $0 != "\r" && $0 != "\t" }
        if let value = Int(digits), (0...longest).contains(value) { length = value } else { hasGarbage = true }
      } else if !text.hasPrefix("content-type:") {
        hasGarbage = true
      }
    }
    return (length, hasGarbage || length == nil)
  }

  /// A message in its frame.
  package static func frame(_ message: JSON) -> [UInt8] {
    let body = message.bytes
    return Array("Content-Length: \(body.count)\r\n\r\n".utf8) + body
  }
}

extension String {
  /// The first place of another text; without Foundation.
  fileprivate func range(of other: String) -> Range<String.Index>? {
    var at = startIndex
    while at < endIndex {
      if self[at...].hasPrefix(other) { return at..<index(at, offsetBy: other.count) }
      at = index(after: at)
    }
    return nil
  }
}
