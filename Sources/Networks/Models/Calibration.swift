// Batch normalisation's running statistics, set from one batch.
import Autodiff
import Ground
import Tensors

extension Model {
  /// The model with the running statistics of its batch normalisation replaced by those of the batch `x`, layer by layer.
  /// - Throws: `bad-batch` where a channel has a single value.
  public func calibrated(on x: Variable) throws -> Model {
    let (batch, _) = try batched(x)
    try build(for: Array(batch.shape.dropFirst()))
    // With momentum 1 the new statistics are the batch's own.
    let eager = Model(layers.map(Model.forgetful), key: key, initialiser: initialiser, dtype: dtype)
    try eager.build(for: Array(batch.shape.dropFirst()))
    let pass = try eager.with(values: parameters.tensors, buffers: buffers.tensors)
      .forward(Variable(batch.value), mode: .train, key: key)
    return try with(values: parameters.tensors, buffers: pass.buffers)
  }

  private static func forgetful(_ layer: any Layer) -> any Layer {
    if var norm = layer as? BatchNorm {
      norm.momentum = 1
      return norm
    }
    if let segment = layer as? OnnxSegment { return segment.mapped(forgetful) }
    if let residual = layer as? Residual {
      return Residual(residual.main.map(forgetful), shortcut: residual.shortcut.map(forgetful))
    }
    return layer
  }
}
