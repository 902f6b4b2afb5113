// Runs scripts that say what they print, for `seep test` and for our own tests. The marks stand in comments:
//
//     print(1 + 1)     # expect: 2              one line of output, in order; all output must be expected
//     print(sin(1))    # expect near: 0.84147 ± 1e-4
//     [1][5]           # expect error: index-out-of-range: outside    code, and a part of the message
//     # expect error line 3      # expect exit 1      # skip: reason
//
// Blocks `test "name" { … }` run after the rest of the script, each for itself.
import Ground

/// What became of one script.
public struct ScriptReport: Sendable {
  public var name: String
  /// Checks that held: marks and test blocks.
  public var passed = 0
  /// Tests that passed and that failed: `test` blocks, and the script itself where it has marks or no blocks.
  public var tests = (passed: 0, failed: 0)
  /// What did not, as sentences with line numbers.
  public var problems: [String] = []
  /// The codes that its marks named and that came, as errors of the language or the library; what the script raised itself
  /// counts as `raised` alone.
  public var codes: Set<String> = []
  /// Why it was not run.
  public var skipped: String?
  public var isSuccess: Bool { problems.isEmpty }
}

public enum ScriptRunner {
  private enum Mark {
    case output(String)
    case near(Double, tolerance: Double)
    case error(code: String?, message: String?, line: Int)
    case exit(Int)
    case skip(String)
  }

