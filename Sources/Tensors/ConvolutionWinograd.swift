// Where 3×3 convolutions of stride 1 take Winograd's way (Sources/CBLAS/winograd.c): many channels, enough tiles. Results differ from
// the direct sum by about 1e-6 to 1e-5 of the largest output (measured in Tests/AutodiffTests/WinogradTests.swift).
import CBLAS
import Ground

extension Convolution {
  /// The convolution for the kernels, as the forward pass or (`adjoint`) as the input gradient, which is a convolution of the output
  /// gradient with the kernels turned around.
  private func winograd(adjoint: Bool) -> seep_winograd {
    let g = geometry
    return adjoint
      ? seep_winograd(
        n: n, ic: oc, ih: oh, iw: ow, oc: ic, oh: ih, ow: iw, top: 2 - g.top, left: 2 - g.left, block: Tensor.blockSize)
      : seep_winograd(
        n: n, ic: ic, ih: ih, iw: iw, oc: oc, oh: oh, ow: ow, top: g.top, left: g.left, block: Tensor.blockSize)
  }

  private var tiles: Int { n * ((oh + 3) / 4) * ((ow + 3) / 4) }

  /// Whether shapes fit and the transforms pay: at 4 tiles a channel pair and less, weights would be transformed for nothing.
  var suitsWinograd: Bool {
    let g = geometry
    let pair = 2 * Tensor.blockSize
    return kh == 3 && kw == 3 && g.strideHeight == 1 && g.strideWidth == 1 && g.dilationHeight == 1
      && g.dilationWidth == 1 && g.groups == 1 && ic % pair == 0 && oc % pair == 0 && ic >= 32 && oc >= 32
      && g.top <= 2 && g.left <= 2 && g.bottom <= 2 && g.right <= 2
      && tiles >= (ic * oc <= 128 * 128 ? 14 : 24) && oh >= 3 && ow >= 3
  }

  /// Sums over tiles need many of them.
  var weightsSuitWinograd: Bool { suitsWinograd && tiles >= 48 && oh >= 7 }

  /// The forward pass, or the input gradient of `images` (the output gradient).
  func winogradPass(_ images: Tensor, _ w: Tensor, adjoint: Bool) throws -> Tensor? {
    var shape = winograd(adjoint: adjoint)
    guard let input = try images.blocks() else { return nil }
    let result = try Tensor(blocks: [n, shape.oc, shape.oh, shape.ow])
    guard let out = try result.blocks() else { return nil }
    let u = try transformedWeights(w, adjoint: adjoint)
    // All tiles of one piece share the weights: large weights want many tiles, or few output channels.
    let all = seep_winograd_tiles(&shape)
    let isLarge = shape.ic * shape.oc > 128 * 128
    // No piece above some 600 M multiply-adds, about 12 ms.
    let grain = isLarge ? max(28, min(112, (640 << 20) / (36 * shape.ic * shape.oc))) : 28
    let chunks = max(1, (all + grain - 1) / grain)
    let pair = 2 * Tensor.blockSize
    let parts = isLarge && chunks < 4 ? min(4, shape.oc / pair) : 1
    let width = (shape.oc / pair + parts - 1) / parts * pair
    let perChunk = (all + chunks - 1) / chunks
    try withExtendedLifetime((images, w)) {
      try Threads.run(pieces: chunks * parts) { piece in
        var shape = shape
        let (chunk, part) = (piece / parts, piece % parts)
        let count = min(perChunk, all - chunk * perChunk)
        let channels = min(width, shape.oc - part * width)
        guard count > 0, channels > 0 else { return }
        let scratch = try Block(
          byteCount: 4 * seep_winograd_scratch(&shape, count, channels), describing: "tiles of a convolution")
        seep_winograd_forward(
          &shape, input, u, out, chunk * perChunk, count, part * width, channels,
          scratch.base.assumingMemoryBound(to: Float.self))
      }
    }
    return result
  }

  private func transformedWeights(_ w: Tensor, adjoint: Bool) throws -> UnsafePointer<Float> {
    let plain = w.pointer(Float.self)
    let outs = adjoint ? ic : oc
    let fill: (UnsafeMutableRawPointer) throws -> Void = { memory in
      nonisolated(unsafe) let u = memory.assumingMemoryBound(to: Float.self)
      let block = Tensor.blockSize
      let grain = max(1, (1 << 14) / (ic * oc / outs * block))
      Threads.always(pieces: outs / block, grain: grain) { range in
        seep_winograd_weights(
          plain, oc, ic, block, adjoint ? 1 : 0, range.lowerBound * block, range.count * block, u)
      }
    }
    let key = PackKey(kernel: adjoint ? 2 : 1, layout: 0, first: w.offset, count: w.size)
    return UnsafePointer(
      try w.storage.pack(key, byteCount: 36 * 4 * ic * oc, fill: fill).assumingMemoryBound(to: Float.self))
  }

  func winogradWeightGradient(_ x: Tensor, _ gy: Tensor) throws -> Tensor? {
    var shape = winograd(adjoint: false)
    guard let input = try x.blocks(), let gradient = try gy.blocks() else { return nil }
    let result = try Tensor(uninitialized: [oc, ic, 3, 3], .float32)
    let out = result.pointer(Float.self)
    let all = seep_winograd_tiles(&shape)
    // Chunks of tiles, one after the other, whose products are added in that order.
    let chunk = min(all, max(64, min(512, (4 << 20) / (36 * (ic + oc)))))
    let (vPlane, yPlane) = (chunk * ic + 16, chunk * oc + 16)
    let planes = try Block(byteCount: 4 * 36 * (vPlane + yPlane), describing: "tiles of a convolution")
    let products = try Block(byteCount: 4 * 36 * ic * oc, describing: "products of a weight gradient")
    nonisolated(unsafe) let v = planes.base.assumingMemoryBound(to: Float.self)
    nonisolated(unsafe) let y = v + 36 * vPlane
    nonisolated(unsafe) let m = products.base.assumingMemoryBound(to: Float.self)
    let rowParts = ic * oc > 128 * 128 ? 2 : 1
    let rows = (oc / rowParts + 13) / 14 * 14
    try withExtendedLifetime((x, gy, planes, products)) {
      for begin in stride(from: 0, to: all, by: chunk) {
        let count = min(chunk, all - begin)
        try Threads.run(pieces: (count + 15) / 16) { piece in
          var shape = shape
          let first = piece * 16
          seep_winograd_spread(
            &shape, input, gradient, begin + first, min(16, count - first), begin, v, vPlane, y, yPlane)
        }
        try Threads.run(pieces: 36 * rowParts) { piece in
          var shape = shape
          let (k, first) = (piece / rowParts, piece % rowParts * rows)
          let mine = min(rows, oc - first)
          if mine > 0 {
            seep_winograd_weight_products(
              &shape, v, vPlane, y, yPlane, count, k, first, mine, m + k * ic * oc, begin > 0 ? 1 : 0)
          }
        }
      }
      try Threads.forRanges(ic * oc, grain: 1 << 12) {
        seep_winograd_weight_gradient(m, ic * oc, $0.lowerBound, $0.count, out)
      }
    }
    return result
  }
}
