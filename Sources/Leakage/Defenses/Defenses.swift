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
    ("clip_value", { try ClipValue($0) }),
    ("dropout_gradient", { try DropoutGradient($0) }),
    ("sign_only", { _ in SignOnly() }),
  ]
}
