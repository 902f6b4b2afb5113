// A page of the manual: Markdown with blocks of Seep. Its blocks are run by `seep test`, its lessons by `seep learn`.

/// A page, in pieces.
public struct Page: Sendable {
  public enum Piece: Sendable, Equatable {
    case heading(level: Int, String)
    /// A paragraph, list, table or quotation as it is written, lines joined by newlines.
    case text(String)
    case picture(title: String, path: String)
    /// A fenced block: its language, its lines, and the number of the first, from 1.
    case code(language: String, String, line: Int)
  }

  public let pieces: [Piece]

  public init(_ markdown: String) {
    var pieces: [Piece] = []
    var paragraph: [Substring] = []
    var fence: (marks: String, language: String, lines: [Substring], line: Int)?

    func endParagraph() {
      if !paragraph.isEmpty { pieces.append(.text(paragraph.joined(separator: "\n"))) }
      paragraph = []
    }
    for (index, line) in markdown.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = line.last == "\r" ? line.dropLast() : line
      if var open = fence {
        if line.hasPrefix(open.marks), line.allSatisfy({ $0 == "`" || $0 == " " }) {
          pieces.append(
            .code(language: open.language, open.lines.joined(separator: "\n") + "\n", line: open.line))
          fence = nil
        } else {
          open.lines.append(line)
          fence = open
        }
        continue
      }
      if line.hasPrefix("```") {
        endParagraph()
        let marks = String(line.prefix { $0 == "`" })
        fence = (marks, String(line.dropFirst(marks.count)).trimmed, [], index + 2)
      } else if line.allSatisfy({ $0 == " " }) {
        endParagraph()
      } else if let heading = Page.heading(line) {
        endParagraph()
        pieces.append(heading)
      } else if paragraph.isEmpty, let picture = Page.picture(line) {
        pieces.append(picture)
      } else {
        paragraph.append(line)
      }
    }
    endParagraph()
    // A block that is not closed goes to the end.
    if let open = fence {
      pieces.append(.code(language: open.language, open.lines.joined(separator: "\n") + "\n", line: open.line))
    }
    self.pieces = pieces
  }

  /// The blocks of Seep, with the number of their first line.
  public var blocks: [(code: String, line: Int)] {
    pieces.compactMap {
      if case .code("seep", let code, let line) = $0 { return (code, line) }
      return nil
    }
  }

  /// The first heading.
  public var title: String? {
    for case .heading(_, let text) in pieces { return text }
    return nil
  }

  private static func heading(_ line: Substring) -> Piece? {
    let marks = line.prefix { $0 == "#" }.count
    guard (1...6).contains(marks), line.dropFirst(marks).first == " " else { return nil }
    return .heading(level: marks, String(line.dropFirst(marks + 1)).trimmed)
  }

  /// `![title](path)` alone on a line.
  private static func picture(_ line: Substring) -> Piece? {
    guard line.hasPrefix("!["), line.last == ")", let middle = line.firstIndex(of: "]") else { return nil }
    let rest = line[line.index(after: middle)...]
    guard rest.hasPrefix("(") else { return nil }
    return .picture(
      title: String(line[line.index(line.startIndex, offsetBy: 2)..<middle]), path: String(rest.dropFirst().dropLast()))
  }
}

extension ScriptRunner {
  /// Runs the blocks of a page: each by itself, or, where `isOneProgram`, one after the other with the same variables.
  public static func runPage(
    _ markdown: String, name: String, folder: String? = nil, isOneProgram: Bool, session makeSession: () -> Session
  ) -> ScriptReport {
    var whole = ScriptReport(name: name)
    let shared = isOneProgram ? makeSession() : nil
    for (code, line) in Page(markdown).blocks {
      // Empty lines before it, so that messages name lines of the page.
      let padded = String(repeating: "\n", count: line - 1) + code
      let report = run(padded, name: name, folder: folder) { shared ?? makeSession() }
      whole.passed += report.skipped == nil ? max(1, report.passed) : 0
      whole.problems += report.problems
      whole.tests.passed += report.tests.passed
      whole.tests.failed += report.tests.failed
      if isOneProgram, !report.problems.isEmpty { break }
    }
    return whole
  }
}
