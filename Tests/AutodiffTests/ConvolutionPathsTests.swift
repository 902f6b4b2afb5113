// Every way a float32 convolution can take, against the float64 one, which is im2col and dgemm.
import Ground
import Synchronization
import Testing

import Tensors

struct ConvolutionCase: Sendable, CustomTestStringConvertible {
  let name: String
  let n, ic, oc, height, width, kernel, stride, pad: Int
  /// Largest error allowed, relative to the largest element of the result.
  let tolerance: Double
  var groups = 1
  var testDescription: String { "\(name) \(n)×\(ic)→\(oc) \(height)×\(width) k\(kernel) s\(stride) p\(pad)" }
}

/// Direct sums lose about 1e-6; Winograd's F(4×4, 3×3) about ten times that.
private let cases = [
  ConvolutionCase(
    name: "plain", n: 3, ic: 5, oc: 7, height: 9, width: 11, kernel: 3, stride: 1, pad: 1, tolerance: 2e-6),
  ConvolutionCase(
    name: "blocks", n: 5, ic: 16, oc: 32, height: 13, width: 9, kernel: 3, stride: 2, pad: 1, tolerance: 2e-6),
  ConvolutionCase(
    name: "blocks", n: 2, ic: 48, oc: 16, height: 8, width: 8, kernel: 5, stride: 1, pad: 0, tolerance: 2e-6),
  ConvolutionCase(
    name: "first layer", n: 4, ic: 3, oc: 64, height: 16, width: 16, kernel: 3, stride: 1, pad: 1, tolerance: 2e-6),
  ConvolutionCase(
    name: "thin", n: 3, ic: 32, oc: 3, height: 10, width: 7, kernel: 3, stride: 1, pad: 1, tolerance: 2e-6),
  ConvolutionCase(
    name: "thin", n: 2, ic: 64, oc: 1, height: 12, width: 12, kernel: 4, stride: 2, pad: 1, tolerance: 2e-6),
  ConvolutionCase(
    name: "channels split", n: 1, ic: 64, oc: 128, height: 12, width: 12, kernel: 3, stride: 2, pad: 1, tolerance: 2e-6),
  ConvolutionCase(
    name: "few positions", n: 1, ic: 64, oc: 160, height: 4, width: 4, kernel: 3, stride: 1, pad: 1, tolerance: 2e-6),
  ConvolutionCase(
    name: "few positions", n: 3, ic: 64, oc: 128, height: 6, width: 5, kernel: 3, stride: 2, pad: 1, tolerance: 2e-6),
  ConvolutionCase(
    name: "few positions", n: 1, ic: 256, oc: 512, height: 7, width: 7, kernel: 1, stride: 1, pad: 0, tolerance: 2e-6),
  ConvolutionCase(
    name: "winograd", n: 2, ic: 64, oc: 64, height: 32, width: 32, kernel: 3, stride: 1, pad: 1, tolerance: 2e-5),
  ConvolutionCase(
    name: "winograd", n: 3, ic: 32, oc: 96, height: 13, width: 18, kernel: 3, stride: 1, pad: 0, tolerance: 2e-5),
  ConvolutionCase(
    name: "winograd", n: 7, ic: 256, oc: 192, height: 8, width: 9, kernel: 3, stride: 1, pad: 2, tolerance: 2e-5),
  ConvolutionCase(
    name: "groups", n: 4, ic: 32, oc: 32, height: 9, width: 9, kernel: 3, stride: 1, pad: 1, tolerance: 2e-6, groups: 4),
  ConvolutionCase(
    name: "bands", n: 1, ic: 8, oc: 16, height: 600, width: 610, kernel: 5, stride: 1, pad: 2, tolerance: 2e-5),
  ConvolutionCase(
    name: "bands", n: 1, ic: 16, oc: 32, height: 601, width: 620, kernel: 5, stride: 2, pad: 1, tolerance: 2e-5),
  ConvolutionCase(
    name: "bands", n: 1, ic: 32, oc: 32, height: 700, width: 701, kernel: 3, stride: 1, pad: 0, tolerance: 2e-5,
    groups: 4),
]

@Suite("convolution paths") struct ConvolutionPathsTests {
  private func random(_ shape: [Int], _ name: String) throws -> Tensor {
    try .normal(shape, key: RandomKey(seed: 5).derive(name))
  }

  private func worst(_ a: Tensor, _ exact: Tensor) throws -> Double {
    let difference = try Tensor.combine(.sub, a.converted(to: .float64), exact).map(.abs).reduce(.max).item()
    return difference / (try exact.map(.abs).reduce(.max).item())
  }

