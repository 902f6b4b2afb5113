// What an audit found, in the hands of a program: a table that prints, with rows and cells.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

final class AuditValue: Foreign {
  let summary: AuditSummary
  let isInterrupted: Bool

  init(_ summary: AuditSummary, isInterrupted: Bool) {
    self.summary = summary
    self.isInterrupted = isInterrupted
  }

  var typeName: String { "audit" }
  var fieldNames: [String] {
    ["rows", "cells", "manifest", "environment", "sources", "remarks", "utility", "done", "total", "interrupted"]
  }
  var count: Int? { summary.rows.count }
  func element(_ index: Int, in session: Session) throws -> Value { row(summary.rows[index]) }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "rows": return Value(list: summary.rows.map(row))
    case "cells": return Value(list: try summary.cells.compactMap(cell))
    case "manifest": return Value(record: summary.plan.manifest.map { ($0.name, Value($0.value)) })
    case "environment": return Value(record: summary.plan.environment.map { ($0.name, Value($0.value)) })
    case "sources": return Value(record: summary.plan.sources.map { ($0.name, Value($0.text)) })
    case "remarks": return Value(list: summary.remarks.map { Value($0) })
    case "utility":
      return Value(
        list: summary.plan.defenses.indices.map { defense in
          Value(
            record: [("defense", Value(summary.plan.defenses[defense].name))]
              + summary.utilities[defense].map { ($0.name, Value($0.value)) })
        })
    case "done": return Value(summary.results.count)
    case "total": return Value(summary.cells.count)
    case "interrupted": return Value(isInterrupted)
    default: return nil
    }
  }

  private func row(_ row: AuditRow) -> Value {
    Value(
      record: summary.columns(row).map { name, column in
        let value: Value =
          switch column {
          case .text(let text): Value(text)
          case .number(let number): number.isNaN ? .none : Value(number)
          case .count(let count): Value(count)
          case .truth(let truth): Value(truth)
          case .nothing: .none
          }
        return (name, value)
      } + [("controls", Value(list: row.controls.map(control)))])
  }

  private func control(_ control: AuditRow.Control) -> Value {
    func number(_ value: Double?) -> Value { value.map { $0.isNaN ? .none : Value($0) } ?? .none }
    return Value(record: [
      ("name", Value(control.name)), ("mean", number(control.mean)), ("lift", number(control.lift?.mean)),
      ("low", number(control.lift?.low)), ("high", number(control.lift?.high)),
    ])
  }

  private func cell(_ cell: AuditCell) throws -> Value? {
    guard let attack = cell.attack, let image = cell.image, let result = summary.results[cell.id] else { return nil }
    let plan = summary.plan
    var fields: [(name: String, value: Value)] = [
      ("defense", Value(plan.defenses[cell.defense].name)), ("attack", Value(plan.attacks[attack].name)),
      ("control_of", cell.base.map { Value(plan.attacks[$0].name) } ?? .none), ("index", Value(image)),
      ("seed", Value(cell.seed)), ("label", Value(plan.labels[image])),
      ("problem", result.problem.map { Value($0) } ?? .none),
    ]
    for metric in plan.metrics { fields.append((metric.name, result.scores[metric.name].map { Value($0) } ?? .none)) }
    var picture: Value = .none
    if !result.shape.isEmpty {
      let images = try Tensor(result.pixels, shape: result.shape)
      picture = Value(TensorValue(Variable(images.shape[0] == 1 ? try images.select(axis: 0, index: 0) : images)))
    }
    fields += [
      ("found", Value(list: result.labels.map { Value($0) })), ("hit", Value(result.hit)), ("loss", Value(result.loss)),
      ("evaluations", Value(result.evaluations)), ("seconds", Value(result.seconds)), ("norm", Value(result.cleanNorm)),
      ("sent_norm", Value(result.sentNorm)), ("binds", result.binds.map { Value($0) } ?? .none),
      ("mu", result.mu.map { Value($0) } ?? .none), ("victim_accuracy", result.accuracy.map { Value($0) } ?? .none),
      ("trained_on", result.trainedOn.map { Value($0) } ?? .none), ("round", result.round.map { Value($0) } ?? .none),
    ]
    for name in ["identified", "reidentified"] where !plan.metrics.contains(where: { $0.name == name }) {
      fields.append((name, result.scores[name].map { Value($0) } ?? .none))
    }
    fields.append(("image", picture))
    return Value(record: fields)
  }

  func display(_ style: DisplayStyle) -> String {
    let plan = summary.plan
    let grid =
      "\(plan.defenses.count) × \(plan.attacks.count) × \(plan.images.count) × \(plan.seeds.count) cells (defenses, attacks, images, seeds)"
    let missing = summary.cells.count - summary.results.count
    let state = missing == 0 ? "" : ", \(missing) not done\(isInterrupted ? ", interrupted" : "")"
    let title = "audit of \(grid)\(state)"
    return style == .long ? title + "\n" + summary.text : title
  }

  /// Writes the audit in the format that the file's name says.
  func save(to path: String) throws {
    let text: String
    if path.hasSuffix(".csv") {
      text = summary.csv
    } else if path.hasSuffix(".json") {
      text = summary.json
    } else if path.hasSuffix(".tex") {
      text = summary.latex
    } else if path.hasSuffix(".html") {
      text = try AuditReport(summary).html()
    } else {
      throw Fault(
        "unknown-format", "an audit is saved as .csv, .json, .tex or .html; \"\(path)\" is none of them", argument: 1)
    }
    try writeBytes(Array(text.utf8), to: path)
  }
}
