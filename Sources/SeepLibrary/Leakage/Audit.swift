// `audit`: defenses × attacks × images × seeds.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

let auditBuiltins: [Builtin] = [
  Builtin(
    "audit(model:, data:, defenses: [none], attacks:, metrics: none, images: 10, seeds: [0], utility: false, path: none, controls: true, public: none, labels: \"inferred\", adapt: none, batch: 1, margin: 0.05, cluster: \"image\", canary: none, captured: none, retry: false, local_steps: 1, lr: none, local_batch: none, clients: 1, utility_seeds: 3, reidentify: false, trained_on: none, round: none, delta: 1e-5, releases: 1)",
    group: "audit",
    """
    Runs every attack against every defense on the same images and gives a table: means with 95 % intervals, and for each attack its **lift**
    over the strongest control, paired by image.

    - `model`: a model, or a function from a seed to a model, for a fresh victim at each image.
    - `defenses`, `attacks`, `metrics`: lists of values; a function of one's own counts (a defense maps an update, an attack takes
      (shared, model), a metric (private, recovered): a number, or true and false, which count as 1 and 0); {name: "…", defense: …} gives a row its name. The first metric decides about lift.
    - `images`: how many of `data`, or which.
    - `path`: a file that keeps each cell the moment it is done. The same call goes on where it was stopped; two processes may share it.
    - `controls`: true (or "all") runs each attack on a null gradient and on another image of the class too, and for priors the prior alone and, as an
      upper bound, the nearest image it can make; "cheap" spares attacks that have neither a prior nor public images the first two; a list names more.
      `public`: data for the controls retrieval and class mean. Every control is told the labels that the attack it stands beside had found.
    - `labels`: "inferred" by the attacks, or "told" to them. `adapt`: runs attacks that imitate defenses at these levels: ["known", "estimated"]; else
      each does as it was written, and that is "known" unless it says otherwise.
    - `local_steps`, `lr`, `local_batch`: clients take so many steps and send the difference (see `local_update`). `clients`: how many updates a row with
      `secure_aggregate` sums up, each of the next `batch` examples.
    - `trained_on`: the parts of data the victim was trained on (false: none), and `round`, of which round it is: both are recorded with each cell.
    - `delta`, `releases`: each row tells its epsilon at `delta` for so many updates, where it has one.
    - `identified`, a column of its own: is what was found nearest to the private image among the private images of its class? `reidentify`: true asks, where
      labels are people, whether it is nearest to another photograph of the person.
    - `utility`: true trains the model with each defense by ten clients (federated SGD, 100 rounds on four fifths of `public`) and tells its accuracy on
      the rest; or a function of a defense that gives a number or a record of numbers, run for `utility_seeds` seeds of its own; or a record of
      numbers by the defenses' names.
    - `canary`: {shared:, x:, y:}, an update from the client's own code for a known example, must be Seep's own before anything is attacked (see `canary`).
    - `captured`: updates that clients' own code has sent of `images` (see `captured`), instead of those that Seep's client would; defenses change them afterwards.
    - `cluster`: "label" where images of a label depend on each other, as photographs of one person. `margin`: what counts as no difference.
    - `retry`: computes again what failed.

    The table has `.rows` and `.cells`; `save(a, "audit.csv")` writes it, as do `.json`, `.tex` and `.html`. Ctrl-C gives what is done.
    """,
    example: """
      let digits = dataset("digits")
      let a = audit(model: seed => lenet(), data: digits.private, defenses: [none, clip(1)],
        attacks: [class_mean(digits.public)], images: 2)
      print(len(a.rows), a.done)   # expect: 2 4
      """
  ) { call in try run(call) }
]

