// How something is called, and what is said of it: for completion, hover and signature help.
import SeepLanguage
import SeepLibrary

struct Heading {
  /// `psnr(a, b, peak: 1.0)`
  var label: String
  var parameters: [(name: String, isVariadic: Bool)]
  /// What it does, in Markdown; nil where nothing is said.
  var markdown: String?
  /// All of `help(x)`.
  var plain: String
  var isConstructor = false

  init(_ builtin: Builtin) {
    self.init(builtin.signature, plain: Help.text(builtin))
    markdown = Help.markdown(builtin)
    isConstructor = builtin.isConstructor
  }

  init(_ signature: Signature, plain: String? = nil) {
    label = signature.text
    parameters = signature.parameters.map { ($0.name, $0.isVariadic) }
    self.plain = plain ?? signature.text
    markdown = Heading.fenced(signature.text)
  }

  /// A function of a text.
  init(_ function: FunctionSyntax, _ name: String, _ file: SourceHandle) {
    let texts = function.parameters.map { file.text(of: $0.span) }
    label = "\(name)(\(texts.joined(separator: ", ")))"
    parameters = function.parameters.enumerated().map { i, parameter in
      if case .name(let own) = parameter.pattern.kind { return (own, parameter.isVariadic) }
      return ("_\(i + 1)", parameter.isVariadic)
    }
    let words = function.documentation
    markdown = Heading.fenced(label) + (words.map { "\n\($0)\n" } ?? "")
    plain = label + "\n" + (words.map { "\n\($0)\n" } ?? "")
  }

  static func fenced(_ code: String) -> String { "```seep\n\(code)\n```\n" }

  /// Where the parameters stand in the label, in bytes.
  var ranges: [Range<Int>] {
    let bytes = Array(label.utf8)
    guard let open = bytes.firstIndex(of: 40) else { return [] }
    var found: [Range<Int>] = []
    var (start, depth, inString) = (open + 1, 0, false)
    for (at, byte) in bytes.enumerated().dropFirst(open + 1) {
      if byte == 34 { inString.toggle() }
      if inString { continue }
      if [40, 91, 123].contains(byte) { depth += 1 }
      if [41, 93, 125].contains(byte) { depth -= 1 }
      guard depth < 0 || depth == 0 && byte == 44 else { continue }
      while start < at, bytes[start] == 32 { start += 1 }
      if start < at { found.append(start..<at) }
      start = at + 1
      if depth < 0 { break }
    }
    return found
  }
}

/// A file that `use` names, read for its names.
struct ModuleFile {
  let path: String
  let analysis: SourceAnalysis
  private static let longest = 4 << 20

  init?(_ path: String, _ session: Session) {
    guard let text = try? TextFile.read(path), text.utf8.count <= ModuleFile.longest else { return nil }
    self.path = path
    analysis = session.analysis(of: Array(text.utf8), name: path)
  }

  /// The names it gives to others, in order.
  var names: [CheckedName] {
    var seen = Set<String>()
    return analysis.map.places.compactMap { place in
      let name = place.name
      let isGiven = place.role == .binding && name.isTop && name.module == nil && !name.name.hasPrefix("_")
      return isGiven && seen.insert(name.name).inserted ? name : nil
    }
  }

  func heading(_ name: CheckedName) -> Heading? {
    name.function.map { Heading($0, name.name, analysis.file) }
  }

  /// A place in it, for the protocol.
  func location(_ span: Span, _ encoding: PositionEncoding) -> (uri: String, range: JSON) {
    (FileURI.uri(path), LinedText(analysis.file.text, encoding).range(span))
  }
}
