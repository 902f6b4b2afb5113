// Messages of Jupyter's protocol on ZeroMQ sockets: frames, signatures, headers (jupyter_client, docs/messaging.rst).
import CZMQ
import Ground
import SeepLanguage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a front-end writes for the kernel to find it.
package struct ConnectionFile {
  var transport = "tcp"
  var ip = "127.0.0.1"
  /// By the protocol's names: shell, iopub, stdin, control, hb.
  package var ports: [String: Int] = [:]
  package var key = ""

  static let channels = ["shell", "iopub", "stdin", "control", "hb"]

  init(path: String) throws {
    guard let json = try? JSON(Array(TextFile.read(path).utf8)) else {
      throw Fault("bad-file", "\(path) is not a connection file: it cannot be read as JSON")
    }
    transport = json["transport"].text ?? "tcp"
    ip = json["ip"].text ?? "127.0.0.1"
    key = json["key"].text ?? ""
    if !key.isEmpty, let scheme = json["signature_scheme"].text, scheme != "hmac-sha256" {
      throw Fault("bad-file", "the messages would be signed by \(scheme); Seep signs by hmac-sha256")
    }
    for channel in ConnectionFile.channels {
      guard let port = json["\(channel)_port"].int else {
        throw Fault("bad-file", "\(path) is not a connection file: it has no \(channel)_port")
      }
      ports[channel] = port
    }
  }

  package init() {}

  package func address(_ channel: String) -> String {
    let port = ports[channel] ?? 0
    return transport == "ipc" ? "ipc://\(ip)-\(port)" : "\(transport)://\(ip):\(port == 0 ? "*" : String(port))"
  }
}

package struct KernelMessage {
  /// Who asked, as the ROUTER socket names them.
  var identities: [[UInt8]]
  /// The header as it came, byte by byte: it is the parent of all answers.
  package var headerBytes: [UInt8]
  package var header: JSON
  package var parent: JSON
  package var content: JSON

  package var type: String { header["msg_type"].text ?? "" }
}

/// Packs and unpacks signed messages.
package struct KernelCodec: Sendable {
  let key: [UInt8]
  /// One per running kernel.
  let session = KernelCodec.identifier()
  static let version = "5.5"
  private static let delimiter = Array("<IDS|MSG>".utf8)

  package init(key: String) { self.key = Array(key.utf8) }

  /// Random, in the form of a UUID.
  static func identifier() -> String {
    var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
    bytes[6] = bytes[6] & 15 | 0x40
    bytes[8] = bytes[8] & 63 | 0x80
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return text
  }

  static func date() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let micro = String(now.tv_nsec / 1000)
    let padded = String(repeating: "0", count: 6 - micro.count) + micro
    return
      "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(padded)Z"
  }

  /// The frames of a message; `prefix` is who gets it, or the topic.
  package func frames(
    _ prefix: [[UInt8]], _ type: String, _ content: JSON, parent: [UInt8]?, metadata: JSON = [:]
  ) -> [[UInt8]] {
    let header: JSON = [
      "msg_id": .string(KernelCodec.identifier()), "session": .string(session), "username": "kernel",
      "date": .string(KernelCodec.date()), "msg_type": .string(type), "version": .string(KernelCodec.version),
    ]
    let parts = [header.bytes, parent ?? Array("{}".utf8), metadata.bytes, content.bytes]
    let signature = key.isEmpty ? "" : SHA256.hmac(parts, key: key)
    return prefix + [KernelCodec.delimiter, Array(signature.utf8)] + parts
  }

  /// nil for what is no message, or is not signed with our key.
  package func message(_ frames: [[UInt8]]) -> KernelMessage? {
    guard let at = frames.firstIndex(of: KernelCodec.delimiter), frames.count >= at + 6 else { return nil }
    let parts = Array(frames[(at + 2)..<(at + 6)])
    if !key.isEmpty {
      let expected = Array(SHA256.hmac(parts, key: key).utf8)
      let given = frames[at + 1]
      // The time this takes says nothing about where they differ.
      guard expected.count == given.count, zip(expected, given).reduce(0, { $0 | ($1.0 ^ $1.1) }) == 0 else {
        return nil
      }
    }
    guard let header = try? JSON(parts[0], maximumDepth: 200), let content = try? JSON(parts[3], maximumDepth: 200)
    else {
      return nil
    }
    return KernelMessage(
      identities: Array(frames[..<at]), headerBytes: parts[0], header: header,
      parent: (try? JSON(parts[1], maximumDepth: 200)) ?? .null, content: content)
  }
}

/// A ZeroMQ socket. Used by one thread at a time.
package final class KernelSocket: @unchecked Sendable {
  private let socket: UnsafeMutableRawPointer

  init(_ context: UnsafeMutableRawPointer, _ kind: Int, bind address: String) throws {
    guard let socket = seep_zmq_socket(context, Int32(kind)) else { throw KernelSocket.fault("no socket") }
    self.socket = socket
    guard seep_zmq_bind(socket, address) == 0 else { throw KernelSocket.fault("cannot listen at \(address)") }
  }

  /// - Parameter name: what the kernel calls this client; one name for its shell and stdin sockets, so that the kernel can ask it.
  package init(
    _ context: UnsafeMutableRawPointer, _ kind: Int, connect address: String, name: String? = nil
  ) throws {
    guard let socket = seep_zmq_socket(context, Int32(kind)) else { throw KernelSocket.fault("no socket") }
    self.socket = socket
    if let name { seep_zmq_name(socket, name, name.utf8.count) }
    guard seep_zmq_connect(socket, address) == 0 else { throw KernelSocket.fault("cannot connect to \(address)") }
    if kind == SEEP_ZMQ_SUB { seep_zmq_subscribe(socket) }
  }

  private static func fault(_ what: String) -> Fault {
    Fault("no-connection", "\(what): \(seep_zmq_problem().map { String(cString: $0).lowercased() } ?? "unknown")")
  }

  package func close() { seep_zmq_close(socket) }

  /// The port a `tcp` socket listens at.
  var port: Int {
    var address = [CChar](repeating: 0, count: 256)
    guard seep_zmq_bound(socket, &address, address.count) == 0 else { return 0 }
    let text = String(decoding: address.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return text.split(separator: ":").last.flatMap { Int($0) } ?? 0
  }

  package func send(_ frames: [[UInt8]]) {
    for (index, frame) in frames.enumerated() {
      if seep_zmq_send(socket, frame, frame.count, index + 1 < frames.count ? 1 : 0) != 0 { return }
    }
  }

  /// The frames of the next message; nil if none came in time.
  package func receive(within milliseconds: Int32) -> [[UInt8]]? {
    guard seep_zmq_wait(socket, milliseconds) == 1 else { return nil }
    var frames: [[UInt8]] = []
    while true {
      var data: UnsafeMutableRawPointer?
      var (size, more) = (0, Int32(0))
      guard seep_zmq_receive(socket, 0, &data, &size, &more) == 1, let data else { return nil }
      frames.append(Array(UnsafeRawBufferPointer(start: data, count: size)))
      free(data)
      if more == 0 { return frames }
    }
  }
}
