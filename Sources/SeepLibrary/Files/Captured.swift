// Updates that somebody else's code has sent: tensors of a file, and a manifest that says what they are.
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

enum Captured {
  /// The name of the manifest in a safetensors file's metadata.
  static let key = "seep.update"

  static let fields = [
    "kind", "sign", "scale", "reduction", "lr", "steps", "batch_size", "examples", "mode", "loss", "normalisation",
    "names",
    "prefix",
  ]

  /// British and American, PyTorch's and Flower's words for the same.
  private static let synonyms = [
    "learning_rate": "lr", "batch": "batch_size", "normalization": "normalisation", "bn_mode": "mode",
    "local_steps": "steps", "num_examples": "examples",
  ]

  static func fault(_ words: String, help: String? = nil) -> Fault { Fault("bad-manifest", words, help: help) }

  // MARK: Reading

  static func manifest(_ value: Value) throws -> Manifest {
    guard let record = value.asRecord else {
      throw fault(
        "a manifest is a record, not \(described(value))",
        help: "{kind: \"delta\", lr: 0.1, steps: 5, examples: 20, batch_size: 4}")
    }
    var result = Manifest()
    for field in record.fields where !field.value.isNone {
      let name = synonyms[field.name] ?? field.name
      switch name {
      case "kind": result.kind = try choice(field)
      case "sign": result.sign = try number(field)
      case "scale": result.scale = try number(field)
      case "reduction": result.reduction = try choice(field)
      case "lr": result.rate = try number(field)
      case "steps": result.steps = try whole(field)
      case "batch_size": result.batch = try whole(field)
      case "examples": result.examples = try whole(field)
      case "mode": result.mode = try choice(field)
      case "loss":
        guard let loss = field.value.asString else {
          throw fault("the manifest's loss is a name, such as \"cross_entropy\"")
        }
        result.loss = ["CrossEntropyLoss", "nll", "NLLLoss"].contains(loss) ? "cross_entropy" : loss
      case "normalisation":
        guard let own = field.value.asRecord, let mean = own["mean"], let std = own["std"] else {
          throw fault("the manifest's normalisation is a record of `mean` and `std`", help: "{mean: [0.5], std: [0.5]}")
        }
        result.normalisation = try Normalisation(mean: numbers(mean), deviation: numbers(std))
      case "names":
        result.names = try (field.value.asItems ?? []).map { item in
          guard let name = item.asString else { throw fault("the manifest's names are strings") }
          return name
        }
      case "prefix":
        guard let prefix = field.value.asString else {
          throw fault("the manifest's prefix is a string, such as \"module.\"")
        }
        result.prefix = prefix
      default:
        throw fault(
          "a manifest has no field `\(field.name)`; it has \(fields.joined(separator: ", "))",
          help: nearestName(to: field.name, among: fields))
      }
    }
    return result
  }

  private static func number(_ field: (name: String, value: Value)) throws -> Double {
    guard let number = field.value.asDouble, number.isFinite else {
      throw fault("the manifest's \(field.name) is a number, not \(described(field.value))")
    }
    return number
  }

  private static func whole(_ field: (name: String, value: Value)) throws -> Int {
    guard let number = field.value.asInt, (1...1 << 30).contains(number) else {
      throw fault("the manifest's \(field.name) is a positive whole number, not \(described(field.value))")
    }
    return number
  }

