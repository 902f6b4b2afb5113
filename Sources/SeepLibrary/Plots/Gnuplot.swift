// Running gnuplot: a script on its standard input, a file on its standard output. No shell is in between.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

package enum Gnuplot {
  package enum Format: String, CaseIterable, Sendable {
    case svg, png, pdf
  }

  /// The bytes of a file.
  /// - Throws: `gnuplot-missing`, `gnuplot-failed`, `interrupted`.
  package static func draw(_ plot: Plot, as format: Format) throws -> [UInt8] {
    guard let program = find() else {
      throw Fault(
        "gnuplot-missing", "plots are written by gnuplot, and there is none on the PATH",
        notes: ["On Debian and Ubuntu: `apt-get install gnuplot-nox`."], help: "a file that ends in .txt")
    }
    let bytes = try run(program, GnuplotScript.text(plot, as: format))
    // Cells of a map keep their borders however large they are drawn. Text holds no `<`.
    guard format == .svg, plot.kind == .map else { return bytes }
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: "<image ", omittingEmptySubsequences: false)
    return Array(parts.joined(separator: "<image style='image-rendering:pixelated' ").utf8)
  }

  /// The program, as PATH finds it.
  static func find() -> String? {
    guard let path = getenv("PATH") else { return nil }
    return String(cString: path).split(separator: ":").map { $0 + "/gnuplot" }.first {
      var info = stat()
      return access($0, X_OK) == 0 && stat($0, &info) == 0 && info.st_mode & S_IFMT == S_IFREG
    }
  }

  /// What a program prints that is given a script.
  package static func run(_ program: String, _ script: String) throws -> [UInt8] {
    let process = try GnuplotProcess(program)
    let (output, complaint, status) = try process.exchange(Array(script.utf8))
    if status == 0, !output.isEmpty { return output }
    // Its messages: a line number of the script, then the sentence.
    let lines = String(decoding: complaint, as: UTF8.self).split(separator: "\n").map { line in
      String(line.drop { $0 == " " || $0 == "\t" })
    }
    let reason = lines.last { !$0.isEmpty } ?? (status == 0 ? "it wrote nothing" : "it ended with status \(status)")
    throw Fault("gnuplot-failed", "gnuplot could not draw this plot: \(TextGrid.clean(reason))")
  }
}

/// One run, with its three streams.
private final class GnuplotProcess {
  private var process: pid_t = 0
  private var input: Int32 = -1
  private var output: Int32 = -1
  private var complaint: Int32 = -1

  init(_ program: String) throws {
    // A pair of sockets and not a pipe, because writing to it can do without SIGPIPE.
    var into: [Int32] = [-1, -1]
    var from: [Int32] = [-1, -1]
    var errors: [Int32] = [-1, -1]
    defer { for descriptor in [into[1], from[1], errors[1]] where descriptor >= 0 { close(descriptor) } }
    let made =
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &into) == 0 && pipe(&from) == 0 && pipe(&errors) == 0
    (input, output, complaint) = (into[0], from[0], errors[0])
    guard made else { throw GnuplotProcess.failure(errno) }
    for descriptor in into + from + errors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    for descriptor in [input, output, complaint] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, into[1], 0)
    posix_spawn_file_actions_adddup2(&actions, from[1], 1)
    posix_spawn_file_actions_adddup2(&actions, errors[1], 2)
    // Its own group, so that Ctrl-C reaches us alone; signals as a program expects them.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for signal in [SIGPIPE, SIGINT, SIGTERM] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    // `-d`: without the settings of this person or machine; `-`: the script comes on standard input.
    var arguments = GnuplotProcess.copies([program, "-d", "-"])
    var variables = GnuplotProcess.copies(GnuplotProcess.environment)
    defer { for text in arguments + variables { free(text) } }
    let code = posix_spawn(&process, program, &actions, &attributes, &arguments, &variables)
    guard code == 0 else {
      process = 0
      throw GnuplotProcess.failure(code)
    }
  }

  /// As a program takes them: the caller's, nil at the end.
  private static func copies(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] { texts.map { strdup($0) } + [nil] }

  /// Ours, with numbers and dates that do not depend on where and when it runs.
  private static var environment: [String] {
    var all: [String] = []
    var next = environ
    while let text = next.pointee {
      let entry = String(cString: text)
      if !["LC_ALL=", "SOURCE_DATE_EPOCH="].contains(where: entry.hasPrefix) { all.append(entry) }
      next += 1
    }
    return all + ["LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=0"]
  }

  private static func failure(_ code: Int32) -> Fault {
    Fault("gnuplot-failed", "gnuplot could not be started: \(String(cString: strerror(code)).lowercased())")
  }

  deinit {
    for descriptor in [input, output, complaint] where descriptor >= 0 { close(descriptor) }
    guard process > 0 else { return }
    kill(process, SIGKILL)
    _ = wait()
  }

  private func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    process = 0
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
  }

  /// Sends everything and gathers what comes, until both streams end.
  func exchange(_ script: [UInt8]) throws -> (output: [UInt8], complaint: [UInt8], status: Int32) {
    var sent = 0
    var (text, errors): ([UInt8], [UInt8]) = ([], [])
    while output >= 0 || complaint >= 0 {
      try Interrupt.check()
      var waiting = [
        pollfd(fd: input, events: Int16(POLLOUT), revents: 0), pollfd(fd: output, events: Int16(POLLIN), revents: 0),
        pollfd(fd: complaint, events: Int16(POLLIN), revents: 0),
      ]
      if poll(&waiting, nfds_t(waiting.count), 20) <= 0 { continue }
      if input >= 0, waiting[0].revents != 0 {
        let count = script.withUnsafeBytes { bytes in
          bytes.baseAddress.map { send(input, $0 + sent, bytes.count - sent, Int32(MSG_NOSIGNAL)) } ?? 0
        }
        sent += max(0, count)
        // A program that reads no further ends with a status that says why.
        if sent == script.count || (count < 0 && errno != EAGAIN && errno != EINTR) {
          close(input)
          input = -1
        }
      }
      if waiting[1].revents != 0 { GnuplotProcess.receive(&output, &text) }
      if waiting[2].revents != 0 { GnuplotProcess.receive(&complaint, &errors) }
    }
    return (text, errors, wait())
  }

  /// Reads what is there; at the end closes.
  private static func receive(_ descriptor: inout Int32, _ bytes: inout [UInt8]) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(descriptor, &buffer, buffer.count)
    if count > 0 {
      bytes += buffer[..<count]
    } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
      close(descriptor)
      descriptor = -1
    }
  }
}
