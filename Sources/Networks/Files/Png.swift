// PNG by libpng, behind the CImages shim.
import CImages
import Ground
import Tensors

/// An image as files store it: rows from the top, channels interleaved.
public struct StoredImage: Sendable {
  public var width: Int
  public var height: Int
  /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
  public var channels: Int
  /// The largest value of a sample: 255 or 65535.
  public var peak: Int
  /// `height * width * channels` numbers.
  public var samples: [UInt16]

  /// float32 `[channels, height, width]` in 0…1.
  public func tensor() throws -> Tensor {
    try Tensor.make([channels, height, width]) { (out: UnsafeMutableBufferPointer<Float>) in
      for pixel in 0..<(width * height) {
        for channel in 0..<channels {
          out[channel * width * height + pixel] = Float(samples[pixel * channels + channel]) / Float(peak)
        }
      }
    }
  }
}

public enum Png {
  static let format = "PNG"

  /// - Throws: `file-not-found`, `bad-file`, `out-of-memory`.
  public static func read(_ path: String) throws -> StoredImage {
    let bytes = try readBytes(path)
    guard !bytes.isEmpty else { throw Fault.badFile(path, format, "it is empty") }
    var image = seep_image()
    var message = [CChar](repeating: 0, count: Int(SEEP_PROBLEM_SIZE))
    let room = UInt64(max(MemoryBudget.limit - MemoryBudget.liveBytes, 0)) / 8
    let failed = bytes.withUnsafeBufferPointer { seep_png_read($0.baseAddress, $0.count, room, &image, &message) }
    guard failed == 0, let samples = image.samples else { throw Fault.badFile(path, format, text(message)) }
    defer { seep_free(samples) }
    let count = Int(image.width) * Int(image.height) * Int(image.channels)
    return StoredImage(
      width: Int(image.width), height: Int(image.height), channels: Int(image.channels),
      peak: image.depth == 16 ? 65535 : 255,
      samples: Array(UnsafeBufferPointer(start: samples, count: count)))
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
    let values = try image.converted(to: .float32).floats()
    var samples = [UInt8](repeating: 0, count: values.count)
    for pixel in 0..<pixels {
      for channel in 0..<shape[0] {
        let value = values[channel * pixels + pixel]
        samples[pixel * shape[0] + channel] = value > 0 ? UInt8((min(value, 1) * 255).rounded()) : 0
      }
    }
    var encoded: UnsafeMutablePointer<UInt8>?
    var size = 0
    var message = [CChar](repeating: 0, count: Int(SEEP_PROBLEM_SIZE))
    let failed = seep_png_write(
      samples, UInt32(shape[2]), UInt32(shape[1]), UInt32(shape[0]), &encoded, &size, &message)
    guard failed == 0, let encoded else {
      throw Fault("image-not-encoded", "cannot encode the image: \(text(message))")
    }
    defer { seep_free(encoded) }
    return Array(UnsafeBufferPointer(start: encoded, count: size))
  }
}
