// Deflate and gzip by zlib, with a limit on what may come out.
import CImages
import Ground

/// The most that a file of `size` bytes may take in memory once expanded: 64 times its size, and never less than 256 MB, so that a picture of
/// one colour or an update that is nearly all zeros is read and a bomb is not.
func expansionLimit(_ size: Int) -> Int {
  let free = max(MemoryBudget.limit - MemoryBudget.liveBytes, 0)
  let (wide, overflow) = size.multipliedReportingOverflow(by: 64)
  return min(free, max(256 << 20, overflow ? Int.max : wide))
}

enum Compression { case gzip, deflate }

/// Expands `bytes` to at most `limit` bytes. `problem` turns zlib's complaint into the Fault of the format at hand.
func inflate(
  _ bytes: ArraySlice<UInt8>, _ compression: Compression, limit: Int, problem: (String) -> Fault
) throws -> [UInt8] {
  _ = imagesStop
  var expanded: UnsafeMutablePointer<UInt8>?
  var size = 0
  var message = [CChar](repeating: 0, count: Int(SEEP_PROBLEM_SIZE))
  let format = compression == .gzip ? SEEP_GZIP : SEEP_DEFLATE
  let failed = bytes.withUnsafeBufferPointer {
    seep_inflate($0.baseAddress, $0.count, Int32(format), limit, &expanded, &size, &message)
  }
  if failed != 0 { try Interrupt.check() }
  guard failed == 0, let expanded else { throw problem(text(message)) }
  defer { seep_free(expanded) }
  return try copied(expanded, size)
}

/// An array of what a library made, copied in pieces, which Ctrl-C ends.
func copied<Number: BitwiseCopyable>(_ source: UnsafePointer<Number>, _ count: Int) throws -> [Number] {
  try [Number](unsafeUninitializedCapacity: count) { buffer, filled in
    for start in stride(from: 0, to: count, by: 1 << 20) {
      try Interrupt.check()
      let piece = min(1 << 20, count - start)
      buffer.baseAddress.map { ($0 + start).initialize(from: source + start, count: piece) }
      filled = start + piece
    }
  }
}

/// Long work of zlib and libpng looks at the interrupt flag once this was read.
let imagesStop: Void = seep_images_stop { Interrupt.isRequested ? 1 : 0 }

/// The text of a NUL-terminated C buffer.
func text(_ buffer: [CChar]) -> String {
  String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
