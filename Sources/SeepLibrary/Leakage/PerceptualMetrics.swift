// How alike two images look to a network.
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Synchronization
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The weights last used, so that a loop over images does not read them again and again.
private enum PerceptualWeights {
  private struct Entry {
    var key: String
    var metric: LPIPS
  }
  private static let last = Mutex<Entry?>(nil)

  static func metric(_ paths: [String], _ backbone: LPIPS.Backbone) throws -> LPIPS {
    let key = backbone.rawValue + paths.map { "|\($0)|\(mark($0))" }.joined()
    if let found = last.withLock({ $0?.key == key ? $0?.metric : nil }) { return found }
    let metric = try LPIPS.load(paths, backbone)
    last.withLock { $0 = Entry(key: key, metric: metric) }
    return metric
  }

  /// What changes when the file does.
  private static func mark(_ path: String) -> String {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return "none" }
    return "\(facts.st_dev) \(facts.st_ino) \(facts.st_size) \(facts.st_mtim.tv_sec) \(facts.st_mtim.tv_nsec)"
  }
}

/// The metric that `backbone` and `weights` of a call mean.
func lpips(_ call: Call) throws -> LPIPS {
  let backbone =
    LPIPS.Backbone(rawValue: try call.choice("backbone", of: LPIPS.Backbone.allCases.map(\.rawValue))) ?? .vgg
  guard let given = call.optionalValue("weights") else {
    if let kept = Home.folder.map({ "\($0)/weights/lpips-\(backbone.rawValue).safetensors" }),
      access(kept, R_OK) == 0
    {
      return try PerceptualWeights.metric([kept], backbone)
    }
    throw Fault(
      "missing-weights", "lpips needs the published weights of \(backbone.rawValue), which do not come with Seep",
      notes: [
        "Write them to a file once, with the Python packages lpips, torchvision and safetensors:",
        backbone.recipe,
        "A file \(Home.folder ?? "SEEP_HOME")/weights/lpips-\(backbone.rawValue).safetensors is found by itself.",
      ],
      help: "lpips(a, b, backbone: \"\(backbone.rawValue)\", weights: \"lpips-\(backbone.rawValue).safetensors\")")
  }
  let paths =
    try given.asItems?.map { item -> String in
      guard let path = item.asString else {
        throw call.fault("type-mismatch", "a path is a string, not \(described(item))", argument: "weights")
      }
      return path
    } ?? [call.string("weights")]
  return try PerceptualWeights.metric(paths, backbone)
}

let perceptualMetricBuiltins: [Builtin] = [
  metric(
    "lpips(a, b, backbone: \"vgg\", weights: none, unit: true, each: false)",
    """
    Learned perceptual distance (version 0.1), 0 if equal, lower is closer. Images in 0…1 are brought to -1…1 (`unit: false`:
    they are already); grey ones are repeated to three channels. `backbone` "vgg" is what GGL reports (at least 16 pixels), "alex" what breaching
    does (at least 31). `weights` is a safetensors file with the published weights, or a list of two files, backbone and heads: the backbone by
    torchvision's names `features.0.weight`, `features.0.bias`, … or lpips' `net.slice1.0.weight`, …; the heads `lin0.model.1.weight` to
    `lin4.model.1.weight`. Without them the error says how to write such a file; `stdlib/weights/lpips-vgg.safetensors` is found by itself.
    """,
    source:
      "Zhang, Isola, Efros, Shechtman, Wang, \"The Unreasonable Effectiveness of Deep Features as a Perceptual Metric\", CVPR 2018.",
    example: "try { lpips(rand(3, 32, 32), rand(3, 32, 32)) } catch e { print(e.code) }  # expect: missing-weights"
  ) { a, b, call in try lpips(call)(a, b, signed: !call.bool("unit")) },
  metric(
    "representation_mse(net, a, b, each: false)",
    "Mean squared difference of what the last dense layer of `net` gets for the two images (GGL's MSE-R, which its tables call RMSE though no root is taken). `net` runs in eval mode; the number depends on it, so compare within one model only.",
    source:
      "Li, Zhang, Liu, Liu, \"Auditing Privacy Defenses in Federated Learning via Generative Gradient Leakage\", CVPR 2022.",
    example:
      "let x = rand(1, 28, 28)\nprint(representation_mse(lenet(), x, x))  # expect: 0.0"
  ) { a, b, call in try representationMSE(model(call, "net"), a, b) },
  metric(
    "feature_mse(net, a, b, labels: none, each: false)",
    "Mean squared difference of the logits of `net` for the two images; with `labels` only of each image's own label's logit (breaching's FMSE).",
    example: "let x = rand(1, 28, 28)\nprint(feature_mse(lenet(), x, x, labels: 3))  # expect: 0.0"
  ) { a, b, call in
    try featureMSE(
      model(call, "net"), a, b, labels: call.optionalValue("labels").map { _ in try labels(call, "labels").integers() })
  },
]
