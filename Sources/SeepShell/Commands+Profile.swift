// `seep --profile`: a run that is followed, and its report.
import Ground
import SeepLanguage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is to be said of the time that a run takes.
public struct ProfileRequest: Sendable {
  /// A report on standard error.
  public var isShown: Bool
  /// The file for the profile as JSON.
  public var path: String?

  public init(isShown: Bool, path: String?) {
    self.isShown = isShown
    self.path = path
  }

  /// Nothing.
  public static let none = ProfileRequest(isShown: false, path: nil)

  /// Whether the file can be written; false, and said, before the run and not after it.
  var isPossible: Bool {
    guard let path else { return true }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    if descriptor >= 0 {
      close(descriptor)
      return true
    }
    Console.writeError("seep: cannot write \(path): \(String(cString: strerror(errno)))\n")
    return false
  }

  func begin(_ session: Session) throws -> Profile? { isShown || path != nil ? try session.startProfile() : nil }

  /// Says what a profile that has ended found, after everything else that the run says.
  ///
  /// - Returns: the status of the run; 1 instead of 0 where the file could not be written.
  func report(_ profile: Profile?, _ name: String, _ status: Int32) -> Int32 {
    guard let profile else { return status }
    if isShown { Console.writeError(profile.summary.text(name)) }
    let isWritten =
      path.map { Commands.writeText(profile.json(name, exporter: "seep \(Commands.version)"), $0) } ?? true
    return status == 0 && !isWritten ? 1 : status
  }
}
