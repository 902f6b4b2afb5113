// A profile as a file of speedscope's format ("sampled"), which its viewer and others show as a flame graph; our own tables stand beside
// it under the key `seep`, which viewers pass over.
import Ground

extension Profile {
  /// One JSON object; after `stop`.
  ///
  /// - Parameters:
  ///   - name: the program's.
  ///   - exporter: who wrote it.
  public func json(_ name: String, exporter: String) -> String {
    var frames: [String] = []
    var numbers: [ProfileSampler.Entry: Int] = [:]
    func frame(_ entry: ProfileSampler.Entry) -> Int {
      if let known = numbers[entry] { return known }
      numbers[entry] = frames.count
      frames.append(described(entry))
      return frames.count - 1
    }
    let stacks = samples.stacks.map { stack in
      "[\(stack.compactMap(ProfileSampler.Entry.init).map { "\(frame($0))" }.joined(separator: ","))]"
    }
    let runs = samples.runs
    let profile = object([
      ("type", "\"sampled\""), ("name", name.jsonLiteral), ("unit", "\"nanoseconds\""), ("startValue", "0"),
      ("endValue", "\(runs.reduce(0) { $0 + $1.weight })"),
      ("samples", "[\(runs.map { stacks[$0.stack] }.joined(separator: ","))]"),
      ("weights", "[\(runs.map { "\($0.weight)" }.joined(separator: ","))]"),
    ])
    return object([
      ("$schema", "\"https://www.speedscope.app/file-format-schema.json\""), ("name", name.jsonLiteral),
      ("exporter", exporter.jsonLiteral), ("activeProfileIndex", "0"),
      ("shared", object([("frames", "[\(frames.joined(separator: ","))]")])), ("profiles", "[\(profile)]"),
      ("seep", summary.json),
    ]) + "\n"
  }

  private func described(_ entry: ProfileSampler.Entry) -> String {
    switch entry {
    case .line(let number):
      guard lines.indices.contains(number), let line = lines[number] else { return object([("name", "\"?\"")]) }
      let function = functions[line.function]
      let title = function.name.map { $0.isEmpty ? TraceEntry.anonymous : $0 } ?? line.file.name
      return object([
        ("name", "\(title):\(line.number)".jsonLiteral), ("file", line.file.name.jsonLiteral),
        ("line", "\(line.number)"),
      ])
    case .native(let number):
      return object([("name", (natives.indices.contains(number) ? natives[number].name + "(…)" : "?").jsonLiteral)])
    case .operation(let kind): return object([("name", "[\(kind.name)]".jsonLiteral)])
    }
  }
}

extension ProfileSummary {
  /// The tables, in full; times in seconds.
  var json: String {
    func list(_ rows: [[(String, String)]]) -> String { "[\(rows.map(object).joined(separator: ","))]" }
    return object([
      ("seconds", "\(time)"), ("samples", "\(samples)"), ("outside", "\(outside)"),
      (
        "lines",
        list(
          lines.map { row in
            [
              ("file", row.file.name.jsonLiteral), ("line", "\(row.line)"), ("self", "\(row.own)"),
              ("total", "\(row.total)"),
              ("hits", "\(row.hits)"), ("source", row.source.jsonLiteral),
            ]
          })
      ),
      (
        "functions",
        list(
          functions.map { row in
            [
              ("name", row.name.map(\.jsonLiteral) ?? "null"), ("file", row.file.name.jsonLiteral),
              ("line", "\(row.line)"),
              ("calls", "\(row.calls)"), ("self", "\(row.own)"), ("total", "\(row.total)"),
            ]
          })
      ),
      (
        "operations",
        list(
          operations.map { row in
            [
              ("name", row.name.jsonLiteral), ("calls", "\(row.calls)"), ("seconds", "\(row.time)"),
              ("flops", row.flops > 0 ? "\(row.flops)" : "null"),
            ]
          })
      ),
      ("elsewhere", object([("calls", "\(elsewhere.calls)"), ("seconds", "\(elsewhere.time)")])),
      (
        "library",
        list(
          natives.map { row in
            [
              ("name", row.name.jsonLiteral), ("calls", "\(row.calls)"), ("total", "\(row.total)"),
              ("self", "\(row.own)"),
            ]
          })
      ),
    ])
  }
}

private func object(_ fields: [(String, String)]) -> String {
  "{\(fields.map { "\($0.jsonLiteral):\($1)" }.joined(separator: ","))}"
}