  /// Runs a script in a session made for it; the session's output is replaced.
  public static func run(
    _ text: String, name: String, folder: String? = nil, session makeSession: () -> Session
  ) -> ScriptReport {
    var report = ScriptReport(name: name)
    let marks = marks(in: text)
    for case .skip(let reason) in marks.map(\.mark) {
      report.skipped = reason
      return report
    }
    let session = makeSession()
    let output = CollectedOutput()
    session.output = output
    session.refuseInput(in: "a test")
    let result = session.evaluate(printing(text), name: name, folder: folder)
    checkOutput(output.text, marks, &report)
    checkEnd(result, marks, &report)
    if !report.isSuccess {
      report.tests.failed += 1
    } else if !marks.isEmpty || session.tests.isEmpty {
      report.tests.passed += 1
    }
    for test in session.tests {
      do {
        _ = try session.invoke(test.body)
        report.passed += 1
        report.tests.passed += 1
      } catch {
        report.tests.failed += 1
        report.problems.append("\(report.name):\(session.describe(error, in: "test \"\(test.name)\""))")
      }
    }
    return report
  }

  // MARK: Reading marks

  private static func marks(in text: String) -> [(mark: Mark, line: Int)] {
    var found: [(Mark, Int)] = []
    for (index, line) in lines(text).enumerated() {
      guard let comment = comment(of: line) else { continue }
      if let mark = mark(comment, line: index + 1) { found.append((mark, index + 1)) }
    }
    return found
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// What stands after the last `# ` that begins a mark.
  private static func comment(of line: Substring) -> String? {
    if line.drop(while: { $0 == " " }).hasPrefix("##") { return nil }  // the example of a doc comment
    for word in ["# expect", "# skip:"] {
      if let range = lastRange(of: word, in: line) { return String(line[range].dropFirst(2)) }
    }
    return nil
  }

  private static func lastRange(of word: String, in line: Substring) -> Range<Substring.Index>? {
    var at = line.endIndex
    while at > line.startIndex {
      at = line.index(before: at)
      if line[at...].hasPrefix(word) { return at..<line.endIndex }
    }
    return nil
  }

  private static func mark(_ comment: String, line: Int) -> Mark? {
    func rest(_ prefix: String) -> String? {
      comment.hasPrefix(prefix) ? String(comment.dropFirst(prefix.count)).trimmed : nil
    }
    if let reason = rest("skip:") { return .skip(reason) }
    if let text = rest("expect near:") {
      let parts = text.split(separator: "±").map { String($0).trimmed }
      let words = parts.last?.split(separator: " ").first.map(String.init) ?? ""
      guard parts.count == 2, let value = Double(parts[0]), let tolerance = Double(words) else { return nil }
      return .near(value, tolerance: tolerance)
    }
    if let text = rest("expect error line"), let wanted = Int(text) {
      return .error(code: nil, message: nil, line: wanted)
    }
    if let text = rest("expect error:") {
      let parts = text.split(separator: ":", maxSplits: 1).map { String($0).trimmed }
      return .error(code: parts.first, message: parts.count > 1 ? parts[1] : nil, line: line)
    }
    if let text = rest("expect exit"), let status = Int(text) { return .exit(status) }
    if comment == "expect:" { return .output("") }
    if comment.hasPrefix("expect: ") { return .output(String(comment.dropFirst(8))) }
    return nil
  }

  /// A bare expression on a line with `expect near` is printed.
  private static func printing(_ text: String) -> String {
    lines(text).map { line in
      guard let mark = lastRange(of: "# expect near:", in: line), !line.contains("print(") else { return String(line) }
      return "print(\(String(line[..<mark.lowerBound]).trimmed)) \(line[mark])"
    }.joined(separator: "\n")
  }

  // MARK: Checking

  private static func checkOutput(_ text: String, _ marks: [(mark: Mark, line: Int)], _ report: inout ScriptReport) {
    var printed = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if printed.last == "" { printed.removeLast() }
    var at = 0
    var expectsOutput = false
    for (mark, line) in marks {
      let expected: String
      switch mark {
      case .output(let text): expected = text
      case .near(let value, let tolerance): expected = "\(value) ± \(tolerance)"
      case .error, .exit, .skip: continue
      }
      expectsOutput = true
      guard at < printed.count else {
        report.problems.append("\(report.name):\(line): expected \"\(expected)\", but nothing more was printed")
        continue
      }
      if matches(printed[at], mark) {
        report.passed += 1
      } else {
        report.problems.append("\(report.name):\(line): expected \"\(expected)\", got \"\(printed[at])\"")
      }
      at += 1
    }
    if expectsOutput, at < printed.count {
      report.problems.append("\(report.name): printed more than expected: \"\(printed[at])\"")
    }
  }

  private static func matches(_ line: String, _ mark: Mark) -> Bool {
    switch mark {
    case .output(let expected): return line == expected
    case .near(let value, let tolerance):
      guard let number = Double(line.trimmed) else { return false }
      return abs(number - value) <= tolerance
    case .error, .exit, .skip: return true
    }
  }

  private static func checkEnd(
    _ result: Result<Value, Failure>, _ marks: [(mark: Mark, line: Int)], _ report: inout ScriptReport
  ) {
    var isExpected = false
    for (mark, line) in marks {
      switch mark {
      case .error(let code, let message, let wantedLine):
        isExpected = true
        guard case .failure(let failure) = result else {
          report.problems.append("\(report.name):\(line): expected the error \(code ?? ""), but there was none")
          continue
        }
        checkFailure(failure, code, message, wantedLine, &report)
      case .exit(let status):
        isExpected = true
        let got: Int
        switch result {
        case .success: got = 0
        case .failure(let failure): got = Int(ExitRequest.status(of: failure.fault) ?? 1)
        }
        if got == status {
          report.passed += 1
        } else {
          report.problems.append("\(report.name):\(line): expected exit status \(status), got \(got)")
        }
      case .output, .near, .skip: break
      }
    }
    if case .failure(let failure) = result, !isExpected {
      report.problems.append("\(report.name):\(failure.line): \(failure.fault.code): \(failure.fault.description)")
    }
  }

  /// The line of the script: of an error in a module it used, the line of the call or the `use` that led there.
  private static func place(of failure: Failure, in name: String) -> Int? {
    let places = [(failure.file, failure.span)] + failure.trace.map { ($0.file, $0.span) }
    return (places.first { $0.0.name == name } ?? places.last).map { $0.0.position($0.1.start).line }
  }

  private static func checkFailure(
    _ failure: Failure, _ code: String?, _ message: String?, _ line: Int, _ report: inout ScriptReport
  ) {
    let fault = failure.fault
    if let code, fault.code != code {
      report.problems.append("\(report.name):\(line): expected the error \(code), got \(fault.code): \(fault.message)")
    } else if let message, !fault.description.contains(message) {
      report.problems.append(
        "\(report.name):\(line): the message \"\(fault.description)\" does not contain \"\(message)\"")
    } else if let came = place(of: failure, in: report.name), came != line {
      report.problems.append("\(report.name):\(line): the error \(fault.code) came in line \(came)")
    } else {
      report.passed += 1
      if let code, !failure.isRaised || code == "raised" { report.codes.insert(code) }
    }
  }
}

extension Session {
  /// A fault with its place, for one line of a report.
  public func describe(_ error: any Error) -> String {
    guard let fault = error as? Fault else { return "\(error)" }
    return (line(of: fault).map { "line \($0): " } ?? "") + fault.description
  }

  /// A fault with its line, and below it what there is to say of it.
  fileprivate func describe(_ error: any Error, in place: String) -> String {
    guard let fault = error as? Fault else { return " \(place): \(error)" }
    let words = [fault.message] + fault.notes + (fault.help.map { ["try: \($0)"] } ?? [])
    return (line(of: fault).map { "\($0): " } ?? " ") + "\(place): " + words.joined(separator: "\n    ")
  }

  /// Where the fault was thrown; asked once.
  private func line(of fault: Fault) -> Int? {
    defer { machine.pending = nil }
    guard let known = machine.pending, known.fault == fault, let file = known.file else { return nil }
    return file.text[..<min(Int(known.site.from), file.text.count)].count { $0 == 10 } + 1
  }
}
