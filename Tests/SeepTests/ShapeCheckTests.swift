// Shapes judged without running against the run: many small programs with constant shapes, checked and then run. What the check
// reports, the run must report in the same words, and what the run reports of shapes the check must have found.
import Foundation
import LanguageGrammar
import SeepLanguage
import SeepLibrary
import Testing

@Suite("shapes without running") struct ShapeCheckTests {
  private static let shapeCodes: Set<String> = [
    "shape-mismatch", "bad-axis", "bad-shape", "bad-index", "index-out-of-range", "dtype-mismatch",
  ]

  private static func session() -> Session {
    let session = Session(library: SeepLibrary.library)
    if let home = Home.folder { session.modulePath.append(home) }
    return session
  }

  /// The line of the top that gets to it.
  private static func line(_ failure: Failure) -> Int {
    failure.trace.last.map { $0.file.position($0.span.start).line } ?? failure.line
  }

  /// Whether two diagnostics are the same, where the check knows everything: `?` is a size, `tensor` a dtype that it does not know.
  private static func agree(_ finding: String, _ failure: String) -> Bool {
    if finding == failure { return true }
    let pattern = NSRegularExpression.escapedPattern(for: finding).replacingOccurrences(of: "\\?", with: "[0-9]+")
      .replacingOccurrences(of: "tensor \\[", with: "[a-z0-9]+ \\[")
    return failure.range(of: pattern, options: .regularExpression) == failure.startIndex..<failure.endIndex
  }

  @Test("a finding is what the run reports, and every shape error of a run is found") func agreement() {
    var (found, missed, ended) = ([String: Int](), [String: Int](), 0)
    var examples: [String] = []
    let session = ShapeCheckTests.session()
    let start = session.snapshot()
    for seed in 0..<4000 {
      var maker = ShapeProgramMaker(seed: UInt64(seed))
      let lines = maker.program()
      let text = lines.map(\.text).joined(separator: "\n")
      let finding = session.findings(in: text, name: "test").filter { $0.severity == .error }
        .min { ShapeCheckTests.line($0) < ShapeCheckTests.line($1) }
      let result = session.evaluate(text, name: "test")
      session.rollback(to: start)
      guard case .failure(let failure) = result else {
        #expect(finding == nil, "seed \(seed) runs:\n\(text)\n\(finding?.text ?? "")")
        ended += 1
        continue
      }
      let line = ShapeCheckTests.line(failure)
      let operation = lines[min(line, lines.count) - 1].operation
      if let finding, ShapeCheckTests.line(finding) <= line {
        #expect(
          ShapeCheckTests.agree(finding.text, failure.text), "seed \(seed):\n\(text)\n\(finding.text)\n\(failure.text)")
        found[operation, default: 0] += 1
        continue
      }
      guard ShapeCheckTests.shapeCodes.contains(failure.fault.code) else { continue }
      missed[operation, default: 0] += 1
      if examples.count < 20 { examples.append("seed \(seed): \(failure.text)") }
    }
    let total = found.values.reduce(0, +)
    let lost = missed.values.reduce(0, +)
    print("shape errors found without running: \(total) of \(total + lost); programs that run: \(ended)")
    print(
      "found by operation: \(found.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
    print("not found: \(missed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
    #expect(total > 2000)
    // What is left depends on numbers in tensors, such as masks, or on what a model was given before.
    #expect(lost * 50 < total, "\(examples.joined(separator: "\n"))")
    #expect(
      Set(found.keys).isSuperset(of: ShapeProgramMaker.failing), "\(ShapeProgramMaker.failing.subtracting(found.keys))")
  }

