// Matrix products through OpenBLAS: views with transposed strides go as flags, batches piece by piece.
import CBLAS
import Ground

extension Tensor {
  /// NumPy's rules: the last axis of `a` against the second last of `b`; vectors gain and lose an axis; the other axes broadcast.
  public static func matmul(_ left: Tensor, _ right: Tensor) throws -> Tensor {
    let timed = OperationClock.start(.matmul)
    defer { timed.stop() }
    var (a, b) = try common(left, right)
    if !a.dtype.isFloat { (a, b) = (try a.converted(to: .float32), try b.converted(to: .float32)) }
    guard a.rank > 0, b.rank > 0 else { throw doNotMultiply(left, right) }
    let (aVector, bVector) = (a.rank == 1, b.rank == 1)
    if aVector { a = try a.unsqueeze(axis: 0) }
    if bVector { b = try b.unsqueeze(axis: 1) }
    let (m, k, n) = (a.shape[a.rank - 2], a.shape[a.rank - 1], b.shape[b.rank - 1])
    guard b.shape[b.rank - 2] == k else { throw doNotMultiply(left, right) }
    let (aBatch, bBatch) = (Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
    guard let batch = try? broadcastShape(aBatch, bBatch) else { throw doNotMultiply(left, right) }
    // A batch of matrices against one matrix is one tall product.
    if bBatch.allSatisfy({ $0 == 1 }), !aBatch.isEmpty, a.isContiguous, aBatch == batch {
      let tall = try matmul(a.reshape([a.size / Swift.max(1, k), k].map { k == 0 ? 0 : $0 }), b.reshape([k, n]))
      if k > 0 { return try trimmed(tall.reshape(batch + [m, n]), aVector, bVector) }
    }
    let result = try Tensor(uninitialized: batch + [m, n], a.dtype)
    if k == 0 { return try trimmed(.zeros(batch + [m, n], a.dtype), aVector, bVector) }
    let (x, y) = (try matrixReady(a), try matrixReady(b))
    let xs = try x.broadcast(to: batch + [m, k]).strides
    let ys = try y.broadcast(to: batch + [k, n]).strides
    let plan = LoopPlan(batch, [Array(xs.dropLast(2)), Array(ys.dropLast(2))])
    let (xLayout, yLayout) = (Layout(x), Layout(y))
    var starts: [(Int, Int)] = []
    plan.forEachRow { offsets in
      for i in 0..<plan.inner {
        starts.append((offsets[0] + i * plan.innerStrides[0], offsets[1] + i * plan.innerStrides[1]))
      }
    }
    _ = Libraries.prepared
    OperationClock.note(flops: 2 * m * n * k * starts.count)
    // Rows of one product per piece: about 16 M multiply-adds, a few milliseconds; small products together.
    let work = m * n * k
    let rows = work > (16 << 20) ? Swift.max(16, (16 << 20) / Swift.max(1, n * k)) : m
    let perProduct = m == 0 ? 1 : (m + rows - 1) / rows
    let together = Swift.max(1, (4 << 20) / Swift.max(1, work))
    let groups = (starts.count + together - 1) / together
    let many = perProduct == 1
    try Threads.run(pieces: many ? groups : starts.count * perProduct) { piece in
      let range =
        many
        ? piece * together..<Swift.min(starts.count, (piece + 1) * together)
        : piece / perProduct..<piece / perProduct + 1
      let firstRow = many ? 0 : (piece % perProduct) * rows
      let count = many ? m : Swift.min(rows, m - firstRow)
      for which in range {
        let (xo, yo) = starts[which]
        let xStart = xo + firstRow * xLayout.rowStep
        let out = which * m * n + firstRow * n
        if a.dtype == .float32 {
          let base = x.storage.base.assumingMemoryBound(to: Float.self) + x.offset + xStart
          let other = y.storage.base.assumingMemoryBound(to: Float.self) + y.offset + yo
          let target = result.pointer(Float.self) + out
          if count * n * k <= 512 {
            tiny(base, xLayout, other, yLayout, target, count, n, k)
          } else {
            seep_sgemm(
              xLayout.flag, yLayout.flag, count, n, k, 1, base, xLayout.leading, other, yLayout.leading, 0, target, n)
          }
        } else {
          let base = x.storage.base.assumingMemoryBound(to: Double.self) + x.offset + xStart
          let other = y.storage.base.assumingMemoryBound(to: Double.self) + y.offset + yo
          let target = result.pointer(Double.self) + out
          if count * n * k <= 512 {
            tiny(base, xLayout, other, yLayout, target, count, n, k)
          } else {
            seep_dgemm(
              xLayout.flag, yLayout.flag, count, n, k, 1, base, xLayout.leading, other, yLayout.leading, 0, target, n)
          }
        }
      }
    }
    return try trimmed(result, aVector, bVector)
  }

  /// How a matrix lies in memory, as BLAS wants to know it.
  struct Layout {
    let rowStep: Int
    let columnStep: Int
    var isTransposed: Bool { columnStep != 1 }
    var flag: Int32 { isTransposed ? 1 : 0 }
    let leading: Int

    init(_ matrix: Tensor) {
      let (rows, columns) = (matrix.shape[matrix.rank - 2], matrix.shape[matrix.rank - 1])
      let (r, c) = (matrix.strides[matrix.rank - 2], matrix.strides[matrix.rank - 1])
      if c == 1 || columns == 1 {
        columnStep = 1
        rowStep = rows == 1 ? Swift.max(columns, 1) : r
        leading = Swift.max(rowStep, columns, 1)
      } else {
        rowStep = 1
        columnStep = c
        leading = Swift.max(c, rows, 1)
      }
    }
  }

  /// The tensor itself if each of its matrices has one axis of stride 1 and the other at least as long; else a row-major copy.
  private static func matrixReady(_ t: Tensor) throws -> Tensor {
    let (rows, columns) = (t.shape[t.rank - 2], t.shape[t.rank - 1])
    let (r, c) = (t.strides[t.rank - 2], t.strides[t.rank - 1])
    if c == 1 && columns > 1 && (r >= columns || rows == 1) { return t }
    if r == 1 && rows > 1 && columns > 1 && c >= rows { return t }
    if columns == 1 && rows > 1 && r == 1 { return t }
    return t.isContiguous ? t : try t.contiguous()
  }

  private static func trimmed(_ result: Tensor, _ aVector: Bool, _ bVector: Bool) throws -> Tensor {
    var shape = result.shape
    if bVector { shape.removeLast() }
    if aVector { shape.remove(at: shape.count - (bVector ? 1 : 2)) }
    return try result.reshape(shape)
  }

  @inline(__always)
  private static func tiny<T: BinaryFloatingPoint>(
    _ a: UnsafeMutablePointer<T>, _ al: Layout, _ b: UnsafeMutablePointer<T>, _ bl: Layout,
    _ c: UnsafeMutablePointer<T>, _ m: Int, _ n: Int, _ k: Int
  ) {
    for i in 0..<m {
      for j in 0..<n {
        var total: T = 0
        for p in 0..<k { total += a[i * al.rowStep + p * al.columnStep] * b[p * bl.rowStep + j * bl.columnStep] }
        c[i * n + j] = total
      }
    }
  }

  private static func doNotMultiply(_ a: Tensor, _ b: Tensor) -> Fault {
    Fault(
      "shape-mismatch", "shapes \(shapeText(a.shape)) and \(shapeText(b.shape)) do not multiply",
      notes: ["A matrix product needs the last axis on the left to equal the second last on the right."],
      operands: [0: shapeText(a.shape), 1: shapeText(b.shape)])
  }
}
