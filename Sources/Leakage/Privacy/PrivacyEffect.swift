// What a defense does to the influence of one unit: all that the accountant needs to know of it.

/// How a length is measured.
public enum NormKind: Int, Sendable { case l1 = 1, l2 = 2 }

/// One step of a defense, in the terms of differential privacy.
public enum PrivacyEffect: Sendable, Equatable {
  // On the batch, before gradients are taken.
  /// An example enters several gradients (MixUp), or the batch is changed in a way nobody knows.
  case mixesExamples

  // On the gradients of single examples.
  /// Each example's gradient by itself, in a way nobody knows.
  case changesExamples
  /// Each example's gradient has at most this norm; `perTensor`: each of its tensors.
  case clipsExamples(bound: Double, norm: NormKind, perTensor: Bool)

  // On their mean.
  /// Normal noise of this standard deviation on the sum.
  case noiseOnSum(Double)

  // On the update.
  /// At most this norm, by scaling down; `perTensor`: each tensor.
  case clips(bound: Double, norm: NormKind, perTensor: Bool)
  /// Each entry is kept within ± bound.
  case clamps(Double)
  case noise(Double)
  /// Laplace noise of this scale b.
  case laplace(Double)
  /// Times a constant.
  case scales(Double)
  /// Drops entries that do not depend on what they are.
  case masks
  /// Makes no norm greater, in a way that depends on the entries.
  case shrinks
  /// Any function of the update alone.
  case arbitrary
  /// A function of the batch as well: what it sends is no post-processing. It makes no norm greater.
  case looksAtBatch

  /// When it happens: batch, examples, mean, update.
  var stage: Int {
    switch self {
    case .mixesExamples: 0
    case .changesExamples, .clipsExamples: 1
    case .noiseOnSum: 2
    case .clips, .clamps, .noise, .laplace, .scales, .masks, .shrinks, .arbitrary, .looksAtBatch: 3
    }
  }
}
