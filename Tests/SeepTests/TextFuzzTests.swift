// What `load` reads as text, with mutated files: CSV, JSON and the manifests of captured updates. See FixtureSupport/Fuzz.swift.
import FixtureSupport
import Foundation
import Ground
import SeepLanguage
import SeepLibrary
import Testing

@Suite struct TextFuzzTests {
  /// `load`, in a session that nothing else uses.
  private static func load(_ path: String, manifest: String? = nil) throws {
    do {
      _ = try session.invoke(
        loading, [Value(path)], manifest.map { [(name: "manifest", value: Value($0))] } ?? [])
    } catch let failure as Failure {
      throw failure.fault
    }
  }
  nonisolated(unsafe) private static let session = Session(library: SeepLibrary.library)
  private static let loading =
    SeepLibrary.library.builtins.last { $0.name == "load" }.map { Value($0) } ?? .none

  private static func texts(_ texts: String...) -> @Sendable () -> [[UInt8]] { { texts.map { Array($0.utf8) } } }

  /// A file of two tensors that manifests are tried with.
  private static let tensors: String = {
    let path = NSTemporaryDirectory() + "seep_fuzz.\(getpid()).npz"
    _ = try? session.evaluate("save({a: ones(2), b: ones(3)}, \"\(path)\")", name: "fuzz").get()
    return path
  }()

  static let readers: [FuzzReader] = [
    FuzzReader(
      "csv",
      seeds: texts(
        "name,psnr,label\nclip,21.5,3\n\"noise, 0.1\",-9e2,\"say \"\"no\"\"\"\n", "a;b\r\n1;2\r\n\r\n",
        "\u{FEFF}x,y\n,\nnan,inf\n\"two\nlines\",0\n", "a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    ) {
      // Readers of `load` go by the name.
      try renamed($0, ".csv") { try load($0) }
    },
    FuzzReader(
      "json",
      seeds: texts(
        "{\"a\": [1, 2.5e-3, null, true], \"b\": {\"c\": \"\\u00e9\\ud83d\\ude00\\n\", \"d\": []}}",
        "[[[[[[[[1, [2, [3]]]]]]]]]]", "[{\"x\": -0.1}, {\"x\": 9223372036854775807}, {}, \"\", false]",
        "  \"a string\"  ", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]")
    ) {
      try renamed($0, ".json") { try load($0) }
    },
    FuzzReader(
      "manifest",
      seeds: texts(
        "{\"kind\": \"delta\", \"lr\": 0.1, \"steps\": 5, \"examples\": 20, \"batch_size\": 4, \"mode\": \"train\"}",
        "{\"kind\": \"gradient\", \"sign\": -1, \"scale\": 2.5, \"reduction\": \"sum\", \"loss\": \"nll\"}",
        "{\"normalisation\": {\"mean\": [0.5, 0.4], \"std\": [0.5, 0.25]}, \"names\": [\"a\", \"b\"], \"prefix\": \"module.\"}"
      )
    ) {
      try load(tensors, manifest: $0)
    },
  ]

  private static func renamed(_ path: String, _ ending: String, _ body: (String) throws -> Void) throws {
    let name = path + ending
    guard rename(path, name) == 0 else { throw Fault("no-rename", "cannot rename \(path)") }
    defer { unlink(name) }
    try body(name)
  }

  @Test("a mutated text is read or refused", arguments: readers.filter(\.isChosen).map(\.name))
  func mutations(name: String) throws {
    defer { if name == "manifest" { unlink(Self.tensors) } }
    let report = try #require(Self.readers.first { $0.name == name }).run()
    #expect(report.inputs > 0 && report.refused > 0 && report.refused < report.inputs)
    #expect(report.memory <= 1, "a reader took \(report.memory) times the memory allowed")
    #expect(report.slowest < 5)
  }
}
