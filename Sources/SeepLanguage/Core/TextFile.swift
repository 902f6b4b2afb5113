// Whole text files: read, written and lengthened in pieces that leave room for Ctrl-C.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Whole text files.
public enum TextFile {
  private static let piece = 1 << 22

  private static func reason() -> String { String(cString: strerror(errno)).lowercased() }

  public static func read(_ path: String) throws -> String { try contents(path).asString ?? "" }

  /// A file as a string of the language.
  /// - Throws: `file-not-found`, `file-unreadable`.
  public static func contents(_ path: String) throws -> Value {
    guard let file = fopen(path, "rb") else {
      throw Fault(errno == ENOENT ? "file-not-found" : "file-unreadable", "cannot read \"\(path)\": \(reason())")
    }
    defer { fclose(file) }
    var info = stat()
    let isKnown = fstat(fileno(file), &info) == 0
    if isKnown, info.st_mode & S_IFMT == S_IFDIR {
      throw Fault("file-unreadable", "cannot read \"\(path)\": it is a folder", help: "list_folder(\"\(path)\")")
    }
    let size = isKnown ? max(0, Int(info.st_size)) : 0
    try Operations.requireRoom(size, 1)
    let made = TextBuilder(capacity: size + 1)
    while true {
      let want = min(piece, max(1 << 16, size - made.count + 1))
      let count = fread(made.room(want), 1, want, file)
      if count == 0 { break }
      made.grow(count)
      try Interrupt.check()
    }
    if ferror(file) != 0 { throw Fault("file-unreadable", "cannot read \"\(path)\"") }
    guard try LongText.isValid(made.bytes) else { throw noText(made.bytes, from: "\"\(path)\"") }
    return made.finish()
  }

  /// Bytes as text.
  /// - Throws: `file-unreadable` that names the first byte that is none, its line and its offset.
  public static func text(_ bytes: [UInt8], from source: String) throws -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    throw bytes.withUnsafeBufferPointer { noText($0, from: source) }
  }

  private static func noText(_ bytes: UnsafeBufferPointer<UInt8>, from source: String) -> Fault {
    var low = 0
    while low < bytes.count {
      if bytes[low] < 0x80 {
        low += 1
        continue
      }
      let length = bytes[low] < 0xE0 ? 2 : bytes[low] < 0xF0 ? 3 : 4
      guard low + length <= bytes.count, String(validating: bytes[low..<(low + length)], as: UTF8.self) != nil else {
        break
      }
      low += length
    }
    return Fault(
      "file-unreadable", "\(source) is not text in UTF-8",
      notes: low < bytes.count
        ? [
          "The byte 0x\(String(bytes[low], radix: 16, uppercase: true)) at offset \(low), in line \(bytes[..<low].count { $0 == 10 } + 1), is the first that is none."
        ] : [])
  }

  /// Writes a file beside its place and then moves it there, so that an interruption leaves the old one whole. What is no regular file (a pipe,
  /// a device), and a file in a folder where none can be made, is written where it is.
  /// - Throws: `file-unwritable`.
  static func write(_ path: String, _ text: UnsafeBufferPointer<UInt8>) throws {
    var info = stat()
    let isThere = stat(path, &info) == 0
    let isPlain = !isThere || UInt32(info.st_mode) & UInt32(S_IFMT) == UInt32(S_IFREG)
    // A link stays, and the file it leads to is replaced.
    let place = isThere ? realpath(path, nil) : nil
    defer { free(place) }
    let target = place.map { String(cString: $0) } ?? path
    let beside = "\(target).\(getpid()).partial"
    guard isPlain, let file = fopen(beside, "wb") else {
      guard let file = fopen(path, "wb") else {
        throw Fault("file-unwritable", "cannot write \"\(path)\": \(reason())")
      }
      return try send(text, to: file, path)
    }
    do {
      if isThere { _ = fchmod(fileno(file), info.st_mode & 0o7777) }
      try send(text, to: file, path)
      if rename(beside, target) != 0 { throw Fault("file-unwritable", "cannot write \"\(path)\": \(reason())") }
    } catch {
      unlink(beside)
      throw error
    }
  }

  /// Writes at the end of a file; an interruption leaves it as long as it was.
  static func append(_ path: String, _ text: UnsafeBufferPointer<UInt8>) throws {
    guard let file = fopen(path, "ab") else {
      throw Fault("file-unwritable", "cannot write \"\(path)\": \(reason())")
    }
    var info = stat()
    let size =
      fstat(fileno(file), &info) == 0 && UInt32(info.st_mode) & UInt32(S_IFMT) == UInt32(S_IFREG) ? info.st_size : nil
    do {
      try send(text, to: file, path)
    } catch {
      if let size { truncate(path, size) }
      throw error
    }
  }

  /// Writes the text and closes the file.
  private static func send(
    _ bytes: UnsafeBufferPointer<UInt8>, to file: UnsafeMutablePointer<FILE>, _ path: String
  ) throws {
    var (start, isWhole) = (0, true)
    while start < bytes.count, isWhole, !Interrupt.isRequested {
      let count = min(bytes.count - start, piece)
      isWhole = fwrite(bytes.baseAddress.map { $0 + start }, 1, count, file) == count
      start += count
    }
    let isClosed = fclose(file) == 0
    if start < bytes.count { try Interrupt.check() }
    if !isClosed || !isWhole { throw Fault("file-unwritable", "cannot write all of \"\(path)\"") }
  }
}
