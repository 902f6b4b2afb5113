// `seep lsp`: the language server on standard input and output.
import SeepLanguage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Commands {
  /// Serves an editor until it says `exit`. Nothing but messages goes to standard output.
  ///
  /// - Parameter arguments: none, or `--stdio`, which some editors add.
  /// - Returns: 0 after `shutdown` and `exit`; 1 where the editor went away without; 2 for wrong usage.
  public static func languageServer(_ arguments: [String]) -> Int32 {
    guard arguments.allSatisfy({ $0 == "--stdio" }) else {
      Console.writeError("usage: seep lsp [--stdio]   a language server on standard input and output\n")
      return 2
    }
    signal(SIGPIPE, SIG_IGN)
    let server = LanguageServer(session: session(seed: 0))
    var reader = FrameReader()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while server.exitStatus == nil {
      let count = Glibc.read(0, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return 1 }
      for reply in server.receive(reader.take(buffer[..<count])) {
        guard Console.write(FrameReader.frame(reply), to: 1) else {
          Console.writeError("seep: the editor does not read any more\n")
          return 1
        }
      }
    }
    return server.exitStatus ?? 1
  }
}
