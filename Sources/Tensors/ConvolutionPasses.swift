// The three passes of a float32 convolution through oneDNN: the batch, or the channels of a lone image, split into pieces.
// Images stay in the channel blocks that the library likes from one convolution to the next; weights in its order are kept.
import COneDNN
import Ground

extension Convolution {
  /// What one piece does: some images, or some channels of the only image.
  private struct Piece {
    var firstImage = 0
    var images: Int
    /// Of the result's channels.
    var firstChannel = 0
    var channels: Int
  }

  private func described(_ images: Int, ic: Int, oc: Int, weightRow: Int = 0) -> seep_conv {
    // oneDNN wants the trailing padding that the output size implies.
    let bottom = (oh - 1) * geometry.strideHeight + geometry.dilationHeight * (kh - 1) + 1 - ih - geometry.top
    let right = (ow - 1) * geometry.strideWidth + geometry.dilationWidth * (kw - 1) + 1 - iw - geometry.left
    return seep_conv(
      n: Int64(images), ic: Int64(ic), ih: Int64(ih), iw: Int64(iw), oc: Int64(oc), oh: Int64(oh), ow: Int64(ow),
      kh: Int64(kh), kw: Int64(kw), stride_h: Int64(geometry.strideHeight), stride_w: Int64(geometry.strideWidth),
      dilation_h: Int64(geometry.dilationHeight), dilation_w: Int64(geometry.dilationWidth), top: Int64(geometry.top),
      left: Int64(geometry.left), bottom: Int64(bottom), right: Int64(right), groups: Int64(geometry.groups),
      weight_row: Int64(weightRow))
  }

  /// Whether the library's own layouts pay: whole blocks of channels stay in them; else reorders must be worth it.
  private var wantsBlocks: Bool {
    if ic % Tensor.blockSize == 0 || oc % Tensor.blockSize == 0 { return true }
    return oc / geometry.groups >= 8 && positions >= 36
  }

  /// Pieces of at most about 200 M multiply-adds (some milliseconds); several where that pays. Does not look at threads.
  private func pieces(channels: Int) -> [Piece] {
    let total = workPerImage * n
    if total < 1 << 20 { return [Piece(images: n, channels: channels)] }
    if n == 1 {
      let block = Tensor.blockSize
      let most = geometry.groups == 1 && channels % block == 0 ? channels / Swift.max(block, 32) : 1
      let count = Swift.max(1, Swift.min(most, Swift.max(2, total / (200 << 20)), total >> 21))
      let per = (channels / block + count - 1) / count * block
      return stride(from: 0, to: channels, by: count == 1 ? channels : per).map {
        Piece(images: 1, firstChannel: $0, channels: Swift.min(count == 1 ? channels : per, channels - $0))
      }
    }
    let count = Swift.min(n, Swift.max(4, (total + (200 << 20) - 1) / (200 << 20)))
    let per = (n + count - 1) / count
    return stride(from: 0, to: n, by: per).map {
      Piece(firstImage: $0, images: Swift.min(per, n - $0), channels: channels)
    }
  }

  private func plan(_ conv: seep_conv, _ pass: Int) throws -> OpaquePointer {
    var conv = conv
    guard let plan = seep_conv_prepare(&conv, Int32(pass), wantsBlocks ? 1 : 0) else {
      throw Fault("engine-failure", "oneDNN has no such convolution: \(n)×\(ic)×\(ih)×\(iw), kernel \(kh)×\(kw)")
    }
    return plan
  }

  /// Images as the passes want them, and whether they are in blocks: only where all passes agree; plain serves any.
  private func operand(_ images: Tensor, _ plans: [OpaquePointer], _ place: Int32) throws -> (
    UnsafeMutablePointer<Float>, Bool
  ) {
    let wants = plans.allSatisfy { seep_conv_layout($0, place) == Int32(Tensor.blockSize) }
    if wants, let blocks = try images.blocks() { return (blocks, true) }
    return (images.pointer(Float.self), false)
  }

