// Pictures drawn in each protocol are read back to the pixels they were made of.
import Foundation
import SeepLibrary
import SeepShell
import Testing

@Suite("pictures in the terminal") struct GraphicsEncoderTests {
  private func picture(_ width: Int, _ height: Int, title: String = "", _ color: (Int, Int) -> [Int]) -> Picture {
    var pixels: [UInt8] = []
    for y in 0..<height { for x in 0..<width { pixels += color(x, y).map { UInt8(max(0, min(255, $0))) } } }
    return Picture(width: width, height: height, pixels: pixels, title: title)
  }

  /// Every pixel another colour.
  private func ramp(_ width: Int, _ height: Int, title: String = "") -> Picture {
    picture(width, height, title: title) { x, y in
      [x * 255 / max(1, width - 1), y * 255 / max(1, height - 1), (x * 7 + y * 13) % 256]
    }
  }

  private func screen(_ picture: Picture) -> Screen {
    var screen = Screen(width: picture.width, height: picture.height)
    for place in screen.pixels.indices { screen.pixels[place] = Array(picture.pixels[place * 3..<place * 3 + 3]) }
    return screen
  }

  /// Two pictures as they stand beside each other, `gap` pixels apart.
  private func beside(_ a: Picture, _ b: Picture, gap: Int) -> Screen {
    var out = Screen(width: a.width + gap + b.width, height: max(a.height, b.height))
    for (picture, left) in [(a, 0), (b, a.width + gap)] {
      for y in 0..<picture.height {
        for x in 0..<picture.width {
          let at = (y * picture.width + x) * 3
          out[left + x, y] = Array(picture.pixels[at..<at + 3])
        }
      }
    }
    return out
  }

  private let surface = PictureSurface(columns: 80, cellWidth: 10, cellHeight: 20, goal: 168)

  private func drawn(_ pictures: [Picture], _ kind: GraphicsKind) -> String {
    TerminalPictures.drawn(pictures, as: kind, on: surface, depth: .full)
  }

  @Test("kitty: a large picture in chunks, a small one enlarged by a whole number") func kitty() throws {
    let large = picture(300, 200) { x, y in [x * y % 251, (x * 31 + y * 17) % 256, (x ^ y) % 256] }
    let output = drawn([large], .kitty)
    #expect(output.components(separatedBy: "\u{1B}_G").count > 3)
    #expect(try GraphicsDecoder.kitty(output).screen == screen(large))
    let small = ramp(28, 28, title: "private")
    let decoded = try GraphicsDecoder.kitty(drawn([small], .kitty))
    #expect(decoded.text == "private\n")
    #expect(decoded.screen?.width == 168)
    #expect(decoded.screen?.reduced(6) == screen(small))
  }

  @Test("iTerm2: the size in pixels, and the file") func iterm() throws {
    let small = ramp(32, 16)
    let (decoded, options) = try GraphicsDecoder.iterm(drawn([small], .iterm2))
    #expect(options["inline"] == "1" && options["width"] == "160px" && options["height"] == "80px")
    #expect(decoded.screen?.reduced(5) == screen(small))
  }

  @Test("sixel: few colours as they are, to the percent") func sixelExact() throws {
    let small = picture(13, 11) { x, y in [x * 255 / 12, 0, y * 255 / 10] }
    let (decoded, colors) = try GraphicsDecoder.sixel(drawn([small], .sixel))
    #expect(colors == 143)
    let reduced = try #require(decoded.screen?.reduced(12))
    #expect(try #require(reduced.distance(to: screen(small))) <= 2)
  }

