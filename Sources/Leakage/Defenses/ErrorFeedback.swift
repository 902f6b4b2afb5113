// What a compression removed is added to the next update (deep gradient compression, Lin et al., ICLR 2018).
import Autodiff
import Ground
import Networks
import Tensors

/// What a client remembers from one round to the next.
public final class ClientMemory: @unchecked Sendable {  // one client's rounds run one after another
  var residuals: [String: [Tensor]] = [:]
  public init() {}
}

/// `error_feedback(prune(0.99))`: with residual e, at first 0, T(g + e) is sent and e becomes g + e − T(g + e). `federate` keeps
/// each client's residual; a single `share` begins with 0.
public struct ErrorFeedback: Defense {
  public let inner: any Defense

  /// - Throws: `bad-argument` where the defense does more than change the update.
  public init(_ inner: any Defense) throws {
    try requireArgument(
      !inner.needsExamples,
      "error_feedback: \(inner.written) changes the gradients of single examples, which leaves no residual")
    self.inner = inner
  }

  public var written: String { "error_feedback(\(inner.written))" }
  public var keepsZeros: Bool { inner.keepsZeros }
  public var keepsScale: Bool { inner.keepsScale }

  public func prepare(_ round: ClientRound, key: RandomKey) throws -> ClientRound {
    try Chain([inner]).prepare(round, key: key)
  }

  public func update(_ update: Update, _ round: ClientRound?, key: RandomKey) throws -> Update {
    let chain = Chain([inner])
    guard let memory = round?.memory else { return try chain.update(update, round, key: key) }
    let whole =
      try memory.residuals[written].map { residual in
        try update.with(tensors: zip(update.tensors, residual).map { try Tensor.combine(.add, $0, $1) })
      } ?? update
    let sent = try chain.update(whole, round, key: key)
    memory.residuals[written] = try (whole - sent).tensors
    return sent
  }

  /// As the defense inside: the residual is the client's secret.
  public func adapt(_ observed: Observed) throws -> Imitation { try Chain([inner]).adapt(observed) }
}
