// The defenses by their names in Seep: a new one is a file and a line here.

/// Names of defenses, and makers from their one number (ignored where there is none).
public enum Defenses {
  public static let named: [(name: String, make: @Sendable (Double) throws -> any Defense)] = [
    ("noise", { try Noise($0) }),
    ("laplace", { try Laplace($0) }),
    ("clip", { try Clip($0) }),
    ("prune", { try Prune($0) }),
    ("soteria", { try Soteria($0) }),
    ("quantize", { try Quantize(Int($0)) }),
    ("top_k", { try TopK($0) }),
    ("random_k", { try RandomK($0) }),
    ("qsgd", { try QSGD(Int($0)) }),
    ("terngrad", { _ in TernGrad() }),
    ("low_precision", { _ in LowPrecision(.float16) }),
    ("withhold", { try Withhold([.place(Int($0))]) }),
    ("error_feedback", { try ErrorFeedback(Prune($0)) }),
    ("mixup", { try MixUp(max(2, Int($0))) }),
    ("secure_aggregate", { _ in try SecureAggregation() }),
    ("clip_value", { try ClipValue($0) }),
    ("dropout_gradient", { try DropoutGradient($0) }),
    ("sign_only", { _ in SignOnly() }),
  ]
}
