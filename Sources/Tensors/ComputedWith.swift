// What the numbers are computed with, for those who want to compute them again.
import CBLAS
import COneDNN

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Versions of the libraries under the engine, and the machine it runs on.
public enum ComputedWith {
  /// oneDNN, OpenBLAS, the processor, and threads.
  public static var versions: [(name: String, value: String)] {
    [
      ("oneDNN", String(cString: seep_onednn_version())), ("OpenBLAS", String(cString: seep_blas_version())),
      ("processor", processor), ("threads", "\(Threads.count)"),
    ]
  }

  /// As the system names it; "unknown" where it does not.
  private static var processor: String {
    guard let file = fopen("/proc/cpuinfo", "r") else { return "unknown" }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 1024)
    while fgets(&line, 1024, file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let parts = text.split(separator: ":", maxSplits: 1)
      if parts.count == 2, parts[0].hasPrefix("model name") {
        let words = parts[1].split(whereSeparator: \.isWhitespace)
        return words.joined(separator: " ")
      }
    }
    return "unknown"
  }
}
