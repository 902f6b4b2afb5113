// `seep kernel run -f FILE`: a Jupyter kernel. The calling thread runs the cells; one thread echoes heartbeats, one answers on the
// control channel while a cell runs, one sends what was printed.
import CZMQ
import Ground
import SeepLanguage
import SeepLibrary
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

package final class Kernel {
  let session: Session
  let interaction: Interaction
  let codec: KernelCodec
  let publisher: KernelPublisher
  let shell: KernelSocket
  let control: KernelSocket
  private let heart: KernelSocket
  let input: KernelSocket
  private let iopub: KernelSocket
  private let context: UnsafeMutableRawPointer
  var history = History()
  /// What was run, with its number; of earlier sessions without.
  var past: [(line: Int, code: String)] = []
  var earlier: [String] = []
  var executionCount = 0
  var stale = StaleRequests()

  /// Set by a shutdown request; read by all threads.
  final class Stop: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
  }
  let stop = Stop()

  /// - Parameter connection: where to listen; a port 0 is any free one.
  package init(_ connection: ConnectionFile, _ session: Session) throws {
    guard seep_zmq_load() == 0, let context = seep_zmq_context() else {
      throw Fault(
        "missing-library", "the notebook kernel needs libzmq, which is not installed", help: "apt-get install libzmq5")
    }
    self.context = context
    func socket(_ kind: Int, _ channel: String) throws -> KernelSocket {
      try KernelSocket(context, kind, bind: connection.address(channel))
    }
    let router = SEEP_ZMQ_ROUTER
    shell = try socket(router, "shell")
    control = try socket(router, "control")
    input = try socket(router, "stdin")
    heart = try socket(SEEP_ZMQ_REP, "hb")
    iopub = try socket(SEEP_ZMQ_XPUB, "iopub")
    codec = KernelCodec(key: connection.key)
    let publisher = KernelPublisher(iopub, codec)
    self.publisher = publisher
    self.session = session
    interaction = Interaction(session, name: "cell") { publisher.publish("clear_output", ["wait": false]) }
    KernelDisplay.attach(to: session, publisher)
    session.refuseInput(in: "this notebook")
    earlier = history.load()
  }

  /// The ports it listens at, by channel.
  package var ports: [String: Int] {
    ["shell": shell.port, "control": control.port, "stdin": input.port, "hb": heart.port, "iopub": iopub.port]
  }

  /// Until a shutdown request.
  package func run() {
    let (stop, heart, publisher) = (stop, heart, publisher)
    let answerer = ControlAnswerer(control, codec, publisher, stop, info: kernelInfo)
    let threads = [
      Kernel.thread {
        while !stop.isSet { if let beat = heart.receive(within: 100) { heart.send(beat) } }
      },
      Kernel.thread { answerer.run() },
      Kernel.thread {
        while !stop.isSet {
          publisher.tend()
          usleep(30_000)
        }
      },
    ]
    publisher.status("starting", nil)
    while !stop.isSet {
      if let frames = shell.receive(within: 50), let message = codec.message(frames) { take(message) }
    }
    for thread in threads { pthread_join(thread, nil) }
    publisher.tend()
    for socket in [shell, control, input, heart, iopub] { socket.close() }
    seep_zmq_end(context)
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private static func thread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    var thread = pthread_t()
    // Signals are for the thread that runs the cells.
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, &before)
    pthread_create(
      &thread, nil,
      { raw in
        if let raw { Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body() }
        return nil
      }, Unmanaged.passRetained(Work(body)).toOpaque())
    pthread_sigmask(SIG_SETMASK, &before, nil)
    return thread
  }

  /// Answers on the shell channel.
  func reply(_ message: KernelMessage, _ type: String, _ content: JSON) {
    shell.send(codec.frames(message.identities, type, content, parent: message.headerBytes))
  }

  /// Answers a request of the shell channel, or aborts a cell that waited while another failed.
  private func take(_ message: KernelMessage) {
    let now = StaleRequests.now()
    stale.note(message.header, at: now)
    guard message.type == "execute_request", stale.contains(message.header, at: now) else { return answer(message) }
    publisher.begin(message)
    publisher.status("busy", message)
    reply(message, "execute_reply", ["status": "aborted", "execution_count": .integer(executionCount)])
    publisher.status("idle", message)
  }

  var kernelInfo: JSON {
    [
      "status": "ok", "protocol_version": .string(KernelCodec.version), "implementation": "seep",
      "implementation_version": .string(Commands.version),
      "language_info": [
        "name": "seep", "version": .string(Commands.version), "mimetype": "text/x-seep", "file_extension": ".seep",
        "pygments_lexer": "rust", "codemirror_mode": "rust",
      ],
      "banner": "Seep: a small language for seeing what shared gradients leak", "debugger": false,
      "supported_features": [],
      "help_links": [],
    ]
  }
}

/// Answers on the control channel, whatever the cells do.
private final class ControlAnswerer: Sendable {
  private let socket: KernelSocket
  private let codec: KernelCodec
  private let publisher: KernelPublisher
  private let stop: Kernel.Stop
  private let info: JSON

  init(
    _ socket: KernelSocket, _ codec: KernelCodec, _ publisher: KernelPublisher, _ stop: Kernel.Stop, info: JSON
  ) {
    self.socket = socket
    self.codec = codec
    self.publisher = publisher
    self.stop = stop
    self.info = info
  }

  func run() {
    while !stop.isSet {
      guard let frames = socket.receive(within: 100), let message = codec.message(frames) else { continue }
      publisher.status("busy", message)
      let (type, content) = answer(message)
      socket.send(codec.frames(message.identities, type, content, parent: message.headerBytes))
      publisher.status("idle", message)
      if message.type == "shutdown_request" {
        Interrupt.request()
        stop.set()
        return
      }
    }
  }

  private func answer(_ message: KernelMessage) -> (type: String, content: JSON) {
    switch message.type {
    case "kernel_info_request": return ("kernel_info_reply", info)
    case "interrupt_request":
      Interrupt.request()
      return ("interrupt_reply", ["status": "ok"])
    case "shutdown_request":
      return ("shutdown_reply", ["status": "ok", "restart": .bool(message.content["restart"].bool ?? false)])
    default:
      let name = message.type.hasSuffix("_request") ? String(message.type.dropLast(8)) + "_reply" : message.type
      return (
        name, ["status": "error", "ename": "unknown-request", "evalue": "Seep does not answer this", "traceback": []]
      )
    }
  }
}
