import Ground

final class SourceHandle {}

extension Machine {
  func runNested(_ start: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int]) throws -> Slot {
    throw Fault("unfinished", "the machine's loop is not there yet")
  }
}
