import Autodiff
import FixtureSupport
import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

/// Learned perceptual distance, representations, the median filter, identification.
@Suite struct PerceptualTests {
  let fixtures: Fixtures
  init() throws { fixtures = try Fixtures.load("metrics") }

  /// The fixtures' formula weights of a backbone, weight and bias of each convolution, with their published names.
  private func trunk(_ test: Fixtures.Case, _ backbone: LPIPS.Backbone) throws -> [(name: String, value: Tensor)] {
    let names = try #require(test.params["backbone_parameter_order"] as? [String])
    var channels = 3
    var shape: [Int] = []
    return try names.enumerated().map { place, name in
      let index = try #require(Int(name.split(separator: ".")[1]))
      if name.hasSuffix("weight") {
        let width = backbone == .vgg ? [64, 128, 256, 512, 512] : [64, 192, 384, 256, 256]
        let stage = try #require(name.dropFirst(5).first?.wholeNumberValue) - 1
        let kernel = backbone == .vgg ? 3 : index == 0 ? 11 : index == 3 ? 5 : 3
        shape = [width[stage], channels, kernel, kernel]
        channels = width[stage]
      } else {
        shape = [channels]
      }
      let scale = shape.count == 4 ? (6 / Double(shape[1] * shape[2] * shape[3])).squareRoot() : 0.1
      let numbers = hashUniform(shape.reduce(1, *), 40_001 + UInt32(place))
      return (name, try Tensor(numbers.map { Float($0 * scale) }, shape: shape))
    }
  }

