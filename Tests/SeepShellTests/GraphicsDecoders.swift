// Small terminals: what is drawn is read back into pixels, by the protocols' own descriptions.
import Foundation
import SeepLanguage
import SeepLibrary
import SeepShell
import Testing

/// What a terminal shows: a colour, or nil where nothing was drawn.
struct Screen: Equatable {
  var width = 0
  var height = 0
  var pixels: [[UInt8]?] = []

  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    pixels = [[UInt8]?](repeating: nil, count: width * height)
  }

  subscript(_ x: Int, _ y: Int) -> [UInt8]? {
    get { pixels[y * width + x] }
    set { pixels[y * width + x] = newValue }
  }

  /// The same picture with one pixel for `times` × `times`; nil where these are not all alike.
  func reduced(_ times: Int) -> Screen? {
    var out = Screen(width: width / times, height: height / times)
    for y in 0..<out.height * times {
      for x in 0..<out.width * times {
        if x % times == 0, y % times == 0 { out[x / times, y / times] = self[x, y] }
        if out[x / times, y / times] != self[x, y] { return nil }
      }
    }
    return out
  }

  /// The greatest difference of a channel; nil where one has a pixel that the other has not.
  func distance(to other: Screen) -> Int? {
    guard width == other.width, height == other.height else { return nil }
    var most = 0
    for (a, b) in zip(pixels, other.pixels) {
      guard (a == nil) == (b == nil) else { return nil }
      for (x, y) in zip(a ?? [], b ?? []) { most = max(most, abs(Int(x) - Int(y))) }
    }
    return most
  }

  /// A PNG file, read by the library.
  init?(png: [UInt8]) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("seep-graphics-\(getpid()).png").path
    try Data(png).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let session = Session(library: SeepLibrary.library)
    let code = "let p = load(\"\(path)\")\n[p.shape, (round(p * 255).to(int64)).flatten().to_list()]"
    guard let parts = try session.evaluate(code, name: "test").get().asItems,
      let shape = parts[0].asItems?.compactMap(\.asInt), let values = parts[1].asItems?.compactMap(\.asInt)
    else { return nil }
    self.init(width: shape[2], height: shape[1])
    for place in pixels.indices {
      func channel(_ c: Int) -> UInt8 { UInt8(values[(shape[0] < 3 ? 0 : c) * width * height + place]) }
      let alpha = shape[0] == 4 ? channel(3) : shape[0] == 2 ? UInt8(values[width * height + place]) : 255
      if alpha > 0 { pixels[place] = [channel(0), channel(1), channel(2)] }
    }
  }
}

struct GraphicsDecoder {
  /// The letters before the picture, and the picture.
  var text = ""
  var screen: Screen?