  private static func choice<T: RawRepresentable & CaseIterable>(_ field: (name: String, value: Value)) throws -> T
  where T.RawValue == String {
    let words = T.allCases.map(\.rawValue)
    guard let found = field.value.asString.flatMap(T.init(rawValue:)) else {
      throw fault(
        "the manifest's \(field.name) is \(words.map { "\"\($0)\"" }.joined(separator: " or "))",
        help: field.value.asString.flatMap { nearestName(to: $0, among: words) })
    }
    return found
  }

  private static func numbers(_ value: Value) throws -> [Double] {
    if let one = value.asDouble { return [one] }
    let items = value.asItems?.compactMap(\.asDouble) ?? []
    guard !items.isEmpty, items.count == value.asItems?.count else {
      throw fault("means and deviations are lists of numbers")
    }
    return items
  }

  /// The manifest that is given (a record, or the name of a JSON file), or that comes with the file: in the metadata of safetensors, or as
  /// `update.json` beside `update.npz`. nil: there is none.
  static func manifest(of path: String, _ metadata: [String: String], given: Value?, _ session: Session) throws
    -> Manifest?
  {
    if let given {
      guard let file = given.asString else { return try manifest(given) }
      return try manifest(TextFormat.json.load(file, session))
    }
    if let own = metadata[key] { return try manifest(TextFormat.json.value(Value(own), path, session)) }
    guard let dot = path.lastIndex(of: ".") else { return nil }
    let beside = String(path[..<dot]) + ".json"
    guard (try? fileSize(beside)) != nil else { return nil }
    let value = try TextFormat.json.load(beside, session)
    guard value.asRecord?["kind"]?.asString.flatMap(Manifest.Kind.init(rawValue:)) != nil else { return nil }
    return try manifest(value)
  }

  // MARK: Writing

  /// An update's manifest as JSON, in the terms in which its tensors are written.
  static func json(_ update: Update) -> String {
    var parts = ["\"examples\": \(update.examples)", "\"mode\": \"\(update.mode.rawValue)\""]
    if update.loss != "cross_entropy" { parts.append("\"loss\": \(update.loss.jsonLiteral)") }
    if update.scale != 1 { parts.append("\"scale\": \(update.scale)") }
    switch update.kind {
    case .gradient: parts.insert("\"kind\": \"gradient\"", at: 0)
    case .difference(let steps, let rate):
      parts.insert("\"kind\": \"delta\", \"lr\": \(rate), \"steps\": \(steps)", at: 0)
      if let size = update.slices?.first?.count, size != update.examples { parts.append("\"batch_size\": \(size)") }
    }
    if let own = update.normalisation {
      parts.append("\"normalisation\": {\"mean\": \(own.mean), \"std\": \(own.deviation)}")
    }
    return "{\(parts.joined(separator: ", "))}"
  }
}

let capturedBuiltins: [Builtin] = [
  Builtin(
    "captured(tensors, manifest)", group: "audit",
    """
    A record of tensors that a client's own code has sent, as an update: `attack.run(update, model)`, `canary` and `audit` take it. `load` does the
    same for a file with a manifest. The manifest says, where it differs from the first word: `kind` ("gradient", or "delta": parameters after minus
    before), `sign` (1, or -1: the other way), `scale` (1), `reduction` over the batch ("mean", "sum"), of a delta `lr`, `steps`, `batch_size` (all examples),
    `examples` (1), `mode` of batch normalisation ("eval", "train"), `loss` ("cross_entropy"), `normalisation` of pixels ({mean: [0.5], std: [0.5]}; attacks then
    find pixels in 0…1), `names` (a list, where tensors are numbered), `prefix` (of names, such as "module."). Tensors are matched to parameters by name.
    """,
    example: """
      let (x, y) = dataset("digits").private[0]
      let net = lenet()
      let sent = captured(-0.1 * net.gradient(x, y), {kind: "delta", lr: 0.1, steps: 1})
      print(canary(sent, net, x, y).cosine > 0.999)   # expect: true
      """
  ) { call in
    let value = call["tensors"]
    guard let record = value.asRecord else {
      throw call.fault(
        "type-mismatch", "`tensors` is a record of tensors by the names of parameters, not \(described(value))",
        argument: "tensors", help: "load(\"update.npz\", manifest: {kind: \"gradient\"})")
    }
    let tensors = try record.fields.map { field in
      guard let tensor = field.value.foreign(as: TensorValue.self)?.tensor else {
        throw call.fault(
          "type-mismatch", "`\(field.name)` is \(described(field.value)), not a tensor", argument: "tensors")
      }
      return (name: field.name, value: tensor)
    }
    return Value(UpdateValue(try blaming(call, "manifest") { try Captured.manifest(call["manifest"]).update(tensors) }))
  }
]
