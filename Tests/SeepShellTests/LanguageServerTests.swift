// The language server as a function from messages to messages: places, texts that are being written, speed, and anything an
// editor may send.
import Foundation
import Ground
import SeepLanguage
import SeepLibrary
import SeepShell
import Testing

/// An editor with one open file.
private final class Editor {
  let server = LanguageServer(session: Commands.session(seed: 0))
  static let uri = "file:///demo/a.seep"
  private var id = 0
  private var version = 0

  init(_ text: String, encodings: [String] = ["utf-16"]) {
    let general: JSON = ["positionEncodings": .array(encodings.map { .string($0) })]
    _ = ask("initialize", ["capabilities": ["general": general]])
    open(text)
  }

  func tell(_ method: String, _ parameters: JSON) -> [JSON] {
    server.receive([.body((["method": .string(method), "params": parameters] as JSON).bytes)])
  }

  @discardableResult func open(_ text: String) -> [JSON] {
    tell("textDocument/didOpen", ["textDocument": ["uri": .string(Editor.uri), "version": 0, "text": .string(text)]])
  }

  /// The findings after a change.
  func change(_ changes: JSON) -> [JSON] {
    version += 1
    let document: JSON = ["uri": .string(Editor.uri), "version": .integer(version)]
    return tell("textDocument/didChange", ["textDocument": document, "contentChanges": changes])
  }

  func ask(_ method: String, _ parameters: JSON) -> JSON {
    id += 1
    let message: JSON = ["id": .integer(id), "method": .string(method), "params": parameters]
    return server.receive([.body(message.bytes)]).first { $0["id"].int == id } ?? .null
  }

  /// A request about a place.
  func ask(_ method: String, _ line: Int, _ character: Int, _ more: [(name: String, value: JSON)] = []) -> JSON {
    ask(
      "textDocument/" + method,
      .object(
        [
          ("textDocument", ["uri": .string(Editor.uri)]),
          ("position", ["line": .integer(line), "character": .integer(character)]),
        ] + more))
  }

  func completions(_ line: Int, _ character: Int) -> [String] {
    ask("completion", line, character)["result"]["items"].items.compactMap { $0["label"].text }
  }
}

@Suite("language server", .serialized) struct LanguageServerTests {
  // MARK: Places

  @Test("columns in UTF-16 and in bytes, behind é, 漢 and 😀")
  func columns() {
    let text = LinedText(Array("aé漢😀b\r\n😀x\rlast\n".utf8), .utf16)
    let bytes = LinedText(text.bytes, .utf8)
    // a 1, é 2, 漢 3, 😀 4 bytes: b is at byte 10, which is UTF-16 unit 5.
    #expect(text.position(10) == Position(line: 0, character: 5))
    #expect(bytes.position(10) == Position(line: 0, character: 10))
    #expect(text.offset(Position(line: 0, character: 5)) == 10)
    #expect(text.offset(Position(line: 0, character: 4)) == 6)  // inside of 😀: before it
    #expect(bytes.offset(Position(line: 0, character: 8)) == 6)
    #expect(text.offset(Position(line: 0, character: 99)) == 11)  // the end of the line, before CR LF
    #expect(text.position(13) == Position(line: 1, character: 0))
    #expect(text.position(17) == Position(line: 1, character: 2))
    #expect(text.position(19) == Position(line: 2, character: 0))  // a lone CR ends a line
    #expect(text.offset(Position(line: 99, character: 0)) == text.bytes.count)
    #expect(text.offset(Position(line: -1, character: 3)) == 0)
    // Each character's place and back.
    var at = 0
    for scalar in String(decoding: text.bytes, as: UTF8.self).unicodeScalars where scalar != "\n" && scalar != "\r" {
      #expect(text.offset(text.position(at)) == at && bytes.offset(bytes.position(at)) == at)
      at += scalar.utf8.count
      if [11, 18, 23].contains(at) { at += text.bytes[at] == 13 && text.bytes[at + 1] == 10 ? 2 : 1 }
    }
  }

  @Test("a finding behind an emoji, in either encoding", arguments: [("utf-16", 14), ("utf-8", 19)])
  func findingPlace(encoding: String, column: Int) throws {
    let editor = Editor("", encodings: [encoding])
    let found = try #require(editor.open("print(\"é漢😀\", nothing)\r\n").first)["params"]["diagnostics"].items
    #expect(found.count == 1)
    #expect(found.first?["range"]["start"]["character"].int == column)
  }

