// Plots: ticks and limits, the text they are drawn as, and what gnuplot is given.
import Foundation
import Ground
import SeepLanguage
import SeepLibrary
import Testing

@Suite("plots", .serialized) struct PlotTests {
  private func labels(_ ticks: [PlotScale.Tick]) -> [String] { ticks.map(\.label) }

  /// What gnuplot writes as text into a picture, in order.
  private func words(_ svg: [UInt8]) -> [String] {
    String(decoding: svg, as: UTF8.self).components(separatedBy: "<text>").dropFirst().map { part in
      part.components(separatedBy: "</text>")[0].replacingOccurrences(of: "&lt;", with: "<")
        .replacingOccurrences(of: "&gt;", with: ">").replacingOccurrences(of: "&amp;", with: "&")
    }
  }

  // MARK: Axes

  @Test("ticks are 1, 2 or 5 times a power of ten") func ticks() {
    #expect(labels(PlotScale.ticks(0, 1, atMost: 5)) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(labels(PlotScale.ticks(-3, 17, atMost: 5)) == ["0", "5", "10", "15"])
    #expect(labels(PlotScale.ticks(0, 4.2e-5, atMost: 4)) == ["0", "2e-5", "4e-5"])
    #expect(labels(PlotScale.ticks(0, 3e6, atMost: 3)) == ["0", "1e6", "2e6", "3e6"])
    #expect(labels(PlotScale.ticks(0.1, 0.35, atMost: 5)) == ["0.10", "0.15", "0.20", "0.25", "0.30", "0.35"])
    #expect(labels(PlotScale.ticks(0, 2, atMost: 6, whole: true)) == ["0", "1", "2"])
    #expect(labels(PlotScale.ticks(-0.2, 0.2, atMost: 4)) == ["-0.2", "-0.1", "0.0", "0.1", "0.2"])
  }

  @Test("ticks of a logarithmic axis are powers of ten, of a short one their parts") func logTicks() {
    #expect(labels(PlotScale.logTicks(0.001, 2, atMost: 5)) == ["0.001", "0.01", "0.1", "1"])
    #expect(labels(PlotScale.logTicks(1, 1e12, atMost: 4)) == ["1", "1000", "1e6", "1e9", "1e12"])
    #expect(labels(PlotScale.logTicks(1.5, 7, atMost: 5)) == ["2", "5"])
  }

  @Test("limits hold the values, and are apart") func limits() {
    let same = PlotScale([3, 3], Plot.Axis(), margin: 0.05, ticks: 5)
    #expect(same.low < 3 && same.high > 3)
    let positive = PlotScale([0, 10], Plot.Axis(), margin: 0.05, ticks: 5)
    #expect(positive.low == 0 && positive.high == 10.5)
    let log = PlotScale([0.01, 1, -5, .nan], Plot.Axis(isLog: true), margin: 0, ticks: 5)
    #expect(abs(log.place(0.1) - 0.5) < 1e-9)
    let asked = PlotScale([0, 10], Plot.Axis(low: 2, high: 4), margin: 0.05, ticks: 5)
    #expect(asked.low == 2 && asked.high == 4 && asked.place(3) == 0.5)
  }

  @Test("a histogram counts every value once, those at borders above") func histogram() throws {
    let plain = try Histogram([0, 1, 1, 2, 3, 4], bins: 4)
    #expect(plain.edges == [0, 1, 2, 3, 4])
    #expect(plain.counts == [1, 2, 1, 2])
    let round = try Histogram((0..<1000).map { Double($0 * 7919 % 1000) / 1000 })
    #expect(round.counts.reduce(0, +) == 1000)
    #expect(round.edges.first == 0 && abs((round.edges.last ?? 0) - 1) < 1e-9)
    #expect(try Histogram([1, 2, 3], bins: 2, low: 2, high: 4).outside == 1)
  }

  // MARK: As text