  @Test("LPIPS against the lpips package", arguments: LPIPS.Backbone.allCases)
  func perceptual(backbone: LPIPS.Backbone) throws {
    let test = try #require(fixtures.cases.first { $0.name == "lpips.\(backbone.rawValue)" })
    let heads = try test.inputs.dropFirst(2).map { try fixtures.tensor($0) }
    let metric = try LPIPS(backbone, trunk: trunk(test, backbone).map(\.value), heads: heads)
    let a = Variable(try fixtures.tensor(test.inputs[0])).watched()
    let b = Variable(try fixtures.tensor(test.inputs[1]))
    let taps = try metric.perTap(a, b, signed: true)
    let value = try metric(a, b, signed: true)
    // The slope in float64: in float32 a ReLU of vgg's thirteen may fall on its other side.
    let wideTrunk = try trunk(test, backbone).map { try $0.value.converted(to: .float64) }
    let exact = try LPIPS(backbone, trunk: wideTrunk, heads: heads)
    let wide = try Variable(a.value.converted(to: .float64)).watched()
    let slopes = try gradients(of: exact(wide, b, signed: true).sum(), wrt: [wide], recording: false)
    let slope = try #require(slopes[0]).value
    let rough = try #require(gradients(of: value.sum(), wrt: [a], recording: false)[0]).value
    let apart = try zip(rough.doubles(), slope.doubles()).map { abs($0 - $1) }.sorted()
    let largest = try slope.doubles().map { abs($0) }.max() ?? 0
    print(
      "lpips \(backbone): float32 slopes differ by more than 1.6e-4 of the largest at \(apart.count { $0 > 1.6e-4 * largest }) of \(apart.count) pixels, at most \(apart.last ?? 0) of \(largest)"
    )
    let found = [value.value, try Tensor.concat(taps.map { try $0.value.unsqueeze(axis: 0) }, axis: 0), slope]
    let limit = try #require(test.limit("rtol_max"))
    for (tensor, name) in zip(found, test.outputs) {
      let reference = try fixtures.tensor(name)
      let wrong = try mismatch(tensor, reference, rtol: limit, atol: 1e-8)
      #expect(wrong == nil, "\(name) \(wrong ?? "")")
    }
    #expect(try metric(a.value, a.value, signed: true) == [0, 0])
    // From 0…1, and grey as three equal channels.
    let unit = try Tensor.combine(.div, Tensor.combine(.add, b.value.converted(to: .float64), 1), 2)
    let direct = try metric(a.value.converted(to: .float64), b.value.converted(to: .float64), signed: true)
    let fromUnit = try metric(
      Tensor.combine(.div, Tensor.combine(.add, a.value.converted(to: .float64), 1), 2), unit)
    for (x, y) in zip(direct, fromUnit) { #expect(abs(x - y) < 1e-5 * x) }
    let grey = try Tensor.uniform([1, 1, 40, 40], key: testKey)
    let other = try Tensor.uniform([1, 1, 40, 40], key: testKey.derive("other"))
    let colour = { (x: Tensor) in try Tensor.concat([x, x, x], axis: 1) }
    #expect(try metric(grey, other) == metric(colour(grey), colour(other)))
    #expect(throws: Fault.self) { try metric(Tensor.zeros([3, 15, 40]), Tensor.zeros([3, 15, 40])) }
  }

  @Test("LPIPS reads torchvision's and lpips' names")
  func names() throws {
    let test = try #require(fixtures.cases.first { $0.name == "lpips.alex" })
    let own = try trunk(test, .alex)
    let heads = try test.inputs.dropFirst(2).map { try fixtures.tensor($0) }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("seep-lpips-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let torchvision = own.map {
      (name: "features." + $0.name.split(separator: ".").dropFirst().joined(separator: "."), $0.value)
    }
    try Safetensors.write(
      torchvision + [("classifier.1.weight", try .zeros([2, 2]))], to: folder + "/alexnet.safetensors")
    let linear = try heads.enumerated().map {
      (name: "lin\($0.offset).model.1.weight", value: try $0.element.reshape([1, $0.element.size, 1, 1]))
    }
    try Safetensors.write(linear, to: folder + "/heads.safetensors")
    try Safetensors.write(own.map { ("net." + $0.name, $0.value) } + linear, to: folder + "/lpips.safetensors")
    let (a, b) = (try fixtures.tensor(test.inputs[0]), try fixtures.tensor(test.inputs[1]))
    let expected = try LPIPS(.alex, trunk: own.map(\.value), heads: heads)(a, b)
    #expect(try LPIPS.load([folder + "/alexnet.safetensors", folder + "/heads.safetensors"], .alex)(a, b) == expected)
    #expect(try LPIPS.load([folder + "/lpips.safetensors"], .alex)(a, b) == expected)
    let missing = #expect(throws: Fault.self) { try LPIPS.load([folder + "/heads.safetensors"], .alex) }
    #expect(missing?.code == "missing-parameter" && missing?.message.contains("features.0.weight") == true)
    let other = #expect(throws: Fault.self) { try LPIPS.load([folder + "/lpips.safetensors"], .vgg) }
    #expect(other?.code == "shape-mismatch" || other?.code == "missing-parameter")
    // The same by layers: the first tap.
    let layers: [any Layer] = [try Conv(64, kernel: 11, stride: 4, pad: 2), Activation.relu]
    let model = Model(layers, key: testKey)
    try model.build(for: [3, 64, 67])
    let first = try model.with(values: [own[0].value, own[1].value])
    func features(_ x: Tensor) throws -> [Double] {
      let shift = try Tensor([-0.030, -0.088, -0.188].map { Float($0) }, shape: [1, 3, 1, 1])
      let scale = try Tensor([0.458, 0.448, 0.450].map { Float($0) }, shape: [1, 3, 1, 1])
      let signed = try Tensor.combine(.sub, Tensor.combine(.mul, x, 2), 1)
      return try first(Variable(Tensor.combine(.div, Tensor.combine(.sub, signed, shift), scale))).value.doubles()
    }
    let (p, q, head) = (try features(a), try features(b), try heads[0].doubles())
    let positions = p.count / 2 / 64
    for image in 0..<2 {
      var sum = 0.0
      for place in 0..<positions {
        func column(_ x: [Double]) -> [Double] { (0..<64).map { x[(image * 64 + $0) * positions + place] } }
        let (u, v) = (column(p), column(q))
        let (nu, nv) = (
          u.reduce(0) { $0 + $1 * $1 }.squareRoot() + 1e-10, v.reduce(0) { $0 + $1 * $1 }.squareRoot() + 1e-10
        )
        for channel in 0..<64 {
          let difference = u[channel] / nu - v[channel] / nv
          sum += head[channel] * difference * difference
        }
      }
      let tap = try LPIPS(.alex, trunk: own.map(\.value), heads: heads).perTap(Variable(a), Variable(b))[0].value
        .doubles()
      #expect(abs(sum / Double(positions) - tap[image]) < 1e-5 * tap[image])
    }
  }

  @Test("median filter against Inverting Gradients")
  func median() throws {
    let test = try #require(fixtures.cases.first { $0.name == "median_filter3" })
    let found = try medianFilter(Variable(fixtures.tensor(test.inputs[0]))).value
    #expect(try found.doubles() == fixtures.tensor(test.outputs[0]).doubles())
    #expect(throws: Fault.self) { try medianFilter(Variable(Tensor.zeros([1, 1, 5]))) }
  }

  @Test("representations and logits")
  func representations() throws {
    // logits = w · relu(u x): by hand.
    let model = Model([Flatten(), try Dense(2, bias: false), Activation.relu, try Dense(2, bias: false)], key: testKey)
    try model.build(for: [1, 1, 2])
    let net = try model.with(values: [
      try Tensor([Float(1), 0, 0, 2], shape: [2, 2]), try Tensor([Float(1), 1, 0, 3], shape: [2, 2]),
    ])
    let a = try Tensor([Float(1), 2, -1, 1], shape: [2, 1, 1, 2])  // features (1, 4), (0, 2); logits (5, 12), (2, 6)
    let b = try Tensor([Float(1), 1, 2, 0], shape: [2, 1, 1, 2])  // features (1, 2), (2, 0); logits (3, 6), (2, 0)
    #expect(try representationMSE(net, a, b) == [2, 4])
    #expect(try featureMSE(net, Variable(a), Variable(b)).value.doubles() == [20, 18])
    #expect(try featureMSE(net, Variable(a), Variable(b), labels: [0, 1]).value.doubles() == [4, 36])
    #expect(try !representationMSE(net, Variable(a), Variable(b)).isTracked)
    let watched = Variable(a).watched()
    let slope = try gradients(of: representationMSE(net, watched, Variable(b)).sum(), wrt: [watched], recording: false)[
      0]
    #expect(try slope?.value.doubles() == [0, 4, 0, 4])
    #expect(throws: Fault.self) { try featureMSE(net, Variable(a), Variable(b), labels: [0, 2]) }
    let pool = Model([GlobalAvgPool()], key: testKey)
    #expect(throws: Fault.self) { try representationMSE(pool, a, b) }
  }

  @Test("identification and re-identification")
  func identification() throws {
    func grey(_ levels: [Double]) throws -> Tensor {
      try Tensor.concat(levels.map { try Tensor.full([1, 1, 12, 12], $0, .float32) }, axis: 0)
    }
    func image(_ level: Double) throws -> Tensor { try grey([level]).select(axis: 0, index: 0) }
    let gallery = try grey([0.1, 0.3, 0.5, 0.9])
    let first = try identify(image(0.32), in: gallery, truth: 1)
    #expect(first.rank == 1 && first.hit && first.chance == 0.25 && first.nearest == 1 && first.size == 4)
    #expect(abs(first.distance - 0.0004) < 1e-7)
    let second = try identify(image(0.32), in: gallery, truth: 2)
    #expect(second.rank == 2 && !second.hit && second.nearest == 1)
    // A copy of the truth counts as the truth, in the chance as well; a tie with another image is no hit.
    let twins = try identify(image(0.32), in: grey([0.1, 0.3, 0.3, 0.9]), truth: 2)
    #expect(twins.rank == 1 && twins.hit && twins.chance == 0.5)
    let tie = try identify(image(0.5), in: grey([0.25, 0.75]), truth: 1)
    #expect(tie.rank == 2 && !tie.hit)
    let nothing = try identify(image(.nan), in: gallery, truth: 0)
    #expect(!nothing.hit && nothing.rank == 4)
    #expect(try identify(image(0.32), in: gallery, truth: 1, by: .ssim).hit)
    let brightness = ImageDistance.function { try abs($0.doubles()[0] - $1.doubles()[0]) }
    #expect(abs(try identify(image(0.6), in: gallery, truth: 2, by: brightness).distance - 0.1) < 1e-6)
    #expect(throws: Fault.self) { try identify(image(0), in: gallery, truth: 4) }
    #expect(throws: Fault.self) { try identify(image(0), in: grey([1]), truth: 0) }
    #expect(throws: Fault.self) { try identify(Tensor.zeros([1, 3, 3]), in: gallery, truth: 0) }

    // Photographs of two people: 0, 1 show person 7, 2, 3, 4 person 9. The secret itself is not compared with.
    let photographs = try grey([0.1, 0.3, 0.32, 0.6, 0.8])
    let people = [7, 7, 9, 9, 9]
    let wrong = try reidentify(image(0.3), in: photographs, people: people, truth: 1)
    #expect(wrong.person == 9 && !wrong.hit && wrong.chance == 0.25 && wrong.rank == 2 && wrong.nearest == 2)
    let right = try reidentify(image(0.15), in: photographs, people: people, truth: 1)
    #expect(right.person == 7 && right.hit && right.rank == 1 && right.nearest == 0 && right.size == 4)
    #expect(throws: Fault.self) {
      try reidentify(image(0), in: photographs, people: [1, 2, 2, 2, 2], truth: 0)
    }
  }

