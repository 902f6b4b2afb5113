// Every case of Tests/Fixtures/leakage whose operation exists, at its stated tolerance. The list of operations that do not
// exist yet is explicit, and a case that belongs to neither fails.
import Autodiff
import Foundation
import FixtureSupport
import Ground
import Leakage
import Networks
import Tensors
import Testing

@Suite struct LeakageFixtureTests {
  /// Operations without an implementation, by the name the fixtures give them.
  static let missing: [String] = []

  @Test("leakage fixtures")
  func all() throws {
    let run = try LeakageFixtureRun()
    var passed: [String: Int] = [:]
    var absent: [String: Int] = [:]
    for test in run.fixtures.cases {
      if Self.missing.contains(test.op) {
        absent[test.op, default: 0] += 1
        continue
      }
      let complaints = try run.check(test)
      #expect(complaints.isEmpty, "\(test.name): \(complaints.joined(separator: "; "))")
      passed[test.op, default: 0] += 1
    }
    print("leakage fixtures: \(passed.values.reduce(0, +)) cases of \(passed.count) operations checked; not yet:")
    for (op, count) in absent.sorted(by: { $0.key < $1.key }) { print("  \(count) of \(op)") }
    #expect(Set(absent.keys) == Set(Self.missing), "an operation in the list of missing ones has no cases")
  }
}

struct LeakageFixtureRun {
  let fixtures: Fixtures
  let models: FixtureModels

  init() throws {
    fixtures = try Fixtures.load("leakage")
    models = FixtureModels(fixtures: fixtures)
  }

