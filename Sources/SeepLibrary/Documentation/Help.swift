// Help as text, the same at the prompt, in `seep doc` and in a notebook.
import Ground
import SeepLanguage

public enum Help {
  public static func text(_ builtin: Builtin) -> String {
    var text = builtin.signature.text + "\n\n" + builtin.documentation + "\n"
    if !builtin.example.isEmpty {
      text += "\nExample:\n" + builtin.example.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n") + "\n"
    }
    return text
  }

  /// The same for a notebook.
  public static func markdown(_ builtin: Builtin) -> String {
    var text = "```seep\n\(builtin.signature.text)\n```\n\n" + builtin.documentation + "\n"
    if !builtin.example.isEmpty { text += "\nExample:\n\n```seep\n\(builtin.example)\n```\n" }
    return text
  }

  /// Breaks the lines of prose that are wider than `width` columns, between words. Indented lines are code and stay; so does a
  /// heading, which the first line is.
  public static func wrapped(_ text: String, width: Int) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for at in lines.indices.dropFirst() where lines[at].count > width && !lines[at].hasPrefix("  ") {
      var broken: [String] = []
      var line = ""
      for word in lines[at].split(separator: " ") {
        if !line.isEmpty, line.count + 1 + word.count > width {
          broken.append(line)
          line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
      }
      lines[at] = (broken + [line]).joined(separator: "\n")
    }
    return lines.joined(separator: "\n")
  }

  /// What is known of any value: a function's heading and `##` comments, an object's fields.
  public static func text(_ value: Value, in session: Session) -> String {
    if let builtin = value.builtin { return text(builtin) }
    if let (title, words) = value.heading { return title + "\n" + (words.map { "\n\($0)\n" } ?? "") }
    let fields = value.asForeign?.fieldNames ?? value.asRecord?.names ?? []
    let kind = described(value)
    return "\(session.display(value, .short)): \(kind)"
      + (fields.isEmpty ? "" : " with \(fields.joined(separator: ", "))") + "\n"
  }
}

let helpBuiltins: [Builtin] = [
  Builtin(
    "help(about)", group: "output",
    "Prints what a function does, how it is called, and an example; of other values the kind and the fields. `about` may be a name in quotes.",
    example: "help(x => x + 1)"
  ) { call in
    var about = call["about"]
    if let name = about.asString {
      guard let known = call.session.lookup(name) else {
        throw call.fault(
          "unknown-name", "there is no `\(name)` here", argument: "about",
          help: nearestName(to: name, among: call.session.knownNames).map { "help(\($0))" })
      }
      about = known
    }
    let whole = Help.text(about, in: call.session)
    let text = PlotDisplay.columns(of: call.session).map { Help.wrapped(whole, width: $0) } ?? whole
    let markdown = RichDisplay.representations(of: about, in: call.session).filter { $0.mime == "text/markdown" }
    RichOutput.of(call.session).show(markdown, text)
    return .none
  }
]