  @Test(
    "what is said only where it is certain",
    arguments: [
      ("if true { zeros(2) + zeros(3) }", ["error 1"]),
      ("if time() > 0 { zeros(2) + zeros(3) }", []),
      ("let x = zeros(2)\nif x.rank == 2 { x @ zeros(5, 5) } else { x + zeros(3) }", ["error 2"]),
      ("fn f(x) {\n  if x { return 1 }\n  zeros(2) + zeros(3)\n}\nf(true)", []),
      ("fn f(x) {\n  zeros(2) + zeros(3)\n  x\n}\nf(true)", ["error 2"]),
      ("for i in 0..0 { zeros(2) + zeros(3) }", []),
      ("for i in 0..2 { zeros(2) + zeros(3) }", ["error 1"]),
      ("for i in 0..len(args) { zeros(2) + zeros(3) }", []),
      ("for i in 0..2 {\n  if i == 1 { break }\n  zeros(2) + zeros(3)\n}\nzeros(2) + zeros(4)", ["error 5"]),
      ("var x = zeros(2)\nx = zeros(3)\nprint(x + zeros(2))", ["error 3"]),
      ("var x = zeros(2)\nfor i in 0..2 {\n  print(x + zeros(3))\n  x = zeros(3)\n}\nprint(x + zeros(2))", []),
      ("var x = zeros(2)\nif time() > 0 { x = zeros(3) }\nprint(x + zeros(3))", []),
      ("var x = zeros(2)\nfn g() { x = zeros(3) }\ng()\nprint(x + zeros(3))", []),
      ("var x = zeros(2)\nlet g = () => { x = zeros(3) }\nx = zeros(2)\ng()\nprint(x + zeros(3))", []),
      ("var x = zeros(2)\nx[0] = 1\nprint(x + zeros(3))", ["error 3"]),
      ("let zeros = n => ones(3)\nprint(zeros(2) + ones(2))", []),
      ("let x = zeros(2)\nlet x = zeros(3)\nprint(x + zeros(3))\nfn f() => x + zeros(3)\nf()", []),
      ("try { zeros(2) + zeros(3) } catch e { ones(2) + ones(3) }", ["warning 1"]),
      ("exit()\nzeros(2) + zeros(3)", []),
      ("fn stop() { exit(3) }\nstop()\nzeros(2) + zeros(3)", []),
      ("match zeros(2, 3).shape {\n  [n] => zeros(2) + zeros(n)\n  [n, m] => zeros(n) + zeros(m)\n}", ["error 3"]),
      ("let f = x => x @ zeros(3)\nprint(f(zeros(2)))", []),
      ("fn f(x) => x @ zeros(3)\nprint(f(zeros(2)))", ["error 1"]),
      ("fn f(x) => g(x)\nfn g(x) => x @ zeros(3)\nprint(f(zeros(2)))", []),
      ("let n = len(args)\nprint(zeros(n, 3) + zeros(5, 4))", ["error 2"]),
      ("let n = len(args)\nprint(zeros(n) + zeros(4), zeros(n, 2)[7, 1])", []),
      ("let net = mlp([4, 2])\nprint(net(zeros(3, 4)) + zeros(3, 3))", ["error 2"]),
      ("let r = {reshape: n => n}\nprint(r.reshape(7))", []),
      ("let part = dataset(\"digits\").test\nfor (x, y) in part { print(x + zeros(27), y) }", ["error 2"]),
      ("false and zeros(2) + zeros(3)\ntrue and zeros(2) + zeros(3)", ["error 2"]),
    ])
  func certainty(_ text: String, _ expected: [String]) {
    let findings = ShapeCheckTests.session().findings(in: text, name: "test")
      .filter { ShapeCheckTests.shapeCodes.contains($0.fault.code) }
    #expect(findings.map { "\($0.severity) \($0.line)" } == expected, "\(text)")
  }

  @Test("words that an argument cannot be are refused as by the run") func words() {
    var judged = 0
    for (function, parameter) in Options.entries where function != "audit" && function != "generator" {
      let text = "\(function)(\(ShapeCheckTests.needed[function] ?? "")\(parameter): \"zzz\")"
      let session = ShapeCheckTests.session()
      let finding = session.findings(in: text, name: "test").first { $0.severity == .error }
      guard case .failure(let failure) = session.evaluate(text, name: "test") else {
        Issue.record("\(text) runs")
        continue
      }
      if "\(function).\(parameter)" == "prior.name" {
        #expect(finding == nil, "a path may be meant")
        continue
      }
      #expect(failure.fault.code == "unknown-option", "\(text): \(failure.text)")
      #expect(finding?.text == failure.text, "\(text)")
      judged += 1
    }
    print("words refused without running: \(judged) arguments")
    #expect(judged > 30)
  }

