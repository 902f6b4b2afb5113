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
      guard let text = Commands.readStandardInput() else { return 1 }
      return Commands.run(text, name: "standard input", folder: ".", arguments: [], seed: seed, color: color)
    }
    Console.endsOnSecond = false
    Console.handleInterrupts()
    let session = Commands.session(seed: seed, color: color)
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
  private let interaction: Interaction
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
    interaction = Interaction(session, name: "prompt") {
      if !Console.isDumb { session.output.write("\u{1B}[H\u{1B}[2J") }
    }
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
      // Until a key comes.
      while seep_readline_has_more(0) == 0, session.tidy() {}
      let hasKey = seep_readline_wait() == 1
      if Interrupt.isRequested {
        Interrupt.clear()
        session.output.write("^C\n")
        pending = ""
        seep_readline_discard()
        seep_readline_install(prompt, take)
        continue
      }
      if hasKey { seep_readline_read() }
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
      seep_readline_remove()
      if seep_readline_ends_line() == 0 { loop.session.output.write("\n") }
      if loop.pending.isEmpty { loop.isOver = true }
      loop.pending = ""
      if !loop.isOver { seep_readline_install(loop.prompt, loop.take) }
      return
    }
    let text = String(cString: line)
    free(line)
    let isPasted = !loop.pending.isEmpty && PromptLoop.isBlank(text) && seep_readline_has_more(PromptLoop.pasteGap) == 1
    // The terminal is given back while a statement runs, so that Ctrl-C reaches us as a signal.
    seep_readline_remove()
    loop.accept(text, goesOn: isPasted)
    if !loop.isOver { seep_readline_install(loop.prompt, loop.take) }
  }

  private let complete: seep_completer = { _, start, end in
    guard let loop = PromptLoop.current, let whole = seep_readline_line() else { return nil }
    let line = String(decoding: String(cString: whole).utf8.prefix(Int(end)), as: UTF8.self)
    let earlier = loop.pending.isEmpty ? "" : loop.pending + "\n"
    let result = Completion.complete(earlier + line, loop.session)
    // Readline replaces from `start`; what lies between that and where the candidates begin stays.
    let from = result.start - earlier.utf8.count
    let bytes = Array(line.utf8)
    guard from >= 0, Int(start) <= bytes.count else {
      seep_readline_completion_ends(0, 0)
      return nil
    }
    var words = result.candidates.map(\.text)
    if from > Int(start) {
      let stays = String(decoding: bytes[Int(start)..<from], as: UTF8.self)
      words = words.map { stays + $0 }
    } else if from < Int(start) {
      words = words.map { String(decoding: $0.utf8.dropFirst(Int(start) - from), as: UTF8.self) }
    }
    let isOpen = words.count == 1 && (words.first?.hasSuffix("/") ?? false)
    seep_readline_completion_ends(0, result.isString && !isOpen ? 34 : 0)
    return cArray(words, typed: String(decoding: bytes[Int(start)...], as: UTF8.self))
  }

  func readLines() {
    while !isOver {
      session.output.write(prompt.filter { $0 != "\u{1}" && $0 != "\u{2}" })
      guard let line = readLine() else { return }
      accept(line)
    }
  }

  // MARK: Statements

  /// Milliseconds: what follows sooner was not typed after the line before it.
  private static let pasteGap: Int32 = 10

  private static func isBlank(_ text: String) -> Bool { text.allSatisfy { $0 == " " || $0 == "\t" } }

  /// Takes what was typed or pasted: runs it if it is whole, else asks for more. An empty line ends the asking, unless more lines of a paste
  /// are there already.
  func accept(_ text: String, goesOn: Bool = false) {
    let isEmptyLine = PromptLoop.isBlank(text) && !goesOn
    pending += (pending.isEmpty ? "" : "\n") + text
    let whole = pending
    if whole.allSatisfy(\.isWhitespace) {
      pending = ""
      return
    }
    let isCommand = ShellCommands.isCommand(whole)
    if !isCommand, !isEmptyLine, session.completeness(of: whole) == .incomplete { return }
    pending = ""
    keep(whole)
    guard isCommand else { return finish(interaction.run(whole)) }
    switch ShellCommands(interaction: interaction).run(whole) {
    case .done: break
    case .quit: isOver = true
    case .failed(let sentence): Console.writeError(sentence + "\n")
    case .outcome(let outcome): finish(outcome)
    }
  }

  /// Kept before it runs.
  private func keep(_ entry: String) {
    if history.append(entry), PromptLoop.current != nil { seep_readline_add_history(entry) }
  }

  private func finish(_ outcome: Interaction.Outcome) {
    switch outcome {
    case .value(let value):
      if value.isNone { return }
      TerminalPictures.show(value, session)
      session.output.write(interaction.shown(value, width: TerminalPictures.terminalWidth()))
      session.output.write("\n")
      // Ctrl-C while a long value was shown: the rest is left out, the value is there.
      Interrupt.clear()
    case .interrupted: Console.writeError("interrupted; the session is as it was before this statement\n")
    case .refused(let sentence): Console.writeError(sentence + "\n")
    case .failure(let failure): Console.show(failure, color: color)
    case .exit(let wanted):
      status = wanted
      isOver = true
    }
  }
}

