// The world outside: time, arguments, text files, the seed.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum CoreSystem {
  static var builtins: [Builtin] {
    [
      Builtin(
        "time()", group: "system", "Seconds on a clock that only goes forward; differences of it measure time.",
        example: "let start = time()\nprint(time() - start >= 0)  # expect: true"
      ) { _ in
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Value(Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9)
      },
      Builtin(
        "seed(n)", group: "system", "Starts all random numbers anew from this number.",
        example: "seed(7)\nprint(1)  # expect: 1"
      ) { call in
        call.session.random = RandomState(seed: try call.int("n"))
        return .none
      },
      Builtin(
        "read_text(path)", group: "system",
        "The contents of a text file in UTF-8. Errors: file-not-found, file-unreadable.",
        example: "try { read_text(\"no such file\") } catch e { print(e.code) }  # expect: file-not-found"
      ) { call in
        do {
          return Value(try TextFile.read(try call.string("path")))
        } catch var fault as Fault where fault.argument == nil {
          fault.argument = 0
          throw fault
        }
      },
      Builtin(
        "write_text(path, text)", group: "system",
        "Writes a text file, replacing what it held. Errors: file-unwritable.",
        example: "try { write_text(\"/no/such/folder/x\", \"\") } catch e { print(e.code) }  # expect: file-unwritable"
      ) { call in
        try TextFile.write(try call.string("path"), try call.string("text"))
        return .none
      },
      Builtin(
        "exit(status: 0)", group: "system", "Ends the program with this exit status.",
        example: "if false { exit(3) }"
      ) { call in throw ExitRequest.fault(try call.int("status", in: 0...255)) },
    ]
  }
}

/// `exit(…)` on its way out of the program: a fault that no `catch` sees.
public enum ExitRequest {
  static let code = "exit"
  static func fault(_ status: Int) -> Fault { Fault(code, "\(status)") }
  /// The exit status if the fault is a request to end.
  public static func status(of fault: Fault) -> Int32? { fault.code == code ? Int32(fault.message) : nil }
}

/// Whole text files.
public enum TextFile {
  public static func read(_ path: String) throws -> String {
    guard let file = fopen(path, "rb") else {
      let reason = String(cString: strerror(errno))
      throw Fault(
        errno == ENOENT ? "file-not-found" : "file-unreadable", "cannot read \"\(path)\": \(reason.lowercased())")
    }
    defer { fclose(file) }
    var status = stat()
    if fstat(fileno(file), &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw Fault("file-unreadable", "cannot read \"\(path)\": it is a folder", help: "list_folder(\"\(path)\")")
    }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&block, 1, block.count, file)
      if count == 0 { break }
      try Interrupt.check()
      bytes.append(contentsOf: block[..<count])
    }
    if ferror(file) != 0 { throw Fault("file-unreadable", "cannot read \"\(path)\"") }
    return try text(bytes, from: "\"\(path)\"")
  }

  /// Bytes as text.
  /// - Throws: `file-unreadable` that names the first byte that is none, its line and its offset.
  public static func text(_ bytes: [UInt8], from source: String) throws -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
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
    throw Fault(
      "file-unreadable", "\(source) is not text in UTF-8",
      notes: low < bytes.count
        ? [
          "The byte 0x\(String(bytes[low], radix: 16, uppercase: true)) at offset \(low), in line \(bytes[..<low].count { $0 == 10 } + 1), is the first that is none."
        ] : [])
  }

  /// - Parameter mode: of `fopen`: `ab` writes at the end.
  public static func write(_ path: String, _ text: String, mode: String = "wb") throws {
    guard let file = fopen(path, mode) else {
      throw Fault("file-unwritable", "cannot write \"\(path)\": \(String(cString: strerror(errno)).lowercased())")
    }
    var text = text
    let isWhole = text.withUTF8 { bytes in
      var start = 0
      while start < bytes.count, !Interrupt.isRequested {
        let piece = min(bytes.count - start, 1 << 22)
        if fwrite(bytes.baseAddress.map { $0 + start }, 1, piece, file) != piece { return false }
        start += piece
      }
      return true
    }
    if fclose(file) != 0 || !isWhole { throw Fault("file-unwritable", "cannot write all of \"\(path)\"") }
    try Interrupt.check()
  }
}
