// What TAB offers: names, fields and methods of values that are already bound, keyword arguments, the words an argument may be,
// files. Nothing of the user's is run.
import Ground
import SeepLanguage
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum Completion {
  public enum Kind: String, Sendable {
    case name = "instance"
    case function, keyword, field = "property", method, argument = "param", option = "enum value", path, module, command
  }
  public struct Candidate: Sendable, Hashable {
    public var text: String
    public var kind: Kind
  }
  public struct Result: Sendable {
    /// Where the text begins that a candidate replaces, in bytes.
    public var start: Int
    /// Sorted, each once.
    public var candidates: [Candidate] = []
    /// Inside a string: what ends it.
    public var isString = false
  }

  static let keywords = [
    "and", "assert", "break", "catch", "continue", "else", "false", "fn", "for", "if", "in", "let", "match", "none",
    "not", "or", "raise", "return", "test", "true", "try", "use", "var", "while", "with",
  ]

  /// Words that are no names; `test` is one only before a text.
  static let reserved = Set(keywords).union(["as", "defer"]).subtracting(["test"])

  /// What may stand where a text ends.
  public static func complete(_ text: String, _ session: Session) -> Result {
    if let result = ShellCommands.completion(text, session) { return result }
    let context = CompletionContext(text)
    if context.isComment { return Result(start: context.bytes.count) }
    if let start = context.stringStart { return inString(start, context, session) }
    if let result = module(text) { return result }
    let start = context.nameStart(context.bytes.count)
    let word = context.text(start, context.bytes.count)
    if start > 0, context.bytes[start - 1] == 46 { return afterDot(start, context, session) }
    guard let call = context.call else { return Result(start: start, candidates: chosen(names(word, session), word)) }
    var found: [Candidate] = []
    if call.keyword == nil {
      found += parameters(call.name, context.given, session).map { Candidate(text: $0 + ":", kind: .argument) }
    }
    // The whole library at an empty place in a call would hide what is likely there.
    found += word.isEmpty ? own(session) : names(word, session)
    return Result(start: start, candidates: chosen(found, word))
  }

  /// All names that may begin as written, and the words of the language.
  private static func names(_ word: String, _ session: Session) -> [Candidate] {
    known(word, session) + keywords.map { Candidate(text: $0, kind: .keyword) }
  }

  /// Names of the program and the library that begin as written.
  static func known(_ word: String, _ session: Session) -> [Candidate] {
    session.knownNames.filter { $0.hasPrefix(word) }.map { name in
      Candidate(text: name, kind: session.lookup(name)?.isPlainFunction == true ? .function : .name)
    }
  }

  /// The program's own variables.
  private static func own(_ session: Session) -> [Candidate] {
    session.variables.filter { $0.name != "_" }.map {
      Candidate(text: $0.name, kind: $0.value.isPlainFunction ? .function : .name)
    }
  }

  static func chosen(_ all: [Candidate], _ prefix: String) -> [Candidate] {
    var seen = Set<String>()
    return all.filter { $0.text.hasPrefix(prefix) && seen.insert($0.text).inserted }.sorted { $0.text < $1.text }
  }

  // MARK: After a dot

  /// Members of the value before the dot. Names that are no names of the language are written as an index, which replaces the dot.
  private static func afterDot(_ start: Int, _ context: CompletionContext, _ session: Session) -> Result {
    let word = context.text(start, context.bytes.count)
    if start > 1, context.bytes[start - 2] == 34 {
      return Result(start: start, candidates: chosen(members(of: Value(""), session), word))
    }
    let path = context.pathStart(start - 1)
    let receiver = path < start - 1 ? value(context.text(path, start - 1), session) : nil
    let plain = chosen(receiver.map { members(of: $0, session) + ownMethods(session) } ?? [], word)
    // `net.params.conv1.we`: a name may hold dots itself.
    for dot in (path..<start).reversed() where context.bytes[dot] == 46 {
      let written = context.text(dot + 1, context.bytes.count)
      guard let record = value(context.text(path, dot), session)?.asRecord else { continue }
      let indices = record.names.filter { !isName($0) && $0.hasPrefix(written) }.map {
        Candidate(text: "[\(session.display(Value($0), .short))]", kind: .field)
      }
      if indices.isEmpty { continue }
      let others = dot + 1 == start ? plain.map { Candidate(text: "." + $0.text, kind: $0.kind) } : []
      return Result(start: dot, candidates: chosen(indices + others, ""))
    }
    return Result(start: start, candidates: plain)
  }

  /// The program's functions, which take what stands before the dot first.
  private static func ownMethods(_ session: Session) -> [Candidate] {
    session.variables.filter { ($0.value.parameterCount ?? 0) > 0 && $0.name != "_" }.map {
      Candidate(text: $0.name, kind: .method)
    }
  }

  /// Kinds of objects whose fields only read; those of others may compute for long.
  private static let readable: Set<String> = ["dataset", "data", "leak", "model", "update", "prior", "attack", "plot"]

  /// The value of a dotted name, `["…"]` among its parts.
  static func value(_ path: String, _ session: Session) -> Value? {
    guard var parts = parts(path), !parts.isEmpty, var value = session.lookup(parts.removeFirst()) else { return nil }
    for part in parts {
      if let next = value.asRecord?[part] {
        value = next
      } else if let object = value.asForeign, readable.contains(object.typeName), object.fieldNames.contains(part),
        let next = try? object.field(part, in: session)
      {
        value = next
      } else {
        return nil
      }
    }
    return value
  }

  /// `net`, `params` and `0.weight` of `net.params["0.weight"]`; nil for what is not of this form.
  private static func parts(_ path: String) -> [String]? {
    let bytes = Array(path.utf8)
    var parts: [String] = []
    var (at, part) = (0, bytes[..<0])
    while at < bytes.count {
      if bytes[at] == 46 {
        parts.append(String(decoding: part, as: UTF8.self))
        at += 1
        part = bytes[at..<at]
      } else if bytes[at] == 91 {
        guard at + 1 < bytes.count, bytes[at + 1] == 34,
          let close = bytes[(at + 2)...].firstIndex(of: 34), close + 1 < bytes.count, bytes[close + 1] == 93
        else { return nil }
        parts.append(String(decoding: part, as: UTF8.self))
        part = bytes[(at + 2)..<close]
        at = close + 2
        guard at == bytes.count || bytes[at] == 46 || bytes[at] == 91 else { return nil }
      } else {
        part = bytes[part.startIndex...at]
        at += 1
      }
    }
    return parts + [String(decoding: part, as: UTF8.self)]
  }

  /// Fields, and the functions that take such a value first.
  static func members(of value: Value, _ session: Session) -> [Candidate] {
    let fields = value.asRecord?.names.filter(isName) ?? value.asForeign?.fieldNames ?? []
    return fields.map { Candidate(text: $0, kind: .field) } + methods(of: value.typeName, session)
  }

  /// The functions that take a value of this type first.
  static func methods(of type: String, _ session: Session) -> [Candidate] {
    let names = session.knownNames.filter { name in
      guard let builtin = session.lookup(name)?.builtin, let first = builtin.signature.parameters.first else {
        return false
      }
      return takes(first.name, builtin.group, type)
    }
    return names.map { Candidate(text: $0, kind: .method) }
  }

  /// Whether a function whose first parameter has this name takes such a value, by the library's own way of naming.
  private static func takes(_ parameter: String, _ group: String, _ type: String) -> Bool {
    if group == "plots" { return plotted[parameter]?.contains(type) ?? false }
    switch type {
    case "tensor":
      switch parameter {
      case "x", "a", "image", "images", "logits", "labels", "found", "tensors":
        return !["lists", "records", "strings", "layers"].contains(group)
      default: return false
      }
    case "list", "tuple", "range":
      return ["items", "xs", "x", "values", "images", "updates", "series", "rows"].contains(parameter)
        && !["shapes", "math"].contains(group)
    case "string": return parameter == "text" || (group == "output" && parameter == "x")
    case "record": return ["r", "tensors", "about", "x"].contains(parameter) && ["records", "output"].contains(group)
    case "model": return ["model", "net", "generator"].contains(parameter)
    case "data", "dataset": return parameter == "data"
    case "update": return parameter == "shared" || (parameter == "x" && group == "reductions")
    case "attack": return parameter == "attack"
    case "prior": return parameter == "prior"
    case "defense": return parameter == "defense"
    case "int", "float": return parameter == "x" && ["numbers", "math", "output"].contains(group)
    default: return ["value", "about"].contains(parameter)
    }
  }

  /// What the plots draw, by their first parameter.
  private static let plotted: [String: Set<String>] = [
    "series": ["tensor", "list", "tuple", "range", "record", "leak", "audit", "table"],
    "values": ["tensor", "list", "tuple", "range", "table"], "matrix": ["tensor", "list", "record"],
  ]

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(CompletionContext.isNameByte)
  }

  // MARK: In a call

  /// The signature behind a dotted name, and whether the receiver is its first argument.
  static func signature(_ name: String, _ session: Session) -> (signature: Signature, isMethod: Bool)? {
    guard let function = value(name, session) else {
      guard let dot = name.lastIndex(of: ".") else { return nil }
      let last = String(name[name.index(after: dot)...])
      if last == "run", let object = value(String(name[..<dot]), session)?.asForeign, let signature = object.signature {
        return (signature, false)
      }
      return session.lookup(last).flatMap(signature).map { ($0, true) }
    }
    return signature(of: function).map { ($0, false) }
  }

  private static func signature(of function: Value) -> Signature? {
    if let builtin = function.builtin { return builtin.signature }
    if let heading = function.heading { return Signature(heading.title) }
    return function.asForeign?.signature
  }

  /// The parameters that the arguments before the present one leave.
  private static func parameters(
    _ name: String, _ given: (count: Int, names: [String]), _ session: Session
  ) -> [String] {
    guard let (signature, isMethod) = signature(name, session) else { return [] }
    let byPlace = given.count + (isMethod ? 1 : 0)
    return signature.parameters.enumerated().filter { place, parameter in
      !parameter.isVariadic && (place >= byPlace || parameter.isKeywordOnly) && !given.names.contains(parameter.name)
    }.map(\.element.name)
  }

  // MARK: In a string

  private static func inString(_ start: Int, _ context: CompletionContext, _ session: Session) -> Result {
    let written = context.text(start, context.bytes.count)
    var words: [String] = []
    if let place = context.indexed,
      let record = value(context.text(place.lowerBound, place.upperBound), session)?.asRecord
    {
      let names = record.names.map { Candidate(text: $0, kind: .field) }
      return Result(start: start, candidates: chosen(names, written), isString: true)
    }
    if let call = context.call, let (signature, isMethod) = signature(call.name, session) {
      let place = call.position + (isMethod ? 1 : 0)
      let parameters = signature.parameters
      let name = call.keyword ?? (parameters.indices.contains(place) ? parameters[place].name : "")
      words = Options.words(signature.name, name)
    }
    var result = Result(start: start, isString: true)
    result.candidates = chosen(words.map { Candidate(text: $0, kind: .option) }, written)
    if result.candidates.isEmpty { result.candidates = chosen(files(written), written) }
    return result
  }

  /// Files whose path begins as written; folders end in `/`.
  ///
  /// - Parameter base: where a path that is not absolute begins.
  static func files(_ written: String, in base: String = ".") -> [Candidate] {
    let slash = written.lastIndex(of: "/").map { written.index(after: $0) } ?? written.startIndex
    let (folder, beginning) = (String(written[..<slash]), written[slash...])
    var place = folder.isEmpty ? base : (folder.hasPrefix("/") || base == "." ? folder : base + "/" + folder)
    if folder.hasPrefix("~/"), let home = getenv("HOME") { place = String(cString: home) + folder.dropFirst() }
    guard let handle = opendir(place) else { return [] }
    defer { closedir(handle) }
    var found: [Candidate] = []
    while let entry = readdir(handle), found.count < 10_000 {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." || !name.hasPrefix(beginning) || (beginning.isEmpty && name.hasPrefix(".")) {
        continue
      }
      var info = stat()
      let isFolder = stat(place + "/" + name, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
      found.append(Candidate(text: folder + name + (isFolder ? "/" : ""), kind: .path))
    }
    return found
  }

  // MARK: Modules

  /// After `use`: the library's own modules.
  static func module(_ text: String) -> Result? {
    let line = text.split(separator: "\n", omittingEmptySubsequences: false).last ?? ""
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2, words[0] == "use", let home = Home.folder else { return nil }
    let written = String(words[1])
    let folder = written.split(separator: ".", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let prefix = written.lastIndex(of: ".").map { String(written[...$0]) } ?? ""
    let entries = files(home + "/" + (folder.isEmpty ? "" : folder + "/")).compactMap { entry -> Candidate? in
      let parts = entry.text.split(separator: "/")
      guard let last = parts.last else { return nil }
      if last.hasSuffix(".seep") { return Candidate(text: prefix + last.dropLast(5), kind: .module) }
      return entry.text.hasSuffix("/") ? Candidate(text: prefix + last + ".", kind: .module) : nil
    }
    return Result(start: text.utf8.count - written.utf8.count, candidates: chosen(entries, written))
  }
}
