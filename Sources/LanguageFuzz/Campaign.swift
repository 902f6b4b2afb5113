// Starts the workers, starts them again after a crash, and reports.
import Foundation
import LanguageGrammar

final class Campaign {
  /// More crashes than this end the campaign.
  private static let crashLimit = 50
  private static let shrunkPerKind = 3

  private let options: Options
  private var pages: [SharedPage] = []
  private var crashes = 0
  private let start = Watchdog.seconds(CLOCK_MONOTONIC)
  /// Of what ended before: the build, in the process that became this one.
  private let processorBefore = Watchdog.secondsOfChildren()

  init(_ options: Options) { self.options = options }

  func run() throws -> Int32 {
    try FileManager.default.createDirectory(atPath: options.folder, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: options.folder) where name.hasPrefix(".worker") {
      try FileManager.default.removeItem(atPath: options.folder + "/" + name)
    }
    var running: [Int: Process] = [:]
    for number in 0..<options.workers {
      guard let page = SharedPage(options.page(number)) else {
        throw CocoaError(.fileWriteUnknown)
      }
      page[.index] = number
      pages.append(page)
      running[number] = try spawn(number)
    }
    var told = start
    while !running.isEmpty {
      usleep(50_000)
      for (number, process) in running where !process.isRunning {
        running[number] = try goOn(number, process)
      }
      if Watchdog.seconds(CLOCK_MONOTONIC) > told + 60 {
        told = Watchdog.seconds(CLOCK_MONOTONIC)
        print("\(total(.inputs)) inputs in \(Int(told - start)) s, \(total(.findings)) findings, \(crashes) crashes")
        fflush(nil)
      }
    }
    return try report()
  }

  private func spawn(_ number: Int) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: options.program)
    process.arguments = options.arguments(ofWorker: number)
    try process.run()
    return process
  }

  /// The process that goes on for one that ended, if one does.
  private func goOn(_ number: Int, _ process: Process) throws -> Process? {
    if process.terminationReason == .exit {
      if process.terminationStatus == 0 { return nil }
      if process.terminationStatus == Worker.again { return try spawn(number) }
      if process.terminationStatus == 2 { throw CocoaError(.fileReadUnknown) }
    }
    crashes += 1
    let page = pages[number]
    let isHang = process.terminationReason == .exit && process.terminationStatus == Watchdog.hang
    let kind = isHang ? "hang" : "crash\(process.terminationStatus)"
    let path = "\(options.folder)/\(kind)-\(page[.index]).seep"
    try Data(page.text).write(to: URL(fileURLWithPath: path))
    print("\(kind) at input \(page[.index]): \(path)")
    fflush(nil)
    page.count("finding " + kind)
    page[.inputs] += 1
    page[.index] += options.workers
    return crashes < Campaign.crashLimit ? try spawn(number) : nil
  }

  private func total(_ field: SharedPage.Field) -> Int { pages.reduce(0) { $0 + $1[field] } }

  private func report() throws -> Int32 {
    let seconds = Watchdog.seconds(CLOCK_MONOTONIC) - start
    let inputs = total(.inputs)
    let share = { (count: Int, of: Int) in of > 0 ? String(format: "%.1f %%", 100 * Double(count) / Double(of)) : "–" }
    var counts: [String: Int] = [:]
    for page in pages { counts.merge(page.counts, uniquingKeysWith: +) }
    let maker = try InputMaker(root: options.root)
    let bits = pages.reduce(SIMD4<UInt64>()) { $0 | $1.productions }
    let missing = maker.productions.enumerated().filter { bits[$0.offset >> 6] >> UInt64($0.offset & 63) & 1 == 0 }
    let slowest = pages.max { $0[.slowest] < $1[.slowest] }
    let processor = Watchdog.secondsOfChildren() - processorBefore
    print(
      """
      seed \(options.seed), \(options.workers) worker\(options.workers == 1 ? "" : "s")
      \(inputs) inputs in \(String(format: "%.1f", seconds)) s: \(Int(Double(inputs) / seconds)) a second, \
      \(processor > 0 ? Int(Double(inputs) / processor) : 0) a second of processor time; \
      \(inputs > 0 ? total(.bytes) / inputs : 0) bytes on average
      from the grammar \(total(.grammar)), of which \(total(.duplicates)) have a name twice where it must not be; \
      from mutated scripts \(total(.script))
      programs without syntax error \(total(.programs)) (\(share(total(.programs), inputs))); \
      run to their end \(total(.values)) (\(share(total(.values), inputs))); interrupted \(total(.interrupted))
      productions of the grammar covered \(maker.productions.count - missing.count) of \(maker.productions.count)\
      \(missing.isEmpty ? "" : "; not " + missing.map(\.element).joined(separator: " "))
      slowest input: number \(slowest?[.slowestIndex] ?? 0), \((slowest?[.slowest] ?? 0) / 1000) ms of processor time
      """)
    let codes = counts.filter { !$0.key.hasPrefix("finding ") }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    print("\(codes.count) codes of diagnostics: " + codes.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    let findings = counts.filter { $0.key.hasPrefix("finding ") }.sorted { $0.key < $1.key }
    for (kind, count) in findings { print("\(kind): \(count)") }
    if inputs == 0 { print("no input was run") }
    let isClean = findings.isEmpty
    if isClean { print("no crash, no hang, nothing that must not be") } else { try shrink() }
    return isClean && inputs > 0 ? 0 : 1
  }

  private func shrink() throws {
    var perKind: [String: Int] = [:]
    let shrinker = Shrinker(options: options)
    for name in try FileManager.default.contentsOfDirectory(atPath: options.folder).sorted()
    where name.hasSuffix(".seep") && !name.hasPrefix(".") && !name.hasSuffix(".small.seep") {
      let kind = name.split(separator: "-").dropLast().joined(separator: "-")
      perKind[kind, default: 0] += 1
      guard perKind[kind, default: 0] <= Campaign.shrunkPerKind else { continue }
      let path = options.folder + "/" + name
      if kind == "grammar-rejected" {  // a part of it need not be a program of the grammar
        print("\(path): \(try String(contentsOfFile: String(path.dropLast(5)) + ".txt", encoding: .utf8))")
        continue
      }
      guard let (verdict, text) = shrinker.shrink(Array(try Data(contentsOf: URL(fileURLWithPath: path)))) else {
        print("\(path): not seen again by itself")
        continue
      }
      let small = String(path.dropLast(5)) + ".small.seep"
      try Data(text).write(to: URL(fileURLWithPath: small))
      print("\(small): \(verdict)\n\(String(decoding: text.prefix(400), as: UTF8.self))")
    }
  }
}
