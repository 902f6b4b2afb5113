// Mutations of good files through every reader: each is read or refused with a Fault, without a trap, a hang, or more memory than 64 times
// the file and a floor. SEEP_FUZZ_INPUTS says how many in all (scripts/bench/fuzz_files asks for a million, and counts memory).
import Foundation
import Ground
import Networks
import Tensors
import Testing

/// SplitMix64.
private struct Mutations {
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

/// Chunk checksums of a PNG made right, so that what lies behind them is reached.
private func repaired(_ png: [UInt8]) -> [UInt8] {
  var bytes = png
  var at = 8
  while at + 12 <= bytes.count {
    let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    guard at + 12 + length <= bytes.count else { break }
    let crc = checksum(bytes[(at + 4)..<(at + 8 + length)])
    for i in 0..<4 { bytes[at + 8 + length + i] = UInt8(truncatingIfNeeded: crc >> (24 - 8 * UInt32(i))) }
    at += 12 + length
  }
  return bytes
}

private func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  var crc = ~UInt32(0)
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 0 ? 0 : 0xEDB8_8320) }
  }
  return ~crc
}

/// Peak of live memory since the last call, where scripts/bench/fuzz_files has put its counter in front of malloc.
private let peakCounter: (@convention(c) () -> Int)? = {
  guard let symbol = dlsym(nil, "seep_peak_since_last") else { return nil }
  return unsafeBitCast(symbol, to: (@convention(c) () -> Int).self)
}()

@Suite struct FileFuzzTests {
  struct Reader: Sendable {
    let name: String
    /// How the files that are mutated end.
    let endings: [String]
    let read: @Sendable (String) throws -> Void
  }

  static let readers: [Reader] = [
    Reader(name: "safetensors", endings: [".safetensors"]) { _ = try Safetensors.read($0) },
    Reader(name: "npy", endings: [".npy"]) { _ = try Npy.read($0) },
    Reader(name: "npz", endings: [".npz"]) { _ = try Npz.read($0) },
    Reader(name: "png", endings: [".png"]) { _ = try StoredImage.read($0).tensor() },
    Reader(name: "jpeg", endings: [".jpg"]) { _ = try StoredImage.read($0).tensor() },
    Reader(name: "idx", endings: ["-ubyte", ".idx", ".gz"]) { _ = try Idx.read($0) },
    Reader(name: "cifar", endings: [".bin"]) {
      _ = try? Cifar.read10($0)
      _ = try Cifar.read100($0)
    },
    // Shapes are run only for examples so small that they do not blur what reading takes.
    Reader(name: "onnx", endings: [".onnx"]) {
      _ = try Onnx.read($0, folded: true, largest: 4096, key: RandomKey(seed: 0))
    },
    Reader(name: "attributes", endings: [".txt"]) { _ = try ImageFolder("/", listed: $0, attribute: nil) },
  ]

  @Test("a mutated file is read or refused", arguments: readers.map(\.name))
  func mutations(name: String) throws {
    let reader = try #require(Self.readers.first { $0.name == name })
    let folder = "\(FixtureTopic.folder)/files"
    var seeds = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      .filter { file in reader.endings.contains(where: file.hasSuffix) }.map { try readBytes("\(folder)/\($0)") }
    if name == "attributes" {
      seeds = [Array("2\nMale Smiling\n1.jpg -1 1\n2.jpg 1 -1\n".utf8), Array("file,label\na.png,3\nb.png,cat\n".utf8)]
    }
    try #require(!seeds.isEmpty)
    let total = ProcessInfo.processInfo.environment["SEEP_FUZZ_INPUTS"].flatMap { Int($0) } ?? 4000
    let count = max(1, total / Self.readers.count)
    var random = Mutations(state: UInt64(ProcessInfo.processInfo.environment["SEEP_FUZZ_SEED"] ?? "1") ?? 1)
    let base =
      FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : FileManager.default.temporaryDirectory.path
    let path = "\(base)/seep_fuzz.\(getpid()).\(name)"
    defer { unlink(path) }
    var (refused, worst, slowest) = (0, 0.0, 0.0)
    for _ in 0..<count {
      var bytes = random.change(seeds[random.next(seeds.count)], other: seeds[random.next(seeds.count)])
      if name == "png", random.next(2) == 0 { bytes = repaired(bytes) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      _ = peakCounter?()
      let start = DispatchTime.now().uptimeNanoseconds
      do { try reader.read(path) } catch is Fault { refused += 1 }
      slowest = max(slowest, Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
      if let peak = peakCounter?() {
        worst = max(worst, Double(peak) / Double(max(bytes.count * 64, 4 << 20)))
        if worst > 1 || slowest > 5 {
          try Data(bytes).write(to: URL(fileURLWithPath: "\(base)/seep_fuzz.failed.\(name)"))
        }
      }
      if worst > 1 || slowest > 5 { break }
    }
    #expect(worst <= 1, "a reader took \(worst) times the memory allowed")
    #expect(slowest < 5)
    if total > 4000 {
      print(
        "\(name): \(count) inputs, \(refused) refused, slowest \(slowest * 1000) ms"
          + (peakCounter == nil ? "" : ", memory at most \(worst) of what is allowed"))
    }
  }
}
