// The same content as an object for notebooks and editors.
import Ground

extension Failure {
  /// One JSON object in one line: `severity code message file line column endLine endColumn notes help labels origins
  /// trace`. Lines and columns count from 1; `endColumn` is the column after the last character.
  public var json: String {
    var fields: [(String, String)] = [
      ("severity", quoted(severity.rawValue)), ("code", quoted(fault.code)), ("message", quoted(fault.message)),
    ]
    fields += place(file, guilty)
    fields.append(("notes", "[\(fault.notes.map(quoted).joined(separator: ","))]"))
    fields.append(("help", suggestion.map(quoted) ?? "null"))
    let labels = fault.operands.keys.sorted().filter(argumentSpans.indices.contains).map { index in
      let detail = kinds[index].map { [("kind", quoted($0))] } ?? []
      return object([("text", quoted(fault.operands[index] ?? ""))] + detail + place(file, argumentSpans[index]))
    }
    fields.append(("labels", "[\(labels.joined(separator: ","))]"))
    let made = origins.map { origin in
      object(
        [("name", quoted(origin.name)), ("given", origin.isGiven ? "true" : "false")] + place(origin.file, origin.span))
    }
    fields.append(("origins", "[\(made.joined(separator: ","))]"))
    let calls = trace.map { object([("function", quoted($0.function))] + place($0.file, $0.span)) }
    fields.append(("trace", "[\(calls.joined(separator: ","))]"))
    return object(fields)
  }

  private func place(_ file: SourceHandle, _ span: Span) -> [(String, String)] {
    let (start, end) = (file.position(span.start), file.position(max(span.start, span.end)))
    return [
      ("file", quoted(file.name)), ("line", "\(start.line)"), ("column", "\(start.column)"),
      ("endLine", "\(end.line)"), ("endColumn", "\(end.column)"),
    ]
  }

  private func object(_ fields: [(String, String)]) -> String {
    "{\(fields.map { "\(quoted($0)):\($1)" }.joined(separator: ","))}"
  }

  private func quoted(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 32 && $0 != 34 && $0 != 92 && $0 != 127 }) { return "\"\(text)\"" }
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default:
        if scalar.value < 32 || scalar.value == 127 {
          let digits = String(scalar.value, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "\""
  }
}
