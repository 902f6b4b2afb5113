// Priors: trained generators of images.
import Autodiff
import Ground
import Leakage
import Networks
import SeepLanguage
import Tensors

final class PriorValue: Foreign {
  let prior: Prior
  let name: String
  init(_ prior: Prior, name: String) {
    self.prior = prior
    self.name = name
  }

  var typeName: String { "prior" }
  var fieldNames: [String] { ["generator", "latent", "classes", "about", "image_shape"] }
  func display(_ style: DisplayStyle) -> String { "prior(\"\(name)\")" }

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

let priorBuiltins: [Builtin] = [
  Builtin(
    "prior(name)", group: "priors",
    "A trained generator: \"digits\" comes with Seep (class-conditional, 28×28); any other name is the path of a file that `save_prior` wrote.",
    example: "print(prior(\"digits\").latent)  # expect: 32"
  ) { call in
    let name = try call.string("name")
    if name == "digits" { return Value(PriorValue(try .load(Home.path("priors/digits.safetensors")), name: name)) }
    guard name.hasSuffix(".safetensors") else {
      throw call.fault(
        "unknown-option", "there is no prior \"\(name)\"; \"digits\" comes with Seep, and a path ends in .safetensors",
        argument: "name", help: nearestName(to: name, among: ["digits"]).map { "prior(\"\($0)\")" })
    }
    return Value(PriorValue(try .load(name), name: name))
  },
  Builtin(
    "generator(path, kind: \"biggan-deep\", truncation: 1.0, size: none, unit: true, upsampling: none)",
    group: "priors",
    """
    A known generator with the weights of a file, as a prior. \"biggan-deep\" (Brock et al. 2019) reads safetensors with the names of the published
    checkpoints; `truncation` chooses its statistics. Images are brought to `size` pixels by area averaging, and to 0…1 unless `unit` is false (then
    -1…1). `upsampling` says for each block whether it doubles the image, where the file is not one of the published sizes.
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
    "sample(prior, label, count: 1)", group: "priors", "Random images of a class: `[count, channels, height, width]`.",
    example: "print(sample(prior(\"digits\"), 3, count: 2).shape)  # expect: [2, 1, 28, 28]"
  ) { call in
    let prior = try call.foreign(as: PriorValue.self, "prior", kind: "a prior").prior
    let images = try prior.samples(
      call.int("count", in: 1...1_000_000), label: call.int("label"), key: call.session.nextKey(for: "sample"))
    return Value(TensorValue(Variable(images)))
  },
  Builtin(
    "prior_inversion(prior, image, label:, search: none)", group: "controls",
    "An upper bound for attacks with this prior: its image nearest to the secret one, found by `search` (by default cma_es(budget: 5000)).",
    example:
      "let (x, y) = dataset(\"digits\").private[0]\nprint(prior_inversion(prior(\"digits\"), x, label: y, search: cma_es(budget: 100)).shape)  # expect: [1, 28, 28]"
  ) { call in
    let prior = try call.foreign(as: PriorValue.self, "prior", kind: "a prior").prior
    let provider = call["search"].asForeign as? any SearchProvider
    let found = try priorInversion(
      prior, tensorArgument(call, "image").value, label: call.int("label"), search: provider?.search() ?? CMAES(),
      key: call.session.nextKey(for: "inversion"))
    return Value(TensorValue(Variable(found.image)))
  },
]
