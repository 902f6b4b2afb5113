// What an audit computes: defenses × attacks × images × seeds, and where each cell's randomness comes from.
import Ground
import Networks
import Tensors

/// What a row of an audit is there for.
public enum AuditRole: Sendable, Equatable {
  case attack
  case control
  /// The same attack on an update that holds no image: the place of the attack among the attacks.
  case null(of: Int)
  /// The same attack on the update of other images of the same classes.
  case wrong(of: Int)
  /// The nearest image that the prior of the attack can make: it is given the secret, so it bounds what can be found.
  case oracle(of: Int)

  /// The attack whose control this is.
  public var base: Int? {
    switch self {
    case .null(let of), .wrong(let of): of
    case .attack, .control, .oracle: nil
    }
  }

  /// In a word, for tables.
  public var kind: String {
    switch self {
    case .attack: "attack"
    case .control: "control"
    case .null: "null gradient"
    case .wrong: "wrong image"
    case .oracle: "upper bound"
    }
  }
}

/// Everything an audit is about. The functions are the caller's: a program's own metric, a fresh victim for each image.
public struct AuditPlan {
  public struct DefenseRow {
    public var name: String
    public var defense: (any Defense)?
    /// Changes where the defense does, though it may print the same.
    public var fingerprint: String
    /// The differential privacy it gives, or why it gives none.
    public var guarantee: Guarantee?
    public var refusal: String?

    /// The server gets a sum over several clients.
    public var sums: Bool { defense?.members.contains { $0 is SecureAggregation } == true }

    public init(name: String, defense: (any Defense)?, fingerprint: String = "") {
      (self.name, self.defense, self.fingerprint) = (name, defense, fingerprint)
    }
  }

  public struct AttackRow {
    public var name: String
    public var attack: any Attack
    public var role: AuditRole
    public var fingerprint: String

    public init(name: String, attack: any Attack, role: AuditRole, fingerprint: String = "") {
      (self.name, self.attack, self.role, self.fingerprint) = (name, attack, role, fingerprint)
    }
  }

  public struct Metric {
    public var name: String
    public var higherIsBetter: Bool
    public var fingerprint: String
    /// Of the private and the recovered image, `[c, h, w]` each.
    public var value: (_ truth: Tensor, _ found: Tensor) throws -> Double

    public init(
      name: String, higherIsBetter: Bool, fingerprint: String = "", value: @escaping (Tensor, Tensor) throws -> Double
    ) {
      (self.name, self.higherIsBetter, self.fingerprint, self.value) = (name, higherIsBetter, fingerprint, value)
    }
  }

  /// How well the model learns under a defense: named numbers, the first of which is plotted.
  public typealias Utility = (_ defense: Int, _ seed: Int, _ key: RandomKey) throws -> [(name: String, value: Double)]

  public var defenses: [DefenseRow]
  public var attacks: [AttackRow]
  /// The first decides about lift.
  public var metrics: [Metric]
  /// `[n, c, h, w]` and n labels; of each index in `images`, the examples from there on are one batch.
  public var data: Tensor
  public var labels: [Int]
  public var images: [Int]
  public var batch = 1
  /// Clients whose updates a defense that aggregates sums up, each with a batch of its own.
  public var clients = 1
  /// What clients do: nil is one gradient.
  public var local: LocalSteps?
  public var seeds: [Int]
  /// Of the trainings that tell the utility.
  public var utilitySeeds = [0]
  /// Is the recovered image nearest to another photograph of the same person? For data whose labels are people.
  public var reidentifies = false
  /// Whether the victim was trained on an example of the data; nil: nobody said.
  public var isTrainedOn: ((_ example: Int) -> Bool)?
  /// The round of federated training the victim is from.
  public var round: Int?
  /// What readers of the table must know.
  public var remarks: [String] = []
  /// What the cells were computed with (versions, processor): told in reports, and no part of what must agree.
  public var environment: [(name: String, value: String)] = []
  /// The text of the caller's functions.
  public var sources: [(name: String, text: String)] = []
  /// Attacks are told the labels.
  public var tellsLabels = false
  /// The model of a client: of this seed and image, drawing from this key.
  public var victim: (_ seed: Int, _ image: Int, _ key: RandomKey) throws -> Model
  public var utility: Utility?
  /// What clients' own code has sent, by the image (the first of a batch), instead of what Seep's client would.
  public var captured: [Int: Update]?
  /// What went wrong, in words, for the journal.
  public var explain: (any Error) -> String = { ($0 as? Fault)?.description ?? "\($0)" }
  /// Runs what may draw from the program's own random numbers, so that those come from this key.
  public var drawing: (_ key: RandomKey, _ body: () throws -> Void) throws -> Void = { try $1() }
  /// Settings as written and digests of what they mean, in the order of the report; what an audit that goes on must agree with.
  public var manifest: [(name: String, value: String)] = []

  public init(
    defenses: [DefenseRow], attacks: [AttackRow], metrics: [Metric], data: Tensor, labels: [Int], images: [Int],
    seeds: [Int], victim: @escaping (Int, Int, RandomKey) throws -> Model
  ) {
    self.defenses = defenses
    self.attacks = attacks
    self.metrics = metrics
    self.data = data
    self.labels = labels
    self.images = images
    self.seeds = seeds
    self.victim = victim
  }
}

