// IDX, the format of MNIST (http://yann.lecun.com/exdb/mnist/): a magic number with element type and rank, big-endian
// extents, the data. A gzip file is recognised by its first bytes, whatever it is called.
import Ground
import Tensors

public enum Idx {
  static let format = "IDX"

  /// Any IDX array: integers as int64, floats as they are.
  /// - Throws: `file-not-found`, `bad-file`, `truncated-file`.
  public static func read(_ path: String) throws -> Tensor {
    var bytes = try readBytes(path)
    if bytes.starts(with: [0x1F, 0x8B]) {
      bytes = try inflate(bytes[...], .gzip, limit: expansionLimit(bytes.count)) { .badFile(path, "gzip", $0) }
    }
    return try decode(bytes, path)
  }

  /// Grey images as float32 `[n, 1, height, width]` in 0…1.
  public static func images(_ path: String) throws -> Tensor {
    let raw = try read(path)
    guard raw.rank == 3 else {
      throw Fault.badFile(
        path, format, "images have rank 3 and this has shape \(raw.shape)",
        help: raw.rank == 1 ? "this looks like a file of labels" : nil)
    }
    let scaled = try Tensor.combine(.div, raw.converted(to: .float32), 255)
    return try scaled.reshape([raw.shape[0], 1, raw.shape[1], raw.shape[2]])
  }

  /// Labels as int64 `[n]`, each in 0..<classes.
  public static func labels(_ path: String, classes: Int = 10) throws -> Tensor {
    let raw = try read(path)
    guard raw.rank == 1 else { throw Fault.badFile(path, format, "labels have rank 1 and this has shape \(raw.shape)") }
    if let wrong = try raw.integers().first(where: { !(0..<classes).contains($0) }) {
      throw Fault.badFile(path, format, "the label \(wrong) is not one of the \(classes) classes 0 to \(classes - 1)")
    }
    return raw
  }

  private static func decode(_ bytes: [UInt8], _ path: String) throws -> Tensor {
    guard bytes.count >= 4 else {
      throw bytes.isEmpty
        ? Fault.badFile(path, format, "it is empty") : .truncatedFile(path, format, "it ends inside its header")
    }
    guard bytes[0] == 0, bytes[1] == 0 else {
      throw Fault.badFile(path, format, "it does not begin with the IDX magic number")
    }
    let types: [UInt8: ElementType] = [
      0x08: .uint8, 0x09: .int8, 0x0B: .int16, 0x0C: .int32, 0x0D: .float32, 0x0E: .float64,
    ]
    guard let type = types[bytes[2]] else {
      throw Fault.badFile(path, format, "its element type 0x\(String(bytes[2], radix: 16)) is not known")
    }
    let rank = Int(bytes[3])
    let start = 4 + 4 * rank
    guard bytes.count >= start else { throw Fault.truncatedFile(path, format, "it ends inside its header") }
    let shape = (0..<rank).map { axis in (0..<4).reduce(0) { $0 << 8 | Int(bytes[4 + 4 * axis + $1]) } }
    guard let needed = byteCount(shape, type) else {
      throw Fault.badFile(path, format, "its shape \(shape) is absurdly large")
    }
    let present = bytes.count - start
    if present < needed {
      throw Fault.truncatedFile(path, format, "its shape \(shape) needs \(needed) bytes and \(present) are there")
    }
    if present > needed {
      throw Fault.badFile(path, format, "\(present - needed) bytes follow the data of shape \(shape)")
    }
    let value = try bytes[start...].withUnsafeBytes { try tensor(from: $0, shape: shape, type: type, bigEndian: true) }
    guard let value else { throw Fault.badFile(path, format, "it holds a value that does not fit") }
    return value
  }
}
