// The prompt: reads statements through GNU readline, runs each as a whole or not at all, shows its value.
import CReadline
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

public enum Prompt {
  /// Until the end of input; 0. Input that is no terminal is run as a script.
  public static func run(seed: Int, color: String?) -> Int32 {
    guard isatty(0) == 1, isatty(1) == 1 else {
      return Commands.run(
        Commands.readStandardInput(), name: "standard input", folder: ".", arguments: [], seed: seed, color: color)
    }
    Console.endsOnSecond = false
    Console.handleInterrupts()
    let session = Commands.session(seed: seed)
    session.output.write("Seep. Ctrl-D leaves, `?name` explains a name, `:help` lists the commands.\n")
    let loop = PromptLoop(session, color: color)
    if seep_readline_load() == 0 {
      loop.editLines()
    } else {
      Console.writeError("seep: GNU readline is not installed; lines are read without editing\n")
      loop.readLines()
    }
    return loop.status
  }
}

/// One session at a prompt.
final class PromptLoop {
  private let session: Session
  private let color: String?
  private var history = History()
  /// Lines of a statement that is not whole yet.
  private var pending = ""
  private var isOver = false
  private(set) var status: Int32 = 0

  /// Readline's handlers carry no context.
  nonisolated(unsafe) fileprivate static var current: PromptLoop?

  init(_ session: Session, color: String?) {
    self.session = session
    self.color = color
  }

  private var prompt: String {
    let text = pending.isEmpty ? "seep> " : "  ... "
    return Console.usesColor(1, choice: color) ? "\u{1}\u{1B}[1;32m\u{2}\(text)\u{1}\u{1B}[0m\u{2}" : text
  }

  // MARK: Lines

  func editLines() {
    PromptLoop.current = self
    seep_readline_configure(PromptLoop.name, PromptLoop.wordBreaks, complete)
    for entry in history.load() { seep_readline_add_history(entry) }
    seep_readline_install(prompt, take)
    while !isOver {
      var input = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
      let ready = poll(&input, 1, -1)
      if Interrupt.isRequested {
        Interrupt.clear()
        session.output.write("^C\n")
        pending = ""
        seep_readline_discard()
        seep_readline_install(prompt, take)
        continue
      }
      if ready > 0 { seep_readline_read() }
    }
    seep_readline_remove()
  }

  // Readline keeps these pointers.
  nonisolated(unsafe) private static let name = strdup("seep")
  nonisolated(unsafe) private static let wordBreaks = strdup(" \t\n\"\\'`@$><=;|&{}()[]+-*/%^,:!?")

  private let take: seep_line_handler = { line in
    guard let loop = PromptLoop.current else { return }
    guard let line else {
      // Ctrl-D: forgets an unfinished statement, else leaves.
      loop.session.output.write("\n")
      if loop.pending.isEmpty { loop.isOver = true }
      loop.pending = ""
      if !loop.isOver { seep_readline_install(loop.prompt, loop.take) }
      return
    }
    let text = String(cString: line)
    free(line)
    // The terminal is given back while a statement runs, so that Ctrl-C reaches us as a signal.
    seep_readline_remove()
    loop.accept(text)
    if !loop.isOver { seep_readline_install(loop.prompt, loop.take) }
  }

  private let complete: seep_completer = { word, start, end in
    guard let loop = PromptLoop.current, let word, let whole = seep_readline_line() else { return nil }
    let line = String(decoding: String(cString: whole).utf8.prefix(Int(end)), as: UTF8.self)
    let before = line.utf8.prefix(Int(start))
    if before.count(where: { $0 == 34 }) % 2 == 1 {
      seep_readline_completion_ends(1, 34)  // inside a string: file names
      return nil
    }
    seep_readline_completion_ends(0, 0)
    return cArray(Completion.candidates(for: String(cString: word), in: line, loop.session))
  }

  func readLines() {
    while !isOver {
      session.output.write(prompt.filter { $0 != "\u{1}" && $0 != "\u{2}" })
      guard let line = readLine() else { return }
      accept(line)
    }
  }

  // MARK: Statements

  /// Takes what was typed or pasted: runs it if it is whole, else asks for more. An empty line ends the asking.
  func accept(_ text: String) {
    let isEmptyLine = text.allSatisfy { $0 == " " || $0 == "\t" }
    pending += (pending.isEmpty ? "" : "\n") + text
    let whole = pending
    let first = whole.drop { $0 == " " || $0 == "\t" || $0 == "\n" }
    if first.isEmpty {
      pending = ""
      return
    }
    if first.first == ":" || first.first == "?" || isQuestion(String(first)) {
      pending = ""
      keep(whole)
      command(String(first))
      return
    }
    if !isEmptyLine, session.completeness(of: whole) == .incomplete { return }
    pending = ""
    keep(whole)
    evaluate(whole)
  }

