// Convolutions so small that a library's call costs more than their arithmetic (a LeNet on one image): patches and one product.
import CBLAS
import Ground

extension Convolution {
  /// At most a quarter of a million multiply-adds.
  var isSmall: Bool { n * workPerImage <= 1 << 18 && geometry.groups == 1 }

  /// Memory for the patches of one image, freed with the result of `body`.
  private func withColumns<R>(_ body: (UnsafeMutablePointer<Float>) throws -> R) throws -> R {
    _ = Libraries.prepared
    let memory = try Block(byteCount: 4 * patch * positions, describing: "patches of a convolution")
    return try withExtendedLifetime(memory) { try body(memory.base.assumingMemoryBound(to: Float.self)) }
  }

  func forwardOfSmall(_ x: Tensor, _ w: Tensor) throws -> Tensor {
    let result = try Tensor(uninitialized: [n, oc, oh, ow], .float32)
    let (input, weights, out) = (x.pointer(Float.self), w.pointer(Float.self), result.pointer(Float.self))
    try withColumns { columns in
      for image in 0..<n {
        Tensor.gatherColumns(self, input + image * ic * ih * iw, columns)
        seep_sgemm(
          0, 0, oc, positions, patch, 1, weights, patch, columns, positions, 0, out + image * oc * positions, positions)
      }
    }
    return result
  }

  func inputGradientOfSmall(_ gy: Tensor, _ w: Tensor) throws -> Tensor {
    let result = try Tensor.zeros([n, ic, ih, iw], .float32)
    let (gradient, weights, out) = (gy.pointer(Float.self), w.pointer(Float.self), result.pointer(Float.self))
    try withColumns { columns in
      for image in 0..<n {
        seep_sgemm(
          1, 0, patch, positions, oc, 1, weights, patch, gradient + image * oc * positions, positions, 0, columns,
          positions)
        Tensor.scatterColumns(self, columns, out + image * ic * ih * iw)
      }
    }
    return result
  }

  func weightGradientOfSmall(_ x: Tensor, _ gy: Tensor) throws -> Tensor {
    let result = try Tensor(uninitialized: [oc, ic, kh, kw], .float32)
    let (input, gradient, out) = (x.pointer(Float.self), gy.pointer(Float.self), result.pointer(Float.self))
    try withColumns { columns in
      for image in 0..<n {
        Tensor.gatherColumns(self, input + image * ic * ih * iw, columns)
        seep_sgemm(
          0, 1, oc, patch, positions, 1, gradient + image * oc * positions, positions, columns, positions,
          image == 0 ? 0 : 1, out, patch)
      }
    }
    return result
  }
}
