// Names of the library that are written in Seep: files under stdlib/, read when a name is first used. Signature, help and example are
// the function's own heading, so there is one place where they stand:
//
//     ## What it does, in Markdown.
//     ##
//     ## ```seep
//     ## print(dlg())   # expect: dlg()
//     ## ```
//     fn dlg(steps = 300, restarts = 5) {
import Ground
import SeepLanguage

/// The textbook attacks.
private let seepFiles = ["dlg", "idlg", "analytic"].map { (name: $0, group: "attacks", file: "attacks/\($0).seep") }

let seepNames: [Builtin] = seepFiles.map { writtenInSeep($0.name, group: $0.group, $0.file) }

extension SeepLibrary {
  /// The file of a name of the library that is written in Seep; nil for the others.
  public static func file(of name: String) -> String? {
    seepFiles.first { $0.name == name }.flatMap { try? Home.path($0.file) }
  }
}

/// A function of this name in a file of the library; the body is compiled when it is first called.
private func writtenInSeep(_ name: String, group: String, _ file: String) -> Builtin {
  Builtin(name: name, group: group, heading: { Heading.read(name, file) }) { call in
    let module = try call.session.module(at: Home.path(file))
    guard let function = module[name] else {
      throw Fault("missing-library", "\(file) of the library defines no `\(name)`")
    }
    let signature = call.signature?.parameters ?? []
    let given = signature.filter { call.isGiven($0.name) }.map { (name: $0.name, value: call[$0.name]) }
    return try call.session.invoke(function, [], given)
  }
}

private enum Heading {
  static func read(_ name: String, _ file: String) -> Builtin.Heading {
    guard let path = try? Home.path(file), let text = try? TextFile.read(path), let found = parse(name, text) else {
      return Builtin.Heading(
        signature: Signature("\(name)()"), documentation: "Its file \(file) was not found in the library.",
        example: "print(1)  # expect: 1")
    }
    return found
  }

  /// The `##` lines above `fn name(…)` and its parameters, which stand on one line.
  static func parse(_ name: String, _ text: String) -> Builtin.Heading? {
    var comment: [Substring] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("##") {
        comment.append(line.dropFirst(line.hasPrefix("## ") ? 3 : 2))
      } else if line.hasPrefix("fn \(name)("), let end = line.lastIndex(of: ")") {
        let signature = line[...end].dropFirst(3).split(separator: " = ").joined(separator: ": ")
        let (words, example) = split(comment)
        return Builtin.Heading(signature: Signature(signature), documentation: words, example: example)
      } else {
        comment = []
      }
    }
    return nil
  }

  /// The text without its first fenced block, and that block.
  private static func split(_ comment: [Substring]) -> (String, String) {
    guard let open = comment.firstIndex(where: { $0.hasPrefix("```seep") }),
      let close = comment[(open + 1)...].firstIndex(where: { $0.hasPrefix("```") })
    else { return (comment.joined(separator: "\n"), "") }
    var words = Array(comment[..<open] + comment[(close + 1)...])
    while words.last?.isEmpty == true { words.removeLast() }
    return (words.joined(separator: "\n"), comment[(open + 1)..<close].joined(separator: "\n"))
  }
}
