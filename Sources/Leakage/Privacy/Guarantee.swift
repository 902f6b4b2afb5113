// What differential privacy a defense gives: how far one unit can move what is sent, and what the noise makes of it.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is protected, and from what.
public enum PrivacyUnit: String, Sendable, CaseIterable {
  /// One example of the batch.
  case example
  /// A client's whole update of one round.
  case update
}

/// Which data sets count as neighbours.
public enum Neighbours: String, Sendable, CaseIterable {
  case addOrRemove = "add or remove one"
  case replace = "replace one"
}

/// (ε, δ)-differential privacy with everything the numbers depend on.
public struct Guarantee: Sendable {
  public let epsilon: Double
  /// 0 for pure differential privacy.
  public let delta: Double
  public let unit: PrivacyUnit
  public let neighbours: Neighbours
  public let steps: Int
  public let sampleRate: Double
  /// Standard deviation of the noise over the sensitivity, or for Laplace noise its scale over it.
  public let multiplier: Double
  /// The Rényi order that gave ε; nil for pure differential privacy.
  public let order: Double?
  /// The exact ε, where there is one: without sampling.
  public let exact: Double?
  /// What the number means, in a sentence.
  public let remark: String
}

/// What the accountant is asked.
public struct PrivacyQuestion: Sendable {
  public var steps = 1
  public var sampleRate = 1.0
  public var delta = 1e-5
  public var neighbours = Neighbours.addOrRemove
  /// nil: an example where that can be, else the update.
  public var unit: PrivacyUnit?
  /// Examples of a batch, tensors and numbers of an update, where the answer depends on them.
  public var batch: Int?
  public var tensors: Int?
  public var numbers: Int?
  public var orders = Renyi.orders
  /// Steps a client takes before it sends the difference.
  public var localSteps = 1

  public init() {}

  /// Steps in which the noise of a step is added.
  func steps(of unit: PrivacyUnit) -> Int {
    guard unit == .example else { return steps }
    let (product, overflow) = steps.multipliedReportingOverflow(by: max(1, localSteps))
    return overflow ? .max : product
  }

  func check() throws {
    try requireArgument(steps >= 1, "epsilon: steps must be at least 1, not \(steps)")
    try requireArgument(
      sampleRate > 0 && sampleRate <= 1, "epsilon: the sample rate is a probability above 0, not \(code(sampleRate))")
    try requireArgument(delta > 0 && delta < 1, "epsilon: delta lies between 0 and 1, and it is \(code(delta))")
    try requireArgument(
      !orders.isEmpty && orders.allSatisfy { $0 > 1 && $0 <= 100_000 }, "epsilon: orders lie above 1, up to 100000")
    try requireArgument(
      neighbours == .addOrRemove || sampleRate == 1,
      "epsilon: with sampling, neighbours add or remove one; the bound is not known for those that replace one")
  }
}

/// (ε, δ) of all steps of a defense together.
///
/// - Throws: `no-privacy-bound` where nothing bounds a unit's influence before the noise, or where there is no noise;
///   `needs-size` where the answer depends on a size that was not given; `bad-argument`.
public func epsilon(_ defense: any Defense, _ question: PrivacyQuestion) throws -> Guarantee {
  try question.check()
  let effects = defense.members.flatMap { member in member.privacy.map { (effect: $0, member: member.written) } }
  // Hooks run stage by stage, each in the order of the composition.
  let ordered = (0...3).flatMap { stage in effects.filter { $0.effect.stage == stage } }
  var refusal = Fault("no-privacy-bound", "there is no defense")
  for unit in question.unit.map({ [$0] }) ?? [.example, .update] {
    var walk = SensitivityWalk(unit, question)
    do {
      for (effect, member) in ordered { try walk.pass(effect, member) }
      return try walk.guarantee(of: defense)
    } catch let fault as Fault where fault.code == "no-privacy-bound" { refusal = fault }
  }
  throw refusal
}

/// Follows one unit's influence through the steps of a defense.
struct SensitivityWalk {
  let unit: PrivacyUnit
  let question: PrivacyQuestion

  /// How far the unit can move what there is, by norm: of an example in the sum over the batch, of an update in itself.
  private var reach: [NormKind: Double] = [:]
  /// Why there is none.
  private var lost = "nothing bounds the gradient before its noise"
  /// Examples were mixed, so that no bound on single gradients bounds an example.
  private var mixed: String?
  /// Variance of normal noise so far: on the sum over the batch, and on the mean.
  private var (sumVariance, meanVariance) = (0.0, 0.0)
  private var laplace: Double?
  /// Something came after the noise, so that more noise is post-processing.
  private var frozen = false
  private var noiseBefore: String?
  /// It was Laplace noise after a Euclidean bound.
  private var needsL1 = false
  /// Noise was added that counts for nothing: what there is has no bounded norm any more.
  private var isNoisy = false

  init(_ unit: PrivacyUnit, _ question: PrivacyQuestion) {
    self.unit = unit
    self.question = question
  }

