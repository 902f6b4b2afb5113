// What Seep makes of a terminal, as a function of settings, environment and answers.
import SeepShell
import Testing

@Suite("graphics of terminals") struct GraphicsDetectionTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// The answers of terminals to the first question, as they send them.
  private static let answers: [(String, String, GraphicsKind)] = [
    ("kitty", "\u{1B}P>|kitty(0.32.2)\u{1B}\\\u{1B}[?62;c\u{1B}[6;20;9t\u{1B}[0n", .kitty),
    ("Ghostty", "\u{1B}P>|ghostty 1.0.0\u{1B}\\\u{1B}[?62;22c\u{1B}[0n", .kitty),
    ("WezTerm", "\u{1B}P>|WezTerm 20240203\u{1B}\\\u{1B}[?65;4;6;18;22c\u{1B}[0n", .iterm2),
    ("iTerm2", "\u{1B}P>|iTerm2 3.5.0\u{1B}\\\u{1B}[?62;4c\u{1B}[0n", .iterm2),
    ("mintty", "\u{1B}P>|mintty 3.7.0\u{1B}\\\u{1B}[?64;1;2;4;6;9;15;21;22;28;29c\u{1B}[0n", .iterm2),
    ("foot", "\u{1B}P>|foot(1.16.2)\u{1B}\\\u{1B}[?62;4;22c\u{1B}[6;18;8t\u{1B}[0n", .sixel),
    ("xterm as vt340", "\u{1B}P>|XTerm(379)\u{1B}\\\u{1B}[?63;1;2;4;6;9;15;16;22;28c\u{1B}[0n", .sixel),
    ("xterm", "\u{1B}P>|XTerm(379)\u{1B}\\\u{1B}[?64;1;2;6;9;15;16;17;18;21;22;28c\u{1B}[0n", .blocks),
    ("VTE without sixel", "\u{1B}P>|VTE(7600)\u{1B}\\\u{1B}[?65;1;9c\u{1B}[0n", .blocks),
    ("xterm.js with pictures", "\u{1B}P>|xterm.js(5.6.0)\u{1B}\\\u{1B}[?62;4;9;22c\u{1B}[0n", .sixel),
    ("tmux that nothing in the environment names", "\u{1B}P>|tmux 3.4\u{1B}\\\u{1B}[?1;2;4c\u{1B}[0n", .blocks),
    ("a terminal of 1980", "\u{1B}[?1;2c\u{1B}[0n", .blocks),
    ("attributes 14, 24 and 41 are not 4", "\u{1B}[?62;14;24;41c\u{1B}[0n", .blocks),
    ("no name, with sixel", "\u{1B}[?62;4c\u{1B}[0n", .sixel),
    (
      "an unknown name that took the second question",
      "\u{1B}P>|newterm 1\u{1B}\\\u{1B}[?62c\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[0n", .kitty
    ),
    (
      "one that refused it", "\u{1B}P>|newterm 1\u{1B}\\\u{1B}[?62c\u{1B}_Gi=31;ENOTSUPPORTED:no\u{1B}\\\u{1B}[0n",
      .blocks
    ),
  ]

  @Test("by what it answers", arguments: answers) func replies(name: String, answer: String, kind: GraphicsKind) {
    let decision = GraphicsDetection.byReplies(TerminalReplies(bytes(answer)))
    #expect(decision.kind == kind, "\(name): \(decision.reason)")
    #expect(decision.reason.hasPrefix("the terminal "))
  }

  /// Environments in which nobody is asked.
  private static let environments: [(String, [String: String], GraphicsKind, String)] = [
    ("kitty", ["TERM": "xterm-kitty"], .kitty, "TERM is xterm-kitty"),
    ("Ghostty", ["TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"], .kitty, "TERM is xterm-ghostty"),
    ("iTerm2", ["TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"], .iterm2, "TERM_PROGRAM is iTerm.app"),
    ("iTerm2 over ssh", ["TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"], .iterm2, "LC_TERMINAL is iTerm2"),
    ("WezTerm", ["TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"], .iterm2, "TERM_PROGRAM is WezTerm"),
    ("Konsole", ["TERM": "xterm-256color", "KONSOLE_VERSION": "230804"], .iterm2, "KONSOLE_VERSION is 230804"),
    ("foot", ["TERM": "foot"], .sixel, "TERM is foot"),
    ("foot, started from Ghostty", ["TERM": "foot", "TERM_PROGRAM": "ghostty"], .sixel, "TERM is foot"),
    ("Alacritty", ["TERM": "alacritty"], .blocks, "TERM is alacritty"),
    ("the Linux console", ["TERM": "linux"], .blocks, "TERM is linux"),
    ("macOS", ["TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"], .blocks, "TERM_PROGRAM is Apple_Terminal"),
    ("Emacs", ["TERM": "xterm-256color", "INSIDE_EMACS": "29.1,vterm"], .blocks, "INSIDE_EMACS is 29.1,vterm"),
    (
      "tmux in kitty", ["TERM": "tmux-256color", "TMUX": "/tmp/t,1,0", "TERM_PROGRAM": "tmux"], .blocks,
      "tmux is in between"
    ),
    ("tmux over ssh", ["TERM": "tmux-256color", "LC_TERMINAL": "iTerm2"], .blocks, "tmux is in between"),
    ("screen", ["TERM": "screen.xterm-256color", "STY": "1.pts-0"], .blocks, "screen is in between"),
    ("dumb", ["TERM": "dumb"], .none, "TERM is dumb"),
    ("no TERM", [:], .none, "TERM is not set"),
    ("CI", ["TERM": "xterm-kitty", "CI": "true"], .none, "CI is set"),
    ("CI that says it is none", ["TERM": "xterm-kitty", "CI": "false"], .kitty, "TERM is xterm-kitty"),
  ]

  @Test("by the environment, without a question", arguments: environments)
  func environment(name: String, environment: [String: String], kind: GraphicsKind, reason: String) {
    let state = TerminalState(environment: environment, isTerminal: true, usesColor: true)
    let decision = GraphicsDetection.decide(choice: nil, state) {
      Issue.record("\(name) is asked")
      return TerminalReplies()
    }
    #expect(decision.kind == kind, "\(name)")
    #expect(decision.reason.hasPrefix(reason), "\(name): \(decision.reason)")
  }

  @Test(
    "asked, because the environment does not say enough",
    arguments: [
      ["TERM": "xterm-256color"], ["TERM": "xterm-256color", "TERM_PROGRAM": "vscode"],
      ["TERM": "xterm-256color", "KONSOLE_VERSION": "210401"], ["TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"],
    ])
  func asked(environment: [String: String]) {
    var count = 0
    let state = TerminalState(environment: environment, isTerminal: true, usesColor: true)
    let decision = GraphicsDetection.decide(choice: nil, state) {
      count += 1
      return TerminalReplies(bytes("\u{1B}[?62;4c\u{1B}[0n"))
    }
    #expect(count == 1 && decision.kind == .sixel)
  }

  @Test("the order: a pipe, then what was asked for, then colours, then the rest") func order() {
    let kitty = ["TERM": "xterm-kitty"]
    func decide(_ choice: GraphicsKind?, isTerminal: Bool, usesColor: Bool, _ more: [String: String] = [:])
      -> GraphicsDecision
    {
      GraphicsDetection.decide(
        choice: choice.map { ($0, "SEEP_GRAPHICS") },
        TerminalState(
          environment: kitty.merging(more) { $1 }, isTerminal: isTerminal, usesColor: usesColor)
      ) { TerminalReplies() }
    }
    #expect(decide(.kitty, isTerminal: false, usesColor: true).kind == .none)
    #expect(decide(.blocks, isTerminal: true, usesColor: false) == GraphicsDecision(.blocks, "SEEP_GRAPHICS says so"))
    #expect(decide(.sixel, isTerminal: true, usesColor: true, ["TMUX": "x"]).kind == .sixel)
    #expect(decide(GraphicsKind.none, isTerminal: true, usesColor: true).kind == .none)
    #expect(
      decide(nil, isTerminal: true, usesColor: false, ["NO_COLOR": "1"]) == GraphicsDecision(.none, "NO_COLOR is set"))
    #expect(decide(nil, isTerminal: true, usesColor: false) == GraphicsDecision(.none, "colours are off"))
    #expect(decide(nil, isTerminal: true, usesColor: true).kind == .kitty)
  }

  @Test("keys between answers are told apart from them") func keys() {
    let replies = TerminalReplies(
      bytes("l\u{1B}[A\u{1B}P>|foot(1)\u{1B}\\e\u{1B}[?62;4c\u{1B}[6;18;8t\u{1B}OPt\u{1B}[0n\u{1B}[1;5C\n"))
    #expect(replies.keys == bytes("l\u{1B}[Ae\u{1B}OPt\u{1B}[1;5C\n"))
    #expect(replies.name == "foot(1)" && replies.hasSixel && replies.isDone)
    #expect(replies.cellWidth == 8 && replies.cellHeight == 18)
  }

  @Test("answers cut anywhere, and noise, are no crash and no key of an answer") func cuts() {
    let whole = bytes("\u{1B}P>|foot(1)\u{1B}\\\u{1B}[?62;4c\u{1B}[6;18;8t\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[0n")
    for count in 0..<whole.count {
      let part = TerminalReplies(Array(whole[..<count]))
      #expect(part.keys.isEmpty, "\(count)")
      #expect(!part.isDone)
    }
    var state: UInt64 = 1
    for _ in 0..<2000 {
      let noise = (0..<40).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let letters: [UInt8] = [
          0x1B, 0x5B, 0x50, 0x5F, 0x5C, 0x3F, 0x3B, 0x34, 0x63, 0x6E, 0x74, 0x39, 0xFF, 0x07, 0x47,
        ]
        return letters[Int(state >> 33) % letters.count]
      }
      _ = GraphicsDetection.byReplies(TerminalReplies(noise))
    }
    #expect(TerminalReplies(bytes("\u{1B}[6;99999999999999999999999;1t\u{1B}[0n")).cellHeight == nil)
  }
}
