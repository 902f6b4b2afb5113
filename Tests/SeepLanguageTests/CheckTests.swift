// What `seep check` finds without running.
import SeepLanguage
import Testing

extension LanguageTests {
  @Suite("check") struct CheckTests {
    private func findings(_ text: String) -> [String] {
      Session(library: CoreLibrary.library).findings(in: text, name: "test").map {
        "\($0.severity) \($0.fault.code) \($0.line)"
      }
    }

    @Test(
      "errors",
      arguments: [
        ("let = 1\nlet x = ) 2", ["error syntax 1", "error syntax 2"]),
        ("prnt(1)\nnowhere", ["error unknown-name 1", "error unknown-name 2"]),
        ("print(\"{nowhere:.3}\")", ["error unknown-name 1"]),
        ("fn f() { g() }\nfn g() { later }\nlet later = 1\nf()", []),
        ("xs = [1]", ["error unknown-name 1"]),
        ("let x = 1\nx = 2\nprint(x)", ["error not-assignable 2"]),
        ("print = 1", ["error not-assignable 1"]),
        ("var x = 1\nx += 1\nprint(x)", []),
        ("break", ["error misplaced 1"]),
        ("while true { (() => { break })() }", ["error misplaced 1"]),
        ("return 1", ["error misplaced 1"]),
        ("test \"t\" { return }", []),
        // Scopes end.
        ("if true { let a = 1; print(a) }\nprint(a)", ["error unknown-name 2"]),
        ("for i in 0..3 { }\nprint(i)", ["error unknown-name 2"]),
        ("match 3 { n if n > 2 => n, [a, ...rest] => a + len(rest), {k: v} => v, _ => n }", ["error unknown-name 1"]),
        ("try { raise 1 } catch e { print(e) }\nprint(e)", ["error unknown-name 2"]),
        ("fn f() {\n  let a = g()\n  fn g() { 1 }\n  a\n}\nf()", []),
      ])
    func errors(_ text: String, _ expected: [String]) { #expect(findings(text) == expected) }

    @Test(
      "calls",
      arguments: [
        ("upper()", ["error missing-argument 1"]),
        ("upper(\"a\", 2)", ["error surplus-argument 1"]),
        ("upper(text: \"a\")", []),
        ("upper(txt: \"a\")", ["error unknown-argument 1"]),
        ("\"a\" |> upper", []),
        ("\"a\" |> upper(1)", ["error surplus-argument 1"]),
        (
          "fn f(a, b = 1) { a + b }\nf()\nf(1, 2)\nf(1, 2, 3)",
          ["error missing-argument 2", "error surplus-argument 4"]
        ),
        (
          "fn f(a, b = 1) { a + b }\nf(1, c: 2)\nf(1, a: 2)",
          ["error unknown-argument 2", "error argument-given-twice 3"]
        ),
        ("fn f(a, rest..., k = 1) { [a, rest, k] }\nf(1, 2, 3, 4, k: 5)\nf()", ["error missing-argument 3"]),
        ("let f = x => x\nf(1, 2)", ["error surplus-argument 2"]),
        ("fn f((a, b)) { a + b }\nf((1, 2))\nf(1, 2)", ["error surplus-argument 3"]),
        // What may be another function is not judged.
        ("var f = x => x\nf = (a, b) => a + b\nf(1, 2)", []),
        ("fn f(a) { a }\nfn f(a, b) { a + b }\nf(1, 2)", []),
        ("let upper = (a, b) => a + b\nupper(1, 2)", ["note hides-builtin 1"]),
        ("fn g(f) { f(1, 2, 3) }\nfn f(a) { a }\ng(f)", []),
        // A field may have the name.
        ("let r = {upper: (a, b) => a + b}\nr.upper(1, 2)", []),
        // What fails inside of `try` may be meant to.
        ("try { upper() } catch e { print(e) }", ["warning missing-argument 1"]),
      ])
    func calls(_ text: String, _ expected: [String]) { #expect(findings(text) == expected) }

    @Test(
      "warnings and notes",
      arguments: [
        ("let x = 1\nprint(2)", ["warning unused-name 1"]),
        ("let _x = 1\nprint(2)", []),
        ("let x = 1", []),  // a module's name is for others
        ("fn f(a, _b) { let c = 1\n 2 }\nf(1, 2)", ["warning unused-name 1", "warning unused-name 1"]),
        ("let (a, b) = (1, 2)\nprint(a)", ["warning unused-name 1"]),
        ("var n = 0\nn += 1\nprint(1)", ["warning unused-name 1"]),
        ("for i in 0..3 { print(1) }", []),
        ("let n = 2\nprint(\"{n + 1}\")", []),
        ("let f = x => y => x + y\nprint(f(1)(2))", []),
        ("fn f(max) { max }\nprint(f(1))", ["note hides-builtin 1"]),
        ("let xs = [1]\nprint(xs.len())\nlet len = 2\nprint(len)", ["note hides-builtin 3"]),
      ])
    func warnings(_ text: String, _ expected: [String]) { #expect(findings(text) == expected) }

    @Test(
      "what is not reached",
      arguments: [
        ("fn f() {\n  return 1\n  print(2)\n}\nf()", ["warning unreachable-code 3"]),
        ("fn f() {\n  return g()\n  fn g() => 1\n}\nf()", []),
        ("fn f() {\n  return g()\n  fn g() => 1\n  print(3)\n}\nf()", ["warning unreachable-code 4"]),
        ("fn f(x) {\n  if x { return 1 }\n  print(2)\n}\nf(true)", []),
        ("for i in 0..3 {\n  if i == 1 { break }\n  continue\n  print(i)\n}", ["warning unreachable-code 4"]),
        ("raise 1\nprint(2)", ["warning unreachable-code 2"]),
        ("print(match 3 { n => n, 0 => 1 })", ["warning unreachable-case 1"]),
        ("print(match 3 {\n  1 | 2 => 0\n  2 | 1.0 => 1\n  2 | 3 => 2\n  _ => 3\n})", ["warning unreachable-case 3"]),
        ("print(match 3 {\n  1 if time() > 0 => 0\n  1 => 1\n  n if n > 2 => 2\n  _ => 3\n})", []),
        ("print(match \"a\" { \"a\" => 0, 1 => 1, \"a\" => 2, true | _ => 3 })", ["warning unreachable-case 1"]),
        (
          "print(match -1 {\n  -1 => 0\n  -1 => 1\n  0..3 => 2\n  0..3 => 3\n  [a] => a\n})",
          ["warning unreachable-case 3"]
        ),
      ])
    func unreachable(_ text: String, _ expected: [String]) { #expect(findings(text) == expected) }

    @Test("the text of a finding, with what to write instead") func text() {
      let session = Session(library: CoreLibrary.library)
      let found = session.findings(in: "let total = 1\nprint(totl + totl)", name: "test")
      #expect(
        found.map(\.text) == [
          """
          error[unknown-name]: there is no `totl` here
            ┌─ test:2:7
          2 │ print(totl + totl)
            │       ^^^^
            = `totl` stands once more further down.
            = try: total
          """
        ])
      #expect(session.lookup("total") == nil)
    }
  }
}
