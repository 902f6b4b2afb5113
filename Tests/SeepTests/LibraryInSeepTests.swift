// The library written in Seep: its own tests, and its names as help shows them.
import Foundation
import Ground
import SeepLanguage
import SeepLibrary
import Testing

@Suite("library in Seep", .serialized) struct LibraryInSeepTests {
  private static let folder = Home.folder ?? ""
  static let files: [String] = {
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".seep") }.sorted()
  }()

  private func session() -> Session {
    let session = Session(library: SeepLibrary.library)
    session.modulePath.append(LibraryInSeepTests.folder)
    return session
  }

  @Test("the tests of each file hold", arguments: files) func file(name: String) throws {
    let path = LibraryInSeepTests.folder + "/" + name
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let report = ScriptRunner.run(text, name: name, session: session)
    for problem in report.problems { Issue.record("\(name): \(problem)") }
    #expect(report.passed > 0, "\(name) has no tests")
  }

  @Test("a name written in Seep has a signature, help and an example before it is called") func heading() throws {
    let dlg = try #require(SeepLibrary.library.builtins.last { $0.name == "dlg" })
    #expect(dlg.signature.text == "dlg(steps: 300, restarts: 5, lr: 1.0, adapt: \"known\")")
    #expect(dlg.documentation.contains("Zhu"))
    #expect(dlg.example.contains("# expect: dlg()"))
    let session = session()
    let output = CollectedOutput()
    session.output = output
    _ = try session.evaluate("help(dlg)\nhelp(\"idlg\")", name: "help").get()
    #expect(output.text.contains("dlg(steps: 300") && output.text.contains("idlg(steps: 300"))
  }

  @Test("a module's tests run when it is the script, not when it is used") func moduleTests() throws {
    let session = session()
    _ = try session.evaluate("use attacks.dlg\ntest \"own\" { assert true }", name: "use").get()
    #expect(session.tests.map(\.name) == ["own"])
  }

  @Test("an interrupted attack gives its best; without one it is interrupted") func interrupted() throws {
    /// Stops at the third report, as Ctrl-C would.
    final class Stop: ProgressSink {
      var reports = 0
      func report(_ report: ProgressReport) {
        reports += 1
        if reports == 3 { Interrupt.request() }
      }
      func finish(_ name: String) {}
    }
    defer { Interrupt.clear() }
    let session = session()
    let stop = Stop()
    session.progress = stop
    let prepare = """
      let (x, y) = dataset("digits").private[0]
      let net = lenet()
      let shared = share(net, x, y)
      fn endless(shared, model) {
        var step = 0
        while true {
          step += 1
          if step < 1000 { report(full([1, 28, 28], 1 / step), loss: 1 / step, done: step) }
        }
      }
      """
    _ = try session.evaluate(prepare, name: "prepare").get()
    let best = try session.evaluate(
      "let leak = endless.run(shared, net)\n(leak.interrupted, leak.history)", name: "run"
    ).get()
    #expect(session.display(best) == "(true, [1.0, 0.5, 0.3333333333333333])")
    #expect(!Interrupt.isRequested)

    // One attack within another: the outer one stops as well, with what the inner one found.
    stop.reports = 0
    let nested = try session.evaluate(
      "let outer = run((s, m) => { run(endless, s, m); raise \"not reached\" }, shared, net)\n(outer.interrupted, outer.loss)",
      name: "nested"
    ).get()
    #expect(session.display(nested) == "(true, 0.3333333333333333)")

    // dlg, in the middle of a step of L-BFGS.
    stop.reports = 0
    let found = try session.evaluate(
      "let found = dlg().run(shared, net)\n(found.interrupted, len(found.history))", name: "dlg"
    )
    .get()
    #expect(session.display(found) == "(true, 3)")

    // Nothing reported: the interrupt goes on.
    stop.reports = 2
    let failed = session.evaluate(
      "run((s, m) => { progress(1, 2); while true {} }, shared, net)", name: "nothing")
    guard case .failure(let failure) = failed else {
      Issue.record("it went on")
      return
    }
    #expect(failure.fault == .interrupted)
  }
}
