// The terminal's side of a session: output, colours, signals.
import CReadline
import Ground
import SeepLanguage
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Standard output, gathered into large writes; lines reach a terminal at once.
public final class StandardOutput: OutputSink {
  private let isTerminal = isatty(1) == 1
  private var buffer: [UInt8] = []
  private var isBroken = false
  /// Whether whoever read it has gone, as `head` does.
  public private(set) var isUnread = false
  private var lastFlush = 0

  public init() {}
  deinit { _ = flush() }

  public func write(_ text: String) {
    // A program that goes on printing for nobody is asked to stop; one that computes goes on.
    if isUnread { Interrupt.request() }
    if text.utf8.count > StandardOutput.longest {
      writeLong(text)
      return
    }
    buffer += text.utf8
    // A log that somebody follows should not lag behind: at least one write in a fifth of a second.
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    let now = time.tv_sec * 5 + time.tv_nsec / 200_000_000
    if isTerminal || buffer.count > 1 << 15 || now != lastFlush {
      lastFlush = now
      _ = flush()
    }
  }

  /// A text of which Ctrl-C may leave something out.
  private static let longest = 1 << 18

  private func writeLong(_ text: String) {
    _ = flush()
    var text = text
    text.withUTF8 { bytes in
      for start in stride(from: 0, to: bytes.count, by: 1 << 14) {
        if isBroken || Interrupt.isRequested { return }
        let piece = UnsafeRawBufferPointer(
          UnsafeBufferPointer(rebasing: bytes[start..<min(bytes.count, start + 1 << 14)]))
        put(piece)
      }
    }
  }

  private func put(_ bytes: UnsafeRawBufferPointer) {
    isBroken = !Console.write(bytes, to: 1)
    guard isBroken, errno == EPIPE else { return }
    isUnread = true
    Interrupt.request()
  }

  public func warn(_ text: String) {
    _ = flush()
    Console.writeError(text)
  }

  /// Whether everything so far reached its place (a full disk or a closed pipe did not happen).
  public func flush() -> Bool {
    if !isBroken, !buffer.isEmpty { buffer.withUnsafeBytes { put($0) } }
    buffer.removeAll(keepingCapacity: true)
    return !isBroken
  }
}

public enum Console {
  /// Whether a stream takes colours: `--color` before `NO_COLOR` before `FORCE_COLOR` before what it is connected to.
  public static func usesColor(_ descriptor: Int32, choice: String? = nil) -> Bool {
    if choice == "always" { return true }
    if choice == "never" { return false }
    if let value = getenv("NO_COLOR"), value.pointee != 0 { return false }
    if let value = getenv("FORCE_COLOR"), value.pointee != 0 { return String(cString: value) != "0" }
    return isatty(descriptor) == 1 && !isDumb
  }

  static var isDumb: Bool { getenv("TERM").map { String(cString: $0) == "dumb" } ?? true }

  public static func writeError(_ text: String) {
    _ = write(Array(text.utf8), to: 2)
  }

  /// Whether all bytes were written.
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { write($0, to: descriptor) }
  }

  static func write(_ raw: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var start = 0
    while start < raw.count {
      let count = Glibc.write(descriptor, raw.baseAddress.map { $0 + start }, raw.count - start)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return false }
      start += count
    }
    return true
  }

  /// A diagnostic on standard error.
  static func show(_ failure: Failure, color: String?) {
    var text = failure.text
    if usesColor(2, choice: color) {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        for (word, code) in [("error", "31"), ("warning", "33"), ("note", "36")] where line.hasPrefix(word + "[") {
          let end = line.firstIndex(of: ":") ?? line.startIndex
          return "\u{1B}[1;\(code)m\(line[..<end])\u{1B}[0m\u{1B}[1m\(line[end...])\u{1B}[0m"
        }
        return String(line)
      }
      text = lines.joined(separator: "\n")
    }
    writeError(text + "\n")
  }

  /// Ctrl-C asks the running evaluation to stop; a second one within two seconds ends the program.
  public static func handleInterrupts() {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
      let now = time(nil)
      if Interrupt.isRequested, now - Console.lastInterrupt <= 2, Console.endsOnSecond { _exit(130) }
      Console.lastInterrupt = now
      Interrupt.request()
      seep_readline_wake()
    }
    action.sa_flags = Int32(SA_RESTART)
    sigaction(SIGINT, &action, nil)
    signal(SIGPIPE, SIG_IGN)
  }
  nonisolated(unsafe) private static var lastInterrupt: time_t = 0
  /// At the prompt the session is kept however often Ctrl-C is pressed.
  nonisolated(unsafe) public static var endsOnSecond = true

  /// Seep's own loops are compiled for AVX2 and FMA.
  public static var missingProcessorFeature: String? {
    #if arch(x86_64)
      guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 8192)
      while fgets(&line, Int32(line.count), file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard text.hasPrefix("flags") else { continue }
        let flags = Set(text.split(whereSeparator: { " \t\n:".contains($0) }))
        return ["avx2", "fma", "f16c"].first { !flags.contains(Substring($0)) }
      }
    #endif
    return nil
  }
}