  @Test("sixel: many colours in 256, means of neighbourhoods kept") func sixelCut() throws {
    let large = picture(240, 180) { x, y in [x * 255 / 239, y * 255 / 179, 255 - (x + y) * 255 / 418] }
    let (decoded, colors) = try GraphicsDecoder.sixel(drawn([large], .sixel))
    #expect(colors == 256)
    let shown = try #require(decoded.screen)
    #expect(try #require(shown.distance(to: screen(large))) < 64)
    // Errors are passed on, so that they vanish in the mean of 12 × 12 pixels.
    for top in stride(from: 0, to: 180, by: 12) {
      for left in stride(from: 0, to: 240, by: 12) {
        for channel in 0..<3 {
          var (a, b) = (0, 0)
          for y in top..<top + 12 {
            for x in left..<left + 12 {
              a += Int(try #require(shown[x, y])[channel])
              b += Int(large.pixels[(y * 240 + x) * 3 + channel])
            }
          }
          #expect(abs(a - b) < 6 * 144, "\(left), \(top)")
        }
      }
    }
  }

  @Test("sixel: no wider than its terminals can show") func sixelWide() throws {
    let wide = picture(2400, 30) { x, _ in [x * 255 / 2399, 128, 0] }
    let narrow = PictureSurface(columns: 400, cellWidth: 10, cellHeight: 20, goal: 168, widest: 1000)
    let output = TerminalPictures.drawn([wide], as: .sixel, on: narrow, depth: .full)
    let shown = try #require(try GraphicsDecoder.sixel(output).decoder.screen)
    #expect(shown.width == 1000 && shown.height == 12)
  }

  @Test("pictures side by side: what lies between them stays as it is") func sideBySide() throws {
    let (a, b) = (ramp(170, 40, title: "private"), picture(180, 60, title: "recovered") { x, _ in [x, 0, 0] })
    // The second starts at a whole cell: 17 columns and two between.
    let expected = beside(a, b, gap: 20)
    let kitty = try GraphicsDecoder.kitty(drawn([a, b], .kitty))
    #expect(kitty.text == "private            recovered\n")
    #expect(kitty.screen == expected)
    #expect(try GraphicsDecoder.iterm(drawn([a, b], .iterm2)).decoder.screen == expected)
    let sixel = try GraphicsDecoder.sixel(drawn([a, b], .sixel)).decoder.screen
    #expect(try #require(sixel?.distance(to: expected)) < 64)
  }

  @Test("pictures that do not fit beside each other stand below each other") func rows() throws {
    let five = (0..<5).map { ramp(28, 28, title: "\($0)") }
    let output = drawn(five, .sixel)
    let rows = output.components(separatedBy: "\u{1B}\\\n").dropLast().map { $0 + "\u{1B}\\\n" }
    #expect(rows.count == 2)
    let widths = try rows.map { try #require(try GraphicsDecoder.sixel($0).decoder.screen).width }
    #expect(widths == [3 * 190 + 168, 168])
  }

  @Test("half blocks: any colour") func blocks() throws {
    let (a, b) = (ramp(32, 17, title: "one"), ramp(20, 20, title: "two\u{1B}[31m"))
    let decoded = try GraphicsDecoder.blocks(
      TerminalPictures.drawn([a, b], as: .blocks, on: surface(80), depth: .full), titles: 1)
    #expect(decoded.text == "one" + String(repeating: " ", count: 31) + "two [31m\n")
    let shown = try #require(decoded.screen)
    #expect(shown == beside(a, b, gap: 2))
  }

  @Test("half blocks: 256 colours are the nearest ones") func palette() throws {
    let greys = picture(64, 16) { x, _ in [x * 4, x * 4, x * 4] }
    let output = TerminalPictures.drawn([greys], as: .blocks, on: surface(80), depth: .palette)
    let shown = try #require(try GraphicsDecoder.blocks(output, titles: 0).screen)
    #expect(try #require(shown.distance(to: screen(greys))) <= 9)
    let cube = picture(36, 16) { x, _ in
      [[0, 95, 135, 175, 215, 255][x / 6], [0, 95, 135, 175, 215, 255][x % 6], 255]
    }
    let exact = TerminalPictures.drawn([cube], as: .blocks, on: surface(80), depth: .palette)
    #expect(try GraphicsDecoder.blocks(exact, titles: 0).screen == screen(cube))
  }

  @Test("half blocks: a picture wider than the window keeps its proportions") func narrow() throws {
    let wide = picture(120, 60) { x, _ in [x * 2, 0, 0] }
    let output = TerminalPictures.drawn([wide], as: .blocks, on: surface(40), depth: .full)
    let shown = try #require(try GraphicsDecoder.blocks(output, titles: 0).screen)
    #expect(shown.width == 40 && shown.height == 20)
    // Each pixel is one of those it stands for.
    #expect((0..<40).allSatisfy { x in shown[x, 0]?[0] == UInt8(2 * (x * 3 + 1)) })
  }

  @Test("without colours: shades, and no escape codes") func shades() throws {
    let steps = picture(20, 16) { x, _ in [x / 4 * 64, x / 4 * 64, x / 4 * 64] }
    let output = TerminalPictures.drawn([steps], as: .blocks, on: surface(80), depth: .none)
    let line = "    ░░░░▒▒▒▒▓▓▓▓████"
    #expect(output == String(repeating: line + "\n", count: 8))
  }

  @Test("text only draws nothing") func none() { #expect(drawn([ramp(8, 8)], .none).isEmpty) }

  private func surface(_ columns: Int) -> PictureSurface {
    PictureSurface(columns: columns, cellWidth: 1, cellHeight: 2, goal: 16)
  }
}
