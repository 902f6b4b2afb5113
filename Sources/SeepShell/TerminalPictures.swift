// Images in the terminal: the pictures of a session, drawn in the way that its terminal understands.
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

public enum TerminalPictures {
  /// - Parameter color: the option `--color`.
  static func attach(to session: Session, color: String?) {
    session.attach(TerminalGraphics(color: color) { [unowned session] in session.output.warn($0) })
    session.attach(
      PictureDisplay { [unowned session] pictures, line in
        if !draw(pictures, session) { session.output.write(line + "\n") }
      })
  }

  /// Pictures of a batch that the prompt draws by itself.
  private static let most = 8

  /// Draws a value at the prompt if it is an image, a batch or a leak; of a large batch the first.
  static func show(_ value: Value, _ session: Session) {
    guard graphics(of: session).mayDraw, let pictures = RichDisplay.pictures(of: value),
      draw(Array(pictures.prefix(most)), session), pictures.count > most
    else { return }
    session.output.write("… \(pictures.count - most) more images; show(…) draws all\n")
  }

  /// False where only text is wanted: also where a test or a notebook gathers what is written, whatever standard output is.
  private static func draw(_ pictures: [Picture], _ session: Session) -> Bool {
    guard session.output is StandardOutput else { return false }
    let graphics = graphics(of: session)
    let kind = graphics.decision.kind
    guard kind != .none else { return false }
    session.output.write(drawn(pictures, as: kind, on: graphics.surface(kind), depth: graphics.depth))
    return true
  }

  private static func graphics(of session: Session) -> TerminalGraphics {
    session.attachment(TerminalGraphics.self) {
      TerminalGraphics(color: nil) { [unowned session] in session.output.warn($0) }
    }
  }

  /// `:graphics`
  static func choose(_ name: String, _ session: Session) -> CommandResult {
    let graphics = graphics(of: session)
    if !name.isEmpty, !graphics.choose(name) {
      let near = nearestName(to: name, among: GraphicsKind.choices)
      return .failed(
        "pictures are drawn as \(GraphicsKind.choicesText), not \(name)" + (near.map { "; did you mean \($0)?" } ?? ""))
    }
    session.output.write(graphics.explanation + "\n")
    return .done
  }

  static func terminalWidth() -> Int {
    var size = winsize()
    return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// Pictures side by side in rows that fit, titles above, as half blocks in the colours that the environment promises.
  public static func drawn(_ pictures: [Picture], columns: Int) -> String {
    var environment: [String: String] = [:]
    for name in ["COLORTERM", "TERM"] { environment[name] = getenv(name).map { String(cString: $0) } }
    let state = TerminalState(environment: environment, isTerminal: true, usesColor: true)
    return drawn(pictures, as: .blocks, on: .blocks(columns), depth: .of(state))
  }

  /// Pictures side by side in rows that fit, titles above; empty for `none`.
  public static func drawn(
    _ pictures: [Picture], as kind: GraphicsKind, on surface: PictureSurface, depth: ColorDepth
  ) -> String {
    if kind == .none { return "" }
    var out = ""
    for (titles, canvas) in PictureLayout.rows(pictures, on: surface) {
      if !titles.isEmpty { out += titles + "\n" }
      switch kind {
      case .sixel: out += SixelEncoder.text(canvas) + "\n"
      case .kitty:
        if let png = png(canvas) { out += KittyEncoder.text(png: png) + "\n" }
      case .iterm2:
        if let png = png(canvas) {
          out += ITermEncoder.text(png: png, width: canvas.width, height: canvas.height) + "\n"
        }
      case .blocks, .none: out += BlockEncoder.text(canvas, depth)
      }
    }
    return out
  }

  private static func png(_ canvas: Canvas) -> [UInt8]? {
    RichDisplay.png(canvas.picture, opaque: canvas.isSet.contains(false) ? canvas.isSet : nil)
  }
}