  /// Arguments that a call needs before the word is looked at.
  private static let needed: [String: String] = [
    "resize": "ones(1, 4, 4), 2, ", "upsample": "2, ", "clip": "1, ", "top_k": "0.5, ",
    "low_precision": "", "soteria": "0.5, ", "epsilon": "dp(sigma: 1.0, clip: 1), steps: 10, sample_rate: 0.01, ",
    "split_clients": "dataset(\"digits\").test, 2, ", "share": "lenet(), ones(1, 28, 28), 3, ",
    "local_update": "lenet(), ones(1, 28, 28), 3, ", "federate": "lenet(), dataset(\"digits\").test, ",
    "infer_labels": "share(lenet(), ones(1, 28, 28), 3), ",
    "gradient_distance": "{w: ones(2)}, {w: ones(2)}, ",
    "matching_loss": "share(lenet(), ones(1, 28, 28), 3), lenet(), ones(1, 28, 28), 3, ",
    "lpips": "ones(3, 32, 32), ones(3, 32, 32), ", "plot": "[1, 2], ", "scatter": "[1, 2], [1, 2], ",
    "hist": "[1, 2], ",
    "heatmap": "[[1, 2], [3, 4]], ", "ssim": "ones(1, 12, 12), ones(1, 12, 12), ",
    "grad_inversion": "", "ggl": "prior: prior(\"digits\"), ", "gias": "prior: prior(\"digits\"), ",
    "gifd": "prior: prior(\"digits\"), ",
  ]

  @Test("an example of a code that only a check reports") func examples() {
    for entry in SeepLibrary.explanations.all {
      guard let example = entry.checkedExample else { continue }
      let mark = "# seep check: \(entry.code)"
      let lines = example.split(separator: "\n", omittingEmptySubsequences: false)
      let marked = lines.firstIndex { $0.hasSuffix(mark) }.map { $0 + 1 }
      let findings = ShapeCheckTests.session().findings(in: example, name: "test")
      #expect(findings.map(\.fault.code) == [entry.code])
      #expect(findings.map(\.line) == [marked])
    }
  }
}

/// Programs whose statements make, reshape and combine tensors of constant shapes, some of which do not fit.
struct ShapeProgramMaker {
  struct Line {
    var text: String
    var operation: String
  }

  /// Operations that fail for shapes now and then.
  static let failing: Set<String> = [
    "@", "arithmetic", "comparison", "reshape", "permute", "transpose", "flatten", "squeeze", "unsqueeze",
    "broadcast_to",
    "flip", "roll", "concat", "stack", "pad", "gather", "index", "shape item", "reduction", "softmax", "sort", "topk",
    "eigh", "where", "maximum", "conv2d", "layer", "network", "model", "loss", "metric", "share", "data", "mask",
    "function",
    "loop", "constructor", "pool", "last",
  ]

  private var numbers: SeededNumbers
  private var names: [String] = []
  private var lines: [Line] = []
  private var count = 0

  init(seed: UInt64) { numbers = SeededNumbers(seed &* 0x9E37_79B9 &+ 17) }

  private mutating func below(_ n: Int) -> Int { numbers.below(n) }
  private mutating func size() -> Int { numbers.pick([1, 2, 3, 3, 4, 6]) }
  private mutating func dims(_ ranks: ClosedRange<Int> = 1...3) -> [Int] {
    let rank = ranks.lowerBound + below(ranks.count)
    return (0..<rank).map { _ in size() }
  }
  private func list(_ dims: [Int]) -> String { dims.map(String.init).joined(separator: ", ") }
  private mutating func axis() -> Int { below(6) - 3 }
  private mutating func name() -> String { numbers.pick(names) }
  private mutating func fresh() -> String {
    count += 1
    return "v\(count)"
  }

  private mutating func add(_ operation: String, _ value: String, binds: Bool = true) {
    guard binds else { return lines.append(Line(text: value, operation: operation)) }
    let name = fresh()
    lines.append(Line(text: "let \(name) = \(value)", operation: operation))
    names.append(name)
  }

  mutating func program() -> [Line] {
    for _ in 0..<2 { creation() }
    for _ in 0..<(3 + below(4)) { if below(4) == 0 { creation() } else { operation() } }
    // Fails unless it is a number or ends in an axis of 97, and says the whole shape.
    add("last", "\(name()) @ zeros(97, 1)")
    return lines
  }