  @Test("intervals clustered by person")
  func clusters() throws {
    // Differences 1, 3 of person 0, 4 of person 1, 6, 8 of person 2: means 2, 4, 7.
    let found = try Interval(paired: [1, 6, 3, 4, 8], [0, 0, 0, 0, 0], groups: [0, 2, 0, 1, 2])
    #expect(try found == Interval(of: [2, 4, 7]) && found.count == 3)
    #expect(throws: Fault.self) { try Interval(paired: [1, 2], [0, 0], groups: [1, 1]) }
    #expect(throws: Fault.self) { try Interval(paired: [1, 2], [0, 0], groups: [1]) }
  }

  @Test("pairing by other distances")
  func pairing() throws {
    let images = try Tensor.uniform([3, 1, 16, 16], key: testKey)
    let shuffled = try images.indexSelect(axis: 0, Tensor([Int64(2), 0, 1], shape: [3]))
    #expect(try pair(shuffled, images, by: .ssim) == [2, 0, 1])
    let net = try Model([Flatten(), Dense(8), Activation.relu, Dense(3)], key: testKey)
    #expect(try pair(shuffled, images, by: .representation(net)) == [2, 0, 1])
    #expect(try psnr(Tensor.full([1, 2, 2], .infinity, .float32), .zeros([1, 2, 2]))[0].isNaN)
  }
}

/// The fixtures' formula numbers (README, hash_uniform).
private func hashUniform(_ count: Int, _ k: UInt32) -> [Double] {
  (0..<count).map { i in
    var h = UInt32(truncatingIfNeeded: i) &* 2_654_435_761 &+ k &* 2_246_822_519 &+ 374_761_393
    h ^= h >> 16
    h = h &* 0x85EB_CA6B
    h ^= h >> 13
    h = h &* 0xC2B2_AE35
    h ^= h >> 16
    return Double(h) / 4_294_967_296 * 2 - 1
  }
}
