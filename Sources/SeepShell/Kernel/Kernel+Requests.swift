// What front-ends ask on the shell channel.
import Ground
import SeepLanguage
import SeepLibrary

extension Kernel {
  /// Answers one request: busy, the answer, idle.
  func answer(_ message: KernelMessage) {
    let content = message.content
    publisher.begin(message, silent: message.type == "execute_request" && content["silent"].bool == true)
    publisher.status("busy", message)
    switch message.type {
    case "execute_request": execute(message)
    case "kernel_info_request": reply(message, "kernel_info_reply", kernelInfo)
    case "complete_request": reply(message, "complete_reply", completion(content))
    case "inspect_request": reply(message, "inspect_reply", inspection(content))
    case "is_complete_request": reply(message, "is_complete_reply", completeness(content["code"].text ?? ""))
    case "history_request": reply(message, "history_reply", ["status": "ok", "history": .array(remembered(content))])
    case "comm_info_request": reply(message, "comm_info_reply", ["status": "ok", "comms": [:]])
    case "comm_open":
      publisher.publish("comm_close", ["comm_id": content["comm_id"], "data": [:]])
    case "shutdown_request":
      reply(message, "shutdown_reply", ["status": "ok", "restart": .bool(content["restart"].bool ?? false)])
      stop.set()
    default: break
    }
    publisher.status("idle", message)
  }

  // MARK: Running

  private func execute(_ message: KernelMessage) {
    let content = message.content
    let code = content["code"].text ?? ""
    let silent = content["silent"].bool ?? false
    if !silent, content["store_history"].bool ?? true {
      executionCount += 1
      past.append((executionCount, code))
      _ = history.append(code)
    }
    let count = JSON.integer(executionCount)
    publisher.publish("execute_input", ["code": .string(code), "execution_count": count])
    var pages: [JSON] = []
    connectInput(message)
    let outcome = run(code, &pages)
    session.refuseInput(in: "this notebook")
    switch outcome {
    case .value(let value):
      if !value.isNone {
        let bundle = KernelDisplay.bundle(
          interaction.shown(value), RichDisplay.representations(of: value, in: session))
        publisher.publish("execute_result", ["execution_count": count, "data": bundle, "metadata": [:]])
      }
      reply(
        message, "execute_reply",
        [
          "status": "ok", "execution_count": count, "payload": .array(pages),
          "user_expressions": expressions(content["user_expressions"]),
        ])
    case .exit:
      reply(
        message, "execute_reply",
        [
          "status": "ok", "execution_count": count, "payload": [["source": "ask_exit", "keepkernel": false]],
          "user_expressions": [:],
        ])
      stop.set()
    case .refused(let sentence): fail(message, "command", sentence, sentence)
    case .failure(let failure): fail(message, failure.fault.code, failure.fault.message, failure.text)
    case .interrupted:
      fail(
        message, "interrupted", "stopped",
        "interrupted; the session is as it was before the statement that was running")
    }
  }

