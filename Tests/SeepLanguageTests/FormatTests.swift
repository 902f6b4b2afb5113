// What `seep fmt` writes.
import SeepLanguage
import Testing

extension LanguageTests {
  @Suite("format") struct FormatTests {
    private let session = Session(library: CoreLibrary.library)

    private func formatted(_ text: String) throws -> String {
      let once = try session.formatted(text, name: "test").get()
      #expect(try session.formatted(once, name: "test").get() == once, "twice is not the same: \(once)")
      #expect(session.syntaxTree(of: once) == session.syntaxTree(of: text))
      return once
    }

    @Test(
      "blanks in a line",
      arguments: [
        ("let x=1+2*3", "let x = 1 + 2 * 3"),
        ("f( a ,b:2 , [ 1,2 ] )", "f(a, b: 2, [1, 2])"),
        ("f (x) [ 0 ] . y", "f(x)[0].y"),
        ("x . f (1)", "x.f(1)"),
        ("let r={a:1 , b : {c:2}}", "let r = {a: 1, b: {c: 2}}"),
        ("let r = { }", "let r = {}"),
        ("r with{lr:0.1}", "r with {lr: 0.1}"),
        ("if x{y}else{z}", "if x { y } else { z }"),
        ("for (a,b) in[1]{ }", "for (a, b) in [1] {}"),
        ("x|>f>>g", "x |> f >> g"),
        ("x=>x ^ 2", "x => x^2"),
        ("(a,b)=>- a", "(a, b) => -a"),
        ("let y = - x^ - 2 - -3", "let y = -x^-2 - -3"),
        ("t[0,:,1 .. 3]", "t[0, :, 1..3]"),
        ("t[: , .. 3, 2 ..]", "t[:, ..3, 2..]"), ("[.. ..2]", "[.. ..2]"),
        ("0 ..=n-1", "0..=n - 1"),
        ("not a and not(b)", "not a and not (b)"),
        ("x not  in xs", "x not in xs"),
        ("let [a,...rest]=xs", "let [a, ...rest] = xs"),
        ("fn f(a, rest ..., k=1){a}", "fn f(a, rest..., k = 1) { a }"),
        ("let {a,b : [c]}=r", "let {a, b: [c]} = r"),
        ("match x{1|2=>a,{k:v}if v=>b,_=>{ }}", "match x { 1 | 2 => a, {k: v} if v => b, _ => {} }"),
        ("try{f()}catch e{g(e)}", "try { f() } catch e { g(e) }"),
        ("(x,)", "(x,)"), ("a;b ;c", "a; b; c"), ("x+=1", "x += 1"), ("x=- 1", "x = -1"),
        ("a<b", "a < b"), ("a//b%c@d", "a // b % c @ d"), ("use \"a.seep\"as b", "use \"a.seep\" as b"),
        ("use attacks . dlg", "use attacks.dlg"),
        ("test\"n\"{assert 1==1,\"m\"}", "test \"n\" { assert 1 == 1, \"m\" }"),
        ("let fn_ = fn (x){x}", "let fn_ = fn(x) { x }"),
        ("return_( { } )", "return_({})"), ("\"{ x  :>5}\"  +  \"a  b\"", "\"{ x  :>5}\" + \"a  b\""),
        ("1 .. 2", "1..2"), ("1.5 .. 2.5", "1.5..2.5"), ("x . with", "x.with"), ("[ - 1,- x]", "[-1, -x]"),
        ("{ a: 1 }.a", "{a: 1}.a"), ("a  #  b", "a  #  b"), ("let a=1#b", "let a = 1  #b"),
      ])
    func line(_ text: String, _ expected: String) throws { #expect(try formatted(text) == expected + "\n") }

    @Test(
      "indents and lines",
      arguments: [
        ("\n\n\na\n\n\n\nb\n\n", "a\n\nb\n"),
        ("", ""), ("\n\n", ""), ("# only", "# only\n"), ("a   \r\nb\t\r\n", "a\nb\n"),
        ("fn f(x) {\nlet y = x\n      y\n}", "fn f(x) {\n  let y = x\n  y\n}\n"),
        ("x\n|> f\n|> g(y => {\ny\n})\n|> h\nz", "x\n  |> f\n  |> g(y => {\n    y\n  })\n  |> h\nz\n"),
        ("let net =\nconv(1) >>\nrelu\n>> dense(2)", "let net =\n  conv(1) >>\n  relu\n  >> dense(2)\n"),
        ("f(\na,\nb: [\n1,\n2\n],\n)", "f(\n  a,\n  b: [\n    1,\n    2\n  ],\n)\n"),
        ("f({\na: 1,\nb: 2\n})", "f({\n  a: 1,\n  b: 2\n})\n"),
        ("f(a,\nb +\nc,\nd\n|> e)", "f(a,\n  b +\n    c,\n  d\n    |> e)\n"),
        ("let x = (a +\nb)", "let x = (a +\n  b)\n"),
        ("if a {\nb\n} else if c {\nd\n}\nelse {\ne\n}", "if a {\n  b\n} else if c {\n  d\n}\nelse {\n  e\n}\n"),
        (
          "match x {\n1 => {\na\n}\n2 =>\nb\n_ => c\n}", "match x {\n  1 => {\n    a\n  }\n  2 =>\n    b\n  _ => c\n}\n"
        ),
        ("try {\na\n}\ncatch e {\nb\n}", "try {\n  a\n}\ncatch e {\n  b\n}\n"),
        // A minus that begins a line begins a statement, save in brackets.
        ("a\n- b\n(c\n- d)", "a\n-b\n(c\n  - d)\n"),
      ])
    func lines(_ text: String, _ expected: String) throws { #expect(try formatted(text) == expected) }

    @Test(
      "comments",
      arguments: [
        ("fn f() {\n# one\na # two\n# three\n}\n# four", "fn f() {\n  # one\n  a  # two\n  # three\n}\n# four\n"),
        ("x\n# why\n|> f", "x\n  # why\n  |> f\n"),
        ("f(\n# one\na, # two\n# three\n)", "f(\n  # one\n  a,  # two\n  # three\n)\n"),
        ("    ## help\n    ##\n    ##   code\nfn f() { 1 }", "## help\n##\n##   code\nfn f() { 1 }\n"),
        // Comments that stood in one column stand in one column.
        (
          "let a=1     # one\nlet bcd = 2 # two\n\nx   # three",
          "let a = 1    # one\nlet bcd = 2  # two\n\nx  # three\n"
        ),
        ("let a=1 # one\nlet bcd = 2 # two", "let a = 1  # one\nlet bcd = 2  # two\n"),
        ("let a = 1   # one\n            # more\nb", "let a = 1  # one\n           # more\nb\n"),
        ("größe      # one\nb          # two", "größe  # one\nb      # two\n"),
        ("#!/usr/bin/env seep\n\n#no blank", "#!/usr/bin/env seep\n\n#no blank\n"),
      ])
    func comments(_ text: String, _ expected: String) throws { #expect(try formatted(text) == expected) }

    @Test("syntax errors leave the text alone") func mistakes() {
      guard case .failure(let failure) = session.formatted("let = 1\nlet x = ) 2", name: "test") else {
        Issue.record("it was formatted")
        return
      }
      #expect(failure.fault.code == "syntax" && failure.others.count == 1)
    }

    @Test("the tree tells programs apart") func trees() {
      let texts = [
        "a - b", "a\n-b", "f(x)", "f((x,))", "{a: 1}", "{ a }", "x => { x }", "a |> f", "f(a)", "1", "1.0", "\"1\"",
      ]
      #expect(Set(texts.compactMap(session.syntaxTree)).count == texts.count)
      #expect(session.syntaxTree(of: "let = 1") == nil)
    }

    @Test("blanks and comments thrown in change nothing") func noise() throws {
      // From a fixed seed: blanks where tokens meet in any case, comments and empty lines where lines end.
      var state: UInt64 = 7
      func random(_ n: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % n
      }
      let program = """
        fn f(a, b = [1, 2], rest...) {
          let {x, y: (p, q)} = a |> g(k: -1)
          for i in 0..=len(b) - 1 {
            if i % 2 == 0 and not (x in b) { continue } else { print("{i:>3} #") }
          }
          match p {
            [1, ...t] if q => t
            -1 | 2 => { a: 1 }
            _ => (x, y) => x^-2
          }
        }
        try { f({a: {}}, [3]) }
        catch e { raise e with {n: 1} }
        """
      let expected = try formatted(program)
      for _ in 0..<300 {
        var text = ""
        var isInString = false
        for character in program {
          if character == "\"" { isInString.toggle() }
          if character == "\n" {
            text += String(repeating: " ", count: Int(random(4)))
            if random(5) == 0 { text += "\t\r" }
            text += "\n" + String(repeating: " ", count: Int(random(9)))
          } else if character == " ", !isInString {
            text += String(repeating: " ", count: 1 + Int(random(3)))
          } else if "([{,".contains(character), !isInString {
            text += String(character) + String(repeating: " ", count: Int(random(3)))
          } else {
            text.append(character)
          }
        }
        #expect(try formatted(text) == expected)
      }
    }

    @Test(
      "blanks at the end of a doc comment are no part of it",
      arguments: ["## One. \t\nfn f() { 1 }\n", "## One.\r\nfn f() { 1 }\r\n", " ##  \nfn f() { 1 }\n"])
    func blanksBehindDocComments(_ text: String) throws {
      #expect(try formatted(text).hasPrefix("##"))
    }
  }
}
