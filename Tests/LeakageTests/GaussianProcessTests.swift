// Gaussian processes against scikit-learn and gpytorch (fixtures `gp`).
import FixtureSupport
import Foundation
import Ground
import Leakage
import Tensors
import Testing

@Suite("Gaussian processes") struct GaussianProcessTests {
  let fixtures = try! Fixtures.load("gp")

  private func expectNear(_ own: [Double], _ name: String, _ c: Fixtures.Case) throws {
    let expected = try fixtures.tensor(name).doubles()
    #expect(own.count == expected.count)
    let size = expected.map(abs).max() ?? 0
    let limit = (c.limit("rtol_max") ?? 1e-6) * size + (c.limit("atol") ?? 0)
    let worst = zip(own, expected).map { abs($0 - $1) }.max() ?? 0
    #expect(worst <= limit, "\(name): off by \(worst), allowed \(limit)")
  }

  @Test("exact regression") func regression() throws {
    let cases = fixtures.cases.filter { $0.op == "exact GP regression" }
    #expect(cases.count >= 8)
    for c in cases {
      let parameters = GPParameters(
        lengthscales: try fixtures.tensor("\(c.name).lengthscale").doubles(), outputscale: c.number("outputscale") ?? 1,
        noise: c.number("noise") ?? 0, mean: c.number("mean") ?? 0)
      let inputs = try fixtures.tensor("\(c.name).X")
      let values = try fixtures.tensor("\(c.name).y").doubles()
      let process = try GaussianProcess(inputs, values, parameters)
      let (likelihood, slope) = try MarginalLikelihood(inputs, values)(parameters)
      let at = try fixtures.tensor("\(c.name).Xstar")
      let (mean, variance) = try process.predict(at)
      try expectNear([likelihood], "\(c.name).lml", c)
      try expectNear([slope.outputscale] + slope.lengthscales + [slope.noise], "\(c.name).grad", c)
      try expectNear(mean, "\(c.name).mean", c)
      try expectNear(variance, "\(c.name).var_latent", c)
      try expectNear(process.covariance(at).doubles(), "\(c.name).cov_latent", c)
    }
  }

  @Test("hyper-parameters after 1 and 50 steps of Adam") func fits() throws {
    let cases = fixtures.cases.filter { $0.op.hasPrefix("TuRBO GP") }
    #expect(cases.count >= 4)
    for c in cases {
      let inputs = try fixtures.tensor("\(c.name).X")
      let values = try fixtures.tensor("\(c.name).y").doubles()
      let parameters = try GPFit(steps: c.int("steps") ?? 0)(inputs, values)
      try expectNear(parameters.lengthscales, "\(c.name).lengthscale", c)
      try expectNear([parameters.outputscale], "\(c.name).outputscale", c)
      try expectNear([parameters.noise], "\(c.name).noise", c)
      try expectNear([parameters.mean], "\(c.name).constant_mean", c)
      let (mean, variance) = try GaussianProcess(inputs, values, parameters).predict(fixtures.tensor("\(c.name).Xstar"))
      try expectNear(mean, "\(c.name).mean", c)
      try expectNear(variance, "\(c.name).var_latent", c)
    }
  }

  @Test("joint samples have the mean and the covariance of the posterior") func samples() throws {
    let key = RandomKey(seed: 3)
    let inputs = try Tensor.uniform([12, 2], key: key.derive("x"), dtype: .float64)
    let values = try inputs.doubles().enumerated().filter { $0.offset % 2 == 0 }.map { sin(6 * $0.element) }
    let process = try GaussianProcess(
      inputs, values, GPParameters(lengthscales: [0.4, 0.7], outputscale: 1.3, noise: 0.01))
    let at = try Tensor.uniform([5, 2], key: key.derive("at"), dtype: .float64)
    let count = 40000
    let draws = try process.samples(count, at: at, key: key.derive("draws")).converted(to: .float64)
    let mean = try draws.reduce(.mean, axes: [0])
    let centred = try Tensor.combine(.sub, draws, mean)
    let covariance = try Tensor.combine(.div, Tensor.matmul(centred.transposed(), centred), Double(count)).doubles()
    let exact = try process.covariance(at).doubles()
    for (own, expected) in zip(try mean.doubles(), try process.predict(at).mean) { #expect(abs(own - expected) < 0.02) }
    for i in 0..<5 {
      for j in 0..<5 {
        #expect(abs(covariance[i * 5 + j] - exact[i * 5 + j] - (i == j ? 0.01 : 0)) < 0.02)
      }
    }
  }

  @Test("the same points for the same key, and none beyond the budget") func repeats() throws {
    var counted = 0
    let objective = Objective(dimension: 3) { points in
      counted += points.count
      return points.map { $0.reduce(0) { $0 + $1 * $1 } }
    }
    let search = try TuRBO(budget: 47, batch: 7)
    let first = try search.minimise(objective, key: RandomKey(seed: 1), report: { _, _, _ in })
    #expect(counted == 47)
    let again = try search.minimise(objective, key: RandomKey(seed: 1), report: { _, _, _ in })
    #expect(first.best == again.best && first.evaluations == 47)
    #expect(throws: Fault.self) { try TuRBO(budget: 1) }
  }
}
