// Pictures in files: decoded by libpng and libjpeg-turbo behind the CImages shim, recognised by their first bytes.
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
        if pixel & 0x1FFFF == 0 { try Interrupt.check() }
        for channel in 0..<channels {
          out[channel * width * height + pixel] = Float(samples[pixel * channels + channel]) / Float(peak)
        }
      }
    }
  }
}

extension StoredImage {
  /// Calls a decoder of the shim with the bytes, how many they are, and the most it may take.
  init(
    _ bytes: [UInt8], _ path: String, _ format: String,
    _ decode: (UnsafePointer<UInt8>?, Int, Int, UnsafeMutablePointer<seep_image>, UnsafeMutablePointer<CChar>) -> Int32
  ) throws {
    guard !bytes.isEmpty else { throw Fault.badFile(path, format, "it is empty") }
    var image = seep_image()
    var message = [CChar](repeating: 0, count: Int(SEEP_PROBLEM_SIZE))
    let failed = bytes.withUnsafeBufferPointer {
      decode($0.baseAddress, $0.count, expansionLimit(bytes.count), &image, &message)
    }
    if failed != 0 { try Interrupt.check() }
    guard failed == 0, let samples = image.samples else { throw Fault.badFile(path, format, text(message)) }
    defer { seep_free(samples) }
    let count = Int(image.width) * Int(image.height) * Int(image.channels)
    self.init(
      width: Int(image.width), height: Int(image.height), channels: Int(image.channels),
      peak: image.depth == 16 ? 65535 : 255, samples: try copied(samples, count))
  }

  /// The image of a PNG or JPEG file, whichever its first bytes say it is.
  /// - Throws: `file-not-found`, `bad-file`, `out-of-memory`.
  public static func read(_ path: String) throws -> StoredImage {
    let bytes = try readBytes(path)
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return try Png.decode(bytes, path) }
    if bytes.starts(with: [0xFF, 0xD8]) { return try Jpeg.decode(bytes, path) }
    throw Fault.badFile(
      path, "an image", bytes.isEmpty ? "it is empty" : "it begins neither as a PNG nor as a JPEG file")
  }

  /// float32 `[3, height, width]` in 0…1 without transparency, or `[1, height, width]`: what a network takes.
  public func opaque(grey: Bool = false) throws -> Tensor {
    let all = try tensor()
    let colours = channels >= 3 ? 3 : 1
    let image = try all.slice(axis: 0, from: 0, to: colours)
    if grey, colours == 3 {
      // The weights of ITU-R BT.601, as Pillow's.
      let weights = try Tensor([0.299, 0.587, 0.114] as [Float], shape: [3, 1, 1])
      return try Tensor.combine(.mul, image, weights).reduce(.sum, axes: [0], keep: true)
    }
    return image
  }
}

public enum Jpeg {
  static let format = "JPEG"

  /// Grey or RGB. Turns that a camera notes beside the image (EXIF) are not made.
  /// - Throws: `file-not-found`, `bad-file`, `out-of-memory`.
  public static func read(_ path: String) throws -> StoredImage { try decode(readBytes(path), path) }

  static func decode(_ bytes: [UInt8], _ path: String) throws -> StoredImage {
    _ = imagesStop
    return try StoredImage(bytes, path, format) { seep_jpeg_read($0, $1, UInt64($2), $3, $4) }
  }
}
