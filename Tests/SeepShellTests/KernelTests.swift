// A front-end of our own talks to the kernel over loopback, byte by byte as the protocol says; no Python needed.
import CZMQ
import Foundation
import Ground
import SeepLanguage
import SeepShell
import Testing

/// A kernel on a thread of its own, and the client's ends of its sockets.
private final class FrontEnd: @unchecked Sendable {
  let codec = KernelCodec(key: "secret")
  let shell: KernelSocket
  let control: KernelSocket
  let heart: KernelSocket
  let input: KernelSocket
  let iopub: KernelSocket
  private let context: UnsafeMutableRawPointer
  private let ended = DispatchSemaphore(value: 0)
  private var waiting: [KernelMessage] = []

  init() throws {
    setenv("SEEP_HISTORY", "", 1)
    var connection = ConnectionFile()
    connection.key = "secret"
    let kernel = try Kernel(connection, Commands.session(seed: 0))
    for (channel, port) in kernel.ports { connection.ports[channel] = port }
    context = try #require(seep_zmq_context())
    shell = try KernelSocket(context, SEEP_ZMQ_DEALER, connect: connection.address("shell"), name: "client")
    input = try KernelSocket(context, SEEP_ZMQ_DEALER, connect: connection.address("stdin"), name: "client")
    control = try KernelSocket(context, SEEP_ZMQ_DEALER, connect: connection.address("control"))
    heart = try KernelSocket(context, SEEP_ZMQ_REQ, connect: connection.address("hb"))
    iopub = try KernelSocket(context, SEEP_ZMQ_SUB, connect: connection.address("iopub"))
    nonisolated(unsafe) let running = kernel
    let thread = Thread { [ended] in
      running.run()
      ended.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    // Subscriptions take effect when the kernel welcomes them.
    while try #require(next(iopub)).type != "iopub_welcome" {}
  }

  func next(_ socket: KernelSocket, seconds: Int32 = 10) -> KernelMessage? {
    socket.receive(within: seconds * 1000).flatMap(codec.message)
  }

  func send(_ type: String, _ content: JSON, on socket: KernelSocket) -> String {
    let frames = codec.frames([], type, content, parent: nil)
    socket.send(frames)
    return codec.message(frames)?.header["msg_id"].text ?? ""
  }

  /// The reply and what was published for it, without `busy` and `idle`.
  func ask(_ type: String, _ content: JSON) throws -> (reply: JSON, published: [KernelMessage]) {
    let request = send(type, content, on: shell)
    var published: [KernelMessage] = []
    var states: [String] = []
    while states.last != "idle" {
      let message = try #require(next(iopub))
      guard message.parent["msg_id"].text == request else { continue }
      if message.type == "status" {
        states.append(message.content["execution_state"].text ?? "")
      } else {
        published.append(message)
      }
    }
    #expect(states == ["busy", "idle"])
    let reply = try #require(next(shell))
    #expect(reply.parent["msg_id"].text == request)
    return (reply.content, published)
  }

  func run(_ code: String) throws -> (reply: JSON, published: [KernelMessage]) {
    try ask("execute_request", ["code": .string(code), "silent": false, "store_history": true])
  }

  /// The statuses of the replies to these requests, in their order.
  func statuses(_ requests: [String]) throws -> [String] {
    var found: [String: String] = [:]
    while found.count < requests.count {
      let reply = try #require(next(shell))
      found[reply.parent["msg_id"].text ?? ""] = reply.content["status"].text
    }
    return requests.map { found[$0] ?? "none" }
  }

  /// Whether the kernel answered and ended.
  func shutdown() -> Bool {
    _ = send("shutdown_request", ["restart": false], on: control)
    let answered = next(control)?.type == "shutdown_reply"
    let isOver = ended.wait(timeout: .now() + 5) == .success
    for socket in [shell, control, heart, input, iopub] { socket.close() }
    seep_zmq_end(context)
    return answered && isOver
  }
}

@Suite("Jupyter kernel", .serialized) struct KernelTests {
  @Test("SHA-256 and HMAC as FIPS 180-4 and RFC 4231 have them") func hashes() {
    func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
    #expect(
      hex(SHA256.of(Array("abc".utf8))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hex(SHA256.of(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      SHA256.hmac([Array("what do ya want ".utf8), Array("for nothing?".utf8)], key: Array("Jefe".utf8))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      SHA256.hmac(
        [Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)],
        key: [UInt8](repeating: 0xaa, count: 131))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }

  @Test("read_line asks the front-end, or is refused where it cannot be asked") func input() throws {
    let front = try FrontEnd()
    let refused = try front.run("read_line(prompt: \"name? \")").reply
    #expect(refused["status"].text == "error" && refused["ename"].text == "no-input")

    let code = "let name = read_line(prompt: \"name? \")\nname + \"!\""
    let request = front.send("execute_request", ["code": .string(code), "allow_stdin": true], on: front.shell)
    let question = try #require(front.next(front.input))
    #expect(question.type == "input_request" && question.parent["msg_id"].text == request)
    #expect(question.content["prompt"].text == "name? " && question.content["password"].bool == false)
    front.input.send(front.codec.frames([], "input_reply", ["value": "é"], parent: question.headerBytes))
    #expect(try front.statuses([request]) == ["ok"])
    var result = try #require(front.next(front.iopub))
    while result.type != "execute_result" { result = try #require(front.next(front.iopub)) }
    #expect(result.content["data"]["text/plain"].text == "\"é!\"")

    // A question can be interrupted, and the cell after it asks anew.
    _ = front.send("execute_request", ["code": "read_line()", "allow_stdin": true], on: front.shell)
    #expect(front.next(front.input)?.type == "input_request")
    _ = front.send("interrupt_request", [:], on: front.control)
    #expect(front.next(front.shell)?.content["ename"].text == "interrupted")
    #expect(front.next(front.control)?.type == "interrupt_reply")
    #expect(front.shutdown())
  }

  @Test("a file that is loaded finds its modules beside it, its path in quotes or not") func loading() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("main.seep").path
    try "use \"m.seep\"\nlet found = m.v + 1".write(toFile: path, atomically: true, encoding: .utf8)
    try "let v = 41".write(to: folder.appendingPathComponent("m.seep"), atomically: true, encoding: .utf8)
    let front = try FrontEnd()
    for command in [":load \(path)", ":load \"\(path)\" ", ":save \"\(path).copy\""] {
      let reply = try front.run(command).reply
      #expect(reply["evalue"].text == nil)
    }
    #expect(try front.run("found").published.last?.content["data"]["text/plain"].text == "42")
    #expect(FileManager.default.fileExists(atPath: path + ".copy"))
    #expect(front.shutdown())
  }

  @Test("runs, shows, completes, is interrupted and ends") func conversation() throws {
    let front = try FrontEnd()
    let info = try front.ask("kernel_info_request", [:]).reply
    #expect(info["language_info"]["name"].text == "seep")

    let sum = try front.run("print(\"hello\")\n6 * 7")
    #expect(sum.reply["status"].text == "ok")
    #expect(sum.published.map(\.type) == ["execute_input", "stream", "execute_result"])
    #expect(sum.published[1].content["text"].text == "hello\n")
    #expect(sum.published[2].content["data"]["text/plain"].text == "42")

    let picture = try front.run("show(rand(1, 8, 8))").published.last
    #expect(picture?.type == "display_data")
    #expect(picture?.content["data"]["image/png"].text?.hasPrefix("iVBOR") == true)

    let broken = try front.run("let a = 1\nlet a = 1 / 0\nlet b = 2")
    #expect(broken.published.map(\.type) == ["execute_input", "error"])
    #expect(broken.reply["ename"].text == "division-by-zero")
    #expect(try front.run("a").published.last?.content["data"]["text/plain"].text == "1")

    // Positions count code points, not bytes.
    let completion = try front.ask(
      "complete_request", ["code": "let ü = \"é\"\nsha", "cursor_pos": 15]
    ).reply
    #expect(completion["matches"].items.compactMap(\.text) == ["share"])
    #expect(completion["cursor_start"].int == 12 && completion["cursor_end"].int == 15)
    let help = try front.ask("inspect_request", ["code": "psnr(a", "cursor_pos": 6]).reply
    #expect(help["found"].bool == true)
    #expect(try front.ask("is_complete_request", ["code": "fn f() {"]).reply["status"].text == "incomplete")

    // An interrupt while a cell runs, by the channel that is served meanwhile.
    _ = front.send("execute_request", ["code": "while true {}"], on: front.shell)
    usleep(200_000)
    let before = Date()
    _ = front.send("interrupt_request", [:], on: front.control)
    #expect(front.next(front.control)?.type == "interrupt_reply")
    let stopped = try #require(front.next(front.shell))
    #expect(stopped.content["ename"].text == "interrupted")
    #expect(Date().timeIntervalSince(before) < 0.5)

    front.heart.send([Array("beat".utf8)])
    #expect(front.heart.receive(within: 2000) == [Array("beat".utf8)])

    // Another key, or frames that are no message: no answer, no end.
    front.shell.send(KernelCodec(key: "other").frames([], "kernel_info_request", [:], parent: nil))
    front.shell.send([[1, 2, 3]])
    #expect(front.next(front.shell, seconds: 1) == nil)
    #expect(front.shutdown())
    // Shutting down interrupts what runs; the next test is none of its business.
    Interrupt.clear()
  }

  @Test("cells that wait while one fails are not run, however late they arrive") func aborts() throws {
    let front = try FrontEnd()
    func request(_ code: String, stop: Bool = true) -> JSON { ["code": .string(code), "stop_on_error": .bool(stop)] }
    _ = try front.run("var ran = 0")
    // Nothing but a stop in the network tells these from cells that are asked for after the error.
    let late = front.codec.frames([], "execute_request", request("ran = 1"), parent: nil)
    let lateName = try #require(front.codec.message(late)?.header["msg_id"].text)
    let sent = ["time()\n1 / 0", "ran = 2", "3"].map { front.send("execute_request", request($0), on: front.shell) }
    #expect(try front.statuses(sent) == ["error", "aborted", "aborted"])
    usleep(200_000)
    front.shell.send(late)
    #expect(try front.statuses([lateName]) == ["aborted"])
    // What is asked after the reply runs, at once.
    let failing = front.send("execute_request", request("1 / 0"), on: front.shell)
    #expect(try front.statuses([failing]) == ["error"])
    let after = front.send("execute_request", request("ran"), on: front.shell)
    #expect(try front.statuses([after]) == ["ok"])
    // A cell that says so does not stop the others.
    let lenient = [("1 / 0", false), ("ran = 4", true)].map {
      front.send("execute_request", request($0.0, stop: $0.1), on: front.shell)
    }
    #expect(try front.statuses(lenient) == ["error", "ok"])
    while front.next(front.iopub, seconds: 1) != nil {}
    #expect(try front.run("ran").published.last?.content["data"]["text/plain"].text == "4")
    #expect(front.shutdown())
    Interrupt.clear()
  }

  @Test("dates tell what was asked before a failure, whatever the clocks show") func dates() {
    func header(_ second: Double, zone: String = "Z") -> JSON {
      let text = second < 10 ? "0\(second)" : "\(second)"
      return ["session": .string(zone), "date": .string("2026-03-01T00:00:\(text)\(zone)")]
    }
    #expect(StaleRequests.seconds("2026-03-01T00:00:01.5Z").map { $0 - 1.5 } == 1_772_323_200)
    for odd in ["", "yesterday", "2026-03-01", "2026-03-01T00:00:xxZ", "99999999999-1-1T0:0:0Z"] {
      #expect(StaleRequests.seconds(odd) == nil)
    }
    // Ours is 1000 s ahead of the client's plus 0.2 s on the way; the reply leaves at the client's 10.
    for zone in ["Z", "+05:30", ""] {
      var stale = StaleRequests()
      let base = StaleRequests.seconds("2026-03-01T00:00:00Z").map { $0 + 1000 } ?? 0
      stale.note(header(1, zone: zone), at: base + 1.2)
      #expect(!stale.contains(header(2, zone: zone), at: base + 2.2))
      stale.fail(at: base + 10)
      #expect(stale.contains(header(9.5, zone: zone), at: base + 10.1))
      #expect(!stale.contains(header(10.2, zone: zone), at: base + 10.4))
      #expect(!stale.contains(header(9.5, zone: zone), at: base + 13))
      #expect(!stale.contains(["session": .string(zone)], at: base + 10.1))
      #expect(!stale.contains(header(9.5, zone: "other"), at: base + 10.1))
    }
  }

  @Test("two kernels do not share their ports") func occupied() throws {
    var connection = ConnectionFile()
    let first = try Kernel(connection, Commands.session(seed: 0))
    for (channel, port) in first.ports { connection.ports[channel] = port }
    let fault = #expect(throws: Fault.self) { _ = try Kernel(connection, Commands.session(seed: 0)) }
    #expect(fault?.code == "no-connection")
    withExtendedLifetime(first) {}
  }
}
