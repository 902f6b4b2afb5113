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
          return try TextFile.contents(try call.string("path"))
        } catch var fault as Fault where fault.argument == nil {
          fault.argument = 0
          throw fault
        }
      },
      Builtin(
        "write_text(path, text)", group: "system",
        "Writes a text file, replacing what it held; interrupted, it leaves that. Errors: file-unwritable.",
        example: "try { write_text(\"/no/such/folder/x\", \"\") } catch e { print(e.code) }  # expect: file-unwritable"
      ) { call in
        try TextFile.write(try call.string("path"), call.text("text"))
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
