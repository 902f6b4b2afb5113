// A request about an open file, with what most of them need.
import SeepLanguage

struct Request {
  let document: OpenDocument
  let parameters: JSON
  let server: LanguageServer

  var text: LinedText { document.text }
  var session: Session { server.session }
  var client: ClientAbilities { server.client }
  var analysis: SourceAnalysis { document.analysis(session) }

  func offset() throws -> Int {
    guard let position = Position(parameters["position"]) else {
      throw LanguageServer.Refusal.parameters("a `position` has a `line` and a `character`")
    }
    return text.offset(position)
  }

  /// The word around an offset.
  func word(_ offset: Int) -> Span {
    var (start, end) = (offset, offset)
    while start > 0, CompletionContext.isNameByte(text.bytes[start - 1]) { start -= 1 }
    while end < text.bytes.count, CompletionContext.isNameByte(text.bytes[end]) { end += 1 }
    return Span(start, end)
  }

  func location(_ span: Span) -> JSON { ["uri": .string(document.uri), "range": text.range(span)] }

  /// Text for a person, in the form that the client takes.
  func markup(_ heading: Heading, asMarkdown: Bool) -> JSON {
    let markdown = asMarkdown ? heading.markdown : nil
    return [
      "kind": .string(markdown == nil ? "plaintext" : "markdown"), "value": .string(markdown ?? heading.plain),
    ]
  }

  /// The same without how it is called, for places that show that by themselves; nil where nothing else is said.
  func words(_ heading: Heading, asMarkdown: Bool) -> JSON? {
    var heading = heading
    let fence = Heading.fenced(heading.label)
    if let markdown = heading.markdown, markdown.hasPrefix(fence) {
      heading.markdown = markdown.dropFirst(fence.count).trimmed
    }
    if heading.plain.hasPrefix(heading.label) { heading.plain = heading.plain.dropFirst(heading.label.count).trimmed }
    return heading.plain.isEmpty ? nil : markup(heading, asMarkdown: asMarkdown)
  }
}

extension Substring {
  /// Without line ends and blanks at both ends.
  fileprivate var trimmed: String {
    var rest = self
    while let first = rest.first, first == "\n" || first == " " { rest.removeFirst() }
    while let last = rest.last, last == "\n" || last == " " { rest.removeLast() }
    return String(rest)
  }
}
