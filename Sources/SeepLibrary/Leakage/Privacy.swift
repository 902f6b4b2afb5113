// The accountant: what differential privacy a defense gives, as a value that says what its number depends on.
import Ground
import Leakage
import SeepLanguage

/// What `epsilon(…)` gives. It stands for its number where one is wanted, and compares with numbers.
final class GuaranteeValue: NumberLike {
  let guarantee: Guarantee
  init(_ guarantee: Guarantee) { self.guarantee = guarantee }

  var typeName: String { "guarantee" }
  var numberValue: Double? { guarantee.epsilon }

  static let fields = [
    "epsilon", "delta", "unit", "neighbours", "steps", "sample_rate", "noise_multiplier", "order", "exact", "remark",
  ]
  var fieldNames: [String] { GuaranteeValue.fields }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "epsilon": Value(guarantee.epsilon)
    case "delta": Value(guarantee.delta)
    case "unit": Value(guarantee.unit.rawValue)
    case "neighbours": Value(guarantee.neighbours.rawValue)
    case "steps": Value(guarantee.steps)
    case "sample_rate": Value(guarantee.sampleRate)
    case "noise_multiplier": Value(guarantee.multiplier)
    case "order": guarantee.order.map { Value($0) } ?? Value.none
    case "exact": guarantee.exact.map { Value($0) } ?? Value.none
    case "remark": Value(guarantee.remark)
    default: nil
    }
  }

  func operate(_ operation: Operator, _ other: Value, reversed: Bool, in session: Session) throws -> Value? {
    guard operation.isComparison,
      let number = other.foreign(as: GuaranteeValue.self)?.guarantee.epsilon ?? other.asDouble
    else { return nil }
    let (a, b) = reversed ? (number, guarantee.epsilon) : (guarantee.epsilon, number)
    switch operation {
    case .less: return Value(a < b)
    case .lessEqual: return Value(a <= b)
    case .greater: return Value(a > b)
    case .greaterEqual: return Value(a >= b)
    case .equal: return Value(a == b)
    case .notEqual: return Value(a != b)
    default: return nil
    }
  }

  func isEqual(to other: any Foreign) -> Bool {
    (other as? GuaranteeValue)?.guarantee.epsilon == guarantee.epsilon
  }

  func display(_ style: DisplayStyle) -> String {
    let g = guarantee
    let at = g.delta == 0 ? " (pure)" : " at delta \(g.delta)"
    let sampled = g.sampleRate == 1 ? "" : " at sample rate \(significant(g.sampleRate))"
    let order = g.order.map { ", best order \(significant($0))" } ?? ""
    let exact = g.order == nil ? "" : g.exact.map { " (exactly \(significant($0)))" } ?? ""
    return "epsilon \(significant(g.epsilon))\(exact)\(at) for one \(g.unit.rawValue) (\(g.neighbours.rawValue)), "
      + "\(g.steps) \(g.steps == 1 ? "step" : "steps")\(sampled)\(order): \(g.remark)"
  }
}

/// Four significant digits.
func significant(_ value: Double) -> String {
  if value.isNaN { return "nan" }  // one with its sign set prints as -nan
  guard value.isFinite, value != 0 else { return "\(value)" }
  var scale = 1.0
  while abs(value) * scale < 1000 { scale *= 10 }
  let rounded = (value * scale).rounded() / scale
  return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
}

let privacyBuiltins: [Builtin] = [
  Builtin(
    "epsilon(defense, steps: 1, sample_rate: 1.0, delta: 1e-5, batch: none, of: none, unit: none, neighbours: \"add_remove\", orders: none)",
    group: "defenses",
    """
    The differential privacy of a defense: (epsilon, delta) of `steps` updates in which each unit takes part with probability
    `sample_rate` (Poisson sampling). Normal noise is accounted by Rényi orders, without sampling with the exact value
    beside it; Laplace noise after `clip(…, norm: 1)` gives pure epsilon, steps add up. `dp(…)` and `clip(…, per: "example")` protect
    one example; `clip` on the mean of a batch protects the update. What comes after the noise changes nothing, unless it looks at the
    batch again. Where nothing bounds the gradient before the noise there is no bound, and this is an error. `batch` is the number of
    examples, or comes with `of`, an update of the kind meant, which also gives the numbers of tensors and entries where a bound
    depends on them, and the local steps of a difference: in each of them `dp` adds noise, while noise on the difference bounds no example. `unit` insists on "example" or "update"; `neighbours: "replace"` doubles what one can change. The result has
    `.epsilon .delta .unit .neighbours .steps .sample_rate .noise_multiplier .order .exact .remark`.

    Source: Mironov, "Rényi Differential Privacy", CSF 2017; Mironov, Talwar, Zhang, "Rényi Differential Privacy of the Sampled Gaussian Mechanism", 2019.
    """,
    example:
      "let e = epsilon(dp(sigma: 1.0, clip: 1), steps: 1000, sample_rate: 0.01)\nprint(e.epsilon)  # expect near: 2.101365 ± 1e-6\nprint(e.unit)  # expect: example"
  ) { call in
    guard let defense = try Defenses.argument(call, "defense") else {
      throw call.fault("type-mismatch", "`defense` must be a defense, not none", argument: "defense")
    }
    var question = PrivacyQuestion()
    question.steps = try call.int("steps", in: 1...Int.max)
    question.sampleRate = try call.double("sample_rate", in: 0...1)
    question.delta = try call.double("delta")
    question.neighbours =
      try call.choice("neighbours", of: ["add_remove", "replace"]) == "replace" ? .replace : .addOrRemove
    if let update = try call.optionalForeign(as: UpdateValue.self, "of", kind: "an update")?.update {
      question.batch = update.examples
      question.tensors = update.tensors.count
      question.numbers = update.size
      if case .difference(let steps, _) = update.kind { question.localSteps = steps }
    }
    if call.optionalValue("batch") != nil { question.batch = try call.int("batch", in: 1...Int.max) }
    if call.optionalValue("unit") != nil {
      question.unit = PrivacyUnit(rawValue: try call.choice("unit", of: PrivacyUnit.allCases.map(\.rawValue)))
    }
    if call.optionalValue("orders") != nil { question.orders = try call.doubles("orders") }
    return Value(GuaranteeValue(try Leakage.epsilon(defense, question)))
  }
]