  /// The reply to a cell that failed; the cells that wait are not run, unless it says so.
  private func fail(_ message: KernelMessage, _ name: String, _ what: String, _ text: String) {
    let lines = JSON.strings(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    publisher.publish("error", ["ename": .string(name), "evalue": .string(what), "traceback": lines])
    let isStopping = message.content["stop_on_error"].bool ?? true
    if isStopping, message.content["silent"].bool != true { stale.fail() }
    reply(
      message, "execute_reply",
      [
        "status": "error", "execution_count": .integer(executionCount), "ename": .string(name),
        "evalue": .string(what), "traceback": lines, "payload": [], "user_expressions": [:],
      ])
  }

  /// A cell, or a command of the prompt; help goes to the pager.
  private func run(_ code: String, _ pages: inout [JSON]) -> Interaction.Outcome {
    guard ShellCommands.isCommand(code) else { return interaction.run(code) }
    if let name = ShellCommands.question(code), let value = Completion.value(name, session) {
      let wantsSource = code.contains("??")
      let markdown = RichDisplay.representations(of: value, in: session).filter {
        $0.mime == "text/markdown" && !wantsSource
      }
      let data = KernelDisplay.bundle(
        ShellCommands.about(value, withSource: wantsSource, width: nil, session), markdown)
      pages.append(["source": "page", "data": data, "start": 0])
      return .value(.none)
    }
    switch ShellCommands(interaction: interaction).run(code) {
    case .done: return .value(.none)
    case .quit: return .exit(0)
    case .outcome(let outcome): return outcome
    case .failed(let sentence): return .refused(sentence)
    }
  }

  private func expressions(_ wanted: JSON) -> JSON {
    .object(
      wanted.fields.map { field in
        let before = session.snapshot()
        defer { session.rollback(to: before) }
        switch interaction.run(field.value.text ?? "") {
        case .value(let value):
          let bundle = KernelDisplay.bundle(interaction.shown(value), [])
          return (field.name, ["status": "ok", "data": bundle, "metadata": [:]])
        case .failure(let failure):
          let lines = JSON.strings([failure.text])
          return (
            field.name,
            [
              "status": "error", "ename": .string(failure.fault.code), "evalue": .string(failure.fault.message),
              "traceback": lines,
            ]
          )
        default: return (field.name, ["status": "error", "ename": "interrupted", "evalue": "", "traceback": []])
        }
      })
  }

  // MARK: Asking

  /// Positions of the protocol count code points.
  private func before(_ content: JSON) -> String {
    let scalars = (content["code"].text ?? "").unicodeScalars
    return String(String.UnicodeScalarView(scalars.prefix(max(0, content["cursor_pos"].int ?? scalars.count))))
  }

  private func completion(_ content: JSON) -> JSON {
    let text = before(content)
    let result = Completion.complete(text, session)
    let start = String(decoding: text.utf8.prefix(result.start), as: UTF8.self).unicodeScalars.count
    let end = text.unicodeScalars.count
    let shown = result.candidates.prefix(1000)
    let types = shown.map { candidate -> JSON in
      [
        "start": .integer(start), "end": .integer(end), "text": .string(candidate.text),
        "type": .string(candidate.kind.rawValue),
      ]
    }
    return [
      "status": "ok", "matches": JSON.strings(shown.map(\.text)), "cursor_start": .integer(start),
      "cursor_end": .integer(end), "metadata": ["_jupyter_types_experimental": .array(types)],
    ]
  }

  /// Help on the name at the cursor, or else on the function whose argument it is in.
  private func inspection(_ content: JSON) -> JSON {
    let code = content["code"].text ?? ""
    let text = before(content)
    let context = CompletionContext(text)
    var name = context.text(context.nameStart(context.bytes.count, dotted: true), context.bytes.count)
    let rest = Array(code.utf8.dropFirst(text.utf8.count)).prefix { CompletionContext.isNameByte($0) }
    name += String(decoding: rest, as: UTF8.self)
    let inside = context.call?.name ?? ""
    for candidate in [name, name.split(separator: ".").last.map(String.init) ?? "", inside] where !candidate.isEmpty {
      guard let value = Completion.value(candidate, session) else { continue }
      let markdown = RichDisplay.representations(of: value, in: session).filter { $0.mime == "text/markdown" }
      return [
        "status": "ok", "found": true, "data": KernelDisplay.bundle(Help.text(value, in: session), markdown),
        "metadata": [:],
      ]
    }
    return ["status": "ok", "found": false, "data": [:], "metadata": [:]]
  }

  private func completeness(_ code: String) -> JSON {
    if ShellCommands.isCommand(code) { return ["status": "complete"] }
    switch session.completeness(of: code) {
    case .complete: return ["status": "complete"]
    case .invalid: return ["status": "invalid"]
    case .incomplete: return ["status": "incomplete", "indent": "  "]
    }
  }

  private func remembered(_ content: JSON) -> [JSON] {
    // Session 0 is this one; what was typed before it is session -1.
    var all: [(session: Int, line: Int, code: String)] = []
    if content["hist_access_type"].text != "range" || content["session"].int != 0 {
      all = earlier.enumerated().map { (-1, $0.offset + 1, $0.element) }
    }
    all += past.map { (0, $0.line, $0.code) }
    switch content["hist_access_type"].text {
    case "range":
      let (start, stop) = (content["start"].int ?? 0, content["stop"].int ?? Int.max)
      let session = content["session"].int ?? 0
      all = all.filter { $0.session == session && $0.line >= start && $0.line < stop }
    case "search":
      let pattern = Array((content["pattern"].text ?? "*").unicodeScalars)
      all = all.filter { Kernel.matches(Array($0.code.unicodeScalars)[...], pattern[...]) }
      if content["unique"].bool == true {
        var seen = Set<String>()
        all = all.reversed().filter { seen.insert($0.code).inserted }.reversed()
      }
      all = all.suffix(max(0, content["n"].int ?? all.count))
    default: all = all.suffix(max(0, content["n"].int ?? 100))
    }
    let withOutput = content["output"].bool ?? false
    return all.map { entry in
      let code = JSON.string(entry.code)
      return [.integer(entry.session), .integer(entry.line), withOutput ? [code, .null] : code]
    }
  }

  /// `*` is anything, `?` one character.
  private static func matches(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
    var (text, pattern) = (text, pattern)
    var retry: (text: ArraySlice<Unicode.Scalar>, pattern: ArraySlice<Unicode.Scalar>)?
    while true {
      if pattern.first == "*" {
        pattern = pattern.dropFirst()
        retry = (text, pattern)
      } else if let first = text.first, let wanted = pattern.first, wanted == "?" || wanted == first {
        (text, pattern) = (text.dropFirst(), pattern.dropFirst())
      } else if text.isEmpty, pattern.isEmpty {
        return true
      } else if let again = retry, !again.text.isEmpty {
        retry = (again.text.dropFirst(), again.pattern)
        (text, pattern) = (again.text.dropFirst(), again.pattern)
      } else {
        return false
      }
    }
  }
}
