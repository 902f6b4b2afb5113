// The prompt.
import Ground
import SeepLanguage
import SeepLibrary

public enum Prompt {
  /// Reads statements and shows their values until the end of input; 0.
  public static func run(seed: Int, color: String?) -> Int32 {
    Commands.run(Commands.readStandardInput(), name: "standard input", folder: ".", arguments: [], seed: seed, color: color)
  }
}

extension Commands {
  /// Runs a line and shows its value, if it has one.
  public static func runLine(_ code: String, arguments: [String], seed: Int, color: String?) -> Int32 {
    Console.handleInterrupts()
    let session = session(seed: seed, arguments: arguments)
    return finish(session.evaluate(code, name: "-e", folder: "."), session, color: color, showing: true)
  }

  /// Shows a value or a diagnostic; 0, 1, 130 or the program's own status.
  static func finish(
    _ result: Result<Value, Failure>, _ session: Session, color: String?, showing: Bool
  ) -> Int32 {
    session.progress.finish("")
    if case .success(let value) = result, showing, !value.isNone { session.output.write(session.display(value) + "\n") }
    let isWritten = (session.output as? StandardOutput)?.flush() ?? true
    switch result {
    case .success:
      if isWritten { return 0 }
      Console.writeError("seep: the output could not be written\n")
      return 1
    case .failure(let failure):
      if let status = ExitRequest.status(of: failure.fault) { return status }
      if failure.fault.code == Fault.interrupted.code {
        Console.writeError("interrupted\n")
        return 130
      }
      Console.show(failure, color: color)
      return 1
    }
  }
}
