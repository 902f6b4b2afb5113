// What libFuzzer calls: the same examination for inputs that it makes by what they cover. `scripts/bench/fuzz --guided` links it.
import Foundation

private enum Guided {
  /// The exit status of a process that wants to be started again: compiled programs stay in memory.
  static let again: Int32 = 75
  private static let memory = 2 << 30

  // All of it belongs to the one thread on which libFuzzer calls.
  nonisolated(unsafe) private static let examiner = Examiner()
  nonisolated(unsafe) private static var inputs = 0
  nonisolated(unsafe) private static var programs = 0
  nonisolated(unsafe) private static var values = 0
  nonisolated(unsafe) private static var interrupted = 0

  /// An input that does not end is libFuzzer's to tell, which keeps it.
  private static let isStarted: Bool = {
    setenv("SEEP_MEMORY_LIMIT", "\(256 << 20)", 1)
    Watchdog.start(limit: .infinity)
    atexit { Guided.tellCounts() }
    return true
  }()

  static func tell(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

  /// A line that the script adds up.
  static func tellCounts() {
    tell("guided: \(inputs) inputs, \(programs) programs, \(values) values, \(interrupted) interrupted")
  }

  static func examine(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard isStarted else { return }
    if inputs % 1024 == 1023, ProcessMemory.residentBytes() > memory {
      tellCounts()
      _exit(again)
    }
    Watchdog.next()
    let outcome = examiner.examine(String(decoding: bytes, as: UTF8.self))
    inputs += 1
    if outcome.isProgram { programs += 1 }
    if outcome.isProgram, outcome.code == nil { values += 1 }
    if outcome.code == "interrupted" { interrupted += 1 }
    if let finding = outcome.finding {
      tell("finding: \(finding.kind)\n\(finding.detail)")
      abort()
    }
  }
}

/// The entry point of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
func examineGuidedInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  Guided.examine(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
  return 0
}