  /// Weights, from `offset`, as a pass wants them.
  private func weights(_ w: Tensor, offset: Int, _ plan: OpaquePointer, _ piece: Piece) throws -> (
    UnsafeMutablePointer<Float>, Bool
  ) {
    let plain = w.pointer(Float.self) + offset
    let layout = Int(seep_conv_layout(plan, 1))
    guard layout > 0, w.offset == 0, w.storage.byteCount == w.size * 4 else { return (plain, false) }
    let key = PackKey(kernel: 0, layout: layout, first: piece.firstChannel, count: piece.channels)
    let packed = try w.storage.pack(key, byteCount: Int(seep_conv_size(plan, 1))) {
      let status = seep_conv_pack(plan, plain, $0.assumingMemoryBound(to: Float.self))
      if status != 0 { throw Fault("engine-failure", "oneDNN could not reorder weights (status \(status))") }
    }
    return (packed.assumingMemoryBound(to: Float.self), true)
  }

  /// Runs a prepared pass on three operands in the order input, weights, output.
  private func run(
    _ plan: OpaquePointer, _ a: (UnsafeMutablePointer<Float>, Bool), _ b: (UnsafeMutablePointer<Float>, Bool),
    _ c: (UnsafeMutablePointer<Float>, Bool)
  ) throws {
    let operands = (
      UnsafePointer(a.0) as UnsafePointer<Float>?, UnsafePointer(b.0) as UnsafePointer<Float>?,
      UnsafePointer(c.0) as UnsafePointer<Float>?
    )
    let ready: (Int32, Int32, Int32) = (a.1 ? 1 : 0, b.1 ? 1 : 0, c.1 ? 1 : 0)
    let status = withUnsafePointer(to: operands) { list in
      withUnsafePointer(to: ready) { flags in
        list.withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: 3) { list in
          flags.withMemoryRebound(to: Int32.self, capacity: 3) { seep_conv_run(plan, list, $0) }
        }
      }
    }
    if status != 0 { throw Fault("engine-failure", "oneDNN could not run a convolution (status \(status))") }
  }

  /// A result in blocks if every plan makes it so, else plain.
  private func result(_ shape: [Int], _ plans: [OpaquePointer], _ place: Int32) throws -> (
    Tensor, UnsafeMutablePointer<Float>, Bool
  ) {
    let wants = plans.allSatisfy { seep_conv_layout($0, place) == Int32(Tensor.blockSize) }
    if wants {
      let tensor = try Tensor(blocks: shape)
      if let blocks = try tensor.blocks() { return (tensor, blocks, true) }
    }
    let tensor = try Tensor(uninitialized: shape, .float32)
    return (tensor, tensor.pointer(Float.self), false)
  }

  // MARK: Passes

  func forward(_ x: Tensor, _ w: Tensor) throws -> Tensor {
    _ = Libraries.prepared
    let x = try x.whole()
    if isSmall { return try forwardOfSmall(x, w) }
    if let rows = bandRows { return try forwardInBands(x, w, rows: rows) }
    if let y = try thinForward(x, w) { return y }
    if hasFewPositions { return try forwardOfFew(x, w) }
    if suitsWinograd, let y = try winogradPass(x, w, adjoint: false) { return y }
    let pieces = pieces(channels: oc)
    let plans = try pieces.map { try plan(described($0.images, ic: ic, oc: $0.channels), seep_conv_forward) }
    let (y, out, ready) = try result([n, oc, oh, ow], plans, 2)
    let input = try operand(x, plans, 0)
    try Threads.run(pieces: pieces.count) { index in
      let (piece, plan) = (pieces[index], plans[index])
      let kernel = try weights(w, offset: piece.firstChannel * patch, plan, piece)
      try run(
        plan, (input.0 + piece.firstImage * ic * ih * iw, input.1), kernel,
        (out + (piece.firstImage * oc + piece.firstChannel) * positions, ready))
    }
    return y
  }

  func inputGradient(_ gy: Tensor, _ w: Tensor) throws -> Tensor {
    _ = Libraries.prepared
    let gy = try gy.whole()
    if isSmall { return try inputGradientOfSmall(gy, w) }
    if let rows = bandRows { return try inputGradientInBands(gy, w, rows: rows) }
    if let gx = try thinInputGradient(gy, w) { return gx }
    if hasFewPositions { return try inputGradientOfFew(gy, w) }
    if suitsWinograd, let gx = try winogradPass(gy, w, adjoint: true) { return gx }
    let pieces = pieces(channels: ic)
    let plans = try pieces.map {
      let row = $0.channels == ic ? 0 : ic * kh * kw
      return try plan(described($0.images, ic: $0.channels, oc: oc, weightRow: row), seep_conv_input)
    }
    let (gx, out, ready) = try result([n, ic, ih, iw], plans, 0)
    let gradient = try operand(gy, plans, 2)
    try Threads.run(pieces: pieces.count) { index in
      let (piece, plan) = (pieces[index], plans[index])
      let kernel = try weights(w, offset: piece.firstChannel * kh * kw, plan, piece)
      try run(
        plan, (out + (piece.firstImage * ic + piece.firstChannel) * ih * iw, ready), kernel,
        (gradient.0 + piece.firstImage * oc * positions, gradient.1))
    }
    return gx
  }

  /// Each piece of the batch gives a partial sum; they are added in order.
  func weightGradient(_ x: Tensor, _ gy: Tensor) throws -> Tensor {
    _ = Libraries.prepared
    let (x, gy) = (try x.whole(), try gy.whole())
    if isSmall { return try weightGradientOfSmall(x, gy) }
    if let rows = bandRows { return try weightGradientInBands(x, gy, rows: rows) }
    if hasFewPositions { return try weightGradientOfFew(x, gy) }
    if weightsSuitWinograd, let g = try winogradWeightGradient(x, gy) { return g }
    var pieces = pieces(channels: oc)
    let shape = [oc, ic / geometry.groups, kh, kw]
    let width = oc * patch
    // Large weights: adding many partial sums would cost more than the pieces gain.
    if n > 1, width > 1 << 17, pieces.count > 2 {
      let count = Swift.max(2, (workPerImage * n + (400 << 20) - 1) / (400 << 20))
      let per = (n + count - 1) / count
      pieces = stride(from: 0, to: n, by: per).map {
        Piece(firstImage: $0, images: Swift.min(per, n - $0), channels: oc)
      }
    }
    let plans = try pieces.map { try plan(described($0.images, ic: ic, oc: $0.channels), seep_conv_weights) }
    let partials = n == 1 ? 1 : pieces.count
    let partial = try Tensor(uninitialized: [partials] + shape, .float32)
    let (input, gradient) = (try operand(x, plans, 0), try operand(gy, plans, 2))
    let out = partial.pointer(Float.self)
    try Threads.run(pieces: pieces.count) { index in
      let (piece, plan) = (pieces[index], plans[index])
      let target = n == 1 ? out + piece.firstChannel * patch : out + index * width
      try run(
        plan, (input.0 + piece.firstImage * ic * ih * iw, input.1), (target, false),
        (gradient.0 + (piece.firstImage * oc + piece.firstChannel) * positions, gradient.1))
    }
    return partials == 1 ? try partial.reshape(shape) : try partial.reduce(.sum, axes: [0])
  }

  /// The weight gradient of `n` images at a time, those of candidate i, for any thread; self has one candidate's images.
  func eachPass(_ x: Tensor, _ gy: Tensor) throws -> (_ candidate: Int, _ out: UnsafeMutablePointer<Float>) throws ->
    Void
  {
    let (x, gy) = (try x.whole(), try gy.whole())
    let plan = try plan(described(n, ic: ic, oc: oc), seep_conv_weights)
    let (input, gradient) = (try operand(x, [plan], 0), try operand(gy, [plan], 2))
    return { i, out in
      try withExtendedLifetime((x, gy)) {
        try run(
          plan, (input.0 + i * n * ic * ih * iw, input.1), (out, false),
          (gradient.0 + i * n * oc * positions, gradient.1))
      }
    }
  }
}