/// Words as readline wants them: malloc'ed, the common beginning first, nil at the end; nil for none.
private func cArray(_ words: [String], typed: String) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
  guard let first = words.first, let last = words.last else { return nil }
  // Sorted, so the common beginning of all is that of the first and the last.
  var common = words.count == 1 ? first : String(zip(first, last).prefix { $0 == $1 }.map(\.0))
  // Readline puts it in the place of what was typed, of which nothing may be lost: `["a.b"]` and `.keys` after `x.`.
  if words.count > 1, typed.hasPrefix(common) { common = typed }
  let all = [common] + (words.count == 1 ? [] : words)
  guard let block = malloc((all.count + 1) * MemoryLayout<UnsafeMutablePointer<CChar>?>.stride) else { return nil }
  let array = block.bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: all.count + 1)
  for (index, word) in all.enumerated() { array[index] = strdup(word) }
  array[all.count] = nil
  return array
}

extension Commands {
  /// Runs a line and shows its value, if it has one.
  public static func runLine(
    _ code: String, arguments: [String], seed: Int, color: String?, profile: ProfileRequest = .none
  ) -> Int32 {
    guard profile.isPossible else { return 1 }
    Console.handleInterrupts()
    let session = session(seed: seed, arguments: arguments, color: color)
    return run(code, name: "-e", folder: ".", in: session, color: color, showing: true, profile: profile)
  }

  /// Shows a value or a diagnostic; 0, 1, 130, 141 (nobody reads the output any more) or the program's own status.
  static func finish(
    _ result: Result<Value, Failure>, _ session: Session, color: String?, showing: Bool
  ) -> Int32 {
    session.progress.finish("")
    if case .success(let value) = result, showing, !value.isNone {
      TerminalPictures.show(value, session)
      let width = isatty(1) == 1 ? TerminalPictures.terminalWidth() : nil
      session.output.write((value.asString ?? PromptDisplay.text(value, width: width, in: session)) + "\n")
    }
    let output = session.output as? StandardOutput
    let isWritten = output?.flush() ?? true
    // The status of a program that a closed pipe ends, and as silent.
    let isUnread = output?.isUnread ?? false
    switch result {
    case .success:
      if isWritten { return 0 }
      if isUnread { return 128 + SIGPIPE }
      Console.writeError("seep: the output could not be written\n")
      return 1
    case .failure(let failure):
      if let status = ExitRequest.status(of: failure.fault) { return status }
      if failure.fault.code == Fault.interrupted.code {
        if isUnread { return 128 + SIGPIPE }
        Console.writeError("interrupted\n")
        return 130
      }
      Console.show(failure, color: color)
      return 1
    }
  }
}
