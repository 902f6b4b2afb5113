// `read_line` in a notebook: the front-end asks below the cell.
import Ground
import SeepLanguage

extension Kernel {
  /// While a cell runs whose front-end can ask, `read_line` asks through it; the kernel's own standard input is nobody's.
  func connectInput(_ message: KernelMessage) {
    guard message.content["allow_stdin"].bool == true else { return session.refuseInput(in: "this notebook") }
    let (input, codec, publisher, stop) = (input, codec, publisher, stop)
    session.input = { _, prompt in
      publisher.tend()
      // An answer to a question of an earlier cell, which was interrupted.
      while input.receive(within: 0) != nil {}
      input.send(
        codec.frames(
          message.identities, "input_request", ["prompt": .string(prompt), "password": false],
          parent: message.headerBytes))
      while !stop.isSet {
        try Interrupt.check()
        guard let frames = input.receive(within: 50), let answer = codec.message(frames), answer.type == "input_reply"
        else { continue }
        return answer.content["value"].text ?? ""
      }
      return nil
    }
  }
}
