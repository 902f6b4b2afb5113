// Mutations of good files through readers: each is read or refused with a Fault, without a trap, a hang, or too much memory.
import Foundation
import Ground

/// SplitMix64.
struct Mutations {
  var state: UInt64

  mutating func next(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(max(bound, 1)))
  }

  /// One to eight changes of `bytes`: bits, bytes, numbers at their limits, pieces cut out, doubled, swapped with those of another file.
  mutating func change(_ original: [UInt8], other: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...next(4) * next(3) {
      guard !bytes.isEmpty else { return bytes }
      // Headers are at the beginning: half of all changes are made there.
      let at = next(next(2) == 0 ? min(bytes.count, 128) : bytes.count)
      let length = min(1 + next(next(4) == 0 ? 64 : 4), bytes.count - at)
      switch next(9) {
      case 0: bytes[at] ^= UInt8(1 << next(8))
      case 1: bytes[at] = UInt8(next(256))
      case 2:
        for i in at..<at + length { bytes[i] = [0, 0xFF, 0x7F, 0x80][next(4)] }
      case 3: bytes.removeSubrange(at..<at + length)
      case 4: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
      case 5: bytes = Array(bytes[..<at])
      case 6 where !other.isEmpty:
        let from = next(other.count)
        bytes.replaceSubrange(at..<at + length, with: other[from..<min(from + length, other.count)])
      case 7:  // a digit of a text
        if let digit = bytes[at...].firstIndex(where: { (0x30...0x39).contains($0) }) {
          bytes[digit] = UInt8(0x30 + next(10))
        }
      default: bytes[at] = bytes[at] &+ UInt8(truncatingIfNeeded: next(3) - 1)
      }
    }
    return bytes
  }
}

/// Peak of live memory since the last call, where scripts/bench/fuzz_files has put its counter in front of malloc.
private let peakCounter: (@convention(c) () -> Int)? = {
  guard let symbol = dlsym(nil, "seep_peak_since_last") else { return nil }
  return unsafeBitCast(symbol, to: (@convention(c) () -> Int).self)
}()

/// A reader of files, and good files to begin with.
public struct FuzzReader: Sendable {
  public let name: String
  /// What the files are that are mutated.
  let seeds: @Sendable () throws -> [[UInt8]]
  /// Changes half of the mutated files once more, such as checksums made right, so that what lies behind them is reached.
  let repair: (@Sendable ([UInt8]) -> [UInt8])?
  /// Reads one, or throws a Fault.
  let read: @Sendable (String) throws -> Void

  public init(
    _ name: String, seeds: @escaping @Sendable () throws -> [[UInt8]],
    repair: (@Sendable ([UInt8]) -> [UInt8])? = nil, read: @escaping @Sendable (String) throws -> Void
  ) {
    (self.name, self.seeds, self.repair, self.read) = (name, seeds, repair, read)
  }

  /// Whether SEEP_FUZZ_READER, which chooses one, is not set or names this one.
  public var isChosen: Bool {
    let choice = ProcessInfo.processInfo.environment["SEEP_FUZZ_READER"] ?? ""
    return choice.isEmpty || choice == name
  }

  /// What a run saw.
  public struct Report {
    public var inputs = 0
    public var refused = 0
    public var slowest = 0.0
    /// Of what is allowed; 0 where memory is not counted.
    public var memory = 0.0
    /// Most bytes that one input took.
    public var peak = 0
  }

  /// Memory that reading may take: 64 times the file, and at least this. A decoder's tables and windows do not shrink with the file: libpng
  /// takes up to 250 KiB for a file of 100 bytes.
  public static let floor = 1 << 20
  static let longest = 5.0

  /// Reads as many mutated files as SEEP_FUZZ_INPUTS says (scripts/bench/fuzz_files asks for a million, and counts memory). A file that takes too much is kept.
  public func run() throws -> Report {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["SEEP_FUZZ_INPUTS"].flatMap { Int($0) } ?? 400
    var random = Mutations(state: UInt64(environment["SEEP_FUZZ_SEED"] ?? "1") ?? 1)
    let base =
      FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : FileManager.default.temporaryDirectory.path
    let path = "\(base)/seep_fuzz.\(getpid()).\(name)"
    defer { unlink(path) }
    let seeds = try seeds()
    guard !seeds.isEmpty else { throw Fault("no-seeds", "there are no files to mutate for \(name)") }
    var report = Report()
    while report.inputs < count, report.memory <= 1, report.slowest <= FuzzReader.longest {
      var bytes = random.change(seeds[random.next(seeds.count)], other: seeds[random.next(seeds.count)])
      if let repair, random.next(2) == 0 { bytes = repair(bytes) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let allowed = max(bytes.count * 64, FuzzReader.floor)
      _ = peakCounter?()
      let start = DispatchTime.now().uptimeNanoseconds
      do { try read(path) } catch is Fault { report.refused += 1 }
      report.slowest = max(report.slowest, Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
      if var peak = peakCounter?() {
        // The testing library keeps a table of what was thrown, and doubles it now and then; the reader takes as much again.
        if peak > allowed {
          do { try read(path) } catch is Fault {}
          peak = min(peak, peakCounter?() ?? peak)
        }
        report.peak = max(report.peak, peak)
        report.memory = max(report.memory, Double(peak) / Double(allowed))
      }
      report.inputs += 1
      if report.memory > 1 || report.slowest > FuzzReader.longest {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(base)/seep_fuzz.failed.\(name)"))
      }
    }
    if environment["SEEP_FUZZ_INPUTS"] != nil {
      let share = (report.memory * 1000).rounded() / 1000
      print(
        "\(name): \(report.inputs) inputs, \(report.refused) refused, slowest \((report.slowest * 1e4).rounded() / 10) ms"
          + (peakCounter == nil ? "" : ", at most \(report.peak >> 10) KiB, \(share) of what is allowed"))
    }
    return report
  }
}
