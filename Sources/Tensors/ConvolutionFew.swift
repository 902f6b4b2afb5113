// Convolutions with large weights and few positions (the last stages of a ResNet on a lone image): bound by reading the weights, which
// are taken as they lie, without a copy in a kernel's order.
import CBLAS
import Ground

extension Convolution {
  /// Positions of all images, in whole vectors.
  private var columns: Int { (n * positions + Tensor.blockSize - 1) / Tensor.blockSize * Tensor.blockSize }

  var hasFewPositions: Bool {
    geometry.groups == 1 && n * positions <= 64 && ic % 32 == 0 && oc % 32 == 0 && oc * patch >= 1 << 16
  }

  /// Patches of all images, `[patch, columns]`.
  private func gathered(_ x: Tensor) throws -> Tensor {
    let width = columns
    let result = try Tensor(uninitialized: [patch, width], .float32)
    let (input, out) = (x.pointer(Float.self), result.pointer(Float.self))
    let channels = 32
    try Threads.run(pieces: ic / channels) { piece in
      var part = self
      part.ic = channels
      let rows = channels * kh * kw
      let base = out + piece * rows * width
      for image in 0..<n {
        Tensor.gatherColumns(
          part, input + (image * ic + piece * channels) * ih * iw, base + image * positions, rowStep: width)
      }
      if n * positions < width {
        for row in 0..<rows { for j in n * positions..<width { base[row * width + j] = 0 } }
      }
    }
    return result
  }

  /// Images' channels side by side, `[oc, columns]`.
  private func gathered(gradient gy: Tensor) throws -> Tensor {
    let width = columns
    if n == 1, positions == width { return try gy.reshape([oc, width]) }
    let result = try Tensor(uninitialized: [oc, width], .float32)
    let (from, out) = (gy.pointer(Float.self), result.pointer(Float.self))
    for channel in 0..<oc {
      let line = out + channel * width
      for image in 0..<n {
        (line + image * positions).update(from: from + (image * oc + channel) * positions, count: positions)
      }
      for j in n * positions..<width { line[j] = 0 }
    }
    return result
  }

  func forwardOfFew(_ x: Tensor, _ w: Tensor) throws -> Tensor {
    let (a, cols, width) = (w.pointer(Float.self), try gathered(x), columns)
    let b = cols.pointer(Float.self)
    let isDirect = n == 1 && positions == width
    let result = try Tensor(uninitialized: [n, oc, oh, ow], .float32)
    let rows = isDirect ? result : try Tensor(uninitialized: [oc, width], .float32)
    let c = rows.pointer(Float.self)
    let grain = grain(oc)
    try withExtendedLifetime((w, cols)) {
      try Threads.forRanges(oc, grain: grain) { range in
        let first = range.lowerBound
        seep_few_product(
          Tensor.blockSize, range.count, patch, width, a + first * patch, patch, 1, b, width, c + first * width, width,
          0)
      }
    }
    if !isDirect {
      let out = result.pointer(Float.self)
      for image in 0..<n {
        for channel in 0..<oc {
          (out + (image * oc + channel) * positions).update(
            from: c + channel * width + image * positions, count: positions)
        }
      }
    }
    return result
  }

  func inputGradientOfFew(_ gy: Tensor, _ w: Tensor) throws -> Tensor {
    let (a, width) = (w.pointer(Float.self), columns)
    let outputs = try gathered(gradient: gy)
    let d = outputs.pointer(Float.self)
    let result = try Tensor.zeros([n, ic, ih, iw], .float32)
    let out = result.pointer(Float.self)
    let channels = 32
    try withExtendedLifetime((w, outputs)) {
      try Threads.run(pieces: ic / channels) { piece in
        let rows = channels * kh * kw
        let memory = try Block(byteCount: 4 * rows * width, describing: "patches of a convolution")
        let cols = memory.base.assumingMemoryBound(to: Float.self)
        // Sixteen output channels at a time: their weights for these inputs lie in as many runs.
        for first in stride(from: 0, to: oc, by: 16) {
          seep_few_product(
            Tensor.blockSize, rows, 16, width, a + first * patch + piece * rows, 1, patch, d + first * width, width,
            cols,
            width, first > 0 ? 1 : 0)
        }
        var part = self
        part.ic = channels
        for image in 0..<n {
          Tensor.scatterColumns(
            part, cols + image * positions, out + (image * ic + piece * channels) * ih * iw, rowStep: width)
        }
      }
    }
    return result
  }

  func weightGradientOfFew(_ x: Tensor, _ gy: Tensor) throws -> Tensor {
    let width = n * positions
    let turned = try gathered(x).slice(axis: 1, from: 0, to: width).transposed().contiguous()
    let outputs = try gathered(gradient: gy)
    let (a, b) = (outputs.pointer(Float.self), turned.pointer(Float.self))
    let result = try Tensor(uninitialized: [oc, ic, kh, kw], .float32)
    let c = result.pointer(Float.self)
    let step = columns
    try withExtendedLifetime((outputs, turned)) {
      // Patches by output channels: each piece's part of the patches stays in cache.
      let span = 512
      let spans = (patch + span - 1) / span
      try Threads.run(pieces: spans) { piece in
        let first = piece * span
        seep_few_product(
          Tensor.blockSize, oc, width, min(span, patch - first), a, step, 1, b + first, patch, c + first, patch, 0)
      }
    }
    return result
  }

  private func grain(_ rows: Int) -> Int { max(32, min(rows, (4 << 20) / max(1, patch * columns) / 4 * 4)) }
}
