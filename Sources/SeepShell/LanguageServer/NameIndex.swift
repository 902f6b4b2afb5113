// Which name of a text stands where, and what can be seen from the cursor.
import SeepLanguage

/// The names of an analysed text by place.
final class NameIndex {
  let analysis: SourceAnalysis
  /// In the order of the text.
  let places: [SourceMap.Place]
  /// Parts `.name` by the offset of the name.
  let members: [Int: SourceMap.Member]

  init(_ analysis: SourceAnalysis) {
    self.analysis = analysis
    var seen = Set<Span>()
    places = analysis.map.places.sorted { $0.span.start < $1.span.start }.filter { seen.insert($0.span).inserted }
    members = Dictionary(analysis.map.members.map { ($0.span.start, $0) }, uniquingKeysWith: { $1 })
  }

  /// The place that holds an offset or ends there.
  func place(_ offset: Int) -> SourceMap.Place? {
    var (low, high) = (0, places.count)
    while low < high {
      let middle = (low + high) / 2
      if places[middle].span.end < offset { low = middle + 1 } else { high = middle }
    }
    // `a` ends where `b` begins only in `a b`, which no program has.
    return low < places.count && places[low].span.start <= offset ? places[low] : nil
  }

  /// What a name in an expression stands for; the expression may have parentheses around it.
  func name(_ name: String, in span: Span) -> CheckedName? {
    var (low, high) = (0, places.count)
    while low < high {
      let middle = (low + high) / 2
      if places[middle].span.start < span.start { low = middle + 1 } else { high = middle }
    }
    guard low < places.count, places[low].span.end <= span.end, places[low].name.name == name else { return nil }
    return places[low].name
  }

  func places(of name: CheckedName) -> [SourceMap.Place] { places.filter { $0.name === name } }

  func bindings(of name: CheckedName) -> [SourceMap.Place] { places(of: name).filter { $0.role == .binding } }

  /// A part or an argument's name at an offset.
  func member(_ offset: Int) -> SourceMap.Member? {
    analysis.map.members.first { $0.span.start <= offset && offset <= $0.span.end }
  }

  func keyword(_ offset: Int) -> SourceMap.Keyword? {
    analysis.map.keywords.first { $0.span.start <= offset && offset <= $0.span.end }
  }

  /// The name that the top of the text binds.
  func top(_ name: String) -> CheckedName? { places.first { $0.name.isTop && $0.name.name == name }?.name }
}

/// The place of the cursor in a text that is being written.
struct CursorView {
  /// The word around the cursor is read as this name.
  private static let placeholder = "__here"

  let context: CompletionContext
  /// The word that the cursor is in or behind.
  let word: Span
  /// The text read with a name in place of the word; what could be read of it.
  let index: NameIndex
  let sight: SourceMap.Sight?
  let kinds: KindReader

  init(_ document: OpenDocument, _ offset: Int, _ session: Session) {
    let bytes = document.text.bytes
    let prefix = Array(bytes[..<offset])
    context = CompletionContext(String(decoding: prefix, as: UTF8.self))
    let start = context.nameStart(min(offset, context.bytes.count))
    var end = offset
    while end < bytes.count, CompletionContext.isNameByte(bytes[end]) { end += 1 }
    word = Span(start, end)
    let here = Array(CursorView.placeholder.utf8)
    let head = Array(bytes[..<start]) + here
    let cut = Array(context.closers.utf8)
    // The whole text first; then only what stands before, closed; then as the head of `if`, `for` and the like.
    let texts = [head + Array(bytes[end...]), head + cut, head + Array(" {}".utf8) + cut]
    var best: SourceAnalysis?
    for text in texts {
      let analysis = session.analysis(of: text, name: document.uri, cursor: start)
      if best == nil || analysis.map.sight != nil { best = analysis }
      if analysis.map.sight != nil { break }
    }
    index = NameIndex(best ?? document.analysis(session))
    sight = best?.map.sight
    kinds = KindReader(index: index, session: session, folder: document.folder)
  }

  /// Whether a name of the text can be used here: at the top, not before the line that binds it.
  func isUsable(_ name: CheckedName) -> Bool {
    guard let sight, !sight.isInFunction, name.isTop else { return true }
    return name.span.start < word.start
  }

  /// A name as it can be seen here.
  func name(_ name: String) -> CheckedName? { sight?.names[name] ?? (sight == nil ? index.top(name) : nil) }

  /// The kind of what stands before the dot at an offset behind it.
  func subjectKind(_ nameStart: Int) -> ValueKind? {
    if nameStart == word.start, let subject = sight?.subject { return kinds.kind(subject) }
    return index.members[nameStart].flatMap { kinds.kind($0.subject) }
  }

  /// The kind of a value whose text ends before a dot, where the text around could not be read.
  func writtenKind(_ dot: Int) -> ValueKind? {
    if dot > 0, context.bytes[dot - 1] == 34 { return .plain("string") }
    let start = context.nameStart(dot, dotted: true)
    var parts = context.text(start, dot).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard start < dot, !parts[0].isEmpty, let known = name(parts.removeFirst()) else { return nil }
    return parts.reduce(kinds.kind(of: known, before: dot)) { kind, part in
      kind.flatMap { kinds.fields(of: $0).first { $0.name == part }?.kind }
    }
  }
}
