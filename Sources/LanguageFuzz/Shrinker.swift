// Makes an input that shows something smaller while it still shows it, in a process of its own per try.
import Foundation

struct Shrinker {
  let options: Options
  /// Tries and seconds per input.
  private static let tries = 400
  private static let seconds = 10.0

  /// What becomes of a text: `crash 11`, `hang`, the kind of a finding; nil for nothing.
  func verdict(_ text: [UInt8]) -> String? {
    let path = "\(options.folder)/.shrinking.seep"
    guard FileManager.default.createFile(atPath: path, contents: Data(text)) else { return nil }
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: options.program)
    process.arguments = ["--one", path, "--limit", "\(options.limit)"]
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationReason == .uncaughtSignal { return "crash \(process.terminationStatus)" }
    switch process.terminationStatus {
    case 0: return nil
    case Watchdog.hang: return "hang"
    case 1: return String(decoding: printed, as: UTF8.self).split(separator: "\n").first.map(String.init)
    default: return "exit \(process.terminationStatus)"
    }
  }

  /// The shortest text found with the same verdict.
  func shrink(_ text: [UInt8]) -> (verdict: String, text: [UInt8])? {
    guard let wanted = verdict(text) else { return nil }
    let end = Watchdog.seconds(CLOCK_MONOTONIC) + Shrinker.seconds
    var best = text
    var tries = 0
    var size = max(1, best.count / 2)
    while size >= 1, tries < Shrinker.tries, Watchdog.seconds(CLOCK_MONOTONIC) < end {
      var at = 0
      var changed = false
      while at < best.count, tries < Shrinker.tries, Watchdog.seconds(CLOCK_MONOTONIC) < end {
        var shorter = best
        shorter.removeSubrange(at..<min(best.count, at + size))
        tries += 1
        if verdict(shorter) == wanted {
          best = shorter
          changed = true
        } else {
          at += size
        }
      }
      if !changed { size = size == 1 ? 0 : size / 2 }
    }
    return (wanted, best)
  }
}
