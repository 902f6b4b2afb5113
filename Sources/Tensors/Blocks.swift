// Images in channel blocks: which tensors can be so, and the operations that work on them as they are.
import CBLAS
import COneDNN
import Ground

extension Tensor {
  /// Channels of a block: what oneDNN's kernels use on this processor.
  static let blockSize = seep_conv_block() == 16 ? 16 : 8

  /// The form in which this tensor's images could be kept; nil if it is no batch of images with whole blocks of channels.
  var blockForm: BlockForm? {
    guard rank == 4, dtype == .float32, shape[1] % Tensor.blockSize == 0, size > 0, offset == 0,
      storage.byteCount == size * 4, isContiguous
    else { return nil }
    return BlockForm(images: shape[0], channels: shape[1], pixels: shape[2] * shape[3], block: Tensor.blockSize)
  }

  /// Whether the images are kept in blocks already.
  var isBlocked: Bool { storage.form != nil && blockForm == storage.form }

  /// New images in blocks, to be filled.
  init(blocks shape: [Int]) throws {
    let form = BlockForm(
      images: shape[0], channels: shape[1], pixels: shape[2] * shape[3], block: Tensor.blockSize)
    storage = try Storage(form)
    self.shape = shape
    strides = Tensor.rowMajor(shape)
    dtype = .float32
    size = form.count
    offset = 0
  }

  /// Self with memory of its own, if it is a part of another's and could be in blocks: so a view takes the same way as a copy.
  func whole() throws -> Tensor {
    guard rank == 4, dtype == .float32, shape[1] % Tensor.blockSize == 0, size > 0, isContiguous, blockForm == nil
    else {
      return self
    }
    let copy = try Tensor(uninitialized: shape, .float32)
    copy.pointer(Float.self).update(from: pointer(Float.self), count: size)
    return copy
  }

  /// The images in blocks, converted if need be; nil where that cannot be.
  func blocks() throws -> UnsafeMutablePointer<Float>? {
    guard let form = blockForm else { return nil }
    return try storage.blocked(form)
  }

  // MARK: Elementwise

  /// One loop over all elements in whatever order they lie: for operations that treat each alike.
  func alike(_ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void) throws -> Tensor? {
    guard isBlocked, let source = try blocks() else { return nil }
    let result = try Tensor(blocks: shape)
    guard let target = try result.blocks() else { return nil }
    try Threads.forRanges(size, grain: elementGrain) { range in
      body(source + range.lowerBound, target + range.lowerBound, range.count)
    }
    return result
  }

  /// Two operands of one shape, at least one in blocks: the other is brought into blocks.
  static func alike(
    _ a: Tensor, _ b: Tensor,
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) throws -> Tensor? {
    guard a.shape == b.shape, a.isBlocked || b.isBlocked, a.dtype == .float32, b.dtype == .float32,
      let x = try a.contiguous().blocks(), let y = try b.contiguous().blocks()
    else { return nil }
    let result = try Tensor(blocks: a.shape)
    guard let target = try result.blocks() else { return nil }
    try withExtendedLifetime((a, b)) {
      try Threads.forRanges(a.size, grain: elementGrain) { range in
        body(x + range.lowerBound, y + range.lowerBound, target + range.lowerBound, range.count)
      }
    }
    return result
  }

  /// a op b where one is in blocks and the other is of the same shape, one number, or one for each image and channel.
  static func combineBlocks(_ op: BinaryOp, _ a: Tensor, _ b: Tensor) throws -> Tensor? {
    guard a.isBlocked || b.isBlocked, a.dtype == .float32, b.dtype == .float32 else { return nil }
    if a.shape == b.shape {
      // A view that broadcasts over pixels is cheaper as what it is.
      if !b.variesOverPixels, a.isBlocked { return try withChannels(op, a, b, swapped: false) }
      if !a.variesOverPixels, b.isBlocked { return try withChannels(op, b, a, swapped: true) }
      return try bothContiguous(op, a, b)
    }
    if a.isBlocked, let y = try b.overChannels(of: a) { return try withChannels(op, a, y, swapped: false) }
    if b.isBlocked, let x = try a.overChannels(of: b) { return try withChannels(op, b, x, swapped: true) }
    return nil
  }

  private static func bothContiguous(_ op: BinaryOp, _ a: Tensor, _ b: Tensor) throws -> Tensor? {
    // Copies, where needed, must outlive the loop.
    let (x, y) = (try a.contiguous(), try b.contiguous())
    guard x.blockForm != nil, y.blockForm != nil else { return nil }
    return try alike(x, y) { seep_binary_f32(op.code, $0, 1, $1, 1, $2, $3) }
  }

  /// Whether neighbouring pixels hold different elements.
  private var variesOverPixels: Bool {
    rank != 4 || (strides[2] != 0 && shape[2] > 1) || (strides[3] != 0 && shape[3] > 1)
  }

  /// Self broadcast to the images, if it is constant over their pixels.
  private func overChannels(of images: Tensor) throws -> Tensor? {
    guard rank <= 4, rank < 2 || (shape[rank - 1] == 1 && shape[rank - 2] == 1) || size == 1, rank != 1 || size == 1
    else { return nil }
    guard let wide = try? broadcast(to: images.shape), !wide.variesOverPixels else { return nil }
    return wide
  }

