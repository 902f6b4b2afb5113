// Squared norms of weight gradients without the gradients: ‖D Aᵀ‖² = ⟨AᵀA, DᵀD⟩ for patches A and output gradients D.
import Ground
import Tensors

extension Variable {
  /// Patches `[n, channels · kh · kw, positions]`; linear.
  public func unfold(kernel: (height: Int, width: Int), _ g: ConvGeometry) throws -> Variable {
    let x = self
    return .unary(x, try value.unfold(kernel: kernel, g)) { u, _ in try u.fold(into: x.shape, kernel: kernel, g) }
  }

  /// The adjoint of `unfold`.
  public func fold(into images: [Int], kernel: (height: Int, width: Int), _ g: ConvGeometry) throws -> Variable {
    .unary(self, try value.fold(into: images, kernel: kernel, g)) { u, _ in try u.unfold(kernel: kernel, g) }
  }

  /// ‖Gᵢ‖² of the weight gradient of each image by itself, self the input and `gy` the output's gradient: `[n]`.
  public func conv2dWeightGradientSquares(_ gy: Variable, kernel: (height: Int, width: Int), _ g: ConvGeometry) throws
    -> Variable
  {
    let patches = try unfold(kernel: kernel, g)
    let outputs = try gy.reshape([gy.shape[0], gy.shape[1], gy.shape[2] * gy.shape[3]])
    let inner = try patches.transposed().matmul(patches)
    let outer = try outputs.transposed().matmul(outputs)
    return try (inner * outer).sum(axes: [1, 2])
  }

  /// ⟨Gᵢ, target⟩ of the same gradients: `[n]`.
  public func conv2dWeightGradientProducts(_ gy: Variable, _ target: Variable, _ g: ConvGeometry) throws -> Variable {
    try gy.pixelProducts(conv2d(target, g)).sum(axes: [1])
  }
}
