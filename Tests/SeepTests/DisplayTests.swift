// Values as the prompt shows them, and what a summary of a tensor counts.
import Foundation
import SeepLanguage
import SeepLibrary
import Testing

@Suite("values at the prompt", .serialized) struct DisplayTests {
  private func shown(_ code: String, width: Int? = 60) throws -> String {
    let session = Session(library: SeepLibrary.library)
    return PromptDisplay.text(try session.evaluate(code, name: "prompt").get(), width: width, in: session)
  }

  @Test("every tensor with axes has a summary line; a number has none") func tensors() throws {
    #expect(
      try shown("tensor([[1, 2], [3, 5]])") == "tensor float32 [2, 2], 1.0 … 5.0, mean 2.75\n[[1.0, 2.0], [3.0, 5.0]]")
    #expect(
      try shown("tensor([nan, inf, -1.0])")
        == "tensor float32 [3], -1.0 … -1.0, mean -1.0, 1 nan, 1 inf\n[nan, inf, -1.0]")
    #expect(try shown("tensor([1.0])[0]") == "1.0")
    #expect(try shown("zeros(0, 3)") == "tensor float32 [0, 3], empty")
    #expect(try shown("tensor([1, 0]) > 0") == "tensor bool [2], 1 true\n[true, false]")
  }

  @Test("summaries of large tensors are those of their elements, in any order of memory")
  func statistics() throws {
    // Longer than a piece, with oddities in the first, a middle and the last.
    let code = """
      var x = arange(0, 200000, dtype: float64) / 1000 - 50
      x[3] = nan
      x[70001] = inf
      x[199999] = -inf
      let m = x.reshape(400, 500)
      [str(x), str(m.T), str(m[:, 1..499]), str(to(x, float32)), str(flip(m, 1))]
      """
    let session = Session(library: SeepLibrary.library)
    let texts = try #require(try session.evaluate(code, name: "test").get().asItems).compactMap(\.asString)
    let lines = texts.map { $0.split(separator: "\n").first.map(String.init) ?? "" }
    // Without the three: -50 … 149.998, sum of i/1000 - 50 less 0.003-50 + 20 + 149.999.
    #expect(lines[0] == "tensor float64 [200000], -50.0 … 150.0, mean 50.0, 1 nan, 2 inf")
    #expect(lines[1] == "tensor float64 [500, 400], -50.0 … 150.0, mean 50.0, 1 nan, 2 inf")
    #expect(lines[2] == "tensor float64 [400, 498], -50.0 … 150.0, mean 50.0, 1 nan, 1 inf")
    #expect(lines[3] == "tensor float32 [200000], -50.0 … 150.0, mean 50.0, 1 nan, 2 inf")
    #expect(lines[4] == "tensor float64 [400, 500], -50.0 … 150.0, mean 50.0, 1 nan, 2 inf")
  }

  @Test("a large tensor is shown at once") func quick() throws {
    let session = Session(library: SeepLibrary.library)
    let value = try session.evaluate("rand(64, 3, 224, 224)", name: "test").get()
    let seconds = (0..<10).map { _ in
      let start = Date()
      #expect(PromptDisplay.text(value, width: 80, in: session).hasPrefix("tensor float32 [64, 3, 224, 224], "))
      return Date().timeIntervalSince(start)
    }
    // About 0.01 s on two cores; the bound is for machines that are busy with something else.
    #expect(try #require(seconds.min()) < 0.1)
  }

  @Test("a list of records is a table, as wide as the window") func tables() throws {
    let rows =
      "[{name: \"clip(4)\", psnr: 9.5, why: \"\(String(repeating: "long ", count: 20))\"}, {name: \"none\", hit: true}]"
    let text = try shown(rows, width: 40)
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines[0] == "name     psnr  why                  hit")
    #expect(lines[2].hasPrefix("clip(4)   9.5  long long") && lines[2].contains("…"))
    #expect(lines[3] == "none                                true")
    #expect(lines.allSatisfy { $0.count <= 40 })
    let wide = try shown("[{aaaaaaaa: 11111111, bbbbbbbb: 22222222, cccccccc: 33333333}]", width: 20)
    #expect(wide == "aaaaaaaa  bbbbbbbb\n────────  ────────\n11111111  22222222\n… 1 more column: cc…")
    let many = try shown("map(0..100, i => {i: i})").split(separator: "\n")
    #expect(many.count == 63 && many.last == "… 40 more rows")
  }

  @Test("a record in a line where it fits, else a field a line") func records() throws {
    #expect(try shown("{sigma: 0.1, name: \"x\"}") == "{sigma: 0.1, name: \"x\"}")
    #expect(
      try shown("{sigma: 0.1, name: \"x\", w: zeros(30, 30)}", width: 30)
        == "{\n  sigma: 0.1,\n  name: \"x\",\n  w: tensor float32 [30, 30],\n}")
    #expect(try shown("{}") == "{}")
    let long = try shown("{a: to_list(arange(0, 1000)), \"b c\": 1}", width: 30).split(separator: "\n")
    #expect(long.count == 4 && long[1].count == 30 && long[1].hasSuffix("…,") && long[2] == "  \"b c\": 1,")
  }

  @Test("a model is its layers where it is known what it sees") func models() throws {
    #expect(try shown("mlp([4, 3, 2])").contains("summary(net, shape)"))
    let built = try shown("let net = mlp([4, 3, 2])\nnet(ones(1, 4))\nnet")
    #expect(built.contains("parameters in all") && built.hasPrefix("layer"))
  }

  @Test("long lists are counted, text is quoted") func lists() throws {
    #expect(try shown("to_list(arange(0, 1000, dtype: int64))").hasSuffix("198, 199, … 800 more]"))
    #expect(try shown("\"a\\nb\"") == "\"a\\nb\"")
    #expect(try shown("[1, \"a\"]") == "[1, \"a\"]")
  }

  @Test("a table is HTML in a notebook") func html() throws {
    let session = Session(library: SeepLibrary.library)
    let value = try session.evaluate("table([{a: 1, b: \"<\"}])", name: "test").get()
    let all = RichDisplay.representations(of: value, in: session)
    guard case .text(let html) = try #require(all.first).content else { return }
    #expect(html.contains("<th>a</th><th>b</th>") && html.contains("&lt;"))
  }
}
