// Pictures side by side in rows that fit the window, each row one canvas with a line of titles above it.
import Ground
import SeepLibrary

/// Where pictures are drawn: its width in columns, and the pixels of a cell. For half blocks a cell is one pixel wide and two high.
public struct PictureSurface: Sendable, Equatable {
  public var columns: Int
  public var cellWidth: Int
  public var cellHeight: Int
  /// Small pictures are enlarged, by whole numbers, up to about this many pixels.
  public var goal: Int
  /// Pixels that a row may be wide.
  public var widest: Int

  public init(columns: Int, cellWidth: Int, cellHeight: Int, goal: Int, widest: Int = Int.max) {
    self.columns = max(1, columns)
    self.cellWidth = max(1, cellWidth)
    self.cellHeight = max(1, cellHeight)
    self.goal = goal
    self.widest = widest
  }

  /// Half blocks.
  static func blocks(_ columns: Int) -> PictureSurface {
    PictureSurface(columns: columns, cellWidth: 1, cellHeight: 2, goal: 16)
  }

  var width: Int { min(columns * cellWidth, widest) }
}

/// Pixels, and which of them are part of a picture.
public struct Canvas: Sendable {
  public private(set) var picture: Picture
  public private(set) var isSet: [Bool]
  public var width: Int { picture.width }
  public var height: Int { picture.height }

  init(width: Int, height: Int) {
    picture = Picture(width: width, height: height, pixels: [UInt8](repeating: 0, count: width * height * 3))
    isSet = [Bool](repeating: false, count: width * height)
  }

  mutating func put(_ other: Picture, atX left: Int) {
    for y in 0..<min(other.height, height) {
      for x in 0..<min(other.width, width - left) {
        let (from, to) = (y * other.width + x, y * width + left + x)
        for channel in 0..<3 { picture.pixels[to * 3 + channel] = other.pixels[from * 3 + channel] }
        isSet[to] = true
      }
    }
  }

  /// Red, green and blue; nil where no picture is.
  func color(_ x: Int, _ y: Int) -> RGB? {
    guard x < width, y < height, isSet[y * width + x] else { return nil }
    let at = (y * width + x) * 3
    return RGB(picture.pixels[at], picture.pixels[at + 1], picture.pixels[at + 2])
  }
}

struct RGB: Hashable {
  var (r, g, b): (UInt8, UInt8, UInt8)
  init(_ r: UInt8, _ g: UInt8, _ b: UInt8) { (self.r, self.g, self.b) = (r, g, b) }

  /// 0…255, as the eye weighs the three.
  var brightness: Int {
    let sum: Int = 299 * Int(r) + 587 * Int(g) + 114 * Int(b)
    return sum / 1000
  }
}

public enum PictureLayout {
  private static let gap = 2
  private static let longestTitle = 24

  /// Rows of pictures: their titles in a line (empty if there are none), and what is drawn below.
  public static func rows(_ pictures: [Picture], on surface: PictureSurface) -> [(titles: String, canvas: Canvas)] {
    var rows: [(String, Canvas)] = []
    var row: [(picture: Picture, title: String, columns: Int)] = []
    var used = 0
    func flush() {
      if !row.isEmpty { rows.append(joined(row, surface)) }
      row = []
      used = 0
    }
    for picture in pictures where picture.width > 0 && picture.height > 0 {
      let sized = fitted(picture, surface)
      let title = String(
        picture.title.unicodeScalars.map { $0.value < 32 || (127..<160).contains($0.value) ? " " : Character($0) })
      let needed = (sized.width + surface.cellWidth - 1) / surface.cellWidth
      let columns = max(needed, min(title.count, longestTitle, surface.columns))
      let end = used + (row.isEmpty ? 0 : gap) + columns
      if !row.isEmpty, end > surface.columns || end * surface.cellWidth > surface.width { flush() }
      used += (row.isEmpty ? 0 : gap) + columns
      row.append((sized, title, columns))
    }
    flush()
    return rows
  }

  private static func joined(
    _ row: [(picture: Picture, title: String, columns: Int)], _ surface: PictureSurface
  ) -> (String, Canvas) {
    var titles = ""
    var left = 0
    var places: [Int] = []
    for one in row {
      places.append(left * surface.cellWidth)
      let title = one.title.count <= one.columns ? one.title : String(one.title.prefix(one.columns - 1)) + "…"
      titles += title + String(repeating: " ", count: one.columns - title.count + gap)
      left += one.columns + gap
    }
    while titles.last == " " { titles.removeLast() }
    let width = (places.last ?? 0) + (row.last?.picture.width ?? 0)
    var canvas = Canvas(width: width, height: row.map(\.picture.height).max() ?? 0)
    for (one, place) in zip(row, places) { canvas.put(one.picture, atX: place) }
    return (titles, canvas)
  }

  /// Enlarged by a whole number, or reduced to the window.
  private static func fitted(_ picture: Picture, _ surface: PictureSurface) -> Picture {
    let times = min(surface.goal / max(picture.width, picture.height), surface.width / picture.width)
    if times > 1 { return picture.resized(picture.width * times, picture.height * times) }
    guard picture.width > surface.width else { return picture }
    let height = max(1, picture.height * surface.width / picture.width)
    // Half blocks show pixels as they are; where pixels are small, those that fall together are averaged.
    return surface.cellWidth == 1
      ? picture.resized(surface.width, height) : picture.averaged(surface.width, height)
  }
}

extension Picture {
  /// To another size, each pixel that of the nearest place.
  func resized(_ newWidth: Int, _ newHeight: Int) -> Picture {
    var out = [UInt8](repeating: 0, count: newWidth * newHeight * 3)
    for y in 0..<newHeight where !Interrupt.isRequested {
      let line = (2 * y + 1) * height / (2 * newHeight) * width
      for x in 0..<newWidth {
        let (from, to) = ((line + (2 * x + 1) * width / (2 * newWidth)) * 3, (y * newWidth + x) * 3)
        for channel in 0..<3 { out[to + channel] = pixels[from + channel] }
      }
    }
    return Picture(width: newWidth, height: newHeight, pixels: out, title: title)
  }

  /// To a smaller size, each pixel the mean of those it stands for. After Ctrl-C rows stay black: nobody looks.
  func averaged(_ newWidth: Int, _ newHeight: Int) -> Picture {
    var out = [UInt8](repeating: 0, count: newWidth * newHeight * 3)
    for y in 0..<newHeight where !Interrupt.isRequested {
      let ys = y * height / newHeight..<max(y * height / newHeight + 1, (y + 1) * height / newHeight)
      for x in 0..<newWidth {
        let xs = x * width / newWidth..<max(x * width / newWidth + 1, (x + 1) * width / newWidth)
        var sums = (0, 0, 0)
        for j in ys {
          for i in xs {
            let at = (j * width + i) * 3
            sums.0 += Int(pixels[at])
            sums.1 += Int(pixels[at + 1])
            sums.2 += Int(pixels[at + 2])
          }
        }
        let (count, at) = (xs.count * ys.count, (y * newWidth + x) * 3)
        out[at] = UInt8((sums.0 + count / 2) / count)
        out[at + 1] = UInt8((sums.1 + count / 2) / count)
        out[at + 2] = UInt8((sums.2 + count / 2) / count)
      }
    }
    return Picture(width: newWidth, height: newHeight, pixels: out, title: title)
  }
}
