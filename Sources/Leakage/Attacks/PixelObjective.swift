// What attacks on pixels minimise: the distance of the rehearsed update from the one received, plus terms on the images; values and
// slopes for many trials, as many at once as fit in memory.
import Autodiff
import Ground
import Networks
import Tensors

/// scale · distance + terms, for each of several trials.
public struct PixelObjective {
  public let rehearsal: Rehearsal
  public let terms: ImageTerms
  /// Multiplies the distance.
  public let scale: Double
  private let features: ExpectedFeatures?

  /// - Parameter seen: the update, from which the last layer's input is read where `terms` compare it.
  public init(_ rehearsal: Rehearsal, _ seen: Update?, terms: ImageTerms, scale: Double = 1) throws {
    self.rehearsal = rehearsal
    self.terms = terms
    self.scale = scale
    features =
      try terms.features > 0
      ? seen.flatMap { try ExpectedFeatures($0, labels: rehearsal.labels, dtype: rehearsal.model.dtype) } : nil
  }

  /// One number for each trial: `[trials]`.
  public func callAsFunction(_ images: Variable) throws -> Variable {
    let trials = images.shape[0] / max(1, rehearsal.labels.count)
    let found = try rehearsal(images)
    let distances = scale == 1 ? found.distances : try found.distances * scale
    let pass = try terms.needsPass ? found.pass ?? rehearsal.model.forward(images, taps: true) : nil
    guard let extra = try terms(images, trials: trials, labels: rehearsal.labels, pass, features) else {
      return distances
    }
    return try distances + extra
  }

  /// Values, and the slope of each trial's with respect to its own images.
  public func withSlopes(_ images: Tensor) throws -> (losses: [Double], slopes: Tensor) {
    let examples = max(1, rehearsal.labels.count)
    let (total, most) = (images.shape[0], rehearsal.trialsAtOnce * examples)
    if total <= most { return try part(images) }
    var losses: [Double] = []
    var slopes: [Tensor] = []
    for start in stride(from: 0, to: total, by: most) {
      let found = try part(images.slice(axis: 0, from: start, to: min(total, start + most)))
      losses += found.losses
      slopes.append(found.slopes)
    }
    return (losses, try Tensor.concat(slopes, axis: 0))
  }

  private func part(_ images: Tensor) throws -> (losses: [Double], slopes: Tensor) {
    let x = Variable(images).watched()
    let losses = try self(x)
    let slope = try gradients(of: losses.sum(), wrt: [x], recording: false)[0]?.value
    return (try losses.value.doubles(), try slope ?? Tensor.zeros(images.shape, images.dtype))
  }
}
