// What is asked of every input: parse, format, check, compile and run, with what must hold for any text at all.
import Ground
import SeepLanguage

/// What must not be: a kind to count by, and what was seen.
struct Finding {
  var kind: String
  var detail: String
}

/// What became of an input.
struct Outcome {
  /// It has no syntax errors.
  var isProgram = false
  /// Its syntax errors.
  var mistakes: [Failure] = []
  /// The code it failed with, syntax errors included; nil if it ran to its end.
  var code: String?
  var finding: Finding?

  /// What the grammar does not tell is no mistake of form: a pattern binds a name twice, or a record has a field twice.
  var firstOfForm: Failure? { mistakes.first { $0.fault.code != "duplicate-name" } }
}

/// Examines inputs one after another, in sessions of a few hundred inputs each.
final class Examiner {
  /// Functions that wait, end the program or touch files.
  private static let excluded: Set<String> = [
    "sleep", "read_line", "exit", "read_text", "write_text", "append_text", "read_lines", "lines", "list_folder",
    "make_folder", "remove_file", "rename_file", "file_size", "temporary_folder", "environment", "current_folder",
  ]
  static func library() -> Library {
    let all = CoreLibrary.library
    return Library(all.builtins.filter { !excluded.contains($0.name) }, constants: all.constants)
  }

  /// What programs find bound: one value of each kind.
  private static let prelude = """
    let (a, b, c, k) = ([3, 1, 2], 2, "text é", -1)
    let (x, y, z) = (3, 0.5, (1, [2.5, "s"]))
    let r = {a: 1, b: "two", c: {a: [1]}}
    var (i, s, xs, d) = (0, "", [], {})
    fn f(x, y = 1) { x + y }
    let g = x => [x, x]
    fn h(n...) => n
    """
  static let names: [String] =
    ["a", "b", "c", "k", "x", "y", "z", "r", "i", "s", "xs", "d", "f", "g", "h", "e", "m", "n", "v"]
    + library().builtins.map(\.name)

  private let library = Examiner.library()
  private var session = Session()
  private var start: Session.Snapshot?
  private var turns = 0
  /// The diagnostics of the present input that were judged, without their others, by their place.
  private var judged: [Span: [Failure]] = [:]

  private func renew() {
    session = Session(library: library)
    session.callDepthLimit = 5000
    _ = session.evaluate(Examiner.prelude, name: "prelude")
    start = session.snapshot()
    turns = 0
  }

  func examine(_ text: String) -> Outcome {
    if turns % 500 == 0 || start == nil { renew() }
    turns += 1
    judged.removeAll(keepingCapacity: true)
    var outcome = Outcome()
    outcome.finding = look(text, &outcome)
    if let start { session.rollback(to: start) }
    return outcome
  }

  private func look(_ text: String, _ outcome: inout Outcome) -> Finding? {
    let tree = session.syntaxTree(of: text)
    outcome.isProgram = tree != nil
    switch session.formatted(text, name: "input") {
    case .success(let once):
      guard let tree else { return Finding(kind: "format-of-no-program", detail: once) }
      if session.syntaxTree(of: once) != tree { return Finding(kind: "format-changes-program", detail: once) }
      guard case .success(let twice) = session.formatted(once, name: "input") else {
        return Finding(kind: "formatted-is-no-program", detail: once)
      }
      if twice != once { return Finding(kind: "format-not-idempotent", detail: once + "\n----\n" + twice) }
    case .failure(let failure):
      outcome.mistakes = [failure] + failure.others
      if let finding = judge(failure) { return finding }
      if tree != nil { return Finding(kind: "program-not-formatted", detail: failure.text) }
    }
    for failure in session.findings(in: text, name: "input") {
      if let finding = judge(failure) { return finding }
    }
    session.output = CollectedOutput()
    session.random = RandomState(seed: 1)
    switch session.evaluate(text, name: "input") {
    case .success(let value):
      if tree == nil { return Finding(kind: "runs-without-syntax", detail: "") }
      if session.display(value, .short).utf8.count > 1 << 24 { return Finding(kind: "short-display", detail: "") }
    case .failure(let failure):
      outcome.code = failure.fault.code
      if let finding = judge(failure) { return finding }
    }
    return nil
  }

  /// A diagnostic lies inside of its text, and is no accident of the language's own. Formatting, checking and running give
  /// the same syntax errors: what is the same in all that is shown of it is judged once.
  private func judge(_ failure: Failure) -> Finding? {
    for var one in [failure] + failure.others {
      one.others = []
      if judged[one.span]?.contains(where: { $0.isSame(as: one) }) == true { continue }
      if let finding = one.finding { return finding }
      judged[one.span, default: []].append(one)
    }
    return nil
  }
}

extension Failure {
  /// Whether text and JSON of both are made from the same; neither has others.
  fileprivate func isSame(as other: Failure) -> Bool {
    fault == other.fault && severity == other.severity && argumentSpans == other.argumentSpans
      && kinds == other.kinds && file.name == other.file.name && file.text == other.file.text
      && (origins.isEmpty || file === other.file)
      && trace.elementsEqual(other.trace) {
        $0.function == $1.function && $0.file === $1.file && $0.span == $1.span
      }
      && origins.elementsEqual(other.origins) {
        $0.operand == $1.operand && $0.name == $1.name && $0.file === $1.file && $0.span == $1.span
          && $0.isGiven == $1.isGiven
      }
  }

  /// What is wrong with a diagnostic that has no others.
  fileprivate var finding: Finding? {
    if fault.code == "internal-error" { return Finding(kind: "internal-error", detail: fault.message) }
    let own = ([span, guilty] + argumentSpans).map { ($0, file.text.count) }
    // A value may come from what was run before.
    for (span, count) in own + origins.map({ ($0.span, $0.file.text.count) }) {
      // At the end of a text a place is the byte behind it.
      guard span.start >= 0, span.start <= span.end, span.start <= count, span.end <= max(count, span.start + 1)
      else {
        return Finding(kind: "span-outside", detail: "\(fault.code) \(span) of \(count)")
      }
    }
    if fault.code != "raised", fault.message.isEmpty || fault.message.utf8.contains(10) {
      return Finding(kind: "message-not-one-line", detail: "\(fault.code): \(fault.message)")
    }
    let text = text
    if text.utf8.count(where: { $0 == 10 }) >= 12 { return Finding(kind: "diagnostic-too-long", detail: text) }
    let json = json
    if json.utf8.contains(10) { return Finding(kind: "json-not-one-line", detail: json) }
    return nil
  }
}
