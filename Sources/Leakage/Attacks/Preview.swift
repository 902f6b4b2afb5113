// What an attack has so far, for whoever watches it.
import Ground
import Tensors

extension Preview {
  /// Images `[n, channels, height, width]`; read only if somebody shows them.
  public init(of images: Tensor) { self.init(shape: images.shape) { try images.floats() } }
}
