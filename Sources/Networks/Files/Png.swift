// PNG by libpng, behind the CImages shim.
import CImages
import Ground
import Tensors

public enum Png {
  static let format = "PNG"

  /// - Throws: `file-not-found`, `bad-file`, `out-of-memory`.
  public static func read(_ path: String) throws -> StoredImage {
    try decode(readBytes(path), path)
  }

  static func decode(_ bytes: [UInt8], _ path: String) throws -> StoredImage {
    _ = imagesStop
    return try StoredImage(bytes, path, format) { seep_png_read($0, $1, UInt64($2) / 8, $3, $4) }
  }

  /// Writes `[channels, height, width]` or `[height, width]` with values in 0…1 (others are clamped, nan is black) as
  /// 8-bit grey, grey and alpha, RGB or RGBA.
  public static func write(_ image: Tensor, to path: String) throws {
    let encoded = try encode(image)
    try writeBytes(encoded, to: path)
  }

  /// The bytes of a PNG file; see `write`.
  public static func encode(_ image: Tensor) throws -> [UInt8] {
    let shape = image.rank == 2 ? [1] + image.shape : image.shape
    guard shape.count == 3, (1...4).contains(shape[0]), shape[1] > 0, shape[2] > 0 else {
      throw Fault(
        "shape-mismatch", "an image is [channels, height, width] with 1 to 4 channels, not \(image.shape)",
        operands: [0: "\(image.shape)"])
    }
    let pixels = shape[1] * shape[2]
    let samples = try image.withFloats { values in
      try [UInt8](unsafeUninitializedCapacity: values.count) { samples, filled in
        for pixel in 0..<pixels {
          if pixel & 0xFFFF == 0 { try Interrupt.check() }
          for channel in 0..<shape[0] {
            let value = values[channel * pixels + pixel]
            samples[pixel * shape[0] + channel] = value > 0 ? UInt8((min(value, 1) * 255).rounded()) : 0
          }
        }
        filled = values.count
      }
    }
    _ = imagesStop
    var encoded: UnsafeMutablePointer<UInt8>?
    var size = 0
    var message = [CChar](repeating: 0, count: Int(SEEP_PROBLEM_SIZE))
    let failed = seep_png_write(
      samples, UInt32(shape[2]), UInt32(shape[1]), UInt32(shape[0]), &encoded, &size, &message)
    if failed != 0 { try Interrupt.check() }
    guard failed == 0, let encoded else {
      throw Fault("image-not-encoded", "cannot encode the image: \(text(message))")
    }
    defer { seep_free(encoded) }
    return try copied(encoded, size)
  }
}
