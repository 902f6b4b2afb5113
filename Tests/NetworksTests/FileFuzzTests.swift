// Readers of files of tensors, pictures and networks, with mutated files: see FixtureSupport/Fuzz.swift.
import FixtureSupport
import Foundation
import Ground
import Networks
import Tensors
import Testing

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

@Suite struct FileFuzzTests {
  /// Good files of Tests/Fixtures whose names end so.
  private static func files(_ endings: String...) -> @Sendable () throws -> [[UInt8]] {
    {
      let folder = "\(FixtureTopic.folder)/files"
      return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        .filter { file in endings.contains(where: file.hasSuffix) }.map { try readBytes("\(folder)/\($0)") }
    }
  }

  private static let lists = [
    Array("2\nMale Smiling\n1.jpg -1 1\n2.jpg 1 -1\n".utf8), Array("file,label\na.png,3\nb.png,cat\n".utf8),
  ]

  static let readers: [FuzzReader] = [
    FuzzReader("safetensors", seeds: files(".safetensors")) { _ = try Safetensors.read($0) },
    FuzzReader("npy", seeds: files(".npy")) { _ = try Npy.read($0) },
    FuzzReader("npz", seeds: files(".npz")) { _ = try Npz.read($0) },
    FuzzReader("png", seeds: files(".png"), repair: repaired) { _ = try StoredImage.read($0).tensor() },
    FuzzReader("jpeg", seeds: files(".jpg")) { _ = try StoredImage.read($0).tensor() },
    FuzzReader("idx", seeds: files("-ubyte", ".idx", ".gz")) { _ = try Idx.read($0) },
    FuzzReader("cifar", seeds: files(".bin")) {
      _ = try? Cifar.read10($0)
      _ = try Cifar.read100($0)
    },
    // Shapes are run only for examples so small that they do not blur what reading takes.
    FuzzReader("onnx", seeds: files(".onnx")) {
      _ = try Onnx.read($0, folded: true, largest: 4096, key: RandomKey(seed: 0))
    },
    FuzzReader("attributes", seeds: { lists }) { _ = try ImageFolder("/", listed: $0, attribute: nil) },
  ]

  @Test("a mutated file is read or refused", arguments: readers.filter(\.isChosen).map(\.name))
  func mutations(name: String) throws {
    let report = try #require(Self.readers.first { $0.name == name }).run()
    #expect(report.inputs > 0 && report.refused > 0)
    #expect(report.memory <= 1, "a reader took \(report.memory) times the memory allowed")
    #expect(report.slowest < 5)
  }
}