private func run(_ call: Call) throws -> Value {
  let session = call.session
  let data = try Data.part(call, "data")
  let labels = try data.labels.integers()
  let batch = try call.int("batch", in: 1...4096)
  let clients = try call.int("clients", in: 1...4096)
  let (isFresh, victim) = try AuditArguments.victim(call)
  let defenses = try AuditArguments.defenses(call)
  var plan = AuditPlan(
    defenses: defenses, attacks: try AuditArguments.attacks(call), metrics: try AuditArguments.metrics(call),
    data: try data.images.converted(to: .float32), labels: labels,
    images: try AuditArguments.images(
      call, labels.count, batch: batch * (defenses.contains(where: \.sums) ? clients : 1)),
    seeds: try call.ints("seeds"), victim: victim)
  plan.batch = batch
  plan.clients = clients
  plan.local = try AuditArguments.local(call)
  plan.reidentifies = try call.bool("reidentify")
  plan.round = call.optionalValue("round") == nil ? nil : try call.int("round", in: 0...Int.max)
  let trainedOn = try AuditArguments.trainedOn(call, data)
  plan.isTrainedOn = trainedOn?.isKnown
  plan.tellsLabels = try call.choice("labels", of: ["inferred", "told"]) == "told"
  plan.utility = try AuditArguments.utility(call, defenses)
  // Numbers that are given are the same for every seed.
  plan.utilitySeeds =
    call["utility"].asRecord != nil ? [0] : Array(0..<(try call.int("utility_seeds", in: 1...1000)))
  plan.drawing = { [unowned session] key, body in
    let outer = session.random
    session.random = RandomState(root: key)
    defer { session.random = outer }
    try body()
  }
  plan.explain = { [unowned session] in session.describe($0) }
  try plan.check()
  if let captured = try AuditArguments.captured(call, plan.images, batch: batch, isFresh: isFresh) {
    plan.captured = captured.updates
    plan.victim = { _, _, _ in captured.model }
  }
  let canary = try AuditArguments.canary(call, isFresh: isFresh)
  // The first client's model stands for all.
  let model = try plan.victim(
    plan.seeds[0], plan.images[0], AuditPlan.victimKey(seed: plan.seeds[0], image: plan.images[0]))
  try model.build(for: Array(plan.data.shape.dropFirst()))
  plan.defenses = try AuditArguments.guaranteed(plan, call, model)
  plan.manifest = try AuditArguments.manifest(plan, call, model, data: data.name, isFresh: isFresh)
  if let captured = plan.captured {
    let all = plan.images.compactMap { captured[$0] }
    plan.manifest.append(("captured", "\(all.count) updates #\(try Digest.of(all.flatMap(\.tensors)))"))
  }
  if let canary { plan.manifest.append(("canary", canary)) }
  if let trainedOn { plan.manifest.append(("trained on", trainedOn.mark)) }
  let publicLabels = call.optionalValue("public") == nil ? nil : Set(try Data.part(call, "public").labels.integers())
  plan.remarks = try AuditArguments.remarks(plan, call, publicLabels)
  plan.environment = AuditArguments.environment()
  plan.sources = AuditArguments.sources(plan, call)

  let path = try call.optionalString("path")
  if let path, ![".audit", ".sqlite", ".db"].contains(where: path.hasSuffix) {
    throw call.fault(
      "unknown-format", "the journal of an audit is a .audit or .sqlite file; \"\(path)\" is neither by its name",
      argument: "path", help: "path: \"\(path).audit\"")
  }
  let journal = try Journal(path, manifest: plan.manifest, cells: plan.cells)
  if try call.bool("retry") { try journal.reopenFailures() }
  let isInterrupted = try Auditor(plan, journal, progress: session.progress).run()
  // What is done is the answer to Ctrl-C; what follows runs on.
  if isInterrupted { Interrupt.clear() }
  let clusters =
    try call.choice("cluster", of: ["image", "label"]) == "label"
    ? Dictionary(uniqueKeysWithValues: plan.images.map { ($0, labels[$0]) }) : nil
  let summary = try AuditSummary(
    plan, journal.results(), margin: call.double("margin", in: 0...1e9), clusters: clusters)
  return Value(AuditValue(summary, isInterrupted: isInterrupted))
}
