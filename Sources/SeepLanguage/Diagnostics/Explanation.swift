// What stands behind the code of a diagnostic: `seep explain CODE`, `:explain CODE`, and the index in the manual.
import Ground

/// The meaning of one code, and what to do about it.
public struct Explanation: Sendable {
  /// As in `error[division-by-zero]`.
  public let code: String
  /// When it is raised, and what to write or do instead. Plain sentences; code between backticks.
  public let text: String
  /// A program that ends with this error in the line marked `# expect error: CODE`; nil where no program can provoke it by itself.
  public let example: String?
  /// A program of which `seep check` says this, and nothing else, in the line marked `# seep check: CODE`; for codes that no run
  /// raises.
  public let checkedExample: String?

  public init(_ code: String, _ text: String, example: String? = nil, checkedExample: String? = nil) {
    self.code = code
    self.text = text
    self.example = example
    self.checkedExample = checkedExample
  }

  /// For a terminal: the example without its mark.
  public var page: String {
    var lines = [code, ""] + broken(text, width: 100)
    if let example = example ?? checkedExample {
      let mark = self.example == nil ? "# seep check: \(code)" : "# expect error: \(code)"
      lines += ["", "Example:"]
      for line in example.split(separator: "\n", omittingEmptySubsequences: false) {
        var shown = line.hasSuffix(mark) ? line.dropLast(mark.count) : line
        while shown.last == " " { shown.removeLast() }
        lines.append("  " + shown)
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// All codes of a language with its library, by name.
public struct Explanations: Sendable {
  /// In alphabetical order.
  public let all: [Explanation]

  /// The language's own, and those of the library.
  public init(library: [Explanation]) {
    all = (Explanation.language + library).sorted { $0.code < $1.code }
  }

  /// - Throws: `unknown-name` with the nearest code. Takes `error[CODE]`, as it is printed, as well.
  public func find(_ written: String) throws -> Explanation {
    let code =
      written.firstIndex(of: "[").map { written[written.index(after: $0)...].prefix { $0 != "]" } } ?? written[...]
    if let found = all.first(where: { $0.code == code }) { return found }
    throw Fault(
      "unknown-name", "no diagnostic has the code \"\(code)\"",
      help: nearestName(to: String(code), among: all.map(\.code)))
  }

  /// The index of the manual, as Markdown.
  public var markdown: String {
    var text = """
      # Diagnostics

      Every error, warning and note has a code that does not change: `error[shape-mismatch]`. `seep explain CODE`, and `:explain CODE` at the prompt, print what is
      said here; this page is made from the same text by `seep explain --page`. `try … catch {code, message}` gets the code in a program. Each example is run by the tests and must end with
      its error, or be what `seep check` warns of.

      | | |
      | --- | --- |

      """
    let letters = Dictionary(grouping: all) { $0.code.prefix(1) }
    for letter in letters.keys.sorted() {
      let links = letters[letter, default: []].map { "[`\($0.code)`](#\($0.code))" }
      text += "| \(letter) | \(links.joined(separator: " ")) |\n"
    }
    for entry in all {
      text += "\n## \(entry.code)\n\n\(entry.text)\n"
      if let example = entry.example ?? entry.checkedExample { text += "\n```seep\n\(example)\n```\n" }
    }
    return text
  }
}

/// A paragraph as lines of at most `width` characters; longer words stand alone.
public func broken(_ text: String, width: Int) -> [String] {
  var (result, current) = ([String](), "")
  for word in text.split(separator: " ") {
    if !current.isEmpty, current.count + 1 + word.count > width {
      result.append(current)
      current = ""
    }
    current += (current.isEmpty ? "" : " ") + word
  }
  return result + [current]
}