  @Test("float32 as float64", arguments: cases) func passes(_ c: ConvolutionCase) throws {
    let g = ConvGeometry(stride: c.stride, padding: c.pad, groups: c.groups)
    let x = try random([c.n, c.ic, c.height, c.width], "x")
    let w = try random([c.oc, c.ic / c.groups, c.kernel, c.kernel], "w")
    let y = try Tensor.conv2d(x, w, g)
    let (wide, wideWeights) = (try x.converted(to: .float64), try w.converted(to: .float64))
    #expect(try worst(y, .conv2d(wide, wideWeights, g)) < c.tolerance)

    let gy = try random(y.shape, "gy")
    let wideGradient = try gy.converted(to: .float64)
    let size = (height: c.height, width: c.width)
    let gx = try Tensor.conv2dInputGradient(gy, w, inputSize: size, g)
    #expect(try worst(gx, .conv2dInputGradient(wideGradient, wideWeights, inputSize: size, g)) < c.tolerance)

    let kernel = (height: c.kernel, width: c.kernel)
    let gw = try Tensor.conv2dWeightGradient(x, gy, kernel: kernel, g)
    let exact = try Tensor.conv2dWeightGradient(wide, wideGradient, kernel: kernel, g)
    #expect(try worst(gw, exact) < c.tolerance)

    // Slices of images and of weights take the same way to the same numbers.
    let again = try Tensor.conv2d(
      .concat([x, x], axis: 0).slice(axis: 0, from: c.n, to: 2 * c.n),
      .concat([w, w], axis: 0).slice(axis: 0, from: c.oc, to: 2 * c.oc), g)
    #expect(try again.floats() == y.floats())
  }

  @Test(
    "each candidate's weight gradient, its norm and its products",
    arguments: cases.filter { ($0.n % 2 == 0 || $0.n == 1) && $0.name != "bands" })
  func each(_ c: ConvolutionCase) throws {
    let g = ConvGeometry(stride: c.stride, padding: c.pad, groups: c.groups)
    let x = try random([c.n, c.ic, c.height, c.width], "x")
    let w = try random([c.oc, c.ic / c.groups, c.kernel, c.kernel], "w")
    let gy = try random(Tensor.conv2d(x, w, g).shape, "gy")
    let kernel = (height: c.kernel, width: c.kernel)
    let group = c.n == 1 ? 1 : 2
    let sources = try ConvolutionGradients(x, gy, kernel: kernel, g, group: group)
    var exact: [Tensor] = []
    for i in 0..<c.n / group {
      let part = try x.slice(axis: 0, from: i * group, to: (i + 1) * group).converted(to: .float64)
      let slope = try gy.slice(axis: 0, from: i * group, to: (i + 1) * group).converted(to: .float64)
      exact.append(try .conv2dWeightGradient(part, slope, kernel: kernel, g))
    }
    let found = Collected(count: c.n / group)
    try sources.forEach { i, memory in
      found.set(i, Array(UnsafeBufferPointer(start: memory, count: sources.count)))
    }
    let target = try w.converted(to: .float64)
    let squares = c.groups == 1 ? try sources.squaresByGram() : []
    let products = try sources.products(w)
    for i in exact.indices {
      let own = try Tensor(found.values[i], shape: exact[i].shape)
      #expect(try worst(own, exact[i]) < c.tolerance)
      let norm = try exact[i].map(.square).reduce(.sum).item()
      if c.groups == 1 { #expect(abs(squares[i] - norm) < 1e-4 * norm) }
      let product = try Tensor.combine(.mul, exact[i], target).reduce(.sum).item()
      let scale = (norm * (try target.map(.square).reduce(.sum).item())).squareRoot()
      #expect(abs(products[i] - product) < 1e-4 * scale)
    }
  }

  @Test("unfold and fold are adjoint") func unfolding() throws {
    let g = ConvGeometry(stride: 2, padding: 1)
    let x = try random([2, 3, 7, 6], "x").converted(to: .float64)
    let patches = try x.unfold(kernel: (3, 2), g)
    let u = try random(patches.shape, "u").converted(to: .float64)
    let left = try Tensor.combine(.mul, patches, u).reduce(.sum).item()
    let right = try Tensor.combine(.mul, x, u.fold(into: x.shape, kernel: (3, 2), g)).reduce(.sum).item()
    #expect(abs(left - right) < 1e-10)
  }
}

/// Results from several threads.
private final class Collected: @unchecked Sendable {
  private(set) var values: [[Float]]
  private let lock = Mutex<Void>(())
  init(count: Int) { values = Array(repeating: [], count: count) }
  func set(_ i: Int, _ value: [Float]) { lock.withLock { _ in values[i] = value } }
}