  /// `channels` is a view of the images' shape that is constant over pixels.
  private static func withChannels(_ op: BinaryOp, _ images: Tensor, _ channels: Tensor, swapped: Bool) throws
    -> Tensor?
  {
    guard seep_blocked_has(op.code) != 0, let form = images.blockForm, let x = try images.blocks() else { return nil }
    let result = try Tensor(blocks: images.shape)
    guard let y = try result.blocks() else { return nil }
    let v = channels.pointer(Float.self)
    let (imageStep, channelStep) = (channels.strides[0], channels.strides[1])
    try forEachBlock(form) { image, group, start in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 16) { values in
        guard let base = values.baseAddress else { return }
        for c in 0..<form.block { base[c] = v[image * imageStep + (group * form.block + c) * channelStep] }
        seep_blocked_with_channels(op.code, swapped ? 1 : 0, x + start, base, y + start, form.pixels, form.block)
      }
    }
    return result
  }

  /// x · scale + shift with one of each for every channel.
  public func scaledAndShifted(_ scale: Tensor, _ shift: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.normalisation)
    defer { timed.stop() }
    if isBlocked, scale.dtype == .float32, shift.dtype == .float32, let form = blockForm, let x = try blocks() {
      let (a, b) = (try scale.contiguous(), try shift.contiguous())
      let result = try Tensor(blocks: shape)
      if let y = try result.blocks() {
        let (scales, shifts) = (a.pointer(Float.self), b.pointer(Float.self))
        try Tensor.forEachBlock(form) { _, group, start in
          let c = group * form.block
          seep_blocked_scale_shift(x + start, scales + c, shifts + c, y + start, form.pixels, form.block)
        }
        return result
      }
    }
    let channels = [1, shape[1]] + [Int](repeating: 1, count: rank - 2)
    return try Tensor.combine(
      .add, Tensor.combine(.mul, self, scale.reshape(channels)), shift.reshape(channels))
  }

  /// Runs over all blocks, several to a piece; `body` gets image, block of channels, and the place of its first element.
  private static func forEachBlock(_ form: BlockForm, _ body: (Int, Int, Int) -> Void) throws {
    let groups = form.channels / form.block
    let width = form.pixels * form.block
    try Threads.forRanges(form.images * groups, grain: max(1, elementGrain / width)) { range in
      for place in range { body(place / groups, place % groups, place * width) }
    }
  }

  // MARK: Sums

  /// Σ over pixels for every image and channel `[n, c]`, of self or of self · other; nil if self is not in blocks.
  func pixelSums(times other: Tensor? = nil) throws -> Tensor? {
    guard isBlocked, let form = blockForm, let x = try blocks() else { return nil }
    let y = try other?.contiguous()
    if let y, y.shape != shape || y.blockForm == nil { return nil }
    let factors = try y?.blocks()
    let result = try Tensor(uninitialized: [form.images, form.channels], .float32)
    let target = result.pointer(Float.self)
    try withExtendedLifetime(y) {
      try Tensor.forEachBlock(form) { image, group, start in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 16) { sums in
          sums.initialize(repeating: 0)
          seep_blocked_sums(x + start, factors.map { $0 + start }, sums.baseAddress, form.pixels, form.block)
          let base = target + image * form.channels + group * form.block
          for c in 0..<form.block { base[c] = Float(sums[c]) }
        }
      }
    }
    return result
  }

  /// Σ over pixels of self · other for every image and channel: `[n, c]`.
  public func pixelProducts(_ other: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.reduction)
    defer { timed.stop() }
    if let sums = try pixelSums(times: other) { return sums }
    if let sums = try other.pixelSums(times: self) { return sums }
    return try Tensor.combine(.mul, self, other).reduce(.sum, axes: [2, 3])
  }

  /// Sums and means of images in blocks over pixels, and over images too; nil for anything else.
  func reduceBlocks(_ reduction: Reduction, _ reduced: [Int], keep: Bool) throws -> Tensor? {
    guard isBlocked, reduction == .sum || reduction == .mean, reduced == [2, 3] || reduced == [0, 2, 3],
      let sums = try pixelSums()
    else { return nil }
    let overImages = reduced.count == 3
    var total = overImages ? try sums.reduce(.sum, axes: [0]) : sums
    if reduction == .mean {
      let count = Double(shape[2] * shape[3] * (overImages ? shape[0] : 1))
      total = try Tensor.combine(.mul, total, 1 / count)
    }
    return keep ? try total.reshape([overImages ? 1 : shape[0], shape[1], 1, 1]) : total
  }

  // MARK: Rectifiers

  /// g where self > 0, g · slope elsewhere: the derivative of ReLU and leaky ReLU by their result or their argument.
  public func rectifiedGradient(_ g: Tensor, slope: Double = 0) throws -> Tensor {
    let timed = OperationClock.start(.elementwise)
    defer { timed.stop() }
    guard dtype == .float32, g.dtype == .float32, shape == g.shape else {
      let positive = try Tensor.compare(.greater, self, 0)
      return try .choose(positive, g, slope == 0 ? Tensor.scalar(0, g.dtype) : Tensor.combine(.mul, g, slope))
    }
    if let result = try Tensor.alike(g, self, { seep_relu_gradient($0, $1, $2, $3, Float(slope)) }) { return result }
    let (x, y) = (try g.contiguous(), try contiguous())
    let result = try Tensor(uninitialized: shape, .float32)
    try Threads.forRanges(size, grain: elementGrain) { range in
      let start = range.lowerBound
      seep_relu_gradient(
        x.pointer(Float.self) + start, y.pointer(Float.self) + start, result.pointer(Float.self) + start, range.count,
        Float(slope))
    }
    return result
  }
}
