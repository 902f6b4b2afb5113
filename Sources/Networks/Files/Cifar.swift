// The binary versions of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html): records of one label (or a
// coarse and a fine one) and 3072 bytes, red then green then blue, each row by row.
import Ground
import Tensors

/// Images with what they show.
public struct CifarImages: Sendable {
  /// float32 `[n, 3, 32, 32]` in 0…1.
  public var images: Tensor
  /// int64 `[n]`: the class, for CIFAR-100 the fine one of 100.
  public var labels: Tensor
  /// CIFAR-100's class of 20.
  public var coarseLabels: Tensor?
}

public enum Cifar {
  /// CIFAR-10: `data_batch_1.bin`.
  public static func read10(_ path: String) throws -> CifarImages {
    let (columns, images) = try records(path, limits: [10], name: "CIFAR-10")
    return CifarImages(images: images, labels: columns[0], coarseLabels: nil)
  }

  /// CIFAR-100: `train.bin`.
  public static func read100(_ path: String) throws -> CifarImages {
    let (columns, images) = try records(path, limits: [20, 100], name: "CIFAR-100")
    return CifarImages(images: images, labels: columns[1], coarseLabels: columns[0])
  }

  private static func records(_ path: String, limits: [Int], name: String) throws -> (labels: [Tensor], images: Tensor)
  {
    let bytes = try readBytes(path)
    let size = limits.count + 3072
    guard !bytes.isEmpty else { throw Fault.badFile(path, name, "it is empty") }
    guard bytes.count % size == 0 else {
      throw Fault.badFile(
        path, name, "its \(bytes.count) bytes are not a whole number of records of \(size) bytes",
        help: bytes.count % (6147 - size) == 0 ? "this may be \(limits.count == 1 ? "CIFAR-100" : "CIFAR-10")" : nil)
    }
    let count = bytes.count / size
    let labels = try limits.enumerated().map { column, limit in
      let values = (0..<count).map { Int64(bytes[$0 * size + column]) }
      if let record = values.firstIndex(where: { $0 >= limit }) {
        throw Fault.badFile(path, name, "record \(record) has the label \(values[record]); \(limit) classes exist")
      }
      return try Tensor(values, shape: [count])
    }
    let images = try Tensor.make([count, 3, 32, 32]) { (out: UnsafeMutableBufferPointer<Float>) in
      for record in 0..<count {
        for i in 0..<3072 { out[record * 3072 + i] = Float(bytes[record * size + limits.count + i]) / 255 }
      }
    }
    return (labels, images)
  }
}