  /// What is wrong, in sentences.
  func check(_ test: Fixtures.Case) throws -> [String] {
    switch test.op {
    case "gradient of mean cross-entropy": try gradient(test)
    case "GGL gradient_clipping": try defended(test, Clip(#require(test.number("bound"))))
    case "GGL gradient_compression": try compression(test)
    case "GGL additive_noise with the standard-normal draws given": try noise(test)
    case "GGL perturb_representation": try soteria(test)
    case "label inference from the last layer's gradient": try labels(test)
    case "GGL ng_loss (CelebA version)": try gglLoss(test)
    case "GGL ng_loss (ImageNet version)": try imageNetLoss(test)
    case "GGL AdamReconstructor run (float64)": try imageNetRun(test)
    case "GGL loss and its gradient wrt the latent (second order through the FL model)": try gglSlope(test)
    case "inversefed reconstruction_costs + tv * total_variation, and its gradient wrt the dummy image": try cost(test)
    case "inversefed GradientReconstructor.reconstruct (float64), label inferred by iDLG": try reconstruction(test)
    case "GradInversion/DeepInversion batch-norm statistics loss": try batchNorm(test)
    case "DLG objective sum ||g_dummy - g_true||^2 with soft dummy labels": try dlg(test)
    case "local SGD steps, weight difference", "local SGD steps, final weights": try local(test)
    default: ["no check for the operation \(test.op)"]
    }
  }

  private func compare(_ test: Fixtures.Case, _ results: [(String, Tensor)], _ key: String = "rtol_max") throws
    -> [String]
  {
    let rtol = test.limit(key) ?? 0
    return try results.compactMap { name, value in
      try mismatch(value, fixtures.tensor(name), rtol: rtol, atol: test.limit("atol") ?? 0).map { "\(name) \($0)" }
    }
  }

  private func tensors(_ names: some Sequence<String>) throws -> [Tensor] { try names.map { try fixtures.tensor($0) } }

  private func modelName(_ test: Fixtures.Case) -> String {
    String((test.text("model") ?? "").prefix { $0 != ":" && $0 != " " })
  }

  private func gradient(_ test: Fixtures.Case) throws -> [String] {
    let model = try models.model(modelName(test))
    let (x, y) = (try fixtures.tensor(test.inputs[0]), try fixtures.tensor(test.inputs[1]))
    let loss = try model.lossAndGradient(Variable(x), .classes(y)).loss
    let shared = try share(model, x, y, key: testKey)
    return try compare(test, Array(zip(test.outputs, [loss.value] + shared.tensors)))
  }

  private func defended(_ test: Fixtures.Case, _ defense: any Defense) throws -> [String] {
    let result = try defense.defend(update(tensors(test.inputs)), key: testKey)
    return try compare(test, Array(zip(test.outputs, result.tensors)))
  }

  /// Entries within 1e-6 of the threshold may go either way.
  private func compression(_ test: Fixtures.Case) throws -> [String] {
    let inputs = try tensors(test.inputs)
    let result = try Prune(#require(test.number("percentage")) / 100).defend(update(inputs), key: testKey)
    let thresholds = try #require(test.params["thresholds"] as? [NSNumber]).map(\.doubleValue)
    var complaints: [String] = []
    for (index, name) in test.outputs.enumerated() {
      let values = try inputs[index].doubles()
      for (i, (a, b)) in zip(try result.tensors[index].doubles(), try fixtures.tensor(name).doubles()).enumerated()
      where abs(a - b) > 1e-6 * abs(b) {
        if abs(abs(values[i]) - thresholds[index]) > 1e-6 * thresholds[index] {
          complaints.append("\(name)[\(i)] is \(a), not \(b)")
        }
      }
    }
    return complaints
  }

  private func noise(_ test: Fixtures.Case) throws -> [String] {
    let half = test.inputs.count / 2
    let std = try #require(test.number("std"))
    let sums = try zip(tensors(test.inputs[..<half]), tensors(test.inputs[half...])).map { try $0.multiplyAdd(std, $1) }
    return try compare(test, Array(zip(test.outputs, sums)))
  }

  private func soteria(_ test: Fixtures.Case) throws -> [String] {
    let model = try models.model(modelName(test))
    let images = try fixtures.tensor(test.inputs[0])
    let defense = try Soteria(#require(test.number("pruning_rate")) / 100)
    let ratios = try defense.ratios(model, images)
    let mask = try defense.mask(model, images)
    var complaints: [String] = []
    let reference = try fixtures.tensor(test.outputs[1]).doubles()
    for (a, b) in zip(try ratios.doubles(), reference) where abs(a - b) > 2e-4 * abs(b) + 1e-7 {
      complaints.append("dev \(a), not \(b)")
    }
    // Features within 1e-5 of the threshold may go either way.
    let sorted = reference.sorted()
    let h = Double(sorted.count - 1) * (test.number("pruning_rate") ?? 0) / 100
    let low = Int(h)
    let threshold = sorted[low] + (h - Double(low)) * (sorted[min(low + 1, sorted.count - 1)] - sorted[low])
    for (i, (a, b)) in zip(try mask.doubles(), try fixtures.tensor(test.outputs[0]).doubles()).enumerated()
    where a != b && abs(abs(reference[i]) - threshold) > 1e-5 * abs(threshold) {
      complaints.append("mask[\(i)] is \(a)")
    }
    // The product with the reference's own mask checks the columns; the gradient comes from the fixture.
    let received = try tensors(test.inputs.suffix(6))
    let labels = try Tensor([Int64](repeating: 0, count: images.shape[0]), shape: [images.shape[0]])
    let round = ClientRound(model: model, images: images, labels: labels)
    let hidden = try defense.defend(update(received), round: round, key: testKey).tensors
    for (i, tensor) in hidden.enumerated() where i != 4 {
      if let difference = try mismatch(tensor, received[i], rtol: 0, atol: 0) {
        complaints.append("tensor \(i) \(difference)")
      }
    }
    if complaints.isEmpty,
      try mismatch(mask, fixtures.tensor(test.outputs[0]).converted(to: .float64), rtol: 0, atol: 0) == nil
    {
      complaints += try compare(test, [(test.outputs[2], hidden[4])])
    }
    return complaints
  }

  private func labels(_ test: Fixtures.Case) throws -> [String] {
    let model = try models.model("labelnet")
    let (x, y) = (try fixtures.tensor(test.inputs[0]), try fixtures.tensor(test.inputs[1]))
    let shared = try share(model, x, y, key: testKey)
    let layer = try LastLayer(shared)
    var complaints = try compare(
      test,
      [
        (test.outputs[0], shared.tensors[2]), (test.outputs[1], shared.tensors[3]),
        (test.outputs[2], try Tensor(layer.rowSums, shape: [layer.classes])),
      ])
    for (name, rule) in [("ggl", LabelRule.argsortSum), ("yin", .yin), ("analytic", .biasSign)] {
      let expected = try fixtures.tensor("\(test.name).\(name)").integers().sorted()
      let found = try rule.infer(layer, count: y.size)
      if found != expected { complaints.append("\(rule.name) finds \(found), not \(expected)") }
    }
    if y.size == 1 {
      let truth = try y.integers()
      for rule in [LabelRule.idlg, .combined] where try rule.infer(layer, count: 1) != truth {
        complaints.append("\(rule.name) misses \(truth)")
      }
    }
    return complaints
  }

  /// The loss of GGL for CelebA, adapting as its published code does.
  private func gglObjective(_ test: Fixtures.Case) throws -> GGLObjective {
    let generator = try models.generator()
    let setting = test.params["defense_setting"] as? [String: Any] ?? [:]
    var received = try update(
      tensors(test.inputs.filter { $0.hasPrefix("ggl.") && $0.split(separator: ".").last?.first == "g" }))
    if test.text("input_gradient")?.hasPrefix("clipping of") == true {
      received = try Clip(2).update(received, nil, key: testKey)
    }
    if setting["clipping"] != nil { received.defense = try Clip(1) }
    if setting["compression"] != nil { received.defense = try Prune(0.8) }
    if setting["representation"] != nil { received.defense = try Soteria(0.8) }
    return GGLObjective(
      model: try models.model("fl_resnet18"), matching: try Matching(received, knowing: .published, perTensor: true),
      labels: test.ints("labels") ?? [], latent: 128, squash: test.flag("use_tanh"),
      generate: { z, _ in try generator(z) })
  }

  /// GGL with BigGAN-deep: images brought to 224 pixels by area, torchvision's ResNet-18 with few channels.
  private func imageNetObjective(
    _ test: Fixtures.Case, distance: Distance, weights: TensorWeights, squash: Bool, dtype: DType = .float32
  ) throws -> GGLObjective {
    let names = fixtures.tensors.keys.filter { $0.hasPrefix("biggan.w.") }.sorted()
    let generator = try BigGANDeep(
      names.map { String($0.dropFirst("biggan.w.".count)) }, names.map { try fixtures.tensor($0).converted(to: dtype) },
      upsampling: [true, true, false, true])
    let received = try update((0..<62).map { try fixtures.tensor("ggli.g\($0)").converted(to: dtype) })
    var model = try models.model("fl_tv_resnet18")
    if dtype == .float64 {
      model = try model.with(values: model.parameters.tensors.map { try $0.converted(to: dtype) })
    }
    return GGLObjective(
      model: model, matching: try Matching(received, distance: distance, weights: weights, perTensor: true),
      labels: test.ints("labels") ?? [], latent: generator.latent, squash: squash,
      generate: { z, labels in
        let hot = try Tensor(
          labels.flatMap { label in (0..<generator.classes).map { $0 == label ? 1.0 : 0.0 } },
          shape: [labels.count, generator.classes]
        ).converted(to: dtype)
        return try generator(z, Variable(hot)).resize(height: 224, width: 224)
      })
  }

  private func imageNetLoss(_ test: Fixtures.Case) throws -> [String] {
    let parts = test.name.split(separator: ".").map(String.init)
    let objective = try imageNetObjective(
      test, distance: parts[3] == "l1" ? .l1 : .l2, weights: parts[2] == "halving" ? .halving : .equal,
      squash: test.flag("use_tanh"))
    let z = try fixtures.tensor("ggli.z")
    let reference = try fixtures.tensor(test.outputs[0]).doubles()
    var complaints: [String] = []
    // With gradients kept, and without.
    for losses in [try objective(Variable(z)).losses.value.doubles(), try objective.values(z).losses.doubles()] {
      complaints += zip(losses, reference).compactMap { a, b in
        abs(a - b) <= (test.limit("rtol") ?? 0) * abs(b) + (test.limit("atol") ?? 0) ? nil : "loss \(a), not \(b)"
      }
    }
    return complaints
  }

  private func imageNetRun(_ test: Fixtures.Case) throws -> [String] {
    let squash = test.flag("use_tanh")
    let steps = try #require(test.int("budget"))
    let objective = try imageNetObjective(test, distance: .l2, weights: .equal, squash: squash, dtype: .float64)
    let rates = (0..<steps).map { Schedule.ramp(steps: steps).rate(test.number("lr") ?? 0, at: $0) }
    var adam = Adam(rate: 0)
    var z = try fixtures.tensor("ggli.z").slice(axis: 0, from: 0, to: 1).contiguous().converted(to: .float64)
    var (losses, slopes, points): ([Double], [Double], [Double]) = ([], [], [])
    for step in 0..<steps {
      let (loss, _, slope) = try objective.withSlopes(z)
      adam.rate = rates[step]
      z = try adam.step([z], [slope])[0]
      losses.append(try loss.item())
      slopes += try slope.doubles()
      points += try z.doubles()
    }
    losses.append(try objective(Variable(z)).losses.value.item())  // where the run ends
    func tensor(_ values: [Double], like name: String) throws -> Tensor {
      try Tensor(values, shape: fixtures.tensor(name).shape)
    }
    return try compare(
      test,
      [
        (test.outputs[0], tensor(rates, like: test.outputs[0])),
        (test.outputs[1], tensor(losses, like: test.outputs[1])),
        (test.outputs[2], tensor(slopes, like: test.outputs[2])),
        (test.outputs[3], tensor(points, like: test.outputs[3])),
      ])
  }

  private func gglLoss(_ test: Fixtures.Case) throws -> [String] {
    let losses = try gglObjective(test)(Variable(fixtures.tensor("ggl.z"))).losses.value.doubles()
    let reference = try fixtures.tensor(test.outputs[0]).doubles()
    return zip(losses, reference).compactMap { a, b in
      abs(a - b) <= (test.limit("rtol") ?? 0) * abs(b) + (test.limit("atol") ?? 0) ? nil : "loss \(a), not \(b)"
    }
  }

  private func gglSlope(_ test: Fixtures.Case) throws -> [String] {
    let objective = try gglObjective(test)
    let row = try #require(test.int("latent_row"))
    let z = Variable(try fixtures.tensor("ggl.z").slice(axis: 0, from: row, to: row + 1)).watched()
    let loss = try objective(z).losses.sum()
    let slope = try #require(gradients(of: loss, wrt: [z], recording: false)[0]).value
    return try compare(test, [(test.outputs[0], loss.value), (test.outputs[1], slope.reshape([128]))])
  }

  private func cost(_ test: Fixtures.Case) throws -> [String] {
    let model = try models.model(modelName(test))
    let (x, dummy, y) = (
      try fixtures.tensor(test.inputs[0]), try fixtures.tensor(test.inputs[1]), try fixtures.tensor(test.inputs[2])
    )
    let distances: [String: Distance] = ["sim": .cosine, "simlocal": .cosineLocal, "l2": .l2, "l1": .l1]
    let distance = try #require(distances[test.text("cost_fn") ?? ""])
    let weights = try #require(TensorWeights(rawValue: test.text("weights") ?? ""))
    let indices = test.text("indices") ?? "def"
    let matching = try Matching(
      share(model, x, y, key: testKey), distance: distance, weights: weights,
      largest: indices == "topk-1" ? 4 : nil)  // the published code takes 4 under this name
    let point = Variable(dummy).watched()
    let gradient = try model.gradient(point, .classes(y), recording: true)
    var loss = try matching(gradient.values.map { try $0.unsqueeze(axis: 0) }).sum()
    if let tv = test.number("tv"), tv > 0 { loss = try loss + tv * totalVariation(point) }
    let slope = try #require(gradients(of: loss, wrt: [point], recording: false)[0]).value
    return try compare(test, [(test.outputs[0], loss.value), (test.outputs[1], slope)])
  }

  private func reconstruction(_ test: Fixtures.Case) throws -> [String] {
    var model = try models.model(modelName(test))
    let config = try #require(test.params["config"] as? [String: Any])
    // In float32 100 steps of L-BFGS drift by more than the fixture allows pixels; the reference is in float64, so is this run.
    let dtype: DType = config["optim"] as? String == "adam" ? .float32 : .float64
    model = try model.with(values: model.parameters.tensors.map { try $0.converted(to: dtype) })
    let (x, start, y) = (
      try fixtures.tensor(test.inputs[0]).converted(to: dtype),
      try fixtures.tensor(test.inputs[1]).converted(to: dtype), try fixtures.tensor(test.inputs[2])
    )
    let shared = try share(model, x, y, key: testKey)
    let label = try LabelRule.idlg.infer(shared)
    var complaints: [String] = []
    if label != [try #require(test.params["label_inferred"] as? Int)] { complaints.append("label \(label)") }
    let (mean, std) = (try #require(test.number("mean")), try #require(test.number("std")))
    let attack = try InvertingGradients(
      steps: #require(config["max_iterations"] as? Int), lr: #require(config["lr"] as? NSNumber).doubleValue,
      tv: #require(config["total_variation"] as? NSNumber).doubleValue,
      distance: config["cost_fn"] as? String == "sim" ? .cosine : .l2,
      sign: #require(config["signed"] as? Bool) ? .hard : SlopeSign.none,
      boxed: #require(config["boxed"] as? Bool), low: -mean / std, high: (1 - mean) / std)
    let matching = try Matching(shared, distance: attack.distance)
    var losses: [Double] = []
    let last: Tensor
    if config["optim"] as? String == "adam" {
      last = try attack.descend(from: start, matching, label, model) { _, loss in losses.append(loss) }
    } else {
      last = try descendByLBFGS(from: start, attack, matching, label, model, test) { losses.append($0) }
    }
    let equal = try zip(last.doubles(), fixtures.tensor("\(test.name).x").doubles()).count { abs($0 - $1) <= 1e-3 }
    if Double(equal) < (test.limit("pixels_within_1e-3") ?? 1) * Double(last.size) {
      complaints.append("only \(equal) of \(last.size) pixels agree")
    }
    let reference = try fixtures.tensor("\(test.name).losses").doubles()
    let rtol = test.limit("loss_curve_rtol") ?? test.limit("rtol_max") ?? 0.02
    for (step, (a, b)) in zip(losses, reference).enumerated() where abs(a - b) > rtol * abs(b) {
      complaints.append("loss \(a) at step \(step), not \(b)")
    }
    if losses.count < reference.count { complaints.append("\(losses.count) steps") }
    return complaints
  }

  /// PyTorch's L-BFGS with pixels clamped after each of its steps, at the reference's learning rates.
  private func descendByLBFGS(
    from start: Tensor, _ attack: InvertingGradients, _ matching: Matching, _ label: [Int], _ model: Model,
    _ test: Fixtures.Case, _ report: (Double) -> Void
  ) throws -> Tensor {
    let rates = try fixtures.tensor("\(test.name).lr").doubles()
    var optimiser = LBFGS()
    var images = start
    for step in 0..<attack.steps {
      optimiser.rate = rates[step * rates.count / attack.steps]
      images = try optimiser.step([images]) { point in
        let x = Variable(point[0]).watched()
        let labels = Labels.classes(try Tensor(label.map { Int64($0) }, shape: [label.count]))
        let gradient = try model.gradient(x, labels, recording: true)
        let loss =
          try matching(gradient.values.map { try $0.unsqueeze(axis: 0) }).sum() + attack.variation * totalVariation(x)
        report(try loss.value.item())
        return (try loss.value.item(), [try #require(gradients(of: loss, wrt: [x], recording: false)[0]).value])
      }.point[0]
      images = try images.clamp(attack.low, attack.high)
    }
    return images
  }

  private func batchNorm(_ test: Fixtures.Case) throws -> [String] {
    let model = try models.model(modelName(test))
    let x = Variable(try fixtures.tensor(test.inputs[0])).watched()
    let loss = try batchNormLoss(model, x, first: #require(test.number("first_bn_multiplier")))
    let slope = try #require(gradients(of: loss, wrt: [x], recording: false)[0]).value
    let terms = try batchNormDivergences(model, x).value
    return try compare(test, [(test.outputs[0], loss.value), (test.outputs[2], slope)])
      + compare(test, [(test.outputs[1], weighted(terms, like: test))])
  }

  /// `per_layer` holds the terms with or without the first one's weight; both say the same.
  private func weighted(_ terms: Tensor, like test: Fixtures.Case) throws -> Tensor {
    let reference = try fixtures.tensor(test.outputs[1])
    if try mismatch(terms, reference, rtol: 1e-3, atol: 0) == nil { return terms }
    let first = test.number("first_bn_multiplier") ?? 1
    return try Tensor(
      terms.doubles().enumerated().map { $0.offset == 0 ? $0.element * first : $0.element }, shape: terms.shape)
  }

  private func dlg(_ test: Fixtures.Case) throws -> [String] {
    let model = try models.model(modelName(test))
    let inputs = try tensors(test.inputs.prefix(4))
    let shared = try share(model, inputs[0], inputs[1], key: testKey)
    let (loss, slopes) = try DLGObjective(shared, model, labels: nil).lossAndGradient([inputs[2], inputs[3]])
    return try compare(
      test,
      [(test.outputs[0], Tensor.scalar(loss, .float64)), (test.outputs[1], slopes[0]), (test.outputs[2], slopes[1])])
  }

  private func local(_ test: Fixtures.Case) throws -> [String] {
    let model = try models.model(modelName(test))
    let change = try localUpdate(
      model, fixtures.tensor("fed.x"), fixtures.tensor("fed.y"), steps: #require(test.int("local_steps")),
      lr: #require(test.number("lr")), batch: #require(test.int("batch_size")), key: testKey)
    let results =
      test.flag("use_updates")
      ? change.tensors : try zip(model.parameters.tensors, change.tensors).map { try Tensor.combine(.add, $0, $1) }
    return try compare(test, Array(zip(test.outputs, results)))
  }
}
