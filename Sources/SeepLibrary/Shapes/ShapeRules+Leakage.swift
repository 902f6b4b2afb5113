// What is known of data sets, metrics and updates before a program runs.
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

/// `dataset("digits")`.
private final class KnownDataSet: KnownObject {
  let parts: [(name: String, range: Range<Int>)]
  let image: [Int]

  init(_ parts: [(String, Range<Int>)], image: [Int]) {
    self.parts = parts.map { ($0.0, $0.1) }
    self.image = image
  }

  var summary: String { "dataset" }
  func hasField(_ name: String) -> Bool { name == "about" || parts.contains { $0.name == name } }

  func field(_ name: String) throws -> Known {
    guard let part = parts.first(where: { $0.name == name }) else { throw Unclear() }
    return .object(KnownPart(count: part.range.count, image: image))
  }
}

/// A run of examples.
private final class KnownPart: KnownObject {
  /// nil: not known.
  let count: Int?
  let image: [Int]

  init(count: Int?, image: [Int]) {
    self.count = count
    self.image = image
  }

  var summary: String { "data" }
  func hasField(_ name: String) -> Bool { ["images", "labels", "classes"].contains(name) }

  func field(_ name: String) throws -> Known {
    switch name {
    case "images": return .object(try KnownTensor([count] + image, .float32))
    case "labels": return .object(try KnownTensor([count], .int64))
    default: throw Unclear()
    }
  }

  private func example() throws -> Known { .tuple([.object(try KnownTensor(image, .float32)), .unknown]) }

  func index(_ items: [Known?]) throws -> Known {
    guard items.count == 1 else { throw Unclear() }
    switch items[0] {
    case nil: return .object(self)
    case .int(let index)?:
      if let count, index < -count || index >= count { throw Data.outside(index, count) }
      return try example()
    case .range(let from, let to)?:
      let bounds = count.map { TensorIndex.bounds(from, to, $0) }
      return .object(KnownPart(count: bounds.map { $0.1 - $0.0 }, image: image))
    case .list(let places)?: return .object(KnownPart(count: places.count, image: image))
    default: throw Unclear()
    }
  }

  var items: (count: Int?, each: Known)? {
    guard let each = try? example() else { return nil }
    return (count, each)
  }
}

/// A metric of two images or batches.
private let metric: Rule = { call in
  let (a, b) = (try Shapes.tensor(call, "a"), try Shapes.tensor(call, "b"))
  let fits = a.rank == b.rank && zip(a.dims, b.dims).allSatisfy { $0 == nil || $1 == nil || $0 == $1 }
  guard fits else { throw otherImages(call.name, a.label, b.label, argument: call.index(of: "b")) }
  return .unknown
}

/// A metric of pixels, which wants images or batches of them.
private let pixels: Rule = { call in
  _ = try metric(call)
  let a = try Shapes.tensor(call, "a")
  if call.name != "mse" {
    guard try call.double("peak") > 0, try call.double("peak").isFinite else { throw Unclear() }
  }
  guard let size = a.size, size > 0 else { throw Unclear() }
  if !(2...4).contains(a.rank) { throw notImages(a.label) }
  return .unknown
}

/// A client's round: as many labels as images, and examples that the model takes.
private let round: Rule = { call in
  guard let layers = try? KnownModel.layers(call["model"]), !layers.isEmpty else { throw Unclear() }
  let model = Model(layers, key: RandomKey(seed: 0))
  let x = try call.object(as: KnownTensor.self, "x")
  let labels = try Shapes.labels(call, "y")
  // One label may be that of one example without a batch axis.
  func isBatch(_ count: Int) -> Bool {
    count != 1 || ([2, 4].contains(x.rank) && model.fixedExampleRank.map { $0 != x.rank } ?? false)
  }
  if labels.count == 1, let count = labels[0], let images = x.shape, images.count > 1, images[0] != count,
    isBatch(count)
  {
    throw ClientRound.unfit(labels: [count], count: count, images: images)
  }
  return .unknown
}

let leakageRules: [String: Rule] = [
  "dataset": { call in
    switch try call.string("name") {
    case "digits":
      guard try [nil, 28].contains(call.optionalInt("size")) else { throw Unclear() }
      return .object(KnownDataSet(Data.digitParts, image: [1, 28, 28]))
    case "faces":
      let size = try call.optionalInt("size") ?? 64
      guard size == 32 || size == 64 else { throw Unclear() }
      return .object(KnownDataSet(Data.faceParts, image: [1, size, size]))
    default: throw Unclear()
    }
  },
  "mse": pixels, "psnr": pixels, "ssim": pixels, "ms_ssim": pixels, "lpips": metric, "representation_mse": metric,
  "feature_mse": metric,
  "share": round, "local_update": round,
]
