// `seep kernel`: notebooks.
import ArgumentParser
import SeepShell

struct Kernel: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make notebooks of Jupyter know Seep.",
    subcommands: [Install.self, Uninstall.self, Spec.self, Run.self])

  func run() throws { throw ValidationError("say what: install, uninstall, spec or run") }

  /// Where a kernel is described.
  struct Place: ParsableArguments {
    @Flag(help: "For this user; so it is without --prefix.") var user = false
    @Option(
      help: ArgumentHelp("For the environment in this folder.", valueName: "folder"), completion: .directory)
    var prefix: String?
    @Option(help: "The name that Jupyter knows it by.") var name = "seep"

    func validate() throws {
      if user, prefix != nil { throw ValidationError("--user and --prefix are two places; choose one") }
      if name.isEmpty || !name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }) {
        throw ValidationError("a kernel's name has letters, digits, `-`, `.` and `_`, and \"\(name)\" has others")
      }
    }
  }

  struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write kernel.json where Jupyter looks for it.")
    @OptionGroup var place: Place

    func run() throws { throw ExitCode(Commands.installKernel(prefix: place.prefix, name: place.name)) }
  }

  struct Uninstall: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove what install wrote.")
    @OptionGroup var place: Place

    func run() throws { throw ExitCode(Commands.uninstallKernel(prefix: place.prefix, name: place.name)) }
  }

  struct Spec: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print kernel.json.")
    func run() throws { throw ExitCode(Commands.printKernelSpec()) }
  }

  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run a kernel; Jupyter calls this.")
    @OptionGroup var random: SeedOption
    @Option(name: .short, help: ArgumentHelp("What Jupyter writes for it.", valueName: "connection file"))
    var f: String

    func run() throws { throw ExitCode(Commands.runKernel(f, seed: random.seed)) }
  }
}
