// Numbers as C prints them.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum PrintedNumber {
  /// - Parameter format: one conversion of `printf` for a double, such as `%.4g`, of at most 4000 digits.
  public static func text(_ format: String, _ value: Double) -> String {
    // The largest double has 309 digits before its point.
    var buffer = [CChar](repeating: 0, count: 4600)
    let count = withVaList([value]) { vsnprintf(&buffer, buffer.count, format, $0) }
    return String(
      decoding: buffer[..<max(0, min(Int(count), buffer.count - 1))].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
