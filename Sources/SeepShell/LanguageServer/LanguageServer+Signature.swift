// The call around the cursor: how it is called, and at which argument the cursor is.
import SeepLanguage
import SeepLibrary

/// What is called where a parenthesis opens.
struct Callee {
  let heading: Heading
  /// Arguments that stand before the parenthesis: `x.f(`, `x |> f(`.
  let taken: Int
  /// Under which its options are listed.
  let optionsName: String

  init?(_ bracket: CompletionContext.Bracket?, _ view: CursorView, _ session: Session) {
    guard let bracket, bracket.open == 40 else { return nil }
    let context = view.context
    let start = context.nameStart(bracket.at)
    guard start < bracket.at else { return nil }
    let name = context.text(start, bracket.at)
    optionsName = name
    let isMember = start > 0 && context.bytes[start - 1] == 46
    if isMember {
      let kind = view.subjectKind(start) ?? view.writtenKind(start - 1)
      if case .module(let path)? = kind {
        guard let module = ModuleFile(path, session), let known = module.names.first(where: { $0.name == name }),
          let heading = module.heading(known)
        else { return nil }
        (self.heading, taken) = (heading, Callee.isPiped(start, context) ? 1 : 0)
        return
      }
      if let kind, let member = LibraryKinds.memberFunctions["\(kind.typeName).\(name)"] {
        (heading, taken) = (Heading(Signature(member.signature)), 0)
        return
      }
    }
    if let known = view.name(name) {
      guard let own = view.kinds.heading(of: known) else { return nil }
      heading = own
    } else {
      guard let builtin = session.lookup(name)?.builtin else { return nil }
      heading = Heading(builtin)
    }
    let isPiped = Callee.isPiped(start, context)
    taken = (isMember || isPiped) && !heading.isConstructor ? 1 : 0
  }

  /// `|>` stands before the name.
  private static func isPiped(_ start: Int, _ context: CompletionContext) -> Bool {
    var at = start
    while at > 0, context.bytes[at - 1] == 46 || CompletionContext.isNameByte(context.bytes[at - 1]) { at -= 1 }
    while at > 0, [32, 9, 10, 13].contains(context.bytes[at - 1]) { at -= 1 }
    return at > 1 && context.bytes[at - 1] == 62 && context.bytes[at - 2] == 124
  }
}

extension LanguageServer {
  func signatureHelp(_ request: Request) throws -> JSON {
    let offset = try request.offset()
    let view = CursorView(request.document, offset, session)
    if view.context.isComment { return .null }
    guard let bracket = view.context.callBracket, let callee = Callee(bracket, view, session) else { return .null }
    let heading = callee.heading
    var active = bracket.commas + callee.taken
    if let keyword = view.context.keyword(bracket) {
      active = heading.parameters.firstIndex { $0.name == keyword } ?? heading.parameters.count
    } else if let variadic = heading.parameters.firstIndex(where: \.isVariadic), active > variadic {
      active = variadic
    }
    let parameters = heading.ranges.map { range -> JSON in
      let bytes = Array(heading.label.utf8)
      func units(_ end: Int) -> Int { String(decoding: bytes[..<end], as: UTF8.self).utf16.count }
      return request.client.takesLabelOffsets
        ? ["label": [.integer(units(range.lowerBound)), .integer(units(range.upperBound))]]
        : ["label": .string(String(decoding: bytes[range], as: UTF8.self))]
    }
    var signature: [(name: String, value: JSON)] = [
      ("label", .string(heading.label)), ("parameters", .array(parameters)), ("activeParameter", .integer(active)),
    ]
    if let words = request.words(heading, asMarkdown: client.showsMarkdown) {
      signature.append(("documentation", words))
    }
    return ["signatures": [.object(signature)], "activeSignature": 0, "activeParameter": .integer(active)]
  }
}

extension CompletionContext {
  /// The innermost parenthesis of a call around the cursor; a body in braces is no argument any more.
  var callBracket: Bracket? {
    for bracket in brackets.reversed() {
      switch bracket.open {
      case 40: if nameStart(bracket.at) < bracket.at { return bracket }
      case 91: continue
      default: if bracket.isHole || !isRecord(bracket) { return nil }
      }
    }
    return nil
  }

  /// `{name:` follows.
  private func isRecord(_ brace: Bracket) -> Bool {
    var at = brace.at + 1
    while at < bytes.count, [32, 9, 10, 13].contains(bytes[at]) { at += 1 }
    let start = at
    while at < bytes.count, CompletionContext.isNameByte(bytes[at]) { at += 1 }
    return at > start && at < bytes.count && bytes[at] == 58
  }

  /// The name of the argument that the cursor is in, of a bracket.
  func keyword(_ bracket: Bracket) -> String? {
    var start = bracket.argument
    while start < bytes.count, [32, 9, 10, 13].contains(bytes[start]) { start += 1 }
    var end = start
    while end < bytes.count, CompletionContext.isNameByte(bytes[end]) { end += 1 }
    return end > start && end < bytes.count && bytes[end] == 58 ? text(start, end) : nil
  }
}
