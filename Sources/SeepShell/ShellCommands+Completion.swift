// What TAB offers after `:`: the commands, and what each of them takes.
import Ground
import SeepLanguage
import SeepLibrary

extension ShellCommands {
  /// nil where the text is no command, or the rest of one is code.
  static func completion(_ text: String, _ session: Session) -> Completion.Result? {
    guard text.first == ":" || text.first == "?", !text.contains("\n") else { return nil }
    if text.first == "?" { return name(text.drop { $0 == "?" }, text, session) }
    guard let space = text.firstIndex(of: " ") else {
      let all = names.map { Completion.Candidate(text: $0, kind: .command) }
      return Completion.Result(start: 0, candidates: Completion.chosen(all, text))
    }
    let argument = text[space...].drop { $0 == " " }
    func words(_ all: [String], _ kind: Completion.Kind) -> Completion.Result {
      let candidates = all.map { Completion.Candidate(text: $0, kind: kind) }
      return Completion.Result(
        start: text.utf8.count - argument.utf8.count, candidates: Completion.chosen(candidates, String(argument)))
    }
    switch text[..<space] {
    case ":load", ":save":
      let isQuoted = argument.first == "\""
      let path = String(isQuoted ? argument.dropFirst() : argument)
      let files = Completion.chosen(Completion.files(path), path)
      return Completion.Result(start: text.utf8.count - path.utf8.count, candidates: files, isString: isQuoted)
    case ":explain": return words(Commands.diagnosticCodes, .option)
    case ":graphics": return words(GraphicsKind.choices, .option)
    case ":doc": return name(argument, text, session)
    case ":type", ":time":
      var result = Completion.complete(String(argument), session)
      result.start += text.utf8.count - argument.utf8.count
      return result
    default: return Completion.Result(start: text.utf8.count)
    }
  }

  /// A name, or a dotted one.
  private static func name(_ written: Substring, _ text: String, _ session: Session) -> Completion.Result? {
    let before = text.utf8.count - written.utf8.count
    if written.contains(".") {
      var result = Completion.complete(String(written), session)
      result.start += before
      return result
    }
    let word = String(written)
    return Completion.Result(start: before, candidates: Completion.chosen(Completion.known(word, session), word))
  }

  /// The path that a command was given, with or without quotes.
  static func path(_ argument: String) -> String {
    var path = argument[...]
    while path.last?.isWhitespace == true { path.removeLast() }
    if path.count > 1, path.first == "\"", path.last == "\"" { path = path.dropFirst().dropLast() }
    return String(path)
  }
}
