// What the kernel tells all front-ends: status, output, pictures. Text is gathered and leaves every 30 ms, and before anything else.
import CZMQ
import Ground
import Synchronization

final class KernelPublisher: Sendable {
  private struct State {
    var parent: [UInt8]?
    var isSilent = false
    var stream = ""
    var pending: [UInt8] = []
  }
  private let state = Mutex(State())
  private let codec: KernelCodec
  private let socket: KernelSocket

  init(_ socket: KernelSocket, _ codec: KernelCodec) {
    self.socket = socket
    self.codec = codec
  }

  /// Whose request is being answered; `silent` ones publish their status alone.
  func begin(_ message: KernelMessage, silent: Bool = false) {
    state.withLock { state in
      flush(&state)
      state.parent = message.headerBytes
      state.isSilent = silent
    }
  }

  /// Something about the request that is running.
  func publish(_ type: String, _ content: JSON) {
    state.withLock { state in
      flush(&state)
      if !state.isSilent { send(type, content, state.parent) }
    }
  }

  func status(_ status: String, _ message: KernelMessage?) {
    state.withLock { state in
      flush(&state)
      send("status", ["execution_state": .string(status)], message?.headerBytes)
    }
  }

  func write(_ text: String, to stream: String) {
    state.withLock { state in
      if state.isSilent { return }
      if state.stream != stream { flush(&state) }
      state.stream = stream
      state.pending += text.utf8
      if state.pending.count > 1 << 16 { flush(&state) }
    }
  }

  /// Sends what was written, and welcomes who has subscribed since.
  func tend() {
    state.withLock { state in
      flush(&state)
      while let frames = socket.receive(within: 0), let frame = frames.first, let kind = frame.first {
        guard kind == 1 else { continue }
        let topic = String(decoding: frame.dropFirst(), as: UTF8.self)
        socket.send(
          codec.frames([Array(frame.dropFirst())], "iopub_welcome", ["subscription": .string(topic)], parent: nil))
      }
    }
  }

  private func flush(_ state: inout State) {
    guard !state.pending.isEmpty else { return }
    let text = String(decoding: state.pending, as: UTF8.self)
    state.pending.removeAll(keepingCapacity: true)
    send("stream", ["name": .string(state.stream), "text": .string(text)], state.parent)
  }

  private func send(_ type: String, _ content: JSON, _ parent: [UInt8]?) {
    socket.send(codec.frames([Array(type.utf8)], type, content, parent: parent))
  }
}
