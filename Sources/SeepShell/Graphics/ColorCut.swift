// A few colours for many: median cut over 32 × 32 × 32 parts of the space of colours.
import Ground

/// Median cut: the colours that occur are split into boxes of about equal weight, and each box gives its mean.
struct ColorCut {
  private struct Bin {
    var count = 0
    var sums = [0, 0, 0]
    /// Its place, 0…31 in each channel.
    var place = [0, 0, 0]
  }
  private var bins: [Bin] = []

  static func part(_ r: Int, _ g: Int, _ b: Int) -> Int { (r >> 3) << 10 | (g >> 3) << 5 | (b >> 3) }

  init(_ canvas: Canvas) {
    var places = [Int](repeating: -1, count: 1 << 15)
    for y in 0..<canvas.height where !Interrupt.isRequested {
      for x in 0..<canvas.width {
        guard let color = canvas.color(x, y) else { continue }
        let (r, g, b) = (Int(color.r), Int(color.g), Int(color.b))
        let part = ColorCut.part(r, g, b)
        if places[part] < 0 {
          places[part] = bins.count
          bins.append(Bin(place: [r >> 3, g >> 3, b >> 3]))
        }
        let at = places[part]
        bins[at].count += 1
        bins[at].sums[0] += r
        bins[at].sums[1] += g
        bins[at].sums[2] += b
      }
    }
  }

  func palette(_ count: Int) -> [RGB] {
    var boxes = [bins]
    while boxes.count < count, !Interrupt.isRequested {
      // The box whose colours are many and far apart.
      let widths = boxes.map { box in widest(box) }
      guard
        let next = boxes.indices.filter({ widths[$0].width > 0 }).max(by: {
          weight(boxes[$0], widths[$0].width) < weight(boxes[$1], widths[$1].width)
        })
      else { break }
      let sorted = boxes[next].sorted { $0.place[widths[next].channel] < $1.place[widths[next].channel] }
      let half = sorted.reduce(0) { $0 + $1.count } / 2
      var (cut, sum) = (0, 0)
      while cut < sorted.count - 1, cut == 0 || sum + sorted[cut].count <= half {
        sum += sorted[cut].count
        cut += 1
      }
      boxes[next] = Array(sorted[..<cut])
      boxes.append(Array(sorted[cut...]))
    }
    return boxes.map { box in
      let total = max(1, box.reduce(0) { $0 + $1.count })
      let mean = (0..<3).map { channel in UInt8(min(255, (box.reduce(0) { $0 + $1.sums[channel] } + total / 2) / total))
      }
      return RGB(mean[0], mean[1], mean[2])
    }
  }

  private func weight(_ box: [Bin], _ width: Int) -> Int { box.reduce(0) { $0 + $1.count } * width }

  private func widest(_ box: [Bin]) -> (channel: Int, width: Int) {
    var result = (channel: 0, width: -1)
    for channel in 0..<3 {
      let values = box.map { $0.place[channel] }
      let width = (values.max() ?? 0) - (values.min() ?? 0)
      if width > result.width { result = (channel, width) }
    }
    return result
  }
}
