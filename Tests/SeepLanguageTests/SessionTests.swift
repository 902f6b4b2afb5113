// What a session promises to shells: failures leave a whole session, limits hold, draws can be repeated.
import Ground
import SeepLanguage
import Testing

#if canImport(Glibc)
  import Glibc
#endif

private func value(_ session: Session, _ text: String) throws -> Value {
  switch session.evaluate(text, name: "test") {
  case .success(let value): return value
  case .failure(let failure): throw failure.fault
  }
}

private func failure(_ session: Session, _ text: String) -> Failure? {
  if case .failure(let failure) = session.evaluate(text, name: "test") { return failure }
  return nil
}

extension LanguageTests {
  @Suite("Session", .serialized)
  struct SessionTests {
    let session = Session(library: CoreLibrary.library)

    @Test("a rolled back statement leaves variables and draws as they were") func rollback() throws {
      _ = try value(session, "var x = [1, 2]\nlet y = 1")
      let key = session.random
      let before = session.snapshot()
      #expect(failure(session, "x[0] = 9\nlet z = 5\nvar y = 7\n1 / 0")?.fault.code == "division-by-zero")
      _ = session.nextKey(for: "noise")
      session.rollback(to: before)
      #expect(session.display(try value(session, "x")) == "[1, 2]")
      #expect(try value(session, "y").asInt == 1)
      #expect(failure(session, "z")?.fault.code == "unknown-name")
      #expect(session.random == key)
    }

    @Test("draws depend on seed, purpose and turn") func draws() {
      var a = RandomState(seed: 3)
      var b = RandomState(seed: 3)
      let first = a.nextKey(for: "noise")
      #expect(first == b.nextKey(for: "noise"))
      #expect(first != a.nextKey(for: "noise"))
      #expect(first != b.nextKey(for: "init"))
      #expect(a.nextKey(for: "init") != b.nextKey(for: "noise"))
      var c = RandomState(seed: 4)
      #expect(first != c.nextKey(for: "noise"))
    }

    @Test(
      "an endless loop stops when asked to, and the session goes on",
      arguments: [
        "while true { }", "fn f() { while true { try { } catch e { } } }\nf()", "for i in 0..1000000000000 { i }",
        "fn g(n) { if n > 0 { g(n - 1) }; g(100) }\ntry { g(100) } catch e { }\nwhile true { }",
        "map(0..100000000, x => x)", "while true { continue }", "while true { if true { continue } }",
      ])
    func interrupt(_ text: String) throws {
      let thread = UnsafeMutablePointer<pthread_t>.allocate(capacity: 1)
      defer { thread.deallocate() }
      pthread_create(
        thread, nil,
        { _ in
          usleep(50_000)
          Interrupt.request()
          return nil
        }, nil)
      let clock = ContinuousClock()
      let start = clock.now
      let failed = failure(session, text)
      pthread_join(thread.pointee, nil)
      Interrupt.clear()
      #expect(failed?.fault == .interrupted)
      #expect(clock.now - start < .seconds(2))
      #expect(try value(session, "1 + 1").asInt == 2)
    }

    @Test(
      "recursion ends in an error and leaves the session whole",
      arguments: [
        "fn f(n) { 1 + f(n) }\nf(0)", "fn f(n) { map([n], f) }\nf(0)",
        "fn f(n) { sorted([2, 1], by: x => f(x)) }\nf(0)",
        "let c = (x => d(x)) >> (x => x)\nfn d(x) { c(x) }\nd(1)",
      ])
    func recursion(_ text: String) throws {
      for _ in 0..<3 { #expect(failure(session, text)?.fault.code == "recursion-too-deep") }
      #expect(try value(session, "2 + 2").asInt == 4)
    }

    @Test("ten thousand frames are allowed") func depth() throws {
      let sum = try value(session, "fn f(n) { if n == 0 { 0 } else { n + f(n - 1) } }\nf(10000)")
      #expect(sum.asInt == 50_005_000)
    }

    @Test(
      "source nested deeply is refused, not crashed on",
      arguments: [
        "(", "[", "-", "x => ", "{a: ", "f(", "match 1 {[", "not ", "fn f() { ", "test \"x\" { ", "defer ",
        "match 1 {_ => ",
        "if true { ", "while true { ", "for i in 0..1 { ", "{;", "let [", "let (", "let {a: ", "let [...[",
        "for [", "try {} catch [", "((",
      ])
    func deepSource(_ opening: String) {
      #expect(failure(session, String(repeating: opening, count: 200_000)) != nil)
      #expect(failure(session, "1 +" + String(repeating: "1 + ", count: 200_000) + "x") != nil)
    }

    @Test(
      "patterns nested deeply are refused",
      arguments: [
        ("let ", "["), ("let ", "("), ("let ", "{a: "), ("for ", "["), ("try {} catch ", "["), ("match 1 {", "["),
      ])
    func deepPattern(_ before: String, _ opening: String) {
      let failed = failure(session, before + String(repeating: opening, count: 100_000))
      #expect(failed?.fault.code == "nested-too-deep")
      #expect(failed?.others.isEmpty == true)
      #expect(session.findings(in: before + String(repeating: opening, count: 100_000), name: "x").count == 1)
    }

    @Test("parameters nested deeply are refused") func deepParameters() {
      let text = String(repeating: "(", count: 100_000) + "a" + String(repeating: ")", count: 100_000) + " => 1"
      #expect(failure(session, text)?.fault.code == "nested-too-deep")
    }

    @Test("thousands of `else if`s are one `if`") func longIf() throws {
      let arms = (0..<9_000).map { "if x == \($0) { \($0) }" }.joined(separator: " else ")
      let text = "let x = 8_999\n" + arms + " else { -1 }"
      #expect(try value(session, text).asInt == 8_999)
      #expect(session.findings(in: text, name: "x").isEmpty)
    }

    @Test("a check of a large text takes time in proportion to it") func linearCheck() {
      let clock = ContinuousClock()
      func seconds(_ count: Int) -> Double {
        let text = (0..<count).map { "unknown_\($0)(1)" }.joined(separator: "\n")
        let time = clock.measure { for one in session.findings(in: text, name: "x").prefix(count) { _ = one.text } }
        return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
      }
      _ = seconds(1_000)
      #expect(seconds(20_000) < 2)
    }

    @Test("a composition may grow in a loop") func longComposition() throws {
      let text = "var f = x => x\nfor i in 0..100_000 { f = f >> (x => x + 1) }\nf(1)"
      #expect(try value(session, text).asInt == 100_001)
    }

    @Test("a byte order mark is no part of the text; its line has the same columns") func byteOrderMark() throws {
      #expect(try value(session, "\u{FEFF}1 + 1").asInt == 2)
      #expect(failure(session, "\u{FEFF}1 + nothing_there")?.column == 5)
    }

    @Test("values nested a million deep come and go") func nesting() throws {
      _ = try value(session, "var x = {}\nfor i in 0..1000000 { x = {next: x, items: (x,)} }")
      _ = try value(session, "x = none\nvar f = x => x\nfor i in 0..300000 { let g = f; f = x => g(x) }\nf = none")
    }

    @Test("errors say where, and through which calls") func places() throws {
      let failed = try #require(
        failure(session, "fn inner(x) { x + \"a\" }\nfn outer(x) { inner(x) }\nlet y = outer(2)"))
      #expect(failed.line == 1)
      #expect(failed.column == 15)
      #expect(failed.span == Span(14, 21))
      #expect(failed.argumentSpans == [Span(14, 15), Span(18, 21)])
      #expect(failed.trace.map(\.function) == ["inner", "outer"])
      #expect(failed.fault.operands[0] == "int 2")
    }

