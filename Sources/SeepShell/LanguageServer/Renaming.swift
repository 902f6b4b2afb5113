// Renaming a name of a file, where it is certain that the program stays the same.
import SeepLanguage

struct Renaming {
  let name: CheckedName
  let index: NameIndex
  let text: LinedText

  init(_ name: CheckedName, _ index: NameIndex, _ text: LinedText) {
    self.name = name
    self.index = index
    self.text = text
  }

  private func refusal(_ why: String) -> LanguageServer.Refusal { .failed("`\(name.name)` is not renamed: \(why)") }

  private func line(_ span: Span) -> Int { text.position(span.start).line + 1 }

  /// Refuses what other places may refer to that cannot be seen from here.
  func requireFree() throws {
    let analysis = index.analysis
    if analysis.findings.contains(where: { ["syntax", "other-language", "nested-too-deep"].contains($0.fault.code) }) {
      throw refusal("the file has syntax errors")
    }
    if name.module != nil { throw refusal("it is a module; give it another name with `as`") }
    let isGiven = { (one: CheckedName) in analysis.isModule && one.isTop && !one.name.hasPrefix("_") }
    if isGiven(name) { throw refusal("this file is a module, and others may use it") }
    if let call = analysis.map.members.first(where: { $0.known === name }) {
      throw refusal("`.\(name.name)(…)` in line \(line(call.span)) may be a field of its subject")
    }
    guard let function = name.parameter?.function else { return }
    let owner = index.places.first { $0.name.function?.span == function }?.name
    if let owner, isGiven(owner) { throw refusal("this file is a module, and others may give this argument by name") }
    for keyword in analysis.map.keywords where keyword.name == name.name {
      if keyword.known?.function != nil || (keyword.known == nil && keyword.callee != nil) { continue }
      throw refusal("line \(line(keyword.span)) gives an argument of this name to what is not known")
    }
    // Who is given the function as a value may call it by the names of its parameters.
    guard let owner else { return }
    for place in index.places(of: owner) where place.role == .read && !isCalled(place.span) {
      throw refusal("`\(owner.name)` is given away in line \(line(place.span)), and may be called with names there")
    }
  }

  private func isCalled(_ span: Span) -> Bool { span.end < text.bytes.count && text.bytes[span.end] == 40 }

  /// What to replace. Whether the program stays the same is for `isSame` to say.
  func edits(_ new: String) throws -> [TextEdit] {
    try requireFree()
    guard Renaming.isName(new) else { throw LanguageServer.Refusal.failed("`\(new)` is not a name") }
    var edits = index.places(of: name).map { place in
      let isShort = index.analysis.map.shorthands.contains(place.span)
      return TextEdit(span: place.span, text: isShort ? "\(name.name): \(new)" : new)
    }
    if let function = name.parameter?.function {
      for keyword in index.analysis.map.keywords
      where keyword.name == name.name && keyword.known?.function?.span == function {
        edits.append(TextEdit(span: keyword.span, text: new))
      }
    }
    return edits
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(48...57).contains(first), text != "_" else { return false }
    return text.utf8.allSatisfy(CompletionContext.isNameByte) && !Completion.reserved.contains(text)
  }

  /// Whether every name of the text before is the same name in the text after, and no other one.
  static func isSame(_ before: NameIndex, _ after: NameIndex, _ edits: [TextEdit]) -> Bool {
    guard before.places.count == after.places.count, before.analysis.findings.count == after.analysis.findings.count
    else { return false }
    var there: [ObjectIdentifier: ObjectIdentifier] = [:]
    var back: [ObjectIdentifier: ObjectIdentifier] = [:]
    let sorted = edits.sorted { $0.span.start < $1.span.start }
    var (next, shift) = (0, 0)
    for (old, new) in zip(before.places, after.places) {
      while next < sorted.count, sorted[next].span.end <= old.span.start {
        shift += sorted[next].text.utf8.count - (sorted[next].span.end - sorted[next].span.start)
        next += 1
      }
      // `{a}` becomes `{a: b}`: the name moves behind the colon.
      let isEdited = next < sorted.count && sorted[next].span == old.span
      let written = isEdited ? old.span.start + shift + sorted[next].text.utf8.count : old.span.end + shift
      guard new.span.end == written else { return false }
      let (a, b) = (ObjectIdentifier(old.name), ObjectIdentifier(new.name))
      guard there.updateValue(b, forKey: a) ?? b == b, back.updateValue(a, forKey: b) ?? a == a else { return false }
    }
    return true
  }
}
