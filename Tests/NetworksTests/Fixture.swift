// Reference cases of Tests/Fixtures: the index by JSON, the numbers by the safetensors reader (which FileTests checks
// against bytes written by hand).
import Foundation
import Networks
import Tensors
import Testing

/// One case of an index file.
struct FixtureCase {
  let name: String
  let op: String
  let inputs: [String]
  let outputs: [String]
  let params: [String: Any]
  let tolerance: [String: Any]

  func number(_ key: String) -> Double? { (tolerance[key] as? NSNumber)?.doubleValue }
}

struct FixtureTopic {
  let cases: [FixtureCase]
  let tensors: TensorFile
  private let positions: [String: Int]

  static var folder: String {
    if let given = ProcessInfo.processInfo.environment["SEEP_FIXTURES"] { return given }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Fixtures"
  }

  init(_ topic: String) throws {
    let index = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(topic).json")))
    let list = try #require((index as? [String: Any])?["cases"] as? [[String: Any]])
    cases = list.map {
      FixtureCase(
        name: $0["name"] as? String ?? "", op: $0["op"] as? String ?? "", inputs: $0["inputs"] as? [String] ?? [],
        outputs: $0["outputs"] as? [String] ?? [], params: $0["params"] as? [String: Any] ?? [:],
        tolerance: $0["tolerance"] as? [String: Any] ?? [:])
    }
    tensors = try Safetensors.read("\(Self.folder)/\(topic).safetensors")
    positions = Dictionary(uniqueKeysWithValues: tensors.names.enumerated().map { ($1, $0) })
  }

  subscript(name: String) -> Tensor {
    get throws { tensors.tensors[try #require(positions[name], "no tensor \(name)")] }
  }

  func has(_ name: String) -> Bool { positions[name] != nil }
}

/// max|x − ref|, and max|ref|.
func distance(_ x: Tensor, _ reference: Tensor) throws -> (difference: Double, scale: Double) {
  let (a, b) = (try x.doubles(), try reference.doubles())
  guard a.count == b.count else { return (.infinity, 0) }
  var (difference, scale) = (0.0, 0.0)
  for (a, b) in zip(a, b) where !(a == b || (a.isNaN && b.isNaN)) {
    difference = (a - b).isNaN ? .infinity : max(difference, abs(a - b))
  }
  for b in b where b.isFinite { scale = max(scale, abs(b)) }
  return (difference, scale)
}

/// A new folder for one test, removed with its contents afterwards.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  let path = NSTemporaryDirectory() + "seep-networks-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}
