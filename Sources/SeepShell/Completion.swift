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
    let context = CompletionContext(text)
    if context.isComment { return Result(start: context.bytes.count) }
    if let start = context.stringStart { return inString(start, context, session) }
    if let result = command(text) ?? module(text) { return result }
    let start = context.nameStart(context.bytes.count)
    let word = context.text(start, context.bytes.count)
    if start > 0, context.bytes[start - 1] == 46 {
      let receiver = receiver(context, start - 1, session)
      return Result(start: start, candidates: chosen(receiver.map { members(of: $0, session) } ?? [], word))
    }
    var found = session.knownNames.filter { $0.hasPrefix(word) }.map { name in
      Candidate(text: name, kind: session.lookup(name)?.isPlainFunction == true ? .function : .name)
    }
    found += keywords.map { Candidate(text: $0, kind: .keyword) }
    if let call = context.call, call.keyword == nil {
      found += parameters(call.name, session).map { Candidate(text: $0 + ":", kind: .argument) }
    }
    return Result(start: start, candidates: chosen(found, word))
  }

  private static func chosen(_ all: [Candidate], _ prefix: String) -> [Candidate] {
    var seen = Set<String>()
    return all.filter { $0.text.hasPrefix(prefix) && seen.insert($0.text).inserted }.sorted { $0.text < $1.text }
  }

  // MARK: After a dot

  private static func receiver(_ context: CompletionContext, _ dot: Int, _ session: Session) -> Value? {
    if dot > 0, context.bytes[dot - 1] == 34 { return Value("") }
    let start = context.nameStart(dot, dotted: true)
    return start < dot ? value(context.text(start, dot), session) : nil
  }

  /// Kinds of objects whose fields only read; those of others may compute for long.
  private static let readable: Set<String> = ["dataset", "data", "leak", "model", "update", "prior", "attack", "plot"]

  /// The value of a dotted name.
  static func value(_ path: String, _ session: Session) -> Value? {
    var parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !parts.isEmpty, var value = session.lookup(parts.removeFirst()) else { return nil }
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

  private static func parameters(_ name: String, _ session: Session) -> [String] {
    guard let (signature, isMethod) = signature(name, session) else { return [] }
    return signature.parameters.dropFirst(isMethod ? 1 : 0).filter { !$0.isVariadic }.map(\.name)
  }

  // MARK: In a string

  private static func inString(_ start: Int, _ context: CompletionContext, _ session: Session) -> Result {
    let written = context.text(start, context.bytes.count)
    var words: [String] = []
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

  // MARK: Commands and modules

  private static func command(_ text: String) -> Result? {
    guard text.first == ":", !text.contains(" ") else { return nil }
    let all = ShellCommands.names.map { Candidate(text: $0, kind: .command) }
    return Result(start: 0, candidates: chosen(all, text))
  }

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