  @Test("incremental changes give the text that whole changes give") func incremental() throws {
    let editor = Editor("let é = \"😀\"\r\nprint(é)\r\n")
    // `😀` becomes `x` and then `print(é)` becomes `print(ü)`, in one notification.
    let edits: JSON = [
      [
        "range": ["start": ["line": 0, "character": 9], "end": ["line": 0, "character": 11]], "text": "x",
      ],
      [
        "range": ["start": ["line": 1, "character": 6], "end": ["line": 1, "character": 7]], "text": "ü",
      ],
    ]
    let byParts = try #require(editor.change(edits).first)["params"]["diagnostics"]
    let whole = try #require(editor.change([["text": "let é = \"x\"\r\nprint(ü)\r\n"]]).first)["params"]["diagnostics"]
    #expect(byParts.bytes == whole.bytes)
    #expect(byParts.items.first?["code"].text == "unknown-name")
  }

  // MARK: A text that is being written

  @Test(
    "completion goes on where the text is broken",
    arguments: [
      ("let = 3\nlet mine = 1\nmi", ["mine"]), ("fn f(mine) {\n  let = 1\n  mi", ["mine"]),
      ("fn f(mine) {\n  g(x => {\n    let minor = mine\n    mi", ["mine", "minor"]),
      ("let net = lenet()\nif net.para", ["params"]), ("let net = lenet()\nprint(\"{net.para", ["params"]),
      ("let net = lenet()\nnet.para\nlet y = 1", ["params"]), ("\"no end\nlet mine = 1\nmi", ["mine"]),
      ("for (picture, label) in dataset(\"digits\").private { picture.ran", ["rank"]),
      ("fn f() { let hidden = 1 }\nhidd", []), ("let early = late\nlet latest = 1\nlat", ["latest"]),
    ] as [(String, [String])]) func broken(text: String, expected: [String])
  {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // The cursor stands behind the last word before a line that begins another statement.
    let line = lines.count - 1 - (lines.last == "let y = 1" ? 1 : 0)
    let offered = Editor(text).completions(line, lines[line].count)
    for name in expected { #expect(offered.contains(name), "\(text)") }
    if expected.isEmpty { #expect(!offered.contains("hidden")) }
  }

  @Test("at the top a name can be used only after its line, in a function before it too") func order() {
    let editor = Editor("ali\nfn f() { ali }\nlet alien = 1\n")
    #expect(!editor.completions(0, 3).contains("alien"))
    #expect(editor.completions(1, 12).contains("alien"))
  }

  @Test("nothing of the text is run") func passive() {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("seep-lsp-\(getpid())").path
    let editor = Editor("write_text(\"\(path)\", \"ran\")\nlet x = write_text(\"\(path)\", \"ran\")\nx.")
    _ = editor.completions(2, 2)
    _ = editor.ask("hover", 1, 4)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  // MARK: The table of kinds

  @Test("what the server says of results and fields is what the library does") func kinds() throws {
    let session = Commands.session(seed: 0)
    let samples: [(String, String)] = [
      ("tensor", "ones(2, 3)"), ("model", "let model = lenet()\nmodel(ones(1, 1, 28, 28))\nmodel"),
      ("dataset", "dataset(\"digits\")"),
      ("data", "dataset(\"digits\").private"), ("attack", "class_mean(dataset(\"digits\").public)"),
      ("update", "share(lenet(), dataset(\"digits\").private[0][0], 3)"), ("prior", "prior(\"digits\")"),
      (
        "leak",
        "let net = lenet()\nclass_mean(dataset(\"digits\").public).run(share(net, dataset(\"digits\").private[0][0], 3), net)"
      ), ("guarantee", "epsilon(dp(sigma: 1.0, clip: 1.0), steps: 10, sample_rate: 0.1)"),
    ]
    var seen = Set<String>()
    for (type, code) in samples {
      let value: Value
      switch session.evaluate(code, name: "sample") {
      case .success(let made): value = made
      case .failure(let failure):
        Issue.record("\(code): \(failure.text)")
        continue
      }
      seen.insert(type)
      #expect(value.typeName == type, "\(code)")
      let fields = LibraryKinds.fieldKinds(of: type)
      #expect(fields.map(\.name) == value.asForeign?.fieldNames, "\(type)")
      for (name, kind) in fields {
        guard let kind, let field = try value.asForeign?.field(name, in: session) else { continue }
        #expect(field.typeName == kind, "\(type).\(name)")
        if let builtin = field.builtin {
          #expect(LibraryKinds.signature(type, name) == builtin.signature.text, "\(type).\(name)")
        }
      }
    }
    #expect(Set(LibraryKinds.typesWithFields).subtracting(seen) == ["audit"])
    for name in LibraryKinds.known { #expect(session.lookup(name)?.builtin != nil, "\(name)") }
  }

  @Test(
    "results of the library's functions",
    arguments: [
      "lenet()", "mlp([2, 1])", "cnn()", "cnn6()", "convnet()", "resnet18()", "vgg11()", "conv(8, kernel: 3)",
      "dense(3)",
      "dropout(0.5)", "adam()", "sgd(lr: 0.1)", "lbfgs()", "cma_es(budget: 100)", "turbo(budget: 10)",
      "random_search()",
      "noise(0.1)", "clip(1)", "clip_value(1)", "laplace(1)", "prune(0.5)", "quantize(8)", "sign_only()",
      "soteria(0.5)",
      "top_k(0.1)", "random_k(0.1)", "qsgd(4)", "terngrad()", "dp(sigma: 1, clip: 1)", "mixup(2)",
      "dropout_gradient(0.5)", "low_precision(\"bfloat16\")", "dlg()", "idlg()", "analytic()", "inverting_gradients()",
      "grad_inversion()", "ggl(prior: prior(\"digits\"))", "zeros(2)", "ones(2)", "eye(2)", "arange(3)",
      "full([2], 1.0)",
      "rand(2)", "randn(2)", "linspace(0, 1, 3)", "tensor([1])", "zeros_like(ones(2))", "one_hot(1, 3)",
      "reshape(ones(4), 2, 2)", "stack([ones(2), ones(2)])", "sample(prior(\"digits\"), label: 1)", "str(1)",
      "join([\"a\"], \",\")", "prior(\"digits\")", "dataset(\"digits\")",
    ]) func results(code: String)
  {
    let name = String(code.prefix { $0 != "(" })
    switch Commands.session(seed: 0).evaluate(code, name: "sample") {
    case .success(let value): #expect(LibraryKinds.result(name) == value.typeName, "\(code)")
    case .failure(let failure): Issue.record("\(code): \(failure.text)")
    }
  }

  // MARK: Frames

  @Test("frames in any pieces, and bytes that are none") func frames() {
    let message =
      Array("Content-Length: 4\r\nContent-Type: x\r\n\r\n{\"é".utf8) + Array("Content-Length:2\r\n\r\n{}".utf8)
    for size in 1...message.count {
      var reader = FrameReader()
      var frames: [FrameReader.Frame] = []
      for start in stride(from: 0, to: message.count, by: size) {
        frames += reader.take(message[start..<min(message.count, start + size)])
      }
      #expect(frames == [.body(Array("{\"é".utf8)), .body(Array("{}".utf8))], "pieces of \(size)")
    }
    var reader = FrameReader()
    #expect(reader.take(Array("nonsense\r\n\r\n".utf8)) == [.garbage])
    #expect(reader.take(Array("Content-Length: -4\r\n\r\n".utf8)) == [.garbage])
    #expect(reader.take(Array("Content-Length: 99999999999999\r\n\r\n".utf8)) == [.garbage])
    #expect(reader.take(Array("xxContent-Length: 2\r\n\r\n{}".utf8)) == [.garbage, .body(Array("{}".utf8))])
    #expect(reader.take([UInt8](repeating: 120, count: 20_000)) == [.garbage])
    #expect(reader.take(Array("\r\n\r\nContent-Length: 2\r\n\r\n{}".utf8)).last == .body(Array("{}".utf8)))
  }

  @Test("of several changes that arrive together the last is checked") func together() {
    let editor = Editor("")
    func change(_ text: String, _ version: Int) -> FrameReader.Frame {
      let parameters: JSON = [
        "textDocument": ["uri": .string(Editor.uri), "version": .integer(version)],
        "contentChanges": [["text": .string(text)]],
      ]
      return .body((["method": "textDocument/didChange", "params": parameters] as JSON).bytes)
    }
    let replies = editor.server.receive([change("wrong(", 1), change("worse(", 2), change("print(1)", 3)])
    #expect(replies.count == 1)
    #expect(replies[0]["params"]["diagnostics"].items.isEmpty)
  }

  // MARK: Speed

  @Test("10,000 lines: findings within half a second, on slow processors too") func speed() throws {
    let text = (0..<2000).map { i in
      """
      fn f\(i)(x, rate = 0.1) {
        let y = x * rate + \(i)
        print("{y:.3}")
        if y > 2 { y } else { f\(max(0, i - 1))(x - 1, rate: y) }
      }

      """
    }.joined()
    let editor = Editor(text)
    let place: JSON = ["line": 5000, "character": 0]
    var best = Double.infinity
    for _ in 0..<5 {
      let start = threadTime()
      let replies = editor.change([["range": ["start": place, "end": place], "text": "let unused = 1\n"]])
      best = min(best, Double(threadTime() - start) / 1e6)
      #expect(replies.count == 1)
    }
    print("10,000 lines: findings in \(Int(best)) ms")
    #expect(best < 500)  // scripts/bench/language holds 200 ms for parsing and checking
  }

  // MARK: Anything

  @Test("random edits and places never end the server, and the text stays the editor's", arguments: 0..<6)
  func fuzz(seed: Int) throws {
    var random = Draws(seed: UInt64(seed + 1))
    let pieces = [
      "let ", "fn ", "(", ")", "{", "}", "[", "]", "\"", "\"\"\"", "\n", "\r\n", "\r", "😀", "é", "a", "b.", ".", "|> ",
      "=> ", "#", "use stats\n", "use \"", "if ", "for x in ", "match ", ": ", ",", "= ", "\\", "{x:.2}", "net.", "1",
      "..",
      "test \"t\" {", "lenet()", "\u{0}",
    ]
    var text = try TextFile.read(Home.folder.map { $0 + "/attacks/dlg.seep" } ?? "")
    let editor = Editor(text)
    let methods = [
      "completion", "hover", "signatureHelp", "definition", "references", "documentHighlight", "prepareRename",
      "rename",
      "documentSymbol", "formatting", "codeAction",
    ]
    for round in 0..<150 {
      let lined = LinedText(Array(text.utf8), .utf16)
      let a = Position(line: random.below(60) - 1, character: random.below(40) - 1)
      let from = lined.offset(a)
      let to = lined.offset(lined.position(min(lined.bytes.count, from + random.below(12))))
      let new = (0..<random.below(4)).map { _ in pieces[random.below(pieces.count)] }.joined()
      let span: JSON = ["start": json(lined.position(from)), "end": json(lined.position(max(from, to)))]
      let replies = editor.change([["range": span, "text": .string(new)]])
      // A range in a text with CR LF ends before the line's end; the same rule here and there.
      let (start, end) = (lined.offset(lined.position(from)), lined.offset(lined.position(max(from, to))))
      text = String(decoding: lined.bytes[..<start] + Array(new.utf8) + lined.bytes[max(start, end)...], as: UTF8.self)
      #expect(replies.count == 1, "round \(round)")
      let method = methods[random.below(methods.count)]
      let range: JSON = ["start": json(a), "end": json(Position(line: a.line + 3, character: 0))]
      let reply = editor.ask(
        method, random.below(60) - 1, random.below(60) - 1,
        [("newName", "fresh"), ("range", range), ("context", ["includeDeclaration": true])])
      #expect(
        reply["error"]["code"].int != -32603, "\(method) in round \(round): \(reply["error"]["message"].text ?? "")")
    }
    // A whole change to what the edits gave finds the same.
    let byParts = editor.change([
      ["range": ["start": json(.init(line: 0, character: 0)), "end": json(.init(line: 0, character: 0))], "text": ""]
    ])
    let whole = editor.change([["text": .string(text)]])
    #expect(byParts.first?["params"]["diagnostics"].bytes == whole.first?["params"]["diagnostics"].bytes)
  }

  private func json(_ position: Position) -> JSON {
    ["line": .integer(position.line), "character": .integer(position.character)]
  }

  @Test("every prefix of a text, with every request at its end") func prefixes() throws {
    let text = Array(
      "fn f({a, b: [c]}, d = 1) {\n  \"{a:.2} {g(\"x\")}\"\n  match d { 1 | 2 => a.b, _ => c |> f(d: 2) }\n}\n".utf8)
    let editor = Editor("")
    for end in 0...text.count {
      let part = String(decoding: text[..<end], as: UTF8.self)
      _ = editor.change([["text": .string(part)]])
      let place = LinedText(Array(part.utf8), .utf16).position(end)
      for method in ["completion", "hover", "signatureHelp", "definition", "references", "prepareRename"] {
        let reply = editor.ask(method, place.line, place.character)
        #expect(reply["error"]["code"].int != -32603, "\(method) after \(part)")
      }
    }
  }
}

/// What this thread has worked, in nanoseconds: other programs do not count.
private func threadTime() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// SplitMix64.
private struct Draws {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func below(_ count: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(count))
  }
}
