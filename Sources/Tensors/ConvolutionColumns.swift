// Convolutions by columns: patches of an image side by side, then a matrix product. For float64, and for gradients example by
// example.
import CBLAS
import Ground

extension Tensor {
  static func groupProducts(_ c: Convolution, _ body: (_ group: Int, _ rows: Int) -> Void) {
    for group in 0..<c.geometry.groups { body(group, c.oc / c.geometry.groups) }
  }

  static func forEachImageColumns(
    _ c: Convolution, _ input: Tensor, _ body: (Int, UnsafeMutablePointer<Double>) -> Void
  ) throws {
    _ = Libraries.prepared
    let columns = try Tensor(uninitialized: [c.ic * c.kh * c.kw * c.positions], .float64)
    for image in 0..<c.n {
      try Interrupt.check()
      gatherColumns(c, input.pointer(Double.self) + image * c.ic * c.ih * c.iw, columns.pointer(Double.self))
      try Interrupt.check()
      body(image, columns.pointer(Double.self))
    }
  }

  /// Columns [channels · kh · kw, positions] of one image; `rowStep` elements from one row to the next. After Ctrl-C some are left out.
  static func gatherColumns<T: BinaryFloatingPoint>(
    _ c: Convolution, _ image: UnsafeMutablePointer<T>, _ columns: UnsafeMutablePointer<T>, rowStep: Int? = nil
  ) {
    let g = c.geometry
    if T.self == Float.self {
      var shape = seep_gather(
        channels: c.ic, ih: c.ih, iw: c.iw, oh: c.oh, ow: c.ow, kh: c.kh, kw: c.kw, stride_h: g.strideHeight,
        stride_w: g.strideWidth, dilation_h: g.dilationHeight, dilation_w: g.dilationWidth, top: g.top, left: g.left)
      withUnsafeTemporaryAllocation(byteCount: 4 * seep_gather_scratch(&shape), alignment: 64) { scratch in
        seep_gather_f32(
          &shape, UnsafeRawPointer(image).assumingMemoryBound(to: Float.self),
          UnsafeMutableRawPointer(columns).assumingMemoryBound(to: Float.self), rowStep ?? c.positions,
          scratch.baseAddress?.assumingMemoryBound(to: Float.self))
      }
      return
    }
    let skip = (rowStep ?? c.positions) - c.positions
    var place = 0
    for channel in 0..<c.ic {
      let plane = image + channel * c.ih * c.iw
      for ky in 0..<c.kh {
        for kx in 0..<c.kw where !Interrupt.isRequested {
          // Columns left and right of the image are 0; between them lies a run of the line.
          let start = kx * g.dilationWidth - g.left
          let step = g.strideWidth
          let first = Swift.min(c.ow, start >= 0 ? 0 : (step - 1 - start) / step)
          let end = Swift.max(first, Swift.min(c.ow, start < c.iw ? (c.iw - start + step - 1) / step : 0))
          for y in 0..<c.oh {
            let row = y * g.strideHeight + ky * g.dilationHeight - g.top
            let to = columns + place
            if row < 0 || row >= c.ih {
              for x in 0..<c.ow { to[x] = 0 }
            } else {
              let line = plane + (row * c.iw + start)
              for x in 0..<first { to[x] = 0 }
              if step == 1 {
                for x in first..<end { to[x] = line[x] }
              } else {
                for x in first..<end { to[x] = line[x * step] }
              }
              for x in end..<c.ow { to[x] = 0 }
            }
            place += c.ow
          }
          place += skip
        }
      }
    }
  }

  /// The adjoint of `gatherColumns`: adds columns into one image.
  static func scatterColumns<T: BinaryFloatingPoint>(
    _ c: Convolution, _ columns: UnsafeMutablePointer<T>, _ image: UnsafeMutablePointer<T>, rowStep: Int? = nil
  ) {
    let g = c.geometry
    let skip = (rowStep ?? c.positions) - c.positions
    var place = 0
    for channel in 0..<c.ic {
      let plane = image + channel * c.ih * c.iw
      for ky in 0..<c.kh {
        for kx in 0..<c.kw where !Interrupt.isRequested {
          for y in 0..<c.oh {
            let row = y * g.strideHeight + ky * g.dilationHeight - g.top
            if row >= 0 && row < c.ih {
              for x in 0..<c.ow {
                let column = x * g.strideWidth + kx * g.dilationWidth - g.left
                if column >= 0 && column < c.iw { plane[row * c.iw + column] += columns[place + x] }
              }
            }
            place += c.ow
          }
          place += skip
        }
      }
    }
  }
}
