// What was found in a text, and what mends it.
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

extension LanguageServer {
  /// All findings of a file; an empty list clears those of before.
  func published(_ document: OpenDocument) -> JSON {
    let analysis = document.analysis(session)
    let index = NameIndex(analysis)
    var parameters: [(name: String, value: JSON)] = [("uri", .string(document.uri))]
    if client.takesVersion, let version = document.version { parameters.append(("version", .integer(version))) }
    parameters.append(("diagnostics", .array(analysis.findings.map { diagnostic($0, document, index) })))
    return LanguageServer.publication(.object(parameters))
  }

  static func publication(_ parameters: JSON) -> JSON {
    ["jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": parameters]
  }

  func diagnostic(_ finding: Failure, _ document: OpenDocument, _ index: NameIndex) -> JSON {
    let severity =
      switch finding.severity {
      case .error: 1
      case .warning: 2
      case .note: 3
      }
    var words = [finding.fault.message] + finding.fault.notes
    if let help = finding.suggestion { words.append("try: \(help)") }
    var fields: [(name: String, value: JSON)] = [
      ("range", document.text.range(finding.guilty)), ("severity", .integer(severity)),
      ("code", .string(finding.fault.code)), ("source", "seep"), ("message", .string(words.joined(separator: "\n"))),
    ]
    if client.takesCodeDescription, let page = LanguageServer.diagnosticsPage {
      fields.append(("codeDescription", ["href": .string(page + "#" + finding.fault.code)]))
    }
    if client.takesTags, ["unused-name", "unreachable-code", "unreachable-case"].contains(finding.fault.code) {
      fields.append(("tags", [1]))
    }
    let related = client.takesRelated ? self.related(finding, document, index) : []
    if !related.isEmpty { fields.append(("relatedInformation", .array(related))) }
    return .object(fields)
  }

  /// The page of the manual that explains the codes, where it is installed.
  private static let diagnosticsPage: String? = {
    guard let home = Home.folder, let path = realpath(home + "/../docs/diagnostics.md", nil) else { return nil }
    defer { free(path) }
    return FileURI.uri(String(cString: path))
  }()

  /// Where that is bound which a finding is about: a name that cannot be assigned, a function that is called otherwise, the
  /// operands of what fails.
  private func related(_ finding: Failure, _ document: OpenDocument, _ index: NameIndex) -> [JSON] {
    if finding.isOfRun {
      return finding.origins.map { origin -> JSON in
        let kind = (finding.kinds[origin.operand] ?? finding.fault.operands[origin.operand]).map { ": \($0)" } ?? ""
        return [
          "location": ["uri": .string(document.uri), "range": document.text.range(origin.span)],
          "message": .string("`\(origin.name)` is \(origin.isGiven ? "given" : "made") here\(kind)"),
        ]
      }
    }
    let isAboutName = finding.fault.code == "not-assignable"
    guard isAboutName || Set(finding.argumentSpans).isEmpty == false || finding.fault.code == "missing-argument",
      let place = index.place(finding.span.start), place.role != .binding, isAboutName || place.name.function != nil
    else { return [] }
    return index.bindings(of: place.name).prefix(3).map { binding in
      [
        "location": ["uri": .string(document.uri), "range": document.text.range(binding.span)],
        "message": .string("`\(place.name.name)` is bound here"),
      ]
    }
  }

  // MARK: Quick fixes

  func codeActions(_ request: Request) throws -> JSON {
    guard let span = request.text.span(request.parameters["range"]) else {
      throw Refusal.parameters("a code action has a `range`")
    }
    let only = request.parameters["context"]["only"].items.compactMap(\.text)
    guard only.isEmpty || only.contains(where: { "quickfix".hasPrefix($0) }) else { return [] }
    let document = request.document
    let index = NameIndex(request.analysis)
    let near = request.analysis.findings.filter { $0.guilty.start <= span.end && span.start <= $0.guilty.end }
    let actions = near.prefix(10).compactMap { finding -> JSON? in
      guard let fix = Fix(finding, index, document, session) else { return nil }
      return [
        "title": .string(fix.title), "kind": "quickfix", "diagnostics": [diagnostic(finding, document, index)],
        "isPreferred": true, "edit": request.workspaceEdit(fix.edits),
      ]
    }
    return .array(actions)
  }
}

