// Seep's side of scripts/bench/engine: `engine-bench WORK FOLDER` reads FOLDER/WORK.safetensors, prints `ready`, then for each
// line of standard input runs the work for a while and prints a line of JSON: milliseconds, peak memory, numbers to compare.
import Foundation
import Ground
import Leakage
import Tensors

if CommandLine.arguments.dropFirst().first == "peak" {
  print(try Processor.measuredPeak())
  exit(0)
}
if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "search" {
  do { try serveSearches(library: CommandLine.arguments[2]) } catch {
    FileHandle.standardError.write(Data("engine-bench: \(error)\n".utf8))
    exit(1)
  }
  exit(0)
}
guard CommandLine.arguments.count == 3, let make = works[CommandLine.arguments[1]] else {
  FileHandle.standardError.write(Data("usage: engine-bench WORK FOLDER; works: \(works.keys.sorted())\n".utf8))
  exit(2)
}

/// The most memory this process has held, in MB.
func peakMemory() -> Double {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
  return (line.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
}

do {
  let work = try make("\(CommandLine.arguments[2])/\(CommandLine.arguments[1]).safetensors")
  print("ready")
  fflush(nil)
  while readLine() != nil {
    // Short works run for a quarter of a second, the first time not counted: caches and clocks are cold after a pause.
    let clock = ContinuousClock()
    let begun = clock.now
    var times: [Double] = []
    var result = WorkResult()
    while times.isEmpty || clock.now - begun < .milliseconds(250) {
      let spent = try clock.measure { result = try work() }
      times.append(
        result.milliseconds ?? Double(spent.components.attoseconds) * 1e-15 + Double(spent.components.seconds) * 1e3)
    }
    let counted = (times.count > 1 ? Array(times.dropFirst()) : times).sorted()
    let half = counted.count / 2
    let milliseconds = counted.count % 2 == 1 ? counted[half] : (counted[half - 1] + counted[half]) / 2
    print("{\"ms\": \(milliseconds), \"mb\": \(peakMemory()), \"numbers\": \(result.numbers)}")
    fflush(nil)
  }
} catch {
  FileHandle.standardError.write(Data("engine-bench: \(error)\n".utf8))
  exit(1)
}
