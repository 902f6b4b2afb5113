// Where the library written in Seep, the bundled data and the trained priors are.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum Home {
  /// The folder that holds `data/`, `priors/` and `attacks/`: `SEEP_HOME`, `../share/seep` beside the executable, or `stdlib` in
  /// the checkout the executable was built in; nil if none is there.
  public static let folder: String? = {
    var candidates: [String] = []
    if let home = getenv("SEEP_HOME") { candidates += [String(cString: home), String(cString: home) + "/stdlib"] }
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    if count > 0 {
      var parts = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: "/")
        .dropLast()
      candidates.append("/" + parts.joined(separator: "/") + "/../share/seep")
      while !parts.isEmpty {
        candidates.append("/" + parts.joined(separator: "/") + "/stdlib")
        parts = parts.dropLast()
      }
    }
    return candidates.first { access($0 + "/data/README.md", R_OK) == 0 }
  }()

  /// The path of a file of the library.
  static func path(_ name: String) throws -> String {
    guard let folder else {
      throw Fault(
        "missing-library", "the library that comes with Seep was not found",
        notes: ["It is looked for in SEEP_HOME, in ../share/seep beside the executable, and in the checkout."])
    }
    return folder + "/" + name
  }
}
