// Pictures as the library hands them to whoever draws: a terminal, a notebook, a test.

/// One image with 8-bit colour, row by row, three bytes a pixel.
public struct Picture: Sendable {
  public var width: Int
  public var height: Int
  /// Red, green, blue of each pixel, `width * height * 3` bytes.
  public var pixels: [UInt8]
  public var title: String

  public init(width: Int, height: Int, pixels: [UInt8], title: String = "") {
    self.width = width
    self.height = height
    self.pixels = pixels
    self.title = title
  }
}

/// Where `show` draws. A shell attaches its own with `session.attach(PictureDisplay { … })`.
public final class PictureDisplay {
  /// Draws pictures side by side; `description` is the one line of text for places without graphics.
  public let draw: (_ pictures: [Picture], _ description: String) -> Void

  public init(_ draw: @escaping (_ pictures: [Picture], _ description: String) -> Void) { self.draw = draw }
}