/// Several steps of SGD at each client (federated averaging).
public struct LocalSteps: Sendable, Equatable {
  public var steps: Int
  public var rate: Double
  /// Examples of a step; 0: all.
  public var batch: Int

  public init(steps: Int, rate: Double, batch: Int = 0) { (self.steps, self.rate, self.batch) = (steps, rate, batch) }
}

/// One thing to compute.
public struct AuditCell: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    case attack(Int, image: Int)
    /// The model's utility under the defense.
    case utility
  }
  public var id: Int
  public var seed: Int
  public var defense: Int
  public var kind: Kind
  /// The cell that must be done before: a control of an attack is told the labels that the attack found.
  public var needs: Int?
  /// The attack of that cell.
  public var base: Int?

  public init(id: Int, seed: Int, defense: Int, kind: Kind, needs: Int? = nil, base: Int? = nil) {
    (self.id, self.seed, self.defense, self.kind, self.needs, self.base) = (id, seed, defense, kind, needs, base)
  }

  public var image: Int? { if case .attack(_, let image) = kind { image } else { nil } }
  public var attack: Int? { if case .attack(let attack, _) = kind { attack } else { nil } }
}

extension AuditPlan {
  /// All cells, in the order in which they are best computed: an image with everything done to it, then the next, so that an
  /// audit that was stopped has whole images.
  public var cells: [AuditCell] {
    var cells: [AuditCell] = []
    let own = attacks.indices.filter { attacks[$0].role == .attack }
    for seed in seeds {
      for image in images {
        for defense in defenses.indices {
          var places: [Int: Int] = [:]
          func add(_ place: Int, after base: Int?) {
            cells.append(
              AuditCell(
                id: cells.count, seed: seed, defense: defense, kind: .attack(place, image: image),
                needs: base.flatMap { places[$0] }, base: base))
          }
          for place in own {
            places[place] = cells.count
            add(place, after: nil)
          }
          // A control once for each attack, with the labels that one found.
          for (place, row) in attacks.enumerated() where row.role != .attack {
            if row.role == .control, !own.isEmpty {
              for base in own { add(place, after: base) }
            } else {
              add(place, after: row.role.base)
            }
          }
        }
      }
    }
    if utility != nil {
      for seed in utilitySeeds {
        for defense in defenses.indices {
          cells.append(AuditCell(id: cells.count, seed: seed, defense: defense, kind: .utility))
        }
      }
    }
    return cells
  }

  /// The examples of a batch; of all clients where a defense sums them up.
  func examples(_ image: Int, _ defense: Int) -> [Int] {
    Array(image..<image + batch * (defenses[defense].sums ? clients : 1))
  }

  // MARK: Randomness: a function of the seed, the image and what it is for, never of order

  /// For all that is the same in every row: the victim, the client's draws.
  func key(seed: Int, image: Int) -> RandomKey { AuditPlan.key(seed: seed, image: image) }
  static func key(seed: Int, image: Int) -> RandomKey { RandomKey(seed: seed).derive("audit").derive(image) }
  public static func victimKey(seed: Int, image: Int) -> RandomKey { key(seed: seed, image: image).derive("victim") }
  /// For attacks and controls: all draw alike, so that two levels of knowledge, or an attack and its null gradient, differ by what they are
  /// given alone.
  func attackKey(seed: Int, image: Int) -> RandomKey { key(seed: seed, image: image).derive("attack") }

  // MARK: Checks

  /// - Throws: `bad-argument` where there is nothing to do, `index-out-of-range` for an image that is not there.
  public func check() throws {
    try requireArgument(!defenses.isEmpty && !attacks.isEmpty, "an audit needs at least one defense and one attack")
    try requireArgument(!metrics.isEmpty, "an audit needs at least one metric")
    try requireArgument(!images.isEmpty && !seeds.isEmpty, "an audit needs at least one image and one seed")
    try requireArgument(batch >= 1, "a batch has at least one example, not \(batch)")
    try requireArgument(clients >= 1, "an audit has at least one client, not \(clients)")
    if let row = defenses.first(where: \.sums), clients < 2 {
      throw Fault(
        "needs-clients", "\(row.name) sends the sum of several clients' updates, and each image is one client's",
        help: "clients: 4")
    }
    if captured != nil, clients > 1 || local != nil {
      throw Fault(
        "bad-argument", "captured updates are what clients have sent: `clients` and `local_steps` do not apply")
    }
    let most = batch * (defenses.contains(where: \.sums) ? clients : 1)
    for (what, values) in [("image", images), ("seed", seeds)] where Set(values).count < values.count {
      throw Fault("bad-argument", "an \(what) is given twice", notes: ["It would count twice in every mean."])
    }
    for image in images where image < 0 || image + most > labels.count {
      throw Fault(
        "index-out-of-range",
        "image \(image)\(most > 1 ? " and the \(most - 1) after it are" : " is") not among the \(labels.count) images of the data"
      )
    }
    for names in [defenses.map(\.name), attacks.map(\.name), metrics.map(\.name)] {
      if let twice = Dictionary(grouping: names, by: { $0 }).first(where: { $0.value.count > 1 }) {
        throw Fault("duplicate-name", "two rows of the audit are named \(twice.key)", help: "{name: \"…\", …}")
      }
    }
  }
}