  @Test("a curve as text") func curve() {
    var plot = Plot(.curves)
    plot.title = "a line"
    plot.x.label = "step"
    plot.y.label = "loss"
    plot.series = [Plot.Series(x: [0, 1, 2], y: [2, 1, 0])]
    let text = TerminalPlot.text(plot, on: TextSurface(columns: 34, colors: .none))
    #expect(
      text == """
                       a line
        loss
            │⢄
        2.0 ┤ ⠑⢄
            │   ⠉⠢⡀
        1.5 ┤     ⠈⠢⡀
            │       ⠈⠢⡀
            │         ⠈⠒⢄
        1.0 ┤            ⠑⢄
            │              ⠑⢄
            │                ⠑⠢⡀
        0.5 ┤                  ⠈⠢⡀
            │                    ⠈⠢⡀
            │                      ⠈⠒⢄
        0.0 ┤                         ⠑⢄
            └┬────────────┬────────────┬
             0            1            2
                        step

        """)
  }

  @Test("colours of the palette, and none of them in plain text") func colors() {
    var plot = Plot(.curves)
    plot.series = [
      Plot.Series(name: "a", x: [0, 1], y: [0, 1]), Plot.Series(name: "b", x: [0, 1], y: [1, 0]),
    ]
    let full = TerminalPlot.text(plot, on: TextSurface(columns: 80, colors: .full))
    #expect(full.contains("\u{1B}[0;38;2;0;114;178m●"))
    #expect(full.contains("\u{1B}[0;38;2;213;94;0m▲"))
    let cube = TerminalPlot.text(plot, on: TextSurface(columns: 80, colors: .cube))
    #expect(cube.contains("\u{1B}[0;38;5;25m"))
    let plain = TerminalPlot.text(plot, on: .plain)
    #expect(!plain.contains("\u{1B}"))
    #expect(plain.contains("● a   ▲ b"))
    // Apart from colours it is the same text.
    let stripped = full.replacingOccurrences(of: "\u{1B}\\[[0-9;]*m", with: "", options: .regularExpression)
    #expect(stripped == plain)
  }

  @Test("zero is white in the middle of a diverging scale") func diverging() {
    var plot = Plot(.map)
    var matrix = Plot.Matrix(rows: 1, columns: 3, values: [-2, 0, 2])
    (matrix.isDiverging, matrix.low, matrix.high) = (true, -2, 2)
    plot.matrix = matrix
    #expect(TerminalPlot.text(plot, on: .plain) == "≡≡  ██\n-2 ≡=-· ░▒▓█ 2\n")
    let full = TerminalPlot.text(plot, on: TextSurface(columns: 80, colors: .full))
    #expect(full.contains("48;2;247;247;247m"))
  }

  @Test("words of any width and control characters keep the lines whole") func widths() {
    var plot = Plot(.bars)
    plot.title = "two\nlines \u{1B}[31mred"
    plot.categories = ["画像", "e\u{301}", String(repeating: "long ", count: 40)]
    plot.series = [Plot.Series(x: [0, 1, 2], y: [1, 2, 3])]
    let text = TerminalPlot.text(plot, on: TextSurface(columns: 40, colors: .none))
    #expect(!text.contains("\u{1B}"))
    #expect(text.split(separator: "\n").count == 4)
    #expect(text.contains("画像"))
  }

  @Test("numbers of any size are drawn in both ways, and no line is too wide") func anyNumbers() throws {
    let odd: [Double] = [
      .nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, 1e-300, 1, 1 + 1e-15, -1, 1e15, 1e300, -1e300,
      1.7e308, -1.7e308,
    ]
    var state: UInt64 = 7
    func pick(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
    for round in 0..<600 {
      let count = 1 + pick(6)
      func numbers() -> [Double] { (0..<count).map { _ in odd[pick(odd.count)] } }
      var plot = Plot([.curves, .points, .bars, .histogram, .map][round % 5])
      plot.series = (0..<1 + pick(3)).map { index in
        Plot.Series(
          name: "\(index)", x: numbers(), y: numbers(),
          interval: pick(2) == 0 ? nil : Plot.Interval(low: numbers(), high: numbers()))
      }
      if plot.kind != .bars {
        plot.x.isLog = plot.kind != .histogram && pick(2) == 0
        plot.y.isLog = pick(2) == 0
      }
      if pick(4) == 0 { (plot.x.low, plot.x.high) = (1, 1 + 1e-15) }
      if pick(4) == 0 { (plot.y.low, plot.y.high) = (1e-300, nil) }
      plot.categories = (0..<count).map { "c\($0)" }
      if plot.kind == .histogram {
        let histogram = try Histogram(numbers().filter { abs($0) <= 1e300 }, bins: pick(2) == 0 ? nil : 3)
        plot.edges = histogram.edges
        plot.series = [Plot.Series(x: histogram.counts.map(Double.init), y: histogram.counts.map(Double.init))]
      }
      if plot.kind == .map {
        plot.series = []
        plot.matrix = Plot.Matrix(rows: 1, columns: count, values: numbers())
      }
      plot.countGaps()
      let text = TerminalPlot.text(plot, on: .plain)
      for line in text.split(separator: "\n") { #expect(line.count <= 80) }
      #expect(!GnuplotScript.text(plot, as: .svg).isEmpty)
    }
  }

  // MARK: gnuplot

  @Test("words reach gnuplot as they are, and start nothing") func escaping() throws {
    let trap = FileManager.default.temporaryDirectory.appendingPathComponent("seep-trap-\(getpid())").path
    let words = [
      "it's \"q\" 100% {a}_b^2 @x <&>", "`touch \(trap)`", "$(touch \(trap))", "ends in \\", "two\nlines",
      "'; system(\"touch \(trap)\") #", "''; system(\"touch \(trap)\"); '", "'''", "a'@GPVAL_TERM'b", "\\'",
    ]
    for (index, word) in words.enumerated() {
      var plot = Plot(index % 2 == 0 ? .curves : .bars)
      plot.title = word
      plot.x.label = word
      plot.y.label = word
      plot.notes = [word]
      plot.categories = [word, "b"]
      plot.series = [Plot.Series(name: word, x: [0, 1], y: [1, 2])]
      let seen = self.words(try Gnuplot.draw(plot, as: .svg))
      let expected = word.replacingOccurrences(of: "\n", with: " ")
      #expect(seen.filter { $0 == expected }.count == (index % 2 == 0 ? 5 : 6), "\(word): \(seen)")
    }
    #expect(!FileManager.default.fileExists(atPath: trap))
  }

  @Test("two runs write the same file") func deterministic() throws {
    var plot = Plot(.curves)
    plot.series = [
      Plot.Series(name: "a", x: [0, 1, 2], y: [0.1, .nan, 0.3]), Plot.Series(name: "b", x: [0, 1], y: [1, 2]),
    ]
    for format in Gnuplot.Format.allCases {
      let first = try Gnuplot.draw(plot, as: format)
      #expect(first.count > 500)
      if format != .pdf { #expect(try Gnuplot.draw(plot, as: format) == first, "\(format)") }
    }
  }

  @Test("every kind is drawn in every format") func kinds() throws {
    let session = Session(library: SeepLibrary.library)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("seep-plots-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let plots = [
      "plot({a: [1, 2, 3], b: [2, 1, none]})", "scatter([1, 2], [3, 4], low: [2, 3], high: [4, 5], log: \"xy\")",
      "bar({a: 1, b: -2})", "hist(randn(100), log: \"y\")", "heatmap(randn(20, 30))", "heatmap([[1, 2], [3, none]])",
    ]
    for (index, plot) in plots.enumerated() {
      for (ending, begin) in [("svg", "<?xml"), ("png", "\u{FFFD}PNG"), ("pdf", "%PDF")] {
        let path = folder.appendingPathComponent("\(index).\(ending)").path
        _ = try session.evaluate("save(\(plot), \"\(path)\")", name: "test").get()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(String(decoding: bytes.prefix(begin.unicodeScalars.count), as: UTF8.self) == begin, "\(plot) \(ending)")
      }
    }
  }

  @Test("without gnuplot there is a sentence and no file") func missing() throws {
    let path = String(cString: getenv("PATH"))
    setenv("PATH", "/nowhere", 1)
    defer { setenv("PATH", path, 1) }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("seep-none-\(getpid()).svg").path
    let result = Session(library: SeepLibrary.library).evaluate("save(plot([1, 2]), \"\(file)\")", name: "test")
    guard case .failure(let failure) = result else {
      Issue.record("it was saved")
      return
    }
    #expect(failure.fault.code == "gnuplot-missing")
    #expect(failure.text.contains("gnuplot-nox"))
    #expect(!FileManager.default.fileExists(atPath: file))
  }

  @Test("what gnuplot complains of is passed on") func failing() {
    let result = Result { try Gnuplot.run("/usr/bin/gnuplot", "set encoding utf8\nplot nonsense(3)\n") }
    guard case .failure(let fault as Fault) = result else {
      Issue.record("it was drawn")
      return
    }
    #expect(fault.code == "gnuplot-failed")
    #expect(fault.message.contains("undefined function: nonsense"))
    #expect(throws: Fault.self) { try Gnuplot.run("/bin/false", "plot 1\n") }
    #expect(throws: Fault.self) { try Gnuplot.run("/nowhere/gnuplot", "plot 1\n") }
    // A script that is larger than any buffer, for a program that does not read it.
    #expect(throws: Fault.self) { try Gnuplot.run("/bin/false", String(repeating: "# nothing\n", count: 1_000_000)) }
  }

  @Test("Ctrl-C ends gnuplot") func interrupted() throws {
    let program = FileManager.default.temporaryDirectory.appendingPathComponent("seep-slow-\(getpid())").path
    try "#!/bin/sh\nexec sleep 20\n".write(toFile: program, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    defer { try? FileManager.default.removeItem(atPath: program) }
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.2)
      Interrupt.request()
    }
    defer { Interrupt.clear() }
    let start = Date()
    #expect(throws: Fault.interrupted) { try Gnuplot.run(program, "") }
    #expect(Date().timeIntervalSince(start) < 5)
  }

  @Test("a notebook gets pictures, the text always") func notebook() throws {
    let session = Session(library: SeepLibrary.library)
    let value = try session.evaluate("plot([1, 2, 3])", name: "test").get()
    #expect(RichDisplay.representations(of: value, in: session).map(\.mime) == ["image/png", "image/svg+xml"])
    var shown: [(mimes: [String], text: String)] = []
    session.attach(RichOutput { representations, text in shown.append((representations.map(\.mime), text)) })
    _ = try session.evaluate("show(plot([1, 2, 3]))", name: "test").get()
    #expect(shown.map(\.mimes) == [["image/png", "image/svg+xml"]])
    #expect(shown.first?.text.contains("└┬") ?? false)
  }
}