  private mutating func creation() {
    let dims = dims()
    switch below(14) {
    case 0: add("creation", "ones(\(list(dims)))")
    case 1: add("creation", "rand([\(list(dims))])")
    case 2: add("creation", "full([\(list(dims))], 0.5)")
    case 3: add("creation", "arange(\(1 + below(7)))")
    case 4: add("creation", "eye(\(size()))")
    case 5: add("creation", "randint(0, 3, \(list(dims)))")
    case 6: add("creation", "tensor([[1, 2, \(below(9))], [4, 5, 6]])")
    case 7: add("creation", "to(zeros(\(list(dims))), float64)")
    case 8: add("creation", "zeros(\(list(dims)), dtype: float64)")
    case 9: add("creation", "linspace(0, 1, \(1 + below(6)))")
    case 10: add("creation", "zeros_like(\(names.first ?? "ones(2)"))")
    case 11: add("creation", "one_hot([\((0...below(3)).map { _ in "0" }.joined(separator: ", "))], \(size()))")
    default: add("creation", "zeros(\(list(dims)))")
    }
  }

  private mutating func operation() {
    let (x, y) = (name(), name())
    switch below(44) {
    case 0, 1, 2: add("@", "\(x) @ \(y)")
    case 3, 4: add("arithmetic", "\(x) \(numbers.pick(["+", "-", "*", "/", "//", "%"])) \(y)")
    case 5: add("arithmetic", "\(x) \(numbers.pick(["+", "*", "/", "-"])) \(numbers.pick(["2", "0.5"]))")
    case 6: add("comparison", "\(x) \(numbers.pick(["<", "==", ">=", "and", "or"])) \(y)")
    case 7: add("reshape", "\(x).reshape(\(list(dims())))")
    case 8: add("reshape", "reshape(\(x), [-1, \(size())])")
    case 9: add("reshape", "\(x) |> reshape(\(size()), -1)")
    case 10: add("permute", "\(x).permute(\(numbers.pick(["1, 0", "0, 2, 1", "2, 0, 1", "0", "1, 1"])))")
    case 11: add("transpose", below(2) == 0 ? "transpose(\(x))" : "\(x).transpose(\(axis()), \(axis()))")
    case 12: add("flatten", "flatten(\(x), start: \(axis()))")
    case 13: add("squeeze", "\(x).squeeze(\(axis()))")
    case 14: add("unsqueeze", "unsqueeze(\(x), \(axis()))")
    case 15: add("broadcast_to", "\(x).broadcast_to(\(list(dims())))")
    case 16: add("flip", "flip(\(x), \(axis()))")
    case 17: add("roll", "roll(\(x), 1, axis: \(axis()))")
    case 18: add("concat", "concat([\(x), \(y)]\(below(2) == 0 ? "" : ", axis: \(axis())"))")
    case 19: add("stack", "stack([\(x), \(y), \(x)], axis: \(axis()))")
    case 20: add("pad", below(2) == 0 ? "pad(\(x), 1)" : "pad(\(x), [(0, 1), (1, \(below(3)))])")
    case 21: add("gather", "gather(\(x), to(\(y) * 0, int64), axis: \(axis()))")
    case 22: add("index", "\(x)[\(axis())]")
    case 23:
      add(
        "index",
        "\(x)[\(numbers.pick([":, 0", "0, 1", "0..2, 1", "..2", "-1, :", "[0, 1]", ":, [0, 2], 0", "1.., -2"]))]")
    case 24: add("shape item", "zeros(\(x).shape[\(axis())])")
    case 25: add("shape item", "zeros(len(\(x)), \(x).rank)")
    case 26:
      add(
        "reduction",
        "\(numbers.pick(["sum", "mean", "max", "variance", "norm", "argmax", "prod"]))(\(x), axis: \(axis())\(below(2) == 0 ? "" : ", keep: true"))"
      )
    case 27: add("reduction", "\(numbers.pick(["sum", "mean", "any"]))(\(x), axis: [0, \(axis())])")
    case 28: add("softmax", "\(numbers.pick(["softmax", "log_softmax"]))(\(x), axis: \(axis()))")
    case 29: add("sort", "sort(\(x), axis: \(axis()))[\(below(2))]")
    case 30: add("topk", "topk(\(x), 1, axis: \(axis()))[0]")
    case 31: add("eigh", "eigh(\(x))[1]")
    case 32: add("where", "where(\(x) > 0, \(y), \(below(2) == 0 ? "0.0" : name()))")
    case 33: add("maximum", "\(numbers.pick(["maximum", "minimum"]))(\(x), \(y))")
    case 34: add("elementwise", "\(numbers.pick(["exp", "relu", "abs", "sign", "sigmoid", "round"]))(\(x))")
    case 35: add("mask", "\(x)[\(y) > 0]")
    case 36:
      add("loss", "cross_entropy(\(x), \(numbers.pick(["0", "[0, 0]", "[0, 0, 0]", "\(y)", "to(\(y) * 0, int64)"])))")
    case 37:
      let metric = numbers.pick(["mse", "psnr"])
      add("metric", "\(metric)(\(x), \(y))", binds: false)
    case 38: control(x, y)
    default: network(x)
    }
  }

  private mutating func control(_ x: String, _ y: String) {
    switch below(6) {
    case 0, 1:
      lines.insert(Line(text: "fn f\(count)(a, b = 2) => a @ ones(b, 3)", operation: "function"), at: 0)
      add("function", "f\(count)(\(x)\(below(2) == 0 ? "" : ", b: \(size())"))")
    case 2: add("loop", "for i in 0..2 { \(x) @ \(y) }", binds: false)
    case 3: add("loop", "for row in \(x) { row + \(y) }", binds: false)
    case 4: add("loop", "if \(x).rank == 2 { \(x) @ \(y) } else { \(x) + \(y) }")
    default: add("loop", "if \(x).shape == \(y).shape { \(x) + \(y) } else { \(x) }")
    }
  }

  /// An image, a batch of them, or vectors.
  private mutating func examples() -> String {
    let image = numbers.pick(["1, 8, 8", "3, 8, 8", "1, 28, 28", "2, 5, 5", "4", "64", "12"])
    return below(3) == 0 ? "zeros(\(image))" : "zeros(\(1 + below(3)), \(image))"
  }

  private mutating func layer() -> String {
    switch below(12) {
    case 0, 1: "conv(\(1 + below(3)), kernel: \(1 + below(6)), stride: \(1 + below(2)), pad: \(below(3)))"
    case 2, 3: "dense(\(size()))"
    case 4: "max_pool(\(1 + below(4)))"
    case 5: "avg_pool(2, stride: 1)"
    case 6: "group_norm(\(1 + below(2)))"
    case 7: "conv_transpose(2, kernel: 2, stride: 2)"
    case 8: "upsample(2)"
    case 9: "reshape(\(size()), -1)"
    case 10: "residual(dense(\(size())) >> relu)"
    default: numbers.pick(["global_avg_pool()", "batch_norm()", "layer_norm()", "instance_norm()", "dropout(0.5)"])
    }
  }

  private mutating func network(_ x: String) {
    switch below(10) {
    case 0: add("layer", "\(layer())(\(below(2) == 0 ? x : examples()))")
    case 1: add("constructor", "\(below(2) == 0 ? x : examples()) |> dense(\(size()))")
    case 2, 3, 4:
      var members = (0..<(2 + below(3))).map { _ in
        below(3) == 0 ? numbers.pick(["relu", "flatten", "sigmoid", "batch_norm"]) : layer()
      }
      if below(2) == 0 { members += ["flatten", "dense(10)"] }
      add("network", "(\(members.joined(separator: " >> ")))(\(examples()))")
    case 5:
      let model = numbers.pick([
        "mlp([64, 3])", "mlp([784, 10])", "lenet()", "cnn(width: 2)", "cnn6()",
        "lenet(classes: 3, activation: \"relu\")",
      ])
      add("model", "\(model)(\(examples()))")
    case 6: add("pool", "\(numbers.pick(["max_pool", "avg_pool"]))(\(below(2) == 0 ? x : examples()), \(1 + below(3)))")
    case 7:
      let weights = "zeros(\(list([1 + below(3), 1 + below(3), 1 + below(3), 1 + below(3)])))"
      add("conv2d", "conv2d(\(examples()), \(weights), pad: \(below(2)))")
    case 8:
      let labels = numbers.pick(["0", "[0, 1]", "[0, 1, 2]"])
      add("share", "share(lenet(), zeros(\(1 + below(3)), 1, 8, 8), \(labels))", binds: false)
    default:
      if below(3) > 0 {
        add("resize", "resize(zeros(\(1 + below(2)), 1, 4, 4), \(1 + below(6)))")
      } else {
        let part = numbers.pick([
          "public.images[0..2]", "test.images[-3..]", "test[0..4].labels", "test[499][0]", "test[500][0]",
        ])
        add("data", "dataset(\"digits\").\(part)")
      }
    }
  }
}
