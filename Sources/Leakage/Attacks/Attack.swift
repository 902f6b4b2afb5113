// What an attack is: from an update and a model to a leak, with a declared threat model that limits what it sees.
import Autodiff
import Ground
import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the attacker sees, knows and does.
public struct ThreatModel: Sendable, Equatable {
  public enum Observation: String, Sendable {
    case gradient = "one gradient", difference = "a parameter difference"
  }
  /// Beyond the architecture and the weights, which every server knows.
  public enum Fact: String, Sendable, CaseIterable {
    case exampleCount = "number of examples"
    case labels = "labels"
    case imageShape = "shape of an example"
    case localSteps = "local steps, their rate and the order of the data"
    case defenseKinds = "kinds of defense"
    case defenseParameters = "parameters of the defense"
    case prior = "a generator of such images"
    case publicImages = "public images of the same classes"
  }
  public var observes: Observation
  public var knows: [Fact]
  /// May change weights or architecture; none of these do.
  public var active: Bool

  public init(observes: Observation = .gradient, knows: [Fact], active: Bool = false) {
    self.observes = observes
    self.knows = knows
    self.active = active
  }

  public var description: String {
    "\(active ? "active" : "honest but curious"); sees \(observes.rawValue); knows "
      + (["architecture and weights"] + knows.map(\.rawValue)).joined(separator: ", ")
  }
}

/// What the session gives an attack besides what the attacker sees.
public struct AttackSetting {
  public var key: RandomKey
  /// Labels the attacker is told; nil: it infers them.
  public var labels: [Int]?
  public var progress: any ProgressSink

  public init(key: RandomKey, labels: [Int]? = nil, progress: any ProgressSink = SilentProgress()) {
    self.key = key
    self.labels = labels
    self.progress = progress
  }
}

/// What an attack found.
public struct Leak: Sendable {
  /// `[k, c, h, w]`.
  public var images: Tensor
  public var labels: [Int]
  /// The attack's objective at the images.
  public var loss: Double
  /// Best objective so far, over the rounds of the search.
  public var history: [Double]
  /// Gradients of candidates that were computed.
  public var evaluations: Int
  public var seconds = 0.0
  /// The person stopped it, and this is the best until then. The interrupt flag is still set; its owner clears it.
  public var interrupted: Bool
  /// The attack as written, and what it was allowed.
  public var attack = ""
  public var threatModel = ThreatModel(knows: [])

  public init(
    images: Tensor, labels: [Int], loss: Double, history: [Double] = [], evaluations: Int = 0, interrupted: Bool = false
  ) {
    self.images = images
    self.labels = labels
    self.loss = loss
    self.history = history
    self.evaluations = evaluations
    self.interrupted = interrupted
  }
}

/// Kinds of update an attack may understand besides one gradient taken in eval mode.
public struct Accepted: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// Differences of parameters after several steps (FedAvg).
  public static let differences = Accepted(rawValue: 1)
  /// Batch normalisation by the statistics of the batch.
  public static let trainMode = Accepted(rawValue: 2)
}

/// An attack, as a value that prints as it is written.
public protocol Attack: Sendable {
  /// `dlg()`.
  var written: String { get }
  var threatModel: ThreatModel { get }
  /// Whether it is there to be beaten: what it finds, it does not find in the update.
  var isControl: Bool { get }
  /// Data it was made with and its text does not show: weights of a generator, public images.
  var ingredients: [Tensor] { get }
  /// The attack with other knowledge of the defense; nil where it does not imitate defenses.
  func adapting(_ knowledge: Knowledge) -> (any Attack)?
  /// What kinds of update it understands besides one gradient in eval mode.
  var accepts: Accepted { get }
  /// The work; called by `run` with an update that shows no more than the threat model allows.
  func recover(_ seen: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak
}

extension Attack {
  public var isControl: Bool { false }
  public var ingredients: [Tensor] { [] }
  public func adapting(_ knowledge: Knowledge) -> (any Attack)? { nil }
  public var accepts: Accepted { [] }

  /// Attacks an update.
  ///
  /// - Throws: `shape-mismatch` where the update is not one of the model's, `other-loss`, `other-mode`, and what the attack throws;
  ///   `interrupted` only if nothing was found yet.
  public func run(_ given: Update, _ model: Model, _ setting: AttackSetting) throws -> Leak {
    try given.check(against: model)
    var shared = given
    // One step is a gradient; for a control the mean over several will do.
    if case .difference(let steps, _) = given.kind, steps == 1 || isControl, !accepts.contains(.differences) {
      shared = try given.asGradient
    }
    if shared.mode == .train, !accepts.contains(.trainMode) {
      throw Fault(
        "other-mode",
        "the update was made with batch normalisation in train mode, and \(written) computes in eval mode",
        help: "share(model, x, y, mode: \"eval\")")
    }
    guard shared.kind == .gradient || accepts.contains(.differences) else {
      throw Fault(
        "other-kind", "\(written) needs one gradient, and the update is a difference of parameters after several steps",
        help: "inverting_gradients(), which rehearses the steps of the client")
    }
    let began = now()
    defer { setting.progress.finish(written) }
    var leak = try recover(threatModel.visible(of: shared), model, setting)
    leak.seconds = now() - began
    leak.attack = written
    leak.threatModel = threatModel
    if given.kind != .gradient {
      leak.threatModel.observes = .difference
      if !threatModel.knows.contains(.localSteps) { leak.threatModel.knows.append(.localSteps) }
    }
    if setting.labels != nil, !threatModel.knows.contains(.labels) { leak.threatModel.knows.append(.labels) }
    return leak
  }

  /// Labels the attacker was told, or infers by `rule`.
  func labels(_ seen: Update, _ setting: AttackSetting, _ rule: LabelRule, _ model: Model? = nil) throws -> [Int] {
    if let told = setting.labels {
      guard told.count == seen.examples else {
        throw Fault("shape-mismatch", "\(told.count) labels were given for an update of \(seen.examples) examples")
      }
      return told
    }
    return try rule.infer(seen, model: model, key: setting.key.derive("labels"))
  }
}

extension ThreatModel {
  /// The update without what the attacker does not know.
  func visible(of update: Update) -> Update {
    var seen = update
    if !knows.contains(.defenseKinds) && !knows.contains(.defenseParameters) { seen.defense = nil }
    return seen
  }

  /// What an attack that adapts with this knowledge must declare.
  public static func facts(for knowledge: Knowledge) -> [Fact] {
    switch knowledge {
    case .none: []
    case .estimated, .published: [.defenseKinds]
    case .known: [.defenseKinds, .defenseParameters]
    }
  }
}

/// Seconds of a clock that only goes forward.
func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// `0.0123`, four significant digits.
func short(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return "\(value)" }
  let places = 3 - Int(log10(abs(value)).rounded(.down))
  if places < 0 || places > 8 {
    let exponent = 3 - places
    return "\((value / pow(10, Double(exponent)) * 1000).rounded() / 1000)e\(exponent)"
  }
  let unit = pow(10, Double(places))
  return "\((value * unit).rounded() / unit)"
}

/// Labels as the engine wants them.
func labelTensor(_ labels: [Int]) throws -> Tensor { try Tensor(labels.map(Int64.init), shape: [labels.count]) }

/// The number of classes: outputs of the last dense layer.
func classCount(_ update: Update) throws -> Int {
  guard let place = lastWeight(update.tensors.map(\.shape)) else {
    throw Fault("no-last-layer", "labels are read off the last dense layer, and the update has none")
  }
  return update.tensors[place].shape[0]
}
