// CSV and JSON files: the language's own `parse_csv`, `to_json` and so on, with the file's name in their errors.
import Ground
import Networks
import SeepLanguage

enum TextFormat: String {
  case csv, json

  /// By the end of a file's name.
  init?(_ path: String) {
    let name = path.lowercased()
    if name.hasSuffix(".csv") { self = .csv } else if name.hasSuffix(".json") { self = .json } else { return nil }
  }

  private static let functions: [String: Builtin] = {
    let names: Set = ["parse_csv", "to_csv", "parse_json", "to_json"]
    let found = CoreLibrary.library.builtins.filter { names.contains($0.name) }
    return Dictionary(found.map { ($0.name, $0) }) { first, _ in first }
  }()

  private func invoke(_ verb: String, _ value: Value, _ session: Session) throws -> Value {
    guard let function = TextFormat.functions["\(verb)_\(rawValue)"] else { return .none }
    return try session.invoke(Value(function), [value])
  }

  /// The value of a text that comes from `source`.
  /// - Throws: `bad-csv` and `bad-json`, naming the source.
  func value(_ text: Value, _ source: String, _ session: Session) throws -> Value {
    do {
      return try invoke("parse", text, session)
    } catch let fault as Fault {
      let help = fault.help.map { "parse_csv(read_text(\"\(source)\"), \($0))" }
      throw Fault(fault.code, "\(source): \(fault.message)", help: help)
    }
  }

  /// The value of a file.
  /// - Throws: `bad-file` where it is not UTF-8, and as `value`.
  func load(_ path: String, _ session: Session) throws -> Value {
    guard let text = try readBytes(path).withUnsafeBufferPointer({ try Value(text: $0) }) else {
      throw Fault.badFile(path, rawValue.uppercased(), "it is not UTF-8")
    }
    return try value(text, path, session)
  }

  /// Writes a file.
  /// - Throws: `bad-value`, `type-mismatch` for what the format cannot hold; `disk-full`, `file-unwritable`.
  func save(_ value: Value, to path: String, _ session: Session) throws {
    _ = try invoke("to", value, session).withText { text in
      try writeBytes(text, followedBy: self == .json ? "\n" : "", to: path)
    }
  }
}
