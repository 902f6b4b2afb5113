// What can be written at the cursor. Names of the text come from its syntax tree: it has not been run.
import Ground
import SeepLanguage
import SeepLibrary

extension LanguageServer {
  func completion(_ request: Request) throws -> JSON {
    let offset = try request.offset()
    let view = CursorView(request.document, offset, session)
    return ["isIncomplete": false, "items": .array(Completer(request, view, offset).items)]
  }
}

/// Kinds of items, by the protocol's numbers.
private enum ItemKind: Int {
  case method = 2, function = 3, field = 5, variable = 6, module = 9, property = 10, keyword = 14, file = 17
  case folder = 19, option = 20, constant = 21
}

private struct Completer {
  let request: Request
  let view: CursorView
  let offset: Int

  private var session: Session { request.session }
  private var context: CompletionContext { view.context }

  init(_ request: Request, _ view: CursorView, _ offset: Int) {
    self.request = request
    self.view = view
    self.offset = offset
  }

  var items: [JSON] {
    if context.isComment { return [] }
    if let start = context.stringStart { return inString(start) }
    if let modules = Completion.module(context.text(0, context.bytes.count)) {
      return modules.candidates.map { item($0.text, .module, from: modules.start) }
    }
    if let dot = dotBefore { return members(dot) }
    if isBinding { return [] }
    return arguments + names + library + keywords
  }

  // MARK: Items

  /// Whether a name may be meant by what is typed: its letters in order, the first one at the beginning of a word.
  private func fits(_ name: String) -> Bool {
    let typed = context.text(view.word.start, offset).lowercased()
    guard let first = typed.first else { return true }
    let letters = Array(name.lowercased())
    return letters.indices.contains { start in
      guard letters[start] == first, start == 0 || letters[start - 1] == "_" else { return false }
      var rest = typed[...]
      for letter in letters[start...] where letter == rest.first { rest.removeFirst() }
      return rest.isEmpty
    }
  }

  private func item(
    _ label: String, _ kind: ItemKind, rank: Int = 5, from start: Int? = nil, to end: Int? = nil, text: String? = nil,
    detail: String? = nil, heading: Heading? = nil
  ) -> JSON {
    let span = Span(start ?? view.word.start, end ?? max(offset, start == nil ? view.word.end : offset))
    var fields: [(name: String, value: JSON)] = [("label", .string(label)), ("kind", .integer(kind.rawValue))]
    if let detail = detail ?? heading?.label { fields.append(("detail", .string(detail))) }
    if let words = heading.flatMap({ request.words($0, asMarkdown: request.client.completesMarkdown) }) {
      fields.append(("documentation", words))
    }
    fields.append(("sortText", .string("\(rank)\(label)")))
    fields.append(("textEdit", ["range": request.text.range(span), "newText": .string(text ?? label)]))
    return .object(fields)
  }

  // MARK: Names

  /// The cursor is where a name is given, not used.
  private var isBinding: Bool {
    guard view.sight == nil else { return false }
    var end = view.word.start
    while end > 0, context.bytes[end - 1] == 32 { end -= 1 }
    let word = context.text(context.nameStart(end), end)
    return ["let", "var", "fn", "for", "as"].contains(word) && end < view.word.start
  }

  private var names: [JSON] {
    let known =
      view.sight.map { Array($0.names.values) }
      ?? Array(Dictionary(view.index.places.filter(\.name.isTop).map { ($0.name.name, $0.name) }) { $1 }.values)
    return known.filter { $0.name != "_" && fits($0.name) && view.isUsable($0) }.sorted { $0.name < $1.name }.map {
      name in
      item(
        name.name, name.function != nil ? .function : name.module != nil ? .module : .variable, rank: 2,
        detail: view.kinds.kind(of: name, before: view.word.start).flatMap { $0.shownType },
        heading: view.kinds.heading(of: name))
    }
  }

  private var library: [JSON] {
    session.knownNames.filter { fits($0) && !$0.hasPrefix("_") && view.name($0) == nil }.sorted().map { name in
      let builtin = session.lookup(name)?.builtin
      return item(name, builtin == nil ? .constant : .function, rank: 3, heading: builtin.map { Heading($0) })
    }
  }

  private var keywords: [JSON] {
    Completion.keywords.filter(fits).map { item($0, .keyword, rank: 4) }
  }

  private var arguments: [JSON] {
    guard let call = context.call, let callee = Callee(context.brackets.last, view, session) else { return [] }
    if let keyword = call.keyword {
      return keyword == "dtype"
        ? [] : Options.words(callee.optionsName, keyword).map { item("\"\($0)\"", .option, rank: 0) }
    }
    return callee.heading.parameters.dropFirst(callee.taken).filter { !$0.isVariadic && fits($0.name) }.map {
      item("\($0.name):", .property, rank: 1, text: "\($0.name): ", detail: callee.heading.label)
    }
  }

  // MARK: After a dot

  /// The dot that the word follows.
  private var dotBefore: Int? {
    let at = view.word.start - 1
    guard at >= 0, context.bytes[at] == 46, at == 0 || context.bytes[at - 1] != 46 else { return nil }
    return at
  }

  private func members(_ dot: Int) -> [JSON] {
    guard let kind = view.subjectKind(view.word.start) ?? view.writtenKind(dot) else { return [] }
    if case .module(let path) = kind {
      guard let module = ModuleFile(path, session) else { return [] }
      return module.names.filter { fits($0.name) }.map { name in
        item(name.name, name.function == nil ? .variable : .function, heading: module.heading(name))
      }
    }
    let fields = view.kinds.fields(of: kind)
    let shown = fields.filter { fits($0.name) }.map { field -> JSON in
      let member = LibraryKinds.memberFunctions["\(kind.typeName).\(field.name)"]
      return item(
        field.name, member == nil ? .field : .method, rank: 2, detail: member?.signature ?? field.kind?.shownType)
    }
    let methods = Completion.methods(of: kind.typeName, session).map(\.text)
      .filter { name in fits(name) && !fields.contains { $0.name == name } && view.name(name) == nil }
    return shown
      + methods.sorted().map { name in
        item(name, .method, rank: 3, heading: session.lookup(name)?.builtin.map { Heading($0) })
      }
  }

  // MARK: In a string

  private func inString(_ start: Int) -> [JSON] {
    let written = context.text(start, context.bytes.count)
    var isFile = context.text(0, max(0, start - 1)).split(separator: "\n").last?.hasSuffix("use ") ?? false
    var words: [String] = []
    if let call = context.call, let callee = Callee(context.brackets.last, view, session) {
      let place = call.position + callee.taken
      let parameters = callee.heading.parameters
      let name = call.keyword ?? (parameters.indices.contains(place) ? parameters[place].name : "")
      words = Options.words(callee.optionsName, name)
      isFile = ["path", "folder", "file"].contains(name)
    }
    if !words.isEmpty { return words.map { item($0, .option, from: start) } }
    guard isFile else { return [] }
    return Completion.files(written, in: request.document.folder ?? ".").map { file in
      item(file.text, file.text.hasSuffix("/") ? .folder : .file, from: start)
    }
  }
}

extension ValueKind {
  /// For a person; functions show their signature instead.
  var shownType: String? {
    switch self {
    case .plain("function"): nil
    case .module(let path): path.split(separator: "/").last.map(String.init)
    case .plain, .tuple, .record: typeName
    }
  }
}
