// Commands about Seep itself: doctor, completions.
import ArgumentParser
import SeepShell

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Report what Seep needs and has on this machine, and how fast it is.",
    discussion: "Exit status: 0 if all that is needed is there, 1 if not.")

  func run() throws { throw ExitCode(SeepShell.Doctor.run()) }
}

struct Completions: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the script that makes a shell complete seep.",
    discussion: """
      bash: seep completions bash > ~/.local/share/bash-completion/completions/seep
      zsh:  seep completions zsh > FOLDER/_seep, with FOLDER in $fpath before compinit
      fish: seep completions fish > ~/.config/fish/completions/seep.fish
      """)

  enum Shell: String, CaseIterable, ExpressibleByArgument { case bash, zsh, fish }

  @Argument(help: "The shell.") var shell: Shell

  func run() throws {
    guard let script = CompletionScript.text(for: shell) else {
      Console.writeError("seep: the script for \(shell.rawValue) is not what it was expected to be\n")
      throw ExitCode(1)
    }
    print(script)
  }
}

struct LanguageServer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lsp", abstract: "Serve an editor: the language server, on standard input and output.")

  @Flag(help: "Talk over standard input and output, as it does anyway; some editors say so.") var stdio = false

  func run() throws { throw ExitCode(Commands.languageServer([])) }
}
