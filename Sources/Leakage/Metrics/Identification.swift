// Does the recovered image say whose image it was? Pixel errors do not answer that; these do, with the chance of a guess beside.
import Autodiff
import Ground
import Tensors

/// The place of the true image in a gallery ordered by distance from the recovered one.
public struct Identification: Sendable, Equatable {
  /// Of the truth, from 1; images as far as the truth count as before it.
  public let rank: Int
  /// The truth is nearest.
  public let hit: Bool
  /// Share of the gallery that would be a hit: 1/size, or more where images equal the true one.
  public let chance: Double
  /// Of the truth.
  public let distance: Double
  /// Index of the nearest image.
  public let nearest: Int
  public let size: Int
}

/// GradInversion's image identification: is the true image the one of the gallery that is nearest to the recovered one?
///
/// A gallery means something if it is fixed before the attack and all its images have the true label, so that recovering the label alone is
/// worth no more than chance. Images within an L2 distance of 1e-3 of the true one count as the true one.
/// - Parameter truth: index of the true image.
/// - Throws: `out-of-range`, `too-few` for a gallery of one, `shape-mismatch`.
public func identify(_ image: Tensor, in gallery: Tensor, truth: Int, by distance: ImageDistance = .mse) throws
  -> Identification
{
  try checkGallery(gallery, truth)
  let distances = try distance(image, gallery)
  let twins = try mse(
    Variable(gallery.select(axis: 0, index: truth)).unsqueeze(axis: 0).broadcast(to: gallery.shape), Variable(gallery)
  ).value.doubles()
  let pixels = Double(image.size)
  let isTruth = twins.indices.map { $0 == truth || (twins[$0] * pixels).squareRoot() < 1e-3 }
  let own = distances.indices.filter { isTruth[$0] }.map { distances[$0] }.min() ?? .infinity
  let rank = 1 + distances.indices.count { !isTruth[$0] && distances[$0] <= own }
  return Identification(
    rank: rank, hit: rank == 1 && own < .infinity,
    chance: Double(isTruth.count { $0 }) / Double(distances.count),
    distance: own, nearest: nearest(distances), size: distances.count)
}

/// Whom the recovered image looks like.
public struct Reidentification: Sendable, Equatable {
  /// Of the nearest photograph.
  public let person: Int
  /// It is the one on the secret image.
  public let hit: Bool
  /// Share of the gallery that shows the person.
  public let chance: Double
  /// To the nearest photograph of the person.
  public let distance: Double
  /// Of the person's nearest photograph, from 1.
  public let rank: Int
  /// Index of the nearest photograph.
  public let nearest: Int
  public let size: Int
}

/// Re-identification: is the recovered image nearest to another photograph of the same person? The secret photograph itself is not
/// in the gallery, so it takes more than its pixels: what is recovered must say who it is.
/// - Parameters:
///   - people: who is on each photograph.
///   - truth: index of the secret photograph.
/// - Throws: `out-of-range`, `too-few`, `shape-mismatch`; `no-other-image` where the person has no other photograph.
public func reidentify(
  _ image: Tensor, in photographs: Tensor, people: [Int], truth: Int, by distance: ImageDistance = .mse
) throws -> Reidentification {
  try checkGallery(photographs, truth)
  guard people.count == photographs.shape[0] else {
    throw Fault("shape-mismatch", "\(people.count) people were given for \(photographs.shape[0]) photographs")
  }
  let person = people[truth]
  let others = people.indices.filter { $0 != truth }
  let own = others.filter { people[$0] == person }
  guard !own.isEmpty else {
    throw Fault("no-other-image", "person \(person) has no other photograph to be recognised by")
  }
  var distances = try distance(image, photographs)
  distances[truth] = .infinity
  let place = others.min { (distances[$0], $0) < (distances[$1], $1) } ?? truth
  let least = own.map { distances[$0] }.min() ?? .infinity
  let rank = 1 + others.count { people[$0] != person && distances[$0] <= least }
  return Reidentification(
    person: people[place], hit: rank == 1 && least < .infinity, chance: Double(own.count) / Double(others.count),
    distance: least, rank: rank, nearest: place, size: others.count)
}

private func nearest(_ distances: [Double]) -> Int {
  distances.indices.min { (distances[$0], $0) < (distances[$1], $1) } ?? 0
}

private func checkGallery(_ gallery: Tensor, _ truth: Int) throws {
  guard gallery.rank == 4 else {
    throw Fault(
      "bad-shape",
      "a gallery is a batch [n, channels, height, width], and this has the shape \(shapeText(gallery.shape))"
    )
  }
  guard gallery.shape[0] >= 2 else {
    throw Fault("too-few", "a gallery of \(gallery.shape[0]) cannot tell an identification from chance")
  }
  guard truth >= 0, truth < gallery.shape[0] else {
    throw Fault("out-of-range", "the true image is number \(truth) of a gallery of \(gallery.shape[0])")
  }
}
