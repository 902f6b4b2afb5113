// Convolutions to one, three or four channels (the last layer of a generator) and input gradients of images (the first layer of a
// model): see Sources/CBLAS/thin.c.
import CBLAS
import Ground

extension Convolution {
  private func suitsThin(from many: Int, to few: Int) -> Bool {
    few <= 4 && geometry.groups == 1 && many % Tensor.blockSize == 0
  }

  func thinForward(_ x: Tensor, _ w: Tensor) throws -> Tensor? {
    guard suitsThin(from: ic, to: oc) else { return nil }
    let shape = seep_thin(
      ic: ic, ih: ih, iw: iw, oc: oc, oh: oh, ow: ow, kh: kh, kw: kw, stride_h: geometry.strideHeight,
      stride_w: geometry.strideWidth, dilation_h: geometry.dilationHeight, dilation_w: geometry.dilationWidth,
      top: geometry.top, left: geometry.left, block: Tensor.blockSize, adjoint: 0)
    return try thin(shape, x, try w.permute([0, 2, 3, 1]).contiguous())
  }

  func thinInputGradient(_ gy: Tensor, _ w: Tensor) throws -> Tensor? {
    guard suitsThin(from: oc, to: ic) else { return nil }
    let shape = seep_thin(
      ic: oc, ih: oh, iw: ow, oc: ic, oh: ih, ow: iw, kh: kh, kw: kw, stride_h: geometry.strideHeight,
      stride_w: geometry.strideWidth, dilation_h: geometry.dilationHeight, dilation_w: geometry.dilationWidth,
      top: geometry.top, left: geometry.left, block: Tensor.blockSize, adjoint: 1)
    return try thin(shape, gy, try w.permute([1, 2, 3, 0]).contiguous())
  }

  private func thin(_ shape: seep_thin, _ images: Tensor, _ w: Tensor) throws -> Tensor? {
    guard let input = try images.blocks() else { return nil }
    let result = try Tensor(uninitialized: [n, shape.oc, shape.oh, shape.ow], .float32)
    let (out, weights) = (result.pointer(Float.self), w.pointer(Float.self))
    let perLine = shape.ow * shape.kh * shape.kw * shape.ic * shape.oc
    try withExtendedLifetime((images, w)) {
      try Threads.forRanges(n * shape.oh, grain: max(1, (1 << 20) / max(1, perLine))) { range in
        var shape = shape
        withUnsafeTemporaryAllocation(byteCount: shape.ow * shape.oc * shape.block * 4, alignment: 64) { sums in
          seep_thin_run(
            &shape, input, weights, out, range.lowerBound, range.upperBound,
            sums.baseAddress?.assumingMemoryBound(to: Float.self))
        }
      }
    }
    return result
  }
}
