// The summary of an audit for other programs: CSV, JSON and LaTeX.
import Ground

extension AuditSummary {
  /// Names and values of a row's columns; nil where there is nothing to say.
  public func columns(_ row: AuditRow) -> [(name: String, value: AuditColumn)] {
    var all: [(String, AuditColumn)] = [
      ("defense", .text(row.defense)), ("attack", .text(row.attack)), ("kind", .text(row.role.kind)),
      ("n", .count(row.images)),
    ]
    for (index, metric) in plan.metrics.enumerated() { all.append((metric.name, .number(row.means[index]))) }
    all.append(("low", .number(row.interval?.low ?? .nan)))
    all.append(("high", .number(row.interval?.high ?? .nan)))
    all.append(("lift", .number(row.lift?.mean ?? .nan)))
    all.append(("lift_low", .number(row.lift?.low ?? .nan)))
    all.append(("lift_high", .number(row.lift?.high ?? .nan)))
    all.append(("control", row.control.map { .text($0) } ?? .nothing))
    all.append(("verdict", row.verdict.map { .text($0.rawValue) } ?? .nothing))
    all.append(("equivalent", row.lift == nil ? .nothing : .truth(row.isEquivalent)))
    all.append(("labels", .number(row.labelAccuracy)))
    // A metric of one's own may have these names.
    for (name, value) in [
      (AuditSummary.identified, row.identified), (AuditSummary.chance, row.chance),
      (AuditSummary.reidentified, row.reidentified),
    ] where !plan.metrics.contains(where: { $0.name == name }) { all.append((name, .number(value))) }
    let defense = plan.defenses.first { $0.name == row.defense }?.guarantee
    all.append(("epsilon", .number(defense.map { $0.exact ?? $0.epsilon } ?? .nan)))
    all.append(("delta", .number(defense?.delta ?? .nan)))
    all.append(("unit", defense.map { .text($0.unit.rawValue) } ?? .nothing))
    all.append(("releases", defense.map { .count($0.steps) } ?? .nothing))
    all.append(("victim_accuracy", .number(row.accuracy)))
    all.append(("trained_on", .number(row.trainedOn ?? .nan)))
    all.append(("round", plan.round.map { .count($0) } ?? .nothing))
    all.append(("norm", .number(row.cleanNorm)))
    all.append(("sent_norm", .number(row.sentNorm)))
    all.append(("clipping_binds", .number(row.binds ?? .nan)))
    all.append(("mu", .number(row.mu ?? .nan)))
    all.append(("evaluations", .number(row.evaluations)))
    all.append(("seconds", .number(row.seconds)))
    all.append(("failed", .count(row.failed)))
    all.append(("problem", row.problem.map { .text($0) } ?? .nothing))
    return all
  }

  /// Comma-separated values (RFC 4180), one line a row.
  public var csv: String {
    func quoted(_ text: String) -> String {
      // By scalars: a comma with a joiner behind it is another character, and still a comma.
      let special: Set<Unicode.Scalar> = [",", "\"", "\n", "\r"]
      guard text.unicodeScalars.contains(where: special.contains) else { return text }
      var out = String.UnicodeScalarView("\"".unicodeScalars)
      for scalar in text.unicodeScalars {
        if scalar == "\"" { out.append(scalar) }
        out.append(scalar)
      }
      return String(out) + "\""
    }
    let lines = rows.map { columns($0).map { quoted($0.value.plain) }.joined(separator: ",") }
    return
      ([
        columns(AuditRow(defense: "", attack: "", role: .attack, means: plan.metrics.map { _ in .nan })).map(\.name)
          .map(quoted).joined(separator: ",")
      ] + lines)
      .joined(separator: "\r\n") + "\r\n"
  }

