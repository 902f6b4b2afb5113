// Images in the terminal: each cell is an upper half block, two pixels with two colours.
import Ground
import SeepLanguage
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum TerminalPictures {
  /// Whether to draw: a terminal with colours; `SEEP_GRAPHICS=blocks` or `none` decides otherwise.
  static var isWanted: Bool {
    if let choice = getenv("SEEP_GRAPHICS") { return String(cString: choice) == "blocks" }
    return isatty(1) == 1 && Console.usesColor(1)
  }

  static func attach(to session: Session) {
    session.attach(
      PictureDisplay { [unowned session] pictures, line in
        session.output.write(isWanted ? drawn(pictures, columns: terminalWidth()) : line + "\n")
      })
  }

  /// Draws a value at the prompt if it is an image, a batch or a leak.
  static func show(_ value: Value, _ session: Session) {
    guard isWanted, let pictures = RichDisplay.pictures(of: value) else { return }
    session.output.write(drawn(pictures, columns: terminalWidth()))
  }

  /// `:graphics`
  static func choose(_ kind: String, _ session: Session) -> CommandResult { .done }

  static func terminalWidth() -> Int {
    var size = winsize()
    return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// Pictures side by side in rows that fit, titles above; larger ones are reduced by leaving pixels out.
  public static func drawn(_ pictures: [Picture], columns: Int) -> String {
    let isTrue = getenv("COLORTERM").map { ["truecolor", "24bit"].contains(String(cString: $0)) } ?? false
    var out = ""
    var row: [Picture] = []
    var used = 0
    func flush() {
      if row.isEmpty { return }
      out += draw(row, columns, isTrue)
      row = []
      used = 0
    }
    for picture in pictures {
      let width = min(picture.width, columns)
      if used + width + (row.isEmpty ? 0 : 2) > columns { flush() }
      used += width + (row.isEmpty ? 0 : 2)
      row.append(picture)
    }
    flush()
    return out
  }

  private static func draw(_ row: [Picture], _ columns: Int, _ isTrue: Bool) -> String {
    let steps = row.map { max(1, ($0.width + columns - 1) / columns) }
    let widths = zip(row, steps).map { $0.width / $1 }
    var out = ""
    if row.contains(where: { !$0.title.isEmpty }) {
      for (picture, width) in zip(row, widths) {
        let title = String(picture.title.prefix(width))
        out += title + String(repeating: " ", count: max(0, width - title.count) + 2)
      }
      while out.last == " " { out.removeLast() }
      out += "\n"
    }
    let lines = zip(row, steps).map { ($0.height / $1 + 1) / 2 }.max() ?? 0
    for line in 0..<lines {
      for (index, picture) in row.enumerated() {
        let (step, width) = (steps[index], widths[index])
        let height = picture.height / step
        for x in 0..<width {
          if 2 * line >= height {
            out += " "
            continue
          }
          out += color(picture, x * step, 2 * line * step, isTrue, front: true)
          out +=
            2 * line + 1 < height ? color(picture, x * step, (2 * line + 1) * step, isTrue, front: false) : "\u{1B}[49m"
          out += "▀"
        }
        out += "\u{1B}[0m" + (index + 1 < row.count ? "  " : "")
      }
      out += "\n"
    }
    return out
  }

  private static func color(_ picture: Picture, _ x: Int, _ y: Int, _ isTrue: Bool, front: Bool) -> String {
    let at = (y * picture.width + x) * 3
    let (r, g, b) = (Int(picture.pixels[at]), Int(picture.pixels[at + 1]), Int(picture.pixels[at + 2]))
    if isTrue { return "\u{1B}[\(front ? 38 : 48);2;\(r);\(g);\(b)m" }
    // The 6×6×6 cube of 256-colour terminals, or its 24 greys.
    let index =
      r == g && g == b
      ? (r < 8 ? 16 : r > 247 ? 231 : 232 + (r - 8) * 24 / 240)
      : 16 + 36 * (r * 5 / 255) + 6 * (g * 5 / 255) + b * 5 / 255
    return "\u{1B}[\(front ? 38 : 48);5;\(index)m"
  }
}
