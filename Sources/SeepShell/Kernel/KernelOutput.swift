// The notebook's side of a session: text becomes streams, pictures and help become displays, a running attack is a picture that
// changes.
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

final class KernelStream: OutputSink {
  private let publisher: KernelPublisher
  init(_ publisher: KernelPublisher) { self.publisher = publisher }
  func write(_ text: String) { publisher.write(text, to: "stdout") }
  func warn(_ text: String) { publisher.write(text, to: "stderr") }
}

enum KernelDisplay {
  /// The bundle of a message: every way to show one thing, the text always.
  static func bundle(_ text: String, _ representations: [Representation]) -> JSON {
    var fields: [(name: String, value: JSON)] = [("text/plain", .string(text))]
    for one in representations {
      switch one.content {
      case .text(let text): fields.append((one.mime, .string(text)))
      case .bytes(let bytes): fields.append((one.mime, .string(Base64.text(bytes))))
      }
    }
    return .object(fields)
  }

  /// Connects what a program shows to the front-ends.
  static func attach(to session: Session, _ publisher: KernelPublisher) {
    session.output = KernelStream(publisher)
    session.progress = KernelProgress(publisher)
    session.attach(TerminalGraphics(elsewhere: "the notebook shows pictures itself"))
    session.attach(
      PictureDisplay { pictures, line in
        publisher.publish(
          "display_data",
          ["data": bundle(line, RichDisplay.show(pictures)), "metadata": [:], "transient": [:]])
      })
    session.attach(
      RichOutput { representations, text in
        if representations.isEmpty {
          publisher.write(text, to: "stdout")
        } else {
          publisher.publish(
            "display_data", ["data": bundle(text, representations), "metadata": [:], "transient": [:]])
        }
      })
  }
}

/// Progress as one display that is updated: a bar, and below it what an attack has recovered so far.
final class KernelProgress: ProgressSink {
  private let publisher: KernelPublisher
  private var name = ""
  private var started = 0.0
  private var shownAt = 0.0
  private var identifier: String?
  private var latest: ProgressReport?

  init(_ publisher: KernelPublisher) { self.publisher = publisher }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  func report(_ report: ProgressReport) {
    let now = KernelProgress.now()
    if report.name != name {
      finish(name)
      name = report.name
      started = now
    }
    latest = report
    // A job shorter than half a second shows nothing; a longer one at most three pictures a second.
    guard now - started > 0.5, now - shownAt > 0.33 else { return }
    shownAt = now
    show(report, seconds: now - started)
  }

  func finish(_ name: String) {
    if identifier != nil, let latest { show(latest, seconds: KernelProgress.now() - started) }
    identifier = nil
    latest = nil
    self.name = ""
  }

  private func show(_ report: ProgressReport, seconds: Double) {
    let place = report.total > 0 ? "\(report.done)/\(report.total)" : "\(report.done)"
    let time = "\((seconds * 10).rounded() / 10) s"
    let text = "\(report.name) \(place), \(time)" + (report.remark.isEmpty ? "" : ", \(report.remark)")
    var html = "<div>"
    if report.total > 0 { html += "<progress value=\"\(report.done)\" max=\"\(report.total)\"></progress> " }
    html += HTML.escaped(text) + "</div>"
    if !report.details.isEmpty { html += "<pre>\(HTML.escaped(report.details.joined(separator: "\n")))</pre>" }
    var all: [Representation] = []
    if let pictures = report.preview.flatMap({ RichDisplay.pictures(of: $0) }), let png = RichDisplay.sheet(pictures) {
      all.append(Representation("image/png", png))
      html += "<img alt=\"recovered so far\" src=\"data:image/png;base64,\(Base64.text(png))\">"
    }
    all.append(Representation("text/html", html))
    let isFirst = identifier == nil
    let identifier = identifier ?? KernelCodec.identifier()
    self.identifier = identifier
    publisher.publish(
      isFirst ? "display_data" : "update_display_data",
      [
        "data": KernelDisplay.bundle(text, all), "metadata": [:],
        "transient": ["display_id": .string(identifier)],
      ])
  }
}
