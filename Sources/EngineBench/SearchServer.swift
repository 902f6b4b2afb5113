// Seep's side of scripts/bench/search: problems that any search may evaluate, and Seep's own searches on them. One line of JSON in, one out:
// {"open": NAME, "index": I, "dimension": N} makes a problem, {"points": [[…], …]} gives values, {"search": NAME, "budget": B, "seed": S} runs one.
import Autodiff
import Foundation
import Ground
import Leakage
import Networks
import Tensors

private struct Request: Decodable {
  var open: String?
  var index: Int?
  var dimension: Int?
  var points: [[Double]]?
  var search: String?
  var budget: Int?
  var seed: Int?
}

/// Serves until standard input ends. `library` is the folder that holds data and priors.
func serveSearches(library: String) throws {
  var problem: Objective?
  while let line = readLine() {
    let request = try JSONDecoder().decode(Request.self, from: Data(line.utf8))
    var answer: [String: Any] = [:]
    if let name = request.open {
      let made = try objective(name, index: request.index ?? 0, dimension: request.dimension ?? 20, library)
      problem = made
      answer["dimension"] = made.dimension
    } else if let points = request.points, let problem {
      answer["values"] = try problem.values(points)
    } else if let name = request.search, let problem {
      let search = try search(name, budget: request.budget ?? 1000)
      let clock = ContinuousClock()
      var found: SearchResult?
      let spent = try clock.measure {
        found = try search.minimise(problem, key: RandomKey(seed: request.seed ?? 0)) { _, _, _ in }
      }
      answer["value"] = found?.value
      answer["evaluations"] = found?.evaluations
      answer["seconds"] = Double(spent.components.attoseconds) * 1e-18 + Double(spent.components.seconds)
    } else {
      throw Fault("bad-request", "\(line) asks for nothing")
    }
    print(String(decoding: try JSONSerialization.data(withJSONObject: answer), as: UTF8.self))
    fflush(nil)
  }
}

private func search(_ name: String, budget: Int) throws -> any Search {
  switch name {
  case "cma_es": try CMAES(budget: budget)
  case "cma_es_diagonal": try CMAES(budget: budget, diagonal: true)
  case "random_search": try RandomSearch(budget: budget)
  case "turbo": try TuRBO(budget: budget)
  default: throw Fault("bad-request", "there is no search \(name)")
  }
}

private func objective(_ name: String, index: Int, dimension: Int, _ library: String) throws -> Objective {
  if name == "ggl" { return try recovery(index, library) }
  // The optimum is a standard normal draw, where a search from the origin with deviation 1 expects it.
  let optimum = try Tensor.normal([dimension], key: RandomKey(seed: index).derive(name), dtype: .float64)
    .doubles()
  let last = Double(max(dimension - 1, 1))
  func value(_ point: [Double]) throws -> Double {
    let d = zip(point, optimum).map { $0 - $1 }
    let n = Double(d.count)
    var sum = 0.0
    var waves = 0.0
    switch name {
    case "sphere": for x in d { sum += x * x }
    case "ellipsoid": for (i, x) in d.enumerated() { sum += pow(1e6, Double(i) / last) * x * x }
    case "rosenbrock":
      for (low, high) in zip(d, d.dropFirst()) {
        let (a, b) = (low + 1, high + 1)
        let bend: Double = b - a * a
        sum += 100 * bend * bend + low * low
      }
    case "rastrigin":
      for x in d {
        let wave: Double = cos(2 * Double.pi * x)
        sum += x * x + 10 - 10 * wave
      }
    case "ackley":
      for x in d {
        sum += x * x / n
        waves += cos(2 * Double.pi * x) / n
      }
      sum = 20 + exp(1) - 20 * exp(-0.2 * sum.squareRoot()) - exp(waves)
    default: throw Fault("bad-request", "there is no problem \(name)")
    }
    return sum
  }
  return Objective(dimension: dimension) { try $0.map(value) }
}

/// GGL's loss for a private digit behind clip(4) >> noise(0.01) >> prune(0.9), of a fresh LeNet, label and defense known.
private func recovery(_ index: Int, _ library: String) throws -> Objective {
  let prior = try Prior.load("\(library)/priors/digits.safetensors")
  let place = 3000 + index
  let image = try Idx.images("\(library)/data/digits-images-idx3-ubyte.gz").slice(axis: 0, from: place, to: place + 1)
  let label = try Idx.labels("\(library)/data/digits-labels-idx1-ubyte.gz").integers()[place]
  let key = RandomKey(seed: index).derive("recovery")
  let model = try Model.lenet(key: key.derive("model"))
  let defense = Chain([try Clip(4), try Noise(0.01), try Prune(0.9)])
  let received = try share(
    model, image.contiguous(), Tensor([Int64(label)], shape: [1]), defense: defense, key: key.derive("share"))
  let loss = GGLObjective(
    model: model, matching: try Matching(received, knowing: .known, perTensor: true), labels: [Int(label)],
    latent: prior.latent, generate: { try prior.images($0, labels: $1) })
  return Objective(dimension: prior.latent) { points in
    let z = try Tensor(points.flatMap { $0.map { Float($0) } }, shape: [points.count, prior.latent])
    return try loss.values(z).losses.doubles()
  }
}
