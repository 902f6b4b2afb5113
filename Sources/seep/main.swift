// The command line.
import ArgumentParser
import SeepShell

struct Seep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seep", abstract: "A small language for seeing what gradients leak.",
    usage: """
      seep                       the prompt
      seep FILE [ARGS…]          runs a script; args holds the arguments
      seep -                     runs standard input
      seep -e CODE               runs a line and shows its value
      seep test [PATHS…]         runs annotated scripts and test blocks
      seep check [PATHS…]        reports mistakes, unused and hidden names without running
      seep fmt [--check] [PATHS…]
                                 formats in place; --check lists what would change; - is standard input
      seep doc [NAME]            the reference
      seep learn [N]             the lessons; lesson N, from where you stopped
      seep kernel install        makes Jupyter know Seep; see seep kernel --help
      seep lsp                   a language server for editors, on standard input and output
      """, version: "seep 0.1.0")

  @Option(name: .short, help: ArgumentHelp("Run this code and show its value.", valueName: "code")) var e: String?
  @Option(help: "Seed of the random numbers.") var seed = 0
  @Option(help: "Colours: always, never or auto.") var color: String?
  @Argument(parsing: .captureForPassthrough, help: "A script or command and its arguments.") var rest: [String] = []

  func run() throws {
    if let feature = Console.missingProcessorFeature {
      Console.writeError("seep: this processor has no \(feature), which this build of Seep needs (x86-64-v3)\n")
      throw ExitCode(2)
    }
    if let color, !["always", "never", "auto"].contains(color) {
      throw ValidationError("--color is always, never or auto, not \(color)")
    }
    throw ExitCode(try status())
  }

  private func status() throws -> Int32 {
    if let e { return Commands.runLine(e, arguments: rest, seed: seed, color: color) }
    guard let first = rest.first else { return Prompt.run(seed: seed, color: color) }
    let arguments = Array(rest.dropFirst())
    // The passthrough of a script's arguments takes these before the parser sees them.
    if first == "--version" { throw CleanExit.message(Seep.configuration.version) }
    if first == "--help" || first == "-h" { throw CleanExit.helpRequest(self) }
    if first.hasPrefix("-"), first != "-" { throw ValidationError("there is no option \(first)") }
    switch first {
    case "test": return Commands.test(arguments.isEmpty ? ["."] : arguments)
    case "check":
      if let odd = arguments.first(where: { $0.hasPrefix("-") }) {
        throw ValidationError("`seep check` has no option \(odd)")
      }
      return Commands.check(arguments.isEmpty ? ["."] : arguments, color: color)
    case "fmt":
      let isCheck = arguments.contains("--check")
      let paths = arguments.filter { $0 != "--check" }
      if let odd = paths.first(where: { $0.hasPrefix("-") && $0 != "-" }) {
        throw ValidationError("`seep fmt` has no option \(odd); it has --check")
      }
      return Commands.format(paths.isEmpty ? ["."] : paths, isCheck: isCheck, color: color)
    case "kernel": return Commands.kernel(arguments, seed: seed)
    case "lsp": return Commands.languageServer(arguments)
    case "learn":
      if arguments.first == "--notebook" {
        guard arguments.count == 2 else { throw ValidationError("`seep learn --notebook` needs a page of Markdown") }
        return Notebook.print(arguments[1])
      }
      return Learn.run(arguments.first, color: color)
    case "doc":
      if arguments.first == "--pages" {
        guard arguments.count == 2 else { throw ValidationError("`seep doc --pages` needs a folder") }
        return Commands.documentationPages(arguments[1])
      }
      return Commands.documentation(arguments.first)
    case "explain":
      return arguments.first == "--page" ? Commands.explanationPage() : Commands.explain(arguments.first)
    case "-":
      return Commands.run(
        Commands.readStandardInput(), name: "standard input", folder: ".", arguments: arguments, seed: seed,
        color: color)
    default:
      guard let text = Commands.read(first) else { return 1 }
      let folder = first.contains("/") ? String(first[..<(first.lastIndex(of: "/") ?? first.endIndex)]) : "."
      return Commands.run(text, name: first, folder: folder, arguments: arguments, seed: seed, color: color)
    }
  }
}

// Exit status 2 for wrong usage.
do {
  var command = try Seep.parseAsRoot()
  try command.run()
} catch {
  let code = Seep.exitCode(for: error)
  let message = Seep.fullMessage(for: error)
  if !message.isEmpty { code.isSuccess ? print(message) : Console.writeError(message + "\n") }
  Seep.exit(withError: code == .validationFailure ? ExitCode(2) : code)
}
