// Pictures by kitty's graphics protocol: a PNG file in chunks.
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
