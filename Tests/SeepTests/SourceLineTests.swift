// What attacks, defenses, metrics, searches and models are taken from: the last line of their help names the paper.
import SeepLibrary
import Testing

@Suite("source lines") struct SourceLineTests {
  private static let groups: Set = ["attacks", "defenses", "metrics", "searches", "models"]

  /// Names that no paper of docs/bibliography.md describes.
  private static let withoutPaper: Set = [
    // Attacks: what attacks are written with.
    "attack", "estimate_defense", "gradient_distance", "imitate", "matching_loss", "report", "run",
    // Defenses.
    "clip_value", "defense", "dropout_gradient", "laplace", "low_precision", "quantize", "random_k", "withhold",
    // Metrics.
    "compare", "feature_mse", "label_accuracy", "mse", "pair", "paired_interval", "psnr", "reidentify",
    // Searches.
    "minimize", "random_search",
    // Models: small networks without a name of their own, files, and what is done with models.
    "accuracy", "calibrate", "cnn", "mlp", "onnx", "summary", "train",
  ]

  /// The last line of each help, by name; of several with one name the last counts, as for a program.
  private static let lastLines: [String: String] = {
    var found: [String: String] = [:]
    for builtin in SeepLibrary.library.builtins where groups.contains(builtin.group) {
      found[builtin.name] = builtin.documentation.split(separator: "\n").last.map(String.init) ?? ""
    }
    return found
  }()

  @Test("the help of each ends with its paper, or it is listed as having none") func named() {
    for (name, line) in SourceLineTests.lastLines.sorted(by: { $0.key < $1.key }) {
      let names = line.hasPrefix("Source: ")
      if SourceLineTests.withoutPaper.contains(name) {
        #expect(!names, "`\(name)` is listed as having no paper, and its help names one: \(line)")
      } else {
        #expect(names, "the help of `\(name)` ends without a line `Source: …`: \(line)")
      }
    }
  }

  @Test("each line has the form Authors, \"Title\", year") func form() {
    for (name, line) in SourceLineTests.lastLines.sorted(by: { $0.key < $1.key }) where line.hasPrefix("Source: ") {
      let years = line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }.filter {
        (1900...2100).contains($0)
      }
      #expect(line.hasSuffix("."), "`\(name)`: \(line)")
      #expect(line.contains("\""), "`\(name)` has no title in quotes: \(line)")
      #expect(!years.isEmpty, "`\(name)` has no year: \(line)")
    }
  }

  @Test("the list of names without a paper holds names of the library only") func current() {
    let unknown = SourceLineTests.withoutPaper.subtracting(SourceLineTests.lastLines.keys)
    #expect(unknown.isEmpty, "no such names: \(unknown.sorted().joined(separator: ", "))")
  }
}
