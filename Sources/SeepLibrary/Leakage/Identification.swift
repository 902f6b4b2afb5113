// Does the recovered image say whose image it was?
import Autodiff
import Ground
import Leakage
import SeepLanguage
import Tensors

/// The gallery of a call: images, and labels where it is a part of a data set.
private func gallery(_ call: Call, _ name: String) throws -> (images: Tensor, labels: [Int]?) {
  if let images = call[name].foreign(as: TensorValue.self) { return (images.tensor, nil) }
  let part = try Data.part(call, name)
  return (part.images, try part.labels.integers())
}

/// `[channels, height, width]`.
private func lone(_ call: Call, _ name: String) throws -> Tensor {
  let image = try tensorArgument(call, name).value
  return image.rank == 4 && image.shape[0] == 1 ? try image.select(axis: 0, index: 0) : image
}

/// The index of the secret image, given as such or as the image itself.
private func truth(_ call: Call, in images: Tensor) throws -> Int {
  let count = images.rank == 4 ? images.shape[0] : 0
  guard call["truth"].foreign(as: TensorValue.self)?.tensor.rank ?? 0 > 1 else {
    return try call.int("truth", in: 0...max(0, count - 1))
  }
  let secret = try lone(call, "truth")
  guard count > 0, secret.shape == Array(images.shape.dropFirst()) else {
    throw call.fault(
      "shape-mismatch",
      "the secret image has the shape \(shapeText(secret.shape)), the others \(shapeText(images.shape))",
      argument: "truth")
  }
  let away = try Tensor.combine(.sub, images, secret.converted(to: images.dtype)).map(.square).reduce(
    .sum, axes: [1, 2, 3], keep: false
  ).doubles()
  guard let place = away.firstIndex(of: 0) else {
    throw call.fault("no-such-image", "the secret image is not among the \(count) given", argument: "truth")
  }
  return place
}

let identificationBuiltins: [Builtin] = [
  Builtin(
    "identify(image, gallery, truth, by: \"mse\")", group: "metrics",
    """
    Does the recovered `image`, `[c, h, w]`, point at the secret one? The images of `gallery` are ordered by their distance from it, and
    `truth` is the index of the secret one, or the secret image itself. Where `gallery` is a part of a data set, only its images with the truth's label count, so that knowing
    the label is worth no more than chance; a batch `[n, c, h, w]` is taken whole. The record {rank, hit, chance, distance, nearest, size}: the place
    of the truth from 1, whether it is first, the share of the gallery that would be a hit, its distance, the index of the nearest image, the images that count.
    `by` is "mse" (of values in 0…1), "ssim", a model (its representation) or a function of two images, smaller nearer.

    Source: Yin, Mallya, Vahdat, Alvarez, Kautz, Molchanov, "See through Gradients: Image Batch Recovery via GradInversion", CVPR 2021.
    """,
    example:
      "let d = dataset(\"digits\").private\nlet found = identify(d[5][0] + 0.1, d, 5)\nprint(found.rank, found.hit, found.chance == 1 / found.size)  # expect: 1 true true"
  ) { call in
    let (images, labels) = try gallery(call, "gallery")
    let truth = try truth(call, in: images)
    let places = labels.map { own in own.indices.filter { own[$0] == own[truth] } }
    let chosen =
      try places.map { try images.indexSelect(axis: 0, Tensor($0.map(Int64.init), shape: [$0.count])) } ?? images
    let found = try Leakage.identify(
      lone(call, "image"), in: chosen, truth: places?.firstIndex(of: truth) ?? truth, by: imageDistance(call))
    return Value(record: [
      ("rank", Value(found.rank)), ("hit", Value(found.hit)), ("chance", Value(found.chance)),
      ("distance", Value(found.distance)), ("nearest", Value(places?[found.nearest] ?? found.nearest)),
      ("size", Value(found.size)),
    ])
  },
  Builtin(
    "reidentify(image, data, truth, by: \"mse\")", group: "metrics",
    """
    Does the recovered `image`, `[c, h, w]`, say who it is? It is compared with all photographs of `data`, a part of a data set whose labels are people, except the secret one, number
    `truth` (or itself given as that): a hit is when the nearest is another photograph of the same person. The record {person, hit, chance, distance, rank, nearest, size}: whom the nearest
    shows, whether that is right, the share of the photographs that show the person, the distance to the nearest of them and its rank, the index of the nearest
    photograph, the photographs compared. `by` as in `identify`.
    """,
    example:
      "let d = dataset(\"faces\", size: 32).private\nlet found = reidentify(d[3][0], d, 3)\nprint(found.person, found.hit, \"{found.chance:.3}\")  # expect: 32 true 0.114"
  ) { call in
    let part = try Data.part(call, "data")
    let found = try Leakage.reidentify(
      lone(call, "image"), in: part.images, people: part.labels.integers(), truth: truth(call, in: part.images),
      by: imageDistance(call))
    return Value(record: [
      ("person", Value(found.person)), ("hit", Value(found.hit)), ("chance", Value(found.chance)),
      ("distance", Value(found.distance)), ("rank", Value(found.rank)), ("nearest", Value(found.nearest)),
      ("size", Value(found.size)),
    ])
  },
]
