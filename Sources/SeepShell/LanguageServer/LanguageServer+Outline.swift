// The outline of a file, and its formatting.
import SeepLanguage

private struct Symbol {
  /// By the protocol's numbers.
  enum Kind: Int { case module = 2, function = 12, variable = 13, constant = 14, event = 24 }

  var name: String
  var detail: String?
  var kind: Kind
  var span: Span
  var nameSpan: Span
  var children: [Symbol] = []

  /// Functions, `let`s, tests and modules of statements; those of functions and tests inside of them.
  static func all(_ statements: [Statement], _ file: SourceHandle) -> [Symbol] {
    statements.flatMap { statement -> [Symbol] in
      switch statement.kind {
      case .function(let function, let nameSpan):
        return [symbol(function, function.name ?? "", nameSpan, statement.span, file)]
      case .binding(let pattern, let isMutable, let value):
        if case .name(let name) = pattern.kind, case .function(let function) = value.kind {
          return [symbol(function, name, pattern.span, statement.span, file)]
        }
        return pattern.places.map { name, span in
          Symbol(
            name: name, kind: isMutable ? .variable : .constant, span: statement.span, nameSpan: span)
        }
      case .use(_, _, let name):
        return [Symbol(name: name, kind: .module, span: statement.span, nameSpan: statement.span)]
      case .test(let name, let body):
        return [
          Symbol(
            name: "test \"\(name)\"", kind: .event, span: statement.span, nameSpan: statement.span,
            children: inside(body, file))
        ]
      default: return []
      }
    }
  }

  private static func symbol(
    _ function: FunctionSyntax, _ name: String, _ nameSpan: Span, _ span: Span, _ file: SourceHandle
  ) -> Symbol {
    let heading = Heading(function, "", file)
    return Symbol(
      name: name, detail: heading.label, kind: .function, span: span, nameSpan: nameSpan,
      children: inside(function.body, file))
  }

  private static func inside(_ body: Expression, _ file: SourceHandle) -> [Symbol] {
    guard case .block(let statements) = body.kind else { return [] }
    return all(statements, file)
  }

  func nested(_ text: LinedText) -> JSON {
    var fields: [(name: String, value: JSON)] = [("name", .string(name.isEmpty ? "…" : name))]
    if let detail { fields.append(("detail", .string(detail))) }
    fields += [
      ("kind", .integer(kind.rawValue)), ("range", text.range(span)), ("selectionRange", text.range(nameSpan)),
    ]
    if !children.isEmpty { fields.append(("children", .array(children.map { $0.nested(text) }))) }
    return .object(fields)
  }

  func flat(_ request: Request, in container: String? = nil) -> [JSON] {
    var fields: [(name: String, value: JSON)] = [
      ("name", .string(name)), ("kind", .integer(kind.rawValue)), ("location", request.location(span)),
    ]
    if let container { fields.append(("containerName", .string(container))) }
    return [.object(fields)] + children.flatMap { $0.flat(request, in: name) }
  }
}

extension LanguageServer {
  func symbols(_ request: Request) throws -> JSON {
    let all = Symbol.all(request.analysis.statements, request.analysis.file)
    return .array(client.nestsSymbols ? all.map { $0.nested(request.text) } : all.flatMap { $0.flat(request) })
  }

  /// The whole file as `seep fmt` writes it, as one edit of what differs; nothing where it has syntax errors.
  func formatting(_ request: Request) throws -> JSON {
    let bytes = request.text.bytes
    let text = String(decoding: bytes, as: UTF8.self)
    guard case .success(let formatted) = session.formatted(text, name: request.document.uri) else { return [] }
    var new = Array(formatted.utf8)
    // A file whose lines all end in CR LF keeps that.
    let ends = bytes.indices.filter { bytes[$0] == 10 }
    if !ends.isEmpty, ends.allSatisfy({ $0 > 0 && bytes[$0 - 1] == 13 }) {
      new = new.enumerated().flatMap { at, byte in
        byte == 10 && (at == 0 || new[at - 1] != 13) ? [13, 10] : [byte]
      }
    }
    if new == bytes { return [] }
    var start = 0
    while start < min(new.count, bytes.count), new[start] == bytes[start] { start += 1 }
    var (oldEnd, newEnd) = (bytes.count, new.count)
    while oldEnd > start, newEnd > start, bytes[oldEnd - 1] == new[newEnd - 1] {
      (oldEnd, newEnd) = (oldEnd - 1, newEnd - 1)
    }
    // Whole characters, and CR LF is one.
    func isInside(_ at: Int, _ bytes: [UInt8]) -> Bool {
      at > 0 && at < bytes.count && (bytes[at] & 0xC0 == 0x80 || bytes[at] == 10 && bytes[at - 1] == 13)
    }
    while isInside(start, bytes) || isInside(start, new) { start -= 1 }
    while isInside(oldEnd, bytes) || isInside(newEnd, new) { (oldEnd, newEnd) = (oldEnd + 1, newEnd + 1) }
    let edit: JSON = [
      "range": request.text.range(Span(start, oldEnd)),
      "newText": .string(String(decoding: new[start..<newEnd], as: UTF8.self)),
    ]
    return [edit]
  }
}