  private var isReleased: Bool { sumVariance > 0 || meanVariance > 0 || laplace != nil }

  mutating func pass(_ effect: PrivacyEffect, _ member: String) throws {
    if isReleased, takesNoMoreNoise(effect) { frozen = true }
    if isReleased {
      if case .looksAtBatch = effect {
        throw Fault(
          "no-privacy-bound",
          "\(member) looks at the batch again after the noise, so what it sends is not protected by it",
          help: "put \(member) before the noise")
      }
      if frozen { return }
    }
    switch effect {
    case .mixesExamples: mixed = member
    case .changesExamples: lose("\(member) changes single gradients after they were bounded")
    case .clipsExamples(let bound, let norm, let perTensor):
      if unit == .example, let mixed {
        lost = "\(mixed) lets one example enter several gradients"
      } else if unit == .update, question.localSteps > 1 {
        lost =
          "\(member) bounds the gradients of each of \(question.localSteps) local steps, and not the difference after them"
      } else {
        bounded(try total(bound, norm, perTensor, member), norm)
      }
    case .noiseOnSum(let deviation): try addNoise(sum: deviation, member)
    case .noise(let deviation): try addNoise(mean: deviation, member)
    case .laplace(let scale): try addLaplace(scale, member)
    case .clips(let bound, let norm, let perTensor):
      if unit == .update {
        bounded(try total(bound, norm, perTensor, member), norm)
      } else if norm == .l1 {
        // Scaling down is no contraction in the sum of absolute values; in the Euclidean norm it is (a projection).
        lose("\(member) comes between the bound on single gradients and the noise")
      } else {
        reach[.l1] = nil
      }
    case .clamps(let bound):
      if unit == .update, let numbers = question.numbers {
        bounded(bound * Double(numbers).squareRoot(), .l2)
        bounded(bound * Double(numbers), .l1)
      }
    case .scales(let factor): reach = reach.mapValues { $0 * abs(factor) }
    case .masks: break
    case .shrinks, .looksAtBatch:
      if unit == .example {
        lose("\(member) comes between the bound on single gradients and the noise")
      } else if isNoisy {
        lose("\(member) comes between \(noiseBefore ?? "noise") and the noise that counts")
      }
    case .arbitrary: lose("\(member) comes between the bound and the noise")
    }
  }

  /// Noise may follow noise; anything else ends the release.
  private func takesNoMoreNoise(_ effect: PrivacyEffect) -> Bool {
    switch effect {
    case .noise, .noiseOnSum: laplace != nil
    default: true
    }
  }

  private mutating func lose(_ why: String) {
    if !reach.isEmpty { lost = why }
    reach = [:]
  }

  private mutating func bounded(_ bound: Double, _ norm: NormKind) {
    isNoisy = false
    reach[norm] = min(bound, reach[norm] ?? .infinity)
    // ‖·‖₂ ≤ ‖·‖₁ ≤ √D ‖·‖₂.
    if norm == .l1 { reach[.l2] = min(bound, reach[.l2] ?? .infinity) }
    if norm == .l2, let numbers = question.numbers {
      reach[.l1] = min(bound * Double(numbers).squareRoot(), reach[.l1] ?? .infinity)
    }
  }

  private func total(_ bound: Double, _ norm: NormKind, _ perTensor: Bool, _ member: String) throws -> Double {
    guard perTensor else { return bound }
    guard let tensors = question.tensors else {
      throw Fault(
        "needs-size", "\(member) bounds each tensor, so epsilon depends on how many an update has",
        help: "epsilon(…, of: shared)")
    }
    return bound * (norm == .l1 ? Double(tensors) : Double(tensors).squareRoot())
  }

  private mutating func addNoise(sum: Double = 0, mean: Double = 0, _ member: String) throws {
    if sum == 0, mean == 0 { return }
    guard reach[.l2] != nil else {
      (noiseBefore, isNoisy) = (member, true)
      return
    }
    sumVariance += sum * sum
    meanVariance += mean * mean
  }

  private mutating func addLaplace(_ scale: Double, _ member: String) throws {
    if isReleased || scale == 0 { return }
    guard reach[.l1] != nil else {
      // It moves no unit: a bound on the Euclidean norm, and normal noise after it, still count.
      needsL1 = reach[.l2] != nil
      (noiseBefore, isNoisy) = (member, true)
      return
    }
    laplace = scale
  }

  // MARK: The answer

