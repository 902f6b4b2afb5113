// The manifest of an audit: every setting in words, and digests of what words do not show. It is what makes an audit replayable, and
// what an audit that goes on is compared with.
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

extension AuditArguments {
  static func manifest(_ plan: AuditPlan, _ call: Call, _ model: Model, data: String, isFresh: Bool) throws -> [(
    name: String, value: String
  )] {
    func marked(_ text: String, _ fingerprint: String) -> String {
      fingerprint.isEmpty ? text : "\(text) #\(fingerprint)"
    }
    let source = sourceText(call["model"], call.session).map { "a function #\(Digest.of($0)), " } ?? ""
    var entries: [(name: String, value: String)] = [
      ("seep", version),
      ("model", source + marked(model.written, try Digest.of(model.parameters.tensors + model.buffers.tensors))),
      ("fresh victims", isFresh ? "one for each image and seed" : "no"),
      (
        "data",
        marked(
          "\(data): \(plan.labels.count) images of \(plan.data.shape.dropFirst().map(String.init).joined(separator: "×"))",
          try Digest.of([plan.data, Tensor(plan.labels.map(Int64.init), shape: [plan.labels.count])]))
      ),
      ("images", runs(plan.images)), ("batch", "\(plan.batch)"), ("seeds", runs(plan.seeds)),
    ]
    for (index, row) in plan.defenses.enumerated() {
      let written = row.defense?.written ?? "none"
      entries.append(
        ("defense \(index + 1)", marked(row.name == written ? written : "\(row.name): \(written)", row.fingerprint)))
    }
    for (index, row) in plan.attacks.enumerated() {
      let written = row.attack.written
      let isPlain = row.name == written || (row.role != .attack && row.role != .control)
      let role = row.role == .attack ? "" : " (\(row.role.kind))"
      entries.append(
        ("attack \(index + 1)", marked(isPlain ? row.name : "\(row.name): \(written)", row.fingerprint) + role))
    }
    for (index, metric) in plan.metrics.enumerated() {
      entries.append(
        (
          "metric \(index + 1)",
          marked(metric.name + (metric.higherIsBetter ? "" : " (less is better)"), metric.fingerprint)
        ))
    }
    if let local = plan.local {
      let batch = local.batch == 0 ? "all examples" : "\(local.batch) examples"
      entries.append(("local steps", "\(local.steps) of \(batch), rate \(local.rate)"))
    }
    if plan.clients > 1 { entries.append(("clients", "\(plan.clients)")) }
    if let round = plan.round { entries.append(("round", "\(round)")) }
    if plan.reidentifies { entries.append(("reidentify", "yes")) }
    entries.append(("labels", plan.tellsLabels ? "told to the attacks" : "inferred by the attacks"))
    if let utility = call.optionalValue("utility"), plan.utility != nil {
      entries.append(
        (
          "utility",
          sourceText(utility, call.session).map { "a function #\(Digest.of($0))" }
            ?? call.session.display(utility, .short)
        ))
      entries.append(("utility seeds", runs(plan.utilitySeeds)))
    }
    return entries
  }

  /// `0 to 9`, `0, 5, 7`.
  private static func runs(_ values: [Int]) -> String {
    if values.count > 2, let first = values.first, let last = values.last, Array(first...max(first, last)) == values {
      return "\(first) to \(last)"
    }
    return values.map(String.init).joined(separator: ", ")
  }
}
