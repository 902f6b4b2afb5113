// Patches of images side by side, and the adjoint that adds them back.
import Ground

extension Tensor {
  /// Patches `[n, channels · kh · kw, positions]` of images `[n, channels, h, w]`.
  public func unfold(kernel: (height: Int, width: Int), _ g: ConvGeometry) throws -> Tensor {
    let timed = OperationClock.start(.patches)
    defer { timed.stop() }
    let c = try Convolution.patches(of: shape, kernel, g)
    let x = try contiguous()
    let result = try Tensor(uninitialized: [c.n, c.ic * c.kh * c.kw, c.positions], dtype)
    func run<T: BinaryFloatingPoint>(_: T.Type) throws {
      let (from, to) = (x.pointer(T.self), result.pointer(T.self))
      try Convolution.eachPart(c) { part, image, channel in
        Tensor.gatherColumns(
          part, from + (image * c.ic + channel) * c.ih * c.iw,
          to + (image * c.ic + channel) * c.kh * c.kw * c.positions)
      }
    }
    dtype == .float64 ? try run(Double.self) : try run(Float.self)
    return result
  }

  /// The adjoint of `unfold` for images of shape `images`: patches are added where they came from.
  public func fold(into images: [Int], kernel: (height: Int, width: Int), _ g: ConvGeometry) throws -> Tensor {
    let timed = OperationClock.start(.patches)
    defer { timed.stop() }
    let c = try Convolution.patches(of: images, kernel, g)
    guard shape == [c.n, c.ic * c.kh * c.kw, c.positions] else {
      throw Fault("shape-mismatch", "\(shapeText(shape)) are not the patches of images \(shapeText(images))")
    }
    let x = try contiguous()
    let result = try Tensor.zeros(images, dtype)
    func run<T: BinaryFloatingPoint>(_: T.Type) throws {
      let (from, to) = (x.pointer(T.self), result.pointer(T.self))
      try Convolution.eachPart(c) { part, image, channel in
        Tensor.scatterColumns(
          part, from + (image * c.ic + channel) * c.kh * c.kw * c.positions,
          to + (image * c.ic + channel) * c.ih * c.iw)
      }
    }
    dtype == .float64 ? try run(Double.self) : try run(Float.self)
    return result
  }
}

extension Convolution {
  fileprivate static func patches(of images: [Int], _ kernel: (height: Int, width: Int), _ g: ConvGeometry) throws
    -> Convolution
  {
    guard images.count == 4 else {
      throw Fault(
        "shape-mismatch", "patches are taken of images [n, channels, height, width], not \(shapeText(images))")
    }
    return try Convolution(
      input: images, weight: [g.groups, images[1] / max(g.groups, 1), kernel.height, kernel.width], g)
  }

  /// Some channels of one image at a time, on all threads.
  fileprivate static func eachPart(_ c: Convolution, _ body: (Convolution, _ image: Int, _ channel: Int) -> Void) throws
  {
    let perChannel = c.kh * c.kw * c.positions
    let channels = max(1, min(c.ic, elementGrain / max(1, perChannel)))
    let parts = (c.ic + channels - 1) / channels
    try Threads.run(pieces: c.n * parts) { piece in
      var part = c
      let first = piece % parts * channels
      part.ic = min(channels, c.ic - first)
      body(part, piece / parts, first)
    }
  }
}
