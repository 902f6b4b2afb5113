// A lone large image goes through the passes in bands of rows, as a batch: then all threads have work, and Ctrl-C waits for one band only.

extension Convolution {
  /// Rows of the result in a band of some 128 M multiply-adds; nil where the image is no lone large one.
  var bandRows: Int? {
    guard n == 1, oh >= 2, workPerImage > 1 << 30 else { return nil }
    let count = Swift.min(oh, workPerImage >> 27)
    return (oh + count - 1) / count
  }

  /// The convolution of all bands: each has the rows around it that it reads, and no padding above and below.
  private func ofBands(_ rows: Int) throws -> Convolution {
    var own = geometry
    (own.top, own.bottom) = (0, 0)
    let height = (rows - 1) * own.strideHeight + own.dilationHeight * (kh - 1) + 1
    return try Convolution(
      input: [(oh + rows - 1) / rows, ic, height, iw], weight: [oc, ic / own.groups, kh, kw], own)
  }

  /// Rows of the image that band `b` reads: those there are, and how many are missing above and below.
  private func reach(_ b: Int, _ rows: Int, _ height: Int) -> (rows: Range<Int>, above: Int, below: Int) {
    let first = b * rows * geometry.strideHeight - geometry.top
    let low = Swift.min(Swift.max(0, first), ih)
    let high = Swift.max(low, Swift.min(ih, first + height))
    let above = Swift.min(height, Swift.max(0, low - first))
    return (low..<high, above, height - above - (high - low))
  }

  private func bands(_ x: Tensor, _ rows: Int, _ all: Convolution) throws -> Tensor {
    try Tensor.concat(
      (0..<all.n).map { b in
        let reach = reach(b, rows, all.ih)
        return try x.slice(axis: 2, from: reach.rows.lowerBound, to: reach.rows.upperBound)
          .pad([(0, 0), (0, 0), (reach.above, reach.below), (0, 0)])
      }, axis: 0
    ).contiguous()
  }

  /// What belongs to the result, in bands; zeros behind its end.
  private func resultBands(_ y: Tensor, _ rows: Int, _ all: Convolution) throws -> Tensor {
    try y.pad([(0, 0), (0, 0), (0, all.n * rows - oh), (0, 0)]).contiguous()
      .reshape([oc, all.n, rows, ow]).permute([1, 0, 2, 3]).contiguous()
  }

  func forwardInBands(_ x: Tensor, _ w: Tensor, rows: Int) throws -> Tensor {
    let all = try ofBands(rows)
    let images = try bands(x, rows, all)
    let y = try withExtendedLifetime(images) { try all.forward(images, w) }
    return try y.permute([1, 0, 2, 3]).contiguous().reshape([1, oc, all.n * rows, ow])
      .slice(axis: 2, from: 0, to: oh).contiguous()
  }

  /// Bands overlap in the image: what they give to a row is added in their order.
  func inputGradientInBands(_ gy: Tensor, _ w: Tensor, rows: Int) throws -> Tensor {
    let all = try ofBands(rows)
    let slopes = try resultBands(gy, rows, all)
    let parts = try withExtendedLifetime(slopes) { try all.inputGradient(slopes, w).contiguous() }
    let gx = try Tensor.zeros([1, ic, ih, iw], .float32)
    let (from, to) = (parts.pointer(Float.self), gx.pointer(Float.self))
    for b in 0..<all.n {
      let reach = reach(b, rows, all.ih)
      for channel in 0..<ic {
        let source = from + ((b * ic + channel) * all.ih + reach.above) * iw
        let target = to + (channel * ih + reach.rows.lowerBound) * iw
        for i in 0..<reach.rows.count * iw { target[i] += source[i] }
      }
    }
    withExtendedLifetime(parts) {}
    return gx
  }

  func weightGradientInBands(_ x: Tensor, _ gy: Tensor, rows: Int) throws -> Tensor {
    let all = try ofBands(rows)
    let (images, slopes) = (try bands(x, rows, all), try resultBands(gy, rows, all))
    return try withExtendedLifetime((images, slopes)) { try all.weightGradient(images, slopes) }
  }
}