  /// Kept before it runs.
  private func keep(_ entry: String) {
    if history.append(entry), PromptLoop.current != nil { seep_readline_add_history(entry) }
  }

  private func isQuestion(_ text: String) -> Bool {
    text.last == "?" && text.dropLast().allSatisfy { $0 == "_" || $0.isLetter || $0.isNumber }
  }

  /// Runs a statement: as a whole, or undone with its bindings and random draws.
  private func evaluate(_ text: String) {
    var code = text
    while let last = code.last, last == " " || last == "\n" || last == "\t" { code.removeLast() }
    let isHidden = code.last == ";"
    if isHidden { code.removeLast() }
    let start = code.drop { $0 == " " }
    if start.hasPrefix("|>") || (start.first == "." && start.dropFirst().first?.isNumber != true) { code = "_ " + code }
    let before = session.snapshot()
    Interrupt.clear()
    let result = session.evaluate(code, name: "prompt", folder: ".")
    Interrupt.clear()
    session.progress.finish("")
    switch result {
    case .success(let value):
      if !isHidden, !value.isNone { session.output.write(shown(value) + "\n") }
    case .failure(let failure):
      if let wanted = ExitRequest.status(of: failure.fault) {
        status = wanted
        isOver = true
        return
      }
      session.rollback(to: before)
      if failure.fault.code == Fault.interrupted.code {
        Console.writeError("interrupted; the session is as it was before this statement\n")
      } else {
        Console.show(failure, color: color)
      }
    }
  }

  private func shown(_ value: Value) -> String {
    value.asString.map { "\"\($0)\"" } ?? session.display(value, .long)
  }

  // MARK: Commands

  private func command(_ text: String) {
    let words = text.split(separator: " ").map(String.init)
    let argument = words.dropFirst().joined(separator: " ")
    switch words[0] {
    case ":help":
      session.output.write(
        """
        ?name, name?   what a name is, with an example
        :doc [NAME]    the same; without a name, all names
        :type CODE     the type of a value
        :vars          the variables
        :time CODE     runs code and says how long it took
        :quit          leaves, as Ctrl-D does
        _              the last value; a line that begins with |> or . goes on from it
        ;              at the end of a line hides the value
        Ctrl-C         clears the line, or stops what is running

        """)
    case ":quit", ":q", ":exit": isOver = true
    case ":vars":
      for (name, value) in session.variables where name != "_" {
        session.output.write("\(name): \(value.typeName) = \(session.display(value, .short).prefix(100))\n")
      }
    case ":type":
      let before = session.snapshot()
      switch session.evaluate(argument, name: "prompt", folder: ".") {
      case .success(let value): session.output.write(value.typeName + "\n")
      case .failure(let failure): Console.show(failure, color: color)
      }
      session.rollback(to: before)
    case ":time":
      var start = timespec()
      var end = timespec()
      clock_gettime(CLOCK_MONOTONIC, &start)
      evaluate(argument)
      clock_gettime(CLOCK_MONOTONIC, &end)
      let seconds = Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) * 1e-9
      session.output.write("\((seconds * 1e6).rounded() / 1e6) s\n")
    case ":doc": explain(argument)
    default:
      if text.first == "?" || text.last == "?" {
        explain(text.filter { $0 != "?" && $0 != " " })
      } else {
        let known = [":help", ":quit", ":vars", ":type", ":time", ":doc"]
        let near = nearestName(to: words[0], among: known)
        Console.writeError(
          "there is no command \(words[0])" + (near.map { "; did you mean \($0)?" } ?? "; see :help") + "\n")
      }
    }
  }

  private func explain(_ name: String) {
    if name.isEmpty {
      _ = Commands.documentation(nil)
    } else if let builtin = session.lookup(name)?.builtin {
      session.output.write(Help.text(builtin))
    } else if let value = session.lookup(name) {
      session.output.write("\(name): \(value.typeName) = \(session.display(value, .short))\n")
    } else {
      let near = nearestName(to: name, among: session.knownNames)
      Console.writeError("there is no `\(name)`" + (near.map { "; did you mean `\($0)`?" } ?? "") + "\n")
    }
  }
}

/// Words as readline wants them: malloc'ed, the common beginning first, nil at the end; nil for none.
private func cArray(_ words: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
  guard let first = words.first, let last = words.last else { return nil }
  // Sorted, so the common beginning of all is that of the first and the last.
  let common = words.count == 1 ? first : String(zip(first, last).prefix { $0 == $1 }.map(\.0))
  let all = [common] + (words.count == 1 ? [] : words)
  guard let block = malloc((all.count + 1) * MemoryLayout<UnsafeMutablePointer<CChar>?>.stride) else { return nil }
  let array = block.bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: all.count + 1)
  for (index, word) in all.enumerated() { array[index] = strdup(word) }
  array[all.count] = nil
  return array
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
