// A plot in the hands of a program: it shows itself, and `save` writes it to a file.
import Ground
import Networks
import SeepLanguage

final class PlotValue: Foreign {
  let plot: Plot
  init(_ plot: Plot) { self.plot = plot }

  var typeName: String { "plot" }
  var summary: String { plot.summary }
  var fieldNames: [String] {
    ["kind", "title", "xlabel", "ylabel", "series", "notes", "summary"]
      + (plot.kind == .histogram ? ["edges", "counts"] : [])
  }

  func field(_ name: String, in session: Session) throws -> Value? {
    func list(_ numbers: [Double]) -> Value { Value(list: numbers.map { Value($0) }) }
    switch name {
    case "kind": return Value(plot.kind.rawValue)
    case "title": return Value(plot.title)
    case "xlabel": return Value(plot.x.label)
    case "ylabel": return Value(plot.y.label)
    case "notes": return Value(list: plot.notes.map { Value($0) })
    case "summary": return Value(plot.summary)
    case "series":
      return Value(
        list: plot.series.map { series in
          var fields = [("name", Value(series.name)), ("x", list(series.x)), ("y", list(series.y))]
          if let interval = series.interval { fields += [("low", list(interval.low)), ("high", list(interval.high))] }
          return Value(record: fields.map { (name: $0.0, value: $0.1) })
        })
    case "edges" where plot.kind == .histogram: return list(plot.edges)
    case "counts" where plot.kind == .histogram:
      return Value(list: (plot.series.first?.y ?? []).map { Value(Int($0)) })
    default: return nil
    }
  }

  func display(_ style: DisplayStyle) -> String {
    style == .short ? plot.summary : PlotValue.trimmed(TerminalPlot.text(plot, on: .plain))
  }

  func printed(in session: Session) -> String? {
    PlotValue.trimmed(TerminalPlot.text(plot, on: PlotDisplay.surface(of: session)))
  }

  /// Whoever prints it ends the last line.
  private static func trimmed(_ text: String) -> String { text.last == "\n" ? String(text.dropLast()) : text }

  // MARK: Elsewhere

  /// A plot or a list of plots; nil for anything else.
  static func all(_ value: Value, _ call: Call) throws -> [PlotValue]? {
    let plots = (value.asItems ?? [value]).map { $0.foreign(as: PlotValue.self) }
    guard !plots.isEmpty, !plots.contains(where: { $0 == nil }) else { return nil }
    if call.optionalValue("titles") != nil {
      throw call.fault(
        "wrong-arguments", "a plot has a title of its own", argument: "titles", help: "plot(…, title: \"…\")")
    }
    return plots.compactMap { $0 }
  }

  /// What `show` does: a picture in a notebook, text elsewhere.
  func show(in session: Session) {
    let output = RichOutput.of(session)
    output.show(output.isRich ? representations : [], (printed(in: session) ?? "") + "\n")
  }

  /// For a notebook; nothing where gnuplot is not there.
  var representations: [Representation] {
    var all: [Representation] = []
    if let png = try? Gnuplot.draw(plot, as: .png) { all.append(Representation("image/png", png)) }
    if let svg = try? Gnuplot.draw(plot, as: .svg) {
      all.append(Representation("image/svg+xml", String(decoding: svg, as: UTF8.self)))
    }
    return all
  }

  /// Writes the plot in the format that the file's name says, whole or not at all.
  func save(to path: String) throws {
    let bytes: [UInt8]
    if path.hasSuffix(".txt") {
      bytes = Array(TerminalPlot.text(plot, on: .plain).utf8)
    } else if let format = Gnuplot.Format.allCases.first(where: { path.hasSuffix("." + $0.rawValue) }) {
      bytes = try Gnuplot.draw(plot, as: format)
    } else {
      throw Fault(
        "unknown-format", "a plot is saved as .svg, .png, .pdf or .txt; \"\(path)\" is none of them",
        help: "save(…, \"\(path).svg\")", argument: 1)
    }
    try writeBytes(bytes, to: path)
  }
}

/// How wide and how coloured plots are where the session's output goes. A shell attaches its own.
public final class PlotDisplay {
  private let look: () -> (columns: Int, hasColors: Bool, isTrueColor: Bool)?

  /// `look` gives the columns of a terminal and its colours: none, those of a cube of 256, or all; nil where the output is no terminal.
  public init(_ look: @escaping () -> (columns: Int, hasColors: Bool, isTrueColor: Bool)?) {
    self.look = look
  }

  private static func of(_ session: Session) -> PlotDisplay {
    session.attachment(PlotDisplay.self) { PlotDisplay { nil } }
  }

  static func surface(of session: Session) -> TextSurface {
    guard let now = of(session).look() else { return .plain }
    return TextSurface(columns: now.columns, colors: now.hasColors ? (now.isTrueColor ? .full : .cube) : .none)
  }

  /// The width of the terminal that the output goes to; nil where it goes elsewhere.
  static func columns(of session: Session) -> Int? { of(session).look()?.columns }
}
