// Commands that are read: doc, explain, learn.
import ArgumentParser
import SeepShell

struct Doc: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the reference of a name of the library, or list all names.",
    discussion: "The same text as help(name) at the prompt.")

  @Option(help: ArgumentHelp("Write the reference as Markdown.", visibility: .hidden)) var pages: String?
  @Argument(help: "A name, such as ggl.", completion: .custom { _, _, _ in Commands.libraryNames })
  var name: String?

  func run() throws {
    throw ExitCode(pages.map(Commands.documentationPages) ?? Commands.documentation(name))
  }
}

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain the code of an error, with an example, or list all codes.")

  @Flag(help: ArgumentHelp("Print the index of all codes as Markdown.", visibility: .hidden)) var page = false
  @Argument(help: "A code, such as shape-mismatch.", completion: .custom { _, _, _ in Commands.diagnosticCodes })
  var code: String?

  func run() throws { throw ExitCode(page ? Commands.explanationPage() : Commands.explain(code)) }
}

struct Learn: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Go through a lesson block by block, from where you stopped, or list the lessons.")

  @OptionGroup var diagnostics: ColorOption
  @Option(help: ArgumentHelp("Print a page of Markdown as a notebook.", visibility: .hidden)) var notebook: String?
  @Argument(
    help: "A lesson's number.", completion: .custom { _, _, _ in Lessons.numbers.map(String.init) }) var lesson: String?

  func run() throws {
    throw ExitCode(notebook.map(Notebook.print) ?? SeepShell.Learn.run(lesson, color: diagnostics.color.rawValue))
  }
}
