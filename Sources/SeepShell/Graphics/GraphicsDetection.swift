// Which graphics a terminal understands, as a function of what is known: settings, environment, and what the terminal answered.
// Names in the environment are guesses (they leak through sudo, ssh and nested terminals), so TERM, which the terminal itself
// sets, counts before them, and where nothing decides the terminal is asked.

/// How pictures are drawn.
public enum GraphicsKind: String, CaseIterable, Sendable {
  case kitty, iterm2, sixel, blocks, none

  /// What a person may choose: these, or to leave it to Seep.
  static let choices = ["auto"] + allCases.map(\.rawValue)

  /// `kitty, iterm2 … or none`.
  static var choicesText: String { choices.dropLast().joined(separator: ", ") + " or \(choices.last ?? "")" }
}

/// What was chosen, and why, as the end of a sentence.
public struct GraphicsDecision: Sendable, Equatable {
  public var kind: GraphicsKind
  public var reason: String

  public init(_ kind: GraphicsKind, _ reason: String) {
    self.kind = kind
    self.reason = reason
  }
}

/// What is known without asking the terminal.
public struct TerminalState: Sendable {
  public var environment: [String: String]
  /// Whether standard output is a terminal.
  public var isTerminal: Bool
  /// Whether it takes colours, after `--color`, `NO_COLOR` and `FORCE_COLOR`.
  public var usesColor: Bool

  public init(environment: [String: String], isTerminal: Bool, usesColor: Bool) {
    self.environment = environment
    self.isTerminal = isTerminal
    self.usesColor = usesColor
  }

  func name(_ variable: String) -> String { environment[variable] ?? "" }
  func isSet(_ variable: String) -> Bool { !name(variable).isEmpty }
}

public enum GraphicsDetection {
  /// - Parameters:
  ///   - choice: what a person asked for, and how, such as `SEEP_GRAPHICS`; nil leaves it to Seep.
  ///   - ask: asks the terminal; called at most once, and only where nothing else decides.
  public static func decide(
    choice: (kind: GraphicsKind, by: String)?, _ state: TerminalState, ask: () -> TerminalReplies
  ) -> GraphicsDecision {
    if !state.isTerminal { return GraphicsDecision(.none, "standard output is no terminal") }
    if let choice { return GraphicsDecision(choice.kind, "\(choice.by) says so") }
    return textOnly(state) ?? multiplexer(state) ?? byEnvironment(state) ?? byReplies(ask())
  }

  private static func textOnly(_ state: TerminalState) -> GraphicsDecision? {
    if !state.isSet("TERM") { return GraphicsDecision(.none, "TERM is not set") }
    if state.name("TERM") == "dumb" { return GraphicsDecision(.none, "TERM is dumb") }
    if !state.usesColor {
      return GraphicsDecision(.none, state.isSet("NO_COLOR") ? "NO_COLOR is set" : "colours are off")
    }
    if state.isSet("CI"), !["0", "false"].contains(state.name("CI")) { return GraphicsDecision(.none, "CI is set") }
    return nil
  }

  /// What stands between us and the terminal passes pictures on only where it is told to.
  private static func multiplexer(_ state: TerminalState) -> GraphicsDecision? {
    let term = state.name("TERM")
    for (name, variable) in [("tmux", "TMUX"), ("screen", "STY")] where state.isSet(variable) || term.hasPrefix(name) {
      return GraphicsDecision(.blocks, "\(name) is in between; :graphics KIND or SEEP_GRAPHICS asks for more")
    }
    return nil
  }

  private static func byEnvironment(_ state: TerminalState) -> GraphicsDecision? {
    let term = state.name("TERM")
    let byTerm: [(prefix: String, kind: GraphicsKind)] = [
      ("xterm-kitty", .kitty), ("xterm-ghostty", .kitty), ("foot", .sixel), ("mlterm", .sixel), ("alacritty", .blocks),
      ("linux", .blocks), ("vt", .blocks), ("eterm", .blocks), ("rxvt", .blocks),
    ]
    if let known = byTerm.first(where: { term.hasPrefix($0.prefix) }) {
      return GraphicsDecision(known.kind, "TERM is \(term)")
    }
    // These print what they do not understand, a question too.
    for (variable, value) in [
      ("INSIDE_EMACS", ""), ("TERM_PROGRAM", "Apple_Terminal"), ("TERMINAL_EMULATOR", "JetBrains-JediTerm"),
    ] where state.isSet(variable) && (value.isEmpty || state.name(variable) == value) {
      return GraphicsDecision(.blocks, "\(variable) is \(state.name(variable))")
    }
    // VS Code is asked: it draws pictures only where its settings say so.
    let byProgram: [String: GraphicsKind] = [
      "ghostty": .kitty, "iTerm.app": .iterm2, "WezTerm": .iterm2, "mintty": .iterm2, "rio": .iterm2,
      "WarpTerminal": .iterm2,
    ]
    let program = state.name("TERM_PROGRAM")
    if let kind = byProgram[program] { return GraphicsDecision(kind, "TERM_PROGRAM is \(program)") }
    if state.name("LC_TERMINAL") == "iTerm2" { return GraphicsDecision(.iterm2, "LC_TERMINAL is iTerm2") }
    if let version = Int(state.name("KONSOLE_VERSION")), version >= 220400 {
      return GraphicsDecision(.iterm2, "KONSOLE_VERSION is \(version)")
    }
    return nil
  }

  /// What the name that a terminal gives itself decides; nil leaves it to the question for kitty's graphics.
  static func byName(_ replies: TerminalReplies) -> GraphicsDecision? {
    guard let name = replies.name else { return nil }
    let lower = name.lowercased()
    let reason = "the terminal calls itself \(name)"
    let known: [(prefix: String, kind: GraphicsKind)] = [
      ("kitty", .kitty), ("ghostty", .kitty), ("iterm2", .iterm2), ("wezterm", .iterm2), ("mintty", .iterm2),
      ("rio", .iterm2), ("tmux", .blocks), ("screen", .blocks), ("alacritty", .blocks),
    ]
    if let found = known.first(where: { lower.hasPrefix($0.prefix) }) { return GraphicsDecision(found.kind, reason) }
    // Sixel or nothing; asked for kitty's graphics, some of these would print the question.
    if ["xterm", "foot", "vte", "mlterm", "contour", "konsole"].contains(where: lower.hasPrefix) {
      return replies.hasSixel
        ? GraphicsDecision(.sixel, reason + " and says that it has sixel")
        : GraphicsDecision(.blocks, reason + " and does not say that it has sixel")
    }
    return nil
  }

  public static func byReplies(_ replies: TerminalReplies) -> GraphicsDecision {
    if let problem = replies.problem { return GraphicsDecision(.blocks, problem) }
    if let decided = byName(replies) { return decided }
    if replies.hasKitty { return GraphicsDecision(.kitty, "the terminal answered that it has kitty's graphics") }
    if replies.hasSixel { return GraphicsDecision(.sixel, "the terminal answered that it has sixel") }
    return GraphicsDecision(.blocks, "the terminal answered, and named no graphics")
  }
}
