// Any tree of tensors, numbers and strings as one safetensors file, and back.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

/// Tensors are stored under their path (`critic/conv1.weight`, lists as `slots/m/#0`); everything else, and the order, in the
/// file's metadata under `seep.tree`, one line each: kind, path, text.
enum Stored {
  private static let key = "seep.tree"

  static func file(_ value: Value) throws -> TensorFile {
    var file = TensorFile()
    var lines: [String] = []
    try add(value, "", &file, &lines)
    file.metadata[key] = lines.joined(separator: "\n")
    return file
  }

  private static func escape(_ text: String) -> String {
    text.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\")
      .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
  }

  private static func unescape(_ text: Substring) -> String {
    var result = ""
    var isEscaped = false
    for character in text {
      if isEscaped {
        result.append(character == "n" ? "\n" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        result.append(character)
      }
    }
    return result
  }

  private static func add(_ value: Value, _ path: String, _ file: inout TensorFile, _ lines: inout [String]) throws {
    func inside(_ name: String) -> String { path.isEmpty ? name : path + "/" + name }
    switch value.content {
    case .none: lines.append("none\t\(path)\t")
    case .bool(let bool): lines.append("bool\t\(path)\t\(bool)")
    case .int(let int): lines.append("int\t\(path)\t\(int)")
    case .float(let number): lines.append("float\t\(path)\t\(number)")
    case .string(let text): lines.append("string\t\(path)\t\(escape(text))")
    case .list(let items), .tuple(let items):
      lines.append("\(value.isTuple ? "tuple" : "list")\t\(path)\t\(items.count)")
      for (index, item) in items.enumerated() { try add(item, inside("#\(index)"), &file, &lines) }
    case .record(let record):
      lines.append("record\t\(path)\t\(record.count)")
      for field in record.fields {
        guard !field.name.utf8.contains(where: { $0 == 9 || $0 == 10 || $0 == 47 }) else {
          throw Fault(
            "bad-name", "a field named \"\(field.name)\" cannot be saved: its name has a tab, a newline or a slash")
        }
        try add(field.value, inside(field.name), &file, &lines)
      }
    case .foreign(let object):
      if let tensor = object as? TensorValue {
        lines.append("tensor\t\(path)\t")
        file.names.append(path.isEmpty ? "value" : path)
        file.tensors.append(tensor.tensor)
      } else if let model = object as? ModelValue {
        try add(ParameterRecord.value(model.model.parameters), path, &file, &lines)
      } else {
        throw Fault("cannot-save", "a \(object.typeName) cannot be saved in a file of tensors")
      }
    case .range, .function:
      throw Fault("cannot-save", "\(described(value)) cannot be saved in a file of tensors")
    }
  }

  /// A file without Seep's lines gives a record of its tensors by name.
  static func value(_ file: TensorFile, _ path: String) throws -> Value {
    guard let text = file.metadata[key] else {
      return Value(record: zip(file.names, file.tensors).map { ($0, Value(TensorValue(Variable($1)))) })
    }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    func broken() -> Fault { Fault("bad-file", "\(path): the description of its contents is damaged") }
    func read(_ depth: Int) throws -> Value {
      guard depth < 1000, let line = lines.popFirst() else { throw broken() }
      let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { throw broken() }
      let name = String(parts[1])
      switch parts[0] {
      case "none": return .none
      case "bool": return Value(parts[2] == "true")
      case "int":
        guard let int = Int(parts[2]) else { throw broken() }
        return Value(int)
      case "float":
        guard let number = Double(parts[2]) else { throw broken() }
        return Value(number)
      case "string": return Value(unescape(parts[2]))
      case "tensor":
        guard let tensor = file[name.isEmpty ? "value" : name] else { throw broken() }
        return Value(TensorValue(Variable(tensor)))
      case "list", "tuple":
        guard let count = Int(parts[2]), count >= 0, count <= lines.count else { throw broken() }
        let items = try (0..<count).map { _ in try read(depth + 1) }
        return parts[0] == "list" ? Value(list: items) : Value(tuple: items)
      case "record":
        guard let count = Int(parts[2]), count >= 0, count <= lines.count else { throw broken() }
        var fields: [(name: String, value: Value)] = []
        for _ in 0..<count {
          guard let next = lines.first else { throw broken() }
          let pieces = next.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
          guard pieces.count == 3 else { throw broken() }
          let whole = String(pieces[1])
          let own = name.isEmpty ? whole : String(whole.dropFirst(name.count + 1))
          fields.append((own, try read(depth + 1)))
        }
        return Value(record: fields)
      default: throw broken()
      }
    }
    return try read(0)
  }
}
