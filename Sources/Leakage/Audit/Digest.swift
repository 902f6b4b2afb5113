// A short mark of data, to see whether it is the same as last time. It guards against mistakes, not against forgery.
import Tensors

/// 64 bits of everything added.
public struct Digest {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  public init() {}

  public mutating func add(_ word: UInt64) {
    var z = (state ^ word) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 29)) &* 0x94D0_49BB_1331_11EB
    state = z ^ (z >> 32)
  }

  public mutating func add(_ text: String) {
    add(UInt64(text.utf8.count))
    for byte in text.utf8 { add(UInt64(byte)) }
  }

  public mutating func add(_ tensor: Tensor) throws {
    add(UInt64(tensor.rank))
    for size in tensor.shape { add(UInt64(size)) }
    if tensor.dtype == .float32 {
      for value in try tensor.floats() { add(UInt64(value.bitPattern)) }
    } else {
      for value in try tensor.converted(to: .float64).doubles() { add(value.bitPattern) }
    }
  }

  /// Sixteen hexadecimal digits.
  public var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  public static func of(_ tensors: [Tensor]) throws -> String {
    var digest = Digest()
    for tensor in tensors { try digest.add(tensor) }
    return digest.text
  }

  public static func of(_ text: String) -> String {
    var digest = Digest()
    digest.add(text)
    return digest.text
  }
}
