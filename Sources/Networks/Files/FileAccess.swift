// Reading and writing files with the C library: every failure is a Fault that names the file. A file is written under a
// temporary name beside its target and renamed when complete, so that a reader never sees half of one.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Fault {
  /// A file whose contents are not what its format asks for.
  public static func badFile(_ path: String, _ format: String, _ reason: String, help: String? = nil) -> Fault {
    Fault("bad-file", "cannot read \(path) as \(format): \(reason)", help: help)
  }

  /// A file that ends before its contents do.
  public static func truncatedFile(_ path: String, _ format: String, _ reason: String) -> Fault {
    Fault(
      "truncated-file", "cannot read \(path) as \(format): \(reason)",
      notes: ["The file is shorter than its own header says; it may be an interrupted copy or download."])
  }

  /// A failed system call on a file. `verb` is "read" or "write".
  package static func system(_ path: String, _ verb: String, _ error: Int32) -> Fault {
    let reason = String(cString: strerror(error)).lowercased()
    switch error {
    case ENOENT where verb == "read":
      return Fault("file-not-found", "there is no file \(path)")
    case ENOSPC, EDQUOT:
      return Fault(
        "disk-full", "cannot write \(path): \(reason)",
        notes: ["Nothing was changed: the incomplete file was removed."])
    default:
      let code = verb == "read" ? "file-unreadable" : "file-unwritable"
      return Fault(code, "cannot \(verb) \(path): \(reason)")
    }
  }
}

/// An open file of known size, read at any position.
final class InputFile {
  let path: String
  /// Bytes in the file when it was opened.
  let size: Int
  private let descriptor: Int32

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault.system(path, "read", errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      size = 0
      throw Fault.system(path, "read", errno)
    }
    size = Int(status.st_size)
    if (status.st_mode & S_IFMT) == S_IFDIR { throw Fault.system(path, "read", EISDIR) }
    if (status.st_mode & S_IFMT) != S_IFREG {
      throw Fault("file-unreadable", "cannot read \(path): it is not a regular file")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Fills `buffer` from `offset`. Throws `truncated-file` where the file ends first.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer, as format: String) throws {
    var done = 0
    while done < buffer.count {
      try Interrupt.check()
      let piece = min(buffer.count - done, 1 << 22)
      let count = pread(descriptor, buffer.baseAddress! + done, piece, off_t(offset + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw Fault.system(path, "read", errno)
      }
      if count == 0 {
        throw Fault.truncatedFile(path, format, "it ends at byte \(offset + done), \(buffer.count - done) bytes early")
      }
      done += count
    }
  }

  func bytes(at offset: Int, count: Int, as format: String) throws -> [UInt8] {
    try MemoryBudget.reserve(count, for: "\(path) in memory")
    defer { MemoryBudget.release(count) }
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      try read(
        at: offset, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]),
        as: format)
      filled = count
    }
  }
}

/// The whole of a file.
/// - Throws: `file-not-found`, `file-unreadable`, `out-of-memory`.
public func readBytes(_ path: String) throws -> [UInt8] {
  let file = try InputFile(path)
  return try file.bytes(at: 0, count: file.size, as: "bytes")
}

/// Bytes in a file.
/// - Throws: `file-not-found`, `file-unreadable`.
public func fileSize(_ path: String) throws -> Int { try InputFile(path).size }

/// A file being written: complete or absent.
final class OutputFile {
  let path: String
  private let temporary: String
  private var descriptor: Int32
  private var pending: [UInt8] = []
  /// Bytes given to the system.
  private var unsynchronised = 0

  init(_ path: String) throws {
    self.path = path
    temporary = "\(path).\(getpid()).partial"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Fault.system(path, "write", errno) }
    pending.reserveCapacity(1 << 16)
  }

  /// Not committed: the incomplete file goes. Giving back the room of a large one takes long.
  deinit {
    guard descriptor >= 0 else { return }
    unlink(temporary)
    let open = descriptor
    if unsynchronised <= 1 << 23 || !Background.run({ close(open) }) { close(open) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    if pending.count + bytes.count <= 1 << 16 {
      pending.append(contentsOf: bytes)
      return
    }
    try flush()
    try send(bytes)
  }

  func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Flushes to the disk and gives the file its name.
  func commit() throws {
    try flush()
    try synchronise()
    let closed = close(descriptor)
    let closeError = errno
    descriptor = -1
    guard closed == 0, rename(temporary, path) == 0 else {
      let error = closed == 0 ? errno : closeError
      unlink(temporary)
      throw Fault.system(path, "write", error)
    }
  }

  /// Waits for the disk, on a thread of its own where that may take long: `fsync` of gigabytes does not end at Ctrl-C.
  private func synchronise() throws {
    let copy = unsynchronised > 1 << 23 ? dup(descriptor) : -1
    if copy >= 0,
      let error = try LongWait.run({ () -> Int32 in
        let error = fsync(copy) == 0 ? 0 : errno
        close(copy)
        return error
      })
    {
      if error != 0, error != EINVAL { throw Fault.system(path, "write", error) }
      return
    }
    if copy >= 0 { close(copy) }
    if fsync(descriptor) != 0, errno != EINVAL { throw Fault.system(path, "write", errno) }
  }

  private func flush() throws {
    try pending.withUnsafeBytes { try send($0) }
    pending.removeAll(keepingCapacity: true)
  }

  private func send(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      try Interrupt.check()
      let piece = min(bytes.count - done, 1 << 22)
      #if canImport(Glibc)
        let count = Glibc.write(descriptor, bytes.baseAddress! + done, piece)
      #elseif canImport(Musl)
        let count = Musl.write(descriptor, bytes.baseAddress! + done, piece)
      #else
        let count = Darwin.write(descriptor, bytes.baseAddress! + done, piece)
      #endif
      if count < 0 {
        if errno == EINTR { continue }
        throw Fault.system(path, "write", errno)
      }
      done += count
      unsynchronised += count
    }
  }
}

/// Writes a whole file at once: complete or, on a Fault, as it was before.
/// - Throws: `disk-full`, `file-unwritable`.
public func writeBytes(_ bytes: [UInt8], to path: String) throws {
  let file = try OutputFile(path)
  try file.write(bytes)
  try file.commit()
}

/// The same for bytes that lie somewhere, and a text behind them.
public func writeBytes(_ bytes: UnsafeBufferPointer<UInt8>, followedBy end: String, to path: String) throws {
  let file = try OutputFile(path)
  try file.write(UnsafeRawBufferPointer(bytes))
  try file.write(Array(end.utf8))
  try file.commit()
}
