import Autodiff
import FixtureSupport
import Foundation
import Ground
import Leakage
import Tensors
import Testing

@Suite struct MetricTests {
  let fixtures: Fixtures
  init() throws { fixtures = try Fixtures.load("metrics") }

  @Test("pixel metrics against scikit-image, pytorch-msssim and piq")
  func pairs() throws {
    var checked = 0
    for test in fixtures.cases where test.op == "mse / psnr / ssim / tv" {
      let (a, b) = (try fixtures.tensor(test.inputs[0]), try fixtures.tensor(test.inputs[1]))
      let peak = try #require(test.number("data_range"))
      for output in test.outputs {
        let what = String(output.split(separator: ".").last ?? "")
        let expected = try fixtures.tensor(output).doubles()
        let found: [Double] =
          switch what {
          case "mse": try mse(a, b)
          case "psnr": try psnr(a, b, peak: peak)
          case "ssim_skimage", "ssim_pytorch_msssim": try ssim(a, b, peak: peak)
          case "ssim_skimage_uniform7": try ssim(a, b, peak: peak, window: .uniform)
          case "tv_inversefed_a": try (0..<a.shape[0]).map { try totalVariation(a.select(axis: 0, index: $0)) }
          case "tv_piq_l1_a":
            try (0..<a.shape[0]).map { try totalVariation(a.select(axis: 0, index: $0), summed: true) / peak }
          default: []
          }
        let limit = what.hasPrefix("ssim") ? "ssim_atol" : what == "psnr" ? "psnr_atol" : "atol"
        #expect(found.count == expected.count, "\(output): \(found.count) values, \(expected.count) expected")
        for (x, y) in zip(found, expected) {
          let allowed = (test.limit("rtol") ?? 0) * abs(y) + (test.limit(limit) ?? 0)
          #expect(abs(x - y) <= allowed, "\(output): \(x), expected \(y)")
        }
        checked += 1
      }
    }
    for test in fixtures.cases where test.op.hasPrefix("MS-SSIM") {
      let images = try test.inputs.map { try Tensor.combine(.div, fixtures.tensor($0).converted(to: .float64), 255) }
      let found = try multiScaleSSIM(images[0], images[1])
      let expected = try fixtures.tensor(test.outputs[0]).doubles()
      #expect(abs(found[0] - expected[0]) <= 1e-4 * abs(expected[0]) + 1e-5, "\(test.name): \(found), \(expected)")
      checked += 1
    }
    print("metrics fixtures: \(checked) values checked")
    #expect(checked > 70)
  }

  @Test("the gradient of SSIM")
  func gradient() throws {
    let test = try #require(fixtures.cases.first { $0.name == "ssim_gradient" })
    let a = Variable(try fixtures.tensor(test.inputs[0])).watched()
    let value = try ssim(a, Variable(fixtures.tensor(test.inputs[1]))).mean()
    let slope = try #require(gradients(of: value, wrt: [a], recording: false)[0]).value
    for (found, name) in [(value.value, test.outputs[0]), (slope, test.outputs[1])] {
      let reference = try fixtures.tensor(name)
      let wrong = try mismatch(found.reshape(reference.shape), reference, rtol: 1e-3, atol: 1e-6)
      #expect(wrong == nil, "\(name) \(wrong ?? "")")
    }
  }

  @Test("the test pair of the conventions")  // computed with scikit-image
  func conventions() throws {
    var a: [Double] = []
    for channel in 0..<3 {
      for y in 0..<32 {
        for x in 0..<32 {
          let (x, y) = (Double(x), Double(y))
          a.append(channel == 0 ? 0.5 + 0.5 * sin(0.3 * x + 0.1 * y) : channel == 1 ? x / 31 : (x + y) / 62)
        }
      }
    }
    let b = a.enumerated().map { i, value in
      let (x, y) = (Double(i % 32), Double(i / 32 % 32))
      return min(1, max(0, 0.8 * value + 0.1 + 0.05 * cos(0.9 * x - 0.7 * y)))
    }
    let (p, q) = (try Tensor(a, shape: [3, 32, 32]), try Tensor(b, shape: [3, 32, 32]))
    #expect(abs(try mse(p, q)[0] - 0.004690570145) < 1e-10)
    #expect(abs(try psnr(p, q)[0] - 23.28774365) < 1e-6)
    #expect(abs(try ssim(p, q)[0] - 0.7827192764) < 1e-8)
    #expect(abs(try ssim(p, q, window: .uniform)[0] - 0.8348703035) < 1e-8)
    #expect(abs(try ssim(p, q, window: .padded)[0] - 0.8214472890) < 1e-8)
    #expect(abs(try totalVariation(p) - 0.0638162209) < 1e-9)
    #expect(try psnr(p, p)[0] == .infinity)
  }

  @Test("pairing, labels, intervals")
  func others() throws {
    #expect(try leastCostAssignment([[4, 1, 3], [2, 0, 5], [3, 2, 2]]) == [1, 0, 2])
    // Against all permutations.
    var stream = RandomStream(testKey)
    for n in 1...6 {
      let cost = (0..<n).map { _ in (0..<n).map { _ in stream.uniform() } }
      let found = try leastCostAssignment(cost)
      #expect(Set(found).count == n)
      let sum = found.indices.reduce(0.0) { $0 + cost[$1][found[$1]] }
      #expect(abs(sum - permutations(n).map { p in p.indices.reduce(0.0) { $0 + cost[$1][p[$1]] } }.min()!) < 1e-12)
    }
    let images = try Tensor.uniform([4, 1, 6, 6], key: testKey)
    let order = [2, 0, 3, 1]
    let shuffled = try images.indexSelect(axis: 0, Tensor(order.map { Int64($0) }, shape: [4]))
    #expect(try pair(shuffled, images) == order)

    #expect(try labelAccuracy([1, 1, 2, 3], [1, 2, 3, 3]) == 0.75)
    #expect(throws: Fault.self) { try labelAccuracy([1], []) }

    // R: t.test(c(1, 2, 3, 4, 6)): 3.2, 0.8116752 to 5.5883248 (t = 2.776445105 with 4 degrees of freedom).
    let interval = try Interval(of: [1, 2, 3, 4, 6])
    #expect(abs(interval.mean - 3.2) < 1e-12)
    let reach = 2.7764451051977987 * (3.7 / 5).squareRoot()
    #expect(abs(interval.low - (3.2 - reach)) < 1e-9 && abs(interval.high - (3.2 + reach)) < 1e-9)
    #expect(try Interval(paired: [2, 4, 6], [1, 2, 3]) == Interval(of: [1, 2, 3]))
    let boot = try Interval(bootstrap: (0..<100).map(Double.init), key: testKey)
    #expect(boot.mean == 49.5 && abs(boot.low - 43.8) < 1.5 && abs(boot.high - 55.2) < 1.5)
    #expect(throws: Fault.self) { try Interval(of: [1]) }
  }

  private func permutations(_ n: Int) -> [[Int]] {
    if n == 0 { return [[]] }
    return permutations(n - 1).flatMap { p in (0...p.count).map { Array(p[..<$0]) + [n - 1] + Array(p[$0...]) } }
  }
}
