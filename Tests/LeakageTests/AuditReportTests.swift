import Foundation
import Ground
import Leakage
import Networks
import Tensors
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// An attack that finds a grey image.
private struct Grey: Attack {
  var written: String { "grey & \"<b>\"" }
  var threatModel: ThreatModel { ThreatModel(knows: [.imageShape]) }
  var isControl: Bool { false }
  func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    Leak(images: try .full([1, 1, 4, 4], 0.5), labels: setting.labels ?? [0], loss: 0)
  }
}

private func plan() throws -> AuditPlan {
  let images = try Tensor((0..<48).map { Float($0 % 7) / 7 }, shape: [3, 1, 4, 4])
  let model = Model([Flatten(), try Dense(2)], key: RandomKey(seed: 1))
  var plan = AuditPlan(
    defenses: [.init(name: "none", defense: nil), .init(name: "clip(1)", defense: try Clip(1))],
    attacks: [
      .init(name: "grey & \"<b>\"", attack: Grey(), role: .attack),
      .init(name: "mean, \"all\"", attack: try ClassMean(images, labels: [0, 0, 0]), role: .control),
    ],
    metrics: [.init(name: "ssim", higherIsBetter: true) { try -mse($0, $1)[0] }],
    data: images, labels: [0, 0, 0], images: [0, 1, 2], seeds: [0], victim: { _, _, _ in model })
  plan.tellsLabels = true
  plan.manifest = [("model", "flatten >> dense(2)"), ("data", "three < four")]
  plan.utility = { defense, _, _ in [("accuracy", 0.9 - 0.1 * Double(defense))] }
  return plan
}

private func summary() throws -> AuditSummary {
  let plan = try plan()
  let journal = try Journal(nil, manifest: plan.manifest, cells: plan.cells)
  #expect(try !Auditor(plan, journal, progress: SilentProgress()).run())
  return try AuditSummary(plan, journal.results())
}

private final class TagCounter: NSObject, XMLParserDelegate {
  var tags: [String: Int] = [:]
  var sources: [String] = []
  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    tags[name, default: 0] += 1
    if let source = attributes["src"] ?? attributes["href"] { sources.append(source) }
  }
}

@Suite struct AuditReportTests {
  @Test("the report is well formed, holds all pictures, and asks for nothing outside of itself")
  func html() throws {
    let html = try AuditReport(summary()).html()
    let parser = XMLParser(data: Data(html.replacingOccurrences(of: "<!DOCTYPE html>", with: "").utf8))
    let counter = TagCounter()
    parser.delegate = counter
    #expect(parser.parse(), "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
    // Under each of two defenses: three private images, and three for each of two rows.
    #expect(counter.tags["img"] == 18)
    #expect(counter.tags["svg"] == 1)
    #expect(counter.tags["script"] == nil && counter.tags["link"] == nil)
    #expect(counter.sources.allSatisfy { $0.hasPrefix("data:image/png;base64,") })
    #expect(!html.contains("http"))
    let first = try #require(counter.sources.first).dropFirst("data:image/png;base64,".count)
    let bytes = try #require(Data(base64Encoded: String(first)))
    #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }

  @Test("JSON is read by others, CSV quotes what it must")
  func files() throws {
    let summary = try summary()
    let json = try JSONSerialization.jsonObject(with: Data(summary.json.utf8)) as? [String: Any]
    #expect((json?["rows"] as? [[String: Any]])?.count == 4)
    #expect((json?["cells"] as? [[String: Any]])?.count == 12)
    #expect((json?["utility"] as? [[String: Any]])?.first?["mean"] as? Double == 0.9)
    #expect((json?["manifest"] as? [String: String])?["data"] == "three < four")
    let lines = summary.csv.split(separator: "\r\n")
    #expect(lines.count == 5)
    #expect(lines[1].hasPrefix("none,\"grey & \"\"<b>\"\"\",attack,3,"))
    #expect(lines[2].contains("\"mean, \"\"all\"\"\""))
    #expect(summary.latex.contains("grey \\& \"\\textless{}b\\textgreater{}\""))
  }

  @Test("what joins a special character to its neighbour does not hide it")
  func joined() throws {
    var plan = try plan()
    plan.attacks[0].name = "q\"\u{200D} onload=x,\u{200D}_\u{200D}\r\n"
    let journal = try Journal(nil, manifest: [], cells: plan.cells)
    _ = try Auditor(plan, journal, progress: SilentProgress()).run()
    let summary = try AuditSummary(plan, journal.results())
    #expect(summary.csv.contains("\"q\"\"\u{200D} onload=x,\u{200D}_\u{200D}\r\n\""))
    #expect(summary.latex.contains("\\_\u{200D}"))
    // A quote that got through would end an attribute in its middle.
    let html = try AuditReport(summary).html().replacingOccurrences(of: "<!DOCTYPE html>", with: "")
    #expect(XMLParser(data: Data(html.utf8)).parse())
  }

  @Test("a control that failed for most images leaves no verdict, and is named")
  func gaps() throws {
    let plan = try plan()
    let journal = try Journal(nil, manifest: [], cells: plan.cells)
    _ = try Auditor(plan, journal, progress: SilentProgress()).run()
    var results = try journal.results()
    let whole = try AuditSummary(plan, results)
    #expect(whole.rows[0].verdict != .open && whole.rows[0].gaps.isEmpty)
    let control = try #require(plan.attacks.firstIndex { $0.role == .control })
    for cell in plan.cells where cell.attack == control && cell.defense == 0 {
      results[cell.id]?.problem = "no"
    }
    let summary = try AuditSummary(plan, results)
    #expect(summary.rows[0].verdict ?? .open == .open && !summary.rows[0].isEquivalent)
    #expect(summary.rows[0].gaps.first?.name == plan.attacks[control].name)
    #expect(summary.remarks.contains { $0.contains("there is no verdict") })
  }

  @Test(
    "less is better: the strongest control has the smallest mean, and the lift is positive where the attack is better")
  func direction() throws {
    var plan = try plan()
    plan.metrics = [.init(name: "mse", higherIsBetter: false) { try mse($0, $1)[0] }]
    let journal = try Journal(nil, manifest: [], cells: plan.cells)
    _ = try Auditor(plan, journal, progress: SilentProgress()).run()
    let rows = try AuditSummary(plan, journal.results()).rows
    let lift = try #require(rows[0].lift)
    #expect(abs(lift.mean - (rows[1].means[0] - rows[0].means[0])) < 1e-12)
    #expect(lift.low <= lift.mean && lift.mean <= lift.high)
  }
}
