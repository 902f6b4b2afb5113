// How parameters begin. Every parameter has its own stream, named by the model's key and the parameter's name.
import Ground
import Tensors

/// A rule for first values.
public enum Initialiser: Sendable, Equatable {
  /// PyTorch's layers as they come: weights Kaiming-uniform with a = √5, so both weights and biases are uniform in
  /// ±1/√fan_in; scales 1, shifts 0.
  case torch
  /// DLG (Zhu et al. 2019): every weight and bias uniform in ±0.5.
  case dlg
  /// ResNets: convolutions normal with variance 2/fan_out (He et al. 2015), the rest as `torch`.
  case kaiming
  /// Weights normal with this standard deviation, biases 0 (DCGAN: 0.02).
  case normal(Double)

  /// As written in Seep: `"torch"`, `"dlg"`, `"kaiming"`, `"normal"`.
  /// - Throws: `unknown-option`.
  public init(named name: String) throws {
    let known: [String: Initialiser] = ["torch": .torch, "dlg": .dlg, "kaiming": .kaiming, "normal": .normal(0.02)]
    guard let found = known[name] else {
      throw Fault(
        "unknown-option", "there is no initialiser \"\(name)\"",
        notes: ["Known are torch, dlg, kaiming and normal."],
        help: nearestName(to: name, among: known.keys))
    }
    self = found
  }

  func value(of spec: ParameterSpec, key: RandomKey, dtype: DType) throws -> Tensor {
    let own = key.derive(spec.name)
    switch (self, spec.role) {
    case (.dlg, _): return try Initialiser.uniform(spec.shape, 0.5, own, dtype)
    case (_, .scale): return try .full(spec.shape, 1, dtype)
    case (_, .shift), (.normal, .bias): return try .zeros(spec.shape, dtype)
    case (.normal(let deviation), .weight): return try Initialiser.normal(spec.shape, deviation, own, dtype)
    case (.kaiming, .weight(_, let fanOut, convolution: true)):
      return try Initialiser.normal(spec.shape, (2 / Double(fanOut)).squareRoot(), own, dtype)
    case (_, .weight(let fanIn, _, _)), (_, .bias(let fanIn)):
      return try Initialiser.uniform(spec.shape, 1 / Double(max(fanIn, 1)).squareRoot(), own, dtype)
    }
  }

  private static func uniform(_ shape: [Int], _ bound: Double, _ key: RandomKey, _ dtype: DType) throws -> Tensor {
    try .combine(.mul, .combine(.sub, .uniform(shape, key: key, dtype: dtype), 0.5), 2 * bound)
  }

  private static func normal(_ shape: [Int], _ deviation: Double, _ key: RandomKey, _ dtype: DType) throws -> Tensor {
    try .combine(.mul, .normal(shape, key: key, dtype: dtype), deviation)
  }
}
