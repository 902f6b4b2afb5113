// One line through readline, as a function; the prompt's loop reads by callbacks of its own.
import CReadline
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum LineReader {
  nonisolated(unsafe) private static var result: String?
  nonisolated(unsafe) private static var isDone = false

  private static let take: seep_line_handler = { line in
    LineReader.isDone = true
    guard let line else { return }
    LineReader.result = String(cString: line)
    free(line)
  }

  /// The line, with `filled` there to be changed; nil at the end of input and after Ctrl-C.
  static func read(_ prompt: String, filled: String = "") -> String? {
    (result, isDone) = (nil, false)
    seep_readline_install(prompt, take)
    if !filled.isEmpty { seep_readline_insert(filled) }
    while !isDone {
      let hasKey = seep_readline_wait() == 1
      if Interrupt.isRequested {
        Interrupt.clear()
        seep_readline_discard()
        break
      }
      if hasKey { seep_readline_read() }
    }
    seep_readline_remove()
    if let result, !result.isEmpty { seep_readline_add_history(result) }
    return result
  }
}

/// Runs a command as a shell does, with this terminal.
enum Shell {
  /// Its exit status; -1 where it could not be started.
  static func run(_ command: String) -> Int32 {
    var process = pid_t()
    let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(command), nil]
    defer { for argument in arguments { free(argument) } }
    guard posix_spawn(&process, "/bin/sh", nil, nil, arguments, environ) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
  }
}
