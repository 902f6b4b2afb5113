// Commands that take scripts: test, check, fmt.
import ArgumentParser
import SeepShell

struct Test: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run annotated scripts, pages of Markdown and test blocks.",
    discussion: "A folder stands for every .seep file below it. Exit status: 1 if something fails, or nothing ran.")

  @Argument(help: "Scripts, pages or folders.", completion: .file(extensions: ["seep", "md"])) var paths = ["."]

  func run() throws { throw ExitCode(Commands.test(paths)) }
}

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Report mistakes, unused and hidden names without running.",
    discussion: "Exit status: 1 if there are errors, 0 for warnings and notes alone.")

  @OptionGroup var diagnostics: ColorOption
  @Flag(help: "Write each finding as a JSON object, one a line, to standard output.") var json = false
  @Argument(help: "Scripts or folders.", completion: .file(extensions: ["seep"])) var paths = ["."]

  func run() throws {
    throw ExitCode(Commands.check(paths, color: diagnostics.color.rawValue, isJSON: json))
  }
}

struct Format: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fmt", abstract: "Format scripts in place.",
    discussion: "The files that changed are listed. A path - is standard input, formatted to standard output.")

  @OptionGroup var diagnostics: ColorOption
  @Flag(help: "Change nothing, list what would change; exit status 1 if something would.") var check = false
  @Argument(help: "Scripts or folders.", completion: .file(extensions: ["seep"])) var paths = ["."]

  func run() throws {
    throw ExitCode(Commands.format(paths, isCheck: check, color: diagnostics.color.rawValue))
  }
}
