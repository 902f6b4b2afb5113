// A generator as a model: GGL's WGAN-GP (Tests/Fixtures/models), with its gradient by the latent vector, twice.
import Autodiff
import Networks
import Tensors
import Testing

@Suite struct GeneratorFixtureTests {
  @Test func wgan() throws {
    let topic = try FixtureTopic("models")
    let tests = topic.cases.filter { $0.name.hasPrefix("wgan_gp") }
    #expect(tests.count == 2)
    for test in tests {
      let width = try #require(test.params["DIM"] as? Int)
      let latent = try topic["\(test.name).in0"]
      var model = try Model.wganGPGenerator(width: width, key: RandomKeyForTests)
      try model.build(for: Array(latent.shape.dropFirst()))
      let weights = test.inputs.filter { $0.contains(".w.") }
      let isBuffer = { (name: String) in name.hasSuffix("running_mean") || name.hasSuffix("running_var") }
      model = try model.with(
        values: weights.filter { !isBuffer($0) }.map { try topic[$0] },
        buffers: weights.filter(isBuffer).map { try topic[$0] })

      let z = Variable(latent).watched()
      let output = try model(z)
      let u = Variable(try topic["\(test.name).u"])
      let g = try #require(gradients(of: (output * u).sum(), wrt: [z], recording: true)[0])
      let s = try g.square().sum()
      let gg = try #require(gradients(of: s, wrt: [z], recording: false)[0])
      let (first, second) = (try #require(test.number("rtol_max")), try #require(test.number("rtol_max_second_order")))
      for (name, value, relative) in [("out", output, first), ("g0", g, first), ("S", s, second), ("gg0", gg, second)] {
        let (difference, scale) = try distance(value.value, topic["\(test.name).\(name)"])
        #expect(difference <= relative * scale + 1e-8, "\(test.name) \(name): \(difference), scale \(scale)")
      }
    }
  }
}
