// BigGAN-deep against pytorch_pretrained_biggan (Tests/Fixtures/models): images, and derivatives to second order.
import Autodiff
import Ground
import Networks
import Tensors
import Testing

@Suite struct BigGANTests {
  let topic: FixtureTopic
  init() throws { topic = try FixtureTopic("models") }

  private func generator(_ test: FixtureCase) throws -> BigGANDeep {
    let prefix = "biggan.w."
    let names = test.inputs.filter { $0.hasPrefix(prefix) }
    return try BigGANDeep(
      names.map { String($0.dropFirst(prefix.count)) }, names.map { try topic[$0] },
      truncation: #require(test.params["truncation"] as? Double))
  }

  @Test("images and derivatives to second order") func agreement() throws {
    let tests = topic.cases.filter { $0.name.hasPrefix("biggan.") }
    #expect(tests.count == 6)
    for test in tests {
      let generator = try generator(test)
      let u = Variable(try topic["\(test.name).u"]).watched()
      let inputs = try (0..<2).map { Variable(try topic["\(test.name).in\($0)"]).watched() }
      let out = try generator(inputs[0], inputs[1])
      let slopes = try gradients(of: out, wrt: inputs, cotangent: u, recording: true).map { try #require($0) }
      let s = try slopes[0].square().sum() + slopes[1].square().sum()
      let second = try gradients(of: s, wrt: inputs, recording: false).map { try #require($0).value }
      let results = [
        ("out", out.value, "rtol_max"), ("g0", slopes[0].value, "rtol_max"), ("g1", slopes[1].value, "rtol_max"),
        ("S", s.value, "rtol_max_second_order"), ("gg0", second[0], "rtol_max_second_order"),
        ("gg1", second[1], "rtol_max_second_order"),
      ]
      for (name, value, key) in results {
        let (difference, scale) = try distance(value, topic["\(test.name).\(name)"])
        let limit = try #require(test.number(key)) * scale + (test.number("atol") ?? 0)
        #expect(difference <= limit, "\(test.name).\(name): \(difference), allowed \(limit)")
      }
      #expect(generator.resolution == 64 && generator.latent == 16 && generator.classes == 10)
    }
  }

  @Test("a checkpoint that lacks a tensor says which") func mistakes() throws {
    let test = try #require(topic.cases.first { $0.name.hasPrefix("biggan.") })
    let names = test.inputs.filter { $0.hasPrefix("biggan.w.") && !$0.hasSuffix("layers.2.conv_1.bias") }
    let fault = #expect(throws: Fault.self) {
      try BigGANDeep(names.map { String($0.dropFirst(9)) }, names.map { try topic[$0] })
    }
    #expect(fault?.message.contains("generator.layers.2.conv_1.bias") == true)
  }
}
