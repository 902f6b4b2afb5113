// `seep fmt`.
import Ground
import SeepLanguage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Commands {
  /// Formats files in place and lists those that changed; `-` is standard input, formatted to standard output.
  ///
  /// - Parameter isCheck: changes nothing; lists what would change, and then the status is 1.
  /// - Returns: 0, or 1 where a text has syntax errors or cannot be read or written.
  public static func format(_ paths: [String], isCheck: Bool, color: String?) -> Int32 {
    let session = Session()
    var status: Int32 = 0
    for path in paths.flatMap({ $0 == "-" ? [$0] : scripts(at: $0) }) {
      let isInput = path == "-"
      guard let text = isInput ? readStandardInput() : read(path) else {
        status = 1
        continue
      }
      switch session.formatted(text, name: isInput ? "standard input" : path) {
      case .failure(let failure):
        Console.show(failure, color: color)
        status = 1
      case .success(let result):
        if isInput, !isCheck {
          _ = Console.write(Array(result.utf8), to: 1)
        } else if result != text {
          print(isInput ? "standard input" : path)
          if isCheck || !replace(path, with: result) { status = 1 }
        }
      }
    }
    return status
  }

  /// Writes beside the file and then takes its place, so that a full disk leaves the old text.
  private static func replace(_ path: String, with text: String) -> Bool {
    // A link stays a link: what it leads to is replaced.
    guard let resolved = realpath(path, nil) else { return complain(path) }
    defer { free(resolved) }
    let target = String(cString: resolved)
    var info = stat()
    guard access(target, W_OK) == 0, stat(target, &info) == 0 else { return complain(path) }
    let scratch = "\(target).\(getpid()).fmt"
    let file = open(scratch, O_WRONLY | O_CREAT | O_EXCL, info.st_mode & 0o777)
    guard file >= 0 else { return complain(path) }
    let isWritten = Console.write(Array(text.utf8), to: file) && fchmod(file, info.st_mode & 0o7777) == 0
    guard close(file) == 0, isWritten, rename(scratch, target) == 0 else {
      defer { unlink(scratch) }
      return complain(path)
    }
    return true
  }

  private static func complain(_ path: String) -> Bool {
    Console.writeError("seep: cannot write \"\(path)\": \(String(cString: strerror(errno)).lowercased())\n")
    return false
  }
}
