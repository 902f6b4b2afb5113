// What is known of the name under the pointer: for the library the text of `?x`.
import SeepLanguage
import SeepLibrary

extension LanguageServer {
  func hover(_ request: Request) throws -> JSON {
    let offset = try request.offset()
    if CompletionContext(request.text.text(Span(0, offset))).isComment { return .null }
    let index = NameIndex(request.analysis)
    let kinds = KindReader(index: index, session: session, folder: request.document.folder)
    func answer(_ heading: Heading, _ span: Span) -> JSON {
      ["contents": request.markup(heading, asMarkdown: client.showsMarkdown), "range": request.text.range(span)]
    }
    if let place = index.place(offset) {
      return answer(Heading(place.name, at: place.span.start, kinds), place.span)
    }
    if let keyword = index.keyword(offset) {
      var heading: Heading?
      if let known = keyword.known {
        heading = known.function.map { Heading($0, known.name, request.analysis.file) }
      } else {
        heading = keyword.callee.flatMap { session.lookup($0)?.builtin }.map { Heading($0) }
      }
      guard let heading else { return .null }
      return answer(heading, keyword.span)
    }
    if let member = index.member(offset) {
      guard let heading = self.heading(member, kinds, index) else { return .null }
      return answer(heading, member.span)
    }
    let word = request.word(offset)
    let name = request.text.text(word)
    // A text with syntax errors: the names that the rest binds, and the library's.
    if let known = index.top(name) { return answer(Heading(known, at: offset, kinds), word) }
    let isInString = CompletionContext(request.text.text(Span(0, offset))).stringStart != nil
    guard !isInString, let builtin = session.lookup(name)?.builtin else { return .null }
    return answer(Heading(builtin), word)
  }

  private func heading(_ member: SourceMap.Member, _ kinds: KindReader, _ index: NameIndex) -> Heading? {
    let kind = kinds.kind(member.subject)
    if case .module(let path)? = kind {
      guard let module = ModuleFile(path, session) else { return nil }
      return module.names.first { $0.name == member.name }.flatMap(module.heading)
    }
    if let kind {
      if let function = LibraryKinds.memberFunctions["\(kind.typeName).\(member.name)"] {
        return Heading(Signature(function.signature))
      }
      if let field = kinds.fields(of: kind).first(where: { $0.name == member.name }) {
        let words = "A field of a value of type \(kind.typeName)" + (field.kind.map { ": \($0.typeName)" } ?? "") + "."
        return Heading(code: ".\(member.name)", words: words)
      }
    }
    if let known = member.known { return known.function.map { Heading($0, known.name, index.analysis.file) } }
    return session.lookup(member.name)?.builtin.map { Heading($0) }
  }
}

extension Heading {
  /// Code and a sentence.
  init(code: String, words: String?) {
    label = code
    parameters = []
    markdown = Heading.fenced(code) + (words.map { "\n\($0)\n" } ?? "")
    plain = code + "\n" + (words.map { "\n\($0)\n" } ?? "")
  }

  /// A name of the text.
  init(_ name: CheckedName, at offset: Int, _ kinds: KindReader) {
    let file = kinds.index.analysis.file
    if let own = kinds.heading(of: name) {
      self = own
      return
    }
    if name.kind == .parameter {
      self.init(code: name.name, words: "A parameter.")
      return
    }
    if let module = name.module {
      let path = kinds.session.moduleFile(module.path, isFile: module.isFile, folder: kinds.folder)
      self.init(
        code: file.text(of: module.statement), words: path.map { "The module \($0)." } ?? "There is no such module.")
      return
    }
    let source = name.sources.last { $0.value.span.end <= offset } ?? name.sources.last
    let written = source.map { file.text(of: $0.statement).split(separator: "\n").first.map(String.init) ?? "" }
    var line = String((written ?? name.name).prefix(200))
    while let last = line.last, last == "\r" || last == ";" { line.removeLast() }
    let kind = kinds.kind(of: name, before: offset).map { "Type: \($0.typeName)." }
    self.init(code: line, words: kind)
  }
}
