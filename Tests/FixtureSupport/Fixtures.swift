// Reads the reference fixtures (Tests/Fixtures, see the README there) for the tests of every floor.
import Foundation
import Ground
import Tensors

/// One topic: its cases and tensors.
public struct Fixtures: @unchecked Sendable {
  public struct Case: @unchecked Sendable {
    public let name: String
    public let op: String
    public let inputs: [String]
    public let outputs: [String]
    public let params: [String: Any]
    public let tolerance: [String: Any]

    public func number(_ key: String) -> Double? { (params[key] as? NSNumber)?.doubleValue }
    public func int(_ key: String) -> Int? { (params[key] as? NSNumber)?.intValue }
    public func ints(_ key: String) -> [Int]? { (params[key] as? [NSNumber])?.map(\.intValue) }
    public func text(_ key: String) -> String? { params[key] as? String }
    public func flag(_ key: String) -> Bool { (params[key] as? NSNumber)?.boolValue ?? false }
    public func limit(_ key: String) -> Double? { (tolerance[key] as? NSNumber)?.doubleValue }
  }

  public let cases: [Case]
  /// Tensors by name; float64 where the file has float64, bytes as int64.
  public let tensors: [String: Tensor]

  /// The folder: `SEEP_FIXTURES`, or Tests/Fixtures beside this file.
  public static let folder: String = {
    if let folder = ProcessInfo.processInfo.environment["SEEP_FIXTURES"] { return folder }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures").path
  }()

  public static func load(_ topic: String) throws -> Fixtures {
    let index = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(topic).json")))
    let entries = (index as? [String: Any])?["cases"] as? [[String: Any]] ?? []
    let cases = entries.map { entry in
      Case(
        name: entry["name"] as? String ?? "", op: entry["op"] as? String ?? "",
        inputs: entry["inputs"] as? [String] ?? [],
        outputs: entry["outputs"] as? [String] ?? [], params: entry["params"] as? [String: Any] ?? [:],
        tolerance: entry["tolerance"] as? [String: Any] ?? [:])
    }
    let path = "\(folder)/\(topic).safetensors"
    return Fixtures(cases: cases, tensors: FileManager.default.fileExists(atPath: path) ? try readTensors(path) : [:])
  }

  public func tensor(_ name: String) throws -> Tensor {
    guard let tensor = tensors[name] else { throw Fault("missing-fixture", "no tensor \(name) in the fixtures") }
    return tensor
  }

  /// A reader of its own, so that the tests of Seep's reader do not rest on it.
  private static func readTensors(_ path: String) throws -> [String: Tensor] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let length = data.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    let header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: [String: Any]] ?? [:]
    var tensors: [String: Tensor] = [:]
    for (name, entry) in header where name != "__metadata__" {
      guard let dtype = entry["dtype"] as? String, let shape = (entry["shape"] as? [NSNumber])?.map(\.intValue),
        let range = (entry["data_offsets"] as? [NSNumber])?.map(\.intValue)
      else { continue }
      let body = data[8 + length + range[0]..<8 + length + range[1]]
      func values<T>(_: T.Type) -> [T] {
        body.withUnsafeBytes { raw in
          (0..<raw.count / MemoryLayout<T>.size).map {
            raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self)
          }
        }
      }
      switch dtype {
      case "F32": tensors[name] = try Tensor(values(Float.self), shape: shape)
      case "F64": tensors[name] = try Tensor(values(Double.self), shape: shape)
      case "I64": tensors[name] = try Tensor(values(Int64.self), shape: shape)
      case "I32": tensors[name] = try Tensor(values(Int32.self).map { Int64($0) }, shape: shape)
      case "U8": tensors[name] = try Tensor(values(UInt8.self).map { Int64($0) }, shape: shape)
      case "BOOL": tensors[name] = try Tensor(values(UInt8.self).map { $0 != 0 }, shape: shape)
      default: throw Fault("bad-fixture", "\(name) has dtype \(dtype)")
      }
    }
    return tensors
  }
}

/// nil if |x - reference| ≤ rtol · max|reference| + atol everywhere (and not-a-number and infinities agree), else a sentence.
public func mismatch(_ x: Tensor, _ reference: Tensor, rtol: Double, atol: Double) throws -> String? {
  guard x.shape == reference.shape else {
    return "has shape \(shapeText(x.shape)), the reference \(shapeText(reference.shape))"
  }
  let (ours, theirs) = (try x.doubles(), try reference.doubles())
  let largest = theirs.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
  var worst = 0.0
  for (a, b) in zip(ours, theirs) {
    if a == b || (a.isNaN && b.isNaN) { continue }
    let difference = abs(a - b)
    if difference.isNaN || !difference.isFinite { return "\(a) where \(b) is expected" }
    worst = max(worst, difference)
  }
  let allowed = rtol * largest + atol
  return worst <= allowed ? nil : "differs by \(worst), allowed \(allowed) (largest \(largest))"
}