    @Test("an error of a builtin names the guilty argument") func guilty() throws {
      let failed = try #require(failure(session, "join([1], by: 3)"))
      #expect(failed.fault.argument == 1)
      #expect(failed.argumentSpans[1] == Span(14, 15))
    }

    @Test(
      "the text of an error shows the line and underlines",
      arguments: [
        (
          "let größe = 1\nprint(größe + \"a\")",
          """
          error[type-mismatch]: `+` does not work on an int and a string
            ┌─ test:2:7
          1 │ let größe = 1
            │             ─ `größe` is made here
          2 │ print(größe + "a")
            │       ───── ^ ─── string "a"
            │       int 1
            = try: put the value into the string: "text {value}"
          """
        ),
        (
          "fn f(a) { upper(a) }\nf(3)",
          """
          error[type-mismatch]: `text` of `upper` must be a string, not an int
            ┌─ test:1:17
          1 │ fn f(a) { upper(a) }
            │                 ^ int 3
          2 │ f(3)
            │   ─ `a` is given here
            = in `f`, called at test:2:1
          """
        ),
        (
          "(1 +",
          """
          error[syntax]: an expression is expected
            ┌─ test:1:5
          1 │ (1 +
            │     ^
          """
        ),
      ])
    func text(_ program: String, _ expected: String) throws {
      #expect(try #require(failure(session, program)).text == expected)
    }

    @Test("the last value is kept") func lastValue() throws {
      _ = try value(session, "3 * 4")
      #expect(try value(session, "_ + 1").asInt == 13)
      _ = try value(session, "let x = 1")
      #expect(session.lastValue.asInt == 13)
    }

    @Test("check reports without running and without binding") func check() {
      #expect(session.check("let fresh = 1\nprint(fresh)", name: "test") == nil)
      #expect(session.check("print(nowhere)", name: "test")?.fault.code == "unknown-name")
      #expect(session.lookup("fresh") == nil)
    }

    @Test("shared containers are not changed behind a value's back") func aliasing() throws {
      let kept = try value(session, "var xs = [1, 2, 3]\nxs")
      _ = try value(session, "xs[0] = 100\nxs += [4]")
      #expect(session.display(kept) == "[1, 2, 3]")
      #expect(session.display(try value(session, "xs")) == "[100, 2, 3, 4]")
    }
    @Test("60,000 values at once are the limit of a function") func tooLarge() {
      let bindings = (0...60_000).map { "  let x\($0) = 1" }.joined(separator: "\n")
      let session = Session(library: CoreLibrary.library)
      guard case .failure(let failure) = session.evaluate("let a = 1\nfn f() {\n\(bindings)\n}", name: "test") else {
        Issue.record("it runs")
        return
      }
      #expect(failure.fault.code == "function-too-large")
      #expect(failure.line == 2)
    }

    @Test("what is no fault of a program's is an internal error") func accident() {
      struct Accident: Error {}
      let odd = Builtin("odd()", "Fails.") { _ in throw Accident() }
      guard case .failure(let failure) = Session(library: Library([odd])).evaluate("odd()", name: "test") else {
        Issue.record("it runs")
        return
      }
      #expect(failure.fault.code == "internal-error")
    }
  }
}
