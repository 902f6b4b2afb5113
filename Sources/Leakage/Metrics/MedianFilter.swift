// The 3×3 median filter, which takes single wrong pixels out of a reconstruction.
import Autodiff
import Ground
import Tensors

/// Each pixel's median among its 3×3 neighbours, the border reflected (without the border pixel itself), as Inverting Gradients' code
/// filters its results. Same shape; differentiable where no values tie.
/// - Throws: `bad-shape` for less than two axes, `empty`, `image-too-small` for sides of one pixel.
public func medianFilter(_ images: Variable) throws -> Variable {
  let x = try imageBatch(images)
  let (height, width) = (x.shape[2], x.shape[3])
  guard min(height, width) >= 2 else {
    throw Fault("image-too-small", "a median filter reflects the border and needs sides of at least 2 pixels")
  }
  let padded = try x.pad([(0, 0), (0, 0), (1, 1), (1, 1)], mode: .reflect)
  let neighbours = try (0..<9).map { place in
    try padded.slice(axis: 2, from: place / 3, to: place / 3 + height).slice(
      axis: 3, from: place % 3, to: place % 3 + width)
  }
  return try Variable.stack(neighbours, axis: 0).sort(axis: 0).values.select(axis: 0, index: 4).reshape(images.shape)
}
