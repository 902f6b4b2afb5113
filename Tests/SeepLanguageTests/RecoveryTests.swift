// Several syntax errors in one run.
import SeepLanguage
import Testing

extension LanguageTests {
  @Suite("syntax errors") struct RecoveryTests {
    private func errors(_ text: String) -> [String] {
      let session = Session(library: CoreLibrary.library)
      guard case .failure(let first) = session.evaluate(text, name: "test") else { return [] }
      return ([first] + first.others).map { "\($0.line):\($0.column)" }
    }

    @Test(
      "places in order",
      arguments: [
        ("let = 1\nlet x = 2\nlet y = ) 3", ["1:5", "3:9"]),
        ("fn f() {\n  let = 1\n  let b = * 2\n}\nlet = 5", ["2:7", "3:11", "5:5"]),
        // What a mistake leaves behind is not reported again.
        ("if a = 3 {\n  print(1)\n} else {\n  print(2)\n}\nlet = 1", ["1:6", "6:5"]),
        ("if true\n  print(1)\n}\nlet = 1", ["2:3", "4:5"]),
        ("def f(x):\n  return x\nlet = 1", ["1:1", "3:5"]),
        // An open bracket does not swallow the statements after it.
        ("let x = (1 +\nlet y = 2\nlet = 1", ["2:1", "3:5"]),
        ("fn f() {\n  g([1, 2\n  let = 2\n}\nlet = 3", ["2:5", "3:7", "5:5"]),
        // Characters and strings that cannot be read.
        ("print(\"abc\nlet c = 1 ? 2\nlet d = \"a\\q\" + 1\nlet = 2", ["1:7", "2:11", "3:11", "4:5"]),
        ("let a = \"{1 +}\"\nlet = 1\nlet c = 99999999999999999999", ["1:14", "2:5", "3:9"]),
        // Of all that is open at the end, the innermost.
        ("fn f() {\n  if true {\n    let x = (1", ["3:13"]),
        ("match 1 {\n  1 => 2 3 4\n}\nlet = 1", ["2:12", "4:5"]),
        ("let a = 1; let = 2; let = 3\nlet = 4", ["1:16", "1:25", "2:5"]),
        ("}\n}\nlet x = 1", ["1:1"]),
      ])
    func places(_ text: String, _ expected: [String]) { #expect(errors(text) == expected) }

    @Test("at most twenty") func limit() {
      #expect(errors(String(repeating: "let = 1\n", count: 1000)).count == 20)
      #expect(errors(String(repeating: "$\n", count: 1000)).count == 20)
    }

    @Test("all are shown, each with its line") func shown() throws {
      guard case .failure(let first) = Session().evaluate("let = 1\nlet b = ) 2", name: "test") else {
        Issue.record("it runs")
        return
      }
      #expect(
        first.text == """
          error[syntax]: an expression is expected
            ┌─ test:1:5
          1 │ let = 1
            │     ^
          error[syntax]: an expression is expected
            ┌─ test:2:9
          2 │ let b = ) 2
            │         ^
          """)
    }

    @Test(
      "what another line can mend",
      arguments: [
        ("fn f() {", true), ("(1 +", true), ("let x =", true), ("let = 1\nfn f() {", false), ("\"{1 +}\"", false),
        ("if true {\n  let = 1", false), ("foo(1 2", false),
      ])
    func completeness(_ text: String, _ isIncomplete: Bool) {
      let found = Session().completeness(of: text)
      if isIncomplete { #expect(found == .incomplete) } else { #expect(found == .invalid) }
    }
  }
}
