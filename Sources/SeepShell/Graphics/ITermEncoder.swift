// Pictures by iTerm2's inline images: a PNG file in one sequence.
import SeepLibrary

/// https://iterm2.com/documentation-images.html
public enum ITermEncoder {
  /// A PNG file of so many pixels, shown where the cursor is.
  public static func text(png: [UInt8], width: Int, height: Int) -> String {
    "\u{1B}]1337;File=inline=1;size=\(png.count);width=\(width)px;height=\(height)px;preserveAspectRatio=1:"
      + Base64.text(png) + "\u{07}"
  }
}
