// The arguments that all kinds of plots share: names, limits, logarithmic axes, size.
import SeepLanguage

extension PlotReader {
  /// As they stand at the end of each signature.
  static let words = "title: \"\", xlabel: none, ylabel: none, size: (640, 400)"
  static let limits = "xlim: none, ylim: none, " + words
  static let wordsHelp =
    "`title`, `xlabel` and `ylabel` are its words; `size` is that of a file, in pixels."
  static let limitsHelp = "`xlim` and `ylim` are limits `(low, high)`, either of which may be `none`. " + wordsHelp

  /// A plot with the words, limits and size that were asked for; `xName` and `yName` where no labels were.
  func plot(_ kind: Plot.Kind, xName: String?, yName: String?) throws -> Plot {
    var plot = Plot(kind)
    plot.title = try text("title") ?? ""
    plot.x.label = try text("xlabel") ?? xName ?? ""
    plot.y.label = try text("ylabel") ?? yName ?? ""
    if call.signature?.index(of: "log") != nil, let log = try call.optionalString("log") {
      _ = try call.choice("log", of: Options.words(call.name, "log"))
      plot.x.isLog = log.contains("x")
      plot.y.isLog = log.contains("y")
    }
    try limit(&plot.x, "xlim")
    try limit(&plot.y, "ylim")
    let size = try call.ints("size")
    guard size.count == 2, size.allSatisfy((100...10_000).contains) else {
      throw call.fault(
        "bad-argument", "`size` is (width, height) in pixels, each from 100 to 10000", argument: "size",
        help: "size: (640, 400)")
    }
    (plot.width, plot.height) = (size[0], size[1])
    return plot
  }

  /// A string, or any value as text.
  private func text(_ argument: String) throws -> String? {
    call.optionalValue(argument).map { $0.asString ?? call.session.display($0, .short) }
  }

  private func limit(_ axis: inout Plot.Axis, _ argument: String) throws {
    guard call.signature?.index(of: argument) != nil, let ends = try ends(argument) else { return }
    (axis.low, axis.high) = ends
    guard axis.isLog, let lowest = [axis.low, axis.high].compactMap({ $0 }).min(), lowest <= 0 else { return }
    throw call.fault(
      "bad-argument", "the limits of a logarithmic axis are above zero, not \(PlotNumber.brief(lowest))",
      argument: argument)
  }

  /// Two numbers, either of which may be `none`.
  func ends(_ argument: String) throws -> (Double?, Double?)? {
    guard let value = call.optionalValue(argument) else { return nil }
    let parts = value.asItems ?? []
    let numbers = parts.map(PlotReader.number)
    guard parts.count == 2, let low = numbers[0], let high = numbers[1],
      zip(parts, [low, high]).allSatisfy({ $0.isNone || abs($1) <= PlotScale.largest }),
      parts.contains(where: \.isNone) || low < high
    else {
      throw call.fault(
        "bad-argument", "`\(argument)` is (low, high), two numbers in this order or `none`, not \(described(value))",
        argument: argument, help: "\(argument): (0, 1)")
    }
    return (parts[0].isNone ? nil : low, parts[1].isNone ? nil : high)
  }

  /// The intervals of series that are no table.
  func interval(for series: inout [Plot.Series]) throws {
    guard let low = call.optionalValue("low"), let high = call.optionalValue("high") else {
      if call.optionalValue("low") == nil, call.optionalValue("high") == nil { return }
      throw call.fault(
        "wrong-arguments", "an interval needs both `low` and `high`",
        argument: call.optionalValue("low") == nil ? "high" : "low")
    }
    guard series.count == 1 else {
      throw call.fault(
        "wrong-arguments", "`low` and `high` belong to one series; of several, each is a record", argument: "low",
        help: "{name: {y: …, low: …, high: …}}")
    }
    series[0].interval = try Plot.Interval(
      low: equal(numbers(low, "low", "`low`"), series[0].y.count, "low"),
      high: equal(numbers(high, "high", "`high`"), series[0].y.count, "high"))
  }

  /// `by` groups rows.
  func refuseBy() throws {
    if call.optionalValue("by") != nil {
      throw call.fault("wrong-arguments", "`by` names a column of a table, and there is no table here", argument: "by")
    }
  }
}
