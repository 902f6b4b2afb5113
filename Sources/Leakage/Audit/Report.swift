// An audit as one HTML file that needs nothing else: no scripts, no fonts, pictures inside; light and dark; as wide as its page.
import Ground
import Networks
import Tensors

/// The report of an audit.
public struct AuditReport {
  let summary: AuditSummary
  /// Images shown in the grids.
  public var shown = 10
  public var title = "What shared gradients leak"

  public init(_ summary: AuditSummary) { self.summary = summary }

  private var plan: AuditPlan { summary.plan }

  /// The file.
  public func html() throws -> String {
    let sections = [
      head, try answer(), table, try grids(), AuditPlot(summary).section, threats, cost, manifest,
    ]
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <title>\(escaped(title))</title>
      <style>
      \(AuditReport.style)
      </style>
      </head>
      <body>
      <main>
      \(sections.filter { !$0.isEmpty }.joined(separator: "\n"))
      </main>
      </body>
      </html>

      """
  }

  // MARK: Head

  private func setting(_ name: String) -> String { plan.manifest.first { $0.name == name }?.value ?? "" }

  private var head: String {
    let missing = summary.cells.count - summary.results.count
    let state = missing == 0 ? "" : " <strong>\(missing) of \(summary.cells.count) cells are not done.</strong>"
    let size = "\(plan.images.count) \(plan.images.count == 1 ? "image" : "images")"
    let seeds = plan.seeds.count == 1 ? "one seed" : "\(plan.seeds.count) seeds"
    return """
      <header>
      <h1>\(escaped(title))</h1>
      <p>\(plan.defenses.count) defenses × \(plan.attacks.filter { $0.role == .attack }.count) attacks and their controls × \(size) × \(seeds), \
      on \(victims), and \(escaped(unmarked(setting("data")))).\(state)</p>
      </header>
      """
  }

  private var victims: String {
    let model = escaped(unmarked(setting("model").replacing("a function ", with: "")))
    return setting("fresh victims") == "no" ? model : "a fresh \(model) for each image"
  }

  private func unmarked(_ text: String) -> String {
    text.split(separator: " ").filter { !$0.hasPrefix("#") }.joined(separator: " ")
  }

  // MARK: The answer in words

  private func answer() throws -> String {
    let metric = escaped(plan.metrics[0].name)
    let items = plan.defenses.map { defense -> String in
      let own = summary.rows.filter { $0.defense == defense.name && $0.role == .attack && $0.lift != nil }
      guard let best = own.max(by: { ($0.lift?.mean ?? 0) < ($1.lift?.mean ?? 0) }), let lift = best.lift else {
        return "<li><code>\(escaped(defense.name))</code>: no attack has a control to be compared with.</li>"
      }
      let places = summary.places(0)
      let verdict =
        switch best.verdict {
        case .leak: "<b class=\"leak\">leak</b>"
        case .some(let other): "<b class=\"\(mark(other))\">\(other.rawValue)</b>"
        case nil: "<b class=\"open\">undecided</b>"
        }
      let range =
        "\(fixed(lift.mean, places, sign: true)) [\(fixed(lift.low, places, sign: true)), \(fixed(lift.high, places, sign: true))]"
      let same = best.isEquivalent ? ", equivalent to its control within ±\(compact(summary.margin))" : ""
      return
        "<li><code>\(escaped(defense.name))</code>: \(verdict). The attack with the largest lift is <code>\(escaped(best.attack))</code>: \(metric) \(range) over <code>\(escaped(best.control ?? ""))</code>\(same).</li>"
    }
    return """
      <section>
      <h2>Answer</h2>
      <ul class="answer">
      \(items.joined(separator: "\n"))
      </ul>
      <p class="note">Lift is the attack minus the strongest control under the same defense, paired by image, with a 95 % interval (bootstrap over \
      \(summary.drawnAs), 10,000 draws). A leak is a lift whose interval lies above 0; no leak is detected where it lies within \
      ±\(compact(summary.margin)), attack and control being equivalent; below the control where it lies below 0: that attack finds less than \
      anyone could draw, which says nothing of other attacks. The strongest of several attacks is a choice made after the fact: its interval is a little too narrow.</p>
      </section>
      """
  }

  // MARK: Table

  private var table: String {
    let head =
      ["Attack"] + plan.metrics.map(\.name) + ["lift", ""] + summary.shares.map(\.name) + [
        "labels", "evaluations", "seconds", "n",
      ]
    var lines: [String] = []
    for (index, defense) in plan.defenses.enumerated() {
      let about = summary.defenseText(index)
      lines.append(
        "<tr class=\"defense\"><th colspan=\"\(head.count)\" scope=\"colgroup\"><code>\(escaped(defense.name))</code> <span>\(escaped(about))</span></th></tr>"
      )
      for row in summary.rows where row.defense == defense.name { lines.append(line(row)) }
    }
    let heads = head.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
    return """
      <section>
      <h2>Table</h2>
      <div class="wide"><table>
      <thead><tr>\(heads)</tr></thead>
      <tbody>
      \(lines.joined(separator: "\n"))
      </tbody>
      </table></div>
      <p class="note">Means over images\(plan.seeds.count > 1 ? " (over seeds first)" : ""); \(escaped(plan.metrics[0].name)) with its 95 % interval. \
      Images are compared with pixels kept in 0…1. Arrows: the norm of the gradient, and of what was sent. μ: the distance of the updates \
      of an image and of the nearest one of its class, in deviations of the noise.</p>
      \(summary.remarks.map { "<p class=\"note\">\(escaped($0))</p>" }.joined(separator: "\n"))
      </section>
      """
  }

  private func mark(_ verdict: AuditRow.Verdict) -> String {
    switch verdict {
    case .leak: "leak"
    case .none: "none"
    case .below, .open: "open"
    }
  }

  private func line(_ row: AuditRow) -> String {
    let places = summary.places(0)
    var cells = ["<th scope=\"row\"><code>\(escaped(row.attack))</code></th>"]
    for metric in plan.metrics.indices {
      var text = fixed(row.means[metric], summary.places(metric))
      if metric == 0, let interval = row.interval {
        text += " <small>\(fixed(interval.low, places)) to \(fixed(interval.high, places))</small>"
      }
      cells.append("<td>\(text)</td>")
    }
    if let lift = row.lift {
      let range = "\(fixed(lift.low, places, sign: true)) to \(fixed(lift.high, places, sign: true))"
      cells.append("<td>\(fixed(lift.mean, places, sign: true)) <small>\(range)</small></td>")
      cells.append(
        "<td class=\"text\"><b class=\"\(mark(row.verdict ?? .open))\">\(row.verdict?.rawValue ?? "")</b><br/><small>over \(escaped(row.control ?? ""))</small>\(others(row))</td>"
      )
    } else {
      cells.append(
        "<td></td><td class=\"text\"><small>\(row.role != .attack ? row.role.kind : row.images == 0 ? "" : row.control == nil ? "no control" : "too few images")</small></td>"
      )
    }
    cells += summary.shares.map { "<td>\(percent($0.value(row)))</td>" }
    cells += ["<td>\(percent(row.labelAccuracy))</td>", "<td>\(fixed(row.evaluations, 0))</td>"]
    cells.append("<td class=\"seconds\">\(fixed(row.seconds, row.seconds < 10 ? 2 : 0))</td>")
    var count = "\(row.images)"
    if row.failed > 0 { count += "<br/><small title=\"\(escaped(row.problem ?? ""))\">\(row.failed) failed</small>" }
    if row.open > 0 { count += "<br/><small>\(row.open) not done</small>" }
    cells.append("<td>\(count)</td>")
    let kind = row.role == .attack ? "" : " class=\"control\""
    let reason =
      row.failed > 0
      ? "\n<tr class=\"reason\"><td colspan=\"\(plan.metrics.count + summary.shares.count + 7)\" class=\"text\"><small>\(escaped(row.problem ?? ""))</small></td></tr>"
      : ""
    return "<tr\(kind)>\(cells.joined())</tr>\(reason)"
  }

  /// The lift over each of the other controls, folded away.
  private func others(_ row: AuditRow) -> String {
    let places = summary.places(0)
    let lines = row.controls.dropFirst().compactMap { control in
      control.lift.map {
        "\(fixed($0.mean, places, sign: true)) over \(escaped(control.name)) (\(fixed(control.mean, places)))"
      }
    }
    if lines.isEmpty { return "" }
    let count = lines.count == 1 ? "one other" : "\(lines.count) others"
    return "<details><summary>and \(count)</summary><small>\(lines.joined(separator: "<br/>"))</small></details>"
  }

  // MARK: Pictures

  private func grids() throws -> String {
    let images = Array(plan.images.prefix(shown))
    let seed = plan.seeds[0]
    var parts: [String] = []
    let truth = try images.map { image in
      picture(try plan.data.select(axis: 0, index: image), "private image \(image)", caption: "\(plan.labels[image])")
    }
    for (index, defense) in plan.defenses.enumerated() {
      var rows = ["<tr><th scope=\"row\">private</th>\(truth.map { "<td>\($0)</td>" }.joined())</tr>"]
      for (place, attack) in plan.attacks.enumerated() {
        let byImage = Dictionary(
          summary.cells(index, place).filter { $0.seed == seed }.compactMap { cell in cell.image.map { ($0, cell.id) }
          },
          uniquingKeysWith: { first, _ in first })
        let cells = try images.map { image -> String in
          guard let id = byImage[image], let result = summary.results[id] else { return "<td></td>" }
          guard result.problem == nil, !result.shape.isEmpty else { return "<td><small>failed</small></td>" }
          let found = try Tensor(result.pixels, shape: result.shape).select(axis: 0, index: 0)
          let name = plan.metrics[0].name
          let score = fixed(result.scores[name] ?? .nan, summary.places(0))
          return "<td>\(picture(found, "\(attack.name), image \(image), \(name) \(score)", caption: score))</td>"
        }
        let kind = attack.role == .attack ? "" : " class=\"control\""
        rows.append("<tr\(kind)><th scope=\"row\"><code>\(escaped(attack.name))</code></th>\(cells.joined())</tr>")
      }
      parts.append(
        """
        <h3><code>\(escaped(defense.name))</code></h3>
        <div class="wide"><table class="grid"><tbody>
        \(rows.joined(separator: "\n"))
        </tbody></table></div>
        """)
    }
    let count = images.count < plan.images.count ? "The first \(images.count) images" : "All images"
    let which = plan.seeds.count > 1 ? " with seed \(seed)" : ""
    return """
      <section>
      <h2>Images</h2>
      <p class="note">\(count)\(which); below each private image its label, below each recovered one its \(escaped(plan.metrics[0].name)). Controls are set off.</p>
      \(parts.joined(separator: "\n"))
      </section>
      """
  }

  private func picture(_ image: Tensor, _ alt: String, caption: String) -> String {
    guard let bytes = try? Png.encode(image), image.rank == 3 else { return "<small>no picture</small>" }
    let (height, width) = (image.shape[1], image.shape[2])
    let scale = max(1, 56 / max(height, width))
    return
      "<figure><img alt=\"\(escaped(alt))\" width=\"\(width * scale)\" height=\"\(height * scale)\" src=\"data:image/png;base64,\(base64(bytes))\"/><figcaption>\(escaped(caption))</figcaption></figure>"
  }

  // MARK: Threats, cost, manifest

  private var threats: String {
    let items = plan.attacks.filter { $0.role.base == nil }.map {
      "<dt><code>\(escaped($0.name))</code>\($0.role == .attack ? "" : " (\($0.role.kind))")</dt><dd>\(escaped(threat($0)))</dd>"
    }
    return """
      <section>
      <h2>What each attacker sees and knows</h2>
      <dl>
      \(items.joined(separator: "\n"))
      </dl>
      <p class="note">Labels: \(escaped(setting("labels"))). A null gradient has the norms of each tensor of the update, and no image; a wrong image is the \
      next of the same class. Both controls run the attack itself. All controls are told the labels the attack had found.</p>
      </section>
      """
  }

  private func threat(_ row: AuditPlan.AttackRow) -> String {
    if case .oracle = row.role {
      return "no attacker: it is given the private image, and shows what the prior could draw at best"
    }
    return row.attack.threatModel.description
  }

  private var cost: String {
    let done = summary.results.values
    let total = summary.computed.map(\.seconds).sorted().reduce(0, +)
    let failed = done.count { $0.problem != nil }
    return """
      <section>
      <h2>Cost</h2>
      <p>\(done.count) of \(summary.cells.count) cells, \(failed) of them failed; <span class="seconds">\(compact(total))</span> seconds of attacks in all.</p>
      </section>
      """
  }

  private var manifest: String {
    let rows = (plan.manifest + plan.environment.map { ("reported with \($0.name)", $0.value) }).map {
      "<tr><th scope=\"row\">\(escaped($0.name))</th><td class=\"text\"><code>\(escaped($0.value))</code></td></tr>"
    }
    return """
      <section>
      <h2>Manifest</h2>
      <p class="note">The same settings give the same cells, to the last bit, in any order and on any number of threads. Marks after # are digests of data, \
      parameters and functions.</p>
      <div class="wide"><table class="manifest"><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table></div>
      \(sources)
      </section>
      """
  }

  private var sources: String {
    let parts = plan.sources.map {
      "<details><summary><code>\(escaped($0.name))</code></summary><pre>\(escaped($0.text))</pre></details>"
    }
    return parts.isEmpty ? "" : "<h3>Functions</h3>\n" + parts.joined(separator: "\n")
  }

  static let style = """
    :root { color-scheme: light dark; --ground: #fbfbfa; --text: #1c1e21; --soft: #5c6168; --line: #d9dbde; --panel: #f1f2f3;
      --leak: #b3261e; --none: #1a6b3c; --open: #8a5a00; --first: #2f5fb3; }
    @media (prefers-color-scheme: dark) { :root { --ground: #16181b; --text: #e6e7e9; --soft: #a0a6ae; --line: #34383d; --panel: #1f2226;
      --leak: #ff8a80; --none: #7bd6a0; --open: #f2bf62; --first: #8db4ff; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; }
    h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere; }
    p, li, dd { max-width: 60rem; overflow-wrap: anywhere; }
    code { font: .92em ui-monospace, monospace; overflow-wrap: break-word; }
    small, .note, figcaption { color: var(--soft); } small { font-size: .82em; } .note { font-size: .9rem; }
    summary { font-size: .76em; color: var(--soft); cursor: pointer; }
    .leak { color: var(--leak); } .none { color: var(--none); } .open { color: var(--open); }
    .wide { overflow-x: auto; max-width: 100%; border: 1px solid var(--line); border-radius: 6px; }
    table { border-collapse: collapse; width: 100%; font-size: .86rem; }
    th, td { padding: .35rem .45rem; text-align: right; vertical-align: top; border-top: 1px solid var(--line); font-weight: normal; white-space: nowrap; }
    thead th { border-top: 0; color: var(--soft); } th[scope=row], th:first-child, td.text { text-align: left; }
    tbody th[scope=row] { min-width: 11rem; max-width: 26rem; white-space: normal; } b { white-space: nowrap; }
    td { font-variant-numeric: tabular-nums; } td.text { white-space: normal; min-width: 9rem; }
    tr.defense th { background: var(--panel); white-space: normal; } tr.defense code { font-weight: 600; } tr.defense span { color: var(--soft); margin-left: .6rem; }
    tr.control { color: var(--soft); } tr.control th { padding-left: 1.4rem; } tr.reason td { border-top: 0; padding-left: 1.4rem; }
    table.grid { width: auto; } table.grid td { padding: .25rem; text-align: center; border-top: 0; } table.grid th { border-top: 0; }
    table.grid tr.control { background: var(--panel); }
    figure { margin: 0; } figure img { display: block; margin: 0 auto; image-rendering: pixelated; max-width: 96px; height: auto; } figcaption { font-size: .75rem; }
    .manifest th { width: 9rem; min-width: 7rem; } dt { margin-top: .6rem; } dd { margin: 0 0 0 1.2rem; color: var(--soft); }
    pre { overflow-x: auto; font: .85em ui-monospace, monospace; }
    svg { display: block; max-width: 100%; height: auto; }
    """
}

// MARK: Text

/// For HTML's text and attributes. By scalars: a quote with a joiner behind it is a character of its own, and still ends an attribute.
func escaped(_ text: String) -> String {
  var out = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": out += "&amp;".unicodeScalars
    case "<": out += "&lt;".unicodeScalars
    case ">": out += "&gt;".unicodeScalars
    case "\"": out += "&quot;".unicodeScalars
    case "'": out += "&#39;".unicodeScalars
    default: out.append(scalar)
    }
  }
  return String(out)
}

/// RFC 4648, with padding.
func base64(_ bytes: [UInt8]) -> String {
  let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var out: [UInt8] = []
  out.reserveCapacity((bytes.count + 2) / 3 * 4)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    for place in 0..<4 {
      out.append(place <= group.count ? digits[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
    }
  }
  return String(decoding: out, as: UTF8.self)
}
