// `seep` without a command: the prompt, a script, a line. Commands are one struct each, listed in `subcommands`.
import ArgumentParser
import SeepShell

/// When to colour diagnostics.
enum ColorChoice: String, CaseIterable, ExpressibleByArgument { case always, never, auto }

struct SeedOption: ParsableArguments {
  @Option(help: ArgumentHelp("Seed of the random numbers.", valueName: "number")) var seed = 0
}

struct ColorOption: ParsableArguments {
  @Option(help: ArgumentHelp("Colour diagnostics.", valueName: "when")) var color: ColorChoice = .auto
}

struct ProfileOption: ParsableArguments {
  @Flag(help: "Report on standard error what the run's time was spent on.") var profile = false
  @Option(
    help: ArgumentHelp("Write that as JSON, for speedscope and other viewers.", valueName: "file"), completion: .file())
  var profileOut: String?

  var request: ProfileRequest { ProfileRequest(isShown: profile, path: profileOut) }
  var isGiven: Bool { profile || profileOut != nil }
}

struct Seep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seep", abstract: "A small language for seeing what gradients leak.",
    usage: """
      seep                       the prompt
      seep FILE [ARGS…]          runs a script; args holds the arguments
      seep -                     runs standard input
      seep -e CODE [ARGS…]       runs a line and shows its value
      seep COMMAND [ARGS…]       see below; seep help COMMAND says more
      """, version: "seep \(Commands.version)",
    subcommands: [
      Test.self, Check.self, Format.self, Doc.self, Explain.self, Learn.self, Kernel.self, Doctor.self,
      Completions.self, LanguageServer.self,
    ])

  @OptionGroup var random: SeedOption
  @OptionGroup var diagnostics: ColorOption
  @OptionGroup var time: ProfileOption
  @Option(name: .short, help: ArgumentHelp("Run this code and show its value.", valueName: "code")) var e: String?

  func validate() throws {
    guard e != nil || time.isGiven else { return }
    let line = CommandLineSplit(Array(CommandLine.arguments.dropFirst()))
    if e != nil, line.isCommand {
      throw ValidationError("-e CODE runs a line; it stands before the line's arguments and goes with no command")
    }
    if time.isGiven, line.isCommand || e == nil && line.rest.isEmpty {
      throw ValidationError("--profile and --profile-out go with a script, - or -e CODE: seep --profile FILE")
    }
  }

  /// Runs the prompt, a script or a line; `rest` is what follows the options.
  ///
  /// - Returns: The exit status.
  func run(_ rest: [String]) -> Int32 {
    let (seed, color, profile) = (random.seed, diagnostics.color.rawValue, time.request)
    if let e { return Commands.runLine(e, arguments: rest, seed: seed, color: color, profile: profile) }
    guard let file = rest.first else { return Prompt.run(seed: seed, color: color) }
    let arguments = Array(rest.dropFirst())
    if file == "-" {
      guard let text = Commands.readStandardInput() else { return 1 }
      return Commands.run(
        text, name: "standard input", folder: ".", arguments: arguments, seed: seed, color: color, profile: profile)
    }
    guard let text = Commands.read(file, commands: Seep.commandNames) else { return 1 }
    let folder = file.contains("/") ? String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]) : "."
    return Commands.run(
      text, name: file, folder: folder, arguments: arguments, seed: seed, color: color, profile: profile)
  }

  static var commandNames: [String] { configuration.subcommands.map { $0._commandName } }
}

/// The command line, cut behind the options: a script's arguments are its own, whatever they look like.
struct CommandLineSplit {
  private(set) var options: [String] = []
  private(set) var rest: [String]
  /// Whether a command follows, or a request of a shell's completion.
  private(set) var isCommand = false

  init(_ arguments: [String]) {
    rest = arguments
    if arguments.first == "---completion" {
      isCommand = true
      return
    }
    var hasCode = false
    while let first = rest.first, first.hasPrefix("-"), first != "-", first != "--" {
      let takesValue = ["-e", "--seed", "--color", "--profile-out"].contains(first)
      hasCode = hasCode || first == "-e" || first.hasPrefix("-e=")
      options += rest.prefix(takesValue ? 2 : 1)
      rest = Array(rest.dropFirst(takesValue ? 2 : 1))
    }
    if hasCode { return }
    if rest.first == "--" {
      rest.removeFirst()
    } else if let first = rest.first {
      isCommand = first == "help" || Seep.commandNames.contains(first)
    }
  }
}
