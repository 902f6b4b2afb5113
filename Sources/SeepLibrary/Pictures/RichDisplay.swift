// Values for places that show more than text: a notebook gets HTML, Markdown and pictures beside the text.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

/// One way to show a value: its MIME type and what is to be shown.
public struct Representation: Sendable {
  public enum Content: Sendable {
    case text(String)
    case bytes([UInt8])
  }
  public var mime: String
  public var content: Content

  public init(_ mime: String, _ text: String) {
    self.mime = mime
    content = .text(text)
  }
  public init(_ mime: String, _ bytes: [UInt8]) {
    self.mime = mime
    content = .bytes(bytes)
  }
}

/// Where a program shows something that is more than text; a notebook attaches one. Elsewhere the text is printed.
public final class RichOutput {
  public let show: (_ representations: [Representation], _ text: String) -> Void
  /// Whether more than the text is looked at.
  let isRich: Bool
  public init(_ show: @escaping (_ representations: [Representation], _ text: String) -> Void) {
    self.show = show
    isRich = true
  }
  /// Prints the text.
  private init(printing output: @escaping (String) -> Void) {
    show = { _, text in output(text) }
    isRich = false
  }

  static func of(_ session: Session) -> RichOutput {
    session.attachment(RichOutput.self) {
      RichOutput(printing: { [unowned session] text in session.output.write(text) })
    }
  }
}

public enum RichDisplay {
  /// Beside its text, the ways to show a value, the richest last.
  public static func representations(of value: Value, in session: Session) -> [Representation] {
    if let builtin = value.builtin { return [Representation("text/markdown", Help.markdown(builtin))] }
    if let heading = value.heading {
      return [
        Representation("text/markdown", "```seep\n\(heading.title)\n```\n" + (heading.documentation ?? ""))
      ]
    }
    if let plot = value.foreign(as: PlotValue.self) { return plot.representations }
    if let leak = value.foreign(as: LeakValue.self)?.leak { return show(leak, value, in: session) }
    if let tensor = value.foreign(as: TensorValue.self)?.tensor {
      if let pictures = pictures(of: tensor) { return show(pictures) }
      return tensor.size > 1 ? [Representation("text/html", HTML.tensor(tensor))] : []
    }
    if let items = value.asItems, let pictures = pictures(in: items) { return show(pictures) }
    if let table = HTML.table(value, in: session) { return [Representation("text/html", table)] }
    if let model = value.foreign(as: ModelValue.self)?.model, let shape = model.inputShape,
      let text = try? model.summary(for: shape)
    {
      return [Representation("text/html", "<pre>\(HTML.escaped(text))</pre>")]
    }
    return []
  }

  /// Images side by side, with their titles.
  public static func show(_ pictures: [Picture]) -> [Representation] {
    let scale = scale(pictures)
    guard let png = sheet(pictures) else { return [] }
    var all = [Representation("image/png", png)]
    if pictures.contains(where: { !$0.title.isEmpty }) {
      let figures = pictures.compactMap { HTML.figure($0, scale: scale) }
      all.append(
        Representation("text/html", "<div style=\"display:flex;flex-wrap:wrap;gap:12px\">\(figures.joined())</div>"))
    }
    return all
  }

  /// All pictures in one PNG file, in rows of ten.
  public static func sheet(_ pictures: [Picture]) -> [UInt8]? {
    (try? Pictures.sheet(pictures, columns: 10, gap: pictures.count > 1 ? 4 : 0, scale: scale(pictures))).flatMap {
      png($0)
    }
  }

  /// How often each pixel is repeated so that small images can be seen.
  static func scale(_ pictures: [Picture]) -> Int { max(1, 168 / max(1, pictures.map(\.width).max() ?? 1)) }

  /// The bytes of a PNG file; pixels that are not `opaque` are left out.
  public static func png(_ picture: Picture, opaque: [Bool]? = nil) -> [UInt8]? {
    guard let opaque, let colors = try? picture.tensor(),
      let alpha = try? Tensor(opaque.map { $0 ? 1 : 0 as Float }, shape: [1, picture.height, picture.width])
    else { return try? Png.encode(picture.tensor()) }
    return try? Png.encode(Tensor.concat([colors, alpha], axis: 0))
  }

  /// The pictures of a tensor that holds images in 0…1: `[1|3, h, w]` or up to 64 of them, of at least 8 pixels a side.
  public static func pictures(of tensor: Tensor) -> [Picture]? {
    let shape = tensor.shape
    guard tensor.dtype.isFloat, shape.count == 3 || (shape.count == 4 && (1...64).contains(shape[0])) else {
      return nil
    }
    let (channels, height, width) = (shape[shape.count - 3], shape[shape.count - 2], shape[shape.count - 1])
    guard channels == 1 || channels == 3, height >= 8, width >= 8, tensor.size <= 1 << 22,
      let found = try? tensor.statistics(), found.finiteCount == found.count
    else { return nil }
    // What an attack recovers may leave 0…1 a little; gradients and noise do so far.
    guard found.low >= -0.5, found.high <= 1.5, found.high > found.low || found.high > 0 else { return nil }
    let images = shape.count == 3 ? [tensor] : (0..<shape[0]).compactMap { try? tensor.select(axis: 0, index: $0) }
    return images.compactMap { try? Pictures.picture($0) }
  }

  /// A value that is an image, a batch or a leak, as pictures.
  public static func pictures(of value: Value) -> [Picture]? {
    if let tensor = value.foreign(as: TensorValue.self)?.tensor { return pictures(of: tensor) }
    if let leak = value.foreign(as: LeakValue.self)?.leak { return pictures(of: leak.images) }
    return nil
  }

  private static func pictures(in items: [Value]) -> [Picture]? {
    guard (1...64).contains(items.count) else { return nil }
    let parts = items.map { $0.foreign(as: TensorValue.self).flatMap { pictures(of: $0.tensor) } }
    return parts.contains { $0 == nil } ? nil : parts.flatMap { $0 ?? [] }
  }

  /// The images of a running job.
  public static func pictures(of preview: Preview) -> [Picture]? {
    guard preview.shape.count == 4, (1...64).contains(preview.shape[0]), let values = try? preview.values(),
      let tensor = try? Tensor(values, shape: preview.shape), [1, 3].contains(preview.shape[1])
    else { return nil }
    return (0..<preview.shape[0]).compactMap { index in
      try? Pictures.picture(tensor.select(axis: 0, index: index))
    }
  }

  private static func show(_ leak: Leak, _ value: Value, in session: Session) -> [Representation] {
    var all: [Representation] = []
    var pictures: [Picture] = []
    for index in 0..<min(leak.images.shape[0], 64) {
      let title = leak.labels.indices.contains(index) ? "label \(leak.labels[index])" : ""
      if let image = try? leak.images.select(axis: 0, index: index),
        let picture = try? Pictures.picture(image, title: title)
      {
        pictures.append(picture)
      }
    }
    let scale = scale(pictures)
    if !pictures.isEmpty, let png = sheet(pictures) { all.append(Representation("image/png", png)) }
    let figures = pictures.compactMap { HTML.figure($0, scale: scale) }.joined()
    all.append(
      Representation(
        "text/html",
        "<div style=\"display:flex;flex-wrap:wrap;gap:12px\">\(figures)</div><div>\(HTML.escaped(session.display(value, .long)))</div>"
      ))
    return all
  }
}