/// A replacement in a text.
struct TextEdit {
  var span: Span
  var text: String

  static func apply(_ edits: [TextEdit], to text: LinedText) -> [UInt8] {
    edits.sorted { $0.span.start > $1.span.start }.reduce(text.bytes) { bytes, edit in
      bytes[..<edit.span.start] + Array(edit.text.utf8) + bytes[edit.span.end...]
    }
  }
}

/// What mends a finding: tried out before it is offered.
struct Fix {
  var title: String
  var edits: [TextEdit]

  init?(_ finding: Failure, _ index: NameIndex, _ document: OpenDocument, _ session: Session) {
    guard let (title, edits) = Fix.proposal(finding, index, document.text) else { return nil }
    self.title = title
    self.edits = edits
    // The finding goes, and nothing worse comes.
    let before = index.analysis.findings
    let after = session.analysis(of: TextEdit.apply(edits, to: document.text), name: document.uri).findings
    func errors(_ findings: [Failure]) -> Int { findings.count { $0.severity == .error } }
    let wasError = finding.severity == .error
    let isSyntax = Fix.isSyntax(finding)
    // Behind a syntax error findings of other kinds may wait.
    let isBetter =
      isSyntax
      ? after.count(where: Fix.isSyntax) < before.count(where: Fix.isSyntax)
      : (wasError ? errors(after) < errors(before) : errors(after) == errors(before) && after.count < before.count)
    guard isBetter else { return nil }
  }

  private static func isSyntax(_ finding: Failure) -> Bool {
    ["syntax", "other-language"].contains(finding.fault.code)
  }

  private static func proposal(
    _ finding: Failure, _ index: NameIndex, _ text: LinedText
  ) -> (String, [TextEdit])? {
    if finding.fault.code == "unused-name" {
      guard let place = index.place(finding.span.start),
        let edits = try? Renaming(place.name, index, text).edits("_" + place.name.name)
      else { return nil }
      return ("rename to `_\(place.name.name)`: it is not used", edits)
    }
    if finding.fault.code == "not-assignable" {
      guard let place = index.place(finding.guilty.start), place.name.kind == .binding,
        let statement = place.name.sources.first?.statement,
        text.text(Span(statement.start, statement.start + 4)) == "let "
      else { return nil }
      let word = Span(statement.start, statement.start + 3)
      return ("bind `\(place.name.name)` by `var`", [TextEdit(span: word, text: "var")])
    }
    guard var help = finding.suggestion else { return nil }
    if finding.isOfRun {
      let written = text.text(finding.guilty)
      if finding.fault.code == "unknown-option", finding.fault.argument != nil, written.hasPrefix("\""),
        let word = help.firstRange(of: ": \"")
      {
        // `per: "layer"` is said of the value of `per`.
        help = "\"" + help[word.upperBound...]
      } else if finding.fault.help?.contains("{0}") != true {
        return nil
      }
    }
    if finding.fault.code == "unknown-argument", help.hasSuffix(": …") { help.removeLast(3) }
    guard !help.contains("…"), !help.contains("\n"), finding.guilty.end <= text.bytes.count else { return nil }
    // A word stays a word: `!ok` becomes `not ok`.
    func isName(_ at: Int) -> Bool { text.bytes.indices.contains(at) && CompletionContext.isNameByte(text.bytes[at]) }
    let title = "replace by `\(help)`"
    if isName(finding.guilty.end), help.utf8.last.map(CompletionContext.isNameByte) == true { help += " " }
    if isName(finding.guilty.start - 1), help.utf8.first.map(CompletionContext.isNameByte) == true { help = " " + help }
    return (title, [TextEdit(span: finding.guilty, text: help)])
  }
}
