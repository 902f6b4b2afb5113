// Pictures as half blocks: each cell two pixels, the upper in the colour of the letter, the lower in that of the background.
// Without colours a cell is one of five shades.

/// Which colours a terminal takes.
public enum ColorDepth: Sendable {
  case none
  /// The 6×6×6 cube and the 24 greys of 256 colours.
  case palette
  /// Any red, green and blue.
  case full

  /// By `COLORTERM` and `TERM`.
  static func of(_ state: TerminalState) -> ColorDepth {
    if !state.usesColor { return .none }
    let isFull = ["truecolor", "24bit"].contains(state.name("COLORTERM")) || state.name("TERM").hasSuffix("-direct")
    return isFull ? .full : .palette
  }
}

public enum BlockEncoder {
  /// Lines, each ending in a newline.
  public static func text(_ canvas: Canvas, _ depth: ColorDepth) -> String {
    var out = ""
    for top in stride(from: 0, to: canvas.height, by: 2) {
      out += depth == .none ? shades(canvas, top) : colored(canvas, top, depth)
      out += "\n"
    }
    return out
  }

  private static func colored(_ canvas: Canvas, _ top: Int, _ depth: ColorDepth) -> String {
    var line = ""
    // Colours are written where they change; nil is the terminal's own.
    var front: String?
    var back: String?
    var end = line.endIndex
    var isColored = false
    for x in 0..<canvas.width {
      let (upper, lower) = (canvas.color(x, top), canvas.color(x, top + 1))
      if let color = upper ?? lower {
        let wanted = code(color, depth)
        if wanted != front { line += "\u{1B}[38;\(wanted)m" }
        front = wanted
      }
      let wantedBack = upper == nil ? nil : lower.map { code($0, depth) }
      if wantedBack != back { line += wantedBack.map { "\u{1B}[48;\($0)m" } ?? "\u{1B}[49m" }
      back = wantedBack
      line += upper != nil ? "▀" : lower != nil ? "▄" : " "
      if upper != nil || lower != nil { (end, isColored) = (line.endIndex, true) }
    }
    return line[..<end] + (isColored ? "\u{1B}[0m" : "")
  }

  private static func code(_ color: RGB, _ depth: ColorDepth) -> String {
    depth == .full ? "2;\(color.r);\(color.g);\(color.b)" : "5;\(paletteIndex(color))"
  }

  /// The nearest of the cube (levels 0, 95, 135, 175, 215, 255) and the greys (8, 18 … 238).
  static func paletteIndex(_ color: RGB) -> Int {
    let levels = [0, 95, 135, 175, 215, 255]
    func nearest(_ value: UInt8) -> Int {
      levels.indices.min { abs(levels[$0] - Int(value)) < abs(levels[$1] - Int(value)) } ?? 0
    }
    func distance(_ r: Int, _ g: Int, _ b: Int) -> Int {
      let (dr, dg, db) = (r - Int(color.r), g - Int(color.g), b - Int(color.b))
      return dr * dr + dg * dg + db * db
    }
    let (r, g, b) = (nearest(color.r), nearest(color.g), nearest(color.b))
    let mean = (Int(color.r) + Int(color.g) + Int(color.b)) / 3
    let grey = min(23, max(0, (mean - 3) / 10))
    return distance(8 + 10 * grey, 8 + 10 * grey, 8 + 10 * grey) < distance(levels[r], levels[g], levels[b])
      ? 232 + grey : 16 + 36 * r + 6 * g + b
  }

  /// The mean brightness of the two pixels as one of five letters. Bright is much ink, as on a dark window.
  private static func shades(_ canvas: Canvas, _ top: Int) -> String {
    let letters: [Character] = [" ", "░", "▒", "▓", "█"]
    var line = ""
    for x in 0..<canvas.width {
      let values = [canvas.color(x, top), canvas.color(x, top + 1)].compactMap { $0?.brightness }
      let mean = values.isEmpty ? 0 : values.reduce(0, +) / values.count
      line.append(letters[min(4, (mean * 4 + 127) / 255)])
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
