// A process that examines every n-th input.
import Foundation
import Ground
import SeepLanguage

struct Worker {
  /// The exit status of a worker that wants to be started again: compiled programs stay in memory.
  static let again: Int32 = 75
  private static let memory = 1 << 30
  /// Inputs kept of what was found.
  private static let kept = 40

  let options: Options
  let number: Int

  func run() throws -> Int32 {
    guard let page = SharedPage(options.page(number)) else { return 2 }
    let maker = try InputMaker(root: options.root)
    let examiner = Examiner()
    Watchdog.start(limit: options.limit)
    var index = page[.index]
    while index < options.inputs {
      if index / options.workers % 256 == 0 {
        if Watchdog.seconds(CLOCK_MONOTONIC) > options.deadline { return 0 }
        if ProcessMemory.residentBytes() > Worker.memory { return Worker.again }
      }
      let (bytes, origin, used) = maker.input(index, seed: options.seed)
      page.text = bytes
      let start = Watchdog.seconds(CLOCK_THREAD_CPUTIME_ID)
      Watchdog.next()
      let outcome = examiner.examine(String(decoding: bytes, as: UTF8.self))
      let spent = Int((Watchdog.seconds(CLOCK_THREAD_CPUTIME_ID) - start) * 1e6)
      page[.inputs] += 1
      page[.bytes] += bytes.count
      if spent > page[.slowest] { (page[.slowest], page[.slowestIndex]) = (spent, index) }
      if outcome.isProgram { page[.programs] += 1 }
      if outcome.isProgram, outcome.code == nil { page[.values] += 1 }
      if outcome.code == "interrupted" { page[.interrupted] += 1 }
      if let code = outcome.code { page.count(code) }
      var finding = outcome.finding
      switch origin {
      case .grammar:
        page[.grammar] += 1
        if outcome.isProgram {
          page.productions |= used.words
        } else if let mistake = outcome.firstOfForm {
          finding = finding ?? Finding(kind: "grammar-rejected", detail: mistake.text)
        } else {
          page[.duplicates] += 1
        }
      case .script: page[.script] += 1
      case .mutatedGrammar: break
      }
      if let finding {
        page[.findings] += 1
        page.count("finding " + finding.kind)
        if page.counts["finding " + finding.kind] ?? 0 <= Worker.kept { try save(finding, bytes, index) }
      }
      index += options.workers
      page[.index] = index
    }
    return 0
  }

  private func save(_ finding: Finding, _ bytes: [UInt8], _ index: Int) throws {
    let path = "\(options.folder)/\(finding.kind)-\(index)"
    try Data(bytes).write(to: URL(fileURLWithPath: path + ".seep"))
    try finding.detail.write(toFile: path + ".txt", atomically: true, encoding: .utf8)
  }

  /// Examines the text of one file: what `shrink` runs.
  static func one(_ path: String, limit: Double) throws -> Int32 {
    Watchdog.start(limit: limit)
    Watchdog.next()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    guard let finding = Examiner().examine(String(decoding: bytes, as: UTF8.self)).finding else { return 0 }
    print(finding.kind)
    print(finding.detail)
    return 1
  }
}
