// Pixels as numbers of colours: all colours where there are at most 256, else those of a median cut, with the error of each pixel
// passed on to its neighbours (Floyd and Steinberg).
import Ground

struct IndexedPixels {
  private(set) var palette: [RGB] = []
  /// The colour of each pixel; -1 where nothing is drawn.
  private(set) var indices: [Int16]

  static let mostColors = 256

  init(_ canvas: Canvas) {
    indices = [Int16](repeating: -1, count: canvas.width * canvas.height)
    if !takeExactly(canvas) {
      palette = ColorCut(canvas).palette(IndexedPixels.mostColors)
      dither(canvas)
    }
  }

  /// False if there are too many colours.
  private mutating func takeExactly(_ canvas: Canvas) -> Bool {
    var known: [RGB: Int16] = [:]
    for y in 0..<canvas.height where !Interrupt.isRequested {
      for x in 0..<canvas.width {
        guard let color = canvas.color(x, y) else { continue }
        if let index = known[color] {
          indices[y * canvas.width + x] = index
          continue
        }
        guard palette.count < IndexedPixels.mostColors else { return false }
        let index = Int16(palette.count)
        known[color] = index
        palette.append(color)
        indices[y * canvas.width + x] = index
      }
    }
    return true
  }

  private mutating func dither(_ canvas: Canvas) {
    let width = canvas.width
    var nearest = NearestColor(palette)
    // Errors in sixteenths, of this row and the next, with a pixel of room at both ends.
    var here = [Int](repeating: 0, count: (width + 2) * 3)
    var below = here
    for y in 0..<canvas.height where !Interrupt.isRequested {
      for x in 0..<width {
        guard let color = canvas.color(x, y) else { continue }
        let at = (x + 1) * 3
        let wanted = [color.r, color.g, color.b].enumerated().map { channel, value in
          min(255, max(0, Int(value) + here[at + channel] / 16))
        }
        let index = nearest.index(wanted[0], wanted[1], wanted[2])
        indices[y * width + x] = Int16(index)
        let given = palette[index]
        for (channel, value) in [given.r, given.g, given.b].enumerated() {
          let error = wanted[channel] - Int(value)
          here[at + 3 + channel] += error * 7
          below[at - 3 + channel] += error * 3
          below[at + channel] += error * 5
          below[at + 3 + channel] += error
        }
      }
      here = below
      for place in below.indices { below[place] = 0 }
    }
  }
}

/// The nearest of some colours, remembered for each of 32 × 32 × 32 parts of the space of colours.
private struct NearestColor {
  private let palette: [RGB]
  private var known = [Int16](repeating: -1, count: 1 << 15)

  init(_ palette: [RGB]) { self.palette = palette }

  mutating func index(_ r: Int, _ g: Int, _ b: Int) -> Int {
    let part = ColorCut.part(r, g, b)
    if known[part] >= 0 { return Int(known[part]) }
    var (best, least) = (0, Int.max)
    for (index, color) in palette.enumerated() {
      let (dr, dg, db) = (Int(color.r) - r, Int(color.g) - g, Int(color.b) - b)
      let distance = dr * dr + dg * dg + db * db
      if distance < least { (best, least) = (index, distance) }
    }
    known[part] = Int16(best)
    return best
  }
}
