// The entry point. Exit status: 2 for wrong usage, else what the command says.
import ArgumentParser
import SeepShell

do {
  if let feature = Console.missingProcessorFeature {
    Console.writeError("seep: this processor has no \(feature), which this build of Seep needs (x86-64-v3)\n")
    throw ExitCode(2)
  }
  let line = CommandLineSplit(Array(CommandLine.arguments.dropFirst()))
  if line.isCommand {
    var command = try Seep.parseAsRoot(line.options + line.rest)
    try command.run()
  } else {
    var command = try Seep.parseAsRoot(line.options)
    if let seep = command as? Seep { throw ExitCode(seep.run(line.rest)) }
    try command.run()
  }
} catch {
  let code = Seep.exitCode(for: error)
  let message = Seep.fullMessage(for: error)
  if !message.isEmpty { code.isSuccess ? print(message) : Console.writeError(message + "\n") }
  Seep.exit(withError: code == .validationFailure ? ExitCode(2) : code)
}
