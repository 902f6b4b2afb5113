// Priors: trained generators of images.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

final class PriorValue: Foreign {
  let prior: Prior
  /// As Seep code.
  let code: String
  init(_ prior: Prior, name: String) {
    self.prior = prior
    code = "prior(\"\(name)\")"
  }

  /// - Parameter size: of images that are not as the file makes them.
  init(_ prior: Prior, name: String, size: Int) {
    self.prior = prior
    code = "prior(\"\(name)\", size: \(size))"
  }

  static let bundled = ["digits", "faces"]

  /// A prior that comes with Seep, or a file.
  static func load(_ call: Call) throws -> PriorValue {
    let name = try call.string("name")
    let size = try call.optionalInt("size")
    guard bundled.contains(name) || name.hasSuffix(".safetensors") else {
      throw call.fault(
        "unknown-option",
        "there is no prior \"\(name)\"; \"digits\" and \"faces\" come with Seep, and a path ends in .safetensors",
        argument: "name", help: nearestName(to: name, among: bundled).map { "prior(\"\($0)\")" })
    }
    let prior = try blaming(call, "name") {
      try Prior.load(bundled.contains(name) ? Home.path("priors/\(name).safetensors") : name)
    }
    guard let size, prior.imageShape.last != size else { return PriorValue(prior, name: name) }
    guard let made = prior.imageShape.last, prior.imageShape[1] == made, size >= 1, made % size == 0 else {
      throw call.fault(
        "out-of-range",
        "this prior makes images of shape \(written(prior.imageShape)), which cannot be averaged to \(size) pixels",
        argument: "size", help: "a divisor of their side")
    }
    return PriorValue(try prior.reduced(by: made / size), name: name, size: size)
  }

  var typeName: String { "prior" }
  var fieldNames: [String] { ["generator", "latent", "classes", "about", "image_shape"] }
  func display(_ style: DisplayStyle) -> String { code }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "generator": Value(ModelValue(prior.generator))
    case "latent": Value(prior.latent)
    case "classes": prior.classes.map { Value($0) } ?? Value.none
    case "about": Value(prior.provenance)
    case "image_shape": Value(list: prior.imageShape.map { Value($0) })
    default: nil
    }
  }
}

/// The class asked for; a prior without classes needs none.
private func label(_ call: Call, _ prior: Prior) throws -> Int {
  if let label = try call.optionalInt("label") { return label }
  guard let classes = prior.classes else { return 0 }
  throw Fault(
    "missing-argument", "`\(call.name)` needs a `label`: the prior makes images of the classes 0 to \(classes - 1)",
    help: "\(call.name)(…, label: 3)")
}

let priorBuiltins: [Builtin] = [
  Builtin(
    "prior(name, size: none)", group: "priors",
    """
    A generator of images that an attack can search. \"digits\" (a trained class-conditional GAN, 28×28) and \"faces\" (64 principal components of the
    public faces, linear and without classes, 64×64) come with Seep; any other name is the path of a file that `save_prior` wrote. `size`
    averages the images down, as `prior(\"faces\", size: 32)` for `dataset(\"faces\", size: 32)`. Fields: `.generator .latent .classes .image_shape .about`;
    `.image_shape` is `[c, h, w]`.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017; Miyato, Koyama, "cGANs with Projection Discriminator", ICLR 2018 ("digits"); Turk, Pentland, "Eigenfaces for Recognition", Journal of Cognitive Neuroscience 1991 ("faces").
    """,
    example: "print(prior(\"digits\").latent, prior(\"faces\", size: 32).image_shape)  # expect: 32 [1, 32, 32]"
  ) { Value(try PriorValue.load($0)) },
  Builtin(
    "generator(path, kind: \"biggan-deep\", truncation: 1.0, size: none, unit: true, upsampling: none)",
    group: "priors",
    """
    A known generator with the weights of a file, as a prior. "biggan-deep" reads safetensors with the names of the published
    checkpoints; `truncation` chooses its statistics. Images are brought to `size` pixels by area averaging, and to 0…1 unless `unit` is false (then
    -1…1). `upsampling` says for each block whether it doubles the image, where the file is not one of the published sizes.

    Source: Brock, Donahue, Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR 2019.
    """,
    example: "try { generator(\"missing.safetensors\") } catch e { print(e.code) }  # expect: file-not-found"
  ) { call in
    _ = try call.choice("kind", of: ["biggan-deep"])
    let path = try call.string("path")
    let upsampling = try call.optionalInts("upsampling").map { $0.map { $0 != 0 } }
    let made = try BigGANDeep.load(path, truncation: call.double("truncation"), upsampling: upsampling)
    let layer = try BigGANDeepLayer(
      made, unitRange: call.bool("unit"), size: call.optionalInt("size"))
    let prior = try Prior(
      Model([layer], key: RandomKey(seed: 0)), latent: made.latent, classes: made.classes,
      provenance: "biggan-deep at truncation \(made.truncation), from \(path)")
    return Value(PriorValue(prior, name: path))
  },
  Builtin(
    "save_prior(generator, path, latent:, classes: none, about: \"\")", group: "priors",
    "Writes a generator as a prior. It takes `[n, latent]`, with one-hot columns for `classes` behind where it has classes.",
    example:
      "let g = dense(4) >> reshape(1, 2, 2)\nsave_prior(g, \"example.safetensors\", latent: 3)\nprint(prior(\"example.safetensors\").image_shape)  # expect: [1, 2, 2]"
  ) { call in
    let made = try Prior(
      model(call, "generator"), latent: call.int("latent", in: 1...1_000_000), classes: call.optionalInt("classes"),
      provenance: call.string("about"))
    try made.save(to: call.string("path"))
    return .none
  },
  Builtin(
    "sample(prior, label: none, count: 1)", group: "priors",
    "Random images, of a class where the prior has classes: `[count, channels, height, width]`.",
    example: "print(sample(prior(\"digits\"), 3, count: 2).shape)  # expect: [2, 1, 28, 28]"
  ) { call in
    let prior = try call.foreign(as: PriorValue.self, "prior", kind: "a prior").prior
    let (count, label) = (try call.int("count", in: 1...1_000_000), try label(call, prior))
    let key = call.session.nextKey(for: "sample")
    let images = try blaming(call, "label") { try prior.samples(count, label: label, key: key) }
    return Value(TensorValue(Variable(images)))
  },
  Builtin(
    "prior_inversion(prior, image, label: none, search: none)", group: "controls",
    "An upper bound for attacks with this prior: its image `[c, h, w]` nearest to the secret one, found by `search` (by default cma_es(budget: 5000)). `label` is needed where the prior has classes.",
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nprint(prior_inversion(prior(\"digits\"), x, label: y, search: cma_es(budget: 100)).shape)  # expect: [1, 28, 28]"
  ) { call in
    let prior = try call.foreign(as: PriorValue.self, "prior", kind: "a prior").prior
    let provider = call["search"].asForeign as? any SearchProvider
    let found = try priorInversion(
      prior, tensorArgument(call, "image").value, label: label(call, prior), search: provider?.search() ?? CMAES(),
      key: call.session.nextKey(for: "inversion"))
    return Value(TensorValue(Variable(found.image)))
  },
]
