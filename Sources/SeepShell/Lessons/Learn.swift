// `seep learn [N]`: a lesson in the terminal, piece by piece. Enter runs a block; it may be edited and run again; anything else that is
// typed runs with the lesson's variables.
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

public enum Learn {
  /// Exit status.
  public static func run(_ argument: String?, color: String?) -> Int32 {
    let lessons = Lessons.all()
    guard !lessons.isEmpty else {
      Console.writeError(
        "seep: the lessons were not found; they are looked for in SEEP_LESSONS, in the library, and in docs/lessons beside it\n"
      )
      return 1
    }
    guard let argument else {
      list(lessons)
      return 0
    }
    guard let number = Int(argument), let lesson = lessons.first(where: { $0.number == number }) else {
      Console.writeError(
        "seep: there is no lesson \(argument); there are \(lessons.map { String($0.number) }.joined(separator: ", "))\n"
      )
      return 2
    }
    do {
      let page = Page(try TextFile.read(lesson.path))
      let loop = try LessonLoop(page, number: number, source: lesson.path, color: color)
      return loop.run(next: lessons.first { $0.number > number }?.number)
    } catch {
      Console.writeError("seep: \((error as? Fault)?.message ?? "\(error)")\n")
      return 1
    }
  }

  private static func list(_ lessons: [Lessons.Entry]) {
    for lesson in lessons {
      let place = (try? Bookmark(lesson.number))?.place ?? 0
      print("\(lesson.title)\(place > 0 ? "   (begun)" : "")")
    }
    print("seep learn N begins lesson N, or goes on where you stopped.")
  }
}

/// A reader in a lesson.
private final class LessonLoop {
  private let page: Page
  private let number: Int
  private let session: Session
  private let color: String?
  private let usesColor: Bool
  private var bookmark: Bookmark
  private var hasWarned = false
  private let hasEditor: Bool

  init(_ page: Page, number: Int, source: String, color: String?) throws {
    self.page = page
    self.number = number
    self.color = color
    usesColor = Console.usesColor(1, choice: color)
    bookmark = try Bookmark(number)
    session = Commands.session(seed: 0, color: color)
    hasEditor = isatty(0) == 1 && isatty(1) == 1 && seep_readline_load() == 0
    // Blocks write their pictures where they belong to nobody else.
    if chdir(try Bookmark.folder(of: number)) != 0 {
      throw Fault("file-unreadable", "the lesson's folder cannot be entered: \(String(cString: strerror(errno)))")
    }
  }

  func run(next: Int?) -> Int32 {
    Console.endsOnSecond = false
    Console.handleInterrupts()
    if hasEditor { seep_readline_configure(LessonLoop.name, LessonLoop.wordBreaks, nil) }
    if bookmark.place > 0, !resume() { return 0 }
    while bookmark.place < page.pieces.count {
      let piece = page.pieces[bookmark.place]
      switch piece {
      case .code("seep", let code, _):
        show(code: Page.withoutMarks(code))
        if !ask(about: Page.withoutMarks(code)) { return stop() }
      case .heading(let level, let text):
        say((level > 1 ? "\n" : "") + styled(text, "1") + "\n")
      case .text(let text): say(wrapped(text) + "\n")
      case .picture(let title, let path): picture(title, path)
      case .code(_, let code, _): show(code: code)
      }
      bookmark.place += 1
      keep()
    }
    bookmark.forget()
    say(styled("The end of lesson \(number)." + (next.map { " The next: seep learn \($0)" } ?? ""), "1"))
    return 0
  }

  nonisolated(unsafe) private static let name = strdup("seep")
  nonisolated(unsafe) private static let wordBreaks = strdup(" \t\n\"'`@$><=;|&{}()[]+-*/%^,:!?")

  // MARK: Going on

  /// Runs again, without showing, what was run before; false where the reader leaves.
  private func resume() -> Bool {
    say(styled("You have read part of lesson \(number). Enter goes on there, r begins again, q leaves.", "1"))
    guard let answer = line("> "), answer.trimmingSpaces != "q" else { return false }
    if answer.trimmingSpaces == "r" {
      bookmark.forget()
      return true
    }
    let shown = bookmark.ran
    if !shown.isEmpty { say("Running \(shown.count == 1 ? "one block" : "\(shown.count) blocks") again …") }
    let output = session.output
    session.output = CollectedOutput()
    for code in shown {
      Interrupt.clear()
      if case .failure(let failure) = session.evaluate(code, name: "lesson", folder: "."),
        failure.fault.code == Fault.interrupted.code
      {
        break
      }
    }
    Interrupt.clear()
    session.progress.finish("")
    session.output = output
    return true
  }

  private func stop() -> Int32 {
    keep()
    say("\nYour place is kept: seep learn \(number)")
    return 0
  }

  private func keep() {
    if !bookmark.keep(), !hasWarned {
      hasWarned = true
      Console.writeError("seep: your place in the lesson cannot be kept: \(String(cString: strerror(errno)))\n")
    }
  }

  // MARK: A block

