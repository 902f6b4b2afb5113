// Pictures as PNG files inside escape sequences: kitty's protocol and iTerm2's.
import SeepLibrary

/// https://sw.kovidgoyal.net/kitty/graphics-protocol
public enum KittyEncoder {
  /// Letters of a chunk, a multiple of four.
  static let chunk = 4096

  /// A PNG file, shown where the cursor is. No reply is wanted (`q=2`): it would arrive as if typed.
  public static func text(png: [UInt8]) -> String {
    let letters = Array(Base64.text(png).utf8)
    var out = ""
    for start in stride(from: 0, to: letters.count, by: chunk) {
      let end = min(start + chunk, letters.count)
      let more = end < letters.count ? 1 : 0
      out += "\u{1B}_G" + (start == 0 ? "a=T,f=100,q=2,m=\(more);" : "m=\(more);")
      out += String(decoding: letters[start..<end], as: UTF8.self) + "\u{1B}\\"
    }
    return out
  }
}

/// https://iterm2.com/documentation-images.html
public enum ITermEncoder {
  /// A PNG file of so many pixels, shown where the cursor is.
  public static func text(png: [UInt8], width: Int, height: Int) -> String {
    "\u{1B}]1337;File=inline=1;size=\(png.count);width=\(width)px;height=\(height)px;preserveAspectRatio=1:"
      + Base64.text(png) + "\u{07}"
  }
}
