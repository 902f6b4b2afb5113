// The commands of the prompt and the notebook: `:type x`, `?name`. They are not part of the language.
import Ground
import SeepLanguage
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a command did.
enum CommandResult {
  case done
  case quit
  /// A sentence for standard error.
  case failed(String)
  /// A statement ended as it would have without the command.
  case outcome(Interaction.Outcome)
}

struct ShellCommands {
  static let table: [(name: String, arguments: String, what: String)] = [
    (":help", "", "lists these commands"),
    (":doc", "[NAME]", "what a name is, with an example; without a name, all names. Also ?NAME and NAME?"),
    (":explain", "[CODE]", "what the code of an error means; without one, of the last error"),
    (":type", "CODE", "the type of a value; what the code did is undone"),
    (":time", "CODE", "runs code and says how long it took"),
    (":vars", "", "the variables"),
    (":load", "FILE", "runs a file as if it were typed here"),
    (":save", "FILE", "writes what was typed and worked in this session to a file"),
    (":reset", "", "forgets all variables and starts the random numbers anew"),
    (":graphics", "[KIND]", "how pictures are drawn and why: auto, kitty, iterm2, sixel, blocks or none"),
    (":clear", "", "clears the screen, or the output of a notebook's cell"),
    (":quit", "", "leaves, as Ctrl-D does"),
  ]
  static var names: [String] { table.map(\.name) }

  let interaction: Interaction
  private var session: Session { interaction.session }

  /// Whether a text is a command rather than code.
  static func isCommand(_ text: some StringProtocol) -> Bool {
    let line = text.drop { $0.isWhitespace }
    guard let first = line.first, !line.contains("\n") || line.drop(while: { $0 != "\n" }).allSatisfy(\.isWhitespace)
    else { return false }
    if first == ":" || first == "?" { return true }
    var words = line
    while words.last?.isWhitespace == true { words.removeLast() }
    return words.last == "?"
      && words.dropLast().allSatisfy { $0 == "_" || $0 == "." || $0 == "?" || $0.isLetter || $0.isNumber }
  }

  /// The name a question is about: `?f`, `f?`; nil for other texts.
  static func question(_ text: some StringProtocol) -> String? {
    guard isCommand(text), !text.drop(while: \.isWhitespace).hasPrefix(":") else { return nil }
    return String(text.filter { $0 != "?" && !$0.isWhitespace })
  }

  func run(_ text: String) -> CommandResult {
    if let name = ShellCommands.question(text) { return explain(name, withSource: text.contains("??")) }
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let command = words.first else { return .done }
    let argument = text.drop(while: \.isWhitespace).dropFirst(command.count).drop(while: \.isWhitespace)
    let code = String(argument)
    switch command {
    case ":help":
      let width = ShellCommands.table.map { $0.name.count + $0.arguments.count }.max() ?? 0
      for (name, arguments, what) in ShellCommands.table {
        let head = name + " " + arguments
        session.output.write(head + String(repeating: " ", count: width + 3 - head.count) + what + "\n")
      }
      session.output.write(
        """
        _                 the last value; a line that begins with |> or . goes on from it
        ;                 at the end hides the value
        ??NAME            the source of a function that is written in Seep. Also NAME??
        Ctrl-C            clears the line, or stops what is running

        """)
    case ":quit", ":q", ":exit": return .quit
    case ":vars":
      for (name, value) in session.variables where name != "_" {
        session.output.write("\(name): \(value.typeName) = \(session.display(value, .short).prefix(100))\n")
      }
    case ":type":
      let before = session.snapshot()
      let outcome = interaction.run(code)
      session.rollback(to: before)
      guard case .value(let value) = outcome else { return .outcome(outcome) }
      session.output.write(value.typeName + "\n")
    case ":time":
      let start = ShellCommands.now()
      let outcome = interaction.run(code)
      let seconds = ShellCommands.now() - start
      if case .value(let value) = outcome {
        session.output.write("\(ShellCommands.duration(seconds))\n")
        return .outcome(.value(value))
      }
      return .outcome(outcome)
    case ":doc": return explain(code.filter { !$0.isWhitespace })
    case ":explain":
      let written = code.filter { !$0.isWhitespace }
      guard let wanted = written.isEmpty ? interaction.lastCode : written else {
        return .failed("there was no error yet; write a code: :explain shape-mismatch")
      }
      do {
        session.output.write(try SeepLibrary.explanations.find(wanted).page)
      } catch {
        return .failed((error as? Fault)?.description ?? "\(error)")
      }
    case ":load":
      do {
        let path = ShellCommands.path(code)
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let outcome = interaction.run(try TextFile.read(path), name: path, folder: folder)
        if case .value = outcome { return .done }
        return .outcome(outcome)
      } catch {
        return .failed((error as? Fault)?.message ?? "\(error)")
      }
    case ":save":
      let path = ShellCommands.path(code)
      guard !path.isEmpty else { return .failed("write the name of the file: :save session.seep") }
      let text = interaction.kept.joined(separator: "\n") + "\n"
      guard let file = fopen(path, "w") else {
        return .failed("cannot write \"\(path)\": \(String(cString: strerror(errno)).lowercased())")
      }
      let written = fwrite(Array(text.utf8), 1, text.utf8.count, file)
      guard fclose(file) == 0, written == text.utf8.count else { return .failed("cannot write \"\(path)\"") }
      session.output.write("\(interaction.kept.count) statements in \(path)\n")
    case ":reset":
      interaction.reset()
    case ":graphics":
      return TerminalPictures.choose(code, session)
    case ":clear":
      interaction.clear()
    default:
      let near = nearestName(to: command, among: ShellCommands.names)
      return .failed("there is no command \(command)" + (near.map { "; did you mean \($0)?" } ?? "; see :help"))
    }
    return .done
  }

  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  static func duration(_ seconds: Double) -> String {
    func three(_ value: Double) -> String {
      let scale = value >= 100 ? 1.0 : value >= 10 ? 10.0 : 100.0
      return "\((value * scale).rounded() / scale)"
    }
    if seconds < 1e-3 { return three(seconds * 1e6) + " µs" }
    return seconds < 1 ? three(seconds * 1e3) + " ms" : three(seconds) + " s"
  }

  /// What is known of a value; with `withSource` a function that is written in Seep as it stands in its file.
  static func about(_ value: Value, withSource: Bool, width: Int?, _ session: Session) -> String {
    var text = ""
    if withSource {
      if let source = value.declaration { return source + "\n" }
      text = "It has no source in Seep; this is known of it.\n\n"
    }
    let help = Help.text(value, in: session)
    return text + (width.map { Help.wrapped(help, width: $0) } ?? help)
  }

  private func explain(_ name: String, withSource: Bool = false) -> CommandResult {
    if name.isEmpty {
      session.output.write(Commands.nameList())
    } else if let value = Completion.value(name, session) {
      let width = session.output is StandardOutput && isatty(1) == 1 ? TerminalPictures.terminalWidth() : nil
      session.output.write(ShellCommands.about(value, withSource: withSource, width: width, session))
    } else {
      let near = nearestName(to: name, among: session.knownNames)
      return .failed("there is no `\(name)`" + (near.map { "; did you mean `\($0)`?" } ?? ""))
    }
    return .done
  }
}
