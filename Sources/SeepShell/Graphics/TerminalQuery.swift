// Asks the terminal what it is: once, briefly, and leaves it as it was found.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum TerminalQuery {
  /// Milliseconds for all questions together.
  public static let budget = 250

  /// Name, attributes, pixels of a cell, and last what every terminal answers.
  static let first = "\u{1B}[>q\u{1B}[c\u{1B}[16t\u{1B}[5n"
  /// Kitty's graphics, and again what every terminal answers.
  static let second = "\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\\u{1B}[5n"

  /// Asks the terminal that standard output is connected to, if it is ours to ask.
  static func ask() -> TerminalReplies {
    // Another's terminal has another reader; and whoever is not in front would be stopped, or take what is meant for another program.
    guard tcgetpgrp(1) == getpgrp() else {
      return TerminalReplies(problem: "the terminal belongs to another program at the moment")
    }
    let descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { return TerminalReplies(problem: "the terminal cannot be read") }
    defer { close(descriptor) }
    return ask(descriptor)
  }

  /// Both steps. Keys pressed meanwhile are given back where the system lets us, and are in the replies' `keys` otherwise.
  public static func ask(_ descriptor: Int32, budget: Int = budget) -> TerminalReplies {
    // No signal ends or stops us while the terminal is not as it was.
    var signals = sigset_t()
    var signalsBefore = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP] { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, &signalsBefore)
    defer { pthread_sigmask(SIG_SETMASK, &signalsBefore, nil) }

    var before = termios()
    guard tcgetattr(descriptor, &before) == 0 else { return TerminalReplies(problem: "the terminal cannot be set") }
    var raw = before
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
    withUnsafeMutableBytes(of: &raw.c_cc) { controls in
      controls[Int(VMIN)] = 0
      controls[Int(VTIME)] = 0
    }
    guard tcsetattr(descriptor, TCSANOW, &raw) == 0 else {
      return TerminalReplies(problem: "the terminal cannot be set")
    }
    defer { tcsetattr(descriptor, TCSANOW, &before) }
    var replies = exchange(descriptor, budget)
    // Typed into the terminal again, without being seen a second time.
    while let key = replies.keys.first {
      var byte = CChar(bitPattern: key)
      guard ioctl(descriptor, UInt(TIOCSTI), &byte) == 0 else { break }
      replies.keys.removeFirst()
    }
    return replies
  }

  private static func exchange(_ descriptor: Int32, _ budget: Int) -> TerminalReplies {
    var waiting: Int32 = 0
    if ioctl(descriptor, UInt(FIONREAD), &waiting) == 0, waiting > 0 {
      return TerminalReplies(problem: busy)
    }
    let end = milliseconds() + budget
    var answered = question(descriptor, first, TerminalReplies(), until: end)
    guard answered.isDone else {
      answered.problem = "the terminal did not answer within \(budget) ms"
      return answered
    }
    return GraphicsDetection.byName(answered) == nil ? question(descriptor, second, answered, until: end) : answered
  }

  /// Keys are waiting to be read: whoever types is not kept from it.
  static let busy = "keys were waiting, so the terminal was not asked; the next picture asks"

  /// Earlier answers and those to a question; `isDone` says whether the last of these came in time.
  private static func question(
    _ descriptor: Int32, _ text: String, _ earlier: TerminalReplies, until end: Int
  ) -> TerminalReplies {
    var all = earlier
    all.isDone = false
    guard Console.write(Array(text.utf8), to: descriptor) else { return all }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1024)
    while !all.isDone, bytes.count < 1 << 16 {
      let left = end - milliseconds()
      var input = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard left > 0, poll(&input, 1, Int32(left)) > 0 else { break }
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer[..<count]
      all = earlier.with(TerminalReplies(bytes))
    }
    return all
  }

  private static func milliseconds() -> Int { Int(ShellCommands.now() * 1000) }
}