  func guarantee(of defense: any Defense) throws -> Guarantee {
    let factor = question.neighbours == .replace ? 2.0 : 1.0
    let isOfUpdate = laplace != nil || (meanVariance > 0 && sumVariance == 0)
    if unit == .example, question.localSteps > 1, isReleased, isOfUpdate {
      throw Fault(
        "no-privacy-bound",
        "\(defense.written) has no epsilon for an example after \(question.localSteps) local steps: later steps depend on it too, and the noise comes once, on the update",
        notes: ["Clipped and noised in each step, or with the whole update clipped, it has one."],
        help: "dp(sigma: 1, clip: 1)")
    }
    if let laplace, let reach = reach[.l1] {
      let scale = unit == .example ? try laplace * Double(batch(defense)) : laplace
      return pure(scale / (reach * factor))
    }
    guard isReleased, let reach = reach[.l2], reach > 0 else { throw refusal(defense) }
    let deviation: Double
    switch unit {
    case .example:
      // Known sizes or not, noise on the sum counts; noise on the mean only with the number of examples.
      // After local steps the noise on the update is one for all of them, so that it does not count.
      if meanVariance == 0 || question.localSteps > 1 || (question.batch == nil && sumVariance > 0) {
        deviation = sumVariance.squareRoot()
      } else {
        let n = Double(try batch(defense))
        deviation = (sumVariance + meanVariance * n * n).squareRoot()
      }
    case .update:
      if sumVariance == 0 || (question.batch == nil && meanVariance > 0) {
        deviation = meanVariance.squareRoot()
      } else {
        let n = Double(try batch(defense))
        deviation = (sumVariance / (n * n) + meanVariance).squareRoot()
      }
    }
    return gaussian(deviation / (reach * factor))
  }

  private func batch(_ defense: any Defense) throws -> Int {
    if let batch = question.batch { return batch }
    throw Fault(
      "needs-size", "epsilon of \(defense.written) depends on the number of examples in a batch",
      help: "epsilon(\(defense.written), batch: 32)")
  }

  private func gaussian(_ z: Double) -> Guarantee {
    let curve = question.orders.map { order in
      (
        order: order,
        value: Double(question.steps(of: unit))
          * Renyi.ofSampledGaussian(multiplier: z, sampleRate: question.sampleRate, order: order)
      )
    }
    let (epsilon, order) = Renyi.epsilon(curve, delta: question.delta)
    let exact =
      question.sampleRate == 1
      ? ExactGaussian.epsilon(multiplier: z / Double(question.steps(of: unit)).squareRoot(), delta: question.delta)
      : nil
    return Guarantee(
      epsilon: epsilon, delta: question.delta, unit: unit, neighbours: question.neighbours,
      steps: question.steps(of: unit), sampleRate: question.sampleRate, multiplier: z, order: order, exact: exact,
      remark: remark)
  }

  /// Steps of pure privacy add up; a sample of rate q gives ln(1 + q(e^ε − 1)).
  private func pure(_ multiplier: Double) -> Guarantee {
    let whole = 1 / multiplier
    let q = question.sampleRate
    let one = q == 1 ? whole : whole > 30 ? whole + log(q + (1 - q) * exp(-whole)) : log1p(q * expm1(whole))
    let total = Double(question.steps) * one
    return Guarantee(
      epsilon: total, delta: 0, unit: unit, neighbours: question.neighbours, steps: question.steps, sampleRate: q,
      multiplier: multiplier, order: nil, exact: q == 1 ? total : nil, remark: remark)
  }

  private var remark: String {
    switch unit {
    case .example: "protects each example of a batch"
    case .update:
      "the bound is on the mean of the batch, so it protects a client's update as a whole, not single examples in it"
        + (question.sampleRate < 1 ? "; sampling helps only against those who do not see which clients take part" : "")
    }
  }

  private func refusal(_ defense: any Defense) -> Fault {
    let written = defense.written
    guard let noiseBefore else {
      return Fault(
        "no-privacy-bound",
        isReleased
          ? "nothing of \(written) can be bounded" : "\(written) adds no noise, so no epsilon bounds what it tells",
        help: "dp(sigma: 1, clip: 1)")
    }
    return Fault(
      "no-privacy-bound", "\(written) has no epsilon: \(needsL1 ? "the sum of absolute values is not bounded" : lost)",
      notes: [
        needsL1
          ? "The bound of Laplace noise is in the sum of absolute values; a Euclidean bound gives one only with the number of entries (`of: shared`)."
          : "Without a bound one \(unit.rawValue) may move what \(noiseBefore) hides by any amount."
      ],
      help: needsL1 ? "clip(1, norm: 1) >> \(noiseBefore)" : suggestion(defense))
  }

  /// The same members with the clipping in front, or with some, and with nothing between it and the noise.
  private func suggestion(_ defense: any Defense) -> String? {
    if unit == .example { return "dp(sigma: 1, clip: 1)" }
    // Clipping, then what keeps a bound, then what loses it.
    func rank(_ member: any Defense) -> Int {
      var rank = 1
      for effect in member.privacy {
        switch effect {
        case .clips, .clipsExamples: return 0
        case .arbitrary: rank = 2
        default: break
        }
      }
      return rank
    }
    func written(_ wanted: Int) -> [String] { defense.members.filter { rank($0) == wanted }.map(\.written) }
    let clips = written(0)
    let text = ((clips.isEmpty ? ["clip(1)"] : clips) + written(1) + written(2)).joined(separator: " >> ")
    return text == defense.written ? nil : text
  }
}
