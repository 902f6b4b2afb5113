// What TAB offers at the prompt and in a notebook.
import Foundation
import SeepLanguage
import SeepShell
import Testing

@Suite("completion", .serialized) struct CompletionTests {
  private func session(_ code: String = "") throws -> Session {
    let session = Commands.session(seed: 0)
    session.output = CollectedOutput()
    _ = try session.evaluate(code, name: "test").get()
    return session
  }

  /// The texts as they stand once a candidate is taken.
  private func taken(_ text: String, _ session: Session) -> [String] {
    let result = Completion.complete(text, session)
    let kept = String(decoding: text.utf8.prefix(result.start), as: UTF8.self)
    return result.candidates.map { kept + $0.text }
  }

  @Test("parameters whose names hold dots are offered as what has to be written") func dottedNames() throws {
    let session = try session("let net = mlp([2, 1])\nnet(ones(1, 2))\nlet r = {plain: 1}")
    let names = try #require(session.lookup("net")?.asForeign?.field("params", in: session)?.asRecord?.names)
    let name = try #require(names.first { $0.contains(".") })
    let written = "net.params[\"\(name)\"]"
    #expect(try !session.evaluate(written, name: "test").get().isNone, "what is offered runs")
    #expect(taken("net.params.", session).contains(written))
    // The functions of records stay on offer beside them.
    #expect(taken("net.params.", session).contains("net.params.keys"))
    #expect(taken("net.params.\(name.prefix(2))", session).contains(written))
    #expect(taken("net.params.\(name.dropLast())", session) == [written])
    let inside = Completion.complete("net.params[\"\(name.prefix(2))", session)
    #expect(inside.isString && inside.candidates.map(\.text).contains(name))
    #expect(taken("print(net.params[\"", session).count == names.count)
    // A tensor's functions behind such an index.
    #expect(taken("\(written).resh", session) == ["\(written).reshape"])
    #expect(taken("r.pla", session) == ["r.plain"])
    for broken in [
      "net.params[", "net.params[\"", "net.params[\"x\"]", "net.params[\"x]", "[\"", "\"].", "x[\"a\"].", "].",
    ] {
      _ = Completion.complete(broken, session)
    }
  }

  @Test("inside the braces of a string") func interpolation() throws {
    let session = try session("let foo_bar = {size: 1}")
    #expect(taken("print(\"a {foo_b", session) == ["print(\"a {foo_bar"])
    #expect(taken("\"{foo_bar.si", session) == ["\"{foo_bar.size"])
  }

  @Test("functions of the program as methods") func ownMethods() throws {
    let session = try session("fn twice_as(x) => 2 * x\nfn nothing_to_take() => 1\nlet t = ones(2)")
    #expect(taken("t.twice", session) == ["t.twice_as"])
    #expect(taken("t.nothing_to", session).isEmpty)
  }

  @Test("at an empty place in a call: arguments not yet given, variables of the program") func emptyPlace() throws {
    let session = try session("let mine = 1\nfn f(first, second = 2, third = 3) => first")
    #expect(taken("f(", session) == ["f(f", "f(first:", "f(mine", "f(second:", "f(third:"])
    #expect(taken("f(1, ", session) == ["f(1, f", "f(1, mine", "f(1, second:", "f(1, third:"])
    #expect(taken("f(1, third: 4, ", session) == ["f(1, third: 4, f", "f(1, third: 4, mine", "f(1, third: 4, second:"])
    #expect(taken("f(1, third: ", session) == ["f(1, third: f", "f(1, third: mine"])
    #expect(taken("f(1, third: 4, thi", session).isEmpty)
    #expect(taken("f(g(1, 2), ", session).contains("f(g(1, 2), second:"))
    #expect(taken("f(psn", session) == ["f(psnr"])
  }

  @Test("arguments of the commands") func commands() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try "1".write(to: folder.appendingPathComponent("a-script.seep"), atomically: true, encoding: .utf8)
    let session = try session("let mine = {size: 1}")
    let path = folder.path + "/a-script.seep"
    #expect(taken(":load \(folder.path)/a-", session) == [":load \(path)"])
    #expect(taken(":save \"\(folder.path)/", session) == [":save \"\(path)"])
    #expect(Completion.complete(":load \"\(folder.path)/", session).isString)
    #expect(taken(":explain shape-mis", session) == [":explain shape-mismatch"])
    #expect(taken(":graphics ki", session) == [":graphics kitty"])
    #expect(taken(":doc psn", session) == [":doc psnr"])
    #expect(taken("?psn", session) == ["?psnr"])
    #expect(taken(":doc mine.si", session) == [":doc mine.size"])
    #expect(taken(":type mine.si", session) == [":type mine.size"])
    #expect(taken(":time psn", session) == [":time psnr"])
    #expect(taken(":vars x", session).isEmpty)
    #expect(taken(":lo", session) == [":load"])
  }

  @Test("nothing of the program runs") func runsNothing() throws {
    let session = try session("fn loud() { print(\"ran\"); {size: 1} }\nlet r = {loud: loud}")
    let output = CollectedOutput()
    session.output = output
    for text in ["loud().", "loud.", "r.loud().", "r.loud.", "\"{loud()}", "loud(", ":type loud().", "r[\"loud\"]."] {
      _ = Completion.complete(text, session)
    }
    #expect(output.text == "")
  }
}