  /// `{"manifest": {…}, "rows": […], "utility": […], "cells": […]}`; what is not a number is null.
  public var json: String {
    func object(_ fields: [(String, String)]) -> String {
      "{" + fields.map { "\($0.0.jsonLiteral): \($0.1)" }.joined(separator: ", ") + "}"
    }
    func list(_ items: [String]) -> String { "[\n    " + items.joined(separator: ",\n    ") + "\n  ]" }
    func number(_ value: Double) -> String { AuditColumn.number(value).json }
    func controls(_ row: AuditRow) -> String {
      let all = row.controls.map { control in
        object([
          ("name", control.name.jsonLiteral), ("mean", number(control.mean)),
          ("lift", number(control.lift?.mean ?? .nan)), ("low", number(control.lift?.low ?? .nan)),
          ("high", number(control.lift?.high ?? .nan)),
        ])
      }
      return "[" + all.joined(separator: ", ") + "]"
    }
    let rowTexts = rows.map { row in
      object(columns(row).map { ($0.name, $0.value.json) } + [("controls", controls(row))])
    }
    let utilityTexts = plan.defenses.indices.flatMap { defense in
      utilities[defense].map { name, value, values in
        object([
          ("defense", plan.defenses[defense].name.jsonLiteral), ("name", name.jsonLiteral), ("mean", number(value)),
          ("values", "[" + values.map(number).joined(separator: ", ") + "]"),
        ])
      }
    }
    let cellTexts = cells.compactMap { cell -> String? in
      guard let attack = cell.attack, let image = cell.image, let result = results[cell.id] else { return nil }
      var fields: [(String, String)] = [
        ("defense", plan.defenses[cell.defense].name.jsonLiteral), ("attack", plan.attacks[attack].name.jsonLiteral),
        ("image", "\(image)"), ("seed", "\(cell.seed)"),
        ("control_of", cell.base.map { plan.attacks[$0].name.jsonLiteral } ?? "null"),
      ]
      if let problem = result.problem { return object(fields + [("problem", problem.jsonLiteral)]) }
      fields += plan.metrics.map { ($0.name, number(result.scores[$0.name] ?? .nan)) }
      fields += [
        ("labels", "[" + result.labels.map(String.init).joined(separator: ", ") + "]"), ("hit", number(result.hit)),
        ("loss", number(result.loss)), ("evaluations", "\(result.evaluations)"), ("seconds", number(result.seconds)),
        ("norm", number(result.cleanNorm)), ("sent_norm", number(result.sentNorm)),
        ("clipping_binds", result.binds.map { "\($0)" } ?? "null"), ("mu", number(result.mu ?? .nan)),
        ("victim_accuracy", number(result.accuracy ?? .nan)),
        ("trained_on", result.trainedOn.map { "\($0)" } ?? "null"), ("round", result.round.map { "\($0)" } ?? "null"),
      ]
      for name in [AuditSummary.identified, AuditSummary.reidentified] {
        if let value = result.scores[name], !plan.metrics.contains(where: { $0.name == name }) {
          fields.append((name, number(value)))
        }
      }
      return object(fields)
    }
    let manifest = object(plan.manifest.map { ($0.name, $0.value.jsonLiteral) })
    let environment = object(plan.environment.map { ($0.name, $0.value.jsonLiteral) })
    let sources = object(plan.sources.map { ($0.name, $0.text.jsonLiteral) })
    let remarks = "[" + remarks.map(\.jsonLiteral).joined(separator: ", ") + "]"
    return
      "{\n  \"manifest\": \(manifest),\n  \"environment\": \(environment),\n  \"sources\": \(sources),\n  \"remarks\": \(remarks),\n  \"rows\": \(list(rowTexts)),\n  \"utility\": \(list(utilityTexts)),\n  \"cells\": \(list(cellTexts))\n}\n"
  }

  /// A table for a paper (packages booktabs and amsmath).
  public var latex: String {
    let names = plan.metrics.map { latexText($0.name) }
    var lines = [
      "\\begin{tabular}{l" + String(repeating: "r", count: names.count + 1) + "l"
        + String(repeating: "r", count: shares.count + 2) + "}", "\\toprule",
      (["Attack"] + names + ["Lift", "Verdict"] + shares.map { latexText($0.name) } + ["Labels", "$n$"]).joined(
        separator: " & ") + " \\\\",
    ]
    for defense in plan.defenses {
      lines += [
        "\\midrule", "\\multicolumn{\(names.count + shares.count + 5)}{l}{\\texttt{\(latexText(defense.name))}} \\\\",
      ]
      for row in rows where row.defense == defense.name {
        let values = plan.metrics.indices.map { metric in
          let mean = latexNumber(row.means[metric], places(metric))
          guard metric == 0, let interval = row.interval else { return mean }
          return "\(mean) [\(latexNumber(interval.low, places(0))), \(latexNumber(interval.high, places(0)))]"
        }
        let lift = row.lift.map {
          "\(latexNumber($0.mean, places(0), sign: true)) [\(latexNumber($0.low, places(0), sign: true)), \(latexNumber($0.high, places(0), sign: true))]"
        }
        let cells = ["\\quad \(latexText(row.attack))"] + values
        lines.append(
          (cells + [lift ?? "", row.verdict?.rawValue ?? ""]
            + (shares.map { $0.value(row) } + [row.labelAccuracy]).map { latexNumber(100 * $0, 0) + "\\,\\%" }
            + ["\(row.images)"])
            .joined(separator: " & ") + " \\\\")
      }
    }
    return (lines + ["\\bottomrule", "\\end{tabular}"]).joined(separator: "\n") + "\n"
  }
}

/// A value of a column.
public enum AuditColumn: Sendable {
  case text(String), number(Double), count(Int), truth(Bool), nothing

  /// For CSV: full precision, empty for nothing.
  var plain: String {
    switch self {
    case .text(let text): text
    case .number(let value): value.isNaN ? "" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : "\(value)"
    case .count(let count): "\(count)"
    case .truth(let truth): "\(truth)"
    case .nothing: ""
    }
  }

  var json: String {
    switch self {
    case .text(let text): text.jsonLiteral
    case .number(let value): value.isFinite ? "\(value)" : "null"
    case .count(let count): "\(count)"
    case .truth(let truth): "\(truth)"
    case .nothing: "null"
    }
  }
}

private func latexText(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "") { out, scalar in
    switch scalar {
    case "\n", "\r": out += " "
    case "\\": out += "\\textbackslash{}"
    case "^": out += "\\textasciicircum{}"
    case "~": out += "\\textasciitilde{}"
    case "<": out += "\\textless{}"
    case ">": out += "\\textgreater{}"
    case "_", "&", "%", "#", "$", "{", "}": out += "\\\(scalar)"
    case "μ": out += "$\\mu$"
    case "…": out += "\\dots{}"
    default: out.unicodeScalars.append(scalar)
    }
  }
}

private func latexNumber(_ value: Double, _ places: Int, sign: Bool = false) -> String {
  if value.isNaN { return "--" }
  if value.isInfinite { return "$\(value < 0 ? "-" : "")\\infty$" }
  let text = fixed(value, places, sign: sign)
  return text.first == "-" || text.first == "+" ? "$\(text)$" : text
}
