// Weight gradients of a convolution, one for each group of images, without keeping them: their squared norms, their products with
// a given tensor, or each in turn.
import CBLAS
import COneDNN
import Ground

/// A convolution's input and output gradient for several candidates of `group` images each; candidate i's weight gradient is the sum over
/// its images.
public struct ConvolutionGradients {
  private let x: Tensor
  private let gy: Tensor
  private let whole: Convolution
  private let candidate: Convolution
  public let candidates: Int
  private let group: Int

  /// - Throws: `shape-mismatch`. Both must be float32.
  public init(_ x: Tensor, _ gy: Tensor, kernel: (height: Int, width: Int), _ g: ConvGeometry, group: Int) throws {
    whole = try Tensor.weightGradientSizes(x, gy, kernel, g)
    var one = whole
    one.n = group
    candidate = one
    candidates = whole.n / max(group, 1)
    self.group = group
    self.x = try x.contiguous()
    self.gy = try gy.contiguous()
  }

  /// Elements of one weight gradient.
  public var count: Int { whole.oc * whole.patch }

  /// Whether Gram matrices of patches and of output gradients cost less than half of the gradients themselves.
  public var prefersGram: Bool {
    let rows = group * whole.positions
    return whole.geometry.groups == 1 && rows * (whole.patch + whole.oc) < whole.patch * whole.oc
  }

  /// ‖Gᵢ‖² of every candidate by ⟨A Aᵀ, D Dᵀ⟩, with a row for each position (Goodfellow 2015, "Efficient per-example gradient
  /// computations", for convolutions).
  public func squaresByGram() throws -> [Double] {
    let timed = OperationClock.start(.convolutionWeightGradient)
    defer { timed.stop() }
    _ = Libraries.prepared
    let c = whole
    let rows = group * c.positions
    OperationClock.note(flops: 2 * candidates * rows * rows * (c.patch + c.oc))
    let (input, gradient) = (x.pointer(Float.self), gy.pointer(Float.self))
    var result = [Double](repeating: 0, count: candidates)
    try result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let result = result
      try Threads.run(pieces: candidates) { i in
        // Columns [patch, rows] and output gradients [oc, rows].
        let columns = try Tensor(uninitialized: [c.patch * rows], .float32).storage
        let outputs = try Tensor(uninitialized: [c.oc * rows], .float32).storage
        let grams = try Tensor(uninitialized: [2 * rows * rows], .float32).storage
        let (a, d) = (
          columns.base.assumingMemoryBound(to: Float.self), outputs.base.assumingMemoryBound(to: Float.self)
        )
        let g = grams.base.assumingMemoryBound(to: Float.self)
        for k in 0..<group {
          let image = i * group + k
          Tensor.gatherColumns(
            c, input + image * c.ic * c.ih * c.iw, a + k * c.positions, rowStep: rows)
          for channel in 0..<c.oc {
            (d + channel * rows + k * c.positions).update(
              from: gradient + (image * c.oc + channel) * c.positions, count: c.positions)
          }
        }
        seep_sgemm(1, 0, rows, rows, c.patch, 1, a, rows, a, rows, 0, g, rows)
        seep_sgemm(1, 0, rows, rows, c.oc, 1, d, rows, d, rows, 0, g + rows * rows, rows)
        var sums = [0.0, 0, 0]
        seep_sums_all(g, g + rows * rows, rows * rows, &sums)
        result[i] = max(sums[1], 0)
      }
    }
    return result
  }

  /// ⟨Gᵢ, target⟩ of every candidate: the output of a convolution with the target as weights, times the output gradient.
  public func products(_ target: Tensor) throws -> [Double] {
    let y = try Tensor.conv2d(x, target, whole.geometry)
    let sums = try gy.pixelProducts(y).reshape([candidates, group * whole.oc]).reduce(.sum, axes: [1])
    return try sums.doubles()
  }

  /// Calls `body` with each candidate's weight gradient, in the order of plain weights, on any thread. The memory is lent.
  public func forEach(_ body: (_ candidate: Int, UnsafeMutablePointer<Float>) throws -> Void) throws {
    let timed = OperationClock.start(.convolutionWeightGradient)
    defer { timed.stop() }
    _ = Libraries.prepared
    let c = candidate
    OperationClock.note(flops: 2 * whole.n * c.workPerImage)
    if group * c.positions <= 64 || c.oc / c.geometry.groups < 8 || c.geometry.groups > 1 {
      return try forEachByColumns(body)
    }
    let images = try c.eachPass(x, gy)
    try Threads.run(pieces: candidates) { i in
      let memory = try Tensor(uninitialized: [count], .float32)
      try images(i, memory.pointer(Float.self))
      try body(i, memory.pointer(Float.self))
    }
  }

  private func forEachByColumns(_ body: (Int, UnsafeMutablePointer<Float>) throws -> Void) throws {
    let c = whole
    let (input, gradient) = (x.pointer(Float.self), gy.pointer(Float.self))
    let grain = max(1, (1 << 19) / max(1, c.workPerImage * group))
    try Threads.run(pieces: (candidates + grain - 1) / grain) { piece in
      let columns = try Tensor(uninitialized: [c.patch * c.geometry.groups * c.positions], .float32)
      let memory = try Tensor(uninitialized: [count], .float32)
      let (a, g) = (columns.pointer(Float.self), memory.pointer(Float.self))
      let rows = c.oc / c.geometry.groups
      for i in piece * grain..<min(candidates, (piece + 1) * grain) {
        for k in 0..<group {
          let image = i * group + k
          Tensor.gatherColumns(c, input + image * c.ic * c.ih * c.iw, a, rowStep: c.positions)
          for part in 0..<c.geometry.groups {
            seep_sgemm(
              0, 1, rows, c.patch, c.positions, 1, gradient + (image * c.oc + part * rows) * c.positions, c.positions,
              a + part * c.patch * c.positions, c.positions, k == 0 ? 0 : 1, g + part * rows * c.patch, c.patch)
          }
        }
        try body(i, g)
      }
    }
  }
}
