// How wide and how coloured a plot is in this terminal.
import SeepLanguage
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum TerminalPlots {
  /// `color` is what the command line says of colours.
  static func attach(to session: Session, color: String?) {
    session.attach(
      PlotDisplay { [unowned session] in
        // What a test or a notebook gathers is no terminal.
        guard session.output is StandardOutput else { return nil }
        let isTrue = getenv("COLORTERM").map { ["truecolor", "24bit"].contains(String(cString: $0)) } ?? false
        return (isatty(1) == 1 ? TerminalPictures.terminalWidth() : 80, Console.usesColor(1, choice: color), isTrue)
      })
  }
}
