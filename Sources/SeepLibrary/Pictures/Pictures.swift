// `show` and `save_image`: tensors as pictures. Values are taken in 0…1 and clamped; grey or RGB.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

enum Pictures {
  /// The images in a tensor, a leak, or any nesting of lists of them: `[h, w]`, `[c, h, w]` or `[n, c, h, w]`, c = 1 or 3.
  static func collect(_ value: Value, _ call: Call, _ name: String) throws -> [Tensor] {
    if let items = value.asItems { return try items.flatMap { try collect($0, call, name) } }
    if let tensor = value.foreign(as: TensorValue.self)?.tensor {
      switch tensor.rank {
      case 2: return [try tensor.unsqueeze(axis: 0)]
      case 3 where tensor.shape[0] == 1 || tensor.shape[0] == 3: return [tensor]
      case 4 where tensor.shape[1] == 1 || tensor.shape[1] == 3:
        return try (0..<tensor.shape[0]).map { try tensor.select(axis: 0, index: $0) }
      default:
        throw call.fault(
          "shape-mismatch",
          "an image is [height, width], [channels, height, width] or a batch of such with 1 or 3 channels, not \(written(tensor.shape))",
          argument: name)
      }
    }
    throw call.fault("type-mismatch", "`\(call.name)` needs images, not \(described(value))", argument: name)
  }

  /// Bytes of an image `[c, h, w]`, row by row, three a pixel. Not-a-number becomes black.
  static func picture(_ image: Tensor, title: String = "") throws -> Picture {
    let (channels, height, width) = (image.shape[0], image.shape[1], image.shape[2])
    let pixels = try image.withFloats { values in
      try [UInt8](unsafeUninitializedCapacity: width * height * 3) { pixels, filled in
        for place in 0..<(width * height) {
          if place & 0x1FFFF == 0 { try Interrupt.check() }
          for channel in 0..<3 {
            let value = values[(channels == 3 ? channel : 0) * width * height + place]
            pixels[place * 3 + channel] = value.isNaN ? 0 : UInt8(min(max(value, 0), 1) * 255 + 0.5)
          }
        }
        filled = width * height * 3
      }
    }
    return Picture(width: width, height: height, pixels: pixels, title: title)
  }

  /// Pictures in rows of `columns`, with a gap of grey between them.
  static func sheet(_ pictures: [Picture], columns: Int, gap: Int, scale: Int) throws -> Picture {
    if pictures.count == 1, scale == 1 { return pictures[0] }
    let cellWidth = (pictures.map(\.width).max() ?? 1) * scale
    let cellHeight = (pictures.map(\.height).max() ?? 1) * scale
    let across = max(1, min(columns, pictures.count))
    let down = (pictures.count + across - 1) / across
    let width = across * cellWidth + (across - 1) * gap
    let height = down * cellHeight + (down - 1) * gap
    var pixels = [UInt8](repeating: 128, count: width * height * 3)
    for (index, picture) in pictures.enumerated() {
      let left = (index % across) * (cellWidth + gap)
      let top = (index / across) * (cellHeight + gap)
      for y in 0..<(picture.height * scale) {
        try Interrupt.check()
        for x in 0..<(picture.width * scale) {
          let source = ((y / scale) * picture.width + x / scale) * 3
          let target = ((top + y) * width + left + x) * 3
          for channel in 0..<3 { pixels[target + channel] = picture.pixels[source + channel] }
        }
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}

let pictureBuiltins: [Builtin] = [
  Builtin(
    "show(images, titles: none)", group: "pictures",
    """
    Draws an image, or a list or batch of images side by side, in the terminal or notebook; one line of text elsewhere.
    Images are `[channels, height, width]` in 0…1, grey or RGB; `titles` is a list of strings. Plots are shown as well, one below the other.
    """, example: "show([zeros(1, 4, 4), ones(1, 4, 4)], titles: [\"black\", \"white\"])"
  ) { call in
    if let plots = try PlotValue.all(call["images"], call) {
      for plot in plots { plot.show(in: call.session) }
      return .none
    }
    let images = try Pictures.collect(call["images"], call, "images")
    var titles: [String] = []
    if let given = call.optionalValue("titles") {
      titles = (given.asItems ?? [given]).map { $0.asString ?? call.session.display($0, .short) }
    }
    let pictures = try images.enumerated().map { index, image in
      try Pictures.picture(image, title: index < titles.count ? titles[index] : "")
    }
    let sizes = Set(pictures.map { "\($0.width)×\($0.height)" }).sorted().joined(separator: ", ")
    let named = titles.isEmpty ? "" : ": " + titles.joined(separator: ", ")
    let line = "[\(pictures.count) \(pictures.count == 1 ? "image" : "images") \(sizes)\(named)]"
    let session = call.session
    session.attachment(PictureDisplay.self) {
      PictureDisplay { [unowned session] _, line in session.output.write(line + "\n") }
    }.draw(pictures, line)
    return .none
  },

  Builtin(
    "save_image(images, path, columns: 10, scale: 4, gap: 4)", group: "pictures",
    """
    Writes an image `[c, h, w]` in 0…1, or a sheet of images in rows of `columns`, to a PNG file, each pixel enlarged `scale` times, with
    `gap` grey pixels between images. The file is written whole or not at all.
    """, example: "save_image(rand(1, 8, 8), \"example.png\")"
  ) { call in
    let images = try Pictures.collect(call["images"], call, "images")
    let path = try call.string("path")
    guard path.hasSuffix(".png") else {
      throw call.fault(
        "unknown-format", "`save_image` writes PNG files; the name \"\(path)\" does not end in .png", argument: "path")
    }
    let pictures = try images.map { try Pictures.picture($0) }
    let sheet = try Pictures.sheet(
      pictures, columns: try call.int("columns", in: 1...1000),
      gap: pictures.count == 1 ? 0 : try call.int("gap", in: 0...100),
      scale: try call.int("scale", in: 1...64))
    try Png.write(sheet.tensor(), to: path)
    return .none
  },
]

extension Picture {
  /// `[3, height, width]` in 0…1.
  func tensor() throws -> Tensor {
    try Tensor.make([3, height, width]) { out in
      for channel in 0..<3 {
        for place in 0..<(width * height) {
          if place & 0x3FFFF == 0 { try Interrupt.check() }
          out[channel * width * height + place] = Float(pixels[place * 3 + channel]) / 255
        }
      }
    }
  }
}