  /// kitty: chunks of one transmission, put together.
  static func kitty(_ output: String) throws -> GraphicsDecoder {
    var out = GraphicsDecoder()
    var letters = ""
    let parts = output.components(separatedBy: "\u{1B}_G")
    out.text = parts[0]
    for (index, part) in parts.dropFirst().enumerated() {
      let body = try #require(part.components(separatedBy: "\u{1B}\\").first)
      let halves = body.split(separator: ";", maxSplits: 1).map(String.init)
      try #require(halves.count == 2)
      let isLast = index == parts.count - 2
      #expect(halves[0] == (index == 0 ? "a=T,f=100,q=2,m=\(isLast ? 0 : 1)" : "m=\(isLast ? 0 : 1)"))
      #expect(halves[1].count <= 4096)
      if !isLast { #expect(halves[1].count % 4 == 0) }
      letters += halves[1]
    }
    #expect(output.hasSuffix("\u{1B}\\\n"))
    out.screen = try Screen(png: Array(#require(Data(base64Encoded: letters))))
    return out
  }

  static func iterm(_ output: String) throws -> (decoder: GraphicsDecoder, options: [String: String]) {
    let start = try #require(output.range(of: "\u{1B}]1337;File="))
    let end = try #require(output.range(of: "\u{07}"))
    let body = output[start.upperBound..<end.lowerBound]
    let colon = try #require(body.firstIndex(of: ":"))
    var options: [String: String] = [:]
    for option in body[..<colon].split(separator: ";") {
      let pair = option.split(separator: "=").map(String.init)
      options[pair[0]] = pair[1]
    }
    let png = Array(try #require(Data(base64Encoded: String(body[body.index(after: colon)...]))))
    #expect(options["size"] == "\(png.count)")
    return (GraphicsDecoder(text: String(output[..<start.lowerBound]), screen: try Screen(png: png)), options)
  }

  /// DEC's sixels with raster attributes and RGB colours.
  static func sixel(_ output: String) throws -> (decoder: GraphicsDecoder, colors: Int) {
    let start = try #require(output.range(of: "\u{1B}P0;1;0q\""))
    let end = try #require(output.range(of: "\u{1B}\\"))
    #expect(output[end.upperBound...] == "\n")
    let body = Array(output[start.upperBound..<end.lowerBound].utf8)
    var at = 0
    func number() -> Int {
      var value = 0
      while at < body.count, (48...57).contains(body[at]) { (value, at) = (value * 10 + Int(body[at]) - 48, at + 1) }
      return value
    }
    func numbers() -> [Int] {
      var all = [number()]
      while at < body.count, body[at] == UInt8(ascii: ";") {
        at += 1
        all.append(number())
      }
      return all
    }
    let raster = numbers()
    try #require(raster.count == 4 && raster[0] == 1 && raster[1] == 1)
    var screen = Screen(width: raster[2], height: raster[3])
    var colors: [Int: [UInt8]] = [:]
    var (color, x, top) = (0, 0, 0)
    while at < body.count {
      let letter = body[at]
      at += 1
      switch letter {
      case UInt8(ascii: "#"):
        let parts = numbers()
        color = parts[0]
        if parts.count == 5 { colors[color] = parts[2...].map { UInt8(($0 * 255 + 50) / 100) } }
      case UInt8(ascii: "$"): x = 0
      case UInt8(ascii: "-"): (x, top) = (0, top + 6)
      default:
        var (run, bits) = (1, letter)
        if letter == UInt8(ascii: "!") {
          run = number()
          bits = body[at]
          at += 1
        }
        try #require((0x3F...0x7E).contains(bits))
        for _ in 0..<run {
          for row in 0..<6 where (bits - 0x3F) >> UInt8(row) & 1 == 1 {
            try #require(x < screen.width && top + row < screen.height)
            let shown: [UInt8] = try #require(colors[color])
            screen[x, top + row] = shown
          }
          x += 1
        }
      }
    }
    return (GraphicsDecoder(text: String(output[..<start.lowerBound]), screen: screen), colors.count)
  }

  /// Half blocks in any colour or in 256: the lines after `titles` lines of text.
  static func blocks(_ output: String, titles: Int) throws -> GraphicsDecoder {
    var lines = output.components(separatedBy: "\n")
    #expect(lines.removeLast() == "")
    var out = GraphicsDecoder()
    for _ in 0..<titles { out.text += lines.removeFirst() + "\n" }
    let rows = try lines.map(cells)
    var screen = Screen(width: rows.map(\.count).max() ?? 0, height: rows.count * 2)
    for (y, row) in rows.enumerated() {
      for (x, cell) in row.enumerated() {
        screen[x, 2 * y] = cell.upper
        screen[x, 2 * y + 1] = cell.lower
      }
    }
    out.screen = screen
    return out
  }

  private static func cells(_ line: String) throws -> [(upper: [UInt8]?, lower: [UInt8]?)] {
    var (front, back): ([UInt8]?, [UInt8]?) = (nil, nil)
    var cells: [(upper: [UInt8]?, lower: [UInt8]?)] = []
    var rest = Substring(line)
    while let letter = rest.first {
      rest.removeFirst()
      switch letter {
      case "▀": cells.append((front, back))
      case "▄": cells.append((back, front))
      case " ": cells.append((nil, nil))
      default:
        try #require(letter == "\u{1B}" && rest.first == "[")
        let end = try #require(rest.firstIndex(of: "m"))
        let codes = rest[..<end].dropFirst().split(separator: ";").compactMap { Int($0) }
        rest = rest[rest.index(after: end)...]
        switch codes.first {
        case 0: (front, back) = (nil, nil)
        case 49: back = nil
        case 38: front = try color(codes)
        case 48: back = try color(codes)
        default: Issue.record("a code that blocks do not need: \(codes)")
        }
      }
    }
    // What is left of a line must not colour the next.
    #expect(front == nil && back == nil)
    return cells
  }

  private static func color(_ codes: [Int]) throws -> [UInt8] {
    if codes[1] == 2 { return codes[2...].map { UInt8($0) } }
    let index = codes[2]
    if index >= 232 { return [UInt8](repeating: UInt8(8 + 10 * (index - 232)), count: 3) }
    let levels: [UInt8] = [0, 95, 135, 175, 215, 255]
    return [levels[(index - 16) / 36], levels[(index - 16) / 6 % 6], levels[(index - 16) % 6]]
  }
}
