// The engine's operations as a profile tells them apart.

/// A kind of work of the engine.
public enum EngineOperation: Int32, CaseIterable, Sendable {
  case matmul
  case convolution, convolutionInputGradient, convolutionWeightGradient
  case elementwise, reduction, normalisation
  case pooling, poolingGradient
  case conversion, copy, gather, scatter, join, patches
  case sort, random, fill, linearAlgebra, distances

  /// As reports show it.
  public var name: String {
    switch self {
    case .matmul: "matmul"
    case .convolution: "convolution"
    case .convolutionInputGradient: "convolution, input gradient"
    case .convolutionWeightGradient: "convolution, weight gradient"
    case .elementwise: "elementwise"
    case .reduction: "reduction"
    case .normalisation: "scale and shift"
    case .pooling: "pooling"
    case .poolingGradient: "pooling, gradient"
    case .conversion: "dtype conversion"
    case .copy: "copy"
    case .gather: "gather"
    case .scatter: "scatter"
    case .join: "concat, pad"
    case .patches: "unfold, fold"
    case .sort: "sort"
    case .random: "random numbers"
    case .fill: "fill"
    case .linearAlgebra: "linear algebra"
    case .distances: "distances"
    }
  }
}
