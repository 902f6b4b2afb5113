// Pictures as DEC's sixels: up to 256 colours, six rows of pixels a band (VT330/VT340 manual, chapter 14).
import Ground

public enum SixelEncoder {
  /// Some terminals show no more.
  static let widest = 1000

  public static func text(_ canvas: Canvas) -> String {
    let indexed = IndexedPixels(canvas)
    // P2 = 1: pixels that are not written keep the background.
    var out: [UInt8] = Array("\u{1B}P0;1;0q\"1;1;\(canvas.width);\(canvas.height)".utf8)
    for (number, color) in indexed.palette.enumerated() {
      let parts = [color.r, color.g, color.b].map { String((Int($0) * 100 + 127) / 255) }.joined(separator: ";")
      out += "#\(number);2;\(parts)".utf8
    }
    var bits = [UInt8](repeating: 0, count: indexed.palette.count * canvas.width)
    // After Ctrl-C the rest is left out.
    for top in stride(from: 0, to: canvas.height, by: 6) where !Interrupt.isRequested {
      if top > 0 { out.append(UInt8(ascii: "-")) }
      band(indexed, canvas.width, top..<min(top + 6, canvas.height), &bits, &out)
    }
    out += "\u{1B}\\".utf8
    return String(decoding: out, as: UTF8.self)
  }

  /// Six rows: for every colour in them the bits of each column, one colour over the other.
  private static func band(
    _ indexed: IndexedPixels, _ width: Int, _ rows: Range<Int>, _ bits: inout [UInt8], _ out: inout [UInt8]
  ) {
    var ends = [Int](repeating: 0, count: indexed.palette.count)
    var present: [Int] = []
    for y in rows {
      for x in 0..<width {
        let color = Int(indexed.indices[y * width + x])
        guard color >= 0 else { continue }
        if ends[color] == 0 { present.append(color) }
        ends[color] = max(ends[color], x + 1)
        bits[color * width + x] |= 1 << UInt8(y - rows.lowerBound)
      }
    }
    for (turn, color) in present.enumerated() {
      if turn > 0 { out.append(UInt8(ascii: "$")) }
      out += "#\(color)".utf8
      var x = 0
      while x < ends[color] {
        let sixel = bits[color * width + x]
        var run = 1
        while x + run < ends[color], bits[color * width + x + run] == sixel { run += 1 }
        let letter = 0x3F + sixel
        if run > 3 { out += "!\(run)".utf8 }
        out += [UInt8](repeating: letter, count: run > 3 ? 1 : run)
        x += run
      }
      for place in color * width..<color * width + ends[color] { bits[place] = 0 }
    }
  }
}
