// The question to the terminal, in pseudo-terminals: one that answers, one that is silent, one in which somebody types.
import Foundation
import SeepShell
import Testing

/// A terminal whose screen side is ours.
private final class FakeTerminal: @unchecked Sendable {
  let screen: Int32
  let program: Int32
  private let lock = NSLock()
  private var received: [UInt8] = []

  init() throws {
    // Swift's Glibc has no posix_openpt.
    screen = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var (lock, number): (Int32, UInt32) = (0, 0)
    let (unlock, ask): (UInt, UInt) = (0x4004_5431, 0x8004_5430)  // TIOCSPTLCK, TIOCGPTN
    try #require(screen >= 0 && ioctl(screen, unlock, &lock) == 0 && ioctl(screen, ask, &number) == 0)
    let name = "/dev/pts/\(number)"
    program = open(name, O_RDWR | O_NOCTTY)
    try #require(program >= 0)
  }

  deinit {
    close(program)
    close(screen)
  }

  /// Answers question after question, each of which ends in the request for the status.
  func answer(_ answers: [String]) {
    let thread = Thread { [self] in
      var rest = answers
      var seen = 0
      var buffer = [UInt8](repeating: 0, count: 256)
      while !rest.isEmpty {
        let count = read(screen, &buffer, buffer.count)
        if count <= 0 { return }
        let all = lock.withLock {
          received += buffer[..<count]
          return received
        }
        guard String(decoding: all[seen...], as: UTF8.self).hasSuffix("\u{1B}[5n") else { continue }
        seen = all.count
        let bytes = Array(rest.removeFirst().utf8)
        // In pieces, as a slow line would.
        for byte in bytes { _ = write(screen, [byte], 1) }
      }
    }
    thread.start()
  }

  var questions: String { lock.withLock { String(decoding: received, as: UTF8.self) } }

  var settings: [tcflag_t] {
    var now = termios()
    tcgetattr(program, &now)
    return [now.c_iflag, now.c_oflag, now.c_cflag, now.c_lflag]
      + withUnsafeBytes(of: now.c_cc) { $0.map { tcflag_t($0) } }
  }

  /// Types, and waits until the program could read it.
  func type(_ text: String) {
    _ = write(screen, text, text.utf8.count)
    var input = pollfd(fd: program, events: Int16(POLLIN), revents: 0)
    _ = poll(&input, 1, 1000)
  }

  /// What a program would read now.
  func typed() -> [UInt8] {
    var raw = termios()
    tcgetattr(program, &raw)
    cfmakeraw(&raw)
    tcsetattr(program, TCSANOW, &raw)
    var waiting: Int32 = 0
    guard ioctl(program, UInt(FIONREAD), &waiting) == 0, waiting > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: Int(waiting))
    let count = read(program, &bytes, bytes.count)
    return Array(bytes.prefix(max(0, count)))
  }
}

@Suite("asking the terminal", .serialized) struct TerminalQueryTests {
  private func timed(_ terminal: FakeTerminal) -> (replies: TerminalReplies, seconds: Double) {
    let before = terminal.settings
    let start = Date()
    let replies = TerminalQuery.ask(terminal.program)
    let seconds = Date().timeIntervalSince(start)
    #expect(terminal.settings == before, "the terminal is not as it was")
    return (replies, seconds)
  }

  @Test("a name that decides ends it at once") func oneStep() throws {
    let terminal = try FakeTerminal()
    terminal.answer(["\u{1B}P>|foot(1.16.2)\u{1B}\\\u{1B}[?62;4;22c\u{1B}[6;18;8t\u{1B}[0n"])
    let (replies, seconds) = timed(terminal)
    #expect(GraphicsDetection.byReplies(replies).kind == .sixel)
    #expect(replies.cellWidth == 8 && replies.cellHeight == 18)
    #expect(seconds < 0.25)
    #expect(terminal.questions == "\u{1B}[>q\u{1B}[c\u{1B}[16t\u{1B}[5n")
  }

  @Test("an unknown name is asked for kitty's graphics") func twoSteps() throws {
    let terminal = try FakeTerminal()
    terminal.answer([
      "\u{1B}P>|newterm 1\u{1B}\\\u{1B}[?62c\u{1B}[6;18;8t\u{1B}[0n", "\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[0n",
    ])
    let (replies, _) = timed(terminal)
    #expect(GraphicsDetection.byReplies(replies).kind == .kitty)
    #expect(replies.name == "newterm 1" && replies.cellWidth == 8)
    #expect(terminal.questions.hasSuffix("\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\\u{1B}[5n"))
  }

  @Test("a terminal that answers the first question only") func halfSilent() throws {
    let terminal = try FakeTerminal()
    terminal.answer(["\u{1B}P>|newterm 1\u{1B}\\\u{1B}[?62;4c\u{1B}[0n"])
    let (replies, seconds) = timed(terminal)
    #expect(GraphicsDetection.byReplies(replies).kind == .sixel)
    #expect(seconds < 0.3)
  }

  @Test("a silent terminal costs less than 0.3 s, and is drawn on in half blocks") func silent() throws {
    let terminal = try FakeTerminal()
    let (replies, seconds) = timed(terminal)
    let decision = GraphicsDetection.byReplies(replies)
    #expect(decision == GraphicsDecision(.blocks, "the terminal did not answer within 250 ms"))
    #expect(seconds > 0.2 && seconds < 0.3)
  }

  @Test("whoever has typed already is not kept from it") func typedBefore() throws {
    let terminal = try FakeTerminal()
    terminal.type("next\n")
    let (replies, seconds) = timed(terminal)
    #expect(replies.problem?.hasPrefix("keys were waiting") == true)
    #expect(seconds < 0.1)
    #expect(terminal.typed() == Array("next\n".utf8))
  }

  @Test("what is typed while it answers comes back") func typedMeanwhile() throws {
    let terminal = try FakeTerminal()
    terminal.answer(["f\u{1B}P>|foot(1)\u{1B}\\(\u{1B}[?62;4c\u{1B}[0n"])
    let (replies, _) = timed(terminal)
    #expect(replies.name == "foot(1)")
    // Where the system does not let us type for a person, the keys are handed over.
    #expect(terminal.typed() + replies.keys == Array("f(".utf8))
  }

  @Test("what is typed at a silent terminal comes back") func typedInSilence() throws {
    let terminal = try FakeTerminal()
    let thread = Thread {
      usleep(50_000)
      _ = write(terminal.screen, "next", 4)
    }
    thread.start()
    let (replies, seconds) = timed(terminal)
    #expect(replies.problem == "the terminal did not answer within 250 ms")
    #expect(seconds < 0.3)
    usleep(20_000)
    #expect(terminal.typed() + replies.keys == Array("next".utf8))
  }

  @Test("what is no terminal") func noTerminal() {
    let file = open("/dev/null", O_RDWR)
    defer { close(file) }
    #expect(TerminalQuery.ask(file).problem == "the terminal cannot be set")
  }
}
