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
}
