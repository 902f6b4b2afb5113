// How this session draws pictures: decided at the first of them, and kept.
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

final class TerminalGraphics {
  private let color: String?
  /// Where pictures do not go to a terminal at all: who shows them.
  private let elsewhere: String?
  /// Says a sentence on standard error.
  private let warn: (String) -> Void
  private var choice: (kind: GraphicsKind, by: String)?
  private var isRead = false
  private var decided: GraphicsDecision?
  private var cell: (width: Int, height: Int)?

  /// - Parameter color: the option `--color`.
  init(color: String?, warn: @escaping (String) -> Void) {
    (self.color, self.warn, elsewhere) = (color, warn, nil)
  }

  /// For a shell that shows pictures itself.
  init(elsewhere: String) { (color, warn, self.elsewhere) = (nil, { _ in }, elsewhere) }

  private var state: TerminalState {
    var environment: [String: String] = [:]
    for name in TerminalGraphics.variables {
      if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    return TerminalState(
      environment: environment, isTerminal: isatty(1) == 1, usesColor: Console.usesColor(1, choice: color))
  }

  private static let variables = [
    "TERM", "COLORTERM", "NO_COLOR", "CI", "TMUX", "STY", "INSIDE_EMACS", "TERM_PROGRAM", "TERMINAL_EMULATOR",
    "LC_TERMINAL", "KONSOLE_VERSION",
  ]

  /// Whether a picture may be drawn at all, without asking anybody.
  var mayDraw: Bool { elsewhere == nil && isatty(1) == 1 }

  /// How pictures are drawn. The first time this may ask the terminal.
  var decision: GraphicsDecision {
    if let elsewhere { return GraphicsDecision(.none, elsewhere) }
    readSetting()
    if let decided { return decided }
    var isFinal = true
    let found = GraphicsDetection.decide(choice: choice, state) {
      let replies = TerminalQuery.ask()
      isFinal = replies.problem != TerminalQuery.busy
      TerminalGraphics.giveToReadline(replies.keys)
      if let width = replies.cellWidth, let height = replies.cellHeight { cell = (width, height) }
      return replies
    }
    if isFinal { decided = found }
    return found
  }

  /// Keys that the system did not let us type again: readline, if the prompt has loaded it, reads them before the next one.
  private static func giveToReadline(_ keys: [UInt8]) {
    guard !keys.isEmpty, let symbol = dlsym(nil, "rl_stuff_char") else { return }
    typealias Stuff = @convention(c) (Int32) -> Int32
    let stuff = unsafeBitCast(symbol, to: Stuff.self)
    for key in keys { _ = stuff(Int32(key)) }
  }

  /// `SEEP_GRAPHICS`, once.
  private func readSetting() {
    if isRead { return }
    isRead = true
    guard let text = getenv("SEEP_GRAPHICS").map({ String(cString: $0) }), !text.isEmpty, text != "auto" else { return }
    if let kind = GraphicsKind(rawValue: text) {
      choice = (kind, "SEEP_GRAPHICS")
    } else if state.isTerminal {
      warn("SEEP_GRAPHICS is \(GraphicsKind.choicesText), not \(text); pictures are drawn as with auto\n")
    }
  }

  /// `:graphics KIND`; false if there is no such kind.
  func choose(_ name: String) -> Bool {
    let kind = GraphicsKind(rawValue: name)
    guard kind != nil || name == "auto" else { return false }
    isRead = true
    choice = kind.map { ($0, ":graphics") }
    decided = nil
    return true
  }

  /// What is used and why, in a line.
  var explanation: String {
    let decision = decision
    let name =
      switch decision.kind {
      case .kitty: "kitty's graphics"
      case .iterm2: "iTerm2's graphics"
      case .sixel: "sixel"
      case .blocks: ["half blocks in any colour", "half blocks in 256 colours", "shades, without colours"][depthIndex]
      case .none: elsewhere == nil ? "a line of text" : "not in a terminal"
      }
    let kept = choice == nil ? "auto" : "asked for"
    return "\(decision.kind.rawValue) (\(kept)): \(name), because \(decision.reason)"
  }

  private var depthIndex: Int {
    switch ColorDepth.of(state) {
    case .full: 0
    case .palette: 1
    case .none: 2
    }
  }

  var depth: ColorDepth { ColorDepth.of(state) }

  /// Columns of the window, and the pixels of a cell: as the system knows them, else as the terminal said, else a guess.
  func surface(_ kind: GraphicsKind) -> PictureSurface {
    var size = winsize()
    let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let columns = isKnown ? Int(size.ws_col) : 80
    if kind == .blocks { return .blocks(columns) }
    var (width, height) = cell ?? (10, 20)
    if isKnown, size.ws_row > 0 {
      let (w, h) = (Int(size.ws_xpixel) / columns, Int(size.ws_ypixel) / Int(size.ws_row))
      if (4...100).contains(w), (6...200).contains(h) { (width, height) = (w, h) }
    }
    return PictureSurface(
      columns: columns, cellWidth: width, cellHeight: height, goal: 168,
      widest: kind == .sixel ? SixelEncoder.widest : Int.max)
  }
}