  /// False where the reader leaves.
  private func ask(about original: String) -> Bool {
    var code = original
    var hasRun = false
    while true {
      let hint =
        hasRun
        ? "Enter goes on, e edits, r runs again, q leaves; or type Seep"
        : "Enter runs it, e edits, s skips, q leaves; or type Seep"
      guard let answer = line(styled("[\(hint)]", "2") + "\n> ") else { return false }
      switch answer.trimmingSpaces {
      case "q", ":q", ":quit": return false
      case "":
        if hasRun { return true }
        evaluate(code, isBlock: true)
        hasRun = true
      case "r":
        evaluate(code, isBlock: true)
        hasRun = true
      case "s" where !hasRun: return true
      case "e":
        if let changed = edit(code) {
          code = changed
          evaluate(code, isBlock: true)
          hasRun = true
        }
      default:
        var typed = answer
        while session.completeness(of: typed) == .incomplete, let more = line("  ... "), !more.trimmingSpaces.isEmpty {
          typed += "\n" + more
        }
        evaluate(typed, isBlock: false)
      }
    }
  }

  /// As at the prompt: what fails leaves the session as it was.
  private func evaluate(_ code: String, isBlock: Bool) {
    let before = session.snapshot()
    Interrupt.clear()
    let result = session.evaluate(code, name: "lesson", folder: ".")
    Interrupt.clear()
    session.progress.finish("")
    switch result {
    case .success(let value):
      bookmark.ran.append(code)
      keep()
      if !value.isNone { session.output.write(session.display(value, .long) + "\n") }
    case .failure(let failure):
      session.rollback(to: before)
      Console.show(failure, color: color)
    }
    if isBlock { say("") }
  }

  /// The block in the reader's editor (VISUAL, EDITOR), or line by line; nil where it was given up.
  private func edit(_ code: String) -> String? {
    let names: [String] = ["VISUAL", "EDITOR"]
    let editor = names.compactMap { name in getenv(name).map { String(cString: $0) } }.first { !$0.isEmpty }
    if let editor { return edit(code, with: editor) }
    say(
      "Line by line: change a line and press Enter; an empty line is left out; Ctrl-D gives up. Lines may be added at the end."
    )
    var result: [String] = []
    for old in code.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      guard let new = line("| ", filled: String(old)) else { return nil }
      if !new.trimmingSpaces.isEmpty || old.allSatisfy({ $0 == " " }) { result.append(new) }
    }
    while let more = line("+ "), !more.trimmingSpaces.isEmpty { result.append(more) }
    return result.joined(separator: "\n") + "\n"
  }

  private func edit(_ code: String, with editor: String) -> String? {
    let path = "block.seep"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return nil }
    let isWritten = Console.write(Array(code.utf8), to: descriptor)
    close(descriptor)
    guard isWritten, Shell.run("\(editor) \(path)") == 0, let text = try? TextFile.read(path) else {
      Console.writeError("seep: \(editor) did not give the block back; it is unchanged\n")
      return nil
    }
    return text
  }

  // MARK: Lines

  /// nil at the end of input.
  private func line(_ prompt: String, filled: String = "") -> String? {
    if !hasEditor {
      session.output.write(prompt)
      _ = (session.output as? StandardOutput)?.flush()
      return readLine()
    }
    Interrupt.clear()
    let parts = prompt.split(separator: "\n", omittingEmptySubsequences: false)
    for part in parts.dropLast() { session.output.write(part + "\n") }
    _ = (session.output as? StandardOutput)?.flush()
    return LineReader.read(String(parts.last ?? ""), filled: filled)
  }

  private func say(_ text: String) { session.output.write(text + "\n") }

  private func styled(_ text: String, _ style: String) -> String {
    usesColor ? "\u{1B}[\(style)m\(text)\u{1B}[0m" : text
  }

  private func show(code: String) {
    var lines = code.split(separator: "\n", omittingEmptySubsequences: false)
    while lines.last?.isEmpty == true { lines.removeLast() }
    say(lines.map { "    " + styled(String($0), "36") }.joined(separator: "\n"))
  }

  /// A figure that a block of the lesson has made is drawn; of another, its title.
  private func picture(_ title: String, _ path: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if hasEditor, access(name, R_OK) == 0 {
      _ = session.evaluate("show(load_image(\"\(name)\"))", name: "lesson", folder: ".")
    }
    say(styled("[picture: \(title)]", "2") + "\n")
  }

  /// Paragraphs broken at the width of the terminal; tables and lists keep their lines.
  private func wrapped(_ text: String) -> String {
    let width = max(40, min(TerminalPictures.terminalWidth(), 90))
    let lines = text.split(separator: "\n").map(String.init)
    let keeps = lines.contains { line in
      ["|", "- ", "* ", "> "].contains { line.hasPrefix($0) } || line.first?.isNumber == true && line.contains(". ")
    }
    let parts =
      keeps
      ? lines.flatMap { $0.hasPrefix("|") ? [$0] : broken($0, width: width) }
      : broken(lines.joined(separator: " "), width: width)
    return parts.map(emphasised).joined(separator: "\n")
  }

  /// `**strong**` in bold, `*emphasis*` in italics.
  private func emphasised(_ line: String) -> String {
    [("**", "1"), ("*", "3")].reduce(line) { line, mark in
      let parts = line.split(separator: mark.0, omittingEmptySubsequences: false)
      // A pair of marks hugs its words; a product does not.
      let hugs = parts.indices.filter { $0 % 2 == 1 }.allSatisfy { parts[$0].first != " " && parts[$0].last != " " }
      if parts.count % 2 == 0 || !hugs { return line }
      return parts.enumerated().map { $0.offset % 2 == 1 ? styled(String($0.element), mark.1) : String($0.element) }
        .joined()
    }
  }
}

extension StringProtocol {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
