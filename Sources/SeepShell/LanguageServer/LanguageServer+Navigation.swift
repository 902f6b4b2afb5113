// Where a name is bound, and where else it stands.
import SeepLanguage
import SeepLibrary

extension LanguageServer {
  func definition(_ request: Request) throws -> JSON {
    let offset = try request.offset()
    let index = NameIndex(request.analysis)
    guard let (origin, targets) = definitions(offset, request, index), !targets.isEmpty else { return .null }
    guard client.takesLinks else {
      return .array(targets.map { ["uri": .string($0.uri), "range": $0.range] })
    }
    return .array(
      targets.map {
        [
          "originSelectionRange": request.text.range(origin), "targetUri": .string($0.uri), "targetRange": $0.range,
          "targetSelectionRange": $0.range,
        ]
      })
  }

  private typealias Target = (uri: String, range: JSON)

  private func definitions(_ offset: Int, _ request: Request, _ index: NameIndex) -> (Span, [Target])? {
    let folder = request.document.folder
    func file(_ module: SourceMap.Module, _ name: String?) -> [Target] {
      guard let path = session.moduleFile(module.path, isFile: module.isFile, folder: folder) else { return [] }
      return self.target(in: path, name)
    }
    func here(_ name: CheckedName) -> [Target] {
      // Of several bindings at the top the last one before the use.
      let all = index.bindings(of: name)
      let chosen = all.last { $0.span.start <= offset } ?? all.first
      return (chosen.map { [$0] } ?? []).map { (request.document.uri, request.text.range($0.span)) }
    }
    // `use` itself, wherever the cursor is on it.
    if let module = request.analysis.map.modules.first(where: {
      $0.statement.start <= offset && offset <= $0.statement.end
    }) {
      return (module.statement, file(module, module.ownName))
    }
    if let place = index.place(offset) {
      guard place.role != .binding, let module = place.name.module else { return (place.span, here(place.name)) }
      return (place.span, file(module, module.ownName))
    }
    if let keyword = index.keyword(offset) {
      guard let function = keyword.known?.function,
        let parameter = function.parameters.first(where: { $0.pattern.places.contains { $0.name == keyword.name } })
      else { return nil }
      return (keyword.span, [(request.document.uri, request.text.range(parameter.pattern.span))])
    }
    if let member = index.member(offset) {
      let kinds = KindReader(index: index, session: session, folder: folder)
      if case .module(let path)? = kinds.kind(member.subject) {
        return (member.span, self.target(in: path, member.name, isNeeded: true))
      }
      if let known = member.known { return (member.span, here(known)) }
      return (member.span, libraryFile(member.name))
    }
    let word = request.word(offset)
    let name = request.text.text(word)
    if let known = index.top(name) { return (word, here(known)) }
    return (word, libraryFile(name))
  }

  /// A name of the library that is written in Seep.
  private func libraryFile(_ name: String) -> [Target] {
    SeepLibrary.file(of: name).map { target(in: $0, name) } ?? []
  }

  /// A name in a file, or where it has no such name the file.
  private func target(in path: String, _ name: String?, isNeeded: Bool = false) -> [Target] {
    guard let module = ModuleFile(path, session) else { return [] }
    let found = module.names.first { $0.name == name }
    if found == nil, isNeeded { return [] }
    return [module.location(found?.span ?? Span(0, 0), client.encoding)]
  }

  // MARK: Other places

  func references(_ request: Request) throws -> JSON {
    let index = NameIndex(request.analysis)
    guard let place = index.place(try request.offset()) else { return [] }
    let withBindings = request.parameters["context"]["includeDeclaration"].bool ?? true
    let places = index.places(of: place.name).filter { withBindings || $0.role != .binding }
    return .array(places.map { request.location($0.span) })
  }

  func highlights(_ request: Request) throws -> JSON {
    let index = NameIndex(request.analysis)
    guard let place = index.place(try request.offset()) else { return [] }
    return .array(
      index.places(of: place.name).map {
        ["range": request.text.range($0.span), "kind": .integer($0.role == .read ? 2 : 3)]
      })
  }

  // MARK: Renaming

  func prepareRename(_ request: Request) throws -> JSON {
    let index = NameIndex(request.analysis)
    guard let place = index.place(try request.offset()) else { return .null }
    try Renaming(place.name, index, request.text).requireFree()
    return ["range": request.text.range(place.span), "placeholder": .string(place.name.name)]
  }

  func rename(_ request: Request) throws -> JSON {
    let index = NameIndex(request.analysis)
    guard let place = index.place(try request.offset()) else {
      throw Refusal.failed("there is no name of this file here")
    }
    let new = request.parameters["newName"].text ?? ""
    let edits = try Renaming(place.name, index, request.text).edits(new)
    let after = session.analysis(of: TextEdit.apply(edits, to: request.text), name: request.document.uri)
    guard Renaming.isSame(index, NameIndex(after), edits) else {
      throw Refusal.failed("`\(new)` means something else where `\(place.name.name)` is used")
    }
    return request.workspaceEdit(edits)
  }
}

extension Request {
  /// Changes of this file.
  func workspaceEdit(_ edits: [TextEdit]) -> JSON {
    let list = JSON.array(
      edits.sorted { $0.span.start < $1.span.start }.map {
        ["range": text.range($0.span), "newText": .string($0.text)]
      })
    return ["changes": .object([(name: document.uri, value: list)])]
  }
}
